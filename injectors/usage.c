#include "usage.h"

#include "base/str.h"

#include <fcntl.h>
#include <unistd.h>

#define CGROUP "/sys/fs/cgroup"

static bool read_text(int root, const char *path, char *dest, size_t size)
{
    auto_fd int fd = rootfs_open(root, path, O_RDONLY, NULL, NULL);
    ssize_t n = fd < 0 ? -1 : read(fd, dest, size - 1);
    dest[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* The number after `name` and a blank at the start of a line; a file that is only a number where name is "". */
static bool read_number(int root, const char *path, const char *name, int64_t *ret)
{
    char text[8192];
    if (!read_text(root, path, text, sizeof text))
        return false;
    size_t n = strlen(name);
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
        if (strncmp(line, name, n) == 0 && (n == 0 || line[n] == ' '))
            return str_to_i64(line + n + (n > 0), 0, INT64_MAX, ret);
    return false;
}

static void node_limits(struct usage *u)
{
    u->cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
    u->memory_limit = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

static bool read_v2(int root, struct usage *u)
{
    int64_t inactive = 0, limit;
    char text[128];
    if (!read_number(root, CGROUP "/cpu.stat", "usage_usec", &u->cpu_usec) ||
        !read_number(root, CGROUP "/memory.current", "", &u->memory))
        return false;
    read_number(root, CGROUP "/memory.stat", "inactive_file", &inactive);
    u->memory = u->memory > inactive ? u->memory - inactive : 0;
    if (read_number(root, CGROUP "/memory.max", "", &limit) && limit < u->memory_limit) /* or "max" */
        u->memory_limit = limit;
    char *rest = text;
    int64_t quota, period;
    if (read_text(root, CGROUP "/cpu.max", text, sizeof text) && str_to_i64(strsep(&rest, " "), 1, INT64_MAX, &quota) && rest) {
        rest[strcspn(rest, "\n")] = '\0';
        if (str_to_i64(rest, 1, INT64_MAX, &period))
            u->cores = (double)quota / (double)period;
    }
    u->source = "cgroup v2";
    return true;
}

static bool read_v1(int root, struct usage *u)
{
    int64_t nanoseconds, inactive = 0, limit, quota, period;
    if (!read_number(root, CGROUP "/cpuacct/cpuacct.usage", "", &nanoseconds) ||
        !read_number(root, CGROUP "/memory/memory.usage_in_bytes", "", &u->memory))
        return false;
    read_number(root, CGROUP "/memory/memory.stat", "total_inactive_file", &inactive);
    u->cpu_usec = nanoseconds / 1000;
    u->memory = u->memory > inactive ? u->memory - inactive : 0;
    if (read_number(root, CGROUP "/memory/memory.limit_in_bytes", "", &limit) && limit < u->memory_limit)
        u->memory_limit = limit;
    if (read_number(root, CGROUP "/cpu/cpu.cfs_quota_us", "", &quota) && quota > 0 && /* -1: none */
        read_number(root, CGROUP "/cpu/cpu.cfs_period_us", "", &period) && period > 0)
        u->cores = (double)quota / (double)period;
    u->source = "cgroup v1";
    return true;
}

int usage_read(const struct target *t, struct usage *ret_usage, struct error *err)
{
    struct usage u = {.at = time_monotonic()};
    node_limits(&u);
    auto_fd int root = target_root(t, err);
    if (root < 0)
        return -1;
    /* Locally the cgroup seen is not the target's alone. */
    if (target_is_local(t) || (!read_v2(root, &u) && !read_v1(root, &u))) {
        auto_process_set struct process_set set = {0};
        if (target_processes(t, NULL, &set, err) < 0)
            return -1;
        u.cpu_usec = u.memory = 0;
        for (size_t i = 0; i < set.count; i++) {
            u.cpu_usec += (int64_t)(set.items[i].ticks * (uint64_t)USEC_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
            u.memory += (int64_t)set.items[i].pages * sysconf(_SC_PAGESIZE);
        }
        u.source = "processes";
    }
    *ret_usage = u;
    return 0;
}

#include "process.h"

#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void process_set_add(struct process_set *s, const struct process *p)
{
    if (s->count >= PROCESS_SET_MAX)
        return;
    if ((s->count & (s->count - 1)) == 0)
        s->items = mem_resize(s->items, s->count ? s->count * 2 : 1, sizeof *s->items);
    s->items[s->count++] = *p;
}

const struct process *process_set_find(const struct process_set *s, pid_t pid, uint64_t start)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].pid == pid && s->items[i].start == start)
            return &s->items[i];
    return NULL;
}

static int by_start(const void *a, const void *b)
{
    const struct process *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->pid < y->pid ? -1 : x->pid > y->pid;
}

void process_set_sort(struct process_set *s)
{
    if (s->count)
        qsort(s->items, s->count, sizeof *s->items, by_start);
}

void process_set_done(struct process_set *s)
{
    free(s->items);
    *s = (struct process_set){0};
}

json_t *process_set_pids(const struct process_set *s)
{
    json_t *pids = json_array();
    for (size_t i = 0; i < s->count; i++)
        json_array_append_new(pids, json_integer(s->items[i].pid));
    return pids;
}

static bool read_small(pid_t pid, const char *name, char *dest, size_t size, size_t *ret_length)
{
    char path[64];
    str_format(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, dest, size - 1);
    if (n < 0)
        return false;
    dest[n] = '\0';
    *ret_length = (size_t)n;
    return true;
}

bool process_read(pid_t pid, struct process *ret_process)
{
    char line[1024];
    size_t n;
    if (!read_small(pid, "stat", line, sizeof line, &n))
        return false;
    const char *rest = strrchr(line, ')'); /* the name may hold anything, ")" included: proc(5) */
    long parent;
    unsigned long user, kernel;
    unsigned long long start;
    long pages;
    char state;
    if (!rest || sscanf(rest + 1, " %c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %llu %*u %ld",
                        &state, &parent, &user, &kernel, &start, &pages) != 6)
        return false;
    *ret_process = (struct process){.pid = pid,
                                    .parent = (pid_t)parent,
                                    .start = start,
                                    .state = state,
                                    .ticks = user + kernel,
                                    .pages = pages > 0 ? (uint64_t)pages : 0};
    return true;
}

bool process_command(pid_t pid, struct buf *ret_command)
{
    char line[PROCESS_COMMAND_MAX];
    size_t n;
    if (!read_small(pid, "cmdline", line, sizeof line, &n) || n == 0)
        return false;
    while (n > 0 && line[n - 1] == '\0')
        n--;
    for (size_t i = 0; i < n; i++)
        if (line[i] == '\0')
            line[i] = ' ';
    buf_reset(ret_command);
    return n > 0 && buf_append(ret_command, line, n);
}

bool process_alive(pid_t pid, uint64_t start)
{
    struct process p;
    return process_read(pid, &p) && p.start == start && p.state != 'Z' && p.state != 'X';
}

usec_t process_age(const struct process *p)
{
    struct timespec now; /* start times count from boot, suspended time included (proc(5)) */
    clock_gettime(CLOCK_BOOTTIME, &now);
    usec_t boot = now.tv_sec * USEC_SEC + now.tv_nsec / 1000;
    return usec_max(boot - (usec_t)(p->start * (uint64_t)USEC_SEC / (uint64_t)sysconf(_SC_CLK_TCK)), 0);
}

int process_open(pid_t pid, uint64_t start)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0 && !process_alive(pid, start)) {
        close(fd);
        return -1;
    }
    return fd;
}

int process_signal(pid_t pid, uint64_t start, int signal_number, struct error *err)
{
    auto_fd int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (!process_alive(pid, start))
        return error_set(err, ERROR_NOT_FOUND, "process %d is gone", (int)pid);
    int rc = fd >= 0 ? (int)syscall(SYS_pidfd_send_signal, fd, signal_number, NULL, 0) : -1;
    if (rc < 0 && (fd < 0 || errno == ENOSYS))
        rc = kill(pid, signal_number);
    if (rc < 0 && errno == ESRCH)
        return error_set(err, ERROR_NOT_FOUND, "process %d is gone", (int)pid);
    return rc < 0 ? error_errno(err, errno, "send SIG%d to process %d", signal_number, (int)pid) : 0;
}

int process_list(struct process_set *ret_set, struct error *err)
{
    DIR *dir = opendir("/proc");
    if (!dir)
        return error_errno(err, errno, "list /proc");
    for (const struct dirent *entry; (entry = readdir(dir));) {
        int64_t pid;
        struct process p;
        if (str_to_i64(entry->d_name, 1, INT32_MAX, &pid) && process_read((pid_t)pid, &p))
            process_set_add(ret_set, &p);
    }
    closedir(dir);
    process_set_sort(ret_set);
    return 0;
}

int match_init(struct match *m, const char *field, const char *text, struct refusal *r)
{
    *m = (struct match){0};
    size_t n = strlen(text);
    if (n == 0 || n > 1024)
        return refusal_text(r, field, text,
                            "%s wants 1 to 1024 characters: a part of the command line, or \"/regular expression/\"", field);
    m->is_regex = n > 2 && text[0] == '/' && text[n - 1] == '/';
    m->text = m->is_regex ? mem_strndup(text + 1, n - 2) : mem_strdup(text);
    if (!m->is_regex)
        return 0;
    int rc = regcomp(&m->regex, m->text, REG_EXTENDED | REG_NOSUB);
    if (rc == 0)
        return 0;
    char why[128];
    regerror(rc, &m->regex, why, sizeof why);
    free(m->text);
    *m = (struct match){0};
    return refusal_text(r, field, text, "%s is no extended regular expression: %s", field, why);
}

void match_done(struct match *m)
{
    if (m->is_regex)
        regfree(&m->regex);
    free(m->text);
    *m = (struct match){0};
}

bool match_command(const struct match *m, const char *command)
{
    return m->is_regex ? regexec(&m->regex, command, 0, NULL, 0) == 0 : strstr(command, m->text) != NULL;
}

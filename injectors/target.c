#include "target.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int target_init(struct target *t, const char *dir, const char *local_root, struct error *err)
{
    *t = (struct target){0};
    struct stat st;
    if (!str_copy(t->dir, sizeof t->dir, dir) || (local_root && !str_copy(t->root, sizeof t->root, local_root)))
        return error_set(err, ERROR_INVALID, "a directory name is longer than %d bytes", TARGET_DIR_MAX - 1);
    if (stat(dir, &st) < 0)
        return error_errno(err, errno, "%s", dir);
    t->dir_device = st.st_dev;
    t->dir_inode = st.st_ino;
    if (stat("/proc/self/exe", &st) == 0) {
        t->binary_device = st.st_dev;
        t->binary_inode[0] = st.st_ino;
    }
    char copy[TARGET_DIR_MAX + 32];
    if (str_format(copy, sizeof copy, "%s/bin/drill-injector", dir) && stat(copy, &st) == 0) {
        t->binary_device2 = st.st_dev;
        t->binary_inode[1] = st.st_ino;
    }
    ssize_t n = readlink("/proc/self/ns/mnt", t->mount_namespace, sizeof t->mount_namespace - 1);
    return n < 0 ? error_errno(err, errno, "read our mount namespace") : 0;
}

bool target_is_local(const struct target *t)
{
    return t->root[0] != '\0';
}

static bool is_ours(const struct target *t, pid_t pid)
{
    char path[64];
    struct stat st;
    if (pid == getpid())
        return true;
    str_format(path, sizeof path, "/proc/%d/exe", (int)pid);
    if (stat(path, &st) < 0)
        return false;
    return (st.st_dev == t->binary_device && st.st_ino == t->binary_inode[0]) ||
           (t->binary_inode[1] && st.st_dev == t->binary_device2 && st.st_ino == t->binary_inode[1]);
}

static bool is_in_target(const struct target *t, pid_t pid)
{
    char path[TARGET_DIR_MAX + 64], link[64] = "";
    struct stat st;
    if (pid == 1)
        return false;
    if (target_is_local(t)) {
        str_format(path, sizeof path, "/proc/%d", (int)pid);
        return stat(path, &st) == 0 && st.st_uid == geteuid();
    }
    str_format(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
    if (readlink(path, link, sizeof link - 1) < 0 || str_equal(link, t->mount_namespace))
        return false;
    str_format(path, sizeof path, "/proc/%d/root%s", (int)pid, t->dir);
    return stat(path, &st) == 0 && st.st_dev == t->dir_device && st.st_ino == t->dir_inode;
}

/* `all` is ordered by start, so a parent comes before its children and one pass finds all descendants. In a tie the parent is looked
 * for again, which costs nothing. */
static bool descends_from_us(const struct process_set *all, const bool *ours, size_t index)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].pid == all->items[index].parent)
            return ours[i];
    return false;
}

int target_processes(const struct target *t, const struct match *m, struct process_set *ret_set, struct error *err)
{
    auto_process_set struct process_set all = {0};
    auto_buf struct buf command;
    buf_init(&command, PROCESS_COMMAND_MAX);
    if (process_list(&all, err) < 0)
        return -1;
    auto_free bool *ours = mem_array(all.count + 1, sizeof *ours);
    /* At a prompt: not the shell, sudo or script that we were started from, either; its command line has the match in it. */
    for (pid_t up = target_is_local(t) ? getppid() : 0; up > 1;) {
        pid_t parent = 0;
        for (size_t i = 0; i < all.count; i++)
            if (all.items[i].pid == up) {
                all.items[i].state = 'X';
                parent = all.items[i].parent;
            }
        up = parent;
    }
    for (size_t i = 0; i < all.count; i++) {
        const struct process *p = &all.items[i];
        ours[i] = is_ours(t, p->pid) || descends_from_us(&all, ours, i);
        if (ours[i] || p->state == 'Z' || p->state == 'X' || !is_in_target(t, p->pid))
            continue;
        if (process_command(p->pid, &command) && (!m || match_command(m, buf_str(&command))))
            process_set_add(ret_set, p);
    }
    return 0;
}

int target_first(const struct target *t, struct process *ret_process, struct error *err)
{
    auto_process_set struct process_set set = {0};
    if (target_processes(t, NULL, &set, err) < 0)
        return -1;
    if (set.count == 0)
        return error_set(err, ERROR_NOT_FOUND,
                         "no process of the target runs (it is found by its mount of this very directory at %s, as the same user)",
                         t->dir);
    *ret_process = set.items[0];
    return 0;
}

bool target_is_hidden(const struct target *t, uid_t *ret_uid)
{
    auto_process_set struct process_set all = {0};
    if (target_is_local(t) || process_list(&all, NULL) < 0)
        return false;
    for (size_t i = 0; i < all.count; i++) {
        char path[64], link[64];
        struct stat st;
        str_format(path, sizeof path, "/proc/%d", (int)all.items[i].pid);
        if (all.items[i].pid == 1 || stat(path, &st) < 0 || st.st_uid == geteuid())
            continue;
        str_format(path, sizeof path, "/proc/%d/ns/mnt", (int)all.items[i].pid);
        if (readlink(path, link, sizeof link) < 0 && (errno == EACCES || errno == EPERM)) {
            *ret_uid = st.st_uid;
            return true;
        }
    }
    return false;
}

int target_root(const struct target *t, struct error *err)
{
    char path[TARGET_DIR_MAX + 64];
    if (target_is_local(t)) {
        str_copy(path, sizeof path, t->root);
    } else {
        struct process first = {0};
        if (target_first(t, &first, err) < 0)
            return -1;
        str_format(path, sizeof path, "/proc/%d/root", (int)first.pid);
    }
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? error_errno(err, errno, "%s", path) : fd;
}

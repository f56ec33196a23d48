#include "rootfs.h"

#include "base/list.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEPTH_MAX 128
#define LINKS_MAX 40 /* the kernel's own MAXSYMLINKS: path_resolution(7) */

static int fail(const char *path, struct error *err)
{
    if (errno == ELOOP || errno == ENAMETOOLONG || errno == ENOTDIR)
        return error_set(err, errno == ENOTDIR ? ERROR_NOT_FOUND : ERROR_INVALID, "%s: %s", path, strerror(errno));
    return error_errno(err, errno, "%s", path);
}

struct walk {
    int stack[DEPTH_MAX]; /* stack[0] is the root and borrowed */
    int depth;
    int links;
    char rest[8192];
};

static void walk_up(struct walk *w, int to)
{
    while (w->depth > to)
        close(w->stack[w->depth--]);
}

/* Puts the link's text in front of what is still to go. */
static bool walk_link(struct walk *w, int link, const char *rest)
{
    char text[4096];
    ssize_t n = readlinkat(link, "", text, sizeof text - 1);
    if (n < 0)
        return false;
    text[n] = '\0';
    if (++w->links > LINKS_MAX) {
        errno = ELOOP;
        return false;
    }
    if (text[0] == '/')
        walk_up(w, 0);
    auto_free char *joined = mem_printf("%s/%s", text, rest);
    errno = ENAMETOOLONG;
    return str_copy(w->rest, sizeof w->rest, joined);
}

static bool walk_step(struct walk *w)
{
    char *start = w->rest + strspn(w->rest, "/");
    size_t n = strcspn(start, "/");
    auto_free char *part = mem_strndup(start, n);
    auto_free char *rest = mem_strdup(start + n);
    if (n == 0 || str_equal(part, ".")) {
        str_copy(w->rest, sizeof w->rest, rest);
        return true;
    }
    if (str_equal(part, "..")) {
        walk_up(w, w->depth > 0 ? w->depth - 1 : 0);
        str_copy(w->rest, sizeof w->rest, rest);
        return true;
    }
    int fd = openat(w->stack[w->depth], part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return false;
    if (S_ISLNK(st.st_mode)) {
        bool followed = walk_link(w, fd, rest);
        fd_close_cleanup(&fd);
        return followed;
    }
    if (w->depth + 1 >= DEPTH_MAX) {
        close(fd);
        errno = ENAMETOOLONG;
        return false;
    }
    w->stack[++w->depth] = fd;
    str_copy(w->rest, sizeof w->rest, rest);
    return true;
}

int rootfs_find_by_hand(int root, const char *path, struct error *err)
{
    struct walk *w = mem_new(struct walk);
    w->stack[0] = root;
    int found = -1;
    errno = ENAMETOOLONG;
    bool good = str_copy(w->rest, sizeof w->rest, path);
    while (good && w->rest[0])
        good = walk_step(w);
    if (good)
        found = w->depth ? dup(w->stack[w->depth]) : openat(root, ".", O_PATH | O_CLOEXEC);
    int saved = errno;
    walk_up(w, 0);
    free(w);
    errno = saved;
    if (found >= 0)
        fcntl(found, F_SETFD, FD_CLOEXEC);
    return found < 0 ? fail(path, err) : found;
}

int rootfs_find(int root, const char *path, struct error *err)
{
    static bool unavailable;
    if (unavailable)
        return rootfs_find_by_hand(root, path, err);
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0)
        return fd;
    if (errno == EAGAIN) /* a rename or mount raced with "..": openat2(2) */
        return rootfs_find_by_hand(root, path, err);
    if (errno == ENOSYS || errno == EPERM) { /* an old kernel; a seccomp profile that does not know it answers EPERM */
        unavailable = true;
        return rootfs_find_by_hand(root, path, err);
    }
    return fail(path, err);
}

int rootfs_reopen(int found, int flags, struct error *err)
{
    char self[64];
    str_format(self, sizeof self, "/proc/self/fd/%d", found);
    int fd = open(self, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return fd < 0 ? error_errno(err, errno, "open") : fd;
}

int rootfs_open(int root, const char *path, int flags, struct stat *ret_status, struct error *err)
{
    auto_fd int found = rootfs_find(root, path, err);
    if (found < 0)
        return -1;
    struct stat st;
    if (fstat(found, &st) < 0)
        return error_errno(err, errno, "%s", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_INVALID, "%s is not a regular file", path);
    int fd = rootfs_reopen(found, flags, err);
    if (fd < 0)
        return error_wrap(err, "%s", path);
    if (ret_status)
        *ret_status = st;
    return fd;
}

int rootfs_stat(int root, const char *path, struct stat *ret_status, struct error *err)
{
    auto_fd int found = rootfs_find(root, path, err);
    if (found < 0)
        return -1;
    return fstat(found, ret_status) < 0 ? error_errno(err, errno, "%s", path) : 0;
}

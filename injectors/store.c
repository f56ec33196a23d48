#include "store.h"

#include "base/str.h"
#include "crash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int store_open(const char *parent, const char *name, struct error *err)
{
    auto_free char *path = mem_printf("%s/%s", parent, name);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return error_errno(err, errno, "make %s", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? error_errno(err, errno, "open %s", path) : fd;
}

static int write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno != EINTR)
            return -1;
        if (done > 0) {
            bytes += done;
            n -= (size_t)done;
        }
    }
    return 0;
}

int store_write(int dir, const char *name, const void *bytes, size_t n, bool durable, struct error *err)
{
    char temporary[300];
    str_format(temporary, sizeof temporary, ".%s.new", name);
    crash_point();
    auto_fd int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_errno(err, errno, "create %s", temporary);
    /* Synced in any case: a rename may reach the disk before the bytes, and would leave nothing where a durable record was. */
    if (write_all(fd, bytes, n) < 0 || fdatasync(fd) < 0) {
        int saved = errno;
        unlinkat(dir, temporary, 0);
        return error_errno(err, saved, "write %s", temporary);
    }
    crash_point();
    if (renameat(dir, temporary, dir, name) < 0)
        return error_errno(err, errno, "rename %s", temporary);
    crash_point();
    return durable && fsync(dir) < 0 ? error_errno(err, errno, "sync the folder of %s", name) : 0;
}

int store_write_json(int dir, const char *name, const json_t *value, bool durable, struct error *err)
{
    auto_free char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text)
        return error_set(err, ERROR_INTERNAL, "%s cannot be written as JSON", name);
    return store_write(dir, name, text, strlen(text), durable, err);
}

int store_read(int dir, const char *name, struct buf *ret_bytes, struct error *err)
{
    auto_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return error_errno(err, errno, "%s", name);
    buf_reset(ret_bytes);
    char piece[16384];
    for (;;) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, errno, "read %s", name);
        if (n == 0)
            return 0;
        if (!buf_append(ret_bytes, piece, (size_t)n))
            return error_set(err, ERROR_INVALID, "%s is longer than %zu bytes", name, ret_bytes->max);
    }
}

json_t *store_read_json(int dir, const char *name, size_t max, struct error *err)
{
    auto_buf struct buf bytes;
    buf_init(&bytes, max);
    if (store_read(dir, name, &bytes, err) < 0)
        return NULL;
    json_error_t where;
    json_t *value = json_loadb(buf_str(&bytes), bytes.len, JSON_REJECT_DUPLICATES, &where);
    if (!value)
        error_set(err, ERROR_INVALID, "%s is no JSON: %s", name, where.text);
    return value;
}

int store_remove(int dir, const char *name)
{
    return unlinkat(dir, name, 0);
}

int store_list(int dir, struct strlist *ret_names, struct error *err)
{
    int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    if (!d) {
        fd_close_cleanup(&copy);
        return error_errno(err, errno, "list a folder");
    }
    for (const struct dirent *entry; (entry = readdir(d));) {
        if (entry->d_name[0] != '.')
            strlist_add(ret_names, entry->d_name);
        else if (str_ends(entry->d_name, ".new"))
            unlinkat(dir, entry->d_name, 0);
    }
    closedir(d);
    return 0;
}

void store_prune(int dir, size_t keep)
{
    auto_strlist struct strlist names = {0};
    if (store_list(dir, &names, NULL) < 0)
        return;
    for (size_t left = names.count; left > keep; left--) {
        size_t oldest = SIZE_MAX;
        struct stat oldest_status = {0};
        for (size_t i = 0; i < names.count; i++) {
            struct stat st;
            if (!names.items[i][0] || fstatat(dir, names.items[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
                continue;
            bool older = st.st_mtim.tv_sec < oldest_status.st_mtim.tv_sec ||
                         (st.st_mtim.tv_sec == oldest_status.st_mtim.tv_sec && st.st_mtim.tv_nsec < oldest_status.st_mtim.tv_nsec);
            if (oldest == SIZE_MAX || older) {
                oldest = i;
                oldest_status = st;
            }
        }
        if (oldest == SIZE_MAX)
            return;
        unlinkat(dir, names.items[oldest], 0);
        names.items[oldest][0] = '\0';
    }
}

void store_name(const char *id, char ret_name[STORE_NAME_SIZE])
{
    char hex[SHA256_HEX_SIZE];
    sha256_hex(id, strlen(id), hex);
    str_format(ret_name, STORE_NAME_SIZE, "%.32s.json", hex);
}

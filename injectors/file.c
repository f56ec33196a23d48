#include "file.h"

#include "base/str.h"
#include "crash.h"
#include "rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int file_read_range(int fd, int64_t offset, size_t n, char **ret_bytes, struct error *err)
{
    auto_free char *bytes = mem_alloc(n + 1);
    for (size_t got = 0; got < n;) {
        ssize_t part = pread(fd, bytes + got, n - got, (off_t)(offset + (int64_t)got));
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return error_errno(err, errno, "read");
        if (part == 0)
            return error_set(err, ERROR_INVALID, "the file ends at byte %lld", (long long)offset + (long long)got);
        got += (size_t)part;
    }
    *ret_bytes = mem_take(bytes);
    return 0;
}

int file_read_all(int fd, size_t max, char **ret_bytes, size_t *ret_length, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return error_errno(err, errno, "stat");
    if (st.st_size > (off_t)max)
        return error_set(err, ERROR_INVALID, "the file has %lld bytes; at most %zu are taken", (long long)st.st_size, max);
    *ret_length = (size_t)st.st_size;
    return file_read_range(fd, 0, (size_t)st.st_size, ret_bytes, err);
}

int file_digest(int fd, char ret_hex[SHA256_HEX_SIZE], struct error *err)
{
    struct sha256 sha;
    sha256_init(&sha);
    enum { PIECE = 256 * 1024 };
    auto_free char *piece = mem_alloc(PIECE);
    for (off_t at = 0;;) {
        ssize_t n = pread(fd, piece, PIECE, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, errno, "read");
        if (n == 0)
            break;
        sha256_update(&sha, piece, (size_t)n);
        at += n;
    }
    sha256_finish(&sha, ret_hex);
    return 0;
}

int file_write_range(int fd, int64_t offset, const char *bytes, size_t n, int64_t size, struct error *err)
{
    crash_point();
    for (size_t done = 0; done < n;) {
        size_t piece = n - done;
#ifdef CRASH_WRITE_PIECE
        piece = piece > CRASH_WRITE_PIECE && done < 4 * CRASH_WRITE_PIECE ? CRASH_WRITE_PIECE : piece;
#endif
        ssize_t part = pwrite(fd, bytes + done, piece, (off_t)(offset + (int64_t)done));
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return error_errno(err, errno, "write");
        done += (size_t)part;
        crash_point();
    }
    if (size >= 0 && ftruncate(fd, (off_t)size) < 0)
        return error_errno(err, errno, "set the length");
    crash_point();
    return 0;
}

int file_open_for_writing(int found, struct error *err)
{
    struct error why = {0};
    int fd = rootfs_reopen(found, O_RDWR, &why);
    if (fd >= 0)
        return fd;
    struct stat st;
    char self[64];
    str_format(self, sizeof self, "/proc/self/fd/%d", found);
    if (why.class == ERROR_FORBIDDEN && fstat(found, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & S_IWUSR)) {
        crash_point();
        if (chmod(self, (st.st_mode & 07777) | S_IWUSR) == 0) {
            crash_point();
            fd = rootfs_reopen(found, O_RDWR, &why);
            chmod(self, st.st_mode & 07777);
            crash_point();
        }
    }
    if (fd < 0 && err)
        *err = why;
    return fd;
}

int file_set_times(int fd, const struct stat *st)
{
    const struct timespec times[2] = {st->st_atim, st->st_mtim};
    return futimens(fd, times);
}

#include "kube/file.h"

#include "base/buf.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int file_read(const char *path, size_t max, char **ret_text, struct error *err)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return error_errno(err, errno, "%s", path);
    auto_buf struct buf b;
    buf_init(&b, max);
    for (;;) {
        char piece[4096];
        ssize_t n = read(fd, piece, sizeof(piece));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, errno, "%s", path);
        if (n == 0)
            break;
        if (memchr(piece, '\0', (size_t)n))
            return error_set(err, ERROR_INVALID, "%s: is not a text", path);
        if (!buf_append(&b, piece, (size_t)n))
            return error_set(err, ERROR_INVALID, "%s: is longer than %zu bytes", path, max);
    }
    *ret_text = buf_take(&b);
    return 0;
}

int file_read_token(const char *path, char **ret_token, struct error *err)
{
    auto_free char *text = NULL;
    if (file_read(path, FILE_SECRET_MAX, &text, err) < 0)
        return -1;
    char *begin = text, *end = text + strlen(text);
    while (isspace((unsigned char)*begin))
        begin++;
    while (end > begin && isspace((unsigned char)end[-1]))
        end--;
    *end = '\0';
    if (begin == end)
        return error_set(err, ERROR_INVALID, "%s: is empty; a token is expected", path);
    for (const char *c = begin; *c; c++)
        if (!isgraph((unsigned char)*c))
            return error_set(err, ERROR_INVALID, "%s: is not a token: there are blanks or control characters inside", path);
    *ret_token = mem_strdup(begin);
    return 0;
}

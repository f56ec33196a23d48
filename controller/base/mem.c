#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void *checked(void *p)
{
    if (!p) {
        static const char text[] = "out of memory\n";
        ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);
        (void)written;
        abort();
    }
    return p;
}

void *mem_alloc(size_t size)
{
    return checked(calloc(1, size ? size : 1));
}

void *mem_array(size_t count, size_t size)
{
    if (count == 0 || size == 0)
        return mem_alloc(0);
    return checked(calloc(count, size));
}

void *mem_resize(void *p, size_t count, size_t size)
{
    /* realloc(p, 0) may free p and give NULL (C17 7.22.3.5 leaves it open). */
    if (count == 0 || size == 0)
        count = size = 1;
    return checked(reallocarray(p, count, size));
}

void *mem_room(void *p, size_t count, size_t size)
{
    bool full = count == 0 || (count & (count - 1)) == 0;
    return full ? mem_resize(p, count ? 2 * count : 1, size) : p;
}

char *mem_strdup(const char *s)
{
    return s ? checked(strdup(s)) : NULL;
}

char *mem_strndup(const char *s, size_t n)
{
    return s ? checked(strndup(s, n)) : NULL;
}

char *mem_printf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    return checked(n < 0 ? NULL : text);
}

void fd_close_cleanup(int *fd)
{
    int saved = errno;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}

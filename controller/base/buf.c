#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BUF_FIRST_CAP 64

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_done(struct buf *b)
{
    free(b->data);
    *b = (struct buf){.max = b->max};
}

/* Makes room for n more bytes and the NUL, or marks the buffer as overflowed. cap counts the NUL. */
static bool make_room(struct buf *b, size_t n)
{
    if (b->overflowed || n > b->max - b->len) {
        b->overflowed = true;
        return false;
    }
    size_t need = b->len + n + 1;
    if (need <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : BUF_FIRST_CAP;
    while (cap < need && cap <= SIZE_MAX / 2)
        cap *= 2;
    if (cap < need)
        cap = need;
    if (cap - 1 > b->max)
        cap = b->max + 1;
    b->data = mem_resize(b->data, cap, 1);
    b->cap = cap;
    b->data[b->len] = '\0';
    return true;
}

bool buf_append(struct buf *b, const void *bytes, size_t n)
{
    if (n == 0)
        return !b->overflowed;
    if (!make_room(b, n))
        return false;
    memcpy(b->data + b->len, bytes, n);
    b->len += n;
    b->data[b->len] = '\0';
    return true;
}

bool buf_append_str(struct buf *b, const char *s)
{
    return buf_append(b, s, s ? strlen(s) : 0);
}

bool buf_append_char(struct buf *b, char c)
{
    return buf_append(b, &c, 1);
}

bool buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    bool room = n >= 0 && make_room(b, (size_t)n);
    if (room) {
        vsnprintf(b->data + b->len, (size_t)n + 1, format, again);
        b->len += (size_t)n;
    }
    va_end(again);
    return room;
}

void buf_consume(struct buf *b, size_t n)
{
    if (n > b->len)
        n = b->len;
    if (n == 0)
        return;
    memmove(b->data, b->data + n, b->len - n + 1);
    b->len -= n;
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->overflowed = false;
    if (b->data)
        b->data[0] = '\0';
}

void buf_shrink(struct buf *b)
{
    if (b->len == 0) {
        free(b->data);
        b->data = NULL;
        b->cap = 0;
    } else if (b->cap > b->len + 1) {
        b->cap = b->len + 1;
        b->data = mem_resize(b->data, b->cap, 1);
    }
}

const char *buf_str(const struct buf *b)
{
    return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
    char *s = b->data ? b->data : mem_strdup("");
    b->data = NULL;
    b->len = b->cap = 0;
    return s;
}

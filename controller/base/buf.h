/* base/buf.h — a growing byte buffer that is born with a maximum.
 *
 * A buffer that would grow past its maximum refuses (returns false), drops nothing that is in it, and stays "overflowed" until
 * buf_reset(), so that a series of appends can be checked once at the end. The bytes are always followed by a NUL. */
#pragma once

#include "base/mem.h"

struct buf {
    char *data; /* NULL while empty and never grown; else NUL terminated */
    size_t len; /* bytes in use, the NUL not counted */
    size_t cap;
    size_t max; /* most bytes it may ever hold */
    bool overflowed;
};

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b); /* frees; a zeroed or done buffer is fine */
#define auto_buf __attribute__((cleanup(buf_done)))

bool buf_append(struct buf *b, const void *bytes, size_t n);
bool buf_append_str(struct buf *b, const char *s);
bool buf_append_char(struct buf *b, char c);
bool buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_consume(struct buf *b, size_t n); /* drops the first n bytes (n <= len) */
void buf_reset(struct buf *b);             /* empty, not overflowed; keeps the memory */
void buf_shrink(struct buf *b);            /* gives unused memory back */
const char *buf_str(const struct buf *b);  /* never NULL */
char *buf_take(struct buf *b);             /* the caller owns the string (never NULL); the buffer is empty again */

#include "kube/json_reader.h"

#include "base/buf.h"

#include <ctype.h>
#include <string.h>

#define FLAGS       (JSON_ALLOW_NUL | JSON_DECODE_ANY)
#define DEPTH_MAX   1000 /* of jansson's 2048; what we look at lies within 20 */
#define INTEGER_MAX 18   /* digits that always fit into 64 bits */

struct reader {
    const char *at, *end;
    struct buf out;
    size_t depth;
    bool object[DEPTH_MAX]; /* at each depth: an object, not an array */
    bool key;               /* the next string is one */
};

/* Copies the string that begins here; U+0000 in a key is replaced. */
static void copy_string(struct reader *r, bool write)
{
    const char *from = r->at++;
    bool key = r->key && r->depth && r->depth <= DEPTH_MAX && r->object[r->depth - 1];
    while (r->at < r->end && *r->at != '"') {
        size_t left = (size_t)(r->end - r->at);
        if (key && write && left >= 6 && memcmp(r->at, "\\u0000", 6) == 0) {
            buf_append(&r->out, from, (size_t)(r->at - from));
            buf_append(&r->out, "\\ufffd", 6);
            r->at += 6;
            from = r->at;
        } else
            r->at += *r->at == '\\' && left > 1 ? 2 : 1;
    }
    r->at += r->at < r->end;
    if (write)
        buf_append(&r->out, from, (size_t)(r->at - from));
}

/* A number, true, false or null; blanks too. */
static void copy_word(struct reader *r, bool write)
{
    const char *from = r->at;
    size_t digits = 0;
    bool real = false;
    for (; r->at < r->end && !strchr("\"{}[],:", *r->at); r->at++) {
        digits += isdigit((unsigned char)*r->at) != 0;
        real |= *r->at == '.' || *r->at == 'e' || *r->at == 'E';
    }
    if (!write)
        return;
    size_t n = (size_t)(r->at - from);
    while (n && isspace((unsigned char)from[n - 1]))
        n--;
    buf_append(&r->out, from, n);
    if (digits > INTEGER_MAX && !real)
        buf_append(&r->out, ".0", 2);
}

static void copy_mark(struct reader *r)
{
    char c = *r->at++;
    bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
    r->depth -= closes && r->depth;
    if (opens && r->depth == DEPTH_MAX)
        buf_append(&r->out, "null", 4);
    else if (r->depth < DEPTH_MAX || (r->depth == DEPTH_MAX && !closes))
        buf_append(&r->out, &c, 1);
    if (opens && r->depth < DEPTH_MAX)
        r->object[r->depth] = c == '{';
    r->depth += opens;
    r->key = c == '{' || c == ',';
}

static json_t *load_changed(const char *bytes, size_t n)
{
    struct reader r = {.at = bytes, .end = bytes + n};
    buf_init(&r.out, 2 * n + 16);
    while (r.at < r.end) {
        bool write = r.depth <= DEPTH_MAX;
        if (*r.at == '"')
            copy_string(&r, write);
        else if (strchr("{}[],:", *r.at) && *r.at)
            copy_mark(&r);
        else if (*r.at)
            copy_word(&r, write);
        else
            break; /* a bare NUL is not JSON */
    }
    json_t *value = r.at == r.end ? json_loadb(buf_str(&r.out), r.out.len, FLAGS, NULL) : NULL;
    buf_done(&r.out);
    return value;
}

json_t *json_reader_load(const char *bytes, size_t n)
{
    json_t *value = json_loadb(bytes, n, FLAGS, NULL);
    return value ? value : load_changed(bytes, n);
}

#include "base/log.h"

#include "base/rfc3339.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_LINE_MAX 8192

static struct {
    enum log_level level;
    int fd;
    usec_t (*wall)(void);
} output = {.level = LOG_INFO, .fd = STDERR_FILENO, .wall = time_wall};

/* What a line that was too long ends in. Each append leaves this much room. */
static const char cut_value[] = "…\"";
static const char cut_line[] = ",\"truncated\":true}\n";
#define TAIL_ROOM (sizeof(cut_value) + sizeof(cut_line))

struct line {
    char text[LOG_LINE_MAX];
    size_t used;
    bool cut;
};

static size_t room(const struct line *l)
{
    size_t limit = sizeof(l->text) - TAIL_ROOM;
    return l->used < limit ? limit - l->used : 0; /* a closing quote may stand beyond the limit */
}

static bool append(struct line *l, const char *text, size_t n)
{
    if (n > room(l))
        return false;
    memcpy(l->text + l->used, text, n);
    l->used += n;
    return true;
}

static void append_tail(struct line *l, const char *text)
{
    size_t n = strlen(text);
    memcpy(l->text + l->used, text, n);
    l->used += n;
}

/* The length of the UTF-8 character that s begins with (RFC 3629, table in section 4); 0: there is none. */
static size_t character_length(const unsigned char *s)
{
    unsigned char low = 0x80, high = 0xBF;
    size_t n;
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xC2 && s[0] <= 0xDF)
        n = 2;
    else if (s[0] >= 0xE0 && s[0] <= 0xEF)
        n = 3;
    else if (s[0] >= 0xF0 && s[0] <= 0xF4)
        n = 4;
    else
        return 0;
    if (s[0] == 0xE0)
        low = 0xA0; /* shorter form exists */
    else if (s[0] == 0xED)
        high = 0x9F; /* surrogates */
    else if (s[0] == 0xF0)
        low = 0x90;
    else if (s[0] == 0xF4)
        high = 0x8F; /* beyond U+10FFFF */
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (s[i] < 0x80 || s[i] > 0xBF)
            return 0;
    return n;
}

static bool append_escaped(struct line *l, const unsigned char *s, size_t length)
{
    char escape[8];
    switch (length == 1 ? s[0] : 0x80) {
    case '"':
        return append(l, "\\\"", 2);
    case '\\':
        return append(l, "\\\\", 2);
    case '\n':
        return append(l, "\\n", 2);
    case '\r':
        return append(l, "\\r", 2);
    case '\t':
        return append(l, "\\t", 2);
    }
    /* JSON wants this below U+0020; DEL and the C1 controls could steer the terminal of whoever reads the log. */
    unsigned control = length == 1 ? s[0] : length == 2 && s[0] == 0xC2 && s[1] < 0xA0 ? s[1] : ' ';
    if (control < 0x20 || control >= 0x7F)
        return append(l, escape, (size_t)snprintf(escape, sizeof(escape), "\\u%04x", control));
    return append(l, (const char *)s, length);
}

/* A JSON string; sets l->cut where it did not fit. */
static void append_string(struct line *l, const char *s)
{
    append(l, "\"", 1);
    for (const unsigned char *p = (const unsigned char *)s; *p;) {
        size_t length = character_length(p);
        bool fits = length ? append_escaped(l, p, length) : append(l, "\xEF\xBF\xBD", 3); /* U+FFFD */
        if (!fits) {
            append_tail(l, cut_value);
            l->cut = true;
            return;
        }
        p += length ? length : 1;
    }
    if (!append(l, "\"", 1))
        append_tail(l, "\"");
}

static void append_pair(struct line *l, const char *key, const char *value)
{
    /* The key whole or not at all: `,"key":"` takes at most this much, and one character of the value should follow. */
    if (6 * strlen(key) + 16 > room(l)) {
        l->cut = true;
        return;
    }
    append(l, l->used == 1 ? "" : ",", l->used == 1 ? 0 : 1);
    append_string(l, key);
    append(l, ":", 1);
    append_string(l, value);
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_DEBUG:
        return "debug";
    case LOG_INFO:
        return "info";
    case LOG_WARNING:
        return "warning";
    case LOG_ERROR:
        return "error";
    }
    return "error";
}

void log_set_level(enum log_level level)
{
    output.level = level;
}

void log_set_output(int fd, usec_t (*wall)(void))
{
    output.fd = fd;
    output.wall = wall;
}

void log_event(enum log_level level, const char *message, ...)
{
    if (level < output.level)
        return;
    int saved = errno;
    struct line l;
    l.used = 0;
    l.cut = false;
    append(&l, "{", 1);
    if (output.wall) {
        char stamp[RFC3339_SIZE];
        append_pair(&l, "time", rfc3339_format_micro(output.wall(), stamp));
    }
    append_pair(&l, "level", level_name(level));
    append_pair(&l, "message", message);
    va_list args;
    va_start(args, message);
    const char *key;
    while (!l.cut && (key = va_arg(args, const char *))) {
        const char *value = va_arg(args, const char *);
        if (value)
            append_pair(&l, key, value);
    }
    va_end(args);
    append_tail(&l, l.cut ? cut_line : "}\n");
    while (write(output.fd, l.text, l.used) < 0 && errno == EINTR)
        ;
    errno = saved;
}

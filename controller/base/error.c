#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ELLIPSIS "…"

/* Cuts on a character's first byte, so that the text stays UTF-8. */
static void copy_cut(char dest[ERROR_TEXT_MAX], const char *text)
{
    size_t len = strlen(text);
    if (len >= ERROR_TEXT_MAX) {
        len = ERROR_TEXT_MAX - sizeof(ELLIPSIS);
        while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
            len--;
        memcpy(dest + len, ELLIPSIS, sizeof(ELLIPSIS));
    } else {
        dest[len] = '\0';
    }
    memcpy(dest, text, len);
}

/* The arguments may point into err->text, so nothing of err is written before all of them are read. */
static int set(struct error *err, enum error_class class, const char *text)
{
    struct error fresh = {.class = class == ERROR_NONE ? ERROR_INTERNAL : class};
    copy_cut(fresh.text, text);
    *err = fresh;
    return -1;
}

int error_set(struct error *err, enum error_class class, const char *format, ...)
{
    if (!err)
        return -1;
    char text[ERROR_TEXT_MAX + 8]; /* longer than fits, so that copy_cut sees that it was too long */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return set(err, class, text);
}

int error_wrap(struct error *err, const char *format, ...)
{
    if (!err)
        return -1;
    char text[2 * ERROR_TEXT_MAX + 8];
    va_list args;
    va_start(args, format);
    vsnprintf(text, ERROR_TEXT_MAX + 4, format, args);
    va_end(args);
    if (err->class == ERROR_NONE)
        return set(err, ERROR_INTERNAL, text);
    size_t len = strlen(text);
    snprintf(text + len, sizeof(text) - len, ": %s", err->text);
    copy_cut(err->text, text);
    return -1;
}

static enum error_class class_of_errno(int errnum)
{
    switch (errnum) {
    case ENOENT:
        return ERROR_NOT_FOUND;
    case EACCES:
    case EPERM:
        return ERROR_FORBIDDEN;
    case ETIMEDOUT:
        return ERROR_TIMEOUT;
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
        return ERROR_UNAVAILABLE;
    default:
        return ERROR_INTERNAL;
    }
}

int error_errno(struct error *err, int errnum, const char *format, ...)
{
    if (!err)
        return -1;
    char text[ERROR_TEXT_MAX + 128];
    va_list args;
    va_start(args, format);
    vsnprintf(text, ERROR_TEXT_MAX + 4, format, args);
    va_end(args);
    char reason[96];
    size_t len = strlen(text);
    snprintf(text + len, sizeof(text) - len, ": %s", strerror_r(errnum, reason, sizeof(reason)));
    return set(err, class_of_errno(errnum), text);
}

void error_clear(struct error *err)
{
    if (err)
        *err = (struct error){0};
}

const char *error_class_name(enum error_class class)
{
    switch (class) {
    case ERROR_NONE:
        return "NONE";
    case ERROR_NOT_FOUND:
        return "NOT_FOUND";
    case ERROR_CONFLICT:
        return "CONFLICT";
    case ERROR_EXISTS:
        return "EXISTS";
    case ERROR_GONE:
        return "GONE";
    case ERROR_FORBIDDEN:
        return "FORBIDDEN";
    case ERROR_INVALID:
        return "INVALID";
    case ERROR_TOO_MANY:
        return "TOO_MANY";
    case ERROR_TIMEOUT:
        return "TIMEOUT";
    case ERROR_UNAVAILABLE:
        return "UNAVAILABLE";
    case ERROR_CANCELLED:
        return "CANCELLED";
    case ERROR_INTERNAL:
        return "INTERNAL";
    }
    return "UNKNOWN";
}

bool error_outcome_unknown(const struct error *err)
{
    return err && (err->class == ERROR_TIMEOUT || err->class == ERROR_UNAVAILABLE || err->class == ERROR_CANCELLED);
}

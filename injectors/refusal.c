#include "refusal.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 5, 0))) static int refuse(struct refusal *r, enum error_class class, const char *field,
                                                        const char *value, const char *format, va_list args)
{
    if (!r)
        return -1;
    char text[ERROR_TEXT_MAX];
    vsnprintf(text, sizeof text, format, args);
    str_copy(r->field, sizeof r->field, field);
    str_quote(r->value, sizeof r->value, value ? value : "");
    return error_set(&r->error, class, "%s", text);
}

int refusal_text(struct refusal *r, const char *field, const char *value, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    refuse(r, ERROR_INVALID, field, value, format, args);
    va_end(args);
    return -1;
}

int refusal_conflict(struct refusal *r, const char *field, const char *value, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    refuse(r, ERROR_CONFLICT, field, value, format, args);
    va_end(args);
    return -1;
}

int refusal_field(struct refusal *r, const char *field, const json_t *value, const char *format, ...)
{
    char *dump = value && !json_is_string(value) ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    va_list args;
    va_start(args, format);
    refuse(r, ERROR_INVALID, field, dump ? dump : json_string_value(value), format, args);
    va_end(args);
    free(dump);
    return -1;
}

const char *refusal_class(const struct refusal *r)
{
    switch (r->error.class) {
    case ERROR_NOT_FOUND:
    case ERROR_CONFLICT:
    case ERROR_FORBIDDEN:
    case ERROR_INVALID:
    case ERROR_TIMEOUT:
        return error_class_name(r->error.class);
    case ERROR_EXISTS:
        return "CONFLICT";
    case ERROR_GONE:
        return "STALE_EPOCH";
    case ERROR_NONE:
    case ERROR_TOO_MANY:
    case ERROR_UNAVAILABLE:
    case ERROR_CANCELLED:
    case ERROR_INTERNAL:
        break;
    }
    return "INTERNAL";
}

json_t *refusal_to_json(const struct refusal *r)
{
    json_t *o = json_pack("{s:s}", "class", refusal_class(r));
    if (r->field[0]) {
        json_object_set_new(o, "field", text_to_json(r->field, strlen(r->field), sizeof r->field));
        json_object_set_new(o, "value", text_to_json(r->value, strlen(r->value), sizeof r->value));
    }
    json_object_set_new(o, "message", text_to_json(r->error.text, strlen(r->error.text), ERROR_TEXT_MAX));
    return o;
}

/* The length of the UTF-8 sequence at s (RFC 3629), 0 where it is none or a control character that JSON would have to escape long. */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80)
        return s[0] >= 0x20 || s[0] == '\n' || s[0] == '\r' || s[0] == '\t' ? s[0] != 0x7f : 0;
    size_t length = s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
    if (s[0] > 0xf4 || length == 0 || length > n)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool beyond = (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f);
    return overlong || beyond ? 0 : length;
}

json_t *text_to_json(const char *bytes, size_t n, size_t max)
{
    auto_free char *clean = mem_alloc(max + 1);
    size_t out = 0;
    for (size_t i = 0; i < n;) {
        size_t length = utf8_length((const unsigned char *)bytes + i, n - i);
        if (out + (length ? length : 1) > max)
            break;
        if (length)
            memcpy(clean + out, bytes + i, length);
        else
            clean[out] = '?';
        out += length ? length : 1;
        i += length ? length : 1;
    }
    return json_stringn(clean, out);
}

#include "kube/status.h"

#include "base/buf.h"
#include "base/str.h"

#define RETRY_AFTER_MAX_S 3600
#define TEXT_MAX          ((size_t)2048)

/* apimachinery pkg/apis/meta/v1/types.go, StatusReason. */
static const struct {
    const char *reason;
    enum error_class class;
} reasons[] = {
    {"NotFound", ERROR_NOT_FOUND},
    {"AlreadyExists", ERROR_EXISTS},
    {"Conflict", ERROR_CONFLICT},
    {"Gone", ERROR_GONE},
    {"Expired", ERROR_GONE},
    {"Unauthorized", ERROR_FORBIDDEN},
    {"Forbidden", ERROR_FORBIDDEN},
    {"Invalid", ERROR_INVALID},
    {"BadRequest", ERROR_INVALID},
    {"MethodNotAllowed", ERROR_INVALID},
    {"NotAcceptable", ERROR_INVALID},
    {"RequestEntityTooLarge", ERROR_INVALID},
    {"UnsupportedMediaType", ERROR_INVALID},
    {"TooManyRequests", ERROR_TOO_MANY},
    {"Timeout", ERROR_TIMEOUT},
    {"ServerTimeout", ERROR_UNAVAILABLE},
    {"ServiceUnavailable", ERROR_UNAVAILABLE},
    {"StorageReadError", ERROR_UNAVAILABLE},
    {"InternalError", ERROR_UNAVAILABLE},
};

static enum error_class class_of_code(int code)
{
    switch (code) {
    case 401:
    case 403:
        return ERROR_FORBIDDEN;
    case 404:
        return ERROR_NOT_FOUND;
    case 408:
    case 504:
        return ERROR_TIMEOUT;
    case 409:
        return ERROR_CONFLICT;
    case 410:
        return ERROR_GONE;
    case 429:
        return ERROR_TOO_MANY;
    case 501:
    case 505:
        return ERROR_INVALID;
    default:
        return code >= 300 && code < 500 ? ERROR_INVALID : ERROR_UNAVAILABLE;
    }
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

static bool has_cause(const json_t *details, const char *reason)
{
    size_t i;
    json_t *cause;
    json_array_foreach(json_object_get(details, "causes"), i, cause)
    {
        if (str_equal(text_of(cause, "reason"), reason))
            return true;
    }
    return false;
}

static enum error_class class_of(const json_t *status, int code)
{
    const json_t *details = json_object_get(status, "details");
    /* "Too large resource version": the server is behind what we have seen; it catches up (apiserver storage/errors.go). */
    if (has_cause(details, "ResourceVersionTooLarge") || strstr(text_of(status, "message"), "Too large resource version"))
        return ERROR_UNAVAILABLE;
    const char *reason = text_of(status, "reason");
    for (size_t i = 0; i < array_len(reasons); i++)
        if (str_equal(reasons[i].reason, reason))
            return reasons[i].class;
    return class_of_code(code);
}

static long retry_after_ms(const json_t *status, const char *header)
{
    int64_t seconds = 0;
    if (!header || !str_to_i64(header, 0, INT32_MAX, &seconds))
        seconds = json_integer_value(json_object_get(json_object_get(status, "details"), "retryAfterSeconds"));
    if (seconds <= 0)
        return 0;
    return (long)(seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * 1000;
}

static void append_causes(struct buf *b, const json_t *status)
{
    const char *message = text_of(status, "message");
    size_t i;
    json_t *cause;
    json_array_foreach(json_object_get(json_object_get(status, "details"), "causes"), i, cause)
    {
        const char *field = text_of(cause, "field"), *text = text_of(cause, "message");
        if ((!*field && !*text) || (*field ? strstr(message, field) : strstr(message, text)))
            continue;
        buf_printf(b, *field && *text ? "; %s: %s" : "; %s%s", field, text);
    }
}

static void blank_controls(char *s)
{
    for (unsigned char *p = (unsigned char *)s; *p; p++)
        if (*p < ' ' || *p == 0x7f)
            *p = ' ';
}

static int finish(struct buf *text, enum error_class class, int code, long retry_after, struct error *err)
{
    auto_free char *s = buf_take(text);
    blank_controls(s);
    error_set(err, class, "%s", s);
    if (err) {
        err->http_status = code;
        err->retry_after_ms = retry_after;
    }
    return -1;
}

int status_error_json(const json_t *status, int http_status, const char *retry_after, struct error *err)
{
    int64_t own_code = json_integer_value(json_object_get(status, "code"));
    int code = http_status ? http_status : own_code >= 100 && own_code <= 599 ? (int)own_code : 0;
    auto_buf struct buf text;
    buf_init(&text, TEXT_MAX);
    const char *message = text_of(status, "message"), *reason = text_of(status, "reason");
    if (*message)
        buf_append(&text, message, strnlen(message, TEXT_MAX / 2));
    else if (*reason)
        buf_printf(&text, "%.200s (HTTP %d)", reason, code);
    else
        buf_printf(&text, "the API server reported an error without a message (HTTP %d)", code);
    append_causes(&text, status);
    return finish(&text, class_of(status, code), code, retry_after_ms(status, retry_after), err);
}

/* An answer of a proxy or a load balancer: its first words. */
static int status_error_text(int http_status, const char *retry_after, const char *body, size_t n, struct error *err)
{
    auto_buf struct buf text;
    buf_init(&text, TEXT_MAX);
    size_t length = 0;
    while (length < n && length < 200 && body[length] && body[length] != '\n' && body[length] != '\r')
        length++;
    auto_free char *first = mem_strndup(body, length);
    char quoted[256];
    if (length)
        buf_printf(&text, "HTTP %d: %s", http_status, str_quote(quoted, sizeof quoted, first));
    else
        buf_printf(&text, "HTTP %d with no explanation", http_status);
    return finish(&text, class_of_code(http_status), http_status, retry_after_ms(NULL, retry_after), err);
}

int status_error(int http_status, const char *retry_after, const void *body, size_t n, struct error *err)
{
    json_t *status = json_loadb(body, n, JSON_ALLOW_NUL, NULL);
    int r = json_is_object(status) && str_equal(text_of(status, "kind"), "Status")
                ? status_error_json(status, http_status, retry_after, err)
                : status_error_text(http_status, retry_after, body, n, err);
    json_decref(status);
    return r;
}

#include "kube/impersonate.h"

#include "base/buf.h"
#include "base/str.h"

#include <ctype.h>

#define HEADER_NAME_MAX ((size_t)512)

static int add(struct strlist *headers, const char *name, const char *field, const json_t *value, struct error *err)
{
    const char *text = json_string_value(value);
    if (str_empty(text))
        return error_set(err, ERROR_INVALID, "%s: must be a text that is not empty", field);
    for (const char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            return error_set(err, ERROR_INVALID, "%s: has control characters in it", field);
    auto_free char *line = mem_printf("%s: %s", name, text);
    strlist_add(headers, line);
    return 0;
}

/* Small letters; what a header's name may not hold, and "%", percent-encoded (RFC 9110 5.1, headerKeyEscape of client-go). */
static char *extra_name(const char *key)
{
    auto_buf struct buf b;
    buf_init(&b, HEADER_NAME_MAX);
    buf_append_str(&b, "Impersonate-Extra-");
    for (const char *c = key; *c; c++)
        if (isalnum((unsigned char)*c) || strchr("!#$&'*+-.^_`|~", *c))
            buf_append_char(&b, (char)tolower((unsigned char)*c));
        else
            buf_printf(&b, "%%%02X", (unsigned char)*c);
    return b.overflowed ? NULL : buf_take(&b);
}

static int add_extra(struct strlist *headers, const json_t *extra, struct error *err)
{
    const char *key;
    json_t *values, *value;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)extra, key, values)
    {
        auto_free char *name = extra_name(key);
        if (!name || !json_is_array(values))
            return error_set(err, ERROR_INVALID, "as-user-extra: each key must be short and have a list of texts");
        json_array_foreach(values, i, value) if (add(headers, name, "as-user-extra", value, err) < 0) return -1;
    }
    return 0;
}

static const json_t *field_of(const json_t *user, const char *field)
{
    const json_t *value = json_object_get(user, field);
    return json_is_null(value) ? NULL : value;
}

int impersonate_headers(const json_t *user, struct strlist *headers, struct error *err)
{
    const json_t *as = field_of(user, "as"), *uid = field_of(user, "as-uid"), *groups = field_of(user, "as-groups"),
                 *extra = field_of(user, "as-user-extra");
    size_t i;
    json_t *group;
    if (!as)
        return uid || groups || extra ? error_set(err, ERROR_INVALID, "as: is missing beside as-uid, as-groups or as-user-extra")
                                      : 0;
    if (groups && !json_is_array(groups))
        return error_set(err, ERROR_INVALID, "as-groups: must be a list of texts");
    if (extra && !json_is_object(extra))
        return error_set(err, ERROR_INVALID, "as-user-extra: must be a map of lists");
    if (add(headers, "Impersonate-User", "as", as, err) < 0 || (uid && add(headers, "Impersonate-Uid", "as-uid", uid, err) < 0))
        return -1;
    json_array_foreach(groups, i, group) if (add(headers, "Impersonate-Group", "as-groups", group, err) < 0) return -1;
    return extra ? add_extra(headers, extra, err) : 0;
}

/* target_resolve: what "$(target.…)" stands for. */
#include "api/target.h"

#include "api/field.h"
#include "base/str.h"

#define RESOLVE_DEPTH_MAX  8 /* of references in facets to facets; more is a circle */
#define RESOLVE_TEXT_MAX   ((size_t)64 * 1024)

#define RESOLVE_VALUES_MAX 4096 /* facets full of references to facets multiply */

struct resolver {
    const struct target *target;
    struct error *err;
    size_t *left;
    bool shared;
};

static json_t *resolve_value(const struct resolver *r, const json_t *value, const char *field, int depth);

/* The value of a path behind "target.", borrowed or new by ret_new; NULL: not there. */
static json_t *resolve_path(const struct resolver *r, const char *path, const char *field)
{
    const struct target *t = r->target;
    if (str_equal(path, "name"))
        return json_string(t->meta.name);
    if (str_equal(path, "namespace"))
        return json_string(t->meta.ns);
    json_t *found = json_at(t->facets, path);
    if (found)
        return json_incref(found);
    size_t facet = strcspn(path, ".");
    char name[64];
    str_format(name, sizeof(name), "%.*s", (int)facet, path);
    if (!json_at(t->facets, name))
        error_set(r->err, ERROR_NOT_FOUND, "%s: target %s has no facet %s; set spec.facets.%s there", field, t->meta.name, name,
                  name);
    else
        error_set(r->err, ERROR_NOT_FOUND, "%s: facet %s of target %s has no %s; set spec.facets.%s there", field, name,
                  t->meta.name, path + facet + 1, path);
    return NULL;
}

/* One "$(target.…)" at `s`, resolved, nested references too. *ret_end: behind it. */
static json_t *resolve_reference(const struct resolver *r, const char *s, const char *field, int depth, const char **ret_end)
{
    const char *end = strchr(s, ')');
    char path[160], quoted[96];
    if (!str_starts(s, "$(target.") || !end || (size_t)(end - s) >= sizeof(path)) {
        error_set(r->err, ERROR_INVALID, "%s: %s is not a reference to a facet; write for example \"$(target.config.path)\"", field,
                  str_quote(quoted, sizeof(quoted), s));
        return NULL;
    }
    if (depth >= RESOLVE_DEPTH_MAX) {
        error_set(r->err, ERROR_INVALID, "%s: %s refers to itself; write the value in the facet", field,
                  str_quote(quoted, sizeof(quoted), s));
        return NULL;
    }
    str_format(path, sizeof(path), "%.*s", (int)(end - s - 9), s + 9);
    *ret_end = end + 1;
    json_t *raw = resolve_path(r, path, field);
    json_t *value = raw ? resolve_value(r, raw, field, depth + 1) : NULL;
    json_decref(raw);
    return value;
}

static bool append_scalar(struct buf *b, const json_t *value)
{
    if (json_is_string(value))
        return buf_append_str(b, json_string_value(value));
    return json_append_canonical(b, value);
}

static json_t *resolve_string(const struct resolver *r, const char *text, const char *field, int depth)
{
    const char *start = strstr(text, "$("), *end;
    if (!start)
        return json_string(text);
    if (start == text) {
        json_t *whole = resolve_reference(r, text, field, depth, &end);
        if (!whole || *end == '\0')
            return whole;
        json_decref(whole);
    }
    auto_buf struct buf out;
    buf_init(&out, RESOLVE_TEXT_MAX);
    for (; start; start = strstr(text, "$(")) {
        buf_append(&out, text, (size_t)(start - text));
        json_t *value = resolve_reference(r, start, field, depth, &end);
        if (!value)
            return NULL;
        bool scalar = !json_is_object(value) && !json_is_array(value);
        if (scalar)
            append_scalar(&out, value);
        json_decref(value);
        if (!scalar) {
            char quoted[96];
            error_set(r->err, ERROR_INVALID, "%s: %s is not a single value, so it cannot stand within a longer text", field,
                      str_quote(quoted, sizeof(quoted), start));
            return NULL;
        }
        text = end;
    }
    buf_append_str(&out, text);
    if (out.overflowed) {
        error_set(r->err, ERROR_INVALID, "%s is longer than %zu bytes", field, RESOLVE_TEXT_MAX);
        return NULL;
    }
    return json_string(buf_str(&out));
}

static json_t *resolve_array(const struct resolver *r, const json_t *value, const char *field, int depth)
{
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(value); i++) {
        char path[256];
        str_format(path, sizeof(path), "%s[%zu]", field, i);
        json_t *item = resolve_value(r, json_array_get(value, i), path, depth);
        if (!item) {
            json_decref(out);
            return NULL;
        }
        json_array_append_new(out, item);
    }
    return out;
}

static json_t *resolve_object(const struct resolver *r, const json_t *value, const char *field, int depth)
{
    json_t *out = json_object();
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        char path[256];
        struct error ignored = {0};
        struct resolver inner = {r->target, depth > 0 ? &ignored : r->err, r->left, r->shared};
        str_format(path, sizeof(path), "%s%s%s", field, *field ? "." : "", key);
        json_t *item = resolve_value(&inner, member, path, depth);
        if (item) {
            json_object_set_new(out, key, item);
            continue;
        }
        /* Within a facet, a default that points to a facet which is not there is as good as absent. */
        if (depth > 0 && ignored.class == ERROR_NOT_FOUND)
            continue;
        if (depth > 0 && r->err)
            *r->err = ignored;
        json_decref(out);
        return NULL;
    }
    return out;
}

static json_t *resolve_value(const struct resolver *r, const json_t *value, const char *field, int depth)
{
    if (!*r->left) {
        error_set(r->err, ERROR_INVALID, "%s: the references in it stand for more than %d values; write them out, or fewer", field,
                  RESOLVE_VALUES_MAX);
        return NULL;
    }
    --*r->left;
    if ((depth == 0 || r->shared) && !field_mentions(value)) /* the most part of any card, and then no path need be named */
        return r->shared ? json_incref((json_t *)(uintptr_t)value) : json_deep_copy(value);
    if (json_is_string(value))
        return resolve_string(r, json_string_value(value), field, depth);
    if (json_is_array(value))
        return resolve_array(r, value, field, depth);
    if (json_is_object(value))
        return resolve_object(r, value, field, depth);
    return json_deep_copy(value);
}

static json_t *resolve(const struct target *t, const json_t *value, const char *field, bool shared, struct error *err)
{
    struct error local = {0};
    size_t left = RESOLVE_VALUES_MAX;
    struct resolver r = {t, &local, &left, shared};
    json_t *resolved = resolve_value(&r, value, field, 0);
    if (!resolved && err)
        *err = local;
    return resolved;
}

json_t *target_resolve(const struct target *t, const json_t *value, const char *field, struct error *err)
{
    return resolve(t, value, field, false, err);
}

json_t *target_resolve_shared(const struct target *t, const json_t *value, const char *field, struct error *err)
{
    return resolve(t, value, field, true, err);
}

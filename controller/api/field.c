#include "api/field.h"

#include "base/duration.h"
#include "base/rfc3339.h"
#include "base/str.h"

#include <stdarg.h>

const char *field_quote(const json_t *value, char dest[FIELD_QUOTE_SIZE])
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    if (!str_copy(dest, FIELD_QUOTE_SIZE, text ? text : "null"))
        str_copy(dest + FIELD_QUOTE_SIZE - 4, 4, "...");
    free(text);
    return dest;
}

int field_str(const json_t *root, const char *path, const char *example, const char **ret_value, struct error *err)
{
    const json_t *value = json_at(root, path);
    if (!value)
        return error_set(err, ERROR_INVALID, "%s is missing; write for example %s", path, example);
    if (str_empty(json_string_value(value))) {
        char quoted[FIELD_QUOTE_SIZE];
        return error_set(err, ERROR_INVALID, "%s: %s is not a text, or an empty one; write for example %s", path,
                         field_quote(value, quoted), example);
    }
    *ret_value = json_string_value(value);
    return 0;
}

int field_duration(const json_t *root, const char *path, usec_t fallback, usec_t *ret_value, struct error *err)
{
    const json_t *value = json_at(root, path);
    if (!value) {
        *ret_value = fallback;
        return 0;
    }
    if (json_is_string(value))
        return duration_parse(json_string_value(value), path, ret_value, err);
    char quoted[FIELD_QUOTE_SIZE];
    return error_set(err, ERROR_INVALID, "%s: %s is not a duration; write for example \"90s\"", path, field_quote(value, quoted));
}

int field_choice(const json_t *root, const char *path, const char *const *words, size_t *ret_index, struct error *err)
{
    const json_t *value = json_at(root, path);
    if (!value) {
        *ret_index = 0;
        return 0;
    }
    char all[256] = "", quoted[FIELD_QUOTE_SIZE];
    for (size_t i = 0; words[i]; i++) {
        if (str_equal(json_string_value(value), words[i])) {
            *ret_index = i;
            return 0;
        }
        size_t used = strlen(all);
        str_format(all + used, sizeof(all) - used, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
    }
    return error_set(err, ERROR_INVALID, "%s: %s is not known; write %s", path, field_quote(value, quoted), all);
}

int field_int(const json_t *root, const char *path, int64_t min, int64_t max, int64_t fallback, int *ret_value, struct error *err)
{
    const json_t *value = json_at(root, path);
    if (value && (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)) {
        char quoted[FIELD_QUOTE_SIZE];
        return error_set(err, ERROR_INVALID, "%s: %s is not a whole number from %lld to %lld", path, field_quote(value, quoted),
                         (long long)min, (long long)max);
    }
    *ret_value = (int)(value ? json_integer_value(value) : fallback);
    return 0;
}

int field_time(const json_t *root, const char *path, usec_t fallback, usec_t *ret_wall, struct error *err)
{
    /* The API server takes a list for any text with the format date-time. */
    const json_t *value = json_at(root, path);
    char quoted[FIELD_QUOTE_SIZE];
    if (!value)
        *ret_wall = fallback;
    else if (!json_is_string(value) || !rfc3339_parse(json_string_value(value), ret_wall))
        return error_set(err, ERROR_INVALID, "%s: %s is not a time; write for example \"2026-03-01T10:00:00Z\"", path,
                         field_quote(value, quoted));
    return 0;
}

int field_within(struct error *err, const char *format, ...)
{
    char place[256];
    va_list args;
    va_start(args, format);
    str_vformat(place, sizeof(place), format, args);
    va_end(args);
    return err ? error_set(err, err->class, "%s.%s", place, err->text) : -1;
}

static bool text_is_sound(const json_t *value)
{
    return !json_is_string(value) || strlen(json_string_value(value)) == json_string_length(value);
}

/* Without the cost of naming each place: objects are decoded often, and are hardly ever wrong. */
static bool texts_are_sound(const json_t *value)
{
    size_t i;
    const char *key;
    json_t *member;
    json_array_foreach((json_t *)(uintptr_t)value, i, member) if (!texts_are_sound(member)) return false;
    json_object_foreach((json_t *)(uintptr_t)value, key, member) if (!texts_are_sound(member)) return false;
    return text_is_sound(value);
}

static int refuse_texts(const json_t *value, const char *field, struct error *err)
{
    if (!text_is_sound(value)) {
        char quoted[FIELD_QUOTE_SIZE];
        return error_set(err, ERROR_INVALID, "%s: %s holds the character U+0000, which no text here may; write it without", field,
                         field_quote(value, quoted));
    }
    char path[256];
    size_t i;
    const char *key;
    json_t *member;
    json_array_foreach((json_t *)(uintptr_t)value, i, member)
    {
        str_format(path, sizeof(path), "%s[%zu]", field, i);
        if (refuse_texts(member, path, err) < 0)
            return -1;
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        str_format(path, sizeof(path), "%s.%s", field, key);
        if (refuse_texts(member, path, err) < 0)
            return -1;
    }
    return 0;
}

int field_texts(const json_t *value, const char *field, struct error *err)
{
    return texts_are_sound(value) ? 0 : refuse_texts(value, field, err);
}

/* ── references ── */

/* "$(target.config.path)": *ret_end behind the bracket; false: not well formed. */
static bool reference_scan(const char *s, const char **ret_end)
{
    if (!str_starts(s, "$(target."))
        return false;
    s += strlen("$(target");
    while (*s == '.') {
        s++;
        if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9')))
            return false;
        while ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9'))
            s++;
    }
    *ret_end = s + 1;
    return *s == ')';
}

bool field_mentions(const json_t *value)
{
    if (json_is_string(value))
        return strstr(json_string_value(value), "$(") != NULL;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (field_mentions(json_array_get(value, i)))
            return true;
    const char *key;
    const json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, key, member) if (field_mentions(member)) return true;
    return false;
}

int field_references(const json_t *value, const char *field, struct error *err)
{
    if (!field_mentions(value))
        return 0;
    for (const char *s = json_string_value(value); s && (s = strstr(s, "$("));) {
        char quoted[FIELD_QUOTE_SIZE];
        if (!reference_scan(s, &s))
            return error_set(err, ERROR_INVALID,
                             "%s: %s is not a reference to a facet; write for example \"$(target.config.path)\"", field,
                             field_quote(value, quoted));
    }
    char path[256];
    const json_t *member;
    for (size_t i = 0; i < json_array_size(value); i++) {
        str_format(path, sizeof(path), "%s[%zu]", field, i);
        if (field_references(json_array_get(value, i), path, err) < 0)
            return -1;
    }
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        str_format(path, sizeof(path), "%s.%s", field, key);
        if (field_references(member, path, err) < 0)
            return -1;
    }
    return 0;
}

/* ── probes ── */

static const char *const probe_kinds[] = {"http", "tcp",      "exec",  "heartbeat", "process", "pods",  "event", "log",
                                          "file", "resource", "queue", "slo",       "promQL",  "alert", "object"};
static const char *const probe_durations[] = {
    "timeout",     "http.latency.below", "heartbeat.maxAge", "heartbeat.file.maxAge", "process.stableFor",
    "pods.within", "event.within",       "log.since",        "resource.over",         "slo.latencyP95"};

int field_probe(const json_t *probe, const char *field, struct error *err)
{
    if (!json_is_object(probe))
        return error_set(err, ERROR_INVALID, "%s is missing; write for example {http: {port: 8080, path: /healthz}}", field);
    const char *kind = NULL;
    for (size_t i = 0; i < array_len(probe_kinds); i++) {
        if (!json_at(probe, probe_kinds[i]))
            continue;
        if (kind)
            return error_set(err, ERROR_INVALID, "%s has both %s and %s; a probe has exactly one kind", field, kind,
                             probe_kinds[i]);
        kind = probe_kinds[i];
    }
    if (!kind)
        return error_set(err, ERROR_INVALID,
                         "%s has no kind of probe in it; write for example {http: {port: 8080, path: /healthz}}", field);
    for (size_t i = 0; i < array_len(probe_durations); i++) {
        usec_t ignored;
        if (field_duration(probe, probe_durations[i], 0, &ignored, err) < 0)
            return field_within(err, "%s", field);
    }
    return field_references(probe, field, err);
}

int field_probes(const json_t *probes, const char *field, struct error *err)
{
    char path[128];
    for (size_t i = 0; i < json_array_size(probes); i++) {
        const json_t *entry = json_array_get(probes, i);
        str_format(path, sizeof(path), "%s[%zu].probe", field, i);
        if (field_probe(json_at(entry, "probe"), path, err) < 0)
            return -1;
        usec_t ignored;
        if (field_duration(entry, "within", 0, &ignored, err) < 0)
            return field_within(err, "%s[%zu]", field, i);
    }
    return 0;
}

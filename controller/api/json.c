#include "api/json.h"

#include "base/duration.h"
#include "base/rfc3339.h"
#include "base/sha256.h"
#include "base/str.h"

#include <math.h>

/* ── reading ── */

json_t *json_at(const json_t *root, const char *path)
{
    json_t *at = (json_t *)(uintptr_t)root;
    while (at) {
        size_t length = (size_t)(strchrnul(path, '.') - path);
        at = json_object_getn(at, path, length); /* NULL where `at` is no object */
        if (path[length] == '\0')
            break;
        path += length + 1;
    }
    return json_is_null(at) ? NULL : at;
}

const char *json_str(const json_t *root, const char *path, const char *fallback)
{
    const char *value = json_string_value(json_at(root, path));
    return value ? value : fallback;
}

int64_t json_int(const json_t *root, const char *path, int64_t fallback)
{
    const json_t *value = json_at(root, path);
    if (json_is_integer(value))
        return json_integer_value(value);
    if (!json_is_real(value))
        return fallback;
    double real = json_real_value(value);
    return real >= -9.2e18 && real <= 9.2e18 ? (int64_t)real : fallback;
}

double json_num(const json_t *root, const char *path, double fallback)
{
    const json_t *value = json_at(root, path);
    return json_is_number(value) ? json_number_value(value) : fallback;
}

bool json_flag(const json_t *root, const char *path, bool fallback)
{
    const json_t *value = json_at(root, path);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

usec_t json_duration(const json_t *root, const char *path, usec_t fallback)
{
    const char *value = json_str(root, path, NULL);
    usec_t duration;
    return value && duration_parse(value, path, &duration, NULL) == 0 ? duration : fallback;
}

usec_t json_time(const json_t *root, const char *path, usec_t fallback)
{
    const char *value = json_str(root, path, NULL);
    usec_t wall;
    return value && rfc3339_parse(value, &wall) ? wall : fallback;
}

/* ── building ── */

void json_put(json_t *object, const char *key, json_t *value)
{
    if (value)
        json_object_set_new(object, key, value);
}

void json_put_str(json_t *object, const char *key, const char *value)
{
    /* Strings that are not UTF-8 (a log line, a message of a peer) give NULL here; say that rather than nothing. */
    if (value)
        json_object_set_new(object, key, json_string(value) ?: json_string("(not UTF-8)"));
}

void json_put_int(json_t *object, const char *key, int64_t value)
{
    json_object_set_new(object, key, json_integer(value));
}

void json_add_int(json_t *object, const char *key, int64_t by)
{
    int64_t sum;
    if (__builtin_add_overflow(json_int(object, key, 0), by, &sum))
        sum = INT64_MAX;
    json_put_int(object, key, sum);
}

void json_put_num(json_t *object, const char *key, double value)
{
    if (isfinite(value)) /* JSON has no others */
        json_object_set_new(object, key, json_real(value));
}

void json_put_bool(json_t *object, const char *key, bool value)
{
    json_object_set_new(object, key, json_boolean(value));
}

void json_put_time(json_t *object, const char *key, usec_t wall)
{
    char text[RFC3339_SIZE];
    if (wall > 0)
        json_put_str(object, key, rfc3339_format_micro(wall, text));
}

void json_put_duration(json_t *object, const char *key, usec_t duration)
{
    char text[32];
    if (duration >= 0)
        json_put_str(object, key, duration_format(duration, text, sizeof(text)));
}

json_t *json_make(json_t *root, const char *path)
{
    json_t *at = root;
    for (;;) {
        size_t length = (size_t)(strchrnul(path, '.') - path);
        json_t *next = json_object_getn(at, path, length);
        if (!json_is_object(next)) {
            next = json_object();
            json_object_setn_new(at, path, length, next);
        }
        at = next;
        if (path[length] == '\0')
            return at;
        path += length + 1;
    }
}

/* ── text and digests ── */

#define CANONICAL (JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) /* 0.1, not 0.10000000000000001 */

char *json_text(const json_t *value)
{
    char *text = json_dumps(value, CANONICAL);
    return text ? text : mem_strdup("null");
}

static int append_to_buf(const char *bytes, size_t n, void *userdata)
{
    return buf_append(userdata, bytes, n) ? 0 : -1;
}

bool json_append_canonical(struct buf *b, const json_t *value)
{
    return json_dump_callback(value, append_to_buf, b, CANONICAL) == 0;
}

static int append_to_digest(const char *bytes, size_t n, void *userdata)
{
    sha256_update(userdata, bytes, n);
    return 0;
}

void json_sha256(const json_t *value, char ret_hex[65])
{
    struct sha256 digest;
    sha256_init(&digest);
    json_dump_callback(value, append_to_digest, &digest, CANONICAL);
    sha256_finish(&digest, ret_hex);
}

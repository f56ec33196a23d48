/* api/json.h — reading and building JSON values without a storm of checks.
 *
 * Getters take a dotted path ("status.fault.id"; no array indices) and never fail: what is absent or of another type gives the
 * default. That is right for what the API server has validated against the schema; what a stranger wrote goes through *_decode(). */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"

#include <jansson.h>

json_t *json_at(const json_t *root, const char *path); /* borrowed; NULL: absent or null */
const char *json_str(const json_t *root, const char *path, const char *fallback);
int64_t json_int(const json_t *root, const char *path, int64_t fallback); /* integers; reals are cut */
double json_num(const json_t *root, const char *path, double fallback);   /* integers and reals */
bool json_flag(const json_t *root, const char *path, bool fallback);
usec_t json_duration(const json_t *root, const char *path, usec_t fallback); /* "90s" */
usec_t json_time(const json_t *root, const char *path, usec_t fallback);     /* RFC 3339, UTC microseconds */

/* Setters on an object; a NULL or "empty" value as named sets nothing. */
void json_put_str(json_t *object, const char *key, const char *value); /* NULL: nothing */
void json_put_int(json_t *object, const char *key, int64_t value);
void json_add_int(json_t *object, const char *key, int64_t by); /* counts on from what is there; stays at INT64_MAX; by >= 0 */
void json_put_num(json_t *object, const char *key, double value);
void json_put_bool(json_t *object, const char *key, bool value);
void json_put_time(json_t *object, const char *key, usec_t wall);         /* MicroTime; 0 or negative: nothing */
void json_put_duration(json_t *object, const char *key, usec_t duration); /* for people; negative: nothing */
void json_put(json_t *object, const char *key, json_t *value);            /* steals value; NULL: nothing */
/* Descends by a dotted path, making objects on the way; borrowed. */
json_t *json_make(json_t *root, const char *path);

char *json_text(const json_t *value); /* compact, sorted keys; the caller frees */
/* Sorted-key, compact form appended to a buffer: what digests are taken of. */
bool json_append_canonical(struct buf *b, const json_t *value);
/* SHA-256 of the canonical form. */
void json_sha256(const json_t *value, char ret_hex[65]);

/* refusal.h — why a request is refused: an error, and the field and value that caused it.
 *
 * Goes out as {"class","field","value","message"}. The message says what would be right. `struct refusal r = {0};` is "no refusal"; a
 * plain value. Functions that know no fields fill r.error alone. */
#pragma once

#include "base/error.h"

#include <jansson.h>

struct refusal {
    struct error error;
    char field[128]; /* "params.path"; "" where no single field is at fault */
    char value[160]; /* what was there, quoted for people */
};

/* All return -1. `value` may be NULL: absent. */
int refusal_field(struct refusal *r, const char *field, const json_t *value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
int refusal_text(struct refusal *r, const char *field, const char *value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
int refusal_conflict(struct refusal *r, const char *field, const char *value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The protocol's word for it. ERROR_GONE is a STALE_EPOCH here (nothing else of the agent's can be gone); ERROR_EXISTS a CONFLICT. */
const char *refusal_class(const struct refusal *r);
json_t *refusal_to_json(const struct refusal *r); /* a new reference */

/* Any bytes as a JSON string: what is not UTF-8 or is a control character becomes "?"; cut after `max` bytes. A new reference. */
json_t *text_to_json(const char *bytes, size_t n, size_t max);

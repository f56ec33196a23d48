/* api/meta.h — what every object has: name, version, labels; and its conditions. */
#pragma once

#include "api/json.h"
#include "api/kind.h"

/* Borrowed from `root`, of which the owning struct holds a reference. */
struct meta {
    const char *ns, *name, *uid, *rv; /* never NULL; "" where absent */
    int64_t generation;
    usec_t created_at;                  /* UTC; 0 unknown */
    bool deleting;                      /* deletionTimestamp is set */
    const json_t *labels, *annotations; /* NULL where none */
};
void meta_decode(const json_t *root, struct meta *ret_meta);
bool meta_has_finalizer(const json_t *root, const char *finalizer);
const char *meta_label(const struct meta *m, const char *label); /* NULL: not there */
struct key meta_key(const struct meta *m, enum kind kind);

/* A status to begin a new one with: what is in the object's own is shared, so members are replaced and not changed. An empty one: none. */
json_t *status_copy(const json_t *object);
/* A metav1 condition set into status.conditions: lastTransitionTime moves only when status flips. `reason` is CamelCase and not empty.
 * What `status` shares with another one stays as it is. */
enum condition_status { CONDITION_FALSE, CONDITION_TRUE, CONDITION_UNKNOWN };
void condition_set(json_t *status, const char *type, enum condition_status value, const char *reason, const char *message,
                   int64_t generation, usec_t wall);
enum condition_status condition_get(const json_t *root, const char *type, const char **ret_reason,
                                    const char **ret_message); /* absent: UNKNOWN */

/* Label-safe copy: at most 63 bytes, ending alphanumeric. */
void label_value(char dest[64], const char *s);

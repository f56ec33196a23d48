/* sim_store.h — what the simulated API server keeps: objects with versions, and every change, for those who watch.
 *
 * Objects are never changed in place: each version is a tree of its own, which history and watchers share. */
#pragma once

#include "sim.h"

struct sim_resource {
    const char *kind, *api_version, *plural, *prefix;
    bool namespaced, status;
};
enum { SIM_ADDED, SIM_MODIFIED, SIM_DELETED };
struct sim_change {
    uint64_t rv;
    int type;
    json_t *before, *after; /* after, when deleted: the last state, with the version of the deletion */
    struct sim_process *by; /* NULL: a person, or the cluster */
};
/* Told of every accepted change, at once. */
typedef void sim_changed_fn(void *userdata, const struct sim_resource *r, const struct sim_change *change);

struct sim_store *sim_store_new(struct sim *sim, sim_changed_fn *changed, void *userdata);
void sim_store_free(struct sim_store *s); /* NULL is fine */

const struct sim_resource *sim_resource_find(const char *prefix, size_t prefix_length, const char *plural, size_t plural_length);
const struct sim_resource *sim_resource(const char *plural); /* must exist */

uint64_t sim_store_rv(const struct sim_store *s);
uint64_t sim_store_oldest(const struct sim_store *s); /* watches from before it are told 410 */
void sim_store_compact(struct sim_store *s);          /* forgets that anything was ever before now */

json_t *sim_store_get(const struct sim_store *s, const struct sim_resource *r, const char *ns,
                      const char *name); /* borrowed; NULL */
/* All of them by (namespace, name), as they were at `rv` (0: now); ns NULL: everywhere. New references in a new array. */
json_t *sim_store_list(const struct sim_store *s, const struct sim_resource *r, const char *ns, uint64_t rv);
/* The changes of a resource, oldest first. */
size_t sim_store_changes(const struct sim_store *s, const struct sim_resource *r);
const struct sim_change *sim_store_change(const struct sim_store *s, const struct sim_resource *r, size_t index);

/* Puts a new version in place: gives it the next version, a uid and a creation time where it is new. Takes object. Returns it, borrowed. */
json_t *sim_store_put(struct sim_store *s, const struct sim_resource *r, json_t *object, struct sim_process *by);
void sim_store_remove(struct sim_store *s, const struct sim_resource *r, const char *ns, const char *name, struct sim_process *by);

/* shell/reflector.h — keeps the store's objects of one kind in one scope as the API server has them. client-go tools/cache/reflector.go.
 *
 *          ┌────────────── backoff ◄──────────────┐ (any failure)
 *          ▼                                      │
 *   streaming list ──► watching ──► (ordinary end: again from the last version)
 *          │ refused        │ 410, as a code or as an event: list anew
 *          ▼                ▼
 *     list by pages ──► watching
 *
 * Guarantees
 * - Objects that a complete list lacks are removed, those it has are put in; an incomplete list removes nothing.
 * - It never stops trying, and waits between failures.
 * - synced stays true once a first list was complete. */
#pragma once

#include "shell/alarms.h"
#include "shell/store.h"

struct reflector;

/* Told of what a person may have to mend (the kind is not installed, not allowed, …), once when it begins, and with class NONE when it is
 * over. */
typedef void reflector_problem_fn(void *userdata, enum kind kind, const char *ns, const struct error *err);

struct reflector_options {
    enum kind kind;
    const char *ns; /* copied; "" : all namespaces, or a cluster-scoped kind */
    reflector_problem_fn *problem;
    void (*synced)(void *userdata); /* the first list is complete, and after a refresh the next */
    void *userdata;
};
struct reflector *reflector_new(struct world *world, struct alarms *alarms, struct store *store,
                                const struct reflector_options *options);
void reflector_free(
    struct reflector *r); /* NULL is fine; its request may still be open and is then left alone when it is answered */
/* Begins. any_version: the first list may be of any age, which the server gives at once: for who does nothing before reflector_refresh(). */
void reflector_run(struct reflector *r, bool any_version);
/* Others find that the server answers again: one that waits after a failure tries again soon, and not at the end of its wait; but not
 * earlier than the server asked for. */
void reflector_nudge(struct reflector *r);
/* Lists anew, what there is now: a cache that only follows may be behind by as much as a watch is slow, or has lost. */
void reflector_refresh(struct reflector *r);
bool reflector_synced(const struct reflector *r);
bool reflector_fresh(
    const struct reflector *r); /* a list of what there is now was complete, since the last refresh if there was one */

struct reflector_stats {
    uint64_t lists, watches, events, bookmarks, problems;
};
struct reflector_stats reflector_stats(const struct reflector *r);

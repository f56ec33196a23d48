/* shell/wakes.h — what has to be looked at again when something changed. The table is in wakes.c; nothing else wakes keys for a change.
 *
 * Waking too much costs time; waking too little loses a decision until the key's own time comes. Where in doubt, it wakes. */
#pragma once

#include "shell/lookup.h"
#include "shell/watches.h"
#include "shell/workqueue.h"

struct wakes { /* all borrowed */
    struct world *world;
    struct lookup lookup;
    struct workqueue *queue;
    struct watches *watches;
};
void wakes_object(struct wakes *w, const struct store_change *change);
/* What is known of a pod's agent changed. */
void wakes_agent(struct wakes *w, const struct key *pod);
/* An owner's evidence changed. */
void wakes_evidence(struct wakes *w, const struct key *owner, const char *want);
/* Something began or ceased to fire for a target, or another severity is known. */
void wakes_firing(struct wakes *w, const char *ns, const char *target);
/* Everything that is reconciled: a term as the leader begins. Targets go first: triggers look where they say. */
void wakes_all(struct wakes *w);

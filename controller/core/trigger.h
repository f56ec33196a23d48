/* core/trigger.h — when a detector fires, and which runs that starts. Pure. */
#pragma once

#include "api/playbook.h"
#include "core/drill.h"

/* One place where a trigger looks: a target's pod. */
struct trigger_site {
    const char *ns, *target, *pod;
    struct evidence seen;
    const char *incident; /* of the drill active on this target now; "" none */
};
struct trigger_view {
    const struct trigger *trigger;
    const struct trigger_site *sites;
    size_t site_count;
    const struct firing *firings; /* as decided last time (from memory, else from the status) */
    size_t firing_count;
    const struct playbook *playbooks; /* those that this trigger starts: named by it, or naming it */
    size_t playbook_count;
    const struct run *runs; /* of those playbooks, all namespaces */
    size_t run_count;
    const char *error; /* why it cannot work at all (decode error); NULL: fine */
};
/* What a site shows: firing, not firing, or not to be seen. */
enum holds trigger_fires(const struct trigger *trigger, const struct evidence *seen);
/* A run of ours heals that target by that playbook: no other is begun meanwhile. */
bool trigger_heals_already(const struct trigger_view *view, const struct playbook *playbook, const char *ns, const char *target);

#define FIRINGS_MAX 100
/* The new set of firings (cleared ones kept for FIRING_KEEP) goes to ret_firings (array of FIRINGS_MAX), count to ret_count. Effects: status,
 * events, creation of PlaybookRuns (deterministic names; cooldown and one run at a time per playbook and target are kept). */
#define FIRING_KEEP (15 * USEC_MINUTE)
void trigger_decide(const struct trigger_view *view, usec_t now, struct firing *ret_firings, size_t *ret_count,
                    struct decision *ret_decision);

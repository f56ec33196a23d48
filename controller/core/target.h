/* core/target.h — what a target needs all the time: its steady state watched, triggers looking, snapshots fresh, coverage told. Pure. */
#pragma once

#include "core/coverage.h"
#include "core/drill.h"

#define TARGET_CARDS_MAX 100 /* of so many cards, the first by name, a target tells its coverage */
struct target_view {
    const struct target *target; /* decoded; NULL: error says why, object is for the status */
    json_t *object;
    struct error error;
    bool namespace_enabled;
    const struct pod *pods;
    const struct agent_state *agents;
    size_t pod_count;
    const struct trigger *triggers; /* all that apply to this namespace: its own and the catalog's (own wins by name) */
    size_t trigger_count;
    const struct card *cards; /* likewise; no more than TARGET_CARDS_MAX are looked at */
    size_t card_count;
    const struct drill *drills; /* of this target, terminal ones of these cards too */
    size_t drill_count;
    const struct observations *observations;
    const struct evidences *evidences;
    int64_t epoch;
    struct applies *applies; /* see applies.h; NULL is fine */
};
/* Wants: "health/<name>/<pod>" for the steady state, "trigger/<ns>/<name>/<pod>" for each trigger whose facets the target has, on up to
 * watchPods pods and always on drilled ones. Effects: snapshots by the agent, status (conditions, coverage, steadyState, snapshots, pods). */
void target_decide(const struct target_view *view, usec_t now, struct decision *ret_decision);

/* The steady state from the evidence of its health probes over ready pods: TRUE where all hold; a target without health probes is steady
 * where at least one selected pod is ready and none is not. message says what is wrong. */
enum holds target_steady(const struct target *t, const struct pod *pods, size_t pod_count, const struct evidences *evidences,
                         usec_t now, usec_t *ret_since, char message[160]);
/* Whether `now` lies in the windows (NULL: always); err (INVALID) names a bad zone or time. */
bool windows_open(const json_t *windows, usec_t now, struct error *err);

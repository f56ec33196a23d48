/* core/ready.h — the Ready condition of objects that only wait to be used (cards, playbooks, triggers that cannot be understood), and the
 * counts of what became of them. Pure. */
#pragma once

#include "core/decision.h"

#define TALLY_AFTER (30 * USEC_SEC) /* an end waits so long to be counted together with those that follow it */

/* Drills of a card, or runs of a playbook, that ended since the status was last written; counted on top of it, so that nothing is lost
 * when history is deleted and nothing is counted twice: status and counts are one write, and it names the last end it has seen. */
struct ready_tally {
    int64_t ended, succeeded, failed; /* since then */
    usec_t first_at, last_at;         /* UTC; 0: none ended since */
    usec_t more_at;                   /* when to look again for one that ended too lately to be counted yet; 0: there is none */
    const char *last_result;
};

struct ready_view {
    struct key key;
    const json_t *object;
    struct error error;           /* class NONE: it can be used; else why not */
    const char *reason, *message; /* of True */
    struct ready_tally tally;
    const char *count_key, *last_key; /* "drills" and "lastDrill", "runs" and "lastRun"; NULL: it has no counts */
};
void ready_decide(const struct ready_view *v, usec_t now, struct decision *ret_decision);

/* A new CodingTask becomes Open. */
void ready_decide_task(const struct key *key, const json_t *object, usec_t now, struct decision *ret_decision);
/* A Drill or a run that cannot be understood ends at once, saying why. `phase`: "Skipped" or "Failed". */
void ready_decide_refused(const struct key *key, const json_t *object, const char *phase, const struct error *err, usec_t now,
                          struct decision *ret_decision);

/* core/gate.h — the four proofs, judged from evidence only. Pure.
 *
 * Rules
 * - Nothing from before the injection counts: a firing whose condition began earlier, a run that was started for one, a look at a probe
 *   taken earlier. Nothing from after the fault was over counts either: it may be the doing of whoever reverted it.
 * - Where the agent was away, or another controller died with what it knew, nobody is blamed: that is Inconclusive.
 * - A gate is decided by evidence or by its time limit; what Drillyard itself could not observe is Inconclusive, never Passed.
 * - SLOMet is judged after the first two, by a fresh look at every verification step, and needs the expected trigger to have cleared: a
 *   step that tolerates ten seconds without a heartbeat must not be met by a heartbeat that has just stopped. */
#pragma once

#include "core/drill.h"

/* How long after a time limit late reports of what happened before it are waited for. */
#define GATE_GRACE USEC_SEC

/* How far agents' times may seem too early, at most: they are compared across samples of the offset of their clocks. */
#define GATE_CLOCK_SLACK (100 * USEC_MSEC)

struct gate_frame {
    usec_t began_at;    /* when the injection began: evidence counts from here */
    usec_t injected_at; /* when the fault was seen in force: times are measured from here */
    usec_t ended_at; /* when the fault ended by itself (duration, lease, agent restart); 0: it has not; began_at: nothing counts */
    bool ended_by_plan; /* ended because its duration was over, not because Drillyard lost something */
    char ended_why[128];
};

/* Decides those gates of `gates` that are still Pending and can be decided at `now`. *ret_again: when to judge again at the latest. */
void gates_judge(const struct drill_view *v, const struct gate_frame *frame, usec_t now, struct gate gates[GATE_COUNT],
                 usec_t *ret_again);

/* The gates that need a look at the verification steps want these watches (key "verify/<name>", and "confirm/<name>" once gates 1 and 2
 * are decided). */
void gates_want(const struct drill_view *v, const struct gate gates[GATE_COUNT], struct decision *d);

bool gates_decided(const struct gate gates[GATE_COUNT]);
int gates_count_decided(const struct gate gates[GATE_COUNT]);
/* SUCCEEDED, FAILED or INCONCLUSIVE, once all are decided. */
enum drill_phase gates_verdict(const struct gate gates[GATE_COUNT]);

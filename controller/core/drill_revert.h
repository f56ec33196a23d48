/* core/drill_revert.h — where the fault of a drill is, and getting rid of it. Pure. */
#pragma once

#include "core/drill_status.h"

/* Where the fault is, by everything that is known now. */
enum fault_now {
    FAULT_NOW_UNKNOWN, /* asked for, or perhaps */
    FAULT_NOW_ACTIVE,
    FAULT_NOW_OVER,      /* reverted, or there is nothing left that could carry it */
    FAULT_NOW_FORGOTTEN, /* it was in force, and the agent, which answers, does not know it: since when it is over is not known */
};
struct fault_view {
    enum fault_now now;
    usec_t at; /* OVER */
    bool by_agent, by_pod;
    char why[24];
};

/* It can be looked at and asked: it is to be seen, and has not ended for good. */
bool drill_pod_there(const struct drill_view *v);

/* Nothing of it can carry the fault any more: its containers ended (it was evicted, say), or it was deleted so long ago that its agent,
 * should it run on as after a deletion by force, has reverted by itself. One that is only out of sight, because its label was taken off, is
 * not gone. Since when it is not to be seen is a note, which drill_note_pod() keeps, and it asks for it by name meanwhile. */
bool drill_pod_gone(const struct drill_view *v, usec_t now);
enum holds drill_pod_hidden(const struct drill_view *v); /* out of sight, and the API server has it; UNKNOWN until it was asked */
usec_t drill_pod_left_at(const struct drill_view *v);    /* as noted; 0: not noted, or it is there again */
void drill_note_pod(const struct drill_view *v, usec_t now, struct decision *d);

struct fault_view fault_look(const struct drill_view *v, usec_t now);

/* Asks the agent to revert until it is certain that nothing is left, then writes the terminal status. What lasts is said in the status
 * (phase Reverting, why), and after DRILL_QUARANTINE_AFTER by an event; core/target.c derives the quarantine from it. */
void drill_decide_reverting(const struct drill_view *v, const struct verdict *verdict, usec_t now, struct decision *d);

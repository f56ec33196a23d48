/* core/drill_status.h — a drill's status, record and injection as JSON: what core/drill.c decided, spelled for others. Pure. */
#pragma once

#include "core/drill.h"

/* What the gates came to, remembered before anything is reverted. */
struct verdict {
    enum drill_phase phase; /* the terminal phase to come */
    char reason[64], message[512];
    usec_t at;
    struct gate gates[GATE_COUNT];
};
json_t *verdict_encode(const struct verdict *v);
bool verdict_decode(const json_t *note, struct verdict *ret_verdict);
/* From a status in phase Reverting. */
void verdict_from_status(const struct drill *drill, struct verdict *ret_verdict);
void gates_decode(const json_t *array, struct gate gates[GATE_COUNT]); /* inverse of gates_encode; rows it does not know are left */

struct revert {
    const char *state, *by; /* "Done", "NotNeeded"; "Controller", "Agent", "PodGone"; state NULL: not reverted */
    usec_t at;
};

/* Each is a complete new status (new reference), built from the one there is. */
json_t *drill_status_pending(const struct drill_view *v, const char *reason, const char *message);
json_t *drill_status_intent(const struct drill_view *v, const struct pod *pod, usec_t now);
json_t *drill_status_in_force(const struct drill_view *v, const struct observation *injected, usec_t now);
json_t *drill_status_progress(const struct drill_view *v, enum drill_phase phase, const struct gate gates[GATE_COUNT]);
json_t *drill_status_reverting(const struct drill_view *v, const struct verdict *verdict, const char *why);
json_t *drill_status_verdict(const struct drill_view *v, const struct verdict *verdict, const struct revert *revert, usec_t now);
/* Ended without ever having begun. gates NULL: as they are. */
json_t *drill_status_ended(const struct drill_view *v, enum drill_phase phase, const char *reason, const char *message,
                           const struct gate *gates, usec_t now);
/* "4 of 4 gates passed in …", or the first failed gate's name and message. */
void drill_verdict_message(const struct gate gates[GATE_COUNT], enum drill_phase phase, char message[512]);

/* The ledger's record, from the terminal status alone, so that it is the same whenever it is made (new reference). */
json_t *drill_record(const struct drill_view *v);

/* api/drill.h — a Drill: one incident, typed, and its status built. Borrowed from `root`, which the struct holds. */
#pragma once

#include "api/meta.h"

enum drill_phase {
    DRILL_NEW, /* no phase yet */
    DRILL_PENDING,
    DRILL_INJECTING,
    DRILL_DETECTING,
    DRILL_HEALING,
    DRILL_VERIFYING,
    DRILL_REVERTING,
    DRILL_SUCCEEDED,
    DRILL_FAILED,
    DRILL_INCONCLUSIVE,
    DRILL_ABORTED,
    DRILL_SKIPPED,
};
const char *drill_phase_name(enum drill_phase phase); /* "" for NEW */
bool drill_phase_parse(const char *s, enum drill_phase *ret_phase);
bool drill_phase_terminal(enum drill_phase phase);
bool drill_phase_active(enum drill_phase phase); /* from the recorded intent until it is terminal */

enum gate_name { GATE_TRIGGER_FIRED, GATE_PLAYBOOK_EXECUTED, GATE_CODING_TASK_CREATED, GATE_SLO_MET, GATE_COUNT };
enum gate_result { GATE_PENDING, GATE_PASSED, GATE_FAILED, GATE_INCONCLUSIVE, GATE_NOT_REQUIRED };
const char *gate_name_text(enum gate_name g);     /* "TriggerFired" */
const char *gate_result_text(enum gate_result r); /* "Passed" */
bool gate_result_parse(const char *s, enum gate_result *ret_result);

/* A gate is a plain value. */
struct gate {
    enum gate_result result;
    usec_t at; /* UTC; 0: not decided */
    char message[256];
    char evidence_kind[32]; /* "Trigger", "PlaybookRun", "CodingTask", "Probe"; "" none */
    char evidence_name[254];
};

enum fault_state { FAULT_NONE, FAULT_INTENDED, FAULT_IN_FORCE, FAULT_REVERTED, FAULT_LOST };

struct drill {
    json_t *root;
    struct meta meta;
    bool finalizer;
    /* spec */
    const char *card, *target, *pod; /* pod "": chosen by us */
    bool dry_run, abort;
    usec_t duration; /* overrides.duration; 0: the card's */
    usec_t lease;    /* overrides.lease; 0: the controller's */
    int64_t seed;    /* overrides.seed; -1: none */
    /* status */
    const json_t *status; /* never NULL: an empty object where none */
    enum drill_phase phase;
    const char *incident; /* "" before the intent */
    const char *status_pod, *pod_uid, *node;
    const char *fault_id;   /* "" before the intent */
    enum fault_state fault; /* as recorded */
    int64_t epoch;
    usec_t started_at, injected_at, detected_at, healed_at, reverted_at; /* UTC; 0: not yet */
    usec_t clock_error;
    struct gate gates[GATE_COUNT];
};
int drill_decode(json_t *object, struct drill *ret_drill, struct error *err);
void drill_done(struct drill *d);
#define auto_drill __attribute__((cleanup(drill_done)))

json_t *gates_encode(const struct gate gates[GATE_COUNT]); /* the array of four */
/* "3/4": passed or not required of four. dest of 4. */
void gates_count_text(const struct gate gates[GATE_COUNT], char dest[4]);

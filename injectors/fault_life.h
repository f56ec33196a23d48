/* fault_life.h — one fault's steps from state to state; fault.c keeps the set of them. Not for others. */
#pragma once

#include "fault.h"

#include "base/list.h"

#define WAITING_MAX 8

struct fault {
    struct list node;
    struct faults *faults;
    char *id;
    const struct method *method; /* NULL: a tombstone of an id that was never injected, or of an unknown method */
    enum fault_state state;
    json_t *params, *undo, *detail, *outcome;
    int64_t epoch;
    usec_t since; /* monotonic: of the state */
    usec_t intended_at, seen_at, checked, due, lease_until, retry;
    bool failing, lost;
    char by[12], why[64];
    struct reply_to waiting[WAITING_MAX];
    int held; /* what the method holds on to for its revert; -1: nothing */
    struct timer timer;
};

struct faults {
    struct loop *loop;
    const struct site *site;
    struct journal *journal;
    struct faults_handlers handlers;
    struct list all; /* in order of arrival */
};

extern const char *const fault_state_names[];

bool fault_is_open(enum fault_state state);
struct fault *fault_new(struct faults *f, const char *id, const struct method *method);
void fault_free(struct fault *x);

void fault_set_state(struct fault *x, enum fault_state state, const char *by, const char *why);
/* The record in the journal becomes what the fault is now. */
int fault_write_down(struct fault *x, bool durable, struct error *err);
/* Sets the timer for what has to be done next. */
void fault_schedule(struct fault *x);

/* Asks whether the change is in force; true once that is known: it is, or it was given up and taken back. */
bool fault_look_whether_in_force(struct fault *x);
/* Takes an injection back that failed, and tells those who wait for it. */
void fault_give_up(struct fault *x, struct refusal *why);
/* Marks the fault as being reverted, and tries; -1: it is tried again later, by itself. */
int fault_begin_revert(struct fault *x, const char *by, const char *why, struct error *err);
/* One attempt at a fault that is marked so already. */
int fault_try_revert(struct fault *x, bool resumed, struct error *err);

void fault_answer_waiting(struct fault *x, json_t *result, const struct refusal *refusal);
json_t *fault_in_force_result(const struct fault *x); /* new references */
json_t *fault_revert_result(const struct fault *x);

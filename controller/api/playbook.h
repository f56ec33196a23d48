/* api/playbook.h — a Playbook and a PlaybookRun. Borrowed from `root`, which each struct holds. */
#pragma once

#include "api/trigger.h"

struct playbook {
    json_t *root;
    struct meta meta;
    const json_t *triggers; /* array of names; NULL: none */
    const json_t *branches; /* array, never NULL */
    const json_t *verify;   /* array of named probes; NULL: none */
    usec_t cooldown;
    bool learn;
};
int playbook_decode(json_t *object, struct playbook *ret_playbook, struct error *err);
void playbook_done(struct playbook *p);
#define auto_playbook __attribute__((cleanup(playbook_done)))
/* The steps for a severity: of the first branch that lists it (or lists none: any). *ret_branch its index. NULL: no branch. */
const json_t *playbook_steps(const struct playbook *p, enum severity severity, int *ret_branch);

struct step { /* one step of a playbook, decoded */
    const char *name, *action;
    usec_t timeout, retry_delay;
    int retries;
    bool go_on; /* onFailure: Continue */
    bool repeatable;
    const json_t *params; /* the member named by the action; NULL: defaults */
};
void step_decode(const json_t *step, struct step *ret_step);

enum run_phase { RUN_NEW, RUN_PENDING, RUN_RUNNING, RUN_VERIFYING, RUN_SUCCEEDED, RUN_FAILED };
const char *run_phase_name(enum run_phase phase);
bool run_phase_parse(const char *s, enum run_phase *ret_phase);

struct run {
    json_t *root;
    struct meta meta;
    const char *playbook, *trigger, *target, *pod, *incident, *reporter; /* "" where absent */
    enum severity severity;
    usec_t fired_at; /* UTC */
    const json_t *status;
    enum run_phase phase;
    usec_t started_at, ended_at; /* UTC; 0: not yet */
    int branch, current_step;    /* branch -1: not chosen yet */
    const json_t *steps;         /* status.steps; NULL: none yet */
    const char *message;
};
int run_decode(json_t *object, struct run *ret_run, struct error *err);
void run_done(struct run *r);
#define auto_run __attribute__((cleanup(run_done)))

/* core/action.h — the action primitives of playbooks: how each is begun, and how it is seen to have ended. Pure.
 *
 * An action with an effect goes to the agent with an effect id (run, step, attempt), which the agent remembers: asked again after a crash
 * it answers what came of it instead of doing it twice. An action through the API server is a patch that says the end state. Actions that
 * only look want watches and have no effect at all. */
#pragma once

#include "core/run.h"

enum step_state { STEP_RUNNING, STEP_OK, STEP_FAILED };
struct step_outcome {
    enum step_state state;
    usec_t at;         /* OK, FAILED: when */
    char message[512]; /* what was done, or why it failed */
    char plan[128];    /* not "": must be written to the step before the action may go on (see ScaleWorkers) */
    bool looked;       /* OK: `at` is when it was looked at, for want of when it came to be so */
    bool unknown;      /* not OK: it was asked for, and whether it took effect is not known */
};

/* Everything an action may look at. */
struct step_view {
    const struct run_view *run;
    struct step step;
    const json_t *status; /* the step's row in status.steps */
    int index, attempt;
    usec_t started_at;     /* as recorded: the write-ahead that allows the effect */
    const struct pod *pod; /* where it acts; NULL: none that could */
    bool pod_gone;         /* the pod it was begun in is gone; `pod` is another, for looking only */
    const struct agent_state *agent;
};
/* Begins or continues the step; effects and wants go to d. */
void action_step(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *ret_outcome);

/* Whether the engine of this version can do it; false: the playbook is not Ready and says so. */
bool action_known(const char *action);

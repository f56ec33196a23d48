/* core/run.h — one execution of a playbook: its steps, one after another, each written down before it is done. Pure. */
#pragma once

#include "api/playbook.h"
#include "api/pod.h"
#include "api/target.h"
#include "core/agent_state.h"
#include "core/decision.h"

struct run_view {
    const struct run *run;
    const struct playbook *playbook; /* NULL: playbook_error */
    const struct target *target;     /* NULL: target_error */
    struct error playbook_error, target_error;
    bool namespace_enabled;
    const struct pod *pods;
    const struct agent_state *agents;
    size_t pod_count;
    const struct observations *observations;
    const struct evidences *evidences;
    int64_t epoch;
};
void run_decide(const struct run_view *view, usec_t now, struct decision *ret_decision);

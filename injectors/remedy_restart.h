/* remedy_restart.h — ends processes and waits until others have come in their place.
 *
 * TERM, and CONT so that a stopped one can act on it; after the grace KILL; then until as many that match run which were not there
 * before. Who starts them is the target's own supervisor, or the kubelet (container: its first process is ended). Where none matched at
 * the start it only waits for one. */
#pragma once

#include "guard.h"

struct restart_order {
    const char *match; /* NULL: only with container */
    bool container;
    usec_t grace, timeout;
};
/* 0: guard_answer() follows, {ended:[pids], started:[pids], at}, or TIMEOUT. -1 refused. */
int restart_begin(struct guard *g, const struct restart_order *order, const struct reply_to *to, struct refusal *r);

/* core/history.h — which finished drills of a schedule may go: the oldest beyond spec.history, once nothing depends on them. Pure. */
#pragma once

#include "core/schedule.h"

#define HISTORY_AT_ONCE 10
/* A drill goes only without our finalizer (the ledger has it), and when its target's status remembers it. */
void history_decide(const struct schedule_view *v, struct decision *d);

/* core/escalation.h — a card of high risk that nobody drills is told: an event, and a CodingTask in the backlog, once. Pure. */
#pragma once

#include "core/roster.h"

#define ESCALATION_RISK     2.0
#define ESCALATION_PRIORITY 70
/* The task's name comes from the card, the target and when it was last drilled, so a later lapse is a new task. */
void escalation_decide(const struct schedule_view *v, const struct roster *r, usec_t now, struct decision *d);

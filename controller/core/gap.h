/* core/gap.h — what a verdict means for the backlog: a failed drill files one CloseGap task, the same gap again raises its priority, a
 * success closes it. Pure. */
#pragma once

#include "core/drill.h"

#define GAP_PRIORITY_STEP        10
#define ANNOTATION_LAST_INCIDENT "drillyard.dev/last-incident"
#define ANNOTATION_OCCURRENCES   "drillyard.dev/occurrences"

/* "KH001/shop/PlaybookExecuted+SLOMet": the same gap has the same key. */
void gap_key(const char *card_id, const char *target, const struct gate gates[GATE_COUNT], char dest[256]);
/* The task that the failed drill's gap has or will have; "" where the drill has no gap. */
void gap_task_name(const struct drill_view *v, char dest[254]);
/* Effects for a terminal drill's backlog; true: nothing is left to do. */
bool gap_decide(const struct drill_view *v, struct decision *d);

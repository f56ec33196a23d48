/* core/target_snapshot.h — the last known good: when the agents copy which file, and what the status says of it. Pure.
 *
 * Only what is known to be good is copied: the target is steady, no drill is on it, no trigger's condition holds. Time is cut into slots of
 * spec.snapshots.every; in each, every pod is asked once for each facet (and again, up to SNAPSHOT_ATTEMPTS, where it could not). */
#pragma once

#include "core/target.h"

#define SNAPSHOT_ATTEMPTS 3
#define SNAPSHOT_RETRY    (30 * USEC_SEC)
#define SNAPSHOT_SETTLE   (5 * USEC_SEC) /* for the triggers to have looked through a new session */

void snapshot_decide(const struct target_view *v, bool good, usec_t now, struct decision *d);
/* status.snapshots: what agents answered in this slot or the one before, else what `old` says. New reference; NULL: none. */
json_t *snapshot_status(const struct target_view *v, const json_t *old, usec_t now);

/* core/start.h — the start that is due: whether, and with which drills, so that each slot is taken once. Pure.
 *
 * The drills come first (their names come from schedule, slot and index, so a repeated create finds its own), the status with lastSlot
 * after all of them are seen. In between the choice is remembered by a note; a controller that died there finds the drills of the slot and
 * draws again as if they were not there, which gives the same choice. */
#pragma once

#include "core/roster.h"
#include "core/slot.h"
#include "core/windows.h"

struct start {
    const struct schedule_view *view;
    const struct slots *slots;
    const struct windows *windows;
    const struct roster *roster;
    uint64_t seed;
    usec_t now;
};
/* Changes `status` (lastSlot, lastSelection, lastDrill) where the slot is done with. */
void start_decide(const struct start *s, json_t *status, struct decision *d);

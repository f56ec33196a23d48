/* core/schedule.h — when the next drills start, and that each start happens once. Pure. */
#pragma once

#include "core/drill.h"
#include "core/selection.h"

#define SCHEDULE_CARDS_MAX 500   /* a schedule that selects more cards, … */
#define SCHEDULE_PAIRS_MAX 20000 /* … or more pairs of a card and a target, is not obeyed: its condition says so */
struct schedule_view {
    const struct schedule *schedule; /* NULL: error; object is for the status */
    json_t *object;
    struct error error;
    bool namespace_enabled, stopped;
    const struct target *targets; /* in its namespace */
    size_t target_count;
    const struct card *cards; /* own namespace's and the catalog's (own wins by name); others than it selects may be left out */
    size_t card_count;
    const struct drill *drills; /* all in the namespace */
    size_t drill_count;
    const struct task *tasks;
    size_t task_count;
    uint64_t seed; /* for schedules without one: stable per object */
    const struct observations *observations;
    struct applies *applies; /* see applies.h; NULL is fine */
};
void schedule_decide(const struct schedule_view *view, usec_t now, struct decision *ret_decision);
/* The newest slot at or before `now` that is after `last` (0: creation), and the next one after now; false: none is due. */
bool schedule_slot(const struct schedule *s, usec_t now, usec_t *ret_slot, usec_t *ret_next, struct error *err);

/* core/roster.h — every pair of a card and a target that a schedule may drill, and what stands in its way just now. Pure. */
#pragma once

#include "core/schedule.h"

enum pair_obstacle {
    PAIR_FREE,
    PAIR_WAITING, /* for what passes soon: another drill there, or a target that is not steady */
    PAIR_BLOCKED, /* until somebody acts or a window opens: a start is not held back for it */
};

/* candidates[i] and pairs[i] are about the same pair. */
struct pair {
    const struct card *card;
    const struct target *target;
    enum pair_obstacle obstacle;
    char why[200];
    usec_t due_since; /* since when it could have been drilled, as far as dates say; USEC_NEVER: it is not due */
};
struct roster {
    struct candidate *candidates;
    struct pair *pairs;
    size_t count;
    size_t targets, cards; /* selected; more than SCHEDULE_CARDS_MAX cards or SCHEDULE_PAIRS_MAX of both: there are no pairs */
};
/* `slot`: drills that were made for it do not count as being in the way (0: all do). */
void roster_init(struct roster *r, const struct schedule_view *v, usec_t slot, usec_t now);
void roster_done(struct roster *r); /* a zeroed struct is fine */
#define auto_roster __attribute__((cleanup(roster_done)))

bool pair_due(const struct candidate *c);         /* it should be drilled, were nothing in the way */
usec_t candidate_next(const struct candidate *c); /* when it is due: 0 already; USEC_NEVER: never */

bool schedule_names_card(const struct schedule *s, const char *id); /* spec.cards.ids has it, or none at all */
bool schedule_selects_card(const struct schedule *s, const struct card *c);

/* Drills of a schedule. */
bool drill_of_schedule(const struct drill *d, const struct schedule *s);
/* <target>-<id>-<hash>, the same for the same schedule, slot and index, at most 63 characters. */
void slot_drill_name(const struct schedule *s, usec_t slot, size_t index, const char *target, const char *id, char dest[64]);
bool drill_of_slot(const struct drill *d, const struct schedule *s, usec_t slot, size_t *ret_index); /* ret_index may be NULL */
#define SLOT_DRILLS_MAX 5

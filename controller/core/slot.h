/* core/slot.h — the moments at which a schedule starts drills: creation + k·every, or its cron line's times. Pure, but for the time zone,
 * which comes from the system's database. */
#pragma once

#include "api/schedule.h"
#include "base/cron.h"
#include "base/zone.h"

struct slots {
    usec_t base, every; /* every 0: by cron */
    struct cron *cron;
    struct zone *zone;
};
int slots_init(struct slots *s, const struct schedule *schedule, struct error *err); /* INVALID: a time zone nobody knows */
void slots_done(struct slots *s);                                                    /* a zeroed struct is fine */
#define auto_slots __attribute__((cleanup(slots_done)))

usec_t slots_after(const struct slots *s, usec_t wall);               /* the first slot after `wall`; USEC_NEVER: none */
usec_t slots_newest(const struct slots *s, usec_t after, usec_t now); /* the newest in (after, now]; 0: none */

#include "core/slot.h"

#include "core/schedule.h"

int slots_init(struct slots *s, const struct schedule *schedule, struct error *err)
{
    *s = (struct slots){.base = schedule->meta.created_at, .every = schedule->every};
    if (!schedule->cron)
        return 0;
    if (cron_parse(schedule->cron, &s->cron, err) < 0)
        return error_wrap(err, "spec.cron");
    if (zone_load(schedule->time_zone, NULL, &s->zone, err) == 0)
        return 0;
    slots_done(s);
    return error_wrap(err, "spec.timeZone");
}

void slots_done(struct slots *s)
{
    cron_free(s->cron);
    zone_free(s->zone);
    *s = (struct slots){0};
}

usec_t slots_after(const struct slots *s, usec_t wall)
{
    if (s->cron)
        return cron_next(s->cron, s->zone, wall);
    if (wall < s->base)
        return usec_add(s->base, s->every);
    return usec_add(s->base, ((wall - s->base) / s->every + 1) * s->every);
}

/* By cron there is no way back, so it is looked for in ever longer times before now: a minute, an hour, a day, … */
static usec_t newest_by_cron(const struct slots *s, usec_t after, usec_t now)
{
    static const usec_t reach[] = {USEC_MINUTE, USEC_HOUR, USEC_DAY, 31 * USEC_DAY, 366 * USEC_DAY, 5 * 366 * USEC_DAY};
    for (size_t i = 0; i < array_len(reach); i++) {
        usec_t from = usec_max(after, now - reach[i]), newest = 0;
        for (usec_t slot = slots_after(s, from); slot <= now; slot = slots_after(s, slot))
            newest = slot;
        if (newest || from == after)
            return newest;
    }
    return 0;
}

usec_t slots_newest(const struct slots *s, usec_t after, usec_t now)
{
    after = usec_max(after, s->base);
    if (now <= after)
        return 0;
    if (s->cron)
        return newest_by_cron(s, after, now);
    usec_t newest = s->base + (now - s->base) / s->every * s->every;
    return newest > after ? newest : 0;
}

bool schedule_slot(const struct schedule *s, usec_t now, usec_t *ret_slot, usec_t *ret_next, struct error *err)
{
    auto_slots struct slots slots = {0};
    *ret_next = USEC_NEVER;
    if (slots_init(&slots, s, err) < 0)
        return false;
    *ret_next = slots_after(&slots, usec_max(now, s->last_slot));
    *ret_slot = slots_newest(&slots, s->last_slot, now);
    return *ret_slot != 0;
}

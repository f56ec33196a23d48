/* api/schedule.h — a DrillSchedule. Borrowed from `root`, which the struct holds. */
#pragma once

#include "api/meta.h"

#define SCHEDULE_FREQUENCY_MAX 16
struct schedule {
    json_t *root;
    struct meta meta;
    usec_t every;     /* 0: by cron */
    const char *cron; /* NULL: by every */
    const char *time_zone;
    bool stress; /* mode: Stress */
    int stress_min, stress_max;
    const json_t *target_names, *target_selector; /* NULL: not given */
    const json_t *card_ids, *card_selector;
    bool round_robin;
    bool has_seed;
    int64_t seed;
    double overdue_boost;
    struct {
        double min_risk;
        usec_t every;
    } frequency[SCHEDULE_FREQUENCY_MAX]; /* as given; the row with the highest min_risk <= the card's risk rules */
    size_t frequency_count;
    usec_t escalate_after;
    enum { CONCURRENCY_FORBID, CONCURRENCY_ALLOW, CONCURRENCY_REPLACE } concurrency;
    usec_t starting_deadline; /* 60 s where not given */
    bool suspend, dry_run;
    int history_succeeded, history_failed;
    const json_t *windows;
    const json_t *status; /* never NULL */
    usec_t last_slot;     /* status.lastSlot, UTC; 0: none yet */
};
int schedule_decode(json_t *object, struct schedule *ret_schedule, struct error *err);
void schedule_done(struct schedule *s);
#define auto_schedule __attribute__((cleanup(schedule_done)))
/* How many of its drills may go on at once: by concurrencyPolicy and mode. */
size_t schedule_at_once(const struct schedule *s);
/* How often a card of that risk is due. USEC_NEVER where no row matches; the built-in rows (2.0: 3d, 1.0: 7d, 0: 14d) where none given. */
usec_t schedule_frequency(const struct schedule *s, double risk);

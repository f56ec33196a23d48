/* base/cron.h — when a five-field cron line is due, in a time zone.
 *
 * Fields: minute hour day-of-month month day-of-week; lists, ranges, steps, names (jan, mon), and @hourly @daily @midnight @weekly
 * @monthly @yearly @annually. Day of month and day of week are joined by "or" where both are restricted (robfig/cron, which CronJob
 * uses); Sunday is 0 or 7. A time that daylight saving skips does not happen; one that it repeats happens once, the first time. */
#pragma once

#include "base/zone.h"

struct cron; /* a parsed line */

/* INVALID: the text names the field by number, quotes the value and says what would be right. */
int cron_parse(const char *line, struct cron **ret_cron, struct error *err);
void cron_free(struct cron *c); /* NULL is fine */

/* The first due time after `wall` (exclusive), UTC microseconds; USEC_NEVER where there is none in 5 years (30 February). */
usec_t cron_next(const struct cron *c, const struct zone *z, usec_t wall);

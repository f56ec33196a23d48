/* base/zone.h — a time zone: the system's tz database (TZif files, RFC 8536), read without touching the TZ environment.
 *
 * Times after a file's last transition follow its footer, the rule by which daylight saving goes on for ever. */
#pragma once

#include "base/error.h"
#include "base/time.h"

struct zone; /* a parsed time zone; NULL stands for UTC wherever one is taken */

/* NULL, "" and "UTC"/"Etc/UTC" need no file. Names with "..", a leading "/" or over 64 bytes are refused. `dir` NULL: /usr/share/zoneinfo.
 * INVALID: no such zone, or not a file of the tz database. */
int zone_load(const char *name, const char *dir, struct zone **ret_zone, struct error *err);
/* The same from the bytes of a file; `name` is for the error text. */
int zone_parse(const char *name, const void *bytes, size_t n, struct zone **ret_zone, struct error *err);
void zone_free(struct zone *z); /* NULL is fine */

int zone_offset(const struct zone *z, usec_t wall); /* seconds east of UTC then */

/* The first moment (seconds since 1970 UTC) at which a clock there shows `local` (the same count, as if the zone were UTC); false: daylight
 * saving skips it. */
bool zone_first(const struct zone *z, int64_t local, int64_t *ret_second);

struct civil { /* local calendar time */
    int year, month /* 1-12 */, day /* 1-31 */, hour, minute, second, weekday /* 0 Sunday */;
};
struct civil civil_from_wall(const struct zone *z, usec_t wall);

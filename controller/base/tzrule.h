/* base/tzrule.h — the rule for daylight saving in a POSIX TZ string ("CET-1CEST,M3.5.0,M10.5.0/3"), which a TZif file ends in.
 *
 * POSIX 8.3 with the extension of RFC 8536 3.3.1 (hours from -167 to 167). Offsets here are seconds east of UTC, the opposite of the
 * string's sign. */
#pragma once

#include "base/mem.h"

enum tzrule_form { TZRULE_JULIAN /* Jn: 1-365, never 29 February */, TZRULE_DAY /* n: 0-365 */, TZRULE_WEEK /* Mm.w.d */ };

struct tzrule_date {
    enum tzrule_form form;
    int day;         /* of the year, or of the week (0 Sunday) */
    int month, week; /* TZRULE_WEEK: week 1-5, 5 is the last */
    int time;        /* seconds after local midnight, may be negative or over a day */
};

struct tzrule {
    int standard_offset, daylight_offset;
    bool has_daylight;
    struct tzrule_date start, end; /* of daylight saving */
};

bool tzrule_parse(const char *s, struct tzrule *ret_rule); /* false: not such a string */

/* The offset at `second` (since 1970 UTC) and, in ret_until (may be NULL), when the next change is due; INT64_MAX: never. */
int tzrule_offset(const struct tzrule *rule, int64_t second, int64_t *ret_until);

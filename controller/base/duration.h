/* base/duration.h — durations as people write them: "1m30s", "500ms", "7d".
 *
 * Units ms s m h d; parts in any order are refused ("30s1m"), as are "", "5", "-1s", "1.5h" and anything over 10 years. Go's
 * time.ParseDuration without fractions and with days; the same pattern stands in the CRDs. */
#pragma once

#include "base/error.h"
#include "base/time.h"

/* `what` names the field for the error text: `spec.every: "5" is not a duration; write for example "5m", "90s" or "1h30m"`. */
int duration_parse(const char *s, const char *what, usec_t *ret_usec, struct error *err);
/* "1.2s", "340ms", "2m5s", "3h", "4d2h": short, for people. dest of 32 is always enough. Returns dest. */
const char *duration_format(usec_t d, char *dest, size_t size);

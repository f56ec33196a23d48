/* shell/session_clock.h — how an agent's monotonic clock stands to ours, by round trips. Pure.
 *
 * A line stamped `mono` by the agent left it between our sending of what it answers and its arrival, so the offset is known to half of
 * that interval. The best of many is kept; its error grows with age, since two clocks drift apart (SESSION_DRIFT_PER). */
#pragma once

#include "base/time.h"

#define SESSION_DRIFT_PER 10000 /* one in so many: 100 ppm, twice what NTP's slewing of a good clock needs */

struct session_clock {
    bool known;
    usec_t offset;      /* ours minus the agent's */
    usec_t error;       /* when it was measured */
    usec_t measured_at; /* ours, monotonic */
};
void session_clock_reset(struct session_clock *c);
/* sent, received: ours; mono: the agent's (0: ignored). Kept where it is at least as good as what is known. */
void session_clock_sample(struct session_clock *c, usec_t sent, usec_t received, usec_t mono);
usec_t session_clock_error(const struct session_clock *c, usec_t now);

/* shell/clock.h — the one clock of the core: UTC that never jumps.
 *
 * Steady time is the monotonic clock plus an offset to UTC that is fixed at start, so that times from agents, statuses and "now" can be
 * compared and subtracted. The offset is fixed anew only where the caller knows that no drill measures anything. */
#pragma once

#include "world/world.h"

#define CLOCK_TOLERANCE USEC_SEC /* smaller differences from UTC are left alone */

struct clock {
    struct world *world;
    usec_t offset; /* steady UTC minus monotonic */
};
void clock_init(struct clock *c, struct world *world);
usec_t clock_now(const struct clock *c);                 /* steady UTC */
usec_t clock_steady(const struct clock *c, usec_t mono); /* our monotonic → steady; NEVER and 0 (unknown) stay */
usec_t clock_mono(const struct clock *c, usec_t steady); /* its inverse */
bool clock_refix(struct clock *c);                       /* follows UTC where it is off by more than the tolerance; true: it was */

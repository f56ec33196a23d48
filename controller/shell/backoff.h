/* shell/backoff.h — how long to wait before the next attempt: doubling, capped, with jitter in [d, 2d).
 * client-go tools/cache/reflector.go uses 0.8 s, ×2, cap 30 s, and begins anew after two quiet minutes. */
#pragma once

#include "base/time.h"

struct backoff {
    usec_t first, cap, reset_after; /* reset_after 0: only backoff_reset() */
    usec_t delay;                   /* of the next attempt; 0: first */
    usec_t last_at;                 /* when the last one was asked for */
};
/* The wait before the next attempt; draw: a random number. */
usec_t backoff_next(struct backoff *b, usec_t now, uint64_t draw);
void backoff_reset(struct backoff *b);

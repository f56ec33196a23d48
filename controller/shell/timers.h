/* shell/timers.h — many timers on the world's one alarm.
 *
 * A timer is embedded in what it serves, fires once, from the loop, and may set itself again. It must be cleared before its memory goes. */
#pragma once

#include "world/world.h"

struct timers;
struct timer {
    struct timers *timers;
    void (*fire)(void *userdata);
    void *userdata;
    usec_t at; /* monotonic; USEC_NEVER: not set */
};

struct timers *timers_new(struct world *world); /* takes the world's wake function */
void timers_free(struct timers *t);             /* NULL is fine; all its timers are cleared before */

void timer_init(struct timer *timer, struct timers *timers, void (*fire)(void *userdata), void *userdata);
void timer_set(struct timer *timer, usec_t at);         /* replaces an earlier time; NEVER clears */
void timer_set_earlier(struct timer *timer, usec_t at); /* the earlier of the two */
void timer_clear(struct timer *timer);

/* sim_clock.h — virtual time: what is to happen, in the order in which it happens.
 *
 * Time moves only from one event to the next; events of the same time come in the order in which they were added. So one seed is one run. */
#pragma once

#include "base/time.h"

struct sim_clock;
struct sim_clock *sim_clock_new(usec_t now);
void sim_clock_free(struct sim_clock *c); /* drops what is still to come; NULL is fine */

usec_t sim_clock_now(const struct sim_clock *c);
uint64_t sim_clock_steps(const struct sim_clock *c); /* events that happened so far; the one that is happening counts */

/* `fire` happens at `when` (in the past: next). `drop`, where not NULL, is called instead when the clock is freed before. */
void sim_clock_add(struct sim_clock *c, usec_t when, void (*fire)(void *userdata), void (*drop)(void *userdata), void *userdata);
bool sim_clock_step(struct sim_clock *c, usec_t until); /* false: nothing is to happen by then; the time is `until` now */

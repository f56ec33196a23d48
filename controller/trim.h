/* trim.h — gives back, while nothing happens, what malloc() keeps after a burst (the first lists, a crowd of drills), and the pages of the
 * program that only such a burst or the beginning needed. */
#pragma once

#include "net/loop.h"

#include <stdbool.h>

struct trim;
/* First some seconds after now, then every minute. `quiet` lets go of caches first; false: something is at work, and nothing is done. */
struct trim *trim_new(struct loop *loop, bool (*quiet)(void *userdata), void *userdata);
void trim_free(struct trim *t); /* NULL is fine */

/* Once, before any thread is made: one arena for all threads, and large blocks always mapped by themselves, so that they go when freed. */
void trim_prepare(void);

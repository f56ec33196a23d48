/* trim.h — gives memory back while nothing happens.
 *
 * Two kinds are held without being used: what malloc() keeps after a burst (the first lists, a crowd of drills), and pages of the
 * program itself that only its start or a rare path needed. The first returns to the kernel. The second is file pages, which the kernel
 * keeps as cache as long as it has no better use for the room, and maps again, a few microseconds each, when they are used. */
#pragma once

#include "net/loop.h"

#include <stdbool.h>

struct trim;
/* First some seconds after now, then every minute. `quiet` lets go of caches first; false: something is at work, and nothing is done. */
struct trim *trim_new(struct loop *loop, bool (*quiet)(void *userdata), void *userdata);
void trim_free(struct trim *t); /* NULL is fine */

/* Once, before any thread is made: one arena for all threads, and large blocks always mapped by themselves, so that they go when freed. */
void trim_prepare(void);

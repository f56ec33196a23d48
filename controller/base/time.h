/* base/time.h — time as a number.
 *
 * usec_t counts microseconds: of the monotonic clock (intervals, deadlines) or since 1970 UTC (what is written down); a variable's
 * name says which (now, due, until: monotonic; wall_…, …_at in a status: UTC). */
#pragma once

#include "base/mem.h"

typedef int64_t usec_t; /* the second and last typedef */

#define USEC_NEVER  INT64_MAX
#define USEC_MSEC   ((usec_t)1000)
#define USEC_SEC    ((usec_t)1000000)
#define USEC_MINUTE (60 * USEC_SEC)
#define USEC_HOUR   (60 * USEC_MINUTE)
#define USEC_DAY    (24 * USEC_HOUR)

usec_t time_monotonic(void); /* CLOCK_MONOTONIC; only world/real.c, the agent and tests call these two */
usec_t time_wall(void);      /* CLOCK_REALTIME */

/* Saturating: never overflows, NEVER stays NEVER. */
usec_t usec_add(usec_t a, usec_t b);
static inline usec_t usec_min(usec_t a, usec_t b)
{
    return a < b ? a : b;
}
static inline usec_t usec_max(usec_t a, usec_t b)
{
    return a > b ? a : b;
}

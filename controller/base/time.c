#include "base/time.h"

#include <time.h>

static usec_t clock_now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (usec_t)t.tv_sec * USEC_SEC + t.tv_nsec / 1000;
}

usec_t time_monotonic(void)
{
    return clock_now(CLOCK_MONOTONIC);
}

usec_t time_wall(void)
{
    return clock_now(CLOCK_REALTIME);
}

usec_t usec_add(usec_t a, usec_t b)
{
    usec_t sum;
    if (a == USEC_NEVER || b == USEC_NEVER)
        return USEC_NEVER;
    if (__builtin_add_overflow(a, b, &sum))
        return a > 0 ? USEC_NEVER : INT64_MIN;
    return sum;
}

#include "trim.h"

#include "base/mem.h"

#include <malloc.h>

#define FIRST       (10 * USEC_SEC)
#define EVERY       (60 * USEC_SEC)
#define LARGE_BLOCK (64 * 1024)

struct trim {
    struct timer *timer;
    bool (*quiet)(void *userdata);
    void *userdata;
};

static void due(void *userdata)
{
    struct trim *t = userdata;
    if (t->quiet(t->userdata))
        malloc_trim(0);
    timer_at(t->timer, time_monotonic() + EVERY);
}

struct trim *trim_new(struct loop *loop, bool (*quiet)(void *userdata), void *userdata)
{
    struct trim *t = mem_new(struct trim);
    *t = (struct trim){.timer = timer_new(loop, due, t), .quiet = quiet, .userdata = userdata};
    timer_at(t->timer, time_monotonic() + FIRST);
    return t;
}

void trim_free(struct trim *t)
{
    if (!t)
        return;
    timer_free(t->timer);
    free(t);
}

void trim_prepare(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
}

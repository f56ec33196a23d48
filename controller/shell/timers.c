#include "shell/timers.h"

#include "base/heap.h"

struct timers {
    struct world *world;
    struct heap *due;
    usec_t armed; /* what the world's alarm is set to */
};

static void timers_arm(struct timers *t)
{
    usec_t next = USEC_NEVER;
    heap_peek(t->due, &next, NULL);
    if (next == t->armed)
        return;
    t->armed = next;
    world_wake_at(t->world, next);
}

static void timers_run(void *userdata)
{
    struct timers *t = userdata;
    usec_t now = world_now(t->world), when;
    void *item;
    t->armed = USEC_NEVER; /* the alarm rings once */
    /* Bounded, so that a timer that sets itself for now lets the loop's other work through. */
    for (size_t left = heap_count(t->due); left && heap_peek(t->due, &when, &item) && when <= now; left--) {
        struct timer *timer = heap_pop(t->due);
        timer->at = USEC_NEVER;
        timer->fire(timer->userdata);
    }
    timers_arm(t);
}

struct timers *timers_new(struct world *world)
{
    struct timers *t = mem_new(struct timers);
    *t = (struct timers){.world = world, .due = heap_new(), .armed = USEC_NEVER};
    world_set_wake(world, timers_run, t);
    return t;
}

void timers_free(struct timers *t)
{
    if (!t)
        return;
    world_set_wake(t->world, NULL, NULL);
    world_wake_at(t->world, USEC_NEVER);
    heap_free(t->due);
    free(t);
}

void timer_init(struct timer *timer, struct timers *timers, void (*fire)(void *userdata), void *userdata)
{
    *timer = (struct timer){.timers = timers, .fire = fire, .userdata = userdata, .at = USEC_NEVER};
}

void timer_clear(struct timer *timer)
{
    if (!timer->timers || timer->at == USEC_NEVER)
        return;
    heap_remove(timer->timers->due, timer);
    timer->at = USEC_NEVER;
    timers_arm(timer->timers);
}

void timer_set(struct timer *timer, usec_t at)
{
    if (timer->at == at)
        return;
    if (timer->at != USEC_NEVER)
        heap_remove(timer->timers->due, timer);
    timer->at = at;
    if (at != USEC_NEVER)
        heap_add(timer->timers->due, at, timer);
    timers_arm(timer->timers);
}

void timer_set_earlier(struct timer *timer, usec_t at)
{
    if (at < timer->at)
        timer_set(timer, at);
}

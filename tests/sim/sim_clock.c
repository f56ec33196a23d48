#include "sim_clock.h"

#include "base/heap.h"

struct event {
    usec_t when;
    void (*fire)(void *userdata);
    void (*drop)(void *userdata);
    void *userdata;
};

struct sim_clock {
    usec_t now;
    uint64_t steps;
    struct heap *due;
};

struct sim_clock *sim_clock_new(usec_t now)
{
    struct sim_clock *c = mem_new(struct sim_clock);
    *c = (struct sim_clock){.now = now, .due = heap_new()};
    return c;
}

void sim_clock_free(struct sim_clock *c)
{
    if (!c)
        return;
    struct event *e;
    while ((e = heap_pop(c->due))) {
        if (e->drop)
            e->drop(e->userdata);
        free(e);
    }
    heap_free(c->due);
    free(c);
}

usec_t sim_clock_now(const struct sim_clock *c)
{
    return c->now;
}

uint64_t sim_clock_steps(const struct sim_clock *c)
{
    return c->steps;
}

void sim_clock_add(struct sim_clock *c, usec_t when, void (*fire)(void *userdata), void (*drop)(void *userdata), void *userdata)
{
    struct event *e = mem_new(struct event);
    *e = (struct event){.when = usec_max(when, c->now), .fire = fire, .drop = drop, .userdata = userdata};
    heap_add(c->due, e->when, e);
}

bool sim_clock_step(struct sim_clock *c, usec_t until)
{
    usec_t when;
    if (!heap_peek(c->due, &when, NULL) || when > until) {
        c->now = usec_max(c->now, until);
        return false;
    }
    struct event *e = heap_pop(c->due);
    c->now = e->when;
    c->steps++;
    e->fire(e->userdata);
    free(e);
    return true;
}

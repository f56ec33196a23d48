#include "shell/alarms.h"

#include "base/heap.h"

struct alarms {
    struct world *world;
    struct heap *due;
    usec_t armed; /* what the world's alarm is set to */
};

static void alarms_arm(struct alarms *t)
{
    usec_t next = USEC_NEVER;
    heap_peek(t->due, &next, NULL);
    if (next == t->armed)
        return;
    t->armed = next;
    world_wake_at(t->world, next);
}

static void alarms_run(void *userdata)
{
    struct alarms *t = userdata;
    usec_t now = world_now(t->world), when;
    void *item;
    t->armed = USEC_NEVER; /* the alarm rings once */
    /* Bounded, so that an alarm that sets itself for now lets the loop's other work through. */
    for (size_t left = heap_count(t->due); left && heap_peek(t->due, &when, &item) && when <= now; left--) {
        struct alarm *alarm = heap_pop(t->due);
        alarm->at = USEC_NEVER;
        alarm->fire(alarm->userdata);
    }
    alarms_arm(t);
}

struct alarms *alarms_new(struct world *world)
{
    struct alarms *t = mem_new(struct alarms);
    *t = (struct alarms){.world = world, .due = heap_new(), .armed = USEC_NEVER};
    world_set_wake(world, alarms_run, t);
    return t;
}

void alarms_free(struct alarms *t)
{
    if (!t)
        return;
    world_set_wake(t->world, NULL, NULL);
    world_wake_at(t->world, USEC_NEVER);
    heap_free(t->due);
    free(t);
}

void alarm_init(struct alarm *alarm, struct alarms *alarms, void (*fire)(void *userdata), void *userdata)
{
    *alarm = (struct alarm){.alarms = alarms, .fire = fire, .userdata = userdata, .at = USEC_NEVER};
}

void alarm_clear(struct alarm *alarm)
{
    if (!alarm->alarms || alarm->at == USEC_NEVER)
        return;
    heap_remove(alarm->alarms->due, alarm);
    alarm->at = USEC_NEVER;
    alarms_arm(alarm->alarms);
}

void alarm_set(struct alarm *alarm, usec_t at)
{
    at = usec_max(at, world_now(alarm->alarms->world));
    if (alarm->at == at)
        return;
    if (alarm->at != USEC_NEVER)
        heap_remove(alarm->alarms->due, alarm);
    alarm->at = at;
    if (at != USEC_NEVER)
        heap_add(alarm->alarms->due, at, alarm);
    alarms_arm(alarm->alarms);
}

void alarm_set_earlier(struct alarm *alarm, usec_t at)
{
    if (at < alarm->at)
        alarm_set(alarm, at);
}

/* tests/unit/shell/executor_bench.h — an executor with two drills in its store, and its decisions carried out one by one. */
#pragma once

#include "check.h"

#include "base/str.h"
#include "fake_world.h"
#include "shell/executor.h"

struct bench {
    struct fake *fake;
    struct alarms *alarms;
    struct clock clock;
    struct store *store;
    struct workqueue *queue;
    struct sessions *sessions;
    struct services *services;
    struct prober prober;
    struct watches *watches;
    struct metrics metrics;
    struct executor *x;
    bool may_act;
    int drills_written;
    struct key d1, d2;
};

static bool may_act(void *userdata)
{
    return ((struct bench *)userdata)->may_act;
}
static void drill_written(void *userdata)
{
    ((struct bench *)userdata)->drills_written++;
}
static void on_agent(void *userdata, const struct key *pod)
{
    (void)userdata, (void)pod;
}
static void on_evidence(void *userdata, const struct key *owner, const char *want)
{
    (void)userdata, (void)owner, (void)want;
}

static void put(struct bench *b, const char *name, const char *rv, const char *status)
{
    json_auto_t *object = fake_object("Drill", "team-a", name, rv, "{\"target\":\"shop\",\"card\":\"kh001\"}", status);
    store_put(b->store, KIND_DRILL, object);
}

static void bench_init(struct bench *b)
{
    *b = (struct bench){
        .fake = fake_new(), .may_act = true, .d1 = key_of(KIND_DRILL, "team-a", "d1"), .d2 = key_of(KIND_DRILL, "team-a", "d2")};
    struct world *w = fake_world(b->fake);
    b->alarms = alarms_new(w);
    clock_init(&b->clock, w);
    b->store = store_new(w);
    b->queue = workqueue_new(w);
    b->sessions = sessions_new(w, b->alarms, &b->clock, b->store, on_agent, b);
    sessions_enable(b->sessions, 5);
    b->services = services_new(w);
    struct lookup lookup = {.store = b->store, .catalog = "catalog"};
    b->prober = (struct prober){.world = w, .alarms = b->alarms, .clock = &b->clock, .lookup = lookup, .services = b->services};
    b->watches = watches_new(&b->prober, b->sessions, on_evidence, b);
    struct executor_options o = {
        .world = w,
        .clock = &b->clock,
        .lookup = lookup,
        .queue = b->queue,
        .sessions = b->sessions,
        .watches = b->watches,
        .metrics = &b->metrics,
        .identity = "me",
        .lease = 10 * USEC_SEC,
        .may_act = may_act,
        .drill_written = drill_written,
        .userdata = b,
    };
    b->x = executor_new(&o);
    put(b, "d1", "100", NULL);
    put(b, "d2", "101", NULL);
}

static void bench_done(struct bench *b)
{
    executor_clear(b->x);
    sessions_free(b->sessions);
    executor_free(b->x);
    watches_free(b->watches);
    services_free(b->services);
    workqueue_free(b->queue);
    store_free(b->store);
    alarms_free(b->alarms);
    fake_free(b->fake);
}

/* Whether the key is due now; it is taken. */
__attribute__((unused)) static bool due(struct bench *b, const struct key *key)
{
    struct key taken;
    bool found = false;
    while (workqueue_take(b->queue, &taken)) {
        found |= key_equal(&taken, key);
        workqueue_done(b->queue, &taken);
    }
    return found;
}

static void carry(struct bench *b, const struct key *owner, struct decision *d)
{
    executor_carry_out(b->x, owner, d);
    decision_done(d);
}

__attribute__((unused)) static void write_status(struct bench *b, const struct key *owner, const char *rv, const char *phase)
{
    struct decision d;
    decision_init(&d);
    decision_status(&d, owner, rv, json_pack("{s:s}", "phase", phase));
    carry(b, owner, &d);
}

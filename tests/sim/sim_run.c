#include "sim_run.h"

#include "sim_process.h"
#include "sim_promise.h"
#include "sim_scene.h"
#include "sim_weather.h"

#include <stdio.h>

#define LISTED_BY   (10 * USEC_SEC)    /* by then everybody knows what changed when the faults stopped: schedules are suspended */
#define LIVENESS    (30 * USEC_MINUTE) /* after the faults stopped every drill has ended by then */
#define STILL_WATCH (20 * USEC_SEC)    /* and nothing happens to them afterwards */
#define STEPS_SHOWN 60

static void on_change(void *userdata, const struct sim_resource *r, const struct sim_change *change)
{
    struct sim *s = userdata;
    sim_promise_changed(s->promise, r, change);
    sim_streams_notify(s, r);
    sim_scene_changed(s, r->plural, change->before, change->after);
}

static void sim_begin(struct sim *s, uint64_t seed, bool calm, bool trace)
{
    *s = (struct sim){.seed = seed};
    random_init(&s->random, seed);
    s->clock = sim_clock_new(USEC_SEC);
    s->trace = sim_trace_new(s->clock, trace);
    s->store = sim_store_new(s, on_change, s);
    s->promise = sim_promise_new(s);
    sim_weather_draw(s, calm);
    sim_pods_init(s);
    sim_scene_init(s);
    for (int i = 0; i < SIM_PROCESSES; i++)
        sim_process_start(s, i);
    sim_people_begin(s);
    sim_weather_begin(s);
}

static void sim_finish(struct sim *s)
{
    sim_processes_stop(s);
    sim_clock_free(s->clock);
    sim_pods_free(s);
    sim_promise_free(s->promise);
    sim_store_free(s->store);
    sim_scene_free(s);
    sim_processes_forget(s);
    sim_trace_free(s->trace);
}

/* False: a promise is broken. */
static bool run_until(struct sim *s, usec_t until)
{
    while (!s->promise->broken && sim_clock_step(s->clock, until)) {
        sim_weather_step(s);
        sim_promise_step(s->promise);
    }
    return !s->promise->broken;
}

static void run(struct sim *s)
{
    if (!run_until(s, s->weather.until))
        return;
    sim_trace_say(s->trace, "faults have stopped");
    sim_weather_settle(s);
    sim_scene_settle(s);
    usec_t give_up = sim_now(s) + LIVENESS;
    if (!run_until(s, sim_now(s) + LISTED_BY))
        return;
    do {
        if (!run_until(s, sim_now(s) + USEC_SEC))
            return;
    } while (sim_now(s) < give_up && !sim_promise_quiet(s->promise));
    if (run_until(s, sim_now(s) + STILL_WATCH))
        sim_promise_end(s->promise);
}

static void tell_broken(const struct sim *s)
{
    const struct sim_promise *p = s->promise;
    printf("promise %d broken: %s, at %.6f s, seed %llu\n", p->broken, p->what, (double)p->broken_at / (double)USEC_SEC,
           (unsigned long long)s->seed);
    sim_trace_show(s->trace, STEPS_SHOWN);
    printf("replay: build/release/tests/sim/sim --from %llu --seeds 1 --trace%s\n", (unsigned long long)s->seed,
           s->weather.calm ? " --calm" : "");
}

void sim_run(uint64_t seed, bool calm, bool trace, struct sim_result *ret_result)
{
    struct sim s;
    sim_begin(&s, seed, calm, trace);
    run(&s);
    if (s.promise->broken)
        tell_broken(&s);
    *ret_result = (struct sim_result){
        .stats = s.stats,
        .digest = sim_trace_digest(s.trace),
        .steps = sim_clock_steps(s.clock),
        .lasted = sim_now(&s),
        .broken = s.promise->broken,
    };
    sim_finish(&s);
}

/* sim.h — one simulated cluster: what the parts share. Each part is a file of its own; this is only their meeting place. */
#pragma once

#include "base/random.h"
#include "base/str.h"
#include "sim_clock.h"
#include "sim_trace.h"

#include "api/json.h"

#define SIM_PROCESSES 2
#define SIM_WALL      ((usec_t)1790000000 * USEC_SEC) /* UTC where the virtual clock says 0 */
#define SIM_OWN       "drillyard"                     /* the namespace of the controller, its Lease and the catalog */
#define SIM_LEASE     (10 * USEC_SEC)

struct sim_store;
struct sim_process;
struct sim_pods;
struct sim_promise;
struct sim_scene;

struct sim_stats {
    uint64_t drills, incidents, succeeded, failed, inconclusive, aborted, skipped;
    uint64_t injections, faults, requests, writes, events, lines, crashes, elections;
    uint64_t gates_passed;
};

/* How bad the outside is, drawn once from the seed. Rates are chances of each occasion, in a thousand. */
struct sim_weather {
    bool calm;
    usec_t until; /* virtual time at which faults stop */
    int request_lost, answer_lost, server_error, too_many, slow_request;
    int watch_break, watch_gone, watch_lost, watch_lag, list_stale;
    int session_cut, session_reset, session_lag, session_refused;
    int agent_lies, agent_fails, agent_late;
    usec_t disaster_every; /* pods, agents and controllers; 0: never */
    usec_t user_every;     /* people in the middle */
};

struct sim {
    uint64_t seed;
    struct random random;
    struct sim_clock *clock;
    struct sim_trace *trace;
    struct sim_weather weather;
    struct sim_store *store;
    struct sim_pods *pods;
    struct sim_process *processes[SIM_PROCESSES], *lives;
    struct sim_promise *promise;
    struct sim_scene *scene;
    struct sim_stats stats;
    uint64_t last_uid;
    uint64_t kill_at; /* the step in whose middle a controller is killed; 0: none */
    int kill_index;
};

static inline usec_t sim_now(const struct sim *s)
{
    return sim_clock_now(s->clock);
}
static inline usec_t sim_wall(const struct sim *s) /* of the API server and of people */
{
    return sim_now(s) + SIM_WALL;
}
static inline uint64_t sim_below(struct sim *s, uint64_t n)
{
    return random_below(&s->random, n);
}
/* Uniform in [from, to]. */
static inline usec_t sim_between(struct sim *s, usec_t from, usec_t to)
{
    return from + (usec_t)random_below(&s->random, (uint64_t)(to - from) + 1);
}
static inline bool sim_chance(struct sim *s, int in_thousand)
{
    return in_thousand > 0 && random_below(&s->random, 1000) < (uint64_t)in_thousand;
}
/* A fault of the outside: never once they have stopped. Counted. */
static inline bool sim_strikes(struct sim *s, int in_thousand)
{
    if (sim_now(s) >= s->weather.until || !sim_chance(s, in_thousand))
        return false;
    s->stats.faults++;
    return true;
}

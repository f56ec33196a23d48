#include "sim_weather.h"

#include "sim_agent.h"
#include "sim_process.h"
#include "sim_store.h"

/* Which kinds of faults a seed has, and how many: about half of them, so that each is also seen without the others. */
static int rate(struct sim *s, int most)
{
    return sim_below(s, 2) ? 0 : (int)sim_between(s, 1, most);
}

void sim_weather_draw(struct sim *s, bool calm)
{
    s->weather = (struct sim_weather){.calm = calm, .until = sim_between(s, 60, 240) * USEC_SEC};
    s->weather.user_every = sim_between(s, 1, 6) * USEC_SEC;
    if (calm)
        return;
    struct sim_weather *w = &s->weather;
    w->request_lost = rate(s, 30);
    w->answer_lost = rate(s, 30);
    w->server_error = rate(s, 30);
    w->too_many = rate(s, 30);
    w->slow_request = rate(s, 30);
    w->watch_break = rate(s, 20);
    w->watch_gone = rate(s, 10);
    w->watch_lost = rate(s, 10);
    w->watch_lag = rate(s, 60);
    w->list_stale = rate(s, 500);
    w->session_cut = rate(s, 5);
    w->session_reset = rate(s, 10);
    w->session_lag = rate(s, 20);
    w->session_refused = rate(s, 100);
    w->agent_lies = rate(s, 150);
    w->agent_fails = rate(s, 150);
    w->agent_late = rate(s, 150);
    w->disaster_every = sim_below(s, 5) ? sim_between(s, 2, 20) * USEC_SEC : 0;
}

/* ── disasters ── */

static struct sim_process *any_process(struct sim *s)
{
    struct sim_process *p = s->processes[sim_below(s, SIM_PROCESSES)];
    return p && !p->dead ? p : NULL;
}

struct start {
    struct sim *sim;
    int index;
};

static void start(void *userdata)
{
    struct start *start = userdata;
    if (start->sim->processes[start->index]->dead)
        sim_process_start(start->sim, start->index);
    free(start);
}

static void start_later(struct sim *s, int index, usec_t after)
{
    struct start *later = mem_new(struct start);
    *later = (struct start){.sim = s, .index = index};
    sim_clock_add(s->clock, sim_now(s) + after, start, free, later);
}

static void kill_controller(struct sim *s)
{
    s->kill_at = sim_clock_steps(s->clock) + sim_below(s, 300);
    s->kill_index = (int)sim_below(s, SIM_PROCESSES);
}

void sim_weather_step(struct sim *s)
{
    struct sim_process *p = s->processes[s->kill_index];
    if (!s->kill_at || sim_clock_steps(s->clock) < s->kill_at)
        return;
    s->kill_at = 0;
    if (!p || p->dead)
        return;
    s->stats.crashes++;
    sim_process_kill(p, sim_below(s, 4));
    start_later(s, s->kill_index, sim_below(s, 3) ? sim_between(s, 10, 5000) * USEC_MSEC : sim_between(s, 5, 30) * USEC_SEC);
}

static void pause_controller(struct sim *s)
{
    struct sim_process *p = any_process(s);
    if (!p)
        return;
    p->paused_until = sim_now(s) + sim_between(s, 100, 8000) * USEC_MSEC;
    sim_trace_say(s->trace, "%s is paused until %lld", p->identity, (long long)p->paused_until);
}

static void set_clock(struct sim *s)
{
    struct sim_process *p = any_process(s);
    if (!p)
        return;
    p->wall_offset += sim_between(s, -3000, 3000) * USEC_MSEC;
    sim_trace_say(s->trace, "%s: its clock is set, off by %lld us", p->identity, (long long)p->wall_offset);
}

static void kill_agent(struct sim *s)
{
    struct sim_pod *pod = sim_pod_any(s);
    if (pod)
        sim_agent_kill(pod, sim_between(s, 10, 8000) * USEC_MSEC);
}

static void silence_agent(struct sim *s)
{
    struct sim_pod *pod = sim_pod_any(s);
    if (!pod)
        return;
    pod->silent_until = sim_now(s) + sim_between(s, 500, 15000) * USEC_MSEC;
    sim_trace_say(s->trace, "%s: the agent is silent until %lld", pod->name, (long long)pod->silent_until);
}

static void end_pod(struct sim *s)
{
    static void (*const ways[])(struct sim_pod *) = {sim_pod_evict, sim_pod_vanish, sim_pod_fail, sim_pod_delete_by_force,
                                                     sim_pod_hide};
    struct sim_pod *pod = sim_pod_any(s);
    if (pod)
        ways[sim_below(s, array_len(ways))](pod);
}

static void compact(struct sim *s)
{
    sim_store_compact(s->store);
    sim_trace_say(s->trace, "the API server forgets its history");
}

static void (*const disasters[])(struct sim *) = {
    kill_controller, kill_controller, kill_controller, pause_controller, pause_controller, set_clock,
    kill_agent,      kill_agent,      silence_agent,   compact,          end_pod,
};

static void disaster(void *userdata)
{
    struct sim *s = userdata;
    if (sim_now(s) >= s->weather.until)
        return;
    s->stats.faults++;
    disasters[sim_below(s, array_len(disasters))](s);
    sim_clock_add(s->clock, sim_now(s) + sim_between(s, 1, 2 * s->weather.disaster_every), disaster, NULL, s);
}

void sim_weather_begin(struct sim *s)
{
    if (s->weather.disaster_every)
        sim_clock_add(s->clock, sim_now(s) + 5 * USEC_SEC, disaster, NULL, s);
}

void sim_weather_settle(struct sim *s)
{
    for (int i = 0; i < SIM_PROCESSES; i++) {
        s->processes[i]->paused_until = 0;
        if (s->processes[i]->dead)
            start_later(s, i, USEC_SEC);
    }
    s->kill_at = 0;
    sim_streams_mend(s);
}

#include "sim_process.h"

#include "sim_promise.h"

/* ── what happens to it ── */

struct post {
    struct sim_process *process;
    void (*fire)(void *userdata);
    void (*drop)(void *userdata);
    void *userdata;
};

static void post_drop(void *userdata)
{
    struct post *post = userdata;
    if (post->drop)
        post->drop(post->userdata);
    free(post);
}

static void post_fire(void *userdata)
{
    struct post *post = userdata;
    struct sim_process *p = post->process;
    if (p->dead) {
        post_drop(post);
        return;
    }
    if (p->paused_until > sim_now(p->sim)) {
        sim_clock_add(p->sim->clock, p->paused_until, post_fire, post_drop, post);
        return;
    }
    post->fire(post->userdata);
    free(post);
}

void sim_process_post(struct sim_process *p, usec_t when, void (*fire)(void *userdata), void (*drop)(void *userdata),
                      void *userdata)
{
    struct post *post = mem_new(struct post);
    *post = (struct post){.process = p, .fire = fire, .drop = drop, .userdata = userdata};
    sim_clock_add(p->sim->clock, when, post_fire, post_drop, post);
}

usec_t sim_delay(struct sim *s)
{
    usec_t delay = sim_between(s, 200, 1500);
    return sim_below(s, 20) ? delay : delay + sim_between(s, 0, 10 * USEC_MSEC);
}

/* ── time and chance ── */

static usec_t ops_now(struct world *w)
{
    return sim_now(sim_process_of(w)->sim);
}

static usec_t ops_wall(struct world *w)
{
    struct sim_process *p = sim_process_of(w);
    return sim_wall(p->sim) + p->wall_offset;
}

static uint64_t ops_random(struct world *w)
{
    return random_u64(&sim_process_of(w)->sim->random);
}

static void ops_set_wake(struct world *w, void (*wake)(void *userdata), void *userdata)
{
    struct sim_process *p = sim_process_of(w);
    p->wake = wake;
    p->wake_userdata = userdata;
}

static void wake_up(void *userdata);

static void wake_post(struct sim_process *p)
{
    if (p->wake_at >= p->wake_posted)
        return; /* what is posted comes first, and looks again */
    p->wake_posted = p->wake_at;
    sim_process_post(p, p->wake_at, wake_up, NULL, p);
}

static void wake_up(void *userdata)
{
    struct sim_process *p = userdata;
    usec_t now = sim_now(p->sim);
    if (p->wake_posted <= now)
        p->wake_posted = USEC_NEVER;
    if (p->wake && p->wake_at <= now) {
        p->wake_at = USEC_NEVER;
        p->wake(p->wake_userdata);
    }
    wake_post(p);
}

static void ops_wake_at(struct world *w, usec_t when)
{
    struct sim_process *p = sim_process_of(w);
    p->wake_at = when;
    wake_post(p);
}

/* ── life ── */

static void ops_free(struct world *w)
{
    struct sim_process *p = sim_process_of(w);
    sim_requests_cancel(p);
    sim_streams_cancel(p);
    sim_links_cancel(p);
    sim_net_cancel(p);
}

static const struct world_ops ops = {
    .now = ops_now,
    .wall = ops_wall,
    .random = ops_random,
    .set_wake = ops_set_wake,
    .wake_at = ops_wake_at,
    .api = sim_request_api,
    .watch = sim_stream_open,
    .stream_close = sim_stream_close,
    .session_open = sim_link_open,
    .session_send = sim_link_send,
    .session_close = sim_link_close,
    .http = sim_net_http,
    .tcp = sim_net_tcp,
    .free = ops_free,
};

struct sim_process *sim_process_start(struct sim *s, int index)
{
    struct sim_process *p = mem_new(struct sim_process);
    *p = (struct sim_process){
        .world.ops = &ops, .sim = s, .index = index, .wake_at = USEC_NEVER, .wake_posted = USEC_NEVER, .paused_until = 0};
    list_init(&p->requests);
    list_init(&p->streams);
    list_init(&p->links);
    list_init(&p->probes);
    list_init(&p->lines);
    p->before = s->lives; /* all lives are kept to the end: what is on its way may still name them */
    s->lives = p;
    str_format(p->identity, sizeof(p->identity), "c%d-%llu", index, (unsigned long long)++s->last_uid);
    if (sim_now(s) < s->weather.until && !s->weather.calm)
        p->wall_offset = sim_between(s, -200, 200) * USEC_MSEC;
    struct shell_options o = {
        .catalog_namespace = SIM_OWN, .own_namespace = SIM_OWN, .identity = p->identity, .elect = true, .lease = SIM_LEASE};
    struct error err = {0};
    sim_trace_say(s->trace, "%s starts", p->identity);
    sim_promise_lists(s->promise, p, NULL);
    p->shell = shell_new(&p->world, &o, &err);
    s->processes[index] = p;
    return p;
}

void sim_process_kill(struct sim_process *p, uint64_t kept)
{
    uint64_t step = sim_clock_steps(p->sim->clock);
    sim_trace_say(p->sim->trace, "%s is killed", p->identity);
    sim_requests_unsend(p, step, &kept);
    sim_links_unsend(p, step, &kept);
    shell_free(p->shell);
    p->shell = NULL;
    world_free(&p->world);
    p->dead = true;
}

void sim_processes_stop(struct sim *s)
{
    for (int i = 0; i < SIM_PROCESSES; i++)
        if (s->processes[i] && !s->processes[i]->dead)
            sim_process_kill(s->processes[i], UINT64_MAX);
}

void sim_processes_forget(struct sim *s)
{
    for (struct sim_process *p = s->lives, *before; p; p = before) {
        before = p->before;
        free(p);
    }
}

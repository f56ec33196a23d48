/* A session between a controller and an agent: lines in order, each way; it may break, or be cut so that nobody is told. */
#include "sim_agent.h"
#include "sim_process.h"
#include "sim_promise.h"

#define LAG_MAX (4 * USEC_SEC)

struct sim_link {
    struct world_session base;
    struct list node;   /* at the process, while it is open there */
    struct list at_pod; /* at the pod, while the agent has it */
    struct sim_process *process;
    struct sim_pod *pod; /* NULL: not reached yet, or no more */
    char ns[64], name[80];
    struct world_session_handlers handlers;
    void *userdata;
    bool open, up, cut;
    usec_t there_at, here_at; /* when the last line of each way arrives */
    int holders;
};

struct line {
    struct sim_link *link;
    json_t *json;
    uint64_t step;
    bool unsent;
    struct list node; /* on its way to the agent */
};

/* Not inlined: gcc 12 would take two holders that let go one after the other for a use after free. */
static void __attribute__((noinline)) release(void *userdata)
{
    struct sim_link *l = userdata;
    if (!--l->holders)
        free(l);
}

struct sim_link *sim_link_ref(struct sim_link *l)
{
    if (l)
        l->holders++;
    return l;
}

void sim_link_unref(struct sim_link *l)
{
    if (l)
        release(l);
}

static void line_free(void *userdata)
{
    struct line *line = userdata;
    list_remove(&line->node);
    json_decref(line->json);
    release(line->link);
    free(line);
}

static struct line *line_new(struct sim_link *l, json_t *json)
{
    struct line *line = mem_new(struct line);
    *line = (struct line){.link = l, .json = json, .step = sim_clock_steps(l->process->sim->clock)};
    list_init(&line->node);
    l->holders++;
    return line;
}

static void leave_pod(struct sim_link *l)
{
    if (!l->pod)
        return;
    sim_agent_hung_up(l->pod, l);
    list_remove(&l->at_pod);
    l->pod = NULL;
    release(l);
}

static void end(struct sim_link *l, enum error_class class, const char *text)
{
    struct error err = {0};
    if (!l->open)
        return;
    l->open = false;
    list_remove(&l->node);
    if (class != ERROR_NONE)
        error_set(&err, class, "%s", text);
    l->handlers.on_close(l->userdata, &err);
    release(l);
}

static void end_broken(void *userdata)
{
    struct sim_link *l = userdata;
    end(l, ERROR_UNAVAILABLE, "the session broke");
    release(l);
}

static void post(struct sim_link *l, usec_t when, void (*fire)(void *userdata))
{
    l->holders++;
    sim_process_post(l->process, when, fire, release, l);
}

/* ── weather ── */

/* Either end hears of it at a time of its own. */
static void reset(void *userdata)
{
    struct sim_link *l = userdata;
    struct sim *s = l->process->sim;
    sim_trace_say(s->trace, "session %s–%s breaks", l->process->identity, l->name);
    leave_pod(l);
    post(l, sim_now(s) + sim_delay(s), end_broken);
    release(l);
}

static void suffer(struct sim_link *l)
{
    struct sim *s = l->process->sim;
    if (l->cut || !l->up)
        return;
    if (sim_strikes(s, s->weather.session_reset)) {
        l->cut = true;
        l->holders++;
        sim_clock_add(s->clock, sim_now(s), reset, release, l); /* not within what is being said */
    } else if (sim_strikes(s, s->weather.session_cut)) {
        sim_trace_say(s->trace, "session %s–%s is half-open", l->process->identity, l->name);
        l->cut = true;
    }
}

static usec_t travel(struct sim_link *l, usec_t *last)
{
    struct sim *s = l->process->sim;
    usec_t at = sim_now(s) + sim_between(s, 100, 600);
    if (sim_strikes(s, s->weather.session_lag))
        at += sim_between(s, 0, LAG_MAX);
    *last = usec_max(at, *last);
    return *last;
}

/* ── to the agent ── */

static void arrive(void *userdata)
{
    struct line *line = userdata;
    struct sim_link *l = line->link;
    struct sim *s = l->process->sim;
    if (l->pod && l->pod->silent_until > sim_now(s)) {
        sim_clock_add(s->clock, l->pod->silent_until, arrive, line_free, line);
        return;
    }
    if (!line->unsent && l->pod && !l->cut) {
        s->stats.lines++;
        sim_agent_line(l->pod, l, line->json);
    }
    line_free(line);
}

bool sim_link_send(struct world_session *session, json_t *json)
{
    struct sim_link *l = (struct sim_link *)(void *)session;
    struct sim *s = l->process->sim;
    if (!l->open || !l->up)
        return false;
    suffer(l);
    sim_promise_commanded(s->promise, l->process, l->pod, json);
    struct line *line = line_new(l, json_deep_copy(json));
    list_append(&l->process->lines, &line->node);
    sim_clock_add(s->clock, travel(l, &l->there_at), arrive, line_free, line);
    return true;
}

void sim_links_unsend(struct sim_process *p, uint64_t step, uint64_t *kept)
{
    for (struct list *n = p->lines.next; n != &p->lines; n = n->next) {
        struct line *line = list_entry(n, struct line, node);
        if (line->step != step)
            continue;
        if (*kept)
            (*kept)--;
        else
            line->unsent = true;
    }
}

/* ── from the agent ── */

static void came_back(void *userdata)
{
    struct line *line = userdata;
    struct sim_link *l = line->link;
    if (l->open && !l->cut)
        l->handlers.on_line(l->userdata, line->json);
    line_free(line);
}

void sim_link_tell(struct sim_link *l, json_t *json)
{
    suffer(l);
    struct line *line = line_new(l, json);
    sim_process_post(l->process, travel(l, &l->here_at), came_back, line_free, line);
}

void sim_link_break(struct sim_link *l)
{
    if (!l->cut)
        post(l, usec_max(sim_now(l->process->sim) + sim_delay(l->process->sim), l->here_at), end_broken);
    leave_pod(l);
}

struct sim_link *sim_link_at(struct list *node)
{
    return list_entry(node, struct sim_link, at_pod);
}

struct sim_process *sim_link_process(const struct sim_link *l)
{
    return l->process;
}

/* ── opening and closing ── */

static void opened(void *userdata)
{
    struct sim_link *l = userdata;
    struct sim *s = l->process->sim;
    struct sim_pod *pod = sim_pod_find(s, l->ns, l->name);
    if (!l->open) {
        release(l);
        return;
    }
    if (!pod || !pod->listed)
        end(l, ERROR_NOT_FOUND, "pods \"…\" not found");
    else if (!pod->alive || !pod->agent_up || sim_strikes(s, s->weather.session_refused))
        end(l, ERROR_UNAVAILABLE, "unable to upgrade the connection: container not found");
    else {
        l->up = true;
        l->pod = pod;
        l->holders++;
        list_append(&pod->links, &l->at_pod);
        if (l->handlers.on_open)
            l->handlers.on_open(l->userdata);
        if (l->pod)
            sim_agent_greet(pod, l);
    }
    release(l);
}

struct world_session *sim_link_open(struct world *w, const char *ns, const char *pod, const char *container,
                                    const struct world_session_handlers *handlers, void *userdata)
{
    (void)container; /* nothing of the simulation runs commands in the target */
    struct sim_process *p = sim_process_of(w);
    struct sim_link *l = mem_new(struct sim_link);
    *l = (struct sim_link){.base.world = w, .process = p, .handlers = *handlers, .userdata = userdata, .open = true, .holders = 1};
    str_copy(l->ns, sizeof(l->ns), ns);
    str_copy(l->name, sizeof(l->name), pod);
    list_init(&l->at_pod);
    list_append(&p->links, &l->node);
    p->sim->stats.requests++;
    post(l, sim_now(p->sim) + sim_between(p->sim, 5, 30) * USEC_MSEC, opened);
    return &l->base;
}

static void hang_up(void *userdata)
{
    struct sim_link *l = userdata;
    leave_pod(l);
    release(l);
}

#define NOT_READ_AFTER (30 * USEC_SEC) /* an agent drops a peer to which what it says does not get through */

/* The agent reads what was sent before, then the end. */
static void let_go(struct sim_link *l)
{
    l->open = false;
    list_remove(&l->node);
    l->holders++;
    sim_clock_add(l->process->sim->clock, travel(l, &l->there_at) + (l->cut ? NOT_READ_AFTER : 1), hang_up, release, l);
}

void sim_link_close(struct world_session *session)
{
    struct sim_link *l = (struct sim_link *)(void *)session;
    if (!l->open)
        return;
    let_go(l);
    release(l);
}

void sim_links_forget(struct sim_pod *pod)
{
    while (!list_empty(&pod->links))
        leave_pod(sim_link_at(pod->links.next));
}

void sim_links_cancel(struct sim_process *p)
{
    while (!list_empty(&p->links)) {
        struct sim_link *l = list_entry(p->links.next, struct sim_link, node);
        struct error err = {0};
        error_set(&err, ERROR_CANCELLED, "the world ends");
        let_go(l);
        l->handlers.on_close(l->userdata, &err);
        release(l);
    }
}

/* Watches of an agent: they look every so often, and tell when what they see has changed for long enough. */
#include "sim_agent.h"

struct watch {
    struct list node; /* at its pod; removed: over */
    struct sim_pod *pod;
    struct sim_link *link;
    char key[200];
    json_t *probe;
    usec_t every, hold_for, refresh, phase;
    int holds; /* as seen last; told or not */
    bool told, over;
    usec_t since, told_at, next; /* next: when it is looked at again; USEC_NEVER: only when poked */
    int holders;
};

static void release(void *userdata)
{
    struct watch *w = userdata;
    if (--w->holders)
        return;
    json_decref(w->probe);
    free(w);
}

static json_t *seen_encode(const struct watch *w, const struct sim_seen *seen)
{
    json_t *holds = seen->holds < 0 ? json_null() : json_boolean(seen->holds);
    return json_pack("{s:o, s:I, s:f, s:s, s:o}", "holds", holds, "since", (json_int_t)(w->since + w->pod->mono_offset), "value",
                     seen->value, "message", seen->message, "evidence", json_object());
}

static void look(void *userdata);

/* At the first of its ticks that is not before `when`. */
static void look_at(struct watch *w, usec_t when)
{
    if (when == USEC_NEVER || w->over)
        return;
    usec_t after = usec_max(when - w->phase, 0), tick = w->phase + (after + w->every - 1) / w->every * w->every;
    if (tick >= w->next)
        return;
    w->next = tick;
    w->holders++;
    sim_clock_add(w->pod->sim->clock, tick, look, release, w);
}

static void tell(struct watch *w, const struct sim_seen *seen)
{
    w->told = true;
    w->told_at = sim_now(w->pod->sim);
    if (seen->holds >= 0)
        sim_pod_looked(w->pod, seen->look, seen->holds, w->since);
    json_t *line = seen_encode(w, seen);
    json_object_set_new(line, "event", json_string("watch"));
    json_object_set_new(line, "watch", json_string(w->key));
    json_object_set_new(line, "mono", json_integer(sim_pod_mono(w->pod)));
    sim_link_tell(w->link, line);
}

static void look_again_when_due(struct watch *w, const struct sim_seen *seen)
{
    usec_t now = sim_now(w->pod->sim), next = seen->next;
    if (!w->told)
        next = usec_min(next, w->since + w->hold_for);
    if (seen->holds == 0 && w->refresh)
        next = usec_min(next, w->told_at + w->refresh);
    look_at(w, next == USEC_NEVER ? next : usec_max(next, now + 1));
}

static void look(void *userdata)
{
    struct watch *w = userdata;
    usec_t now = sim_now(w->pod->sim);
    struct sim_seen seen;
    if (!w->over && w->next <= now) {
        w->next = USEC_NEVER;
        sim_probe(w->pod, w->probe, now, &seen);
        if (seen.holds != w->holds) {
            w->holds = seen.holds;
            w->since = now;
            w->told = false;
        }
        bool due = !w->told && now >= w->since + w->hold_for;
        if (due || (seen.holds == 0 && w->refresh && w->told && now >= w->told_at + w->refresh))
            tell(w, &seen);
        look_again_when_due(w, &seen);
    }
    release(w);
}

static void end(struct watch *w)
{
    w->over = true;
    list_remove(&w->node);
    release(w);
}

static struct watch *find(const struct sim_request *q)
{
    const char *key = json_str(q->body, "watch", "");
    for (struct list *n = q->pod->watches.next; n != &q->pod->watches; n = n->next) {
        struct watch *w = list_entry(n, struct watch, node);
        if (w->link == q->link && str_equal(w->key, key))
            return w;
    }
    return NULL;
}

static void first_look(const struct sim_request *q)
{
    struct sim_seen seen;
    struct watch *w = q->link ? find(q) : NULL;
    if (!w)
        return;
    usec_t now = sim_now(q->pod->sim);
    sim_probe(q->pod, w->probe, now, &seen);
    w->holds = seen.holds;
    w->since = w->told_at = now;
    w->told = true;
    if (seen.holds >= 0)
        sim_pod_looked(q->pod, seen.look, seen.holds, now);
    sim_agent_answer(q, seen_encode(w, &seen));
    look_again_when_due(w, &seen);
}

void sim_agent_watch(const struct sim_request *q)
{
    struct watch *w = find(q);
    if (w)
        end(w);
    usec_t now = sim_now(q->pod->sim);
    w = mem_new(struct watch);
    *w = (struct watch){
        .pod = q->pod,
        .link = q->link,
        .probe = json_incref(json_object_get(q->body, "probe")),
        .every = usec_max(json_int(q->body, "everyMs", 1000), 1) * USEC_MSEC,
        .hold_for = json_int(q->body, "forMs", 0) * USEC_MSEC,
        .refresh = json_int(q->body, "refreshMs", 0) * USEC_MSEC,
        .phase = now,
        .holds = -2,
        .next = USEC_NEVER,
        .holders = 1,
    };
    str_copy(w->key, sizeof(w->key), json_str(q->body, "watch", ""));
    list_append(&q->pod->watches, &w->node);
    sim_agent_later(q, now + sim_between(q->pod->sim, 50, 2000), first_look);
}

void sim_agent_unwatch(const struct sim_request *q)
{
    struct watch *w = find(q);
    if (w)
        end(w);
    sim_agent_answer(q, json_pack("{s:b}", "removed", w != NULL));
}

void sim_agent_probe(const struct sim_request *q)
{
    struct sim_seen seen;
    struct watch once = {.pod = q->pod, .since = sim_now(q->pod->sim)};
    sim_probe(q->pod, json_object_get(q->body, "probe"), once.since, &seen);
    if (seen.holds >= 0)
        sim_pod_looked(q->pod, seen.look, seen.holds, once.since);
    sim_agent_answer(q, seen_encode(&once, &seen));
}

void sim_agent_poke(struct sim_pod *pod)
{
    for (struct list *n = pod->watches.next; n != &pod->watches; n = n->next)
        look_at(list_entry(n, struct watch, node), sim_now(pod->sim));
    for (struct list *n = pod->faults.next; n != &pod->faults; n = n->next) {
        struct sim_fault *f = list_entry(n, struct sim_fault, node);
        if (f->state != SIM_IN_FORCE || f->lost || !f->applied || sim_fault_bites(f))
            continue;
        f->lost = true; /* healing, most likely; it stays open until it is reverted */
        sim_agent_tell_all(pod, json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "event", "fault", "fault", f->id, "state", "Lost",
                                          "by", f->by, "why", f->why, "at", (json_int_t)sim_pod_mono(pod), "mono",
                                          (json_int_t)sim_pod_mono(pod)));
    }
}

void sim_agent_watches_end(struct sim_pod *pod, const struct sim_link *link)
{
    for (struct list *n = pod->watches.next, *next; n != &pod->watches; n = next) {
        struct watch *w = list_entry(n, struct watch, node);
        next = n->next;
        if (!link || w->link == link)
            end(w);
    }
}

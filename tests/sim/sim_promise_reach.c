/* Promises 2, 5 and 6 where something is asked for: how long, how much at once, where, and by whom. */
#include "sim_api.h"
#include "sim_promise.h"

#define STOP_NAME "drillyard-stop"

/* ── 5: what a controller knows forbids it ── */

static bool knows(const struct sim_promise *p, const struct sim_process *by, const char *what, const char *ns)
{
    char key[160];
    str_format(key, sizeof(key), "%s/%s", what, ns);
    return map_get(p->known[by->index], key) != NULL;
}

static void learn(struct sim_promise *p, const struct sim_process *to, const char *what, const char *ns, bool there)
{
    char key[160];
    str_format(key, sizeof(key), "%s/%s", what, ns);
    if (!there) {
        map_remove(p->known[to->index], key);
        return;
    }
    if (map_get(p->known[to->index], key))
        return;
    usec_t *since = mem_new(usec_t);
    *since = sim_now(p->sim);
    map_set(p->known[to->index], key, since);
}

static int64_t version(const json_t *object)
{
    int64_t value = 0;
    str_to_i64(json_str(object, "metadata.resourceVersion", ""), 0, INT64_MAX, &value);
    return value;
}

bool sim_promise_outdated(const struct sim_promise *p, const struct sim_process *to, const struct sim_resource *r,
                          const json_t *list)
{
    return version(list) < p->told_rv[to->index][str_equal(r->plural, "configmaps")];
}

void sim_promise_told(struct sim_promise *p, struct sim_process *to, const struct sim_resource *r, const char *type,
                      const json_t *object)
{
    bool maps = str_equal(r->plural, "configmaps");
    if (maps || str_equal(r->plural, "namespaces")) {
        int64_t *told = &p->told_rv[to->index][maps];
        *told = version(object) > *told ? version(object) : *told;
    }
    bool there = !str_equal(type, "DELETED");
    if (str_equal(r->plural, "namespaces"))
        learn(p, to, "namespace", json_str(object, "metadata.name", ""), there);
    else if (str_equal(r->plural, "configmaps") && str_equal(json_str(object, "metadata.name", ""), STOP_NAME))
        learn(p, to, "stop", json_str(object, "metadata.namespace", ""), there);
}

/* From here on what it knew of that resource may go without a word. */
void sim_promise_lists(struct sim_promise *p, struct sim_process *to, const struct sim_resource *r)
{
    const char *key, *what = !r || str_equal(r->plural, "configmaps") ? "stop/" : "namespace/";
    if (r && !str_equal(r->plural, "configmaps") && !str_equal(r->plural, "namespaces"))
        return;
    if (!r)
        memset(p->told_rv[to->index], 0, sizeof(p->told_rv[to->index]));
    for (size_t at = 0; map_next(p->known[to->index], &at, &key, NULL);)
        if (!r || str_starts(key, what)) {
            auto_free char *copy = mem_strdup(key);
            map_remove(p->known[to->index], copy);
        }
}

static void check_allowed(struct sim_promise *p, const struct sim_process *by, const struct sim_pod *pod, const char *id)
{
    const char *ns = pod->app->ns;
    if (knows(p, by, "stop", ns) || knows(p, by, "stop", SIM_OWN))
        sim_promise_break(p, 5, "%s injects %s into %s/%s although it was told of the stop", by->identity, id, ns, pod->name);
    if (!knows(p, by, "namespace", ns))
        sim_promise_break(p, 5, "%s injects %s into %s/%s, and it was told that the namespace is not opted in", by->identity, id,
                          ns, pod->name);
}

/* ── 6: who leads ── */

static bool holds_lease(const struct sim_promise *p, const struct sim_process *by)
{
    const json_t *lease = sim_store_get(p->sim->store, sim_resource("leases"), SIM_OWN, "drillyard-controller");
    return !lease || str_equal(json_str(lease, "spec.holderIdentity", ""), by->identity);
}

void sim_promise_lease(struct sim_promise *p, const struct sim_change *c)
{
    if (!str_equal(json_str(c->before, "spec.holderIdentity", ""), json_str(c->after, "spec.holderIdentity", "")))
        p->led_since = sim_now(p->sim);
}

/* ── 5: a stop ends what is at work ── */

/* The agent's own lease is the longest way: who stops no longer renews it. */
#define STOP_WITHIN (SIM_LEASE + 15 * USEC_SEC)

static bool stopped_long_ago(const struct sim_promise *p, const struct sim_process *leader, const char *ns)
{
    char key[160];
    str_join(key, sizeof(key), '/', 2, (const char *const[]){"stop", ns});
    const usec_t *since = map_get(p->known[leader->index], key);
    return since && sim_now(p->sim) > usec_max(*since, p->led_since) + STOP_WITHIN;
}

void sim_promise_stop(struct sim_promise *p, const struct sim_incident *i)
{
    for (int n = 0; n < SIM_PROCESSES; n++) {
        const struct sim_process *leader = p->sim->processes[n];
        if (leader->dead || !(stopped_long_ago(p, leader, i->ns) || stopped_long_ago(p, leader, SIM_OWN)))
            continue;
        if (holds_lease(p, leader))
            sim_promise_break(p, 5, "fault %s lasts on although %s was told of the stop long ago", i->id, leader->identity);
    }
}

void sim_promise_sent(struct sim_promise *p, struct sim_process *by, const char *method, const char *path)
{
    if (str_equal(method, "GET") || strstr(path, "/leases") || holds_lease(p, by))
        return;
    sim_promise_break(p, 6, "%s sends %s %s, and another holds the Lease", by->identity, method, path);
}

/* A write to what exists says which version it was decided from. */
void sim_promise_request(struct sim_promise *p, struct sim_process *by, const char *method, const char *path, const json_t *body)
{
    bool changes = str_equal(method, "PUT") || str_equal(method, "PATCH");
    const char *rv = json_str(body, changes ? "metadata.resourceVersion" : "preconditions.resourceVersion", "");
    if (str_equal(method, "GET") || str_equal(method, "POST") || strstr(path, "/apps/v1/") || !str_empty(rv))
        return;
    sim_promise_break(p, 6, "%s sends %s %s without the version that it decided from", by->identity, method, path);
}

void sim_promise_commanded(struct sim_promise *p, struct sim_process *by, const struct sim_pod *pod, const json_t *line)
{
    const char *op = json_str(line, "op", "");
    int64_t epoch = json_int(line, "epoch", -1);
    char text[24];
    str_format(text, sizeof(text), "%lld", (long long)epoch);
    const char *owner = map_get(p->epochs, text);
    if (epoch >= 0 && !owner)
        map_set(p->epochs, text, mem_strdup(by->identity));
    else if (epoch >= 0 && !str_equal(owner, by->identity))
        sim_promise_break(p, 6, "%s and %s both command with epoch %s", owner, by->identity, text);
    if (str_equal(op, "renew") && json_int(line, "leaseMs", 0) > SIM_LEASE / USEC_MSEC)
        sim_promise_break(p, 2, "%s renews for longer than a lease is", by->identity);
    if (!str_equal(op, "inject"))
        return;
    if (!holds_lease(p, by))
        sim_promise_break(p, 6, "%s injects, and another holds the Lease", by->identity);
    if (pod)
        check_allowed(p, by, pod, json_str(line, "fault.id", ""));
}

/* ── 2 and 5: what an agent is asked for ── */

static int64_t at_once(const struct sim_promise *p, const struct sim_incident *i)
{
    const json_t *schedule = sim_store_get(p->sim->store, sim_resource("drillschedules"), i->ns, i->schedule);
    if (!schedule || str_equal(json_str(schedule, "spec.concurrencyPolicy", "Forbid"), "Allow"))
        return INT64_MAX;
    return str_equal(json_str(schedule, "spec.mode", "Normal"), "Stress") ? json_int(schedule, "spec.stress.max", 3) : 1;
}

void sim_promise_reach(struct sim_promise *p, const struct sim_incident *i, const json_t *body)
{
    int64_t duration = json_int(body, "durationMs", 0), lease = json_int(body, "leaseMs", 0), of_schedule = 0;
    if (duration > sim_promise_duration(p, i) / USEC_MSEC || lease > SIM_LEASE / USEC_MSEC || duration <= 0 || lease <= 0)
        sim_promise_break(p, 2, "fault %s is asked for %lld ms with a lease of %lld ms, which nobody wants", i->id,
                          (long long)duration, (long long)lease);
    void *value;
    for (size_t at = 0; map_next(p->incidents, &at, NULL, &value);) {
        const struct sim_incident *other = value;
        if (!sim_incident_open(other))
            continue;
        of_schedule += !str_empty(i->schedule) && str_equal(other->schedule, i->schedule) && str_equal(other->ns, i->ns);
        if (other == i)
            continue;
        if (other->pod == i->pod)
            sim_promise_break(p, 5, "incidents %s and %s are both in pod %s", other->id, i->id, i->pod->name);
        else if (str_equal(other->target, i->target) && str_equal(other->ns, i->ns))
            sim_promise_break(p, 5, "incidents %s and %s are both on target %s/%s", other->id, i->id, i->ns, i->target);
    }
    if (of_schedule > at_once(p, i))
        sim_promise_break(p, 5, "schedule %s/%s has %lld incidents at once", i->ns, i->schedule, (long long)of_schedule);
}

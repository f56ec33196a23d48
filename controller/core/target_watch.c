#include "core/target_watch.h"

#include "base/str.h"
#include "core/probe.h"

const char *target_drilled_pod(const struct target_view *v)
{
    for (size_t i = 0; i < v->drill_count; i++)
        if (!drill_phase_terminal(v->drills[i].phase) && *v->drills[i].status_pod)
            return v->drills[i].status_pod;
    return "";
}

/* Among the first `limit` pods with an agent. */
static bool pod_among_first(const struct pod *pods, size_t i, int limit)
{
    int before = 0;
    for (size_t p = 0; p < i; p++)
        before += pods[p].has_agent;
    return pods[i].has_agent && before < limit;
}

static bool pod_drilled(const struct target_view *v, const struct pod *pod)
{
    for (size_t i = 0; i < v->drill_count; i++)
        if (!drill_phase_terminal(v->drills[i].phase) && str_equal(v->drills[i].status_pod, pod->meta.name))
            return true;
    return false;
}

bool target_watches_pod(const struct target_view *v, size_t i)
{
    return pod_among_first(v->pods, i, v->target->watch_pods) || pod_drilled(v, &v->pods[i]);
}

/* The steady state must be known even where triggers watch no pod. */
static int health_limit(const struct target *t)
{
    return t->watch_pods > 0 ? t->watch_pods : 1;
}

/* Resolved, not to be changed, and planned; NULL: the target has not what the probe needs (NOT_FOUND), or the probe is wrong. */
static json_t *probe_for(const struct target *t, const json_t *probe, const char *field, enum probe_place *ret_place,
                         struct error *err)
{
    json_t *agent = NULL, *resolved = target_resolve_shared(t, probe, field, err);
    if (!resolved)
        return NULL;
    *ret_place = probe_plan(resolved, t, &agent, err);
    json_decref(agent);
    if (*ret_place != PROBE_UNSUPPORTED || err->class != ERROR_NOT_FOUND)
        return resolved; /* an unsupported one is wanted too: its evidence says why nothing is seen */
    json_decref(resolved);
    return NULL;
}

/* By its agent, or from here at its own address; else it is looked at once for all of them. */
static bool in_pod(const struct target *t, const json_t *probe, enum probe_place place)
{
    struct probe_endpoint at;
    bool by_network = place == PROBE_HTTP || place == PROBE_TCP;
    return place == PROBE_AGENT || place == PROBE_AGENT_TARGET ||
           (by_network && probe_endpoint(probe, t, &at, NULL) == 0 && !at.service);
}

static void want_health(const struct target_view *v, struct decision *d)
{
    for (size_t h = 0; h < json_array_size(v->target->health); h++) {
        const json_t *written = json_array_get(v->target->health, h);
        const char *name = json_str(written, "name", "");
        enum probe_place place;
        struct error err = {0};
        char key[EFFECT_ID_SIZE];
        json_auto_t *named = probe_for(v->target, written, "spec.facets.health", &place, &err);
        if (!named)
            continue;
        json_t *probe = json_copy(named);
        json_object_del(probe, "name");
        bool each = in_pod(v->target, probe, place), network = place == PROBE_HTTP || place == PROBE_TCP;
        usec_t every = network ? HEALTH_EVERY_CONTROLLER : HEALTH_EVERY_AGENT;
        if (!each) {
            str_format(key, sizeof(key), "health/%s/", name);
            decision_want(d, key, NULL, json_incref(probe), HEALTH_EVERY_CONTROLLER, 0, 0);
        }
        for (size_t i = 0; each && i < v->pod_count; i++) {
            if (!pod_among_first(v->pods, i, health_limit(v->target)) && !pod_drilled(v, &v->pods[i]))
                continue;
            struct key pod = meta_key(&v->pods[i].meta, KIND_POD);
            str_format(key, sizeof(key), "health/%s/%s", name, pod.name);
            decision_want(d, key, &pod, json_incref(probe), every, 0, 0);
        }
        json_decref(probe);
    }
}

static void want_trigger(const struct target_view *v, const struct trigger *t, struct decision *d)
{
    enum probe_place place;
    struct error err = {0};
    char key[EFFECT_ID_SIZE];
    json_t *probe = probe_for(v->target, t->probe, "spec.probe", &place, &err);
    if (!probe)
        return; /* a facet is missing: the trigger does not apply here */
    bool each = in_pod(v->target, probe, place);
    if (!each) {
        str_format(key, sizeof(key), "trigger/%s/%s/%s", t->meta.ns, t->meta.name, target_drilled_pod(v));
        decision_want(d, key, NULL, json_incref(probe), t->every, 0, 0);
    }
    for (size_t i = 0; each && i < v->pod_count; i++) {
        if (!target_watches_pod(v, i))
            continue;
        struct key pod = meta_key(&v->pods[i].meta, KIND_POD);
        str_format(key, sizeof(key), "trigger/%s/%s/%s", t->meta.ns, t->meta.name, pod.name);
        decision_want(d, key, &pod, json_incref(probe), t->every, 0, 0);
    }
    json_decref(probe);
}

void target_watch(const struct target_view *v, struct decision *d)
{
    want_health(v, d);
    for (size_t i = 0; i < v->trigger_count; i++)
        if (!v->triggers[i].meta.deleting)
            want_trigger(v, &v->triggers[i], d);
}

bool target_alarmed(const struct target_view *v)
{
    char key[EFFECT_ID_SIZE];
    for (size_t t = 0; t < v->trigger_count; t++) {
        enum holds bad = v->triggers[t].fires_when ? HOLDS_TRUE : HOLDS_FALSE;
        str_format(key, sizeof(key), "trigger/%s/%s/%s", v->triggers[t].meta.ns, v->triggers[t].meta.name, target_drilled_pod(v));
        if (evidences_get(v->evidences, key)->holds == bad)
            return true;
        for (size_t i = 0; i < v->pod_count; i++) {
            str_format(key, sizeof(key), "trigger/%s/%s/%s", v->triggers[t].meta.ns, v->triggers[t].meta.name,
                       v->pods[i].meta.name);
            if (evidences_get(v->evidences, key)->holds == bad)
                return true;
        }
    }
    return false;
}

/* ── the steady state ── */

/* Pods on their way out, or done, say nothing about the service. */
static bool pod_counts(const struct pod *p)
{
    return !p->meta.deleting && !str_equal(p->phase, "Succeeded") && !str_equal(p->phase, "Failed");
}

struct steady {
    enum holds holds;
    usec_t since;
    char message[160];
};

/* FALSE wins over UNKNOWN over TRUE; the first of its kind is told. */
static void steady_add(struct steady *s, enum holds holds, usec_t since, const char *name, const char *message)
{
    static const int rank[] = {[HOLDS_TRUE] = 0, [HOLDS_UNKNOWN] = 1, [HOLDS_FALSE] = 2};
    if (holds == HOLDS_TRUE && s->holds == HOLDS_TRUE)
        s->since = usec_max(s->since, since);
    if (rank[holds] <= rank[s->holds])
        return;
    s->holds = holds;
    s->since = since;
    str_format(s->message, sizeof(s->message), "%s: %s", name, message);
}

static void steady_by_readiness(const struct pod *pods, size_t count, struct steady *s)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *states = json_at(pods[i].root, "status.containers");
        if (!pod_counts(&pods[i]))
            continue;
        if (!pods[i].ready)
            steady_add(s, HOLDS_FALSE, 0, pods[i].meta.name, "the pod is not ready");
        for (size_t c = 0; c < json_array_size(states); c++)
            s->since = s->holds == HOLDS_TRUE ? usec_max(s->since, json_time(json_array_get(states, c), "started", 0)) : s->since;
    }
}

static void steady_by_probe(const struct target *t, const json_t *written, const struct pod *pods, size_t count,
                            const struct evidences *evidences, struct steady *s)
{
    const char *name = json_str(written, "name", "");
    enum probe_place place;
    struct error err = {0};
    char key[EFFECT_ID_SIZE];
    json_t *probe = probe_for(t, written, "spec.facets.health", &place, &err);
    if (!probe || place == PROBE_UNSUPPORTED) {
        steady_add(s, HOLDS_UNKNOWN, 0, name, err.text);
        json_decref(probe);
        return;
    }
    bool each = in_pod(t, probe, place);
    json_decref(probe);
    if (!each) {
        str_format(key, sizeof(key), "health/%s/", name);
        const struct evidence *e = evidences_get(evidences, key);
        steady_add(s, e->holds, e->since, name, e->message);
        return;
    }
    bool looked = false;
    for (size_t i = 0; i < count; i++) {
        str_format(key, sizeof(key), "health/%s/%s", name, pods[i].meta.name);
        const struct evidence *e = evidences_get(evidences, key);
        if (!pods[i].ready || !pod_counts(&pods[i]) || (!pod_among_first(pods, i, health_limit(t)) && !e->seen_at))
            continue;
        looked = true;
        steady_add(s, e->holds, e->since, name, e->message);
    }
    if (!looked)
        steady_add(s, HOLDS_UNKNOWN, 0, name, "no ready pod has an agent that could look");
}

enum holds target_steady(const struct target *t, const struct pod *pods, size_t pod_count, const struct evidences *evidences,
                         usec_t now, usec_t *ret_since, char message[160])
{
    struct steady s = {.holds = HOLDS_TRUE};
    size_t ready = 0;
    (void)now;
    for (size_t i = 0; i < pod_count; i++)
        ready += pods[i].ready && pod_counts(&pods[i]);
    if (pod_count == 0)
        steady_add(&s, HOLDS_FALSE, 0, "pods", "spec.selector matches no pod with the label " LABEL_AGENT "=enabled");
    else if (ready == 0)
        steady_add(&s, HOLDS_FALSE, 0, "pods", "none is ready");
    else if (json_array_size(t->health) == 0)
        steady_by_readiness(pods, pod_count, &s);
    for (size_t i = 0; ready && i < json_array_size(t->health); i++)
        steady_by_probe(t, json_array_get(t->health, i), pods, pod_count, evidences, &s);
    *ret_since = s.since;
    str_copy(message, 160, s.message);
    return s.holds;
}

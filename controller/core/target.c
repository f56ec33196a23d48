#include "core/target.h"

#include "base/str.h"
#include "core/target_snapshot.h"
#include "core/target_watch.h"

#include <stdarg.h>

#define WRITE_INTERVAL (2 * USEC_SEC)
#define STEADY_LASTS   (HEALTH_EVERY_AGENT + 500 * USEC_MSEC) /* what only one look saw is no news, and costs no write */
#define LINK_PATIENCE  (30 * USEC_SEC)                        /* a session that is being opened changes no condition for so long */
#define NOTE_WRITTEN   "status-written"

struct verdict_on {
    enum condition_status value;
    char reason[32], message[320];
};

static void say(struct verdict_on *c, enum condition_status value, const char *reason, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void say(struct verdict_on *c, enum condition_status value, const char *reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_vformat(c->message, sizeof(c->message), format, args);
    va_end(args);
    c->value = value;
    str_copy(c->reason, sizeof(c->reason), reason);
}

/* What the status has now, if it is about this very spec. */
static bool as_before(const struct target_view *v, const char *type, struct verdict_on *c)
{
    const char *reason, *message;
    enum condition_status value = condition_get(v->target->root, type, &reason, &message);
    if (str_empty(reason) || json_int(v->target->root, "status.observedGeneration", 0) != v->target->meta.generation)
        return false;
    say(c, value, reason, "%s", message);
    return true;
}

/* ── agents ── */

struct agents {
    size_t sidecars, up, down, opening; /* down, opening: of those that should be up */
    const char *down_pod, *down_why;
    const struct agent_state *blind; /* up, and the target's processes are hidden from it, in blind_pod */
    const char *blind_pod;
    bool patient; /* what is not up has had no time yet */
};

static void count_agents(const struct target_view *v, usec_t now, struct agents *a, struct decision *d)
{
    *a = (struct agents){0};
    for (size_t i = 0; i < v->pod_count; i++) {
        const struct agent_state *agent = &v->agents[i];
        a->sidecars += v->pods[i].has_agent;
        if (agent->link == AGENT_UP) {
            a->up++;
            if (agent->target_hidden) {
                a->blind = agent;
                a->blind_pod = v->pods[i].meta.name;
            }
            continue;
        }
        if (!v->pods[i].has_agent || !v->pods[i].ready || !target_watches_pod(v, i))
            continue;
        if ((agent->link == AGENT_OPENING || agent->link == AGENT_LOST) && now < usec_add(agent->since, LINK_PATIENCE)) {
            a->opening++;
            decision_again(d, usec_add(agent->since, LINK_PATIENCE));
            continue;
        }
        a->down++;
        a->down_pod = v->pods[i].meta.name;
        a->down_why = agent->message;
    }
    a->patient = a->opening > 0;
}

static void judge_agents(const struct target_view *v, const struct agents *a, struct verdict_on *c)
{
    if (str_equal(v->target->agent, "Ephemeral"))
        say(c, CONDITION_FALSE, "NotSupported",
            "spec.agent: Ephemeral is not supported in this version; write Sidecar, and add the sidecar (kubectl drill inject)");
    else if (v->pod_count == 0)
        say(c, CONDITION_FALSE, "NoPods",
            "no running pod matches spec.selector and carries the label " LABEL_AGENT
            "=enabled; add the label to the pod template");
    else if (a->sidecars == 0)
        say(c, CONDITION_FALSE, "NoAgent",
            "none of %zu pods has a running container " INJECTOR_CONTAINER
            "; add the sidecar (kubectl drill inject) and restart the pods",
            v->pod_count);
    else if (a->patient && as_before(v, "AgentReady", c))
        return;
    else if (a->down > 0)
        say(c, CONDITION_FALSE, a->up ? "SomeAgentsDown" : "AgentsDown", "the agent in pod %s does not answer: %s", a->down_pod,
            a->down_why);
    else if (a->opening > 0)
        say(c, CONDITION_UNKNOWN, "Opening", "sessions with the agents are being opened");
    else if (a->up == 0 && v->target->watch_pods == 0)
        say(c, CONDITION_TRUE, "OnDemand", "spec.watchPods is 0: sessions are opened for drills only");
    else if (a->up == 0)
        say(c, CONDITION_FALSE, "AgentsDown", "no pod with an agent is ready");
    else if (a->blind)
        say(c, CONDITION_TRUE, "AgentsUp",
            "an agent answers in %zu of %zu pods; in pod %s it runs as user %lld, and processes of user %lld are hidden from it: "
            "set "
            "runAsUser in the pod to the target's user",
            a->up, v->pod_count, a->blind_pod, (long long)a->blind->user, (long long)a->blind->hidden_user);
    else
        say(c, CONDITION_TRUE, "AgentsUp", "an agent answers in %zu of %zu pods, which is every one that is watched", a->up,
            v->pod_count);
}

/* ── quarantine ── */

/* Since when the drill has tried to revert. */
static usec_t reverting_since(const struct drill *drill)
{
    return json_time(drill->status, "verdictAt", usec_max(drill->injected_at, drill->meta.created_at));
}

static void judge_quarantine(const struct target_view *v, usec_t now, struct verdict_on *c, struct decision *d)
{
    bool already = condition_get(v->target->root, "Quarantined", NULL, NULL) == CONDITION_TRUE;
    say(c, CONDITION_FALSE, "NothingLeft", "no fault of an earlier drill is left");
    for (size_t i = 0; i < v->drill_count; i++) {
        const struct drill *drill = &v->drills[i];
        if (drill->phase != DRILL_REVERTING)
            continue;
        usec_t at = usec_add(reverting_since(drill), DRILL_QUARANTINE_AFTER);
        if (!already && now < at) {
            decision_again(d, at);
            continue;
        }
        say(c, CONDITION_TRUE, "FaultNotReverted", "the fault of drill %s could not be reverted: %s", drill->meta.name,
            json_str(drill->status, "message", "it is tried again"));
        if (!already) {
            char id[EFFECT_ID_SIZE];
            struct key key = meta_key(&v->target->meta, KIND_TARGET);
            str_format(id, sizeof(id), "quarantine/%s", drill->meta.uid);
            decision_event(d, &key, id, true, "Quarantined", "Revert", c->message);
        }
        return;
    }
}

/* ── steady state ── */

/* Some agent or probe has had no time yet to say anything. */
static bool too_early(const struct target_view *v, const struct agents *a)
{
    if (a->patient)
        return true;
    for (size_t i = 0; i < json_array_size(v->target->health); i++) {
        char key[EFFECT_ID_SIZE];
        str_format(key, sizeof(key), "health/%s/", json_str(json_array_get(v->target->health, i), "name", ""));
        const struct evidence *e = evidences_get(v->evidences, key);
        bool seen = e->seen_at != 0;
        for (size_t p = 0; p < v->pod_count && !seen; p++) {
            str_format(key, sizeof(key), "health/%s/%s", json_str(json_array_get(v->target->health, i), "name", ""),
                       v->pods[p].meta.name);
            seen = evidences_get(v->evidences, key)->seen_at != 0;
        }
        if (!seen)
            return true;
    }
    return false;
}

/* The part of "ready: answered 503" that says which probe: values in messages come and go, and are not worth a write. */
static bool same_probe(const char *a, const char *b)
{
    size_t n = strcspn(a, ":");
    return n == strcspn(b, ":") && strncmp(a, b, n) == 0;
}

static void judge_steady(const struct target_view *v, enum holds steady, const char *message, const struct agents *a,
                         struct verdict_on *c)
{
    const char *old;
    bool was_false = condition_get(v->target->root, "SteadyState", NULL, &old) == CONDITION_FALSE;
    switch (steady) {
    case HOLDS_TRUE:
        say(c, CONDITION_TRUE, "Steady", "%s", v->target->health ? "all health probes hold" : "all pods are ready");
        return;
    case HOLDS_FALSE:
        say(c, CONDITION_FALSE, "NotSteady", "%s", was_false && same_probe(old, message) ? old : message);
        return;
    case HOLDS_UNKNOWN:
        if (!too_early(v, a) || !as_before(v, "SteadyState", c))
            say(c, CONDITION_UNKNOWN, "NotObserved", "%s", message);
        return;
    }
}

/* A change that is younger than STEADY_LASTS is not told yet. `since`: of the steady state as it is now; 0: not known. */
static void steady_settles(const struct target_view *v, usec_t since, usec_t now, struct verdict_on *c, struct decision *d)
{
    enum condition_status old = condition_get(v->target->root, "SteadyState", NULL, NULL);
    usec_t told_at = usec_add(since, STEADY_LASTS);
    bool flips = old != c->value && old != CONDITION_UNKNOWN && c->value != CONDITION_UNKNOWN;
    if (!since || !flips || now >= told_at)
        return;
    if (as_before(v, "SteadyState", c))
        decision_again(d, told_at);
}

static void put_steady(const struct target_view *v, json_t *status, const struct verdict_on *c, usec_t since, usec_t now)
{
    if (c->value == CONDITION_UNKNOWN) {
        json_object_del(status, "steadyState");
        return;
    }
    const json_t *old = json_at(v->target->root, "status.steadyState");
    bool healthy = c->value == CONDITION_TRUE;
    json_t *steady = json_object();
    json_put_bool(steady, "healthy", healthy);
    if (old && json_flag(old, "healthy", !healthy) == healthy)
        json_put_str(steady, "since", json_str(old, "since", NULL));
    else
        json_put_time(steady, "since", since ? since : now);
    if (!healthy)
        json_put_str(steady, "message", c->message);
    json_put(status, "steadyState", steady);
}

/* ── ready ── */

static void judge_ready(const struct target_view *v, const struct agents *a, const struct verdict_on *agents,
                        const struct verdict_on *quarantine, usec_t now, struct verdict_on *c)
{
    struct error err = {0};
    if (!v->namespace_enabled)
        say(c, CONDITION_FALSE, "NamespaceNotEnabled", "namespace %s is not opted in: it lacks the label " LABEL_DRILLS "=enabled",
            v->target->meta.ns);
    else if (!windows_open(v->target->windows, now, &err) && err.class != ERROR_NONE)
        say(c, CONDITION_FALSE, "Invalid", "%s", err.text);
    else if (quarantine->value == CONDITION_TRUE)
        say(c, CONDITION_FALSE, "Quarantined", "%s", quarantine->message);
    else if (a->up == 0 && agents->value != CONDITION_TRUE)
        say(c, agents->value, agents->reason, "%s", agents->message);
    else
        say(c, CONDITION_TRUE, "Ready", "it can be drilled");
}

/* ── coverage and counts ── */

/* By the built-in frequency: a target has no schedule of its own. */
static json_t *coverage_all(const struct target_view *v, usec_t now, struct decision *d)
{
    static const struct schedule defaults;
    json_t *all = json_array();
    for (size_t i = 0; i < v->card_count && json_array_size(all) < TARGET_CARDS_MAX; i++) {
        struct coverage c;
        if (v->cards[i].meta.deleting)
            continue;
        coverage_of(v->applies, &v->cards[i], v->target, v->drills, v->drill_count, coverage_remembered(v->target, &v->cards[i]),
                    schedule_frequency(&defaults, v->cards[i].risk), now, &c);
        json_array_append_new(all, coverage_encode(&c));
        if (c.due > now)
            decision_again(d, c.due);
        else if (c.due && usec_add(c.due, COVERAGE_OVERDUE_AFTER) > now)
            decision_again(d, usec_add(c.due, COVERAGE_OVERDUE_AFTER));
    }
    return all;
}

static json_t *pods_encode(const struct target_view *v, const struct agents *a)
{
    int64_t ready = 0;
    for (size_t i = 0; i < v->pod_count; i++)
        ready += v->pods[i].ready;
    json_t *pods = json_object();
    json_put_int(pods, "selected", (int64_t)v->pod_count);
    json_put_int(pods, "withAgent", (int64_t)a->up);
    json_put_int(pods, "ready", ready);
    return pods;
}

/* ── the status ── */

static bool flips(const json_t *root, const json_t *status)
{
    const json_t *conditions = json_at(status, "conditions");
    for (size_t i = 0; i < json_array_size(conditions); i++) {
        const json_t *c = json_array_get(conditions, i);
        static const char *const texts[] = {
            [CONDITION_FALSE] = "False", [CONDITION_TRUE] = "True", [CONDITION_UNKNOWN] = "Unknown"};
        const char *reason;
        enum condition_status before = condition_get(root, json_str(c, "type", ""), &reason, NULL);
        if (str_empty(reason) || !str_equal(texts[before], json_str(c, "status", "")))
            return true;
    }
    return false;
}

/* Takes status. What only counts differently waits until WRITE_INTERVAL has passed since the last write. */
static void write_status(const json_t *root, json_t *status, const struct observations *observations, usec_t now,
                         struct decision *d)
{
    struct meta meta;
    meta_decode(root, &meta);
    const json_t *old = json_at(root, "status");
    usec_t written = json_int(observations_get(observations, NOTE_WRITTEN)->result, "at", 0);
    if (old ? json_equal(old, status) : json_object_size(status) == 0) {
        json_decref(status);
        return;
    }
    if (now < usec_add(written, WRITE_INTERVAL) && !flips(root, status)) {
        json_decref(status);
        decision_again(d, usec_add(written, WRITE_INTERVAL));
        return;
    }
    struct key key = meta_key(&meta, KIND_TARGET);
    decision_status(d, &key, meta.rv, status);
    json_t *body = json_object();
    json_put_int(body, "at", now);
    decision_note(d, NOTE_WRITTEN, body);
}

static json_t *status_begin(const json_t *root)
{
    json_t *status = status_copy(root);
    json_put_int(status, "observedGeneration", json_int(root, "metadata.generation", 0));
    return status;
}

static void put_condition(json_t *status, const char *type, const struct verdict_on *c, int64_t generation, usec_t now)
{
    condition_set(status, type, c->value, c->reason, c->message, generation, now);
}

static void decide_invalid(const struct target_view *v, usec_t now, struct decision *d)
{
    struct verdict_on ready;
    json_t *status = status_begin(v->object);
    say(&ready, CONDITION_FALSE, "Invalid", "%s", v->error.text);
    put_condition(status, "Ready", &ready, json_int(v->object, "metadata.generation", 0), now);
    write_status(v->object, status, v->observations, now, d);
}

void target_decide(const struct target_view *view, usec_t now, struct decision *ret_decision)
{
    struct decision *d = ret_decision;
    decision_init(d);
    if (!view->target) {
        decide_invalid(view, now, d);
        return;
    }
    if (view->target->meta.deleting)
        return;
    struct agents agents;
    struct verdict_on agent, quarantine, steady, ready;
    char message[160];
    usec_t since;
    count_agents(view, now, &agents, d);
    judge_agents(view, &agents, &agent);
    judge_quarantine(view, now, &quarantine, d);
    enum holds holds = target_steady(view->target, view->pods, view->pod_count, view->evidences, now, &since, message);
    judge_steady(view, holds, message, &agents, &steady);
    steady_settles(view, since, now, &steady, d);
    judge_ready(view, &agents, &agent, &quarantine, now, &ready);
    if (view->namespace_enabled) {
        bool drilled = false;
        for (size_t i = 0; i < view->drill_count; i++)
            drilled |= !drill_phase_terminal(view->drills[i].phase);
        target_watch(view, d);
        snapshot_decide(view, holds == HOLDS_TRUE && !drilled && !target_alarmed(view), now, d);
    }

    int64_t generation = view->target->meta.generation;
    json_t *status = status_begin(view->target->root);
    json_put(status, "coverage", coverage_all(view, now, d));
    json_put(status, "pods", pods_encode(view, &agents));
    json_t *snapshots = snapshot_status(view, json_at(view->target->root, "status.snapshots"), now);
    json_object_del(status, "snapshots");
    json_put(status, "snapshots", snapshots);
    put_steady(view, status, &steady, since, now);
    put_condition(status, "Ready", &ready, generation, now);
    put_condition(status, "AgentReady", &agent, generation, now);
    put_condition(status, "SteadyState", &steady, generation, now);
    put_condition(status, "Quarantined", &quarantine, generation, now);
    write_status(view->target->root, status, view->observations, now, d);
}

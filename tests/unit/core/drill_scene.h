/* tests/unit/core/drill_scene.h — one drill and everything it can see, as plain data: a scene is set, decided, and its decision read.
 *
 * The scene plays the API server and the agent: scene_apply() carries a decision out (statuses get a new resourceVersion, notes become
 * observations), so that a whole life can be walked step by step at chosen times. */
#pragma once

#include "base/str.h"
#include "core/drill.h"
#include "core/drill_status.h"
#include "core/gap.h"
#include "core/gate.h"

#include "check.h"

#define T0 ((usec_t)1763192400 * USEC_SEC)

struct scene {
    json_t *drill_json, *card_json, *target_json, *pod_json;
    struct drill drill;
    struct card card;
    struct target target;
    struct pod pods[1];
    struct agent_state agents[1];
    struct firing firings[4];
    struct run runs[4];
    struct task tasks[4];
    struct ledger_segment segments[2];
    struct ledger_view ledger;
    struct drill_view view;
    struct decision decision;
    json_t *ledger_data;
    int rv;
};

static inline json_t *json_of(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, 0, &error);
    if (!value)
        CHECK_FAIL("bad JSON in a test: %s in %s", error.text, text);
    return value;
}

static inline void scene_decode(struct scene *s)
{
    struct error err = {0};
    drill_done(&s->drill);
    if (drill_decode(s->drill_json, &s->drill, &err))
        CHECK_FAIL("drill: %s", err.text);
    s->view.drill = &s->drill;
}

static inline void scene_pod(struct scene *s)
{
    json_t *reduced = pod_reduce(s->pod_json);
    pod_done(&s->pods[0]);
    pod_decode(reduced, &s->pods[0]);
    json_decref(reduced);
}

static inline void scene_init(struct scene *s)
{
    memset(s, 0, sizeof(*s));
    s->drill_json =
        json_of("{\"metadata\":{\"name\":\"d1\",\"namespace\":\"shop\",\"uid\":\"u-1\",\"resourceVersion\":\"1\",\"generation\":1,"
                "\"creationTimestamp\":\"2025-11-15T07:40:00Z\"},\"spec\":{\"card\":\"kh001\",\"target\":\"shop\"}}");
    s->card_json = json_of("{\"metadata\":{\"name\":\"kh001\",\"namespace\":\"catalog\",\"uid\":\"c\",\"resourceVersion\":\"1\"},"
                           "\"spec\":{\"id\":\"KH001\",\"title\":\"t\","
                           "\"category\":\"KernelHealth\",\"risk\":2.5,\"injection\":{\"method\":\"ProcessFreeze\","
                           "\"processFreeze\":{\"match\":\"$(target.process.match)\"},"
                           "\"duration\":\"90s\"},\"expect\":{\"trigger\":{\"name\":\"gap\",\"within\":\"15s\"},\"playbooks\":[{"
                           "\"name\":\"mend\",\"within\":\"30s\"}],"
                           "\"codingTasks\":{\"minimum\":0}},\"verify\":[{\"name\":\"beats\",\"probe\":{\"process\":{\"match\":"
                           "\"w\"}},\"within\":\"20s\"}],"
                           "\"slo\":{\"detectWithin\":\"15s\",\"healWithin\":\"60s\"}}}");
    s->target_json = json_of(
        "{\"metadata\":{\"name\":\"shop\",\"namespace\":\"shop\",\"uid\":\"t\",\"resourceVersion\":\"1\"},\"spec\":{\"selector\":"
        "{\"matchLabels\":{\"app\":\"shop\"}},\"facets\":{\"process\":{\"match\":\"worker\"}}}}");
    s->pod_json = json_of(
        "{\"metadata\":{\"name\":\"shop-1\",\"namespace\":\"shop\",\"uid\":\"p-1\",\"resourceVersion\":\"1\",\"labels\":{\"app\":"
        "\"shop\"}},"
        "\"spec\":{\"nodeName\":\"n\",\"containers\":[{\"name\":\"app\"}],\"initContainers\":[{\"name\":\"drill-injector\","
        "\"restartPolicy\":\"Always\"}]},"
        "\"status\":{\"phase\":\"Running\",\"podIP\":\"10.0.0.1\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}],"
        "\"containerStatuses\":[{\"name\":\"app\",\"ready\":true,\"restartCount\":0,\"containerID\":\"c://"
        "1\",\"state\":{\"running\":{\"startedAt\":\"2025-11-15T07:00:00Z\"}}}],"
        "\"initContainerStatuses\":[{\"name\":\"drill-injector\",\"ready\":true,\"started\":true,\"restartCount\":0,"
        "\"containerID\":\"c://2\",\"state\":{\"running\":{\"startedAt\":\"2025-11-15T07:00:00Z\"}}}]}}");
    struct error err = {0};
    if (card_decode(s->card_json, &s->card, &err) || target_decode(s->target_json, &s->target, &err))
        CHECK_FAIL("scene: %s", err.text);
    scene_pod(s);
    s->agents[0] = (struct agent_state){.link = AGENT_UP, .up_since = 1, .target_found = true, .clock_error = 200};
    s->ledger = (struct ledger_view){.synced = true, .segments = s->segments};
    s->rv = 1;
    s->view = (struct drill_view){
        .card = &s->card,
        .target = &s->target,
        .namespace_enabled = true,
        .in_window = true,
        .steady = HOLDS_TRUE,
        .pods = s->pods,
        .pod_count = 1,
        .agents = s->agents,
        .firings = s->firings,
        .trigger_exists = true,
        .trigger_watch = {.holds = HOLDS_TRUE, .known_since = 1, .message = "beats"},
        .runs = s->runs,
        .tasks = s->tasks,
        .ledger = &s->ledger,
        .observations = observations_new(),
        .evidences = evidences_new(),
        .epoch = 3,
        .lease = 10 * USEC_SEC,
    };
    scene_decode(s);
}

static inline void scene_done(struct scene *s)
{
    decision_done(&s->decision);
    drill_done(&s->drill);
    card_done(&s->card);
    target_done(&s->target);
    pod_done(&s->pods[0]);
    for (size_t i = 0; i < s->view.run_count; i++)
        run_done(&s->runs[i]);
    for (size_t i = 0; i < s->view.task_count; i++)
        task_done(&s->tasks[i]);
    observations_free((struct observations *)s->view.observations);
    evidences_free((struct evidences *)s->view.evidences);
    json_decref(s->drill_json);
    json_decref(s->card_json);
    json_decref(s->target_json);
    json_decref(s->pod_json);
    json_decref(s->ledger_data);
}

static inline void scene_decide(struct scene *s, usec_t now)
{
    decision_done(&s->decision);
    drill_decide(&s->view, now, &s->decision);
}

static inline const struct effect *scene_effect(const struct scene *s, enum effect_type type, const char *id)
{
    for (size_t i = 0; i < s->decision.effect_count; i++)
        if (s->decision.effects[i].type == type && (!id || str_equal(s->decision.effects[i].id, id)))
            return &s->decision.effects[i];
    return NULL;
}

static inline const struct want *scene_want(const struct scene *s, const char *key)
{
    for (size_t i = 0; i < s->decision.want_count; i++)
        if (str_equal(s->decision.wants[i].key, key))
            return &s->decision.wants[i];
    return NULL;
}

/* What the agent tells of the drill's fault from now on. */
static inline void scene_tell(struct scene *s, enum fault_state state, bool by_agent, const char *why, usec_t at)
{
    struct agent_fault *f = &s->agents[0].faults[0];
    *f = (struct agent_fault){.state = state, .by_agent = by_agent, .at = at};
    str_copy(f->id, sizeof(f->id), s->drill.fault_id);
    str_copy(f->why, sizeof(f->why), why);
    s->agents[0].fault_count = 1;
}

/* As a session does: an answer also says what the fault is now. */
static inline void scene_observe(struct scene *s, const char *id, enum observation_state state, usec_t at, json_t *result)
{
    struct observation o = {.state = state, .asked_at = at, .answered_at = at, .result = result};
    if (state == OBSERVATION_FAILED || state == OBSERVATION_UNKNOWN)
        error_set(&o.err, state == OBSERVATION_FAILED ? ERROR_INVALID : ERROR_UNAVAILABLE, "scripted");
    observations_set((struct observations *)s->view.observations, id, &o);
    const struct agent_fault *told = agent_fault_find(&s->agents[0], s->drill.fault_id);
    if (state == OBSERVATION_OK && str_equal(id, "inject"))
        scene_tell(s, FAULT_IN_FORCE, false, "request", at);
    if (state == OBSERVATION_OK && str_starts(id, "revert/") && !(told && told->state == FAULT_REVERTED))
        scene_tell(s, FAULT_REVERTED, false, "verdict", at);
    json_decref(result);
}

static inline void scene_see(struct scene *s, const char *key, enum holds holds, usec_t since, const char *message)
{
    struct evidence e = {.holds = holds, .since = since, .seen_at = since, .known_since = 1};
    str_copy(e.message, sizeof(e.message), message);
    evidences_set((struct evidences *)s->view.evidences, key, &e);
}

/* Carries the decision out as an API server that accepts everything. Agent operations are left to the test. */
static inline void scene_apply(struct scene *s, usec_t now)
{
    for (size_t i = 0; i < s->decision.effect_count; i++) {
        const struct effect *e = &s->decision.effects[i];
        if (e->type == EFFECT_NOTE)
            scene_observe(s, e->id, OBSERVATION_OK, now, e->body ? json_incref(e->body) : NULL);
        bool ours = e->key.kind == KIND_DRILL;
        if (ours && e->type == EFFECT_STATUS)
            json_object_set(s->drill_json, "status", e->body);
        if (ours && e->type == EFFECT_METADATA)
            json_object_update(json_object_get(s->drill_json, "metadata"), json_object_get(e->body, "metadata"));
        if (e->key.kind == KIND_LEDGER) {
            if (!s->ledger_data)
                s->ledger_data = json_object();
            json_object_update(s->ledger_data, json_object_get(e->body, "data"));
            s->segments[0] = (struct ledger_segment){.number = 1, .name = "drill-ledger-000001", .rv = "1", .data = s->ledger_data};
            s->ledger.count = 1;
        }
    }
    char rv[16];
    str_format(rv, sizeof(rv), "%d", ++s->rv);
    json_put_str(json_object_get(s->drill_json, "metadata"), "resourceVersion", rv);
    scene_decode(s);
    if (!str_empty(s->drill.status_pod) && s->view.pod_count) {
        s->view.pod = &s->pods[0];
        s->view.agent = &s->agents[0];
    }
}

/* Runs to "in force", seen so at T0 + 1 s. */
static inline void scene_inject(struct scene *s)
{
    scene_decide(s, T0); /* finalizer */
    scene_apply(s, T0);
    scene_decide(s, T0); /* intent */
    scene_apply(s, T0);
    scene_decide(s, T0); /* inject */
    scene_observe(s, "inject", OBSERVATION_OK, T0 + USEC_SEC, json_of("{\"state\":\"InForce\"}"));
    scene_decide(s, T0 + USEC_SEC); /* in force */
    scene_apply(s, T0 + USEC_SEC);
}

static inline void scene_fire(struct scene *s, usec_t since, usec_t cleared)
{
    s->view.firing_count = 1;
    s->firings[0] = (struct firing){.since = since, .fired_at = since, .cleared_at = cleared};
    str_copy(s->firings[0].trigger, sizeof(s->firings[0].trigger), "gap");
    str_copy(s->firings[0].target, sizeof(s->firings[0].target), "shop");
    str_copy(s->firings[0].ns, sizeof(s->firings[0].ns), "shop");
    str_copy(s->firings[0].pod, sizeof(s->firings[0].pod), "shop-1");
    str_copy(s->firings[0].message, sizeof(s->firings[0].message), "no beat");
}

static inline void scene_run(struct scene *s, const char *phase, usec_t fired, usec_t ended)
{
    json_t *object = json_of(
        "{\"metadata\":{\"name\":\"mend-1\",\"namespace\":\"shop\",\"uid\":\"r\",\"resourceVersion\":\"1\"},"
        "\"spec\":{\"playbook\":\"mend\",\"trigger\":\"gap\",\"target\":\"shop\",\"severity\":\"Moderate\"},\"status\":{}}");
    json_put_time(json_object_get(object, "spec"), "firedAt", fired);
    json_t *status = json_object_get(object, "status");
    json_put_str(status, "phase", phase);
    json_put_time(status, "endedAt", ended);
    struct error err = {0};
    if (s->view.run_count)
        run_done(&s->runs[0]);
    if (run_decode(object, &s->runs[0], &err))
        CHECK_FAIL("run: %s", err.text);
    s->view.run_count = 1;
    json_decref(object);
}

/* In force, fired for, and healed since T0 + 2 s by a run that is at this action. Its steps, which the caller frees at the end. */
static inline json_t *scene_heal(struct scene *s, const char *action)
{
    scene_inject(s);
    scene_fire(s, T0 + 2 * USEC_SEC, 0);
    scene_run(s, "Running", T0 + 2 * USEC_SEC, 0);
    json_t *steps = json_pack("[{s:s, s:s}]", "action", action, "state", "Running");
    s->runs[0].incident = s->drill.incident;
    s->runs[0].steps = steps;
    return steps;
}

/* tests/unit/core/run_scene.h — one playbook run and all that it can see. As with drill_scene.h a scene is set, decided and read, and
 * scene_apply() plays an API server that accepts everything. */
#pragma once

#include "base/str.h"
#include "core/action.h"
#include "core/run.h"

#include "check.h"

#define T0 ((usec_t)1763192400 * USEC_SEC)

struct run_scene {
    json_t *run_json, *playbook_json, *target_json;
    struct run run;
    struct playbook playbook;
    struct target target;
    struct pod pods[3];
    struct agent_state agents[3];
    struct run_view view;
    struct decision decision;
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

static inline void scene_decode(struct run_scene *s)
{
    struct error err = {0};
    run_done(&s->run);
    playbook_done(&s->playbook);
    target_done(&s->target);
    if (run_decode(s->run_json, &s->run, &err) || playbook_decode(s->playbook_json, &s->playbook, &err) ||
        target_decode(s->target_json, &s->target, &err))
        CHECK_FAIL("scene: %s", err.text);
}

/* A pod of the Deployment shop with an agent that answers. */
static inline void scene_pod(struct run_scene *s, size_t i, const char *name, usec_t created)
{
    s->pods[i] = (struct pod){
        .meta = {.ns = "shop", .name = name, .uid = name, .rv = "1", .created_at = created},
        .phase = "Running",
        .ip = "",
        .node = "n",
        .owner_kind = "ReplicaSet",
        .owner_name = "shop-7d4b9c",
        .has_agent = true,
        .agent_ready = true,
        .ready = true,
    };
    s->agents[i] = (struct agent_state){.link = AGENT_UP, .up_since = 1, .target_found = true};
    if (s->view.pod_count <= i)
        s->view.pod_count = i + 1;
}

/* `steps`: the steps of the only branch. `more`: further members of the playbook's spec ("" or ",\"verify\":[…]"). */
static inline void scene_init(struct run_scene *s, const char *steps, const char *more)
{
    memset(s, 0, sizeof(*s));
    auto_free char *playbook = mem_printf("{\"metadata\":{\"name\":\"mend\",\"namespace\":\"shop\"},\"spec\":{\"triggers\":["
                                          "\"gap\"],\"branches\":[{\"steps\":%s}]%s}}",
                                          steps, more);
    s->playbook_json = json_of(playbook);
    s->run_json = json_of("{\"metadata\":{\"name\":\"mend-1\",\"namespace\":\"shop\",\"uid\":\"r-1\",\"resourceVersion\":\"1\"},"
                          "\"spec\":{\"playbook\":\"mend\",\"trigger\":\"gap\",\"target\":\"shop\",\"pod\":\"shop-1\",\"severity\":"
                          "\"Moderate\",\"reporter\":\"drillyard\"},\"status\":{}}");
    s->target_json = json_of(
        "{\"metadata\":{\"name\":\"shop\",\"namespace\":\"shop\",\"uid\":\"t\",\"resourceVersion\":\"1\"},\"spec\":{\"selector\":"
        "{\"matchLabels\":{\"app\":\"shop\"}},\"facets\":{\"process\":{\"match\":\"worker\"},\"config\":{\"path\":\"/c.yaml\"},"
        "\"workers\":{\"kind\":\"Deployment\",\"name\":\"w\",\"min\":1,\"max\":4}}}}");
    s->rv = 1;
    s->view = (struct run_view){
        .run = &s->run,
        .playbook = &s->playbook,
        .target = &s->target,
        .namespace_enabled = true,
        .pods = s->pods,
        .agents = s->agents,
        .observations = observations_new(),
        .evidences = evidences_new(),
    };
    scene_pod(s, 0, "shop-1", T0 - USEC_HOUR);
    scene_decode(s);
}

static inline void scene_done(struct run_scene *s)
{
    decision_done(&s->decision);
    run_done(&s->run);
    playbook_done(&s->playbook);
    target_done(&s->target);
    observations_free((struct observations *)s->view.observations);
    evidences_free((struct evidences *)s->view.evidences);
    json_decref(s->run_json);
    json_decref(s->playbook_json);
    json_decref(s->target_json);
}

static inline const struct effect *scene_effect(const struct run_scene *s, enum effect_type type)
{
    for (size_t i = 0; i < s->decision.effect_count; i++)
        if (s->decision.effects[i].type == type)
            return &s->decision.effects[i];
    return NULL;
}

static inline void scene_observe(struct run_scene *s, const char *id, enum observation_state state, usec_t at, const char *result)
{
    json_t *json = result ? json_of(result) : NULL;
    struct observation o = {.state = state, .asked_at = at, .answered_at = at, .result = json};
    if (state == OBSERVATION_FAILED || state == OBSERVATION_UNKNOWN)
        error_set(&o.err, state == OBSERVATION_FAILED ? ERROR_INVALID : ERROR_UNAVAILABLE, "scripted");
    observations_set((struct observations *)s->view.observations, id, &o);
    json_decref(json);
}

static inline void scene_see(struct run_scene *s, const char *key, enum holds holds, usec_t since)
{
    struct evidence e = {.holds = holds, .since = since, .seen_at = since, .known_since = 1, .message = "looked"};
    evidences_set((struct evidences *)s->view.evidences, key, &e);
}

/* Decides, and carries out what the API server and notes are about. */
static inline void scene_step(struct run_scene *s, usec_t now)
{
    decision_done(&s->decision);
    run_decide(&s->view, now, &s->decision);
    for (size_t i = 0; i < s->decision.effect_count; i++) {
        const struct effect *e = &s->decision.effects[i];
        if (e->type == EFFECT_NOTE)
            scene_observe(s, e->id, OBSERVATION_OK, now, NULL);
        if (e->type != EFFECT_STATUS)
            continue;
        char rv[16];
        str_format(rv, sizeof(rv), "%d", s->rv);
        CHECK_STR(e->rv, rv);
        str_format(rv, sizeof(rv), "%d", ++s->rv);
        json_object_set(s->run_json, "status", e->body);
        json_put_str(json_object_get(s->run_json, "metadata"), "resourceVersion", rv);
    }
    scene_decode(s);
}

/* The process dies: only the API server's memory is left. */
static inline void scene_crash(struct run_scene *s)
{
    observations_free((struct observations *)s->view.observations);
    evidences_free((struct evidences *)s->view.evidences);
    s->view.observations = observations_new();
    s->view.evidences = evidences_new();
}

static inline const json_t *scene_row(const struct run_scene *s, size_t i)
{
    return json_array_get(s->run.steps, i);
}

/* A target with pods, triggers, cards and drills, as far as target_decide() looks at them. */
#pragma once

#include "base/rfc3339.h"
#include "base/str.h"
#include "check.h"
#include "core/target.h"
#include "core/target_snapshot.h"
#include "fixture.h"

#define MANY 128
#define T0   (1767225600 * USEC_SEC) /* 2026-01-01T00:00:00Z; a slot of ten minutes begins */

struct bench {
    json_t *object;
    struct pod pods[MANY];
    struct agent_state agents[MANY];
    size_t pod_count;
    struct trigger triggers[MANY];
    size_t trigger_count;
    struct card cards[MANY];
    size_t card_count;
    struct drill drills[MANY];
    size_t drill_count;
    struct observations *observations;
    struct evidences *evidences;
    bool disabled;
    struct decision d;
    int statuses;
};

static inline void bench_init(struct bench *b, const char *spec)
{
    memset(b, 0, sizeof(*b));
    auto_free char *text = mem_printf("{'metadata': {'name': 'shop', 'namespace': 'a', 'resourceVersion': '5', 'generation': 1}, "
                                      "'spec': {'selector': {'matchLabels': {'app': 'shop'}}, %s}}",
                                      spec);
    b->object = fixture(text);
    b->observations = observations_new();
    b->evidences = evidences_new();
    decision_init(&b->d);
}

static inline void bench_done(struct bench *b)
{
    for (size_t i = 0; i < b->pod_count; i++)
        pod_done(&b->pods[i]);
    for (size_t i = 0; i < b->trigger_count; i++)
        trigger_done(&b->triggers[i]);
    for (size_t i = 0; i < b->card_count; i++)
        card_done(&b->cards[i]);
    for (size_t i = 0; i < b->drill_count; i++)
        drill_done(&b->drills[i]);
    observations_free(b->observations);
    evidences_free(b->evidences);
    decision_done(&b->d);
    json_decref(b->object);
}
#define auto_bench __attribute__((cleanup(bench_done)))

static inline void bench_pod(struct bench *b, const char *name, bool ready, bool sidecar, enum agent_link link)
{
    auto_free char *text =
        mem_printf("{'metadata': {'name': '%s', 'namespace': 'a', 'uid': 'uid-%s'}, 'spec': {'containers': [{'name': 'app'}]}, "
                   "'status': {'phase': 'Running', 'containers': ["
                   "{'name': 'app', 'ready': %s, 'started': '2025-12-31T00:00:00Z'}%s]}}",
                   name, name, ready ? "true" : "false",
                   sidecar ? ", {'name': 'drill-injector', 'ready': true, 'started': '2025-12-31T00:00:00Z'}" : "");
    auto_fixture json_t *object = fixture(text);
    b->agents[b->pod_count] =
        (struct agent_state){.link = link, .since = T0 - USEC_HOUR, .target_found = true, .message = "exec refused"};
    pod_decode(object, &b->pods[b->pod_count++]);
}

static inline void bench_trigger(struct bench *b, const char *name, const char *probe)
{
    auto_free char *text =
        mem_printf("{'metadata': {'name': '%s', 'namespace': 'cat'}, 'spec': {'probe': %s, 'every': '3s'}}", name, probe);
    auto_fixture json_t *object = fixture(text);
    struct error err = {0};
    if (trigger_decode(object, &b->triggers[b->trigger_count++], &err) < 0)
        CHECK_FAIL("%s", err.text);
}

static inline void bench_drill(struct bench *b, const char *name, const char *pod, const char *phase, const char *more)
{
    auto_free char *text = mem_printf("{'metadata': {'name': '%s', 'namespace': 'a', 'uid': '%s', 'creationTimestamp': "
                                      "'2026-01-01T00:00:00Z'}, 'spec': {'card': 'c', 'target': 'shop'},"
                                      "'status': {'phase': '%s', 'pod': '%s'%s}}",
                                      name, name, phase, pod, more);
    auto_fixture json_t *object = fixture(text);
    struct error err = {0};
    if (drill_decode(object, &b->drills[b->drill_count++], &err) < 0)
        CHECK_FAIL("%s", err.text);
}

static inline void bench_card(struct bench *b, const char *id)
{
    auto_free char *text = mem_printf("{'metadata': {'name': '%s'}, 'spec': {'id': '%s', 'risk': 2.0, 'injection': {'method': "
                                      "'CPUStress', 'duration': '90s'}, 'expect': {'trigger': {'name': 't'}},"
                                      "'verify': [{'name': 'v', 'probe': {'pods': {'ready': {'atLeast': 1}}}}], 'slo': {}}}",
                                      id, id);
    auto_fixture json_t *object = fixture(text);
    CHECK_INT(card_decode(object, &b->cards[b->card_count++], NULL), 0);
}

static inline void see_since(struct bench *b, const char *key, enum holds holds, const char *message, usec_t since)
{
    struct evidence e = {.holds = holds, .since = since, .seen_at = T0, .known_since = T0 - USEC_MINUTE};
    str_copy(e.message, sizeof(e.message), message);
    evidences_set(b->evidences, key, &e);
}

static inline void see(struct bench *b, const char *key, enum holds holds, const char *message)
{
    see_since(b, key, holds, message, T0 - USEC_MINUTE);
}

/* Decides, and carries out what the status and notes say. */
static inline void run(struct bench *b, usec_t now)
{
    struct target t = {0};
    struct target_view v = {.object = b->object,
                            .namespace_enabled = !b->disabled,
                            .pods = b->pods,
                            .agents = b->agents,
                            .pod_count = b->pod_count,
                            .triggers = b->triggers,
                            .trigger_count = b->trigger_count,
                            .cards = b->cards,
                            .card_count = b->card_count,
                            .drills = b->drills,
                            .drill_count = b->drill_count,
                            .observations = b->observations,
                            .evidences = b->evidences};
    if (target_decode(b->object, &t, &v.error) == 0)
        v.target = &t;
    decision_done(&b->d);
    target_decide(&v, now, &b->d);
    CHECK(b->d.again_at > now);
    target_done(&t);
    for (size_t i = 0; i < b->d.effect_count; i++) {
        const struct effect *e = &b->d.effects[i];
        if (e->type == EFFECT_STATUS) {
            b->statuses++;
            CHECK_STR(e->rv, "5");
            json_object_set(b->object, "status", e->body);
        }
        if (e->type == EFFECT_NOTE)
            observations_set(b->observations, e->id, &(struct observation){.state = OBSERVATION_OK, .result = e->body});
    }
}

static inline const struct want *wanted(const struct bench *b, const char *key)
{
    for (size_t i = 0; i < b->d.want_count; i++)
        if (str_equal(b->d.wants[i].key, key))
            return &b->d.wants[i];
    return NULL;
}

static inline size_t effects_of(const struct bench *b, enum effect_type type)
{
    size_t n = 0;
    for (size_t i = 0; i < b->d.effect_count; i++)
        n += b->d.effects[i].type == type;
    return n;
}

static inline const char *condition(const struct bench *b, const char *type)
{
    static char text[512];
    const char *reason, *message;
    static const char *const names[] = {[CONDITION_FALSE] = "False", [CONDITION_TRUE] = "True", [CONDITION_UNKNOWN] = "Unknown"};
    enum condition_status value = condition_get(b->object, type, &reason, &message);
    str_format(text, sizeof(text), "%s %s: %s", names[value], reason, message);
    return text;
}

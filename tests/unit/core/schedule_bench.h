/* tests/unit/core/schedule_bench.h — a schedule over time: what schedule_decide() asks for is carried out on JSON, and the next decision
 * sees it. Writes, creates and memory can be lost on the way. */
#pragma once

#include "base/list.h"
#include "base/rfc3339.h"
#include "base/str.h"
#include "check.h"
#include "core/roster.h"
#include "core/schedule.h"
#include "fixture.h"

#define MANY 64
#define T0   (1767225600 * USEC_SEC) /* 2026-01-01T00:00:00Z, a Thursday */

enum loss { LOSE_NOTHING = 0, LOSE_STATUS = 1, LOSE_CREATE = 2 };

struct bench {
    json_t *schedule, *targets, *cards, *drills, *tasks;
    struct observations *observations;
    struct strlist events; /* "id reason note" */
    bool disabled, stopped;
    int statuses, creates, deletes, patches, effects;
    usec_t again_at;
};

static void bench_init(struct bench *b, const char *spec)
{
    *b = (struct bench){.targets = json_array(),
                        .cards = json_array(),
                        .drills = json_array(),
                        .tasks = json_array(),
                        .observations = observations_new()};
    auto_free char *text =
        mem_printf("{'metadata': {'name': 'daily', 'namespace': 'a', 'uid': 'u-1', 'resourceVersion': '1', 'generation': 1,"
                   "'creationTimestamp': '2026-01-01T00:00:00Z'}, 'spec': {%s}}",
                   spec);
    b->schedule = fixture(text);
}

static void bench_done(struct bench *b)
{
    json_t *all[] = {b->schedule, b->targets, b->cards, b->drills, b->tasks};
    for (size_t i = 0; i < array_len(all); i++)
        json_decref(all[i]);
    observations_free(b->observations);
    strlist_done(&b->events);
}
#define auto_bench __attribute__((cleanup(bench_done)))

static void bench_target(struct bench *b, const char *name, const char *status)
{
    auto_free char *text = mem_printf(
        "{'metadata': {'name': '%s', 'namespace': 'a', 'labels': {'n': '%s'}, 'creationTimestamp': '2026-01-01T00:00:00Z'},"
        "'spec': {'selector': {'matchLabels': {'app': 'x'}}}, 'status': {%s}}",
        name, name, status);
    json_array_append_new(b->targets, fixture(text));
}

static void bench_card(struct bench *b, const char *id, double risk)
{
    auto_free char *text =
        mem_printf("{'metadata': {'name': 'card-%s', 'namespace': 'c', 'creationTimestamp': '2026-01-01T00:00:00Z'}, 'spec': "
                   "{'id': '%s', 'category': 'Resource',"
                   "'risk': %.1f, 'injection': {'method': 'CPUStress', 'duration': '90s'}, 'expect': {'trigger': {'name': 't'}},"
                   "'verify': [{'name': 'v', 'probe': {'pods': {'ready': {'atLeast': 1}}}}], 'slo': {}}}",
                   id, id, risk);
    json_array_append_new(b->cards, fixture(text));
}

/* A drill of this schedule ("": of nobody). */
__attribute__((unused)) static json_t *bench_drill(struct bench *b, const char *name, const char *card, const char *target,
                                                   const char *phase, usec_t ended, bool ours)
{
    char when[RFC3339_SIZE];
    rfc3339_format(ended, when);
    auto_free char *text = mem_printf("{'metadata': {'name': '%s', 'namespace': 'a', 'uid': '%s', 'resourceVersion': '1', "
                                      "'creationTimestamp': '%s', 'ownerReferences': [{'uid': '%s'}]},"
                                      "'spec': {'card': '%s', 'target': '%s'}, 'status': {'phase': '%s', 'revertedAt': '%s'}}",
                                      name, name, when, ours ? "u-1" : "u-2", card, target, phase, when);
    json_t *drill = fixture(text);
    json_array_append_new(b->drills, drill);
    return drill;
}

__attribute__((unused)) static void bench_finish(struct bench *b, const char *phase, usec_t ended)
{
    for (size_t i = 0; i < json_array_size(b->drills); i++) {
        json_t *d = json_array_get(b->drills, i);
        if (str_empty(json_str(d, "status.phase", ""))) {
            json_put_str(json_make(d, "status"), "phase", phase);
            json_put_time(json_make(d, "status"), "revertedAt", ended);
            json_object_del(json_object_get(d, "metadata"), "finalizers");
        }
    }
}

static void carry_create(struct bench *b, const struct effect *e, usec_t now)
{
    json_t *list = e->key.kind == KIND_DRILL ? b->drills : b->tasks;
    b->creates++;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (str_equal(json_str(json_array_get(list, i), "metadata.name", ""), e->key.name))
            return; /* EXISTS */
    json_t *object = json_deep_copy(e->body);
    char when[RFC3339_SIZE];
    json_put_str(json_make(object, "metadata"), "creationTimestamp", rfc3339_format(now, when));
    json_put_str(json_make(object, "metadata"), "resourceVersion", "9");
    json_array_append_new(list, object);
}

static void carry_out(struct bench *b, const struct effect *e, usec_t now, enum loss loss)
{
    char *line;
    switch (e->type) {
    case EFFECT_STATUS:
        b->statuses++;
        if (!(loss & LOSE_STATUS))
            json_object_set(b->schedule, "status", e->body);
        break;
    case EFFECT_CREATE:
        if (!(loss & LOSE_CREATE))
            carry_create(b, e, now);
        break;
    case EFFECT_PATCH:
        b->patches++;
        for (size_t i = 0; i < json_array_size(b->drills); i++)
            if (str_equal(json_str(json_array_get(b->drills, i), "metadata.name", ""), e->key.name))
                json_object_update_recursive(json_array_get(b->drills, i), e->body);
        break;
    case EFFECT_DELETE:
        b->deletes++;
        for (size_t i = json_array_size(b->drills); i-- > 0;)
            if (str_equal(json_str(json_array_get(b->drills, i), "metadata.name", ""), e->key.name))
                json_array_remove(b->drills, i);
        break;
    case EFFECT_EVENT:
        line = mem_printf("%s %s %s", e->id, json_str(e->body, "reason", ""), json_str(e->body, "note", ""));
        if (!strlist_has(&b->events, line))
            strlist_add(&b->events, line);
        free(line);
        break;
    case EFFECT_NOTE:
        observations_set(b->observations, e->id, &(struct observation){.state = OBSERVATION_OK, .result = e->body});
        break;
    case EFFECT_METADATA:
    case EFFECT_AGENT:
    case EFFECT_API:
        CHECK_FAIL("a schedule has no such effect: %d", e->type);
        break;
    }
}

static void bench_run(struct bench *b, usec_t now, enum loss loss)
{
    struct target targets[MANY];
    struct card cards[SCHEDULE_CARDS_MAX + 1];
    struct drill drills[MANY];
    struct task tasks[MANY];
    struct schedule_view v = {.object = b->schedule,
                              .namespace_enabled = !b->disabled,
                              .stopped = b->stopped,
                              .seed = 7,
                              .observations = b->observations,
                              .targets = targets,
                              .cards = cards,
                              .drills = drills,
                              .tasks = tasks,
                              .target_count = json_array_size(b->targets),
                              .card_count = json_array_size(b->cards),
                              .drill_count = json_array_size(b->drills),
                              .task_count = json_array_size(b->tasks)};
    struct schedule s = {0};
    if (schedule_decode(b->schedule, &s, &v.error) == 0)
        v.schedule = &s;
    for (size_t i = 0; i < v.target_count; i++)
        CHECK_INT(target_decode(json_array_get(b->targets, i), &targets[i], NULL), 0);
    for (size_t i = 0; i < v.card_count; i++)
        CHECK_INT(card_decode(json_array_get(b->cards, i), &cards[i], NULL), 0);
    for (size_t i = 0; i < v.drill_count; i++)
        CHECK_INT(drill_decode(json_array_get(b->drills, i), &drills[i], NULL), 0);
    for (size_t i = 0; i < v.task_count; i++)
        task_decode(json_array_get(b->tasks, i), &tasks[i]);

    auto_decision struct decision d;
    schedule_decide(&v, now, &d);
    b->again_at = d.again_at;
    b->effects = (int)d.effect_count;
    CHECK(d.want_count == 0 && d.again_at > now);

    for (size_t i = 0; i < v.target_count; i++)
        target_done(&targets[i]);
    for (size_t i = 0; i < v.card_count; i++)
        card_done(&cards[i]);
    for (size_t i = 0; i < v.drill_count; i++)
        drill_done(&drills[i]);
    for (size_t i = 0; i < v.task_count; i++)
        task_done(&tasks[i]);
    schedule_done(&s);
    for (size_t i = 0; i < d.effect_count; i++)
        carry_out(b, &d.effects[i], now, loss);
}

/* Decides until nothing is left to do just now. */
static void bench_settle(struct bench *b, usec_t now)
{
    for (int i = 0; i < 5; i++) {
        bench_run(b, now, LOSE_NOTHING);
        if (b->effects == 0)
            return;
    }
    CHECK_FAIL("it does not come to rest");
}

__attribute__((unused)) static void bench_crash(struct bench *b)
{
    observations_free(b->observations);
    b->observations = observations_new();
}

__attribute__((unused)) static const char *status_str(const struct bench *b, const char *path)
{
    return json_str(json_at(b->schedule, "status"), path, "");
}

__attribute__((unused)) static const char *ready_reason(const struct bench *b, const char **ret_message)
{
    const char *reason;
    condition_get(b->schedule, "Ready", &reason, ret_message);
    return reason;
}

#define EVERY "'every': '5m', 'targets': {'selector': {}}"

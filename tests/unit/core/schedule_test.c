/* A schedule over time: what schedule_decide() asks for is carried out on JSON, and the next decision sees it. */
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
static json_t *bench_drill(struct bench *b, const char *name, const char *card, const char *target, const char *phase, usec_t ended,
                           bool ours)
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

static void bench_finish(struct bench *b, const char *phase, usec_t ended)
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
    struct card cards[MANY];
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

static void bench_crash(struct bench *b)
{
    observations_free(b->observations);
    b->observations = observations_new();
}

static const char *status_str(const struct bench *b, const char *path)
{
    return json_str(json_at(b->schedule, "status"), path, "");
}

static const char *ready_reason(const struct bench *b, const char **ret_message)
{
    const char *reason;
    condition_get(b->schedule, "Ready", &reason, ret_message);
    return reason;
}

#define EVERY "'every': '5m', 'targets': {'selector': {}}"

TEST(a_slot_makes_one_drill_and_is_written_down_when_it_is_seen)
{
    auto_bench struct bench b;
    bench_init(&b, EVERY);
    bench_target(&b, "shop", "");
    bench_card(&b, "KH001", 2.5);
    bench_settle(&b, T0 + USEC_SEC);
    CHECK_INT(json_array_size(b.drills), 0);
    CHECK_STR(status_str(&b, "nextDrill"), "2026-01-01T00:05:00.000000Z");
    CHECK_STR(ready_reason(&b, NULL), "Scheduled");
    CHECK_INT(b.again_at, T0 + 5 * USEC_MINUTE);

    usec_t now = T0 + 5 * USEC_MINUTE + 100;
    bench_run(&b, now, LOSE_NOTHING);
    CHECK_INT(json_array_size(b.drills), 1);
    CHECK_STR(status_str(&b, "lastSlot"), "");
    bench_settle(&b, now);
    CHECK_INT(json_array_size(b.drills), 1);
    CHECK_INT(b.creates, 1);
    CHECK_STR(status_str(&b, "lastSlot"), "2026-01-01T00:05:00.000000Z");
    CHECK_INT(json_int(b.schedule, "status.lastSelection.seed", 0), 7);
    const json_t *selection = json_at(b.schedule, "status.lastSelection");
    CHECK_STR(json_string_value(json_array_get(json_at(selection, "chosen"), 0)), "shop/KH001");
    CHECK(json_number_value(json_object_get(json_at(selection, "weights"), "shop/KH001")) > 2.4);

    const json_t *drill = json_array_get(b.drills, 0);
    const char *name = json_str(drill, "metadata.name", "");
    CHECK_CONTAINS(name, "shop-kh001-");
    CHECK_INT(strlen(name), strlen("shop-kh001-") + 8);
    CHECK(meta_has_finalizer(drill, FINALIZER));
    CHECK_STR(json_string_value(json_object_get(json_at(drill, "metadata.labels"), LABEL_SCHEDULE)), "daily");
    CHECK_STR(json_string_value(json_object_get(json_at(drill, "metadata.labels"), LABEL_TARGET)), "shop");
    CHECK_STR(json_string_value(json_object_get(json_at(drill, "metadata.labels"), LABEL_CARD)), "card-KH001");
    const json_t *owner = json_array_get(json_at(drill, "metadata.ownerReferences"), 0);
    CHECK(str_equal(json_str(owner, "uid", ""), "u-1") && json_flag(owner, "controller", false));
    auto_free char *spec = json_text(json_at(drill, "spec"));
    CHECK_STR(spec, "{\"card\":\"card-KH001\",\"target\":\"shop\"}");
    CHECK_STR(json_str(json_array_get(json_at(b.schedule, "status.active"), 0), "card", ""), "KH001");
}

TEST(a_slot_is_taken_once_whatever_is_lost_in_between)
{
    static const struct {
        const char *sentence;
        enum loss first;
        bool crash;
    } rows[] = {
        {"nothing", LOSE_NOTHING, false},
        {"the memory, after the create", LOSE_NOTHING, true},
        {"the create", LOSE_CREATE, false},
        {"the create and the memory", LOSE_CREATE, true},
    };
    auto_fixture json_t *want = NULL, *want_names = NULL;
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_bench struct bench b;
        bench_init(&b, EVERY ", 'mode': 'Stress', 'stress': {'min': 3, 'max': 3}, 'selection': {'seed': 42}");
        bench_target(&b, "one", "");
        bench_target(&b, "two", "");
        bench_target(&b, "three", "");
        bench_target(&b, "four", "");
        bench_card(&b, "KH001", 2.5);
        bench_card(&b, "RE001", 1.5);
        usec_t now = T0 + 5 * USEC_MINUTE;
        bench_run(&b, now, rows[i].first);
        if (rows[i].crash)
            bench_crash(&b);
        bench_run(&b, now, LOSE_STATUS);
        if (rows[i].crash)
            bench_crash(&b);
        bench_settle(&b, now);
        bench_settle(&b, now + 10 * USEC_SEC);
        CHECK_INT(json_array_size(b.drills), 3);
        CHECK_STR(status_str(&b, "lastSlot"), "2026-01-01T00:05:00.000000Z");
        json_t *selection = json_at(b.schedule, "status.lastSelection"), *names = json_array();
        for (size_t n = 0; n < 3; n++)
            json_array_append(names, json_at(json_array_get(b.drills, n), "metadata.name"));
        if (!want) {
            want = json_incref(selection);
            want_names = json_incref(names);
        }
        CHECK(json_equal(selection, want));
        CHECK(json_equal(names, want_names));
        json_decref(names);
    }
}

TEST(half_of_a_slots_drills_are_completed_after_a_crash)
{
    auto_bench struct bench b;
    bench_init(&b, EVERY ", 'mode': 'Stress', 'stress': {'min': 2, 'max': 2}");
    bench_target(&b, "one", "");
    bench_target(&b, "two", "");
    bench_card(&b, "KH001", 2.5);
    usec_t now = T0 + 5 * USEC_MINUTE;
    bench_run(&b, now, LOSE_NOTHING);
    CHECK_INT(json_array_size(b.drills), 2);
    json_array_remove(b.drills, 1);
    bench_crash(&b);
    bench_settle(&b, now + USEC_SEC);
    CHECK_INT(json_array_size(b.drills), 2);
    CHECK_INT(json_array_size(json_at(b.schedule, "status.lastSelection.chosen")), 2);
    CHECK_STR(status_str(&b, "lastSelection.message"), "");
}

TEST(what_was_made_before_a_crash_is_the_choice_even_when_it_would_be_another_now)
{
    auto_bench struct bench b;
    bench_init(&b, EVERY);
    bench_target(&b, "one", "");
    bench_card(&b, "KH001", 2.5);
    usec_t now = T0 + 5 * USEC_MINUTE;
    bench_run(&b, now, LOSE_NOTHING);
    bench_crash(&b);
    bench_card(&b, "RE001", 10); /* most likely drawn now */
    bench_card(&b, "RE002", 10);
    bench_card(&b, "RE003", 10);
    bench_settle(&b, now + USEC_SEC);
    CHECK_INT(json_array_size(b.drills), 1);
    CHECK_STR(json_string_value(json_array_get(json_at(b.schedule, "status.lastSelection.chosen"), 0)), "one/KH001");
}

TEST(starts_that_were_missed_are_told_once_and_only_the_newest_is_made_up_for)
{
    static const struct {
        const char *sentence, *spec;
        usec_t away; /* after the slot at 00:05 was taken */
        int drills;
        const char *message;
    } rows[] = {
        {"none missed", EVERY, 5 * USEC_MINUTE, 2, ""},
        {"a little late", EVERY, 5 * USEC_MINUTE + 59 * USEC_SEC, 2, ""},
        {"too late", EVERY, 5 * USEC_MINUTE + 61 * USEC_SEC, 1, "1 start was left out up to 2026-01-01T00:10:00Z"},
        {"an hour away, back in time for the newest", EVERY, 60 * USEC_MINUTE, 2,
         "11 starts were left out up to 2026-01-01T01:05:00Z"},
        {"an hour away, and late", EVERY, 62 * USEC_MINUTE, 1, "12 starts were left out up to 2026-01-01T01:05:00Z"},
        {"an hour away with a longer deadline", EVERY ", 'startingDeadline': '3m'", 62 * USEC_MINUTE, 2, "11 starts were left out"},
        {"what lay outside the windows was not missed",
         EVERY ", 'windows': [{'from': '00:00', 'to': '00:20'}, {'from': '01:00', 'to': '02:00'}]", 60 * USEC_MINUTE, 2,
         "3 starts were left out"},
        {"by cron", "'cron': '*/5 * * * *', 'targets': {'selector': {}}", 60 * USEC_MINUTE, 2, "11 starts were left out"},
        {"the clock went back", EVERY, -2 * USEC_MINUTE, 1, ""},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_bench struct bench b;
        bench_init(&b, rows[i].spec);
        bench_target(&b, "shop", "");
        bench_card(&b, "KH001", 2.5);
        bench_card(&b, "KH002", 2.5);
        usec_t first = T0 + 5 * USEC_MINUTE;
        bench_settle(&b, first);
        bench_finish(&b, "Succeeded", first + USEC_SEC);
        bench_crash(&b);
        bench_settle(&b, first + rows[i].away);
        bench_settle(&b, first + rows[i].away + USEC_SEC);
        CHECK_INT(json_array_size(b.drills), rows[i].drills);
        CHECK_CONTAINS(status_str(&b, "lastSelection.message"), rows[i].message);
        CHECK(*rows[i].message || !*status_str(&b, "lastSelection.message"));
        size_t told = 0;
        for (size_t e = 0; e < b.events.count; e++)
            told += strstr(b.events.items[e], "StartsMissed") != NULL;
        CHECK_INT(told, *rows[i].message != 0);
    }
}

TEST(one_that_still_runs_is_waited_for_left_beside_or_replaced)
{
    static const struct {
        const char *policy, *other_target;
        int at_once, after_end, aborts;
        const char *message; /* when it has run past the deadline */
    } rows[] = {
        {"Forbid", "two", 1, 2, 0, "drill old still ran (concurrencyPolicy: Forbid)"},
        {"Allow", "two", 2, 2, 0, ""},
        {"Allow", "shop", 1, 2, 0, "drill old runs on target shop"}, /* never two on one target */
        {"Replace", "two", 1, 2, 1, ""},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].policy);
        for (int late = 0; late < 2; late++) {
            auto_bench struct bench b;
            auto_free char *spec = mem_printf(EVERY ", 'concurrencyPolicy': '%s'", rows[i].policy);
            bench_init(&b, spec);
            bench_target(&b, "shop", "");
            bench_card(&b, "KH001", 2.5);
            json_t *old = bench_drill(&b, "old", "card-KH009", rows[i].other_target, "Healing", T0, true);
            usec_t slot = T0 + 5 * USEC_MINUTE, end = slot + (late ? 90 : 30) * USEC_SEC;
            bench_settle(&b, slot);
            CHECK_INT(json_array_size(b.drills), rows[i].at_once);
            CHECK_INT(b.patches, rows[i].aborts);
            CHECK_INT(json_flag(old, "spec.abort", false), rows[i].aborts);
            if (rows[i].at_once == 1 && !rows[i].aborts)
                CHECK_INT(b.again_at, slot + USEC_MINUTE + USEC_MSEC);
            if (late)
                bench_settle(&b, slot + USEC_MINUTE + USEC_MSEC);
            json_put_str(json_make(old, "status"), "phase", "Aborted");
            bench_settle(&b, end);
            bool lost = late && *rows[i].message;
            CHECK_INT(json_array_size(b.drills), lost ? 1 : rows[i].after_end);
            CHECK_CONTAINS(status_str(&b, "lastSelection.message"), lost ? rows[i].message : "");
        }
    }
}

TEST(nothing_starts_where_something_forbids_it_and_the_condition_says_what)
{
    static const struct {
        const char *sentence, *spec, *target;
        bool disabled, stopped;
        const char *reason, *message;
    } rows[] = {
        {"the namespace is not opted in", EVERY, "", true, false, "NamespaceNotEnabled", LABEL_DRILLS},
        {"the global stop", EVERY, "", false, true, "Stopped", STOP_NAME},
        {"suspended", EVERY ", 'suspend': true", "", false, false, "Suspended", "spec.suspend"},
        {"no target", "'every': '5m', 'targets': {'names': ['other']}", "", false, false, "NoTargets",
         "selects no DrillTarget of namespace a"},
        {"no card", EVERY ", 'cards': {'ids': ['XX001']}", "", false, false, "NoCards", "selects no ChaosCard"},
        {"the target is quarantined", EVERY,
         "'conditions': [{'type': 'Quarantined', 'status': 'True', 'message': 'a fault stays'}]", false, false, "Blocked",
         "1 card is due, but target shop is quarantined: a fault stays"},
        {"the target is not ready", EVERY, "'conditions': [{'type': 'Ready', 'status': 'False', 'message': 'no agent'}]", false,
         false, "Blocked", "target shop is not ready: no agent"},
        {"a cron zone nobody knows", "'cron': '@hourly', 'timeZone': 'X/Y', 'targets': {'selector': {}}", "", false, false,
         "Invalid", "spec.timeZone"},
        {"a window nobody can read", EVERY ", 'windows': [{'from': 'noon', 'to': '13:00'}]", "", false, false, "Invalid",
         "windows[0].from"},
        {"a schedule that cannot be read", "'every': '5x', 'targets': {'selector': {}}", "", false, false, "Invalid",
         "spec.every: \"5x\""},
        {"frequency has no row for it", EVERY ", 'frequency': [{'minRisk': 3, 'every': '1d'}]", "", false, false, "Idle",
         "no row for their risk"},
        {"outside its windows", EVERY ", 'windows': [{'from': '12:00', 'to': '13:00'}]", "", false, false, "Scheduled",
         "1 of 1 cards are due"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_bench struct bench b;
        bench_init(&b, rows[i].spec);
        b.disabled = rows[i].disabled;
        b.stopped = rows[i].stopped;
        bench_target(&b, "shop", rows[i].target);
        bench_card(&b, "KH001", 2.5);
        for (int slot = 1; slot < 4; slot++)
            bench_settle(&b, T0 + slot * 5 * USEC_MINUTE);
        const char *message;
        CHECK_INT(json_array_size(b.drills), 0);
        CHECK_STR(ready_reason(&b, &message), rows[i].reason);
        CHECK_CONTAINS(message, rows[i].message);
        CHECK_INT(b.statuses, 1); /* slots that pass unused cost no write */
        CHECK_INT(b.events.count, 0);
        if (str_equal(rows[i].sentence, "outside its windows"))
            CHECK_STR(status_str(&b, "nextDrill"), "2026-01-01T12:00:00.000000Z");
    }
}

TEST(a_target_that_is_not_steady_is_waited_for_until_the_deadline)
{
    auto_bench struct bench b;
    bench_init(&b, EVERY);
    bench_target(&b, "shop", "'conditions': [{'type': 'SteadyState', 'status': 'False', 'message': 'ready: answered 503'}]");
    bench_card(&b, "KH001", 2.5);
    usec_t slot = T0 + 5 * USEC_MINUTE;
    bench_settle(&b, slot);
    CHECK_INT(json_array_size(b.drills), 0);
    json_t *target = json_array_get(b.targets, 0);
    json_t *unsteady = json_incref(json_at(target, "status"));
    json_object_del(target, "status");
    bench_settle(&b, slot + 30 * USEC_SEC);
    CHECK_INT(json_array_size(b.drills), 1);

    bench_finish(&b, "Succeeded", slot + 40 * USEC_SEC);
    bench_card(&b, "KH002", 2.5);
    json_object_set_new(target, "status", unsteady);
    bench_settle(&b, slot + 5 * USEC_MINUTE + 61 * USEC_SEC);
    CHECK_INT(json_array_size(b.drills), 1);
    CHECK_CONTAINS(status_str(&b, "lastSelection.message"), "target shop is not in its steady state: ready: answered 503");
}

TEST(when_nothing_is_due_the_next_is_told_and_nothing_written)
{
    auto_bench struct bench b;
    bench_init(&b, EVERY);
    bench_target(&b, "shop", "");
    bench_card(&b, "KH001", 2.5);
    bench_card(&b, "RE002", 1.5);
    bench_drill(&b, "d1", "card-KH001", "shop", "Succeeded", T0 + 60 * USEC_SEC, true);
    bench_drill(&b, "d2", "card-RE002", "shop", "Failed", T0 + 61 * USEC_SEC, false);
    for (int slot = 1; slot < 12 * 24; slot++)
        bench_settle(&b, T0 + slot * 5 * USEC_MINUTE);
    const char *message;
    CHECK_STR(ready_reason(&b, &message), "Idle");
    CHECK_STR(message, "no card is due: next is KH001 on shop at 2026-01-04T00:01:00Z");
    CHECK_STR(status_str(&b, "nextDrill"), "2026-01-04T00:05:00.000000Z");
    CHECK_INT(b.statuses, 1);
    CHECK_INT(b.creates, 0);
    bench_settle(&b, T0 + 3 * USEC_DAY + 5 * USEC_MINUTE);
    CHECK_INT(b.creates, 1);
    CHECK_STR(json_str(json_array_get(b.drills, 2), "spec.card", ""), "card-KH001");
    CHECK_STR(status_str(&b, "lastSelection.message"), ""); /* the slots in which nothing was due were not missed */
}

TEST(what_history_has_deleted_stays_covered_by_the_targets_status)
{
    auto_bench struct bench b;
    bench_init(&b, EVERY);
    bench_target(&b, "shop", "'coverage': [{'card': 'KH001', 'lastDrill': '2026-01-01T00:00:01Z'}]");
    bench_card(&b, "KH001", 2.5);
    bench_settle(&b, T0 + 5 * USEC_MINUTE);
    CHECK_INT(b.creates, 0);
    CHECK_INT(json_int(b.schedule, "status.coverage.covered", 0), 1);
}

TEST(a_dry_run_chooses_and_makes_nothing)
{
    auto_bench struct bench b;
    bench_init(&b, EVERY ", 'dryRun': true");
    bench_target(&b, "shop", "");
    bench_card(&b, "KH001", 2.5);
    bench_settle(&b, T0 + 5 * USEC_MINUTE);
    CHECK_INT(b.creates, 0);
    CHECK_INT(b.events.count, 1);
    CHECK_CONTAINS(b.events.items[0], "DryRun would drill shop/KH001");
    CHECK_STR(json_string_value(json_array_get(json_at(b.schedule, "status.lastSelection.chosen"), 0)), "shop/KH001");
    CHECK_STR(status_str(&b, "lastDrill"), "");
    CHECK_STR(status_str(&b, "lastSlot"), "2026-01-01T00:05:00.000000Z");
}

TEST(the_oldest_finished_drills_beyond_the_limit_go_once_the_ledger_and_the_target_know_of_them)
{
    auto_bench struct bench b;
    bench_init(&b, EVERY ", 'suspend': true, 'history': {'succeeded': 2, 'failed': 1}");
    bench_target(&b, "shop", "'coverage': [{'card': 'KH001', 'lastDrill': '2026-01-01T00:00:59Z'}]");
    bench_card(&b, "KH001", 2.5);
    static const struct {
        const char *name, *phase;
        bool ours, finalizer;
        const char *injected; /* "": its target remembers it */
        bool stays;
    } rows[] = {
        {"s1", "Succeeded", true, false, "", false},
        {"s2", "Succeeded", true, true, "", true},                      /* the ledger has it not yet */
        {"s3", "Succeeded", false, false, "", true},                    /* another's */
        {"s4", "Succeeded", true, false, "2026-01-02T00:00:00Z", true}, /* the target does not remember it yet */
        {"s5", "Skipped", true, false, "", false},
        {"s6", "Succeeded", true, false, "", true},
        {"s7", "Succeeded", true, false, "", true},
        {"f1", "Failed", true, false, "", false},
        {"f2", "Inconclusive", true, false, "", true},
        {"r1", "Healing", true, false, "", true},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        json_t *d = bench_drill(&b, rows[i].name, "card-KH001", "shop", rows[i].phase, T0 + (usec_t)i * USEC_SEC, rows[i].ours);
        json_put_str(json_make(d, "status.card"), "id", "KH001");
        if (rows[i].finalizer)
            json_put(json_make(d, "metadata"), "finalizers", fixture("['drillyard.dev/revert']"));
        if (*rows[i].injected)
            json_put_str(json_make(d, "status"), "injectedAt", rows[i].injected);
    }
    bench_settle(&b, T0 + USEC_MINUTE);
    CHECK_INT(b.deletes, 3);
    for (size_t i = 0; i < array_len(rows); i++) {
        bool there = false;
        for (size_t n = 0; n < json_array_size(b.drills); n++)
            there |= str_equal(json_str(json_array_get(b.drills, n), "metadata.name", ""), rows[i].name);
        CHECK_ROW(rows[i].name);
        CHECK_INT(there, rows[i].stays);
    }
}

TEST(a_card_of_high_risk_that_nobody_drills_is_escalated_once)
{
    auto_bench struct bench b;
    bench_init(&b, EVERY ", 'suspend': true, 'escalateAfter': '5d'");
    bench_target(&b, "shop", "");
    bench_card(&b, "KH001", 2.0);
    bench_card(&b, "RE002", 1.9);
    bench_settle(&b, T0 + 5 * USEC_DAY - USEC_SEC);
    CHECK_INT(json_array_size(b.tasks), 0);
    bench_settle(&b, T0 + 5 * USEC_DAY);
    bench_settle(&b, T0 + 6 * USEC_DAY);
    bench_crash(&b);
    bench_settle(&b, T0 + 7 * USEC_DAY);
    CHECK_INT(json_array_size(b.tasks), 1);
    CHECK_INT(b.events.count, 1);
    const json_t *task = json_array_get(b.tasks, 0);
    CHECK_STR(json_str(task, "spec.type", ""), "CloseGap");
    CHECK_STR(json_str(task, "spec.gap", ""), "undrilled/KH001/shop");
    CHECK_CONTAINS(json_str(task, "spec.description", ""), "Card KH001 (risk 2.0) has not been drilled on target shop for 5d");
    CHECK_CONTAINS(json_str(task, "metadata.name", ""), "undrilled-kh001-shop-");

    /* Drilled at last, closed, and let slide again: a new task. */
    json_put_str(json_make(json_array_get(b.tasks, 0), "status"), "phase", "Resolved");
    bench_drill(&b, "d", "card-KH001", "shop", "Succeeded", T0 + 8 * USEC_DAY, false);
    bench_settle(&b, T0 + 9 * USEC_DAY);
    CHECK_INT(json_array_size(b.tasks), 1);
    bench_settle(&b, T0 + 14 * USEC_DAY);
    CHECK_INT(json_array_size(b.tasks), 2);
}

TEST(names_of_drills_are_valid_and_differ)
{
    static const char *const targets[] = {"shop", "a23456789012345678901234567890123456789012345678901234567890123",
                                          "a2345678901234567890123456789012345678901234-.5"};
    struct schedule s = {.meta = {.uid = "u"}};
    char name[64], other[64];
    for (size_t i = 0; i < array_len(targets); i++) {
        CHECK_ROW(targets[i]);
        slot_drill_name(&s, T0, 0, targets[i], "CODE001", name);
        CHECK(str_is_dns_label(name));
        slot_drill_name(&s, T0, 1, targets[i], "CODE001", other);
        CHECK(!str_equal(name, other));
        slot_drill_name(&s, T0 + USEC_SEC, 0, targets[i], "CODE001", other);
        CHECK(!str_equal(name, other));
    }
}

int main(void)
{
    return check_run();
}

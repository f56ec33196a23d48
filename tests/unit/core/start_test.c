/* Slots: each is taken once, whatever is lost in between; and what holds a start back. */
#include "core/schedule_bench.h"

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

TEST(nothing_was_missed_where_nothing_was_due_at_the_start)
{
    auto_bench struct bench b;
    bench_init(&b, EVERY);
    bench_target(&b, "shop", "");
    bench_card(&b, "KH001", 2.5);
    bench_drill(&b, "d1", "card-KH001", "shop", "Succeeded", T0 + 2 * USEC_MINUTE, true);
    bench_settle(&b, T0 + 3 * USEC_DAY);
    bench_settle(&b, T0 + 3 * USEC_DAY + 2 * USEC_MINUTE); /* it falls due */
    CHECK_INT(b.events.count, 0);
    bench_settle(&b, T0 + 3 * USEC_DAY + 5 * USEC_MINUTE);
    CHECK_INT(json_array_size(b.drills), 2);
    CHECK_INT(b.events.count, 0);
}

TEST(a_choice_that_changed_after_a_crash_makes_no_pair_twice)
{
    auto_bench struct bench b;
    bench_init(&b, EVERY ", 'mode': 'Stress', 'stress': {'min': 2, 'max': 2}");
    bench_target(&b, "one", "");
    bench_target(&b, "two", "");
    bench_card(&b, "KH001", 2.5);
    bench_run(&b, T0 + 5 * USEC_MINUTE, LOSE_STATUS);
    CHECK_INT(json_array_size(b.drills), 2);
    json_array_remove(b.drills, 0); /* its create was lost with the process */
    bench_crash(&b);
    const char *left = json_str(json_array_get(b.drills, 0), "spec.target", "");
    for (size_t i = 0; i < 2; i++)
        if (str_equal(json_str(json_array_get(b.targets, i), "metadata.name", ""), left))
            json_object_set_new(json_array_get(b.targets, i), "status",
                                fixture("{'conditions': [{'type': 'SteadyState', 'status': 'False', 'reason': 'NotSteady'}]}"));
    bench_settle(&b, T0 + 5 * USEC_MINUTE + 20 * USEC_SEC);
    CHECK_INT(json_array_size(b.drills), 1);
}

int main(void)
{
    return check_run();
}

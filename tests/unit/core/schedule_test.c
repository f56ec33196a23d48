/* What a schedule does besides starting drills, and what it says of itself. */
#include "core/schedule_bench.h"

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
         "spec.windows[0].from"},
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

/* What would take more memory than there is is refused, and said, and comes to rest. */
TEST(a_schedule_that_selects_too_much_is_not_obeyed_and_says_so)
{
    static const struct {
        const char *sentence;
        int cards, targets;
        const char *reason, *message;
    } rows[] = {
        {"as many cards as may be", SCHEDULE_CARDS_MAX, 1, "Scheduled", "500 of 500 cards are due"},
        {"one card more", SCHEDULE_CARDS_MAX + 1, 1, "TooManyCards", "spec.cards selects more than 500 ChaosCards"},
        {"as many pairs as may be", SCHEDULE_CARDS_MAX, SCHEDULE_PAIRS_MAX / SCHEDULE_CARDS_MAX, "Scheduled", "20000 of 20000"},
        {"one target more", SCHEDULE_CARDS_MAX, SCHEDULE_PAIRS_MAX / SCHEDULE_CARDS_MAX + 1, "TooManyPairs",
         "41 targets and 500 cards"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_bench struct bench b;
        bench_init(&b, EVERY ", 'windows': [{'from': '12:00', 'to': '13:00'}]");
        char name[16];
        for (int n = 0; n < rows[i].targets; n++) {
            str_format(name, sizeof(name), "shop-%d", n);
            bench_target(&b, name, "");
        }
        for (int n = 0; n < rows[i].cards; n++) {
            str_format(name, sizeof(name), "X%03d", n);
            bench_card(&b, name, 2.5);
        }
        bench_settle(&b, T0 + 5 * USEC_MINUTE);
        const char *message;
        CHECK_STR(ready_reason(&b, &message), rows[i].reason);
        CHECK_CONTAINS(message, rows[i].message);
        CHECK_INT(b.statuses, 1);
        CHECK_INT(json_array_size(b.drills), 0);
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

int main(void)
{
    return check_run();
}

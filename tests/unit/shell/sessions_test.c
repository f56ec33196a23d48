#include "sessions_bench.h"

TEST(nothing_is_opened_before_it_is_wanted_and_it_closes_a_minute_after)
{
    struct bench b;
    bench_init(&b);
    fake_run(b.fake);
    CHECK_INT(fake_count_sessions(b.fake, "shop-1"), 0);
    CHECK_INT(state(&b)->link, AGENT_OPENING);
    bring_up(&b);
    CHECK_INT(state(&b)->link, AGENT_UP);
    for (int i = 0; i < 13; i++) { /* pings are answered all the while */
        fake_advance(b.fake, 5 * USEC_SEC);
        json_t *ping = agent(&b) ? fake_take(agent(&b), "status") : NULL;
        if (ping)
            fake_answer(agent(&b), ping, agent_now(&b), NULL);
    }
    CHECK(!agent(&b));
    bench_done(&b);
}

TEST(it_is_up_only_once_the_agents_clock_was_measured)
{
    struct bench b;
    bench_init(&b);
    sessions_touch(b.sessions, &b.pod);
    fake_run(b.fake);
    fake_hello(agent(&b), agent_now(&b), NULL);
    CHECK(state(&b)->link != AGENT_UP);
    json_t *ping = fake_take(agent(&b), "status");
    CHECK(ping != NULL);
    fake_advance(b.fake, 400);
    usec_t stamped = agent_now(&b); /* in the middle of the round trip */
    fake_advance(b.fake, 400);
    fake_answer(agent(&b), ping, stamped, NULL);
    CHECK_INT(state(&b)->link, AGENT_UP);
    CHECK_INT(state(&b)->clock_error, 400);
    subscribe(&b);
    report(&b, true, agent_now(&b) - 3 * USEC_SEC);
    CHECK_INT(b.evidence.since, clock_now(&b.clock) - 3 * USEC_SEC); /* the agent's time, in ours */
    CHECK_INT(b.evidence.error, 400);
    bench_done(&b);
}

TEST(the_best_of_many_round_trips_counts_and_ages)
{
    static const struct {
        const char *sentence;
        usec_t sent, received, mono, offset, error;
    } rows[] = {
        {"a first sample is taken", 1000, 3000, 500, 1500, 1000},
        {"a quicker one is better", 10000, 10200, 8600, 1500, 100},
        {"a slower one is left", 20000, 29000, 21000, 1500, 100},
        {"a stamp of 0 says nothing", 30000, 30000, 0, 1500, 100},
        {"an old one gives way to one that is not much slower", 100000000, 100000230, 99998000, 2115, 115},
    };
    struct session_clock c = {0};
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        session_clock_sample(&c, rows[i].sent, rows[i].received, rows[i].mono);
        CHECK_INT(c.offset, rows[i].offset);
        CHECK_INT(c.error, rows[i].error);
    }
    CHECK_INT(session_clock_error(&c, c.measured_at + 10 * USEC_SEC), 115 + 1000);
}

TEST(an_operation_is_answered_once_with_what_the_agent_said)
{
    struct bench b;
    bench_init(&b);
    bring_up(&b);
    op(&b, "inject", 10 * USEC_SEC);
    json_t *line = fake_take(agent(&b), "inject");
    CHECK_INT(json_int(line, "epoch", 0), 77);
    fake_answer(agent(&b), line, agent_now(&b),
                json_pack("{s:s, s:I}", "state", "InForce", "at", (json_int_t)(agent_now(&b) - 2 * USEC_SEC)));
    CHECK_INT(b.outcomes, 1);
    CHECK_INT(b.outcome.state, OBSERVATION_OK);
    CHECK_INT(json_time(b.outcome.result, "at", 0), clock_now(&b.clock) - 2 * USEC_SEC);
    const struct agent_fault *fault = agent_fault_find(state(&b), "f1");
    CHECK(fault && fault->state == FAULT_IN_FORCE);
    fake_answer(agent(&b), line, agent_now(&b), NULL);
    fake_advance(b.fake, 20 * USEC_SEC);
    CHECK_INT(b.outcomes, 1);
    bench_done(&b);
}

TEST(a_refusal_is_a_failure_with_the_agents_class)
{
    static const struct {
        const char *word;
        enum error_class class;
    } rows[] = {
        {"INVALID", ERROR_INVALID}, {"CONFLICT", ERROR_CONFLICT}, {"STALE_EPOCH", ERROR_FORBIDDEN}, {"NEWER_WORD", ERROR_INTERNAL}};
    struct bench b;
    bench_init(&b);
    bring_up(&b);
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].word);
        op(&b, "revert", 10 * USEC_SEC);
        fake_answer_refused(agent(&b), fake_take(agent(&b), "revert"), agent_now(&b), rows[i].word, "no");
        CHECK_INT(b.outcome.state, OBSERVATION_FAILED);
        CHECK_INT(b.outcome.err.class, rows[i].class);
    }
    bench_done(&b);
}

TEST(an_operation_lost_with_its_session_is_unknown)
{
    struct bench b;
    bench_init(&b);
    bring_up(&b);
    op(&b, "inject", 30 * USEC_SEC);
    fake_hang_up(agent(&b), ERROR_UNAVAILABLE);
    CHECK_INT(b.outcomes, 1);
    CHECK_INT(b.outcome.state, OBSERVATION_UNKNOWN);
    CHECK_INT(state(&b)->link, AGENT_LOST);
    bench_done(&b);
}

TEST(an_operation_that_is_not_answered_in_time_is_unknown)
{
    struct bench b;
    bench_init(&b);
    bring_up(&b);
    op(&b, "revert", 2 * USEC_SEC);
    fake_advance(b.fake, 1900 * USEC_MSEC);
    CHECK_INT(b.outcomes, 0);
    fake_advance(b.fake, 200 * USEC_MSEC);
    CHECK_INT(b.outcomes, 1);
    CHECK_INT(b.outcome.state, OBSERVATION_UNKNOWN);
    bench_done(&b);
}

TEST(an_injection_is_never_kept_for_later)
{
    struct bench b;
    bench_init(&b);
    op(&b, "inject", 30 * USEC_SEC);
    CHECK_INT(b.outcomes, 0); /* never from within the call */
    fake_run(b.fake);
    CHECK_INT(b.outcomes, 1);
    CHECK_INT(b.outcome.state, OBSERVATION_FAILED);
    bring_up(&b);
    CHECK(!agent(&b) || !fake_take(agent(&b), "inject"));
    bench_done(&b);
}

TEST(a_revert_waits_for_the_session_and_fails_if_it_was_never_sent)
{
    struct bench b;
    bench_init(&b);
    op(&b, "revert", 10 * USEC_SEC);
    bring_up(&b);
    json_t *line = fake_take(agent(&b), "revert");
    CHECK(line != NULL);
    fake_answer(agent(&b), line, agent_now(&b), json_pack("{s:s}", "state", "Reverted"));
    CHECK_INT(b.outcome.state, OBSERVATION_OK);
    fake_hang_up(agent(&b), ERROR_UNAVAILABLE);
    op(&b, "revert", 50 * USEC_MSEC);
    fake_advance(b.fake, 60 * USEC_MSEC);
    CHECK_INT(b.outcome.state, OBSERVATION_FAILED);
    CHECK_INT(b.outcome.err.class, ERROR_UNAVAILABLE);
    bench_done(&b);
}

TEST(what_was_not_sent_outlives_a_break)
{
    struct bench b;
    bench_init(&b);
    op(&b, "revert", 10 * USEC_SEC);
    fake_run(b.fake);
    fake_hang_up(agent(&b), ERROR_UNAVAILABLE); /* before it was up */
    CHECK_INT(b.outcomes, 0);
    fake_advance(b.fake, 300 * USEC_MSEC);
    fake_agent_up(b.fake, "shop-1", agent_now(&b));
    CHECK(fake_take(agent(&b), "revert") != NULL);
    bench_done(&b);
}

TEST(a_silent_agent_counts_as_lost)
{
    struct bench b;
    bench_init(&b);
    bring_up(&b);
    subscribe(&b);
    fake_advance(b.fake, 5100 * USEC_MSEC);
    CHECK(fake_take(agent(&b), "status") != NULL); /* the ping, which nobody answers */
    fake_advance(b.fake, 4 * USEC_SEC);
    CHECK_INT(state(&b)->link, AGENT_UP);
    fake_advance(b.fake, USEC_SEC);
    CHECK_INT(state(&b)->link, AGENT_LOST);
    CHECK_CONTAINS(state(&b)->message, "does not answer");
    bench_done(&b);
}

TEST(it_is_opened_again_with_growing_waits)
{
    struct bench b;
    bench_init(&b);
    subscribe(&b);
    usec_t waited = 0;
    for (int i = 0; i < 10; i++) {
        fake_hang_up(agent(&b), ERROR_UNAVAILABLE);
        usec_t from = fake_now(b.fake);
        while (!agent(&b) && fake_now(b.fake) < from + USEC_MINUTE)
            fake_advance(b.fake, 5 * USEC_MSEC);
        waited = fake_now(b.fake) - from;
        if (i == 0)
            CHECK(waited >= 95 * USEC_MSEC && waited <= 205 * USEC_MSEC);
    }
    CHECK(waited > 5 * USEC_SEC && waited <= 10 * USEC_SEC + 5 * USEC_MSEC);
    bench_done(&b);
}

TEST(a_change_of_the_pod_cuts_the_wait_short)
{
    struct bench b;
    bench_init(&b);
    subscribe(&b);
    for (int i = 0; i < 8; i++) {
        fake_hang_up(agent(&b), ERROR_UNAVAILABLE);
        fake_advance(b.fake, 12 * USEC_SEC);
    }
    fake_hang_up(agent(&b), ERROR_UNAVAILABLE);
    json_auto_t *pod = pod_object("shop-1", "11");
    store_put(b.store, KIND_POD, pod);
    sessions_pod_changed(b.sessions, &b.pod);
    fake_run(b.fake);
    CHECK(agent(&b) != NULL);
    bench_done(&b);
}

TEST(watches_are_made_again_and_are_unknown_in_between)
{
    struct bench b;
    bench_init(&b);
    bring_up(&b);
    subscribe(&b);
    CHECK(fake_take(agent(&b), "watch") != NULL);
    fake_advance(b.fake, USEC_SEC);
    report(&b, true, agent_now(&b));
    usec_t first_known = b.evidence.known_since;
    CHECK_INT(first_known, clock_now(&b.clock));
    CHECK_INT(b.evidence.holds, HOLDS_TRUE);
    fake_advance(b.fake, USEC_SEC);
    report(&b, false, agent_now(&b));
    CHECK_INT(b.evidence.known_since, first_known); /* without a gap since then */
    fake_hang_up(agent(&b), ERROR_UNAVAILABLE);
    CHECK_INT(b.evidence.holds, HOLDS_UNKNOWN);
    CHECK_INT(b.evidence.known_since, 0);
    CHECK_CONTAINS(b.evidence.message, "the agent's session is lost");
    fake_advance(b.fake, 300 * USEC_MSEC);
    fake_agent_up(b.fake, "shop-1", agent_now(&b));
    CHECK(fake_take(agent(&b), "watch") != NULL);
    report(&b, false, agent_now(&b));
    CHECK_INT(b.evidence.known_since, clock_now(&b.clock));
    bench_done(&b);
}

TEST(the_answer_to_a_watch_is_its_first_report)
{
    struct bench b;
    bench_init(&b);
    bring_up(&b);
    subscribe(&b);
    fake_advance(b.fake, USEC_SEC);
    fake_answer(agent(&b), fake_take(agent(&b), "watch"), agent_now(&b),
                json_pack("{s:b, s:I, s:s}", "holds", 1, "since", (json_int_t)agent_now(&b), "message", "fine"));
    CHECK_INT(b.reports, 1);
    CHECK_INT(b.evidence.holds, HOLDS_TRUE);
    CHECK_INT(b.evidence.since, clock_now(&b.clock));
    CHECK_INT(b.evidence.known_since, clock_now(&b.clock));
    bench_done(&b);
}

TEST(a_watch_that_the_agent_refuses_is_unknown_and_tried_again_later)
{
    struct bench b;
    bench_init(&b);
    bring_up(&b);
    subscribe(&b);
    fake_answer_refused(agent(&b), fake_take(agent(&b), "watch"), agent_now(&b), "INVALID", "no such probe");
    CHECK_INT(b.evidence.holds, HOLDS_UNKNOWN);
    CHECK_CONTAINS(b.evidence.message, "no such probe");
    CHECK(!fake_take(agent(&b), "watch"));
    for (int i = 0; i < 3; i++) {
        fake_advance(b.fake, 5 * USEC_SEC);
        json_t *ping = fake_take(agent(&b), "status");
        if (ping)
            fake_answer(agent(&b), ping, agent_now(&b), NULL);
    }
    CHECK(fake_take(agent(&b), "watch") != NULL);
    bench_done(&b);
}

TEST(what_is_no_longer_watched_is_taken_back)
{
    struct bench b;
    bench_init(&b);
    bring_up(&b);
    subscribe(&b);
    session_unsubscribe(session(&b), "w1");
    CHECK(fake_take(agent(&b), "unwatch") != NULL);
    int before = b.reports;
    report(&b, true, agent_now(&b));
    CHECK_INT(b.reports, before);
    bench_done(&b);
}

TEST(leases_are_renewed_at_a_third_and_at_once_after_a_break)
{
    struct bench b;
    bench_init(&b);
    sessions_lease(b.sessions, "drill", &b.pod, 3 * USEC_SEC);
    fake_run(b.fake);
    fake_agent_up(b.fake, "shop-1", agent_now(&b));
    json_t *renewal = fake_take(agent(&b), "renew");
    CHECK_INT(json_int(renewal, "leaseMs", 0), 3000);
    CHECK_INT(json_int(renewal, "epoch", 0), 77);
    fake_advance(b.fake, 3050 * USEC_MSEC);
    int renewals = 0;
    while (fake_take(agent(&b), "renew"))
        renewals++;
    CHECK_INT(renewals, 3);
    fake_hang_up(agent(&b), ERROR_UNAVAILABLE);
    fake_advance(b.fake, 300 * USEC_MSEC);
    fake_agent_up(b.fake, "shop-1", agent_now(&b));
    CHECK(fake_take(agent(&b), "renew") != NULL);
    sessions_lease(b.sessions, "drill", &b.pod, 0);
    fake_advance(b.fake, 4 * USEC_SEC);
    CHECK(!fake_take(agent(&b), "renew"));
    bench_done(&b);
}

TEST(faults_are_known_from_hello_events_and_pings)
{
    struct bench b;
    bench_init(&b);
    sessions_touch(b.sessions, &b.pod);
    fake_run(b.fake);
    fake_hello(agent(&b), agent_now(&b),
               json_pack("[{s:s, s:s, s:I}]", "id", "f1", "state", "InForce", "since_mono", (json_int_t)agent_now(&b)));
    fake_answer(agent(&b), fake_take(agent(&b), "status"), agent_now(&b), NULL);
    CHECK_INT(agent_fault_find(state(&b), "f1")->state, FAULT_IN_FORCE);
    fake_line(agent(&b),
              json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "event", "fault", "fault", "f1", "state", "Reverted", "by", "Agent",
                        "why", "duration", "at", (json_int_t)agent_now(&b), "mono", (json_int_t)agent_now(&b)));
    const struct agent_fault *fault = agent_fault_find(state(&b), "f1");
    CHECK_INT(fault->state, FAULT_REVERTED);
    CHECK(fault->by_agent);
    CHECK_STR(fault->why, "duration");
    CHECK_INT(fault->at, clock_now(&b.clock));
    fake_hang_up(agent(&b), ERROR_UNAVAILABLE);
    fake_advance(b.fake, 300 * USEC_MSEC);
    fake_agent_up(b.fake, "shop-1", agent_now(&b)); /* a hello without faults */
    fault = agent_fault_find(state(&b), "f1");
    CHECK(fault && fault->state == FAULT_REVERTED); /* what is over stays known */
    bench_done(&b);
}

TEST(a_fault_that_ended_while_nobody_listened_keeps_the_time_at_which_it_did)
{
    struct bench b;
    bench_init(&b);
    fake_advance(b.fake, USEC_MINUTE);
    sessions_touch(b.sessions, &b.pod);
    fake_run(b.fake);
    usec_t ended = agent_now(&b) - 3 * USEC_SEC;
    json_t *list = json_pack("[{s:s, s:s, s:I}]", "id", "f1", "state", "Reverted", "since_mono", (json_int_t)ended);
    fake_hello(agent(&b), agent_now(&b), json_incref(list));
    fake_answer(agent(&b), fake_take(agent(&b), "status"), agent_now(&b), json_pack("{s:o}", "faults", list));
    CHECK_INT(agent_fault_find(state(&b), "f1")->at, clock_now(&b.clock) - 3 * USEC_SEC);
    bench_done(&b);
}

TEST(a_fault_in_force_that_a_new_hello_does_not_have_is_no_longer_known)
{
    struct agent_state a = {0};
    json_auto_t *first = json_pack("[{s:s, s:s}, {s:s, s:s}]", "id", "f1", "state", "InForce", "id", "f0", "state", "Reverted");
    json_auto_t *then = json_array();
    CHECK(faults_replace(&a, first, 0, false));
    CHECK(!faults_replace(&a, first, 0, false));
    CHECK(faults_replace(&a, then, 0, false));
    CHECK(!agent_fault_find(&a, "f1"));
    CHECK(agent_fault_find(&a, "f0") != NULL);
}

TEST(a_pod_that_goes_ends_its_session_and_another_of_its_name_gets_a_new_one)
{
    struct bench b;
    bench_init(&b);
    bring_up(&b);
    subscribe(&b);
    op(&b, "revert", 30 * USEC_SEC);
    store_remove(b.store, &b.pod, "pod-uid", "20");
    sessions_pod_changed(b.sessions, &b.pod);
    CHECK_INT(state(&b)->link, AGENT_ABSENT);
    CHECK_INT(b.outcome.state, OBSERVATION_UNKNOWN);
    CHECK(!agent(&b));
    fake_advance(b.fake, 30 * USEC_SEC);
    CHECK(!agent(&b)); /* nobody to talk to */
    json_auto_t *pod = pod_object("shop-1", "30");
    json_put_str(json_object_get(pod, "metadata"), "uid", "another");
    store_put(b.store, KIND_POD, pod);
    sessions_pod_changed(b.sessions, &b.pod);
    fake_run(b.fake);
    CHECK(agent(&b) != NULL);
    bench_done(&b);
}

TEST(an_agent_that_saw_no_target_is_asked_again)
{
    struct bench b;
    bench_init(&b);
    subscribe(&b);
    fake_line(agent(&b), json_pack("{s:s, s:i, s:I, s:{s:b}}", "event", "hello", "protocol", 1, "mono", (json_int_t)agent_now(&b),
                                   "target", "found", 0));
    fake_answer(agent(&b), fake_take(agent(&b), "status"), agent_now(&b), json_pack("{s:{s:b}}", "target", "found", 0));
    CHECK_INT(state(&b)->link, AGENT_UP);
    CHECK(!state(&b)->target_found);
    fake_advance(b.fake, SESSION_TARGET_EVERY);
    fake_answer(agent(&b), fake_take(agent(&b), "status"), agent_now(&b), json_pack("{s:{s:b}}", "target", "found", 1));
    CHECK(state(&b)->target_found);
    fake_advance(b.fake, SESSION_TARGET_EVERY);
    CHECK(fake_take(agent(&b), "status") == NULL); /* from then on as seldom as any */
    fake_advance(b.fake, SESSION_PING_EVERY);
    fake_answer(agent(&b), fake_take(agent(&b), "status"), agent_now(&b), json_pack("{s:{s:b}}", "target", "found", 0));
    CHECK(!state(&b)->target_found); /* its container was restarted, say */
    CHECK(!state(&b)->target_hidden);
    fake_advance(b.fake, SESSION_TARGET_EVERY);
    fake_answer(agent(&b), fake_take(agent(&b), "status"), agent_now(&b),
                json_pack("{s:{s:b, s:i}}", "target", "found", 0, "hiddenUser", 0));
    CHECK(state(&b)->target_hidden); /* as another user, say */
    CHECK_INT(state(&b)->hidden_user, 0);
    CHECK_INT(fake_count_sessions(b.fake, "shop-1"), 1);
    bench_done(&b);
}

TEST(who_does_not_lead_talks_to_nobody)
{
    struct bench b;
    bench_init(&b);
    bring_up(&b);
    subscribe(&b);
    sessions_disable(b.sessions);
    CHECK(!agent(&b));
    fake_advance(b.fake, USEC_MINUTE);
    CHECK(!agent(&b));
    sessions_enable(b.sessions, 78);
    fake_run(b.fake);
    CHECK(agent(&b) != NULL);
    bench_done(&b);
}

TEST(another_protocol_is_refused_with_what_to_do)
{
    struct bench b;
    bench_init(&b);
    sessions_touch(b.sessions, &b.pod);
    fake_run(b.fake);
    fake_line(agent(&b), json_pack("{s:s, s:i}", "event", "hello", "protocol", 2));
    CHECK(!agent(&b));
    CHECK_CONTAINS(state(&b)->message, "make both the same version");
    bench_done(&b);
}

int main(void)
{
    return check_run();
}

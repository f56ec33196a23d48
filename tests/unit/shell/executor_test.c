#include "executor_bench.h"

static void patch_ledger(struct bench *b, const struct key *owner, const char *rv)
{
    struct decision d;
    struct key ledger = key_of(KIND_LEDGER, "team-a", "drill-ledger-000001");
    decision_init(&d);
    decision_patch(&d, &ledger, rv, json_pack("{s:{s:s}}", "data", owner->name, "{}"));
    carry(b, owner, &d);
}

static void create_run(struct bench *b, const struct key *owner)
{
    struct decision d;
    struct key run = key_of(KIND_RUN, "team-a", "r1");
    decision_init(&d);
    decision_create(&d, &run, fake_object("PlaybookRun", "team-a", "r1", "", "{\"playbook\":\"p\",\"target\":\"shop\"}", NULL));
    carry(b, owner, &d);
}

static struct fake_request *put_of(struct bench *b)
{
    return fake_request(b->fake, "PUT", "/drills/d1/status");
}

static json_t *answered(const char *rv, const char *phase)
{
    auto_free char *status = mem_printf("{\"phase\":\"%s\"}", phase);
    return fake_object("Drill", "team-a", "d1", rv, "{\"target\":\"shop\",\"card\":\"kh001\"}", status);
}

static const char *rv_of(struct bench *b, const struct key *key)
{
    const struct summary *s = store_summary(b->store, key);
    return s ? s->rv : "-";
}

TEST(a_status_write_is_a_compare_and_swap_and_its_answer_is_known_at_once)
{
    struct bench b;
    bench_init(&b);
    write_status(&b, &b.d1, "100", "Injecting");
    struct fake_request *r = put_of(&b);
    CHECK(r != NULL);
    CHECK_STR(json_str(r->body, "metadata.resourceVersion", ""), "100");
    CHECK_STR(json_str(r->body, "metadata.uid", ""), "uid-d1");
    CHECK_STR(json_str(r->body, "status.phase", ""), "Injecting");
    CHECK_STR(json_str(r->body, "kind", ""), "Drill");
    CHECK(!due(&b, &b.d1));
    fake_reply(r, 200, answered("105", "Injecting"));
    CHECK_STR(rv_of(&b, &b.d1), "105");
    CHECK(due(&b, &b.d1));
    CHECK_INT(b.metrics.writes[EFFECT_STATUS], 1);
    bench_done(&b);
}

TEST(a_patch_carries_the_version)
{
    struct bench b;
    bench_init(&b);
    patch_ledger(&b, &b.d1, "77");
    struct fake_request *r = fake_request(b.fake, "PATCH", "/api/v1/namespaces/team-a/configmaps/drill-ledger-000001");
    CHECK(r && str_equal(r->content_type, "application/merge-patch+json"));
    CHECK_STR(json_str(r ? r->body : NULL, "metadata.resourceVersion", ""), "77");
    CHECK_STR(json_str(r ? r->body : NULL, "data.d1", ""), "{}");
    bench_done(&b);
}

TEST(one_write_to_an_object_at_a_time_whoever_asks)
{
    struct bench b;
    bench_init(&b);
    write_status(&b, &b.d1, "100", "Injecting");
    write_status(&b, &b.d1, "100", "Injecting"); /* decided again from the stale view */
    CHECK_INT(fake_count_requests(b.fake, "PUT", "d1"), 1);
    patch_ledger(&b, &b.d1, "77");
    patch_ledger(&b, &b.d2, "77");
    CHECK_INT(fake_count_requests(b.fake, "PATCH", "ledger"), 1);
    due(&b, &b.d2);
    fake_reply(fake_request(b.fake, "PATCH", "ledger"), 200,
               json_pack("{s:{s:s, s:s, s:s, s:s}}", "metadata", "name", "drill-ledger-000001", "namespace", "team-a", "uid", "l",
                         "resourceVersion", "78"));
    CHECK(due(&b, &b.d2)); /* who waited is woken */
    patch_ledger(&b, &b.d2, "78");
    CHECK_INT(fake_count_requests(b.fake, "PATCH", "ledger"), 2);
    bench_done(&b);
}

TEST(after_a_conflict_the_old_version_is_not_written_from_again)
{
    struct bench b;
    bench_init(&b);
    write_status(&b, &b.d1, "100", "Injecting");
    fake_refuse(put_of(&b), ERROR_CONFLICT, 409, 0);
    CHECK(due(&b, &b.d1));
    write_status(&b, &b.d1, "100", "Injecting"); /* the watch is behind */
    CHECK_INT(fake_count_requests(b.fake, "PUT", "d1"), 1);
    put(&b, "d1", "104", NULL); /* it moves on */
    write_status(&b, &b.d1, "104", "Injecting");
    CHECK_INT(fake_count_requests(b.fake, "PUT", "d1"), 2);
    bench_done(&b);
}

TEST(after_a_conflict_a_slow_watch_is_helped_by_a_get)
{
    struct bench b;
    bench_init(&b);
    write_status(&b, &b.d1, "100", "Injecting");
    fake_refuse(put_of(&b), ERROR_CONFLICT, 409, 0);
    CHECK(due(&b, &b.d1));
    write_status(&b, &b.d1, "100", "Injecting");
    fake_advance(b.fake, 1100 * USEC_MSEC);
    CHECK(due(&b, &b.d1));
    write_status(&b, &b.d1, "100", "Injecting");
    struct fake_request *get = fake_request(b.fake, "GET", "/drills/d1");
    CHECK(get != NULL);
    if (get)
        fake_reply(get, 200, answered("104", "Pending"));
    CHECK_STR(rv_of(&b, &b.d1), "104");
    CHECK(due(&b, &b.d1));
    bench_done(&b);
}

TEST(a_lost_answer_to_a_write_that_took_effect_converges_without_a_second_one)
{
    struct bench b;
    bench_init(&b);
    write_status(&b, &b.d1, "100", "Injecting");
    fake_refuse(put_of(&b), ERROR_TIMEOUT, 0, 0); /* the server has 104 now */
    CHECK(!due(&b, &b.d1));
    fake_advance(b.fake, 500 * USEC_MSEC);
    CHECK(due(&b, &b.d1));
    write_status(&b, &b.d1, "100", "Injecting");
    fake_refuse(put_of(&b), ERROR_CONFLICT, 409, 0);
    fake_advance(b.fake, 1100 * USEC_MSEC);
    CHECK(due(&b, &b.d1));
    write_status(&b, &b.d1, "100", "Injecting");
    fake_reply(fake_request(b.fake, "GET", "/drills/d1"), 200, answered("104", "Injecting"));
    CHECK_STR(rv_of(&b, &b.d1), "104");
    CHECK_INT(fake_count_requests(b.fake, "PUT", "d1"), 2); /* the second could not take effect */
    bench_done(&b);
}

TEST(a_lost_answer_to_a_create_that_took_effect_finds_the_object)
{
    struct bench b;
    bench_init(&b);
    create_run(&b, &b.d1);
    fake_refuse(fake_request(b.fake, "POST", "/playbookruns"), ERROR_UNAVAILABLE, 0, 0);
    fake_advance(b.fake, 500 * USEC_MSEC);
    CHECK(due(&b, &b.d1));
    create_run(&b, &b.d1);
    fake_refuse(fake_request(b.fake, "POST", "/playbookruns"), ERROR_EXISTS, 409, 0);
    struct fake_request *get = fake_request(b.fake, "GET", "/playbookruns/r1");
    CHECK(get != NULL);
    if (get)
        fake_reply(get, 200, fake_object("PlaybookRun", "team-a", "r1", "130", "{\"playbook\":\"p\",\"target\":\"shop\"}", NULL));
    struct key run = key_of(KIND_RUN, "team-a", "r1");
    CHECK_STR(rv_of(&b, &run), "130");
    CHECK(due(&b, &b.d1));
    create_run(&b, &b.d1); /* what is there is not made again */
    CHECK_INT(fake_count_requests(b.fake, "POST", "/playbookruns"), 2);
    bench_done(&b);
}

/* After the error: not earlier than `from`, but by `until` the owner is looked at again, and may write again. */
static const struct {
    const char *sentence;
    enum error_class class;
    long retry_after_ms;
    usec_t from, until;
} failures[] = {
    {"500: after 200 to 400 ms", ERROR_INTERNAL, 0, 190 * USEC_MSEC, 410 * USEC_MSEC},
    {"refused: after 200 to 400 ms", ERROR_UNAVAILABLE, 0, 190 * USEC_MSEC, 410 * USEC_MSEC},
    {"429 with Retry-After: when the server said", ERROR_TOO_MANY, 3000, 2990 * USEC_MSEC, 3010 * USEC_MSEC},
    {"429 without: after 200 to 400 ms", ERROR_TOO_MANY, 0, 190 * USEC_MSEC, 410 * USEC_MSEC},
    {"503 with Retry-After: when the server said", ERROR_UNAVAILABLE, 1000, 990 * USEC_MSEC, 1010 * USEC_MSEC},
    {"403: a person must act, in half a minute again", ERROR_FORBIDDEN, 0, 29 * USEC_SEC, 31 * USEC_SEC},
    {"422: the same", ERROR_INVALID, 0, 29 * USEC_SEC, 31 * USEC_SEC},
};

TEST(each_class_of_error_waits_as_it_should)
{
    for (size_t i = 0; i < array_len(failures); i++) {
        CHECK_ROW(failures[i].sentence);
        struct bench b;
        bench_init(&b);
        write_status(&b, &b.d1, "100", "Injecting");
        fake_refuse(put_of(&b), failures[i].class, 500, failures[i].retry_after_ms);
        fake_advance(b.fake, failures[i].from);
        write_status(&b, &b.d1, "100", "Injecting"); /* something else woke it */
        CHECK_INT(fake_count_requests(b.fake, "PUT", "d1"), 1);
        due(&b, &b.d1);
        fake_advance(b.fake, failures[i].until - failures[i].from);
        CHECK(due(&b, &b.d1));
        write_status(&b, &b.d1, "100", "Injecting");
        CHECK_INT(fake_count_requests(b.fake, "PUT", "d1"), 2);
        bench_done(&b);
    }
}

TEST(waits_double_up_to_half_a_minute_and_end_with_success)
{
    struct bench b;
    bench_init(&b);
    usec_t waited = 0;
    for (int i = 0; i < 12; i++) {
        write_status(&b, &b.d1, "100", "Injecting");
        fake_refuse(put_of(&b), ERROR_INTERNAL, 500, 0);
        usec_t from = fake_now(b.fake);
        while (!due(&b, &b.d1) && fake_now(b.fake) < from + USEC_MINUTE)
            fake_advance(b.fake, 20 * USEC_MSEC);
        waited = fake_now(b.fake) - from;
    }
    CHECK(waited > 25 * USEC_SEC && waited < 31 * USEC_SEC);
    write_status(&b, &b.d1, "100", "Injecting");
    fake_reply(put_of(&b), 200, answered("110", "Injecting"));
    CHECK(due(&b, &b.d1));
    write_status(&b, &b.d1, "110", "Detecting");
    fake_refuse(put_of(&b), ERROR_INTERNAL, 500, 0);
    fake_advance(b.fake, 410 * USEC_MSEC);
    CHECK(due(&b, &b.d1));
    bench_done(&b);
}

TEST(what_is_gone_is_dropped)
{
    struct bench b;
    bench_init(&b);
    write_status(&b, &b.d1, "100", "Injecting");
    fake_refuse(put_of(&b), ERROR_NOT_FOUND, 404, 0);
    write_status(&b, &b.d1, "100", "Injecting");
    CHECK_INT(fake_count_requests(b.fake, "PUT", "d1"), 1);
    fake_advance(b.fake, 1100 * USEC_MSEC);
    CHECK(due(&b, &b.d1));
    write_status(&b, &b.d1, "100", "Injecting");
    fake_refuse(fake_request(b.fake, "GET", "/drills/d1"), ERROR_NOT_FOUND, 404, 0);
    CHECK_STR(rv_of(&b, &b.d1), "-");
    bench_done(&b);
}

TEST(a_delete_has_preconditions_and_is_known_at_once)
{
    struct bench b;
    bench_init(&b);
    struct decision d;
    decision_init(&d);
    decision_delete(&d, &b.d2, "uid-d2", "101");
    carry(&b, &b.d1, &d);
    struct fake_request *r = fake_request(b.fake, "DELETE", "/drills/d2");
    CHECK_STR(json_str(r->body, "preconditions.uid", ""), "uid-d2");
    CHECK_STR(json_str(r->body, "preconditions.resourceVersion", ""), "101");
    fake_reply(r, 200, json_pack("{s:s, s:s}", "kind", "Status", "status", "Success"));
    CHECK_STR(rv_of(&b, &b.d2), "-");
    put(&b, "d2", "102", NULL); /* a late event */
    CHECK_STR(rv_of(&b, &b.d2), "-");
    bench_done(&b);
}

static void send_event(struct bench *b, const struct key *owner)
{
    struct decision d;
    struct key target = key_of(KIND_TARGET, "team-a", "shop");
    decision_init(&d);
    decision_event(&d, &target, "ended", true, "PlaybookFailed", "Heal", "why");
    carry(b, owner, &d);
}

TEST(an_event_is_sent_once_per_owner_and_id_and_its_failure_is_nobodys_concern)
{
    struct bench b;
    bench_init(&b);
    send_event(&b, &b.d1);
    send_event(&b, &b.d1);
    struct fake_request *r = fake_request(b.fake, "POST", "/apis/events.k8s.io/v1/namespaces/team-a/events");
    CHECK_INT(fake_count_requests(b.fake, "POST", "/events"), 1);
    CHECK_STR(json_str(r->body, "reportingController", ""), "drillyard.dev/controller");
    CHECK_STR(json_str(r->body, "reportingInstance", ""), "me");
    CHECK_STR(json_str(r->body, "regarding.kind", ""), "DrillTarget");
    CHECK_STR(json_str(r->body, "type", ""), "Warning");
    CHECK(json_time(r->body, "eventTime", 0) > 0);
    auto_free char *first = mem_strdup(json_str(r->body, "metadata.name", ""));
    fake_refuse(r, ERROR_INTERNAL, 500, 0);
    CHECK(!due(&b, &b.d1));
    send_event(&b, &b.d2); /* the same words of another owner are another event */
    r = fake_request(b.fake, "POST", "/events");
    CHECK(r && !str_equal(first, json_str(r->body, "metadata.name", "")));
    bench_done(&b);
}

TEST(a_note_is_remembered_at_once_and_wakes_only_when_it_is_new)
{
    struct bench b;
    bench_init(&b);
    for (int i = 0; i < 2; i++) {
        struct decision d;
        decision_init(&d);
        decision_note(&d, "verdict", json_pack("{s:s}", "phase", "Failed"));
        carry(&b, &b.d1, &d);
        CHECK_INT(due(&b, &b.d1), i == 0);
    }
    const struct observation *o = observations_get(executor_observations(b.x, &b.d1), "verdict");
    CHECK_INT(o->state, OBSERVATION_OK);
    CHECK_STR(json_str(o->result, "phase", ""), "Failed");
    bench_done(&b);
}

static void ask_agent(struct bench *b, const char *id, const char *op)
{
    struct decision d;
    struct key pod = key_of(KIND_POD, "team-a", "shop-1");
    decision_init(&d);
    decision_agent(&d, id, &pod, json_pack("{s:s}", "op", op), 2 * USEC_SEC);
    carry(b, &b->d1, &d);
}

static enum observation_state seen(struct bench *b, const char *id)
{
    return observations_get(executor_observations(b->x, &b->d1), id)->state;
}

static void add_pod(struct bench *b)
{
    json_auto_t *pod = json_pack("{s:{s:s, s:s, s:s, s:s}, s:{s:[{s:s}]}, s:{s:s, s:[{s:s, s:b, s:{s:{s:s}}}]}}", "metadata",
                                 "namespace", "team-a", "name", "shop-1", "uid", "p", "resourceVersion", "5", "spec", "containers",
                                 "name", "app", "status", "phase", "Running", "initContainerStatuses", "name", "drill-injector",
                                 "ready", 1, "state", "running", "startedAt", "2026-11-25T00:00:00Z");
    store_put(b->store, KIND_POD, pod);
}

TEST(an_operation_is_asked_once_and_becomes_an_observation)
{
    struct bench b;
    bench_init(&b);
    add_pod(&b);
    sessions_touch(b.sessions, &(struct key){.kind = KIND_POD, .ns = "team-a", .name = "shop-1"});
    fake_run(b.fake);
    fake_agent_up(b.fake, "shop-1", 1000);
    ask_agent(&b, "revert/1", "revert");
    ask_agent(&b, "revert/1", "revert");
    struct fake_session *s = fake_session(b.fake, "shop-1");
    json_t *line = fake_take(s, "revert");
    CHECK(line && !fake_take(s, "revert"));
    CHECK_INT(seen(&b, "revert/1"), OBSERVATION_IN_FLIGHT);
    fake_answer(s, line, 1000, json_pack("{s:s}", "state", "Reverted"));
    CHECK_INT(seen(&b, "revert/1"), OBSERVATION_OK);
    CHECK(due(&b, &b.d1));
    ask_agent(&b, "revert/1", "revert"); /* answered is answered */
    CHECK(!fake_take(s, "revert"));
    ask_agent(&b, "inject", "inject");
    fake_hang_up(s, ERROR_UNAVAILABLE);
    CHECK_INT(seen(&b, "inject"), OBSERVATION_UNKNOWN);
    bench_done(&b);
}

TEST(failing_writes_do_not_hold_back_commands_to_agents)
{
    struct bench b;
    bench_init(&b);
    add_pod(&b);
    write_status(&b, &b.d1, "100", "Injecting");
    fake_refuse(put_of(&b), ERROR_UNAVAILABLE, 0, 0);
    ask_agent(&b, "revert/1", "revert");
    CHECK_INT(seen(&b, "revert/1"), OBSERVATION_IN_FLIGHT);
    fake_run(b.fake);
    CHECK(fake_session(b.fake, "shop-1") != NULL);
    bench_done(&b);
}

TEST(nothing_is_begun_by_one_that_may_not_act)
{
    struct bench b;
    bench_init(&b);
    b.may_act = false;
    write_status(&b, &b.d1, "100", "Injecting");
    ask_agent(&b, "inject", "inject");
    CHECK_INT(fake_open_requests(b.fake), 0);
    CHECK_INT(seen(&b, "inject"), OBSERVATION_NONE);
    fake_advance(b.fake, 300 * USEC_MSEC);
    CHECK(due(&b, &b.d1));
    bench_done(&b);
}

TEST(an_answer_for_an_owner_that_was_forgotten_still_reaches_the_store)
{
    struct bench b;
    bench_init(&b);
    write_status(&b, &b.d1, "100", "Injecting");
    executor_forget(b.x, &b.d1);
    fake_reply(put_of(&b), 200, answered("105", "Injecting"));
    CHECK_STR(rv_of(&b, &b.d1), "105");
    bench_done(&b);
}

TEST(it_may_be_freed_with_everything_in_flight)
{
    struct bench b;
    bench_init(&b);
    add_pod(&b);
    write_status(&b, &b.d1, "100", "Injecting");
    send_event(&b, &b.d1);
    ask_agent(&b, "revert/1", "revert");
    bench_done(&b); /* the world answers with CANCELLED afterwards */
}

TEST(a_verdict_is_counted_once_also_when_the_watch_brings_it_first)
{
    struct bench b;
    bench_init(&b);
    put(&b, "d1", "103", "{\"phase\":\"Verifying\"}");
    write_status(&b, &b.d1, "103", "Succeeded");
    put(&b, "d1", "105", "{\"phase\":\"Succeeded\"}"); /* before the answer */
    json_t *answer = answered("105", "Succeeded");
    json_t *status = json_object_get(answer, "status");
    json_object_set_new(status, "gates",
                        json_pack("[{s:s,s:s},{s:s,s:s}]", "name", "TriggerFired", "result", "Passed", "name", "PlaybookExecuted",
                                  "result", "NotRequired"));
    json_put_time(status, "injectedAt", USEC_HOUR);
    json_put_time(status, "detectedAt", USEC_HOUR + 1200 * USEC_MSEC);
    fake_reply(put_of(&b), 200, answer);
    CHECK_INT(b.metrics.drills[0], 1);
    CHECK_INT(b.metrics.gates[GATE_TRIGGER_FIRED][GATE_PASSED], 1);
    CHECK_INT(b.metrics.detect.count, 1);
    CHECK_INT(b.metrics.detect.buckets[4], 1); /* over 1 s, at most 2.5 s */
    write_status(&b, &b.d1, "105", "Succeeded");
    fake_reply(put_of(&b), 200, answered("106", "Succeeded"));
    CHECK_INT(b.metrics.drills[0], 1);
    bench_done(&b);
}

int main(void)
{
    return check_run();
}

#include "drill_scene.h"

static const struct effect *status_of(const struct scene *s)
{
    return scene_effect(s, EFFECT_STATUS, NULL);
}

static const char *phase_written(const struct scene *s)
{
    const struct effect *e = status_of(s);
    return e ? json_str(e->body, "phase", "") : "(no status)";
}

TEST(a_drill_that_heals_walks_from_pending_to_succeeded_in_six_writes)
{
    struct scene s;
    scene_init(&s);
    int writes = 0;
    scene_decide(&s, T0);
    CHECK(scene_effect(&s, EFFECT_METADATA, NULL) != NULL); /* the finalizer comes before everything */
    CHECK(!status_of(&s));
    CHECK(!scene_effect(&s, EFFECT_AGENT, NULL));
    writes += scene_effect(&s, EFFECT_METADATA, NULL) != NULL;
    scene_apply(&s, T0);

    scene_decide(&s, T0);
    CHECK_STR(phase_written(&s), "Injecting");
    CHECK_STR(json_str(status_of(&s)->body, "fault.state", ""), "Intended");
    CHECK_INT(json_int(status_of(&s)->body, "fault.epoch", 0), 3);
    CHECK(!scene_effect(&s, EFFECT_AGENT, NULL)); /* nothing is asked of the agent before the intent is in the API server */
    writes += status_of(&s) != NULL;
    scene_apply(&s, T0);

    scene_decide(&s, T0);
    const struct effect *inject = scene_effect(&s, EFFECT_AGENT, "inject");
    CHECK(inject != NULL);
    CHECK_STR(json_str(inject->body, "fault.params.match", ""), "worker");
    CHECK_STR(json_str(inject->body, "fault.id", ""), s.drill.incident);
    CHECK_INT(json_int(inject->body, "durationMs", 0), 90000);
    CHECK_INT(json_int(inject->body, "leaseMs", 0), 10000);
    scene_observe(&s, "inject", OBSERVATION_OK, T0 + USEC_SEC, json_of("{\"state\":\"InForce\",\"backup\":{\"sha256\":\"ab\"}}"));
    scene_decide(&s, T0 + USEC_SEC);
    CHECK_STR(phase_written(&s), "Detecting");
    writes += status_of(&s) != NULL;
    scene_apply(&s, T0 + USEC_SEC);

    scene_fire(&s, T0 + 2 * USEC_SEC, 0);
    scene_decide(&s, T0 + 2 * USEC_SEC);
    CHECK(!status_of(&s)); /* a phase that is short is not written */
    CHECK_STR(s.decision.lease_pod.name, "shop-1");
    scene_apply(&s, T0 + 2 * USEC_SEC);
    scene_run(&s, "Succeeded", T0 + 2 * USEC_SEC, T0 + 3 * USEC_SEC);
    s.firings[0].cleared_at = T0 + 3 * USEC_SEC;
    scene_see(&s, "verify/beats", HOLDS_TRUE, T0 + 3 * USEC_SEC, "beats");
    scene_decide(&s, T0 + 3 * USEC_SEC);
    CHECK(!scene_effect(&s, EFFECT_AGENT, NULL)); /* no fresh look yet */
    scene_apply(&s, T0 + 3 * USEC_SEC);
    scene_see(&s, "confirm/beats", HOLDS_TRUE, T0 + 3 * USEC_SEC, "beats");
    scene_decide(&s, T0 + 3 * USEC_SEC);
    CHECK(scene_effect(&s, EFFECT_NOTE, "verdict") != NULL);
    CHECK(scene_effect(&s, EFFECT_AGENT, "revert/1") != NULL);
    CHECK(!status_of(&s)); /* not terminal while the fault may be in force */
    scene_apply(&s, T0 + 3 * USEC_SEC);
    scene_observe(&s, "revert/1", OBSERVATION_OK, T0 + 3 * USEC_SEC + 1000, json_of("{\"state\":\"NotNeeded\"}"));
    scene_decide(&s, T0 + 4 * USEC_SEC);
    CHECK_STR(phase_written(&s), "Succeeded");
    CHECK_STR(json_str(status_of(&s)->body, "gatesPassed", ""), "4/4");
    CHECK_STR(json_str(status_of(&s)->body, "timeToDetect", ""), "1s");
    CHECK_STR(json_str(status_of(&s)->body, "timeToHeal", ""), "2s");
    CHECK_STR(json_str(status_of(&s)->body, "revert.state", ""), "NotNeeded");
    writes += status_of(&s) != NULL;
    scene_apply(&s, T0 + 4 * USEC_SEC);

    scene_decide(&s, T0 + 4 * USEC_SEC);
    const struct effect *ledger = scene_effect(&s, EFFECT_CREATE, NULL);
    CHECK(ledger && ledger->key.kind == KIND_LEDGER);
    CHECK(!scene_effect(&s, EFFECT_METADATA, NULL)); /* the finalizer stays until the ledger has it */
    writes += ledger != NULL;
    scene_apply(&s, T0 + 4 * USEC_SEC);
    scene_decide(&s, T0 + 4 * USEC_SEC);
    CHECK(scene_effect(&s, EFFECT_METADATA, NULL) != NULL);
    writes += scene_effect(&s, EFFECT_METADATA, NULL) != NULL;
    scene_apply(&s, T0 + 4 * USEC_SEC);
    CHECK(!s.drill.finalizer);
    scene_decide(&s, T0 + 4 * USEC_SEC);
    CHECK_INT(s.decision.effect_count, 0);
    CHECK_INT(writes, 6);
    scene_done(&s);
}

/* What may be wrong with a scene before it, and happen in the middle of it. */
static void spoil_1(struct scene *s)
{
    s->view.namespace_enabled = false;
}

static void spoil_2(struct scene *s)
{
    s->view.stopped = true;
}

static void spoil_3(struct scene *s)
{
    s->view.target = NULL;
    error_set(&s->view.target_error, ERROR_NOT_FOUND, "no DrillTarget x");
}

static void spoil_4(struct scene *s)
{
    s->view.card = NULL;
    error_set(&s->view.card_error, ERROR_INVALID, "bad card");
}

static void spoil_5(struct scene *s)
{
    s->view.quarantined = true;
}

static void spoil_6(struct scene *s)
{
    s->view.in_window = false;
}

static void spoil_7(struct scene *s)
{
    s->view.steady = HOLDS_FALSE;
    str_copy(s->view.steady_message, 160, "ready: 503");
}

static void spoil_8(struct scene *s)
{
    s->view.steady = HOLDS_UNKNOWN;
}

static void spoil_9(struct scene *s)
{
    s->view.steady = HOLDS_UNKNOWN;
}

static void spoil_10(struct scene *s)
{
    scene_fire(s, T0 - USEC_SEC, 0);
}

static void spoil_11(struct scene *s)
{
    s->agents[0].link = AGENT_LOST;
    str_copy(s->agents[0].message, 160, "connection refused");
}

static void spoil_12(struct scene *s)
{
    s->view.pod_count = 0;
}

static void spoil_13(struct scene *s)
{
    s->ledger.synced = false;
}

static void happen_14(struct scene *s)
{
    s->drill.abort = true;
}

static void happen_15(struct scene *s)
{
    s->drill.meta.deleting = true;
}

static void happen_16(struct scene *s)
{
    s->view.stopped = true;
}

static void happen_17(struct scene *s)
{
    s->view.namespace_enabled = false;
}

static void happen_18(struct scene *s)
{
    s->view.card = NULL;
}

static void happen_19(struct scene *s)
{
    s->view.target = NULL;
}

/* What forbids a drill, and how it is said. */
TEST(a_drill_that_may_not_begin_is_skipped_with_the_reason_in_words)
{
    static const struct {
        const char *row;
        void (*spoil)(struct scene *);
        usec_t after;
        const char *phase, *reason, *words;
    } rows[] = {
        {"a namespace that is not opted in", spoil_1, 0, "Skipped", "NamespaceNotEnabled", "drillyard.dev/drills=enabled"},
        {"the global stop", spoil_2, 0, "Skipped", "Stopped", "drillyard-stop"},
        {"no such target", spoil_3, 0, "Skipped", "TargetNotUsable", "no DrillTarget x"},
        {"a card that does not decode", spoil_4, 0, "Skipped", "CardNotUsable", "bad card"},
        {"a quarantined target", spoil_5, 0, "Skipped", "Quarantined", "could not be reverted"},
        {"outside the window", spoil_6, 0, "Skipped", "OutsideWindow", "safety.windows"},
        {"a target that is not well", spoil_7, 0, "Skipped", "NotSteady", "ready: 503"},
        {"a target of which nothing is known is waited for", spoil_8, 2 * USEC_SEC, "(no status)", "", ""},
        {"and skipped when that lasts", spoil_9, 30 * USEC_SEC, "Skipped", "SteadyStateUnknown", "not in its steady state"},
        {"a trigger that fires already", spoil_10, 10 * USEC_SEC, "Skipped", "NotSteady", "fires already"},
        {"an agent that does not answer", spoil_11, 40 * USEC_SEC, "Skipped", "NoPod", "connection refused"},
        {"no pod at all", spoil_12, 40 * USEC_SEC, "Skipped", "NoPod", "drillyard.dev/agent=enabled"},
        {"a ledger that is not listed", spoil_13, 40 * USEC_SEC, "Skipped", "NoPod", "ledger"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        rows[i].spoil(&s);
        scene_decide(&s, T0 + rows[i].after);
        CHECK_STR(phase_written(&s), rows[i].phase);
        if (status_of(&s)) {
            CHECK_STR(json_str(status_of(&s)->body, "reason", ""), rows[i].reason);
            CHECK_CONTAINS(json_str(status_of(&s)->body, "message", ""), rows[i].words);
        }
        CHECK(!scene_effect(&s, EFFECT_AGENT, NULL));
        scene_done(&s);
    }
}

TEST(only_one_drill_of_a_target_goes_at_a_time_the_older_first)
{
    static const struct {
        const char *row;
        struct drill_peer peer;
        bool goes;
    } rows[] = {
        {"one that began", {.name = "z", .target = "shop", .pod = "shop-1", .created_at = T0 + USEC_SEC, .active = true}, false},
        {"an older one that waits", {.name = "z", .target = "shop", .pod = "", .created_at = T0 - USEC_SEC}, false},
        {"of the same second, the first by name", {.name = "a", .target = "shop", .pod = "", .created_at = T0}, false},
        {"a younger one waits for us", {.name = "z", .target = "shop", .pod = "", .created_at = T0}, true},
        {"one on another target",
         {.name = "a", .target = "other", .pod = "o-1", .created_at = T0 - USEC_SEC, .active = true},
         true},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        s.view.peers = &rows[i].peer;
        s.view.peer_count = 1;
        scene_decide(&s, T0);
        CHECK_INT(scene_effect(&s, EFFECT_METADATA, NULL) != NULL, rows[i].goes);
        scene_done(&s);
    }
}

/* A schedule made two drills, the second one by a controller that led no more: it waits for the first, and says so. */
TEST(a_schedule_has_no_more_drills_at_once_than_it_allows_whoever_made_them)
{
    static const struct {
        const char *row, *ours;
        size_t allows;
        struct drill_peer peers[2];
        bool goes;
    } rows[] = {
        {"one of it goes on", "nightly", 1, {{.target = "b", .pod = "b-1", .schedule = "nightly", .active = true}}, false},
        {"one of it waits as well", "nightly", 1, {{.target = "b", .pod = "", .schedule = "nightly"}}, true},
        {"one of another schedule goes on",
         "nightly",
         1,
         {{.target = "b", .pod = "b-1", .schedule = "daily", .active = true}},
         true},
        {"one of no schedule goes on", "nightly", 1, {{.target = "b", .pod = "b-1", .schedule = "", .active = true}}, true},
        {"ours is of no schedule", "", 0, {{.target = "b", .pod = "b-1", .schedule = "", .active = true}}, true},
        {"there is room for one more", "nightly", 2, {{.target = "b", .pod = "b-1", .schedule = "nightly", .active = true}}, true},
        {"there is none",
         "nightly",
         2,
         {{.target = "b", .pod = "b-1", .schedule = "nightly", .active = true},
          {.target = "c", .pod = "c-1", .schedule = "nightly", .active = true}},
         false},
        {"Allow", "nightly", SIZE_MAX, {{.target = "b", .pod = "b-1", .schedule = "nightly", .active = true}}, true},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        struct drill_peer peers[2] = {rows[i].peers[0], rows[i].peers[1]};
        peers[0].name = "first";
        peers[1].name = "second";
        s.view.peers = peers;
        s.view.peer_count = peers[1].target ? 2 : 1;
        s.view.schedule = rows[i].ours;
        s.view.schedule_allows = rows[i].allows;
        scene_decide(&s, s.drill.meta.created_at + 5 * USEC_SEC);
        CHECK_INT(scene_effect(&s, EFFECT_METADATA, NULL) != NULL, rows[i].goes);
        if (!rows[i].goes) {
            CHECK_STR(json_str(status_of(&s) ? status_of(&s)->body : NULL, "reason", ""), "ScheduleBusy");
            CHECK_CONTAINS(json_str(status_of(&s) ? status_of(&s)->body : NULL, "message", ""), "drill first of the same schedule");
        }
        scene_done(&s);
    }
}

/* In force, and then something happens: who reverts, and what it is called. */
TEST(a_fault_in_force_is_reverted_before_the_drill_ends_whatever_happens)
{
    static const struct {
        const char *row;
        void (*happen)(struct scene *);
        const char *phase, *reason, *by;
        bool asks_revert;
    } rows[] = {
        {"abort", happen_14, "Aborted", "Aborted", "Controller", true},
        {"deleted", happen_15, "Aborted", "Deleted", "Controller", true},
        {"the global stop", happen_16, "Aborted", "Stopped", "Controller", true},
        {"the label is taken away", happen_17, "Aborted", "NamespaceNotEnabled", "Controller", true},
        {"the card is taken away", happen_18, "Aborted", "CardGone", "Controller", true},
        {"the target is taken away", happen_19, "Aborted", "TargetGone", "Controller", true},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        scene_inject(&s);
        rows[i].happen(&s);
        scene_decide(&s, T0 + 2 * USEC_SEC);
        CHECK_INT(scene_effect(&s, EFFECT_AGENT, "revert/1") != NULL, rows[i].asks_revert);
        CHECK(!status_of(&s));
        scene_apply(&s, T0 + 2 * USEC_SEC);
        rows[i].happen(&s);
        scene_observe(&s, "revert/1", OBSERVATION_OK, T0 + 2 * USEC_SEC, json_of("{\"state\":\"Reverted\"}"));
        scene_decide(&s, T0 + 2 * USEC_SEC);
        CHECK_STR(phase_written(&s), rows[i].phase);
        if (status_of(&s)) {
            CHECK_STR(json_str(status_of(&s)->body, "reason", ""), rows[i].reason);
            CHECK_STR(json_str(status_of(&s)->body, "revert.by", ""), rows[i].by);
        }
        scene_done(&s);
    }
}

TEST(a_fault_that_the_agent_reverted_by_itself_is_inconclusive_and_not_healed_by_that)
{
    static const struct {
        const char *row, *why, *phase;
    } rows[] = {
        {"its lease ran out", "lease", "Inconclusive"},
        {"the agent restarted", "restart", "Inconclusive"},
        {"its duration was over", "duration", "Failed"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        scene_inject(&s);
        scene_fire(&s, T0 + 2 * USEC_SEC, 0);
        scene_run(&s, "Succeeded", T0 + 2 * USEC_SEC, T0 + 3 * USEC_SEC);
        s.agents[0].fault_count = 1;
        s.agents[0].faults[0] = (struct agent_fault){.state = FAULT_REVERTED, .by_agent = true, .at = T0 + 4 * USEC_SEC};
        str_copy(s.agents[0].faults[0].id, sizeof(s.agents[0].faults[0].id), s.drill.fault_id);
        str_copy(s.agents[0].faults[0].why, sizeof(s.agents[0].faults[0].why), rows[i].why);
        /* The level came back with the revert: that must not count. */
        s.firings[0].cleared_at = T0 + 4 * USEC_SEC + 1000;
        scene_see(&s, "verify/beats", HOLDS_TRUE, T0 + 4 * USEC_SEC + 1000, "beats");
        scene_see(&s, "confirm/beats", HOLDS_TRUE, T0 + 4 * USEC_SEC + 1000, "beats");
        scene_decide(&s, T0 + 5 * USEC_SEC);
        CHECK_STR(phase_written(&s), rows[i].phase);
        if (status_of(&s))
            CHECK_STR(json_str(status_of(&s)->body, "revert.by", ""), "Agent");
        scene_done(&s);
    }
}

TEST(an_injection_of_which_nothing_is_known_is_reverted_and_inconclusive)
{
    static const enum observation_state states[] = {OBSERVATION_UNKNOWN, OBSERVATION_FAILED};
    for (size_t i = 0; i < array_len(states); i++) {
        struct scene s;
        scene_init(&s);
        scene_decide(&s, T0);
        scene_apply(&s, T0);
        scene_decide(&s, T0);
        scene_apply(&s, T0);
        scene_decide(&s, T0);
        scene_observe(&s, "inject", states[i], T0, NULL);
        scene_decide(&s, T0 + USEC_SEC);
        CHECK(scene_effect(&s, EFFECT_AGENT, "revert/1") != NULL);
        scene_apply(&s, T0 + USEC_SEC);
        scene_observe(&s, "revert/1", OBSERVATION_OK, T0 + USEC_SEC, json_of("{\"state\":\"Never\"}"));
        scene_decide(&s, T0 + USEC_SEC);
        CHECK_STR(phase_written(&s), "Inconclusive");
        scene_done(&s);
    }
}

TEST(a_revert_that_fails_is_asked_again_with_backoff_and_said_aloud)
{
    struct scene s;
    scene_init(&s);
    scene_inject(&s);
    s.drill.abort = true;
    scene_decide(&s, T0 + 2 * USEC_SEC);
    scene_apply(&s, T0 + 2 * USEC_SEC);
    scene_observe(&s, "revert/1", OBSERVATION_FAILED, T0 + 2 * USEC_SEC, NULL);
    scene_decide(&s, T0 + 2 * USEC_SEC);
    CHECK(!scene_effect(&s, EFFECT_AGENT, NULL));
    CHECK_INT(s.decision.again_at, T0 + 3 * USEC_SEC);
    scene_decide(&s, T0 + 3 * USEC_SEC);
    CHECK(scene_effect(&s, EFFECT_AGENT, "revert/2") != NULL);
    scene_observe(&s, "revert/2", OBSERVATION_UNKNOWN, T0 + 3 * USEC_SEC, NULL);
    scene_decide(&s, T0 + 8 * USEC_SEC);
    CHECK_STR(phase_written(&s), "Reverting");
    CHECK_STR(json_str(status_of(&s)->body, "verdict", ""), "Aborted");
    CHECK_CONTAINS(json_str(status_of(&s)->body, "message", ""), "did not succeed yet");
    scene_apply(&s, T0 + 8 * USEC_SEC);
    scene_decide(&s, T0 + 60 * USEC_SEC);
    CHECK(scene_effect(&s, EFFECT_EVENT, "revert-stuck") != NULL);
    scene_done(&s);
}

/* Limits and what came first are told by times of two clocks then: a detection that was late must not pass by the difference. */
TEST(controllers_whose_clocks_differ_judge_nothing_of_one_anothers_injections)
{
    static const struct {
        const char *row;
        usec_t apart;
        const char *phase;
    } rows[] = {
        {"they agree", 0, ""},
        {"they differ by less than looks at a clock may", 60 * USEC_MSEC, ""},
        {"the clock of this one is behind", -3 * USEC_SEC, "Inconclusive"},
        {"the clock of this one is ahead", 3 * USEC_SEC, "Inconclusive"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        scene_inject(&s);
        scene_fire(&s, T0 + 4 * USEC_SEC, 0);
        s.agents[0].fault_count = 1;
        s.agents[0].faults[0] = (struct agent_fault){.state = FAULT_IN_FORCE, .at = s.drill.injected_at + rows[i].apart};
        str_copy(s.agents[0].faults[0].id, sizeof(s.agents[0].faults[0].id), s.drill.fault_id);
        scene_decide(&s, T0 + 5 * USEC_SEC);
        const struct effect *verdict = scene_effect(&s, EFFECT_NOTE, "verdict");
        const json_t *gate = json_array_get(json_at(verdict ? verdict->body : NULL, "gates"), 0);
        CHECK_STR(json_str(verdict ? verdict->body : NULL, "phase", ""), rows[i].phase);
        if (verdict) {
            CHECK_STR(json_str(gate, "result", ""), "Inconclusive");
            CHECK_CONTAINS(json_str(gate, "message", ""), "differ by 3s");
        }
        scene_done(&s);
    }
}

TEST(a_new_controller_resumes_from_what_is_written)
{
    struct scene s;
    scene_init(&s);
    scene_decide(&s, T0);
    scene_apply(&s, T0);
    scene_decide(&s, T0);
    scene_apply(&s, T0); /* intent is in the API server; the process dies here, or after it sent the inject */
    observations_free((struct observations *)s.view.observations);
    s.view.observations = observations_new();
    scene_decide(&s, T0 + 2 * USEC_SEC);
    const struct effect *again = scene_effect(&s, EFFECT_AGENT, "inject");
    CHECK(again != NULL); /* the same fault id: the agent does it at most once */
    if (again)
        CHECK_STR(json_str(again->body, "fault.id", ""), s.drill.fault_id);
    /* Reverting is resumed with the verdict that was judged before. */
    s.view.observations = (observations_free((struct observations *)s.view.observations), observations_new());
    json_t *status = json_object_get(s.drill_json, "status");
    json_put_str(status, "phase", "Reverting");
    json_put_str(status, "verdict", "Failed");
    json_put_str(status, "verdictMessage", "judged before");
    json_put_str(status, "reason", "Failed");
    scene_decode(&s);
    s.view.pod = &s.pods[0];
    s.view.agent = &s.agents[0];
    scene_decide(&s, T0 + 3 * USEC_SEC);
    CHECK(scene_effect(&s, EFFECT_AGENT, "revert/1") != NULL);
    scene_observe(&s, "revert/1", OBSERVATION_OK, T0 + 3 * USEC_SEC, json_of("{\"state\":\"Reverted\"}"));
    scene_decide(&s, T0 + 3 * USEC_SEC);
    CHECK_STR(phase_written(&s), "Failed");
    if (status_of(&s))
        CHECK_STR(json_str(status_of(&s)->body, "message", ""), "judged before");
    scene_done(&s);
}

int main(void)
{
    return check_run();
}

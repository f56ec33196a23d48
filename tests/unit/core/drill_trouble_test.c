/* A drill among what goes wrong around it: controllers that die, agents that forget, cards that change, peers, and the end. */
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

static void forget_process(struct scene *s)
{
    observations_free((struct observations *)s->view.observations);
    evidences_free((struct evidences *)s->view.evidences);
    s->view.observations = observations_new();
    s->view.evidences = evidences_new();
}

/* A controller judged, asked for the revert, and died: what its successor finds is the agent's word that a controller reverted. */
TEST(a_verdict_that_died_with_its_controller_is_not_made_up_from_what_the_revert_mended)
{
    static const struct {
        const char *row;
        bool fired, ran;
    } rows[] = {
        {"nothing durable is left", false, false},
        {"a firing is left", true, false},
        {"a firing and its run are left, whose times may be those of another clock (simulator seed 130504)", true, true},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        scene_inject(&s);
        forget_process(&s);
        scene_tell(&s, FAULT_REVERTED, false, "verdict", T0 + 5 * USEC_SEC);
        if (rows[i].fired)
            scene_fire(&s, T0 + 2 * USEC_SEC, 0);
        if (rows[i].ran)
            scene_run(&s, "Succeeded", T0 + 2 * USEC_SEC, T0 + 4 * USEC_SEC);
        scene_see(&s, "verify/beats", HOLDS_TRUE, T0 + 7 * USEC_SEC, "beats");
        scene_see(&s, "confirm/beats", HOLDS_TRUE, T0 + 7 * USEC_SEC, "beats");
        scene_decide(&s, T0 + 8 * USEC_SEC);
        CHECK_STR(phase_written(&s), "Inconclusive");
        if (status_of(&s)) {
            CHECK_STR(json_str(status_of(&s)->body, "gatesPassed", ""), "1/4"); /* no coding task is asked for */
            CHECK_CONTAINS(json_str(status_of(&s)->body, "message", ""), "a controller that is gone reverted the fault");
            CHECK_STR(json_str(status_of(&s)->body, "revert.by", ""), "Controller");
        }
        scene_done(&s);
    }
}

/* The agent alone knows whether the fault is in force still, and whether the clocks agree. */
TEST(a_successor_judges_nothing_before_it_has_the_word_of_the_agent)
{
    struct scene s;
    scene_init(&s);
    scene_inject(&s);
    forget_process(&s);
    s.agents[0].link = AGENT_LOST;
    s.agents[0].fault_count = 0;
    scene_fire(&s, T0 + 2 * USEC_SEC, 0);
    scene_run(&s, "Succeeded", T0 + 2 * USEC_SEC, T0 + 4 * USEC_SEC);
    scene_decide(&s, T0 + 5 * USEC_SEC);
    CHECK(!scene_effect(&s, EFFECT_NOTE, "gates") && !scene_effect(&s, EFFECT_NOTE, "verdict") && !status_of(&s));
    scene_apply(&s, T0 + 5 * USEC_SEC);
    scene_decide(&s, T0 + 14 * USEC_SEC);
    CHECK(!scene_effect(&s, EFFECT_NOTE, "gates") && !scene_effect(&s, EFFECT_NOTE, "verdict"));
    CHECK(s.decision.again_at <= T0 + 15 * USEC_SEC);
    scene_decide(&s, T0 + 15 * USEC_SEC); /* a lease later: if it lives it has reverted the fault */
    const struct effect *verdict = scene_effect(&s, EFFECT_NOTE, "verdict");
    CHECK(verdict != NULL);
    if (verdict) {
        CHECK_STR(json_str(verdict->body, "phase", ""), "Inconclusive");
        CHECK_CONTAINS(json_str(verdict->body, "message", ""), "was not heard of since");
    }
    scene_done(&s);
}

/* A slow write of an earlier term arrives when this process has judged less: what it says stays. */
TEST(a_gate_that_is_recorded_does_not_change_whatever_this_process_remembers)
{
    for (int judged = 0; judged < 2; judged++) {
        struct scene s;
        CHECK_ROW(judged ? "a verdict is remembered" : "gates are remembered");
        scene_init(&s);
        scene_inject(&s);
        if (judged)
            json_put_bool(json_object_get(s.drill_json, "spec"), "abort", true);
        scene_decode(&s);
        scene_decide(&s, T0 + 2 * USEC_SEC);
        scene_apply(&s, T0 + 2 * USEC_SEC);
        struct gate gates[GATE_COUNT] = {[GATE_TRIGGER_FIRED] = {.result = GATE_PASSED, .at = T0 + 2 * USEC_SEC}};
        json_t *status = json_object_get(s.drill_json, "status");
        json_put_str(status, "phase", "Healing");
        json_put(status, "gates", gates_encode(gates));
        scene_decode(&s);
        if (judged)
            scene_observe(&s, "revert/1", OBSERVATION_OK, T0 + 3 * USEC_SEC, json_of("{\"state\":\"Reverted\"}"));
        scene_decide(&s, T0 + 20 * USEC_SEC);
        const struct effect *e = status_of(&s);
        CHECK_STR(e ? json_str(json_array_get(json_object_get(e->body, "gates"), 0), "result", "") : "Passed", "Passed");
        CHECK(!judged || e);
        scene_done(&s);
    }
}

static void agent_forgets(struct scene *s)
{
    s->agents[0].fault_count = 0;
}

static void pod_evicted(struct scene *s)
{
    s->pods[0].phase = "Failed";
    s->agents[0].link = AGENT_ABSENT;
    s->agents[0].fault_count = 0;
}

static void card_edited(struct scene *s)
{
    s->card.meta.generation = 2;
}

static void card_replaced(struct scene *s)
{
    s->card.meta.uid = "another";
}

static void duration_over(struct scene *s)
{
    scene_tell(s, FAULT_REVERTED, true, "duration", T0 + 2 * USEC_SEC);
}

static void duration_over_unseen(struct scene *s)
{
    duration_over(s);
    s->agents[0].up_since = T0 + 2 * USEC_SEC;
}

/* In force, and then something is found: what is judged, and whether a revert is asked for first. */
TEST(what_drillyard_cannot_vouch_for_any_more_is_inconclusive_or_aborted)
{
    static const struct {
        const char *row;
        void (*happen)(struct scene *);
        bool asks;
        const char *phase, *words;
    } rows[] = {
        {"the agent answers and does not know of the fault", agent_forgets, true, "Inconclusive", "does not know of the fault"},
        {"the pod was evicted, and its object stays", pod_evicted, false, "Inconclusive", "went away"},
        {"the card was edited", card_edited, true, "Aborted", "the card was changed"},
        {"the card was replaced by another of its name", card_replaced, true, "Aborted", "the card was changed"},
        {"the duration was over", duration_over, false, "Failed", "duration was over"},
        {"the duration was over, and the agent was away meanwhile", duration_over_unseen, false, "Inconclusive",
         "not watched all the time"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        scene_inject(&s);
        scene_decide(&s, T0 + USEC_SEC);
        scene_apply(&s, T0 + USEC_SEC);
        rows[i].happen(&s);
        scene_decide(&s, T0 + 3 * USEC_SEC);
        CHECK_INT(scene_effect(&s, EFFECT_AGENT, "revert/1") != NULL, rows[i].asks);
        CHECK_STR(s.decision.lease_pod.name, ""); /* the agent's own revert is welcome now */
        if (rows[i].asks) {
            CHECK(!status_of(&s));
            scene_apply(&s, T0 + 3 * USEC_SEC);
            scene_observe(&s, "revert/1", OBSERVATION_OK, T0 + 3 * USEC_SEC, json_of("{\"state\":\"Never\"}"));
            scene_decide(&s, T0 + 3 * USEC_SEC);
        }
        CHECK_STR(phase_written(&s), rows[i].phase);
        if (status_of(&s))
            CHECK_CONTAINS(json_str(status_of(&s)->body, "message", ""), rows[i].words);
        scene_done(&s);
    }
}

TEST(an_answer_to_a_revert_that_is_none_ends_nothing)
{
    struct scene s;
    scene_init(&s);
    scene_inject(&s);
    s.drill.abort = true;
    scene_decide(&s, T0 + 2 * USEC_SEC);
    scene_apply(&s, T0 + 2 * USEC_SEC);
    scene_observe(&s, "revert/1", OBSERVATION_OK, T0 + 2 * USEC_SEC, json_of("{\"state\":\"Reverting\"}"));
    scene_tell(&s, FAULT_IN_FORCE, false, "request", T0);
    scene_decide(&s, T0 + 4 * USEC_SEC);
    CHECK(!status_of(&s));
    CHECK(scene_effect(&s, EFFECT_AGENT, "revert/2") != NULL);
    scene_done(&s);
}

/* What a process that is gone wrote, of whatever version. */
TEST(a_recorded_revert_ends_in_a_terminal_phase_whatever_was_recorded_with_it)
{
    static const struct {
        const char *row, *verdict, *phase;
        bool gates_decided;
    } rows[] = {
        {"a verdict", "Failed", "Failed", true},
        {"none", NULL, "Inconclusive", true},
        {"one that is no verdict", "Pending", "Inconclusive", true},
        {"a success of which no gate is recorded", "Succeeded", "Inconclusive", false},
        {"a success", "Succeeded", "Succeeded", true},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        scene_inject(&s);
        forget_process(&s);
        json_t *status = json_object_get(s.drill_json, "status");
        struct gate gates[GATE_COUNT] = {0};
        for (int g = 0; g < GATE_COUNT && rows[i].gates_decided; g++)
            gates[g].result = GATE_PASSED;
        json_put(status, "gates", gates_encode(gates));
        json_put_str(status, "phase", "Reverting");
        json_put_str(status, "verdict", rows[i].verdict);
        scene_decode(&s);
        scene_tell(&s, FAULT_REVERTED, false, "verdict", T0 + 5 * USEC_SEC);
        scene_decide(&s, T0 + 6 * USEC_SEC);
        CHECK_STR(phase_written(&s), rows[i].phase);
        for (int g = 0; status_of(&s) && g < GATE_COUNT; g++)
            CHECK(!str_equal(json_str(json_array_get(json_at(status_of(&s)->body, "gates"), (size_t)g), "result", ""), "Pending"));
        scene_done(&s);
    }
}

TEST(a_revert_that_nobody_answers_is_looked_at_again_for_ever)
{
    static const struct {
        const char *row;
        enum agent_link link;
        enum observation_state last;
        usec_t after;
    } rows[] = {
        {"the agent is away", AGENT_LOST, OBSERVATION_NONE, USEC_SEC},
        {"for an hour", AGENT_LOST, OBSERVATION_NONE, USEC_HOUR},
        {"asked, and not answered", AGENT_UP, OBSERVATION_IN_FLIGHT, USEC_HOUR},
        {"failed", AGENT_UP, OBSERVATION_FAILED, 500 * USEC_MSEC},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        scene_inject(&s);
        s.drill.abort = true;
        s.agents[0].link = rows[i].link;
        scene_decide(&s, T0 + 2 * USEC_SEC);
        scene_apply(&s, T0 + 2 * USEC_SEC);
        if (rows[i].last)
            scene_observe(&s, "revert/1", rows[i].last, T0 + 2 * USEC_SEC, NULL);
        usec_t now = T0 + 2 * USEC_SEC + rows[i].after;
        scene_decide(&s, now);
        CHECK(s.decision.again_at > now && s.decision.again_at <= now + 30 * USEC_SEC);
        scene_done(&s);
    }
}

TEST(the_lease_is_kept_from_the_injection_on)
{
    struct scene s;
    scene_init(&s);
    for (int i = 0; i < 2; i++) {
        scene_decide(&s, T0);
        scene_apply(&s, T0);
    }
    scene_decide(&s, T0);
    CHECK_STR(s.decision.lease_pod.name, "shop-1");
    scene_observe(&s, "inject", OBSERVATION_IN_FLIGHT, T0, NULL);
    scene_decide(&s, T0 + USEC_SEC);
    CHECK_STR(s.decision.lease_pod.name, "shop-1");
    CHECK(s.decision.again_at != USEC_NEVER);
    scene_done(&s);
}

TEST(a_backup_whose_digest_is_none_is_not_written)
{
    static const struct {
        const char *row, *sha256;
        size_t artifacts;
    } rows[] = {
        {"a digest", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 1},
        {"too short", "0123", 0},
        {"too long", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-", 0},
        {"not hexadecimal", "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", 0},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        for (int n = 0; n < 2; n++) {
            scene_decide(&s, T0);
            scene_apply(&s, T0);
        }
        json_t *result = json_object();
        json_put_str(json_make(result, "backup"), "sha256", rows[i].sha256);
        scene_observe(&s, "inject", OBSERVATION_OK, T0, result);
        scene_decide(&s, T0);
        CHECK(status_of(&s) != NULL);
        if (status_of(&s))
            CHECK_INT(json_array_size(json_at(status_of(&s)->body, "artifacts")), rows[i].artifacts);
        scene_done(&s);
    }
}

TEST(two_drills_never_take_one_pod_or_wait_for_each_other)
{
    static const struct {
        const char *row;
        struct drill_peer peer;
        bool intends, goes;
    } rows[] = {
        {"one that writes its intent, on another target, whose pod is not known yet",
         {.name = "z", .target = "other", .pod = "", .created_at = T0, .active = true},
         false,
         false},
        {"one on another target has this very pod",
         {.name = "z", .target = "other", .pod = "shop-1", .created_at = T0, .active = true},
         false,
         false},
        {"an older one came late, and waits for us, who wrote our intent before",
         {.name = "a", .target = "shop", .pod = "", .created_at = T0 - USEC_SEC},
         true,
         true},
        {"one that began goes first even so",
         {.name = "a", .target = "shop", .pod = "shop-2", .created_at = T0, .active = true},
         true,
         false},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        if (rows[i].intends)
            scene_observe(&s, "intent", OBSERVATION_OK, T0, NULL);
        s.view.peers = &rows[i].peer;
        s.view.peer_count = 1;
        scene_decide(&s, T0);
        CHECK_INT(scene_effect(&s, EFFECT_METADATA, NULL) != NULL, rows[i].goes);
        CHECK(rows[i].goes || s.decision.again_at != USEC_NEVER);
        scene_done(&s);
    }
}

TEST(a_finalizer_that_somebody_took_off_is_put_back_while_the_drill_lasts)
{
    struct scene s;
    scene_init(&s);
    scene_inject(&s);
    json_object_del(json_object_get(s.drill_json, "metadata"), "finalizers");
    scene_decode(&s);
    scene_decide(&s, T0 + 2 * USEC_SEC);
    const struct effect *e = scene_effect(&s, EFFECT_METADATA, NULL);
    CHECK(e && json_array_size(json_at(e->body, "metadata.finalizers")) == 1);
    scene_done(&s);
}

/* A drill that has its verdict: what must be done before it is let go. */
TEST(an_ended_drill_is_let_go_when_its_record_is_written_and_its_gap_filed)
{
    static const struct {
        const char *row;
        bool recorded, deleting, namespace_deleting;
        bool writes_record, files_gap, lets_go;
    } rows[] = {
        {"nothing was written yet: both at once, since neither needs the other", false, false, false, true, true, false},
        {"recorded, and the gap cannot be filed", true, false, false, false, true, false},
        {"recorded and deleted: the backlog holds no object", true, true, false, false, true, true},
        {"deleted, and not recorded", false, true, false, true, true, false},
        {"in a namespace that is being deleted nothing can be created", false, true, true, false, false, true},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        scene_inject(&s);
        json_t *status = json_object_get(s.drill_json, "status");
        struct gate gates[GATE_COUNT] = {[GATE_SLO_MET] = {.result = GATE_FAILED}};
        json_put(status, "gates", gates_encode(gates));
        json_put_str(status, "phase", "Failed");
        if (rows[i].deleting)
            json_put_str(json_object_get(s.drill_json, "metadata"), "deletionTimestamp", "2025-11-15T07:41:00Z");
        scene_decode(&s);
        s.view.namespace_deleting = rows[i].namespace_deleting;
        if (rows[i].recorded) {
            s.ledger_data = json_object();
            json_put_str(s.ledger_data, s.drill.incident, "{}");
            s.segments[0] = (struct ledger_segment){.number = 1, .name = "drill-ledger-000001", .rv = "1", .data = s.ledger_data};
            s.ledger.count = 1;
        }
        scene_decide(&s, T0 + USEC_MINUTE);
        bool record = false, gap = false;
        for (size_t e = 0; e < s.decision.effect_count; e++) {
            record |= s.decision.effects[e].key.kind == KIND_LEDGER;
            gap |= s.decision.effects[e].key.kind == KIND_TASK;
        }
        CHECK_INT(record, rows[i].writes_record);
        CHECK_INT(gap, rows[i].files_gap);
        CHECK_INT(scene_effect(&s, EFFECT_METADATA, NULL) != NULL, rows[i].lets_go);
        CHECK(rows[i].lets_go || s.decision.again_at != USEC_NEVER);
        scene_done(&s);
    }
}

/* A namespace that lost its label is not watched any more: whether it is being deleted is asked, and only then a record is given up. */
TEST(a_record_is_given_up_only_where_the_namespace_is_known_to_go)
{
    static const struct {
        const char *row, *answer; /* NULL: not there any more */
        bool records, lets_go;
    } rows[] = {
        {"it only lost its label, and has no ledger yet", "{\"metadata\":{\"name\":\"shop\"}}", true, false},
        {"it is being deleted", "{\"metadata\":{\"deletionTimestamp\":\"2025-11-15T07:41:00Z\"}}", false, true},
        {"it is gone", NULL, false, true},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        scene_inject(&s);
        json_put_str(json_object_get(s.drill_json, "status"), "phase", "Aborted");
        json_put_str(json_object_get(s.drill_json, "metadata"), "deletionTimestamp", "2025-11-15T07:41:00Z");
        scene_decode(&s);
        s.view.namespace_enabled = false;
        scene_decide(&s, T0 + USEC_MINUTE);
        CHECK(scene_effect(&s, EFFECT_API, "namespace/1") != NULL);
        CHECK_INT(s.decision.effect_count, 1);
        struct observation o = {.state = rows[i].answer ? OBSERVATION_OK : OBSERVATION_FAILED, .answered_at = T0 + USEC_MINUTE};
        json_auto_t *result = rows[i].answer ? json_of(rows[i].answer) : NULL;
        o.result = result;
        o.err.class = rows[i].answer ? ERROR_NONE : ERROR_NOT_FOUND;
        observations_set((struct observations *)s.view.observations, "namespace/1", &o);
        scene_decide(&s, T0 + USEC_MINUTE);
        bool record = false;
        for (size_t e = 0; e < s.decision.effect_count; e++)
            record |= s.decision.effects[e].key.kind == KIND_LEDGER;
        CHECK_INT(record, rows[i].records);
        CHECK_INT(scene_effect(&s, EFFECT_METADATA, NULL) != NULL, rows[i].lets_go);
        scene_done(&s);
    }
}

TEST(an_intent_that_lay_about_is_not_carried_out_on_what_has_changed_meanwhile)
{
    static const struct {
        const char *row;
        usec_t now;
        enum holds steady;
        bool injects;
    } rows[] = {
        {"its controller's successor was quick", T0 + 4 * USEC_SEC, HOLDS_UNKNOWN, true},
        {"nobody led for an hour", T0 + USEC_HOUR, HOLDS_TRUE, false},
        {"the target is unwell by now", T0 + 4 * USEC_SEC, HOLDS_FALSE, false},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        for (int step = 0; step < 2; step++) {
            scene_decide(&s, T0);
            scene_apply(&s, T0);
        }
        CHECK_INT(s.drill.phase, DRILL_INJECTING);
        forget_process(&s);
        s.view.steady = rows[i].steady;
        scene_decide(&s, rows[i].now);
        CHECK_INT(scene_effect(&s, EFFECT_AGENT, "inject") != NULL, rows[i].injects);
        scene_done(&s);
    }
}

/* A run that restores a file does not end pods: whoever did is not the healing. */
TEST(a_pod_that_others_end_while_it_is_healed_proves_nothing)
{
    static const struct {
        const char *row, *action, *phase;
    } rows[] = {
        {"the run restores a file", "RestoreConfig", "Inconclusive"},
        {"the run replaces pods", "RestartService", "(no status)"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        json_auto_t *steps = scene_heal(&s, rows[i].action);
        scene_decide(&s, T0 + 3 * USEC_SEC);
        scene_apply(&s, T0 + 3 * USEC_SEC);
        s.runs[0].incident = s.drill.incident;
        s.view.pod = NULL;
        s.view.agent = NULL;
        s.view.pod_count = 0;
        s.view.pod_ended = true;
        scene_decide(&s, T0 + 4 * USEC_SEC);
        CHECK_STR(phase_written(&s), rows[i].phase);
        scene_done(&s);
    }
}

TEST(a_fault_that_was_seen_in_force_is_not_over_because_its_agent_never_heard_of_it)
{
    struct scene s;
    scene_init(&s);
    scene_inject(&s);
    s.drill.abort = true;
    scene_decide(&s, T0 + 2 * USEC_SEC);
    scene_apply(&s, T0 + 2 * USEC_SEC);
    scene_observe(&s, "revert/1", OBSERVATION_OK, T0 + 2 * USEC_SEC, json_of("{\"state\":\"Never\"}"));
    scene_tell(&s, FAULT_NONE, false, "", T0 + 2 * USEC_SEC);
    scene_decide(&s, T0 + 10 * USEC_SEC);
    CHECK_STR(phase_written(&s), "Reverting");
    CHECK_CONTAINS(json_str(status_of(&s)->body, "message", ""), "its journal is lost");
    scene_done(&s);
}

TEST(a_pod_out_of_sight_is_waited_for_as_long_as_its_own_lease)
{
    struct scene s;
    scene_init(&s);
    scene_inject(&s);
    s.drill.lease = 10 * USEC_MINUTE;
    s.drill.abort = true;
    s.view.pod = NULL;
    s.view.agent = NULL;
    s.view.pod_count = 0;
    scene_decide(&s, T0 + 2 * USEC_SEC);
    scene_apply(&s, T0 + 2 * USEC_SEC);
    s.drill.lease = 10 * USEC_MINUTE;
    s.view.pod = NULL;
    s.view.agent = NULL;
    scene_decide(&s, T0 + USEC_MINUTE);
    CHECK_STR(phase_written(&s), "Reverting");
    scene_done(&s);
}

int main(void)
{
    return check_run();
}

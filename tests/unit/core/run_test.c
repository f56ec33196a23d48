#include "run_scene.h"

#define RESTART "[{\"name\":\"restart\",\"action\":\"RestartKernel\",\"timeout\":\"20s\"}]"
#define VERIFY  ",\"verify\":[{\"name\":\"beats\",\"probe\":{\"process\":{\"match\":\"w\"}},\"within\":\"10s\"}]"

static void two_steps(struct run_scene *s, const char *first)
{
    auto_free char *steps =
        mem_printf("[{\"name\":\"restart\",\"action\":\"RestartKernel\",\"timeout\":\"20s\"%s},{\"name\":\"resume\","
                   "\"action\":\"ResumeKernel\"}]",
                   first);
    scene_init(s, steps, VERIFY);
}

TEST(each_step_is_written_down_before_it_is_done_and_the_run_heals_when_the_verification_holds)
{
    struct run_scene s;
    two_steps(&s, "");
    scene_step(&s, T0);
    CHECK_STR(json_str(s.run.status, "phase", ""), "Running");
    CHECK_STR(json_str(scene_row(&s, 0), "state", ""), "Running");
    CHECK_STR(json_str(scene_row(&s, 1), "state", ""), "Pending");
    CHECK(!scene_effect(&s, EFFECT_AGENT));
    scene_step(&s, T0);
    const struct effect *e = scene_effect(&s, EFFECT_AGENT);
    CHECK(e && str_equal(json_str(e->body, "op", ""), "restart"));
    CHECK(!scene_effect(&s, EFFECT_STATUS));
    scene_observe(&s, "step/0/1", OBSERVATION_OK, T0 + USEC_SEC, "{\"pid\":7}");
    scene_step(&s, T0 + USEC_SEC);
    CHECK_STR(json_str(scene_row(&s, 0), "state", ""), "Succeeded");
    CHECK_STR(json_str(scene_row(&s, 1), "state", ""), "Running");
    CHECK(!scene_effect(&s, EFFECT_AGENT));
    scene_step(&s, T0 + USEC_SEC);
    CHECK(scene_effect(&s, EFFECT_AGENT) != NULL);
    scene_observe(&s, "step/1/1", OBSERVATION_OK, T0 + 2 * USEC_SEC, "{}");
    scene_see(&s, "verify/0", HOLDS_FALSE, T0);
    scene_step(&s, T0 + 2 * USEC_SEC);
    CHECK_INT(s.run.phase, RUN_RUNNING); /* a verification that is short costs no write */
    CHECK(s.decision.again_at != USEC_NEVER);
    scene_see(&s, "verify/0", HOLDS_TRUE, T0 + 3 * USEC_SEC);
    scene_step(&s, T0 + 3 * USEC_SEC);
    CHECK_INT(s.run.phase, RUN_SUCCEEDED);
    CHECK_STR(json_str(s.run.status, "reason", ""), "Healed");
    CHECK_INT(s.run.ended_at, T0 + 3 * USEC_SEC);
    scene_step(&s, T0 + 4 * USEC_SEC);
    CHECK_INT(s.decision.effect_count, 0);
    scene_done(&s);
}

TEST(a_run_without_verification_does_not_claim_that_it_healed)
{
    struct run_scene s;
    scene_init(&s, RESTART, "");
    scene_step(&s, T0);
    scene_observe(&s, "step/0/1", OBSERVATION_OK, T0 + USEC_SEC, "{}");
    scene_step(&s, T0 + USEC_SEC);
    CHECK_INT(s.run.phase, RUN_SUCCEEDED);
    CHECK_STR(json_str(s.run.status, "reason", ""), "Done");
    CHECK_CONTAINS(json_str(s.run.status, "message", ""), "no verification");
    scene_done(&s);
}

TEST(a_verification_that_does_not_hold_in_time_fails_the_run)
{
    struct run_scene s;
    scene_init(&s, RESTART, VERIFY);
    scene_step(&s, T0);
    scene_observe(&s, "step/0/1", OBSERVATION_OK, T0, "{}");
    scene_see(&s, "verify/0", HOLDS_FALSE, T0);
    scene_step(&s, T0 + 5 * USEC_SEC);
    CHECK_INT(s.run.phase, RUN_VERIFYING); /* it lasts, so it is said */
    scene_crash(&s);
    scene_step(&s, T0 + 9 * USEC_SEC);
    CHECK_INT(s.run.phase, RUN_VERIFYING);
    CHECK(!scene_effect(&s, EFFECT_AGENT)); /* the steps are done and are not done again */
    scene_step(&s, T0 + 10 * USEC_SEC + 1);
    CHECK_INT(s.run.phase, RUN_FAILED);
    CHECK_STR(json_str(s.run.status, "reason", ""), "NotHealed");
    scene_done(&s);
}

/* A step that fails: how often it is tried, and what comes after. */
TEST(a_step_that_fails_is_retried_as_often_as_it_says_and_then_stops_the_run_or_not)
{
    static const struct {
        const char *row, *options;
        int attempts;
        enum run_phase phase;
        const char *next;
    } rows[] = {
        {"no retries", "", 1, RUN_FAILED, "Skipped"},
        {"two retries", ",\"retries\":2", 3, RUN_FAILED, "Skipped"},
        {"goes on", ",\"onFailure\":\"Continue\"", 1, RUN_RUNNING, "Running"},
        {"retries and goes on", ",\"retries\":1,\"onFailure\":\"Continue\"", 2, RUN_RUNNING, "Running"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct run_scene s;
        CHECK_ROW(rows[i].row);
        two_steps(&s, rows[i].options);
        usec_t now = T0;
        scene_step(&s, now);
        for (int attempt = 1; attempt <= rows[i].attempts; attempt++) {
            char id[32], effect[32];
            str_format(id, sizeof(id), "step/0/%d", attempt);
            str_format(effect, sizeof(effect), "r-1/0/%d", attempt); /* a new attempt is a new effect for the agent */
            scene_step(&s, now);
            const struct effect *e = scene_effect(&s, EFFECT_AGENT);
            CHECK(e != NULL);
            if (e) {
                CHECK_STR(e->id, id);
                CHECK_STR(json_str(e->body, "effect", ""), effect);
            }
            CHECK_INT(json_int(scene_row(&s, 0), "attempt", 0), attempt);
            scene_observe(&s, id, OBSERVATION_FAILED, now, NULL);
            scene_step(&s, now);
            if (attempt < rows[i].attempts) {
                CHECK_INT(s.decision.again_at, now + USEC_SEC); /* retryDelay */
                now += USEC_SEC;
                scene_step(&s, now);
                CHECK_CONTAINS(json_str(scene_row(&s, 0), "message", ""), "scripted"); /* why the attempt before failed */
            }
        }
        CHECK_INT(s.run.phase, rows[i].phase);
        CHECK_STR(json_str(scene_row(&s, 0), "state", ""), "Failed");
        CHECK_STR(json_str(scene_row(&s, 1), "state", ""), rows[i].next);
        scene_done(&s);
    }
}

/* Whatever keeps failing or never answers, the run ends, and looks again by itself until then. */
TEST(a_run_ends_whatever_its_steps_do)
{
    static const struct {
        const char *row, *steps;
        enum observation_state answer;
        bool agent_away;
        int within_seconds;
    } rows[] = {
        {"a step that fails whenever it is looked at, with retries",
         "[{\"name\":\"a\",\"action\":\"RestoreModelWeights\",\"retries\":3}]", OBSERVATION_NONE, false, 10},
        {"an action that is not known, with retries", "[{\"name\":\"a\",\"action\":\"CreatePR\",\"retries\":2}]", OBSERVATION_NONE,
         false, 10},
        {"an agent that is away, with retries", "[{\"name\":\"a\",\"action\":\"RestoreConfig\",\"timeout\":\"5s\",\"retries\":2}]",
         OBSERVATION_NONE, true, 25},
        {"an agent that never answers", "[{\"name\":\"a\",\"action\":\"RestartKernel\",\"timeout\":\"5s\",\"retries\":2}]",
         OBSERVATION_IN_FLIGHT, false, 8},
        {"an answer that is always lost, of what may be repeated",
         "[{\"name\":\"a\",\"action\":\"RestoreConfig\",\"timeout\":\"5s\",\"retries\":2}]", OBSERVATION_IN_FLIGHT, false, 30},
        {"a probe that never holds", "[{\"name\":\"a\",\"action\":\"RunSmokeTests\",\"timeout\":\"5s\",\"retries\":1}]",
         OBSERVATION_NONE, false, 20},
        {"a rollout that never ends", "[{\"name\":\"a\",\"action\":\"RestartService\",\"timeout\":\"5s\",\"retries\":1}]",
         OBSERVATION_OK, false, 20},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct run_scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s, rows[i].steps, "");
        if (rows[i].agent_away)
            s.agents[0].link = AGENT_LOST;
        usec_t now = T0;
        for (int step = 0; step < 100 && s.run.phase != RUN_FAILED; step++) {
            scene_step(&s, now);
            bool wrote = scene_effect(&s, EFFECT_STATUS) != NULL;
            for (size_t e = 0; e < s.decision.effect_count; e++) {
                enum effect_type type = s.decision.effects[e].type;
                if (type == EFFECT_AGENT || type == EFFECT_API)
                    scene_observe(&s, s.decision.effects[e].id, rows[i].answer, now, NULL);
            }
            CHECK(wrote || s.decision.again_at != USEC_NEVER);
            now = wrote ? now : usec_max(now + 1, usec_min(s.decision.again_at, now + USEC_MINUTE));
        }
        CHECK_INT(s.run.phase, RUN_FAILED);
        CHECK(now <= T0 + rows[i].within_seconds * USEC_SEC);
        scene_done(&s);
    }
}

TEST(a_controller_that_dies_goes_on_at_the_step_with_the_same_effect)
{
    struct run_scene s;
    two_steps(&s, ",\"retries\":1");
    scene_step(&s, T0);
    scene_step(&s, T0);
    scene_crash(&s);
    scene_step(&s, T0 + 3 * USEC_SEC);
    const struct effect *e = scene_effect(&s, EFFECT_AGENT);
    CHECK(e && str_equal(json_str(e->body, "effect", ""), "r-1/0/1")); /* the agent knows it, and answers what came of it */
    CHECK(e && e->timeout <= 18 * USEC_SEC);                           /* what is left of the step's time */
    scene_done(&s);
}

TEST(a_lost_session_is_asked_again_for_the_same_effect)
{
    struct run_scene s;
    two_steps(&s, "");
    scene_step(&s, T0);
    scene_step(&s, T0);
    scene_observe(&s, "step/0/1", OBSERVATION_UNKNOWN, T0 + USEC_SEC, NULL);
    scene_step(&s, T0 + USEC_SEC);
    const struct effect *e = scene_effect(&s, EFFECT_AGENT);
    CHECK(e && str_equal(e->id, "step/0/1/1"));
    CHECK(e && str_equal(json_str(e->body, "effect", ""), "r-1/0/1"));
    scene_done(&s);
}

/* Nothing with an effect is done twice, or somewhere else, because nobody knows whether it was done. */
TEST(what_may_have_been_done_is_not_done_again_unless_it_is_repeatable)
{
    static const struct {
        const char *row, *steps;
        const char *answer; /* to the first ask; NULL: the process dies before it comes, and its successor comes too late */
        bool pod_replaced;
        bool again;
    } rows[] = {
        {"interrupted, not repeatable", "[{\"name\":\"a\",\"action\":\"RestartKernel\",\"retries\":2}]", "{\"state\":\"Unknown\"}",
         false, false},
        {"interrupted, repeatable by its kind", "[{\"name\":\"a\",\"action\":\"RestoreConfig\",\"retries\":2}]",
         "{\"state\":\"Unknown\"}", false, true},
        {"interrupted, said to be repeatable", "[{\"name\":\"a\",\"action\":\"RestartKernel\",\"repeatable\":true}]",
         "{\"state\":\"Unknown\"}", false, true},
        {"the controller was away for longer than the step", "[{\"name\":\"a\",\"action\":\"RestartKernel\",\"retries\":2}]", NULL,
         false, false},
        {"the same, but repeatable", "[{\"name\":\"a\",\"action\":\"RestoreConfig\",\"retries\":2}]", NULL, false, true},
        {"the pod was replaced by one of the same name", "[{\"name\":\"a\",\"action\":\"RestartKernel\",\"retries\":2}]", NULL,
         true, false},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct run_scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s, rows[i].steps, "");
        scene_step(&s, T0);
        scene_step(&s, T0);
        CHECK(scene_effect(&s, EFFECT_AGENT) != NULL);
        usec_t now = T0 + 5 * USEC_SEC;
        if (rows[i].answer)
            scene_observe(&s, "step/0/1", OBSERVATION_OK, T0 + USEC_SEC, rows[i].answer);
        else {
            scene_crash(&s);
            now = rows[i].pod_replaced ? now : T0 + 60 * USEC_SEC;
        }
        if (rows[i].pod_replaced)
            s.pods[0].meta.created_at = T0 + 3 * USEC_SEC;
        scene_step(&s, now);
        CHECK(!scene_effect(&s, EFFECT_AGENT)); /* nothing begins together with the word that it failed */
        CHECK_INT(s.run.phase, rows[i].again ? RUN_RUNNING : RUN_FAILED);
        if (rows[i].again)
            CHECK_INT(json_int(scene_row(&s, 0), "attempt", 0), 2);
        scene_done(&s);
    }
}

TEST(a_step_is_asked_for_in_the_pod_it_was_begun_in_and_nowhere_else)
{
    struct run_scene s;
    two_steps(&s, "");
    scene_pod(&s, 1, "shop-2", T0 - USEC_HOUR);
    scene_step(&s, T0);
    scene_step(&s, T0);
    const struct effect *e = scene_effect(&s, EFFECT_AGENT);
    CHECK(e && str_equal(e->key.name, "shop-1"));
    scene_observe(&s, "step/0/1", OBSERVATION_UNKNOWN, T0 + USEC_SEC, NULL);
    s.pods[0].meta.name = "shop-3"; /* shop-1 is gone */
    scene_step(&s, T0 + USEC_SEC);
    CHECK(!scene_effect(&s, EFFECT_AGENT));
    CHECK_INT(s.run.phase, RUN_FAILED);
    CHECK_CONTAINS(json_str(s.run.status, "message", ""), "is gone");
    scene_done(&s);
}

static void change_nothing(struct run_scene *s)
{
    (void)s;
}

static void change_playbook(struct run_scene *s)
{
    json_t *steps = json_at(json_array_get(json_at(s->playbook_json, "spec.branches"), 0), "steps");
    json_put_str(json_array_get(steps, 0), "action", "PauseKernel");
}

static void take_playbook(struct run_scene *s)
{
    s->view.playbook = NULL;
    error_set(&s->view.playbook_error, ERROR_NOT_FOUND, "no Playbook mend");
}

static void take_target(struct run_scene *s)
{
    s->view.target = NULL;
    error_set(&s->view.target_error, ERROR_NOT_FOUND, "no DrillTarget shop");
}

static void take_label(struct run_scene *s)
{
    s->view.namespace_enabled = false;
}

static void be_outside(struct run_scene *s)
{
    json_put_str(json_object_get(s->run_json, "spec"), "reporter", "argo");
}

TEST(what_changes_in_the_middle_ends_the_run_in_words)
{
    static const struct {
        const char *row;
        void (*change)(struct run_scene *);
        enum run_phase phase;
        const char *reason;
        bool acts;
    } rows[] = {
        {"nothing", change_nothing, RUN_RUNNING, "", true},
        {"the playbook was edited", change_playbook, RUN_FAILED, "PlaybookChanged", false},
        {"the playbook was taken away", take_playbook, RUN_FAILED, "PlaybookNotUsable", false},
        {"the target was taken away", take_target, RUN_FAILED, "TargetNotUsable", false},
        {"the namespace is not opted in any more", take_label, RUN_FAILED, "NamespaceNotEnabled", false},
        {"it is an outside healer's own", be_outside, RUN_RUNNING, "", false},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct run_scene s;
        CHECK_ROW(rows[i].row);
        two_steps(&s, "");
        scene_step(&s, T0);
        rows[i].change(&s);
        scene_decode(&s);
        scene_step(&s, T0 + USEC_SEC);
        CHECK_INT(s.run.phase, rows[i].phase);
        CHECK_STR(json_str(s.run.status, "reason", ""), rows[i].reason);
        if (strstr(rows[i].reason, "NotUsable")) /* the message names the field */
            CHECK_CONTAINS(s.run.message, strstr(rows[i].reason, "Target") ? "spec.target: " : "spec.playbook: ");
        CHECK_INT(scene_effect(&s, EFFECT_AGENT) != NULL, rows[i].acts);
        scene_done(&s);
    }
}

/* Every text of a status stays within the bounds of the schema, however long what a probe, an agent or a person says is. */
TEST(texts_are_cut_to_what_the_schema_takes)
{
    char words[4000];
    memset(words, 'x', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    struct run_scene s;
    two_steps(&s, ",\"retries\":1");
    scene_step(&s, T0);
    auto_free char *result = mem_printf("{\"exitCode\":1,\"stdout\":\"%s\"}", words);
    for (int attempt = 1; attempt <= 2; attempt++) {
        char id[32];
        str_format(id, sizeof(id), "step/0/%d", attempt);
        scene_observe(&s, id, OBSERVATION_OK, T0, result);
        scene_step(&s, T0 + attempt * 2 * USEC_SEC);
        CHECK(strlen(json_str(scene_row(&s, 0), "message", "")) <= 1024);
        CHECK(strlen(json_str(scene_row(&s, 0), "output", "")) <= 4096);
    }
    CHECK_INT(s.run.phase, RUN_FAILED);
    CHECK(strlen(json_str(s.run.status, "message", "")) <= 2048);
    scene_done(&s);
}

/* What is only seen when it is looked at must not begin the verification anew at each look. */
TEST(a_verification_after_a_rollout_or_a_scaling_ends_too)
{
    static const struct {
        const char *row, *steps, *asked;
    } rows[] = {
        {"the service was restarted", "[{\"name\":\"r\",\"action\":\"RestartService\",\"timeout\":\"60s\"}]", "step/0/1/restart"},
        {"workers were added", "[{\"name\":\"r\",\"action\":\"ScaleWorkers\",\"timeout\":\"60s\"}]", "step/0/1/scale"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].row);
        struct run_scene s;
        json_auto_t *made = json_pack("{s:s}", POD_RESTARTED_AT, "2025-11-15T07:40:00Z");
        scene_init(&s, rows[i].steps, VERIFY);
        scene_step(&s, T0);
        scene_observe(&s, "step/0/1/read", OBSERVATION_OK, T0, "{\"spec\":{\"replicas\":1}}");
        scene_step(&s, T0);
        scene_observe(&s, rows[i].asked, OBSERVATION_OK, T0, "{}");
        s.pods[0].meta.annotations = made;
        scene_see(&s, "verify/0", HOLDS_FALSE, T0);
        for (int now = 1; now <= 15; now++)
            scene_step(&s, T0 + now * USEC_SEC);
        CHECK_INT(s.run.phase, RUN_FAILED);
        CHECK_STR(json_str(s.run.status, "reason", ""), "NotHealed");
        scene_done(&s);
    }
}

TEST(an_api_server_in_trouble_is_asked_again_in_its_own_time)
{
    struct run_scene s;
    scene_init(&s, "[{\"name\":\"r\",\"action\":\"RestartService\",\"timeout\":\"60s\"}]", "");
    scene_step(&s, T0);
    scene_observe(&s, "step/0/1/restart", OBSERVATION_UNKNOWN, T0, NULL);
    scene_step(&s, T0 + USEC_MSEC);
    CHECK(!scene_effect(&s, EFFECT_API));
    scene_step(&s, T0 + USEC_SEC);
    CHECK(scene_effect(&s, EFFECT_API) != NULL);
    struct observation busy = {.state = OBSERVATION_FAILED, .answered_at = T0 + USEC_SEC};
    error_set(&busy.err, ERROR_TOO_MANY, "slow down");
    busy.err.retry_after_ms = 3000;
    observations_set((struct observations *)s.view.observations, "step/0/1/restart/1", &busy);
    scene_step(&s, T0 + 3 * USEC_SEC);
    CHECK_INT(s.run.phase, RUN_RUNNING);
    CHECK(!scene_effect(&s, EFFECT_API));
    scene_step(&s, T0 + 4 * USEC_SEC);
    CHECK(scene_effect(&s, EFFECT_API) != NULL);
    scene_done(&s);
}

int main(void)
{
    return check_run();
}

#include "run_scene.h"

#include "base/rfc3339.h"

/* One step of one action, begun at T0, on the scene's target with `facets` merged in. */
static void one_step(struct run_scene *s, const char *action, const char *options, const char *facets)
{
    auto_free char *steps = mem_printf("[{\"name\":\"a\",\"action\":\"%s\",\"timeout\":\"30s\"%s}]", action, options);
    scene_init(s, steps, "");
    json_t *more = json_of(facets);
    json_object_update(json_at(s->target_json, "spec.facets"), more);
    json_decref(more);
    scene_decode(s);
    scene_step(s, T0);
    scene_step(s, T0);
}

TEST(each_action_asks_the_agent_for_what_its_facet_says)
{
    static const struct {
        const char *row, *action, *options, *facets, *op, *member, *value;
    } rows[] = {
        {"a kernel is restarted by its match", "RestartKernel", "", "{}", "restart", "match", "worker"},
        {"a default that the API server filled in is resolved", "RestartKernel",
         ",\"restartKernel\":{\"match\":\"$(target.process.match)\"}", "{}", "restart", "match", "worker"},
        {"a step may name another", "RestartKernel", ",\"restartKernel\":{\"match\":\"other\"}", "{}", "restart", "match", "other"},
        {"or by its own command", "RestartKernel", "",
         "{\"process\":{\"match\":\"w\",\"restart\":\"Command\",\"restartCommand\":[\"x\"]}}", "exec", NULL, NULL},
        {"a pause is a STOP", "PauseKernel", "", "{}", "signal", "signal", "STOP"},
        {"a resume is a CONT", "ResumeKernel", "", "{}", "signal", "signal", "CONT"},
        {"a config is restored to its path", "RestoreConfig", "", "{}", "restore", "path", "/c.yaml"},
        {"a model is restored to its path", "RestoreModelWeights", "", "{\"model\":{\"path\":\"/m\"}}", "restore", "facet",
         "model"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct run_scene s;
        CHECK_ROW(rows[i].row);
        one_step(&s, rows[i].action, rows[i].options, rows[i].facets);
        const struct effect *e = scene_effect(&s, EFFECT_AGENT);
        CHECK(e != NULL);
        if (e) {
            CHECK_STR(json_str(e->body, "op", ""), rows[i].op);
            CHECK_STR(json_str(e->body, "effect", ""), "r-1/0/1");
            if (rows[i].member)
                CHECK_STR(json_str(e->body, rows[i].member, ""), rows[i].value);
        }
        scene_done(&s);
    }
}

TEST(an_action_that_lacks_its_facet_fails_and_names_it)
{
    static const struct {
        const char *row, *action, *facets, *words;
    } rows[] = {
        {"no model", "RestoreModelWeights", "{}", "facets.model.path"},
        {"no workers", "ScaleWorkers", "{\"workers\":{}}", "facets.workers"},
        {"no service level", "VerifySLO", "{}", "slo"},
        {"an action of another version", "ClearCaches", "{}", "not available"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct run_scene s;
        CHECK_ROW(rows[i].row);
        one_step(&s, rows[i].action, "", rows[i].facets);
        CHECK_INT(s.run.phase, RUN_FAILED);
        CHECK_CONTAINS(json_str(s.run.status, "message", ""), rows[i].words);
        CHECK(!scene_effect(&s, EFFECT_AGENT) && !scene_effect(&s, EFFECT_API));
        scene_done(&s);
    }
}

TEST(what_the_agent_answers_decides_the_step)
{
    static const struct {
        const char *row;
        enum observation_state state;
        const char *result;
        enum run_phase phase;
    } rows[] = {
        {"done", OBSERVATION_OK, "{\"pid\":3}", RUN_SUCCEEDED},
        {"a command that exits with an error", OBSERVATION_OK, "{\"exitCode\":2}", RUN_FAILED},
        {"refused", OBSERVATION_FAILED, NULL, RUN_FAILED},
        {"interrupted in the middle", OBSERVATION_OK, "{\"state\":\"Unknown\"}", RUN_FAILED},
        {"on its way", OBSERVATION_IN_FLIGHT, NULL, RUN_RUNNING},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct run_scene s;
        CHECK_ROW(rows[i].row);
        one_step(&s, "RestartKernel", "", "{}");
        scene_observe(&s, "step/0/1", rows[i].state, T0, rows[i].result);
        scene_step(&s, T0 + USEC_SEC);
        CHECK_INT(s.run.phase, rows[i].phase);
        scene_done(&s);
    }
}

/* "by 1" is turned into a number that is written down before it is set. */
TEST(workers_are_scaled_to_a_number_that_is_written_down_first)
{
    static const struct {
        const char *row, *options;
        int from, to;
    } rows[] = {
        {"one more by default", "", 2, 3},
        {"by two", ",\"scaleWorkers\":{\"by\":2}", 2, 4},
        {"never above the facet's max", ",\"scaleWorkers\":{\"by\":9}", 2, 4},
        {"never below its min", ",\"scaleWorkers\":{\"by\":-5}", 2, 1},
        {"to a number", ",\"scaleWorkers\":{\"to\":3}", 1, 3},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct run_scene s;
        CHECK_ROW(rows[i].row);
        one_step(&s, "ScaleWorkers", rows[i].options, "{}");
        const struct effect *e = scene_effect(&s, EFFECT_API);
        CHECK(e && str_equal(json_str(e->body, "method", ""), "GET"));
        auto_free char *scale = mem_printf("{\"spec\":{\"replicas\":%d}}", rows[i].from);
        scene_observe(&s, "step/0/1/read", OBSERVATION_OK, T0, scale);
        scene_step(&s, T0);
        CHECK(!scene_effect(&s, EFFECT_API)); /* the plan first */
        scene_crash(&s);
        scene_step(&s, T0 + USEC_SEC);
        e = scene_effect(&s, EFFECT_API);
        CHECK(e && str_equal(json_str(e->body, "method", ""), "PATCH")); /* and it is not read again by whoever goes on */
        CHECK(e && json_int(e->body, "body.spec.replicas", 0) == rows[i].to);
        scene_observe(&s, "step/0/1/scale", OBSERVATION_UNKNOWN, T0 + USEC_SEC, NULL);
        scene_step(&s, T0 + 2 * USEC_SEC);
        e = scene_effect(&s, EFFECT_API);
        CHECK(e && str_equal(e->id, "step/0/1/scale/1") && json_int(e->body, "body.spec.replicas", 0) == rows[i].to);
        scene_observe(&s, "step/0/1/scale/1", OBSERVATION_OK, T0 + 2 * USEC_SEC, "{}");
        scene_step(&s, T0 + 2 * USEC_SEC);
        CHECK_INT(s.run.phase, RUN_SUCCEEDED);
        scene_done(&s);
    }
}

TEST(a_restart_of_the_service_is_over_when_its_pods_were_replaced)
{
    struct run_scene s;
    one_step(&s, "RestartService", "", "{}");
    const struct effect *e = scene_effect(&s, EFFECT_API);
    CHECK(e && str_equal(json_str(e->body, "path", ""), "/apis/apps/v1/namespaces/shop/deployments/shop"));
    auto_free char *first = e ? json_text(json_at(e->body, "body")) : mem_strdup("");
    scene_crash(&s);
    scene_step(&s, T0 + USEC_SEC);
    e = scene_effect(&s, EFFECT_API);
    auto_free char *again = e ? json_text(json_at(e->body, "body")) : mem_strdup("");
    CHECK_STR(again, first); /* the same value again changes nothing */
    scene_observe(&s, "step/0/1/restart", OBSERVATION_OK, T0 + USEC_SEC, "{}");
    scene_step(&s, T0 + 2 * USEC_SEC);
    CHECK_INT(s.run.phase, RUN_RUNNING);
    CHECK(s.decision.again_at <= T0 + 3 * USEC_SEC); /* no pod tells a run of itself */
    s.view.pod_count = 0;                            /* the old one is gone, the new one is not there yet */
    scene_step(&s, T0 + 3 * USEC_SEC);
    CHECK_INT(s.run.phase, RUN_RUNNING);
    json_auto_t *of_it = json_pack("{s:s}", POD_RESTARTED_AT, "2025-11-15T07:40:00Z");
    scene_pod(&s, 0, "shop-9", T0 - USEC_MINUTE); /* the API server's clock is behind */
    s.pods[0].meta.annotations = of_it;
    s.pods[0].ready = false;
    scene_step(&s, T0 + 4 * USEC_SEC);
    CHECK_INT(s.run.phase, RUN_RUNNING);
    s.pods[0].ready = true;
    scene_step(&s, T0 + 5 * USEC_SEC);
    CHECK_INT(s.run.phase, RUN_SUCCEEDED);
    scene_done(&s);
}

TEST(what_only_looks_has_no_effect_and_wants_a_look_of_its_own)
{
    struct run_scene s;
    one_step(&s, "RunSmokeTests", ",\"retries\":1", "{}");
    CHECK(!scene_effect(&s, EFFECT_AGENT) && !scene_effect(&s, EFFECT_API));
    CHECK_INT(s.decision.want_count, 1);
    CHECK_STR(s.decision.want_count ? s.decision.wants[0].key : "", "look/0/1/0");
    scene_see(&s, "look/0/1/0", HOLDS_FALSE, T0);
    scene_step(&s, T0 + 32 * USEC_SEC);
    CHECK_INT(json_int(scene_row(&s, 0), "attempt", 0), 2);
    scene_step(&s, T0 + 32 * USEC_SEC);
    CHECK_STR(s.decision.want_count ? s.decision.wants[0].key : "", "look/0/2/0"); /* not the evidence of the attempt before */
    scene_see(&s, "look/0/2/0", HOLDS_TRUE, T0 + 33 * USEC_SEC);
    scene_step(&s, T0 + 33 * USEC_SEC);
    CHECK_INT(s.run.phase, RUN_SUCCEEDED);
    scene_done(&s);
}

int main(void)
{
    return check_run();
}

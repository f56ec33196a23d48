/* A drill whose pod goes: with the fault, or perhaps not. */
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

TEST(a_pod_that_goes_away_takes_the_fault_with_it_and_proves_nothing)
{
    struct scene s;
    scene_init(&s);
    scene_inject(&s);
    s.view.pod = NULL;
    s.view.agent = NULL;
    s.view.pod_count = 0;
    s.view.pod_ended = true;
    scene_decide(&s, T0 + 2 * USEC_SEC);
    CHECK_STR(phase_written(&s), "Inconclusive");
    CHECK_STR(json_str(status_of(&s)->body, "revert.by", ""), "PodGone");
    CHECK_STR(json_str(status_of(&s)->body, "fault.state", ""), "Lost");
    scene_done(&s);
}

/* What the API server says when it is asked for the pod by name. */
static void listed(struct scene *s, enum holds holds, usec_t now)
{
    scene_see(s, "pod-listed", holds, now, holds == HOLDS_UNKNOWN ? "the API server does not answer" : "");
}

/* Deleted by force, say: it may run on, and its agent reverts only when the lease is over. */
TEST(a_pod_out_of_sight_may_still_carry_the_fault)
{
    const usec_t left = T0 + 2 * USEC_SEC, gone = left + 25 * USEC_SEC; /* the lease and its slack */
    static const struct {
        const char *row;
        int phase_failed_at, back_at, ended_at; /* seconds after it left; 0: never */
        usec_t over_after;
    } rows[] = {
        {"it stays away", 0, 0, 0, 25 * USEC_SEC},
        {"its containers were seen to have ended, later", 0, 0, 5, 5 * USEC_SEC},
        {"it is back, evicted", 4, 4, 0, 4 * USEC_SEC},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        scene_inject(&s);
        usec_t over = 0;
        for (usec_t now = left; now <= gone + USEC_SEC && !over; now += USEC_SEC) {
            bool back = rows[i].back_at && now >= left + rows[i].back_at * USEC_SEC;
            s.view.pod = back ? &s.pods[0] : NULL;
            s.view.agent = back ? &s.agents[0] : NULL;
            s.pods[0].phase = rows[i].phase_failed_at && back ? "Failed" : "Running";
            s.view.pod_ended = rows[i].ended_at && now >= left + rows[i].ended_at * USEC_SEC;
            listed(&s, HOLDS_FALSE, now);
            scene_decide(&s, now);
            CHECK(!scene_effect(&s, EFFECT_AGENT, NULL));
            enum drill_phase phase = DRILL_NEW;
            drill_phase_parse(phase_written(&s), &phase);
            if (drill_phase_terminal(phase))
                over = now - left;
            else
                CHECK(s.decision.again_at <= gone); /* it is not forgotten */
            scene_apply(&s, now);
            s.view.pod = NULL;
        }
        CHECK_INT(over, rows[i].over_after);
        scene_done(&s);
    }
}

TEST(a_pod_out_of_sight_is_waited_for_as_long_as_the_drills_own_lease_says)
{
    struct scene s;
    scene_init(&s);
    scene_inject(&s);
    s.drill.lease = USEC_MINUTE;
    s.view.pod = NULL;
    s.view.agent = NULL;
    scene_decide(&s, T0 + 2 * USEC_SEC);
    CHECK_INT(s.decision.again_at, T0 + 4 * USEC_SEC); /* for the API server's answer */
    CHECK(!scene_effect(&s, EFFECT_STATUS, NULL));
    json_put_str(json_make(json_object_get(s.drill_json, "spec"), "overrides"), "lease", "1m");
    scene_apply(&s, T0 + 2 * USEC_SEC);
    for (int second = 10; second < 100; second++) { /* missed since the tenth: a minute, its agent's wait, and the slack */
        s.view.pod = NULL;
        s.view.agent = NULL;
        listed(&s, HOLDS_FALSE, T0 + second * USEC_SEC);
        scene_decide(&s, T0 + second * USEC_SEC);
        enum drill_phase phase = DRILL_NEW;
        drill_phase_parse(phase_written(&s), &phase);
        CHECK(drill_phase_terminal(phase) == (second >= 93));
        if (second < 93)
            scene_apply(&s, T0 + second * USEC_SEC);
    }
    scene_done(&s);
}

/* Its agent may have died just then, and kubelet starts it again when it has waited, longer each time: simulator seed 170103. */
TEST(how_long_a_pod_that_is_gone_may_run_on_depends_on_how_often_its_agent_died)
{
    static const struct {
        const char *row;
        int restarts;
        int asked_after; /* seconds after it left the API server says that it has none */
        bool taken_over; /* by a process that never saw the pod */
        bool agent_lost; /* before it left */
        int over_after;  /* seconds after it was missed */
    } rows[] = {
        {"never", 0, 0, false, false, 25},
        {"once", 1, 0, false, false, 35},
        {"three times", 3, 0, false, false, 95},
        {"again and again", 9, 0, false, false, 315},
        {"not known", 0, 0, true, false, 315},
        {"never, as the pod's status said, and it did not answer any more", 0, 0, false, true, 315},
        {"never, as it was when the API server was not asked for long", 0, 12, false, false, 315},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].row);
        struct scene s;
        scene_init(&s);
        json_put_int(json_array_get(json_at(s.pod_json, "status.initContainerStatuses"), 0), "restartCount", rows[i].restarts);
        scene_pod(&s);
        scene_inject(&s);
        if (rows[i].taken_over) {
            observations_free((struct observations *)s.view.observations);
            s.view.observations = observations_new();
        }
        if (rows[i].agent_lost) {
            s.agents[0].link = AGENT_LOST;
            scene_decide(&s, T0 + USEC_SEC);
            scene_apply(&s, T0 + USEC_SEC);
        }
        int over = 0;
        const int left = 2, missed = left + rows[i].asked_after;
        for (int second = left; second < missed + 400 && !over; second++) {
            s.view.pod = NULL;
            s.view.agent = NULL;
            listed(&s, second < missed ? HOLDS_UNKNOWN : HOLDS_FALSE, T0 + second * USEC_SEC);
            scene_decide(&s, T0 + second * USEC_SEC);
            enum drill_phase phase = DRILL_NEW;
            drill_phase_parse(phase_written(&s), &phase);
            if (drill_phase_terminal(phase))
                over = second - missed;
            else {
                CHECK(s.decision.again_at < T0 + (missed + 400) * USEC_SEC); /* it is not forgotten */
                scene_apply(&s, T0 + second * USEC_SEC);
            }
        }
        CHECK_INT(over, rows[i].over_after);
        scene_done(&s);
    }
}

/* Its label was taken off, and its agent may be dead as well: however long that lasts, it is not gone. */
TEST(a_pod_without_its_label_is_not_gone)
{
    static const struct {
        const char *row;
        enum holds holds;
        const char *why;
    } rows[] = {
        {"the API server has it", HOLDS_TRUE, "put the label back, or delete the pod"},
        {"the API server does not say", HOLDS_UNKNOWN, "the API server does not answer"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].row);
        struct scene s;
        scene_init(&s);
        scene_inject(&s);
        for (int second = 2; second < 600; second += 2) {
            s.view.pod = NULL;
            s.view.agent = NULL;
            listed(&s, second < 4 ? HOLDS_UNKNOWN : rows[i].holds, T0 + second * USEC_SEC);
            scene_decide(&s, T0 + second * USEC_SEC);
            const struct want *want = scene_want(&s, "pod-listed");
            CHECK(want && str_equal(json_str(want->probe, "object.name", ""), s.drill.status_pod));
            CHECK(want && str_equal(json_str(want->probe, "object.equals", "-"), s.drill.pod_uid));
            scene_apply(&s, T0 + second * USEC_SEC);
        }
        CHECK_INT(s.drill.phase, DRILL_REVERTING);
        CHECK_CONTAINS(json_str(s.drill.status, "message", ""), rows[i].why);
        for (int second = 600; second <= 915; second += 5) { /* somebody deleted it, by force perhaps: simulator seed 7218 */
            s.view.pod = NULL;
            s.view.agent = NULL;
            listed(&s, HOLDS_FALSE, T0 + second * USEC_SEC);
            scene_decide(&s, T0 + second * USEC_SEC);
            CHECK_INT(str_equal(phase_written(&s), "Inconclusive"), second == 915); /* the lease, and its agent's longest wait */
            if (second < 915)
                scene_apply(&s, T0 + second * USEC_SEC);
        }
        CHECK_STR(json_str(status_of(&s)->body, "revert.by", ""), "PodGone");
        scene_done(&s);
    }
}

/* A run that replaces pods is at work, and the pod is not to be seen any more: simulator seed 7369. */
TEST(a_pod_that_loses_its_label_while_it_is_healed_is_not_replaced)
{
    static const struct {
        const char *row;
        enum holds holds;
        int second;
        bool judged;
    } rows[] = {
        {"replaced: it heals on", HOLDS_FALSE, 6, false},
        {"not asked yet: nothing is known", HOLDS_UNKNOWN, 6, false},
        {"it runs on, out of sight", HOLDS_TRUE, 6, true},
        {"the API server does not say: it heals on", HOLDS_UNKNOWN, 40, false},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        json_auto_t *steps = scene_heal(&s, "RestartService");
        for (int second = 3; second <= rows[i].second; second++) {
            usec_t now = T0 + second * USEC_SEC;
            s.runs[0].incident = s.drill.incident;
            if (second > 3) {
                s.view.pod = NULL;
                s.view.agent = NULL;
            }
            listed(&s, second < 6 ? HOLDS_UNKNOWN : rows[i].holds, now);
            scene_decide(&s, now);
            scene_apply(&s, now);
        }
        const struct observation *verdict = observations_get(s.view.observations, "verdict");
        CHECK_INT(verdict->state == OBSERVATION_OK, rows[i].judged);
        if (rows[i].judged) {
            auto_free char *text = json_dumps(verdict->result, 0);
            CHECK_CONTAINS(text, "shop-1 lost the label by which drills see it");
        }
        scene_done(&s);
    }
}

/* What was seen before it left says nothing of now. */
TEST(a_pod_that_left_once_more_is_asked_for_once_more)
{
    struct scene s;
    scene_init(&s);
    scene_inject(&s);
    listed(&s, HOLDS_FALSE, T0 + USEC_SEC);
    for (int second = 2; second < 60; second += 2) {
        s.view.pod = NULL;
        s.view.agent = NULL;
        scene_decide(&s, T0 + second * USEC_SEC);
        scene_apply(&s, T0 + second * USEC_SEC);
    }
    CHECK_INT(s.drill.phase, DRILL_REVERTING);
    scene_done(&s);
}

TEST(a_pod_that_comes_back_into_sight_is_asked_to_revert)
{
    struct scene s;
    scene_init(&s);
    scene_inject(&s);
    for (int second = 2; second < 6; second++) {
        s.view.pod = NULL;
        s.view.agent = NULL;
        scene_decide(&s, T0 + second * USEC_SEC);
        scene_apply(&s, T0 + second * USEC_SEC);
    }
    s.view.pod = &s.pods[0];
    s.view.agent = &s.agents[0];
    scene_decide(&s, T0 + 6 * USEC_SEC);
    CHECK(scene_effect(&s, EFFECT_AGENT, "revert/1") != NULL);
    scene_apply(&s, T0 + 6 * USEC_SEC);
    s.view.pod = NULL; /* and goes again: its time begins anew */
    s.view.agent = NULL;
    scene_decide(&s, T0 + 15 * USEC_SEC);
    CHECK_STR(phase_written(&s), "Reverting");
    scene_done(&s);
}

int main(void)
{
    return check_run();
}

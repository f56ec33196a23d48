#include "drill_scene.h"

static const char *pending_message(const struct scene *s)
{
    const struct effect *e = scene_effect(s, EFFECT_STATUS, NULL);
    return e ? json_str(e->body, "message", "") : "no status";
}

/* Each of two that wait writes whom it waits for; with every write of the other the order in which it sees them may change. */
TEST(who_is_waited_for_does_not_depend_on_the_order_in_which_drills_are_seen)
{
    const struct drill_peer running = {
        .name = "run", .target = "shop", .pod = "shop-1", .created_at = T0 + USEC_SEC, .active = true};
    const struct drill_peer older = {.name = "old", .target = "shop", .pod = "", .created_at = T0 - 2 * USEC_SEC};
    const struct drill_peer old_too = {.name = "own", .target = "shop", .pod = "", .created_at = T0 - 2 * USEC_SEC};
    const struct {
        const char *row;
        struct drill_peer peers[3];
        const char *message;
    } rows[] = {
        {"the one that runs, seen first", {running, older, old_too}, "waiting for drill run on the same target"},
        {"the one that runs, seen last", {old_too, older, running}, "waiting for drill run on the same target"},
        {"else the oldest, by name", {older, old_too, old_too}, "waiting for drill old on the same target"},
        {"else the oldest, by name, seen last", {old_too, old_too, older}, "waiting for drill old on the same target"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        s.view.peers = rows[i].peers;
        s.view.peer_count = 3;
        scene_decide(&s, T0 + 5 * USEC_SEC);
        CHECK_STR(pending_message(&s), rows[i].message);
        scene_done(&s);
    }
}

/* Of two hundred drills on fifty targets each start would else be a write of all that wait. */
TEST(what_starts_on_another_target_is_waited_for_without_saying_so_each_time)
{
    const struct drill_peer running = {
        .name = "run", .target = "shop", .pod = "shop-1", .created_at = T0 + USEC_SEC, .active = true};
    const struct drill_peer elsewhere = {.name = "new", .target = "other", .pod = "", .created_at = T0 - USEC_SEC, .active = true};
    struct drill_peer both[] = {elsewhere, running};
    struct scene s;
    scene_init(&s);
    s.view.peers = both;
    s.view.peer_count = 2;
    scene_decide(&s, T0 + 5 * USEC_SEC);
    CHECK_STR(pending_message(&s), "waiting for drill run on the same target");
    scene_apply(&s, T0 + 5 * USEC_SEC);

    s.view.peer_count = 1; /* the one here is over, and for a moment only the other one is in the way */
    scene_decide(&s, T0 + 6 * USEC_SEC);
    CHECK_STR(pending_message(&s), "no status");
    CHECK(!scene_effect(&s, EFFECT_METADATA, NULL)); /* it waits all the same, and looks again */
    CHECK(s.decision.again_at <= T0 + 7 * USEC_SEC);
    s.view.peer_count = 2;
    scene_decide(&s, T0 + 7 * USEC_SEC);
    CHECK_STR(pending_message(&s), "no status");

    s.view.peer_count = 1;
    scene_decide(&s, T0 + 11 * USEC_MINUTE); /* not for ever */
    CHECK_STR(pending_message(&s), "waiting for drill new on what may be the same pod");
    CHECK_STR(json_str(scene_effect(&s, EFFECT_STATUS, NULL)->body, "phase", ""), "Skipped");
    scene_done(&s);
}

TEST(a_drill_that_its_stop_condition_would_end_at_once_is_not_begun)
{
    struct scene s;
    scene_init(&s);
    json_t *card = json_of("[{\"name\":\"others-down\",\"probe\":{\"pods\":{\"notReady\":{\"above\":\"50%\"}}}}]");
    s.card.rollback = card;
    struct pod pods[2] = {s.pods[0], s.pods[0]};
    struct agent_state agents[2] = {s.agents[0], s.agents[0]};
    pods[1].meta.name = "shop-2";
    pods[1].ready = false;
    s.view.pods = pods;
    s.view.agents = agents;
    s.view.pod_count = 2;
    scene_decide(&s, T0);
    const struct effect *e = scene_effect(&s, EFFECT_STATUS, NULL);
    CHECK_STR(e ? json_str(e->body, "phase", "") : "", "Skipped");
    CHECK_STR(pending_message(&s),
              "rollback.when others-down holds already, for pods other than shop-1: 1 of 1 pods are not ready");
    pods[1].ready = true;
    scene_decide(&s, T0);
    CHECK(scene_effect(&s, EFFECT_METADATA, NULL) != NULL); /* it begins */
    json_decref(card);
    scene_done(&s);
}

TEST(an_agent_that_sees_nothing_of_the_target_says_what_may_be_wrong)
{
    static const struct {
        const char *sentence, *message;
        bool hidden;
    } rows[] = {
        {"nothing is there", "or does the agent run as another user than the target? set runAsUser in the pod", false},
        {"somebody else's processes are there",
         "the agent in pod shop-1 runs as user 65532, and processes of user 0 are hidden from it: set runAsUser in the pod", true},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].sentence);
        scene_init(&s);
        s.agents[0].target_found = false;
        s.agents[0].target_hidden = rows[i].hidden;
        s.agents[0].user = 65532;
        scene_decide(&s, T0 + USEC_MINUTE);
        CHECK_CONTAINS(pending_message(&s), rows[i].message);
        scene_done(&s);
    }
}

TEST(a_target_that_has_just_ceased_to_be_steady_is_waited_for_a_little)
{
    static const struct {
        const char *row;
        usec_t since, now;
        const char *phase;
    } rows[] = {
        {"since a moment", T0 + 9 * USEC_SEC, T0 + 10 * USEC_SEC, "Pending"},
        {"since long", T0 - USEC_HOUR, T0, "Skipped"},
        {"since when is not known", 0, T0, "Skipped"},
        {"and is so still", T0 + 9 * USEC_SEC, T0 + 14 * USEC_SEC, "Skipped"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        s.view.steady = HOLDS_FALSE;
        s.view.steady_since = rows[i].since;
        scene_decide(&s, rows[i].now);
        const struct effect *e = scene_effect(&s, EFFECT_STATUS, NULL);
        CHECK_STR(e ? json_str(e->body, "phase", "") : "", rows[i].phase);
        scene_done(&s);
    }
}

/* What is known of a target that had a fault until just now, or that nobody could look at until just now, is old. */
TEST(a_target_that_is_not_steady_yet_after_a_drill_or_an_outage_is_waited_for)
{
    static const struct {
        const char *row;
        usec_t free, acting, up, now;
        const char *phase;
    } rows[] = {
        {"neither", T0 - USEC_HOUR, 1, 1, T0 + 10 * USEC_SEC, "Skipped"},
        {"the drill before ended 4 s ago", T0 + 6 * USEC_SEC, 1, 1, T0 + 10 * USEC_SEC, "Pending"},
        {"and 5 s ago", T0 + 6 * USEC_SEC, 1, 1, T0 + 11 * USEC_SEC, "Skipped"},
        {"we lead again since 19 s", 0, T0 + 60 * USEC_SEC, 1, T0 + 79 * USEC_SEC, "Pending"},
        {"and since 20 s", 0, T0 + 60 * USEC_SEC, 1, T0 + 80 * USEC_SEC, "Skipped"},
        {"its agent is back since 19 s", 0, 1, T0 + 60 * USEC_SEC, T0 + 79 * USEC_SEC, "Pending"},
        {"and since 20 s", 0, 1, T0 + 60 * USEC_SEC, T0 + 80 * USEC_SEC, "Skipped"},
        {"its agent comes and goes for ten minutes", 0, 1, T0 + 630 * USEC_SEC, T0 + 631 * USEC_SEC, "Skipped"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        s.view.steady = HOLDS_FALSE;
        s.view.steady_since = T0 - USEC_HOUR;
        s.view.target_free_since = rows[i].free;
        s.view.acting_since = rows[i].acting;
        s.agents[0].up_since = rows[i].up;
        scene_decide(&s, rows[i].now);
        const struct effect *e = scene_effect(&s, EFFECT_STATUS, NULL);
        CHECK_STR(e ? json_str(e->body, "phase", "") : "", rows[i].phase);
        CHECK_STR(e ? json_str(e->body, "reason", "") : "", "NotSteady");
        scene_done(&s);
    }
}

/* A drill may be older than the controller, or than the session that tells of its target. */
TEST(a_target_of_which_nothing_is_known_yet_is_waited_for_from_when_on_it_could_be_looked_at)
{
    static const struct {
        const char *row;
        usec_t acting, up, now;
        enum agent_link link;
        const char *phase, *reason;
    } rows[] = {
        {"a new drill", T0 - USEC_HOUR, 1, T0 + 10 * USEC_SEC, AGENT_UP, "Pending", "SteadyStateUnknown"},
        {"long enough", T0 - USEC_HOUR, 1, T0 + 21 * USEC_SEC, AGENT_UP, "Skipped", "SteadyStateUnknown"},
        {"an old drill, a new controller", T0 + 60 * USEC_SEC, 1, T0 + 70 * USEC_SEC, AGENT_UP, "Pending", "SteadyStateUnknown"},
        {"and long enough", T0 + 60 * USEC_SEC, 1, T0 + 81 * USEC_SEC, AGENT_UP, "Skipped", "SteadyStateUnknown"},
        {"an old drill, a new session", 1, T0 + 60 * USEC_SEC, T0 + 70 * USEC_SEC, AGENT_UP, "Pending", "SteadyStateUnknown"},
        {"that is never there for long", 1, T0 + 700 * USEC_SEC, T0 + 701 * USEC_SEC, AGENT_UP, "Skipped", "SteadyStateUnknown"},
        {"an old drill, no session, a new controller", T0 + 60 * USEC_SEC, 0, T0 + 80 * USEC_SEC, AGENT_OPENING, "Pending",
         "NoPod"},
        {"and long enough", T0 + 60 * USEC_SEC, 0, T0 + 91 * USEC_SEC, AGENT_OPENING, "Skipped", "NoPod"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        s.view.acting_since = rows[i].acting;
        s.agents[0].link = rows[i].link;
        s.agents[0].up_since = rows[i].up;
        if (rows[i].link == AGENT_UP)
            s.view.steady = HOLDS_UNKNOWN;
        scene_decide(&s, rows[i].now);
        const struct effect *e = scene_effect(&s, EFFECT_STATUS, NULL);
        CHECK_STR(e ? json_str(e->body, "phase", "") : "", rows[i].phase);
        CHECK_STR(e ? json_str(e->body, "reason", "") : "", rows[i].reason);
        scene_done(&s);
    }
}

/* Else a run that this old alarm starts would pass for the drill's healing, and nothing for its detection. */
TEST(a_drill_waits_while_its_trigger_fires_or_is_about_to)
{
    const struct {
        const char *row;
        usec_t fired, cleared, alarm, now;
        const char *phase, *says;
    } rows[] = {
        {"it fires since a moment", T0 + 4 * USEC_SEC, 0, 0, T0 + 5 * USEC_SEC, "Pending", "fires already for target shop"},
        {"it fires since long", T0 - USEC_HOUR, 0, 0, T0 + 5 * USEC_SEC, "Skipped", "fires already for target shop"},
        {"it fired, and that is over", T0 + 4 * USEC_SEC, T0 + 5 * USEC_SEC, 0, T0 + 5 * USEC_SEC, "", ""},
        {"its condition holds since a moment", 0, 0, T0 + 4 * USEC_SEC, T0 + 5 * USEC_SEC, "Pending",
         "is about to fire for target shop"},
        {"its condition holds, and goes on", 0, 0, T0 + 4 * USEC_SEC, T0 + 14 * USEC_SEC, "Skipped",
         "is about to fire for target shop"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        if (rows[i].fired)
            scene_fire(&s, rows[i].fired, 0);
        s.firings[0].cleared_at = rows[i].cleared;
        s.view.alarm_since = rows[i].alarm;
        scene_decide(&s, rows[i].now);
        const struct effect *e = scene_effect(&s, EFFECT_STATUS, NULL);
        CHECK_STR(e ? json_str(e->body, "phase", "") : "", rows[i].phase);
        if (e)
            CHECK_CONTAINS(pending_message(&s), rows[i].says);
        scene_done(&s);
    }
}

/* A drill whose healing cannot start would fail gate 2 for no fault of the healing. */
TEST(a_drill_waits_for_the_playbooks_that_it_expects)
{
    const usec_t now = T0 + 5 * USEC_SEC, after = now + USEC_SEC;
    static const char rested[] = "spec.cooldown): it could not start for this drill", running[] = "is running for target shop";
    const struct {
        const char *row;
        struct drill_healer healers[2];
        usec_t now;
        const char *phase, *says;
    } rows[] = {
        {"none has ever run", {{"restart", false, 0, 0}}, now, "", ""},
        {"one has cooled down", {{"restart", false, T0, now}}, now, "", ""},
        {"one cools down", {{"restart", false, T0, after}}, now, "Pending", rested},
        {"one cools down, the other has",
         {{"restart", false, T0, after}, {"patch", false, T0, T0}},
         now,
         "Pending",
         "playbook restart"},
        {"the one that takes longest is named",
         {{"restart", false, T0, after}, {"patch", false, T0, after + 1}},
         now,
         "Pending",
         "playbook patch"},
        {"one that runs takes longest", {{"restart", false, T0, after}, {"patch", true, 0, 0}}, now, "Pending", "playbook patch"},
        {"one runs", {{"restart", true, 0, 0}}, now, "Pending", running},
        {"one runs for too long", {{"restart", true, 0, 0}}, T0 + 11 * USEC_MINUTE, "Skipped", running},
        {"one would cool down for too long: said at once", {{"restart", false, T0, T0 + USEC_HOUR}}, now, "Skipped", rested},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        memcpy(s.view.healers, rows[i].healers, sizeof(rows[i].healers));
        s.view.healer_count = rows[i].healers[1].playbook ? 2 : 1;
        scene_decide(&s, rows[i].now);
        const struct effect *e = scene_effect(&s, EFFECT_STATUS, NULL);
        CHECK_STR(e ? json_str(e->body, "phase", "") : "", rows[i].phase);
        if (e)
            CHECK_CONTAINS(pending_message(&s), rows[i].says);
        CHECK(!e == (scene_effect(&s, EFFECT_METADATA, NULL) != NULL)); /* it begins, or else takes no finalizer */
        scene_done(&s);
    }
}

int main(void)
{
    return check_run();
}

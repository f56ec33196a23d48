#include "drill_scene.h"

#define SEC USEC_SEC

/* Everything that the four gates look at, in seconds after "in force"; 0: it did not happen, or was not seen. */
struct row {
    const char *row;
    double fired, cleared; /* the expected trigger's firing */
    const char *run;       /* the playbook run's phase; NULL: none */
    double run_fired, run_ended;
    int confirm; /* the fresh look: -1 does not hold, 0 not seen, 1 holds */
    double confirm_since, verify_since;
    bool trigger_gone, watch_blind;
    double watch_since; /* from when on the trigger's probe was looked at without a gap; 0: all the time */
    double now;
    enum gate_result want[GATE_COUNT];
    const char *words; /* in the message of the first gate that did not pass (or of the last one) */
};

#define P GATE_PENDING
#define Y GATE_PASSED
#define N GATE_FAILED
#define I GATE_INCONCLUSIVE
#define X GATE_NOT_REQUIRED

static const struct row rows[] = {
    {.row = "healed: all four",
     .fired = 1,
     .cleared = 3,
     .run = "Succeeded",
     .run_fired = 1,
     .run_ended = 3,
     .confirm = 1,
     .confirm_since = 3,
     .verify_since = 2.5,
     .now = 4,
     .want = {Y, Y, X, Y},
     .words = "after 2.5s"},
    {.row = "nothing has happened yet", .now = 2, .want = {P, P, X, P}},
    {.row = "a firing from before the injection does not count",
     .fired = -2,
     .now = 17,
     .want = {N, P, X, P},
     .words = "did not fire within 15s"},
    {.row = "no firing is a failure only after the limit and the grace", .now = 15.5, .want = {P, P, X, P}},
    {.row = "a firing after the limit is too late",
     .fired = 15.5,
     .now = 17,
     .want = {N, P, X, P},
     .words = "later than the limit of 15s"},
    {.row = "a firing after the limit that nobody could have seen earlier is inconclusive",
     .fired = 15.5,
     .watch_since = 15.4,
     .now = 17,
     .want = {I, P, X, P},
     .words = "it was not watched all the time since the injection"},
    {.row = "a trigger that does not exist fails, and never passes",
     .trigger_gone = true,
     .now = 17,
     .want = {N, P, X, P},
     .words = "no Trigger of that name"},
    {.row = "what could not be watched is inconclusive",
     .watch_blind = true,
     .now = 17,
     .want = {I, P, X, P},
     .words = "could not be observed"},
    {.row = "no run within its time after the detection",
     .fired = 1,
     .now = 32.5,
     .want = {Y, N, X, P},
     .words = "was not started within 30s"},
    {.row = "a run for something before the injection does not count",
     .fired = 1,
     .run = "Succeeded",
     .run_fired = -5,
     .run_ended = 2,
     .now = 32.5,
     .want = {Y, N, X, P},
     .words = "was not started"},
    {.row = "a run that failed",
     .fired = 1,
     .run = "Failed",
     .run_fired = 1,
     .run_ended = 3,
     .now = 32.5,
     .want = {Y, N, X, P},
     .words = "failed"},
    {.row = "a run that failed may be followed by another until the limit",
     .fired = 1,
     .run = "Failed",
     .run_fired = 1,
     .run_ended = 3,
     .now = 20,
     .want = {Y, P, X, P}},
    {.row = "a run that is still at work at the limit",
     .fired = 1,
     .run = "Running",
     .run_fired = 1,
     .now = 32.5,
     .want = {Y, N, X, P},
     .words = "was not finished within 30s"},
    {.row = "a run that ended too late",
     .fired = 1,
     .run = "Succeeded",
     .run_fired = 1,
     .run_ended = 31.5,
     .now = 32.5,
     .want = {Y, N, X, P},
     .words = "later than the limit"},
    {.row = "healed without the playbook: gate 2 fails alone",
     .fired = 1,
     .cleared = 3,
     .confirm = 1,
     .confirm_since = 32.1,
     .verify_since = 3,
     .now = 33,
     .want = {Y, N, X, Y},
     .words = "was not started"},
    {.row = "the trigger still fires: the level is not back, whatever the step tolerates",
     .fired = 1,
     .run = "Succeeded",
     .run_fired = 1,
     .run_ended = 3,
     .confirm = 1,
     .confirm_since = 3,
     .now = 5,
     .want = {Y, Y, X, P}},
    {.row = "and fails at its limit",
     .fired = 1,
     .run = "Succeeded",
     .run_fired = 1,
     .run_ended = 3,
     .confirm = 1,
     .confirm_since = 3,
     .now = 25,
     .want = {Y, Y, X, N},
     .words = "still fires"},
    {.row = "a step that does not hold",
     .fired = 1,
     .cleared = 3,
     .run = "Succeeded",
     .run_fired = 1,
     .run_ended = 3,
     .confirm = -1,
     .confirm_since = 3,
     .now = 25,
     .want = {Y, Y, X, N},
     .words = "does not hold after"},
    {.row = "a step that could not be looked at is inconclusive",
     .fired = 1,
     .cleared = 3,
     .run = "Succeeded",
     .run_fired = 1,
     .run_ended = 3,
     .now = 25,
     .want = {Y, Y, X, I},
     .words = "could not be observed"},
    {.row = "back, but later than healWithin",
     .fired = 14,
     .cleared = 61,
     .run = "Succeeded",
     .run_fired = 14,
     .run_ended = 43,
     .confirm = 1,
     .confirm_since = 60.5,
     .verify_since = 60.5,
     .now = 60.6,
     .want = {Y, Y, X, N},
     .words = "later than the limit of 1m"},
};

static usec_t at(double seconds)
{
    return T0 + SEC + (usec_t)(seconds * (double)SEC);
}

TEST(each_gate_is_decided_by_evidence_after_the_injection_or_by_its_limit)
{
    for (size_t i = 0; i < array_len(rows); i++) {
        const struct row *row = &rows[i];
        struct scene s;
        CHECK_ROW(row->row);
        scene_init(&s);
        scene_inject(&s);
        if (row->fired != 0)
            scene_fire(&s, at(row->fired), row->cleared != 0 ? at(row->cleared) : 0);
        if (row->run)
            scene_run(&s, row->run, at(row->run_fired), row->run_ended != 0 ? at(row->run_ended) : 0);
        if (row->confirm)
            scene_see(&s, "confirm/beats", row->confirm > 0 ? HOLDS_TRUE : HOLDS_FALSE, at(row->confirm_since), "looked");
        if (row->verify_since != 0)
            scene_see(&s, "verify/beats", HOLDS_TRUE, at(row->verify_since), "looked");
        s.view.trigger_exists = !row->trigger_gone;
        if (row->watch_since)
            s.view.trigger_watch.known_since = at(row->watch_since);
        if (row->watch_blind)
            s.view.trigger_watch = (struct evidence){.message = "the session was lost"};
        struct gate gates[GATE_COUNT] = {0};
        struct gate_frame frame = {.began_at = at(-0.5), .injected_at = at(0)};
        usec_t again;
        gates_judge(&s.view, &frame, at(row->now), gates, &again);
        const char *message = gates[GATE_SLO_MET].message;
        for (int g = GATE_COUNT - 1; g >= 0; g--) {
            CHECK_INT(gates[g].result, row->want[g]);
            if (gates[g].result == GATE_FAILED || gates[g].result == GATE_INCONCLUSIVE)
                message = gates[g].message;
        }
        if (row->words)
            CHECK_CONTAINS(message, row->words);
        else
            CHECK(again != USEC_NEVER); /* what is pending is looked at again without being asked */
        scene_done(&s);
    }
}

TEST(the_verdict_is_failed_before_inconclusive_before_succeeded)
{
    static const struct {
        const char *row;
        enum gate_result results[GATE_COUNT];
        enum drill_phase want;
        const char *count;
    } verdicts[] = {
        {"all passed", {Y, Y, Y, Y}, DRILL_SUCCEEDED, "4/4"},
        {"what is not required counts as passed", {Y, Y, X, Y}, DRILL_SUCCEEDED, "4/4"},
        {"one failed", {Y, N, X, Y}, DRILL_FAILED, "3/4"},
        {"one unseen", {Y, I, X, Y}, DRILL_INCONCLUSIVE, "3/4"},
        {"failed outweighs unseen", {I, N, X, Y}, DRILL_FAILED, "2/4"},
        {"never passed by default", {P, P, P, P}, DRILL_INCONCLUSIVE, "0/4"},
    };
    for (size_t i = 0; i < array_len(verdicts); i++) {
        struct gate gates[GATE_COUNT] = {0};
        char count[4];
        CHECK_ROW(verdicts[i].row);
        for (int g = 0; g < GATE_COUNT; g++)
            gates[g].result = verdicts[i].results[g];
        CHECK_INT(gates_verdict(gates), verdicts[i].want);
        gates_count_text(gates, count);
        CHECK_STR(count, verdicts[i].count);
    }
}

TEST(a_gate_once_decided_does_not_change)
{
    struct scene s;
    scene_init(&s);
    scene_inject(&s);
    scene_fire(&s, at(1), 0);
    struct gate gates[GATE_COUNT] = {[GATE_TRIGGER_FIRED] = {.result = GATE_FAILED, .at = at(1), .message = "as decided"}};
    struct gate_frame frame = {.began_at = at(-0.5), .injected_at = at(0)};
    usec_t again;
    gates_judge(&s.view, &frame, at(2), gates, &again);
    CHECK_INT(gates[GATE_TRIGGER_FIRED].result, GATE_FAILED);
    CHECK_STR(gates[GATE_TRIGGER_FIRED].message, "as decided");
    scene_done(&s);
}

/* ── what is no evidence ── */

/* Detected after 1 s, healed by a run after 3 s, and confirmed: all four, unless something is wrong with it. */
static void healed(struct scene *s)
{
    scene_fire(s, at(1), at(3));
    scene_run(s, "Succeeded", at(1), at(3));
    scene_see(s, "verify/beats", HOLDS_TRUE, at(2.5), "looked");
    scene_see(s, "confirm/beats", HOLDS_TRUE, at(3), "looked");
}

static void reverted_before(struct scene *s, struct gate_frame *frame)
{
    healed(s);
    frame->ended_at = at(0.5);
}

static void reverted_between(struct scene *s, struct gate_frame *frame)
{
    healed(s);
    frame->ended_at = at(2);
}

static void reverted_after(struct scene *s, struct gate_frame *frame)
{
    healed(s);
    frame->ended_at = at(3.5);
}

static void run_of_earlier_firing(struct scene *s, struct gate_frame *frame)
{
    (void)frame;
    healed(s);
    scene_run(s, "Succeeded", at(-9), at(2));
    s->runs[0].incident = s->drill.incident; /* started late, when the drill was there */
}

static void run_of_other_pod(struct scene *s, struct gate_frame *frame)
{
    (void)frame;
    healed(s);
    s->runs[0].pod = "shop-2";
    s->runs[0].incident = s->drill.incident;
}

static void outside_run(struct scene *s, struct gate_frame *frame)
{
    (void)frame;
    healed(s);
    s->runs[0].reporter = "argo";
    s->runs[0].fired_at = 0;
    s->runs[0].incident = s->drill.incident;
}

static void outside_run_of_nothing(struct scene *s, struct gate_frame *frame)
{
    outside_run(s, frame);
    s->runs[0].incident = "";
}

static void outside_run_without_end(struct scene *s, struct gate_frame *frame)
{
    outside_run(s, frame);
    s->runs[0].ended_at = 0;
    s->runs[0].meta.created_at = at(1);
}

static void outside_run_from_before(struct scene *s, struct gate_frame *frame)
{
    outside_run_without_end(s, frame);
    s->runs[0].meta.created_at = frame->began_at - SEC;
}

static void agent_away_while_running(struct scene *s, struct gate_frame *frame)
{
    (void)frame;
    healed(s);
    scene_run(s, "Failed", at(1), at(3));
    s->agents[0].up_since = at(2);
}

static void outside_run_failed_meanwhile(struct scene *s, struct gate_frame *frame)
{
    agent_away_while_running(s, frame);
    s->runs[0].reporter = "argo";
}

static void fires_again(struct scene *s, struct gate_frame *frame)
{
    (void)frame;
    healed(s);
    s->firings[1] = s->firings[0];
    s->firings[1].since = s->firings[1].fired_at = at(5);
    s->firings[1].cleared_at = 0;
    s->view.firing_count = 2;
}

static void detector_blind(struct scene *s, struct gate_frame *frame)
{
    (void)frame;
    healed(s);
    s->firings[0].cleared_at = 0;
    s->view.trigger_watch = (struct evidence){.message = "the session is lost"};
}

static void held_when_first_seen(struct scene *s, struct gate_frame *frame)
{
    (void)frame;
    healed(s);
    struct evidence e = {.holds = HOLDS_TRUE, .since = at(0.2), .known_since = at(0.2), .seen_at = at(4)};
    evidences_set((struct evidences *)s->view.evidences, "verify/beats", &e);
}

static void first_seen_too_late(struct scene *s, struct gate_frame *frame)
{
    (void)frame;
    healed(s);
    struct evidence e = {.holds = HOLDS_TRUE, .since = at(30), .known_since = at(30), .seen_at = at(31)};
    evidences_set((struct evidences *)s->view.evidences, "verify/beats", &e);
    evidences_set((struct evidences *)s->view.evidences, "confirm/beats", &e);
}

static void back_after_its_step(struct scene *s, struct gate_frame *frame)
{
    (void)frame;
    healed(s);
    scene_see(s, "verify/beats", HOLDS_TRUE, at(25), "looked");
    scene_see(s, "confirm/beats", HOLDS_TRUE, at(25), "looked");
}

/* The session was away; the condition was there when it came back. */
static void fired_unseen(struct scene *s, struct gate_frame *frame)
{
    (void)frame;
    scene_fire(s, at(16), 0);
    s->view.trigger_watch = (struct evidence){.holds = HOLDS_FALSE, .since = at(16), .known_since = at(16)};
}

static void cleared_unseen(struct scene *s, struct gate_frame *frame)
{
    (void)frame;
    healed(s);
    s->firings[0].cleared_at = at(30);
    s->view.trigger_watch = (struct evidence){.holds = HOLDS_TRUE, .since = at(30), .known_since = at(30)};
}

static void trigger_deleted(struct scene *s, struct gate_frame *frame)
{
    usec_t again;
    struct gate gates[GATE_COUNT] = {0};
    healed(s);
    gates_judge(&s->view, frame, at(3), gates, &again);
    s->view.trigger_exists = false;
}

static void lost_with_a_controller(struct scene *s, struct gate_frame *frame)
{
    (void)frame;
    healed(s);
    s->view.firing_count = 0; /* it cleared before the controller died */
    s->view.observations = (observations_free((struct observations *)s->view.observations), observations_new());
    s->view.trigger_watch.known_since = at(2);
}

static void lost_without_a_run(struct scene *s, struct gate_frame *frame)
{
    lost_with_a_controller(s, frame);
    run_done(&s->runs[0]);
    s->view.run_count = 0;
}

static void only_the_run_tells(struct scene *s, struct gate_frame *frame)
{
    (void)frame;
    healed(s);
    s->view.firing_count = 0;
}

static void blind_for_a_while(struct scene *s, struct gate_frame *frame)
{
    (void)frame;
    s->view.trigger_watch.known_since = at(9);
}

static void first_look_just_after(struct scene *s, struct gate_frame *frame)
{
    (void)frame;
    s->view.trigger_watch.known_since = at(0.8);
}

static void within_the_clocks_error(struct scene *s, struct gate_frame *frame)
{
    healed(s);
    s->firings[0].since = frame->began_at - 150;
    s->firings[0].fired_at = at(1);
}

static void before_the_clocks_error(struct scene *s, struct gate_frame *frame)
{
    healed(s);
    s->firings[0].since = frame->began_at - SEC;
    s->firings[0].fired_at = at(1);
    s->firings[0].error = SEC; /* however wrong its clock may be */
    run_done(&s->runs[0]);
    s->view.run_count = 0;
}

TEST(nothing_is_credited_that_the_healing_did_not_do_and_nobody_is_blamed_for_what_was_not_seen)
{
    static const struct {
        const char *row;
        void (*set)(struct scene *, struct gate_frame *);
        double now;
        enum gate_result want[GATE_COUNT];
    } cases[] = {
        {"the fault was over before anything was detected", reverted_before, 4, {I, I, X, I}},
        {"it was over after the detection, and the run and the level came later", reverted_between, 4, {Y, I, X, I}},
        {"it was over after all of it", reverted_after, 4, {Y, Y, X, Y}},
        {"a run of this incident, but for an earlier firing", run_of_earlier_firing, 40, {Y, N, X, P}},
        {"a run of this incident for another pod", run_of_other_pod, 40, {Y, N, X, P}},
        {"an outside healer names the incident", outside_run, 4, {Y, Y, X, Y}},
        {"and one that names nothing is none of ours", outside_run_of_nothing, 40, {Y, N, X, P}},
        {"and one that does not say when it ended has ended when it is seen", outside_run_without_end, 40, {Y, N, X, P}},
        {"in time, where it is seen in time", outside_run_without_end, 4, {Y, Y, X, Y}},
        {"but one that was reported before the injection healed nothing", outside_run_from_before, 4, {Y, P, X, P}},
        {"a run that failed while the agent was away", agent_away_while_running, 40, {Y, I, X, P}},
        {"an outside healer does not need our agent", outside_run_failed_meanwhile, 40, {Y, N, X, P}},
        {"the detector fires again: the level is not back", fires_again, 6, {Y, Y, X, P}},
        {"nor at the limit", fires_again, 40, {Y, Y, X, N}},
        {"whether the detector has cleared cannot be seen", detector_blind, 40, {Y, Y, X, I}},
        {"a step that held when it was first seen says nothing of when", held_when_first_seen, 4, {Y, Y, X, Y}},
        {"a step that was first seen after the limit was perhaps met in time", first_seen_too_late, 31, {Y, Y, X, I}},
        {"a trigger that was seen to fire too late, after a while in which nothing was seen", fired_unseen, 16, {I, P, X, P}},
        {"a detector that was seen to have cleared too late, after such a while", cleared_unseen, 30, {Y, Y, X, I}},
        {"a trigger that was deleted does not clear by that", trigger_deleted, 4, {Y, Y, X, I}},
        {"a step that came back after its own limit", back_after_its_step, 25, {Y, Y, X, N}},
        {"what a controller that is gone saw fire is not said not to have fired", lost_with_a_controller, 17, {I, Y, X, P}},
        {"even where no run remembers it", lost_without_a_run, 17, {I, P, X, P}},
        {"nor what a run says has fired", only_the_run_tells, 17, {I, Y, X, P}},
        {"a trigger that could not be seen for a while", blind_for_a_while, 17, {I, P, X, P}},
        {"a watch that begins with the drill is early enough", first_look_just_after, 17, {N, P, X, P}},
        {"a condition that began with the injection, as far as clocks can tell", within_the_clocks_error, 4, {Y, Y, X, Y}},
        {"one that began a second earlier hides whether it would have begun", before_the_clocks_error, 17, {I, P, X, P}},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        struct scene s;
        CHECK_ROW(cases[i].row);
        scene_init(&s);
        scene_inject(&s);
        struct gate gates[GATE_COUNT] = {0};
        struct gate_frame frame = {.began_at = at(-0.5), .injected_at = at(0), .ended_why = "over"};
        cases[i].set(&s, &frame);
        usec_t again;
        gates_judge(&s.view, &frame, at(cases[i].now), gates, &again);
        if (gates[GATE_PLAYBOOK_EXECUTED].result != GATE_PENDING && cases[i].want[GATE_SLO_MET] == P)
            gates[GATE_SLO_MET].result = P; /* not what this row is about */
        for (int g = 0; g < GATE_COUNT; g++)
            CHECK_INT(gates[g].result, cases[i].want[g]);
        scene_done(&s);
    }
}

TEST(a_level_that_was_never_lost_came_back_when_the_detector_cleared)
{
    struct scene s;
    scene_init(&s);
    scene_inject(&s);
    struct gate gates[GATE_COUNT] = {0};
    struct gate_frame frame = {.began_at = at(-0.5), .injected_at = at(0)};
    usec_t again;
    held_when_first_seen(&s, &frame);
    gates_judge(&s.view, &frame, at(4), gates, &again);
    CHECK_INT(gates[GATE_SLO_MET].at, at(3));
    scene_done(&s);
}

/* Two coding tasks are asked for; `filed` seconds after "in force". */
TEST(coding_tasks_count_when_they_were_filed_in_time_and_for_this_incident)
{
    static const struct {
        const char *row, *type, *incident; /* incident NULL: ours */
        double filed[2];
        double ended, now;
        enum gate_result want;
    } cases[] = {
        {"both in time", "FixBug", NULL, {2, 3}, 0, 4, Y},
        {"one is not enough, yet", "FixBug", NULL, {2, 0}, 0, 4, P},
        {"nor at the limit", "FixBug", NULL, {2, 0}, 0, 80, N},
        {"one came after the limit", "FixBug", NULL, {2, 75}, 0, 80, N},
        {"one came after the fault was over", "FixBug", NULL, {2, 9}, 5, 10, I},
        {"a gap in the backlog is none", "CloseGap", NULL, {2, 3}, 0, 80, N},
        {"those of another incident are none", "FixBug", "chaos-0", {2, 3}, 0, 80, N},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        struct scene s;
        CHECK_ROW(cases[i].row);
        scene_init(&s);
        scene_inject(&s);
        s.card.coding_tasks = 2;
        scene_fire(&s, at(1), at(3));
        for (int t = 0; t < 2 && cases[i].filed[t] > 0; t++) {
            json_t *task = json_of("{\"metadata\":{\"name\":\"fix\",\"namespace\":\"shop\"},\"spec\":{}}");
            json_put_str(json_at(task, "spec"), "type", cases[i].type);
            json_put_str(json_at(task, "spec"), "incident", cases[i].incident ? cases[i].incident : s.drill.incident);
            json_put_time(json_at(task, "metadata"), "creationTimestamp", at(cases[i].filed[t]));
            task_decode(task, &s.tasks[s.view.task_count++]);
            json_decref(task);
        }
        struct gate gates[GATE_COUNT] = {0};
        struct gate_frame frame = {.began_at = at(-0.5), .injected_at = at(0), .ended_why = "over"};
        frame.ended_at = cases[i].ended > 0 ? at(cases[i].ended) : 0;
        usec_t again;
        gates_judge(&s.view, &frame, at(cases[i].now), gates, &again);
        CHECK_INT(gates[GATE_CODING_TASK_CREATED].result, cases[i].want);
        scene_done(&s);
    }
}

int main(void)
{
    return check_run();
}

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

int main(void)
{
    return check_run();
}

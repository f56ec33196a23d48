/* Walks a drill from its first decision to the end, in a small world with an agent, a trigger and a healer, with one thing going wrong at
 * each step and the controller dying at each step. What must hold on every walk is checked after every decision. */
#include "drill_scene.h"

#define STEPS_MAX 120
#define LEASE     (10 * USEC_SEC)

enum answer { ANSWER_OK, ANSWER_REFUSED, ANSWER_LOST_DONE, ANSWER_LOST_NOT_DONE, ANSWERS };
enum world_kind { HEALS, HEALS_SLOWLY, NEVER_HEALS, WORLDS };
enum trouble { QUIET, ABORT, DELETE, POD_GONE, POD_EVICTED, STOP, LINK_LOST, AGENT_RESTART, AGENT_FORGETS, CARD_GONE, TROUBLES };
static const char *const answer_names[] = {"ok", "refused", "lost, done", "lost, not done"};
static const char *const world_names[] = {"heals", "heals slowly", "never heals"};
static const char *const trouble_names[] = {"quiet", "abort",     "delete",        "pod gone",      "pod evicted",
                                            "stop",  "link lost", "agent restart", "agent forgets", "card gone"};

struct walk {
    struct scene s;
    enum answer inject;
    enum world_kind kind;
    enum trouble trouble;
    int trouble_at, crash_at, revert_failures;

    usec_t now, renewed_until, lost_at, crashed_at, troubled_at, injected_at, over_at, gone_at;
    bool in_force, by_agent, intended;
    usec_t verify_from, confirm_from; /* when these watches began; 0: not wanted */
    char verdict[32];
    int records;
    enum gate_result gates[GATE_COUNT];
};

static usec_t healed_at(const struct walk *w)
{
    usec_t after = w->kind == HEALS ? 2 * USEC_SEC : 13 * USEC_SEC;
    usec_t healed = w->kind == NEVER_HEALS || !w->injected_at ? USEC_NEVER : w->injected_at + after;
    return w->over_at ? usec_min(healed, w->over_at) : healed;
}

static void end_fault(struct walk *w, usec_t at, bool by_agent, const char *why)
{
    if (w->in_force && !w->over_at)
        w->over_at = at;
    w->in_force = false;
    w->by_agent = by_agent;
    scene_tell(&w->s, FAULT_REVERTED, by_agent, why, at);
}

/* What time does by itself. */
static void world_turns(struct walk *w)
{
    if (w->in_force && w->now > w->renewed_until + LEASE)
        end_fault(w, w->renewed_until + LEASE, true, "lease");
    if (w->in_force && w->now >= w->injected_at + 90 * USEC_SEC)
        end_fault(w, w->injected_at + 90 * USEC_SEC, true, "duration");
    if (w->lost_at && w->now >= w->lost_at + 20 * USEC_SEC && !w->gone_at) {
        w->s.agents[0].link = AGENT_UP;
        w->s.agents[0].up_since = w->now;
        w->lost_at = 0;
    }
}

static void see(struct walk *w, const char *key, usec_t from)
{
    struct evidence e = {.holds = HOLDS_UNKNOWN, .message = "not seen"};
    bool held = !w->injected_at || w->now < w->injected_at + USEC_MSEC || w->now >= healed_at(w);
    usec_t since = w->injected_at && held ? healed_at(w) : w->injected_at;
    if (from && !w->lost_at && !w->gone_at)
        e = (struct evidence){.holds = held ? HOLDS_TRUE : HOLDS_FALSE,
                              .since = usec_max(since, from),
                              .known_since = from,
                              .seen_at = w->now,
                              .message = "seen"};
    evidences_set((struct evidences *)w->s.view.evidences, key, &e);
}

/* What the drill may look at now. */
static void show(struct walk *w)
{
    struct scene *s = &w->s;
    usec_t fired = w->injected_at + USEC_SEC, healed = healed_at(w);
    bool fires = w->injected_at && w->now >= fired && (!w->over_at || w->over_at > fired);
    s->view.firing_count = 0;
    if (fires) {
        usec_t cleared = w->gone_at ? usec_min(healed, w->gone_at) : healed;
        bool forgotten = w->crashed_at && cleared <= w->crashed_at;
        if (!forgotten)
            scene_fire(s, fired, w->now >= cleared ? cleared : 0);
    }
    if (fires) { /* a run that claims success: the healing's, or right after the fault was ended by others */
        bool done = w->now >= healed;
        scene_run(s, done ? "Succeeded" : "Running", fired, done ? healed + (w->over_at ? 500 * USEC_MSEC : 0) : 0);
    }
    s->view.trigger_watch = (struct evidence){.holds = HOLDS_TRUE, .known_since = usec_max(1, w->crashed_at), .message = "watched"};
    if (w->lost_at || w->gone_at)
        s->view.trigger_watch = (struct evidence){.message = "not watched"};
    see(w, "verify/beats", w->verify_from);
    see(w, "confirm/beats", w->confirm_from);
    if (w->trouble == CARD_GONE && w->trouble_at < 0)
        s->view.card = NULL;
    if (w->gone_at)
        s->view.pod = NULL, s->view.agent = NULL, s->view.pod_count = 0;
}

static void go_wrong(struct walk *w)
{
    struct scene *s = &w->s;
    w->trouble_at = -1;                        /* it has happened */
    w->troubled_at = w->in_force ? w->now : 0; /* where nothing was in force nothing was lost */
    switch (w->trouble) {
    case QUIET:
    case CARD_GONE:
    case TROUBLES:
        break;
    case ABORT:
        json_put_bool(json_object_get(s->drill_json, "spec"), "abort", true);
        break;
    case DELETE:
        json_put_str(json_object_get(s->drill_json, "metadata"), "deletionTimestamp", "2025-11-15T07:40:05Z");
        break;
    case POD_GONE:
        w->gone_at = w->now;
        end_fault(w, w->now, true, "shutdown");
        break;
    case POD_EVICTED:
        s->pods[0].phase = "Failed";
        s->pods[0].ready = false;
        s->agents[0].link = AGENT_ABSENT;
        s->agents[0].fault_count = 0;
        if (w->in_force)
            w->over_at = w->now;
        w->in_force = false;
        break;
    case STOP:
        s->view.stopped = true;
        break;
    case LINK_LOST:
        s->agents[0].link = AGENT_LOST;
        w->lost_at = w->now;
        break;
    case AGENT_RESTART:
        if (w->in_force)
            end_fault(w, w->now, true, "restart");
        s->agents[0].up_since = w->now;
        break;
    case AGENT_FORGETS:
        if (w->in_force)
            w->over_at = w->now;
        w->in_force = false;
        s->agents[0].fault_count = 0;
        break;
    }
    scene_decode(s);
}

/* The process dies and another one begins: only what the API server and the agent have is left. */
static void crash(struct walk *w)
{
    struct scene *s = &w->s;
    observations_free((struct observations *)s->view.observations);
    evidences_free((struct evidences *)s->view.evidences);
    s->view.observations = observations_new();
    s->view.evidences = evidences_new();
    w->verify_from = w->confirm_from = 0;
    w->now += USEC_SEC;
    w->crashed_at = w->now;
    s->agents[0].up_since = w->now;
    w->crash_at = -1;
}

static void agent_answers(struct walk *w, const struct effect *e)
{
    struct scene *s = &w->s;
    const char *op = json_str(e->body, "op", "");
    CHECK(w->intended); /* written down before it is done */
    CHECK(!w->gone_at);
    if (w->lost_at) {
        scene_observe(s, e->id, OBSERVATION_FAILED, w->now, NULL);
        return;
    }
    if (str_equal(op, "inject")) {
        bool over = s->agents[0].fault_count && s->agents[0].faults[0].state == FAULT_REVERTED; /* an id is used once */
        bool done = !over && (w->in_force || w->inject == ANSWER_OK || w->inject == ANSWER_LOST_DONE);
        if (done && !w->in_force) {
            w->in_force = true;
            w->over_at = w->troubled_at = 0; /* made anew */
            w->injected_at = w->now;
            w->renewed_until = w->now;
        }
        if (done && w->inject == ANSWER_OK) {
            json_t *result = json_of("{\"state\":\"InForce\"}");
            json_put_time(result, "began", w->injected_at);
            json_put_time(result, "at", w->injected_at);
            scene_observe(s, e->id, OBSERVATION_OK, w->now, result);
        } else
            scene_observe(s, e->id, over || w->inject == ANSWER_REFUSED ? OBSERVATION_FAILED : OBSERVATION_UNKNOWN, w->now, NULL);
        return;
    }
    CHECK_STR(op, "revert");
    if (w->revert_failures-- > 0) {
        scene_observe(s, e->id, w->revert_failures ? OBSERVATION_FAILED : OBSERVATION_UNKNOWN, w->now, NULL);
        return;
    }
    const char *state = w->in_force ? "Reverted" : w->over_at ? "NotNeeded" : "Never";
    if (w->in_force)
        end_fault(w, w->now, false, "verdict");
    json_t *result = json_object();
    json_put_str(result, "state", state);
    scene_observe(s, e->id, OBSERVATION_OK, w->now, result);
}

/* What must hold of every status that is written. */
static void check_status(struct walk *w, const json_t *status)
{
    enum drill_phase phase;
    CHECK(drill_phase_parse(json_str(status, "phase", ""), &phase) && phase != DRILL_NEW);
    w->intended |= str_equal(json_str(status, "fault.state", ""), "Intended");
    struct gate gates[GATE_COUNT] = {0};
    gates_decode(json_at(status, "gates"), gates);
    for (int g = 0; g < GATE_COUNT; g++) {
        if (w->gates[g] != GATE_PENDING)
            CHECK_INT(gates[g].result, w->gates[g]); /* a decided gate does not change: the API server would refuse it */
        w->gates[g] = gates[g].result;
    }
    if (!drill_phase_terminal(phase))
        return;
    CHECK(!w->in_force);
    if (w->verdict[0])
        CHECK_STR(json_str(status, "phase", ""), w->verdict);
    str_copy(w->verdict, sizeof(w->verdict), json_str(status, "phase", ""));
    if (w->kind == NEVER_HEALS) {
        CHECK(gates[GATE_SLO_MET].result != GATE_PASSED); /* only a revert brought it back */
        CHECK(gates[GATE_PLAYBOOK_EXECUTED].result != GATE_PASSED);
        CHECK(phase != DRILL_SUCCEEDED);
    }
    if (w->trouble == QUIET && w->crashed_at == 0 && w->inject == ANSWER_OK)
        CHECK_STR(w->verdict, w->kind == NEVER_HEALS ? "Failed" : "Succeeded");
    if (w->inject != ANSWER_OK)
        CHECK(phase == DRILL_INCONCLUSIVE || phase == DRILL_ABORTED || phase == DRILL_SKIPPED);
    /* Nobody but the target is to blame for a failure: not a world that heals, and not what Drillyard lost. */
    CHECK(phase != DRILL_FAILED || w->kind == NEVER_HEALS);
    bool lost = w->trouble == POD_GONE || w->trouble == POD_EVICTED || w->trouble == AGENT_FORGETS || w->trouble == AGENT_RESTART;
    for (int g = 0; g < GATE_COUNT && lost && w->troubled_at; g++)
        CHECK(gates[g].result != GATE_FAILED || gates[g].at < w->troubled_at);
}

/* Carries the decision out; true: something was done. */
static bool carry_out(struct walk *w)
{
    struct scene *s = &w->s;
    bool done = false;
    for (size_t i = 0; i < s->decision.effect_count; i++) {
        const struct effect *e = &s->decision.effects[i];
        done |= e->type != EFFECT_EVENT && e->type != EFFECT_NOTE;
        if (e->key.kind == KIND_DRILL && e->type == EFFECT_STATUS)
            check_status(w, e->body);
        if (e->key.kind == KIND_DRILL && (e->type == EFFECT_STATUS || e->type == EFFECT_METADATA)) {
            char rv[16];
            str_format(rv, sizeof(rv), "%d", s->rv);
            CHECK_STR(e->rv, rv);
        }
        w->records += e->key.kind == KIND_LEDGER && json_object_get(json_object_get(e->body, "data"), s->drill.incident);
        if (e->key.kind == KIND_TASK && e->type == EFFECT_CREATE && s->view.task_count < array_len(s->tasks))
            task_decode(e->body, &s->tasks[s->view.task_count++]);
    }
    bool confirm = false, verify = false;
    for (size_t i = 0; i < s->decision.want_count; i++) {
        confirm |= str_starts(s->decision.wants[i].key, "confirm/");
        verify |= str_starts(s->decision.wants[i].key, "verify/");
    }
    if (w->gone_at && scene_want(s, "pod-listed"))
        scene_see(s, "pod-listed", HOLDS_FALSE, w->now, "there is no such object");
    w->confirm_from = !confirm ? 0 : w->confirm_from ? w->confirm_from : w->now;
    w->verify_from = !verify ? 0 : w->verify_from ? w->verify_from : w->now;
    scene_apply(s, w->now);
    for (size_t i = 0; i < s->decision.effect_count; i++)
        if (s->decision.effects[i].type == EFFECT_AGENT)
            agent_answers(w, &s->decision.effects[i]);
    return done;
}

static void step_on(struct walk *w, bool done)
{
    struct scene *s = &w->s;
    usec_t next = w->now + 20 * USEC_MSEC;
    if (!done) {
        CHECK(s->decision.again_at != USEC_NEVER); /* it waits for something, so it must look again by itself */
        next = usec_max(next, usec_min(s->decision.again_at, w->now + 60 * USEC_SEC));
        /* What the world shows of its own accord wakes it, too. */
        const usec_t wakes[] = {w->injected_at + USEC_SEC, healed_at(w), usec_add(healed_at(w), USEC_SEC),
                                w->lost_at + 20 * USEC_SEC};
        for (size_t i = 0; i < array_len(wakes); i++)
            if (wakes[i] > w->now && wakes[i] < next)
                next = wakes[i];
    }
    if (!str_empty(s->decision.lease_pod.name) && !w->lost_at)
        w->renewed_until = next;
    w->now = next;
}

static void walk(enum answer inject, enum world_kind kind, enum trouble trouble, int trouble_at, int crash_at, int revert_failures)
{
    char row[160];
    str_format(row, sizeof(row), "inject %s, world %s, %s at %d, crash at %d, %d reverts fail", answer_names[inject],
               world_names[kind], trouble_names[trouble], trouble_at, crash_at, revert_failures);
    CHECK_ROW(row);
    struct walk w = {.inject = inject,
                     .kind = kind,
                     .trouble = trouble,
                     .trouble_at = trouble_at,
                     .crash_at = crash_at,
                     .revert_failures = revert_failures,
                     .now = T0};
    scene_init(&w.s);
    int step = 0;
    for (; step < STEPS_MAX; step++) {
        if (step == w.trouble_at)
            go_wrong(&w);
        if (step == w.crash_at)
            crash(&w);
        world_turns(&w);
        show(&w);
        scene_decide(&w.s, w.now);
        bool ended = drill_phase_terminal(w.s.drill.phase) && !w.s.drill.finalizer;
        bool let_go = w.s.drill.meta.deleting && !w.s.drill.finalizer;
        if (ended || let_go) {
            CHECK_INT(w.s.decision.effect_count, 0); /* for good: whatever comes after changes nothing */
            if (let_go || (step > trouble_at && step > crash_at))
                break;
            w.now += USEC_SEC;
            continue;
        }
        step_on(&w, carry_out(&w));
    }
    CHECK(step < STEPS_MAX);
    CHECK(!w.s.drill.finalizer);
    CHECK(!w.in_force);
    CHECK_INT(w.records, str_empty(w.s.drill.incident) ? 0 : 1);
    if (!str_empty(w.s.drill.incident))
        CHECK(drill_phase_terminal(w.s.drill.phase));
    scene_done(&w.s);
    CHECK_ROW(NULL);
}

#define LAST_STEP 12

TEST(whatever_goes_wrong_at_whatever_step_a_drill_ends_once_with_nothing_left)
{
    for (int inject = 0; inject < ANSWERS; inject++)
        for (int kind = 0; kind < WORLDS; kind++)
            for (int trouble = 0; trouble < TROUBLES; trouble++)
                for (int at = 0; at < (trouble == QUIET ? 1 : LAST_STEP); at++)
                    walk((enum answer)inject, (enum world_kind)kind, (enum trouble)trouble, at, -1, 0);
}

TEST(a_controller_that_dies_at_whatever_step_changes_no_verdict_and_credits_nothing_to_a_revert)
{
    for (int kind = 0; kind < WORLDS; kind++)
        for (int trouble = 0; trouble < TROUBLES; trouble++)
            for (int at = 0; at < (trouble == QUIET ? 1 : LAST_STEP); at++)
                for (int dies = 0; dies < LAST_STEP; dies++)
                    walk(ANSWER_OK, (enum world_kind)kind, (enum trouble)trouble, at, dies, 0);
    for (int inject = 1; inject < ANSWERS; inject++)
        for (int dies = 0; dies < LAST_STEP; dies++)
            walk((enum answer)inject, NEVER_HEALS, QUIET, 0, dies, 0);
}

TEST(a_revert_that_fails_keeps_the_drill_open_until_it_succeeds)
{
    for (int failures = 1; failures < 8; failures++)
        for (int trouble = 0; trouble < TROUBLES; trouble++)
            for (int dies = -1; dies < LAST_STEP; dies += 3)
                walk(ANSWER_OK, NEVER_HEALS, (enum trouble)trouble, 5, dies, failures);
}

int main(void)
{
    return check_run();
}

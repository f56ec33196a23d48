#include "core/gate_parts.h"

#include "base/duration.h"
#include "base/str.h"

#include <stdarg.h>

/* How long after the injection the trigger's probe may be seen for the first time: its watch begins with the drill. */
#define FIRST_LOOK_WITHIN (3 * USEC_SEC)

void gate_decide(struct gate *g, enum gate_result result, usec_t at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_vformat(g->message, sizeof(g->message), format, args);
    va_end(args);
    g->result = result;
    g->at = at;
}

void gate_evidence(struct gate *g, const char *kind, const char *name)
{
    str_copy(g->evidence_kind, sizeof(g->evidence_kind), kind);
    str_copy(g->evidence_name, sizeof(g->evidence_name), name);
}

bool gates_decided(const struct gate gates[GATE_COUNT])
{
    return gates_count_decided(gates) == GATE_COUNT;
}

int gates_count_decided(const struct gate gates[GATE_COUNT])
{
    int decided = 0;
    for (int g = 0; g < GATE_COUNT; g++)
        decided += gates[g].result != GATE_PENDING;
    return decided;
}

enum drill_phase gates_verdict(const struct gate gates[GATE_COUNT])
{
    bool inconclusive = false;
    for (int g = 0; g < GATE_COUNT; g++) {
        if (gates[g].result == GATE_FAILED)
            return DRILL_FAILED;
        inconclusive |= gates[g].result == GATE_INCONCLUSIVE || gates[g].result == GATE_PENDING;
    }
    return inconclusive ? DRILL_INCONCLUSIVE : DRILL_SUCCEEDED;
}

bool gate_ended(const struct gate_frame *frame, struct gate *g)
{
    if (!frame->ended_at)
        return false;
    gate_decide(g, frame->ended_by_plan ? GATE_FAILED : GATE_INCONCLUSIVE, frame->ended_at, "%s", frame->ended_why);
    return true;
}

/* ── gate 1: the expected trigger fired ── */

/* Not before the injection, as far as clocks can tell. */
static bool since_injection(const struct drill_view *v, const struct gate_frame *frame, usec_t at, usec_t error)
{
    return usec_add(at, usec_min(v->drill->clock_error + error, GATE_CLOCK_SLACK)) >= frame->began_at;
}

/* Whatever came after the fault was over may be the doing of whoever ended it. */
static bool after_end(const struct gate_frame *frame, usec_t at)
{
    return frame->ended_at && at > frame->ended_at;
}

bool gate_firing_counts(const struct drill_view *v, const struct gate_frame *frame, const struct firing *f)
{
    return str_equal(f->trigger, v->card->trigger) && str_equal(f->target, v->drill->target) &&
           str_equal(f->ns, v->drill->meta.ns) && (str_empty(f->pod) || str_equal(f->pod, v->drill->status_pod)) &&
           since_injection(v, frame, f->since, f->error) && !after_end(frame, f->fired_at);
}

/* The earliest firing that counts; NULL: none. */
static const struct firing *firing_find(const struct drill_view *v, const struct gate_frame *frame)
{
    const struct firing *best = NULL;
    for (size_t i = 0; i < v->firing_count; i++)
        if (gate_firing_counts(v, frame, &v->firings[i]) && (!best || v->firings[i].fired_at < best->fired_at))
            best = &v->firings[i];
    return best;
}

static bool run_is_ours(const struct run *r)
{
    return str_empty(r->reporter) || str_equal(r->reporter, "drillyard");
}

/* A run says that the trigger fired, although nothing else remembers it: a controller that is gone saw it. */
static const struct run *run_that_tells(const struct drill_view *v, const struct gate_frame *frame)
{
    for (size_t i = 0; i < v->run_count; i++) {
        const struct run *r = &v->runs[i];
        if (run_is_ours(r) && str_equal(r->trigger, v->card->trigger) && str_equal(r->target, v->drill->target) &&
            (str_empty(r->pod) || str_equal(r->pod, v->drill->status_pod)) && r->fired_at >= frame->began_at)
            return r;
    }
    return NULL;
}

/* It fired since the injection, by a condition that began before; NULL: none such. */
static const struct firing *firing_too_old(const struct drill_view *v, const struct gate_frame *frame)
{
    for (size_t i = 0; i < v->firing_count; i++) {
        const struct firing *f = &v->firings[i];
        if (str_equal(f->trigger, v->card->trigger) && str_equal(f->target, v->drill->target) &&
            str_equal(f->ns, v->drill->meta.ns) && (str_empty(f->pod) || str_equal(f->pod, v->drill->status_pod)) &&
            f->fired_at >= frame->began_at && !since_injection(v, frame, f->since, f->error))
            return f;
    }
    return NULL;
}

/* From when on the trigger's probe must have been seen without a gap. A process that wrote the intent remembers what fired since. */
static usec_t watched_by(const struct drill_view *v, const struct gate_frame *frame)
{
    return drill_injected_here(v) ? usec_add(frame->injected_at, FIRST_LOOK_WITHIN) : frame->injected_at;
}

/* Whether the trigger's probe was looked at all the time until then. */
static bool watched_until(const struct drill_view *v, const struct gate_frame *frame, usec_t deadline)
{
    usec_t since = v->trigger_watch.known_since;
    return since && since <= usec_min(deadline, watched_by(v, frame));
}

static usec_t trigger_deadline(const struct drill_view *v, const struct gate_frame *frame)
{
    return usec_add(frame->injected_at, usec_min(v->card->trigger_within, v->card->detect_within));
}

static void judge_trigger(const struct drill_view *v, const struct gate_frame *frame, usec_t now, struct gate *g, usec_t *again)
{
    usec_t deadline = trigger_deadline(v, frame);
    char limit[32], took[32];
    duration_format(deadline - frame->injected_at, limit, sizeof(limit));
    const struct firing *f = firing_find(v, frame);
    if (f) {
        gate_evidence(g, "Trigger", f->trigger);
        usec_t detect = usec_max(0, f->fired_at - frame->injected_at);
        duration_format(detect, took, sizeof(took));
        if (f->fired_at <= deadline)
            gate_decide(g, GATE_PASSED, usec_max(f->fired_at, frame->injected_at), "%s fired after %s: %s", f->trigger, took,
                        f->message);
        else if (!watched_until(v, frame, deadline)) /* late may be only who looked, after a controller was gone */
            gate_decide(g, GATE_INCONCLUSIVE, f->fired_at,
                        "%.80s fired after %s, later than the limit of %s, but it was not watched all the time since the injection",
                        f->trigger, took, limit);
        else
            gate_decide(g, GATE_FAILED, f->fired_at, "%s fired after %s, later than the limit of %s", f->trigger, took, limit);
        return;
    }
    if (gate_ended(frame, g))
        return;
    if (now <= usec_add(deadline, GATE_GRACE)) {
        *again = usec_min(*again, usec_add(deadline, GATE_GRACE + 1));
        return;
    }
    gate_evidence(g, "Trigger", v->card->trigger);
    const struct evidence *seen = &v->trigger_watch;
    const struct run *told = run_that_tells(v, frame);
    const struct firing *old = firing_too_old(v, frame);
    if (!v->trigger_exists)
        gate_decide(g, GATE_FAILED, deadline, "trigger %s did not fire within %s: there is no Trigger of that name",
                    v->card->trigger, limit);
    else if (!seen->known_since)
        gate_decide(g, GATE_INCONCLUSIVE, deadline, "whether %s fired could not be observed: %s", v->card->trigger, seen->message);
    else if (!watched_until(v, frame, deadline))
        gate_decide(g, GATE_INCONCLUSIVE, deadline, "whether %s fired could not be observed all the time since the injection",
                    v->card->trigger);
    else if (old) {
        duration_format(frame->began_at - old->since, took, sizeof(took));
        gate_decide(g, GATE_INCONCLUSIVE, deadline, "%s fired, but its condition began %s before the injection: %s", old->trigger,
                    took, old->message);
    } else if (told)
        gate_decide(g, GATE_INCONCLUSIVE, deadline, "run %.100s says that %.60s fired, but when its condition began is not known",
                    told->meta.name, v->card->trigger);
    else
        gate_decide(g, GATE_FAILED, deadline, "trigger %s did not fire within %s: its probe says: %s", v->card->trigger, limit,
                    seen->message);
}

/* ── gate 2: the expected playbooks were executed ── */

/* For this incident, for this pod, and not for what fired before. Who says nothing of when must name the incident, which is known from the
 * intent on: what was reported before the injection, which may be a while later, is no healing of it (creation
 * times have whole seconds: one of the same second does not count either). */
static bool run_counts(const struct drill_view *v, const struct gate_frame *frame, const struct run *r, const char *playbook)
{
    if (!str_equal(r->playbook, playbook) || !str_equal(r->target, v->drill->target) ||
        (!str_empty(r->pod) && !str_equal(r->pod, v->drill->status_pod)) ||
        (!str_empty(r->incident) && !str_equal(r->incident, v->drill->incident)))
        return false;
    if (r->ended_at && !since_injection(v, frame, r->ended_at, 0))
        return false;
    if (!r->ended_at && !r->fired_at && r->meta.created_at < frame->began_at)
        return false;
    return r->fired_at ? since_injection(v, frame, r->fired_at, v->drill->clock_error) : !str_empty(r->incident);
}

/* Our own engine needs the agent: how a run went while that was away says nothing of the target. */
static bool run_disturbed(const struct drill_view *v, const struct run *r)
{
    return run_is_ours(r) && v->pod && v->agent && (v->agent->link != AGENT_UP || v->agent->up_since > r->fired_at);
}

static void fail_playbook(const struct drill_view *v, const struct run *r, const char *name, const char *limit, usec_t deadline,
                          const struct gate *detected, struct gate *g)
{
    if (!r && detected->result == GATE_INCONCLUSIVE)
        gate_decide(g, GATE_INCONCLUSIVE, deadline,
                    "playbook %s was not started, which is no wonder where %s could not be observed", name, v->card->trigger);
    else if (!r && v->pod && v->agent && (v->agent->link != AGENT_UP || v->agent->up_since > detected->at))
        gate_decide(g, GATE_INCONCLUSIVE, deadline, "playbook %s was not started within %s, but the agent in pod %.60s was away",
                    name, limit, v->drill->status_pod);
    else if (!r)
        gate_decide(g, GATE_FAILED, deadline, "playbook %s was not started within %s", name, limit);
    else if (run_disturbed(v, r))
        gate_decide(g, GATE_INCONCLUSIVE, deadline, "playbook %s did not succeed within %s, but the agent in pod %.60s was away",
                    name, limit, v->drill->status_pod);
    else if (r->phase == RUN_SUCCEEDED)
        gate_decide(g, GATE_FAILED, deadline, "playbook %s succeeded, but later than the limit of %s", name, limit);
    else if (r->phase == RUN_FAILED)
        gate_decide(g, GATE_FAILED, deadline, "playbook %s failed: %.160s", name, r->message);
    else
        gate_decide(g, GATE_FAILED, deadline, "playbook %s was not finished within %s: it is %s", name, limit,
                    r->phase == RUN_NEW ? "not started" : run_phase_name(r->phase));
}

static const struct run *run_best(const struct drill_view *v, const struct gate_frame *frame, const char *playbook)
{
    const struct run *best = NULL;
    for (size_t i = 0; i < v->run_count; i++) {
        const struct run *r = &v->runs[i];
        if (!run_counts(v, frame, r, playbook))
            continue;
        bool better = !best || (r->phase == RUN_SUCCEEDED) > (best->phase == RUN_SUCCEEDED) ||
                      (r->phase == RUN_SUCCEEDED && best->phase == RUN_SUCCEEDED && r->ended_at < best->ended_at) ||
                      (r->phase != RUN_SUCCEEDED && best->phase != RUN_SUCCEEDED && r->fired_at > best->fired_at);
        if (better)
            best = r;
    }
    return best;
}

static void judge_playbooks(const struct drill_view *v, const struct gate_frame *frame, const struct gate *detected, usec_t now,
                            struct gate *g, usec_t *again)
{
    if (!v->card->playbook_count) {
        gate_decide(g, GATE_NOT_REQUIRED, frame->injected_at, "the card expects no playbook");
        return;
    }
    usec_t base = detected->result == GATE_PASSED ? detected->at : trigger_deadline(v, frame);
    usec_t last_end = 0;
    for (size_t i = 0; i < v->card->playbook_count; i++) {
        const char *name = v->card->playbooks[i].name;
        usec_t deadline = usec_add(base, v->card->playbooks[i].within);
        char limit[32];
        duration_format(v->card->playbooks[i].within, limit, sizeof(limit));
        const struct run *r = run_best(v, frame, name);
        if (r)
            gate_evidence(g, "PlaybookRun", r->meta.name);
        else
            gate_evidence(g, "Playbook", name);
        usec_t end = r && r->ended_at ? r->ended_at : now; /* an outside healer may leave it out: then it is when we see it */
        if (r && r->phase == RUN_SUCCEEDED && end <= deadline && !after_end(frame, end)) {
            last_end = usec_max(last_end, end);
            continue;
        }
        if (gate_ended(frame, g))
            return;
        if (detected->result == GATE_PENDING || now <= usec_add(deadline, GATE_GRACE)) {
            *again = usec_min(*again, usec_add(deadline, GATE_GRACE + 1));
            return;
        }
        fail_playbook(v, r, name, limit, deadline, detected, g);
        return;
    }
    gate_decide(g, GATE_PASSED, last_end,
                v->card->playbook_count == 1 ? "playbook %s succeeded" : "playbook %s and the others succeeded",
                v->card->playbooks[0].name);
}

/* ── gate 3: the coding tasks were filed ── */

static void judge_coding_tasks(const struct drill_view *v, const struct gate_frame *frame, const struct gate *detected, usec_t now,
                               struct gate *g, usec_t *again)
{
    if (v->card->coding_tasks <= 0) {
        gate_decide(g, GATE_NOT_REQUIRED, frame->injected_at, "the card asks for no coding task");
        return;
    }
    usec_t base = detected->result == GATE_PASSED ? detected->at : trigger_deadline(v, frame);
    usec_t deadline = usec_add(base, v->card->heal_within == USEC_NEVER ? USEC_MINUTE : v->card->heal_within);
    usec_t last_filed = frame->injected_at;
    int filed = 0;
    for (size_t i = 0; i < v->task_count; i++) {
        const struct task *t = &v->tasks[i];
        bool in_time = t->meta.created_at <= deadline && !after_end(frame, t->meta.created_at);
        if (!in_time || !str_equal(t->incident, v->drill->incident) || str_equal(t->type, "CloseGap"))
            continue;
        filed++;
        last_filed = usec_max(last_filed, t->meta.created_at);
        gate_evidence(g, "CodingTask", t->meta.name);
    }
    if (filed >= v->card->coding_tasks) {
        gate_decide(g, GATE_PASSED, last_filed, "%d coding task%s filed", filed, filed == 1 ? "" : "s");
        return;
    }
    if (gate_ended(frame, g))
        return;
    if (now <= usec_add(deadline, GATE_GRACE)) {
        *again = usec_min(*again, usec_add(deadline, GATE_GRACE + 1));
        return;
    }
    gate_decide(g, detected->result == GATE_INCONCLUSIVE ? GATE_INCONCLUSIVE : GATE_FAILED, deadline,
                "%d of %d coding tasks were filed", filed, v->card->coding_tasks);
}

void gates_judge(const struct drill_view *v, const struct gate_frame *frame, usec_t now, struct gate gates[GATE_COUNT],
                 usec_t *ret_again)
{
    *ret_again = USEC_NEVER;
    struct gate *detected = &gates[GATE_TRIGGER_FIRED];
    if (detected->result == GATE_PENDING)
        judge_trigger(v, frame, now, detected, ret_again);
    if (gates[GATE_PLAYBOOK_EXECUTED].result == GATE_PENDING)
        judge_playbooks(v, frame, detected, now, &gates[GATE_PLAYBOOK_EXECUTED], ret_again);
    if (gates[GATE_CODING_TASK_CREATED].result == GATE_PENDING)
        judge_coding_tasks(v, frame, detected, now, &gates[GATE_CODING_TASK_CREATED], ret_again);
    bool known = detected->result != GATE_PENDING && gates[GATE_PLAYBOOK_EXECUTED].result != GATE_PENDING;
    if (gates[GATE_SLO_MET].result == GATE_PENDING && known)
        gate_judge_level(v, frame, now, gates, ret_again);
}

#include "core/gate.h"

#include "base/duration.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 4, 5))) static void gate_decide(struct gate *g, enum gate_result result, usec_t at,
                                                              const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(g->message, sizeof(g->message), format, args);
    va_end(args);
    g->result = result;
    g->at = at;
}

static void gate_evidence(struct gate *g, const char *kind, const char *name)
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

/* A gate that is open when the fault is over can no longer be proved. Returns true where it was decided by that. */
static bool gate_ended(const struct gate_frame *frame, struct gate *g)
{
    if (!frame->ended_at)
        return false;
    gate_decide(g, frame->ended_by_plan ? GATE_FAILED : GATE_INCONCLUSIVE, frame->ended_at, "%s", frame->ended_why);
    return true;
}

/* ── gate 1: the expected trigger fired ── */

static bool firing_counts(const struct drill_view *v, const struct gate_frame *frame, const struct firing *f)
{
    return str_equal(f->trigger, v->card->trigger) && str_equal(f->target, v->drill->target) &&
           str_equal(f->ns, v->drill->meta.ns) && (str_empty(f->pod) || str_equal(f->pod, v->drill->status_pod)) &&
           f->since >= frame->began_at;
}

/* The earliest firing that counts; NULL: none. */
static const struct firing *firing_find(const struct drill_view *v, const struct gate_frame *frame)
{
    const struct firing *best = NULL;
    for (size_t i = 0; i < v->firing_count; i++)
        if (firing_counts(v, frame, &v->firings[i]) && (!best || v->firings[i].fired_at < best->fired_at))
            best = &v->firings[i];
    return best;
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
    if (!v->trigger_exists)
        gate_decide(g, GATE_FAILED, deadline, "trigger %s did not fire within %s: there is no Trigger of that name",
                    v->card->trigger, limit);
    else if (!seen->known_since || seen->known_since > deadline)
        gate_decide(g, GATE_INCONCLUSIVE, deadline, "whether %s fired could not be observed: %s", v->card->trigger, seen->message);
    else
        gate_decide(g, GATE_FAILED, deadline, "trigger %s did not fire within %s: its probe says: %s", v->card->trigger, limit,
                    seen->message);
}

/* ── gate 2: the expected playbooks were executed ── */

static bool run_counts(const struct drill_view *v, const struct gate_frame *frame, const struct run *r, const char *playbook)
{
    if (!str_equal(r->playbook, playbook) || !str_equal(r->target, v->drill->target))
        return false;
    if (!str_empty(r->incident))
        return str_equal(r->incident, v->drill->incident);
    return r->fired_at >= frame->began_at;
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
        if (r && r->phase == RUN_SUCCEEDED && r->ended_at <= deadline) {
            last_end = usec_max(last_end, r->ended_at);
            continue;
        }
        if (gate_ended(frame, g))
            return;
        if (detected->result == GATE_PENDING || now <= usec_add(deadline, GATE_GRACE)) {
            *again = usec_min(*again, usec_add(deadline, GATE_GRACE + 1));
            return;
        }
        if (!r)
            gate_decide(g, GATE_FAILED, deadline, "playbook %s was not started within %s", name, limit);
        else if (r->phase == RUN_SUCCEEDED)
            gate_decide(g, GATE_FAILED, deadline, "playbook %s succeeded, but later than the limit of %s", name, limit);
        else if (r->phase == RUN_FAILED)
            gate_decide(g, GATE_FAILED, deadline, "playbook %s failed: %.160s", name, r->message);
        else
            gate_decide(g, GATE_FAILED, deadline, "playbook %s was not finished within %s: it is %s", name, limit,
                        r->phase == RUN_NEW ? "not started" : run_phase_name(r->phase));
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
    int filed = 0;
    for (size_t i = 0; i < v->task_count; i++) {
        const struct task *t = &v->tasks[i];
        if (!str_equal(t->incident, v->drill->incident) || str_equal(t->type, "CloseGap"))
            continue;
        filed++;
        gate_evidence(g, "CodingTask", t->meta.name);
    }
    if (filed >= v->card->coding_tasks) {
        gate_decide(g, GATE_PASSED, now, "%d coding task%s filed", filed, filed == 1 ? "" : "s");
        return;
    }
    usec_t base = detected->result == GATE_PASSED ? detected->at : trigger_deadline(v, frame);
    usec_t deadline = usec_add(base, v->card->heal_within == USEC_NEVER ? USEC_MINUTE : v->card->heal_within);
    if (gate_ended(frame, g))
        return;
    if (now <= usec_add(deadline, GATE_GRACE)) {
        *again = usec_min(*again, usec_add(deadline, GATE_GRACE + 1));
        return;
    }
    gate_decide(g, GATE_FAILED, deadline, "%d of %d coding tasks were filed", filed, v->card->coding_tasks);
}

/* ── gate 4: the service level came back, before our own revert ── */

static void watch_key(char dest[EFFECT_ID_SIZE], const char *prefix, const json_t *step, size_t index)
{
    const char *name = json_str(step, "name", NULL);
    if (name)
        str_format(dest, EFFECT_ID_SIZE, "%s/%.64s", prefix, name);
    else
        str_format(dest, EFFECT_ID_SIZE, "%s/%zu", prefix, index);
}

static const char *step_name(const json_t *step)
{
    return json_str(step, "name", "verification step");
}

/* What came back only when (or after) the fault ended by itself is not the healing's doing. */
static bool came_back_by_itself(const struct gate_frame *frame, usec_t since)
{
    return frame->ended_at && since >= frame->ended_at;
}

/* Service-level probes take many samples a look; the others are cheap. */
static usec_t verify_every(const json_t *probe)
{
    bool costly = json_object_get(probe, "slo") || json_object_get(probe, "http") || json_object_get(probe, "exec");
    return costly ? USEC_SEC : 250 * USEC_MSEC;
}

/* When verification began: once it is known who detected and who healed. */
static usec_t verify_from(const struct gate gates[GATE_COUNT])
{
    return usec_max(gates[GATE_TRIGGER_FIRED].at, gates[GATE_PLAYBOOK_EXECUTED].at);
}

static void judge_slo(const struct drill_view *v, const struct gate_frame *frame, usec_t now, struct gate gates[GATE_COUNT],
                      usec_t *again)
{
    struct gate *g = &gates[GATE_SLO_MET];
    usec_t from = verify_from(gates), healed = 0, deadline = 0;
    const char *open_name = NULL;
    const struct evidence *open = NULL;
    size_t i;
    json_t *step;
    json_array_foreach((json_t *)v->card->verify, i, step)
    {
        char verify_id[EFFECT_ID_SIZE], confirm_id[EFFECT_ID_SIZE];
        watch_key(verify_id, "verify", step, i);
        watch_key(confirm_id, "confirm", step, i);
        const struct evidence *all_along = evidences_get(v->evidences, verify_id);
        const struct evidence *fresh = evidences_get(v->evidences, confirm_id);
        deadline = usec_max(deadline, usec_add(from, json_duration(step, "within", USEC_MINUTE)));
        if (fresh->holds == HOLDS_TRUE && !came_back_by_itself(frame, fresh->since)) {
            if (all_along->holds == HOLDS_TRUE && all_along->since > frame->began_at)
                healed = usec_max(healed, all_along->since);
        } else if (!open) {
            open = fresh;
            open_name = step_name(step);
        }
    }
    const struct firing *f = firing_find(v, frame);
    bool firing = f && (!f->cleared_at || came_back_by_itself(frame, f->cleared_at));
    if (v->card->heal_within != USEC_NEVER)
        deadline = usec_min(deadline, usec_add(frame->injected_at, v->card->heal_within));
    deadline = usec_max(deadline, usec_add(from, 2 * USEC_SEC)); /* time for one fresh look, however late the others were decided */

    gate_evidence(g, "Probe", open_name ? open_name : "verify");
    if (!open && !firing) {
        /* A step that was never seen broken says nothing of when: then the detector does, and without one the first fresh look. */
        if (!healed)
            healed = f ? f->cleared_at : from;
        char took[32], limit[32];
        duration_format(usec_max(0, healed - frame->injected_at), took, sizeof(took));
        if (v->card->heal_within != USEC_NEVER && healed - frame->injected_at > v->card->heal_within) {
            duration_format(v->card->heal_within, limit, sizeof(limit));
            gate_decide(g, GATE_FAILED, healed, "the service level came back after %s, later than the limit of %s", took, limit);
        } else
            gate_decide(g, GATE_PASSED, usec_max(healed, frame->injected_at), "the service level was met again after %s", took);
        return;
    }
    if (gate_ended(frame, g))
        return;
    if (now <= usec_add(deadline, GATE_GRACE)) {
        *again = usec_min(*again, usec_add(deadline, GATE_GRACE + 1));
        return;
    }
    char limit[32];
    duration_format(deadline - frame->injected_at, limit, sizeof(limit));
    if (open && open->holds == HOLDS_UNKNOWN)
        gate_decide(g, GATE_INCONCLUSIVE, deadline, "%s could not be observed: %s", open_name, open->message);
    else if (open)
        gate_decide(g, GATE_FAILED, deadline, "%s does not hold after %s: %s", open_name, limit, open->message);
    else {
        gate_evidence(g, "Trigger", f->trigger);
        gate_decide(g, GATE_FAILED, deadline, "trigger %s still fires after %s: %s", f->trigger, limit, f->message);
    }
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
        judge_slo(v, frame, now, gates, ret_again);
}

/* The probes are looked at from the drilled pod, or, when healing replaced it, from another ready one of the target. */
static struct key verify_pod(const struct drill_view *v)
{
    if (v->pod)
        return meta_key(&v->pod->meta, KIND_POD);
    for (size_t i = 0; i < v->pod_count; i++)
        if (v->pods[i].ready && v->agents[i].link != AGENT_ABSENT)
            return meta_key(&v->pods[i].meta, KIND_POD);
    return key_of(KIND_POD, v->drill->meta.ns, "");
}

void gates_want(const struct drill_view *v, const struct gate gates[GATE_COUNT], struct decision *d)
{
    struct key pod = verify_pod(v);
    bool confirm = gates[GATE_TRIGGER_FIRED].result != GATE_PENDING && gates[GATE_PLAYBOOK_EXECUTED].result != GATE_PENDING;
    size_t i;
    json_t *step;
    json_array_foreach((json_t *)v->card->verify, i, step)
    {
        struct error err = {0};
        char key[EFFECT_ID_SIZE];
        json_t *probe = target_resolve(v->target, json_object_get(step, "probe"), "spec.verify", &err);
        if (!probe)
            continue; /* the card would not have been applicable */
        if (confirm) {
            /* Marked, so that it is a watch of its own: its first look is taken after the first two gates were decided. */
            json_t *again = json_copy(probe);
            json_put_str(again, "look", "confirm");
            watch_key(key, "confirm", step, i);
            decision_want(d, key, &pod, again, verify_every(probe), 0, USEC_SEC);
        }
        watch_key(key, "verify", step, i);
        decision_want(d, key, &pod, probe, verify_every(probe), 0, USEC_SEC);
    }
}

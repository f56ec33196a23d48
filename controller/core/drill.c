#include "core/drill.h"

#include "base/duration.h"
#include "base/str.h"
#include "core/drill_inject.h"
#include "core/drill_pending.h"
#include "core/drill_revert.h"
#include "core/drill_write.h"
#include "core/gap.h"
#include "core/gate.h"

/* How long the agent may be away while it is unknown whether the fault is in force, before the drill gives up and reverts. */
#define DRILL_INJECT_WAIT (30 * USEC_SEC)
/* How often it is asked whether a namespace that is out of sight is being deleted. */
#define DRILL_NAMESPACE_LOOK (15 * USEC_SEC)

const struct agent_fault *agent_fault_find(const struct agent_state *a, const char *id)
{
    for (size_t i = 0; a && i < a->fault_count; i++)
        if (str_equal(a->faults[i].id, id))
            return &a->faults[i];
    return NULL;
}

/* Everything from here on is remembered first (a note), then done: the verdict can not be changed by what the revert does. */
static void conclude(const struct drill_view *v, enum drill_phase phase, const char *reason, const char *message,
                     const struct gate gates[GATE_COUNT], usec_t now, struct decision *d)
{
    struct verdict verdict = {.phase = phase, .at = now};
    str_copy(verdict.reason, sizeof(verdict.reason), reason);
    str_copy(verdict.message, sizeof(verdict.message), message);
    memcpy(verdict.gates, gates, sizeof(verdict.gates));
    for (int g = 0; g < GATE_COUNT; g++)
        if (verdict.gates[g].result == GATE_PENDING) {
            verdict.gates[g].result = GATE_INCONCLUSIVE;
            verdict.gates[g].at = now;
            str_format(verdict.gates[g].message, sizeof(verdict.gates[g].message), "not judged: %.200s", message);
        }
    d->lease_pod = key_of(KIND_POD, "", ""); /* from now on the agent's own revert is welcome */
    decision_note(d, "verdict", verdict_encode(&verdict));
    drill_decide_reverting(v, &verdict, now, d);
}

/* ── Injecting ── */

/* Edited since the intent, as far as this process remembers: the gates would be judged by what nobody asked for then. */
static bool card_changed(const struct drill_view *v)
{
    const json_t *then = observations_get(v->observations, "intent")->result;
    return then && (!str_equal(json_str(then, "cardUID", ""), v->card->meta.uid) ||
                    json_int(then, "cardGeneration", 0) != v->card->meta.generation);
}

static void decide_injecting(const struct drill_view *v, usec_t now, struct decision *d)
{
    const struct drill *drill = v->drill;
    char message[512];
    struct fault_view f = fault_look(v, now);
    const struct observation *asked = observations_get(v->observations, "inject");
    if (f.now == FAULT_NOW_OVER) {
        str_format(message, sizeof(message), "%s before the fault was seen in force",
                   f.by_pod     ? "the pod went away"
                   : f.by_agent ? "the agent reverted it"
                                : "a controller that is gone reverted it");
        conclude(v, DRILL_INCONCLUSIVE, f.by_pod ? "PodGone" : "FaultEnded", message, drill->gates, now, d);
        return;
    }
    if (!drill_pod_there(v))
        return;                                       /* it is not certain yet that it is gone */
    d->lease_pod = meta_key(&v->pod->meta, KIND_POD); /* the answer must still be true when it is written down */
    switch (asked->state) {
    case OBSERVATION_NONE:
        if (v->agent->link == AGENT_UP) {
            struct error err = {0};
            /* An intent that lay about while nobody led: what allowed it then may not hold now. What the agent has is another matter. */
            if (f.now != FAULT_NOW_ACTIVE && !agent_fault_find(v->agent, drill->fault_id) &&
                (now > drill->started_at + DRILL_INJECT_WAIT || v->steady == HOLDS_FALSE)) {
                str_format(message, sizeof(message),
                           "the fault was not made in time after the intent, or the target is not steady: %.200s",
                           v->steady_message);
                conclude(v, DRILL_INCONCLUSIVE, "TooLate", message, drill->gates, now, d);
                return;
            }
            if (v->card && (card_changed(v) || !str_equal(v->card->method, json_str(drill->status, "fault.method", "")))) {
                conclude(v, DRILL_ABORTED, "CardChanged", "the card was changed before its fault was made", drill->gates, now, d);
                return;
            }
            json_t *body = drill_inject_body(v, &err);
            if (!body) {
                conclude(v, DRILL_INCONCLUSIVE, "NotApplicable", err.text, drill->gates, now, d);
                return;
            }
            struct key pod = meta_key(&v->pod->meta, KIND_POD);
            decision_agent(d, "inject", &pod, body, DRILL_INJECT_WAIT);
            return;
        }
        if (now > drill->started_at + DRILL_INJECT_WAIT) {
            str_format(message, sizeof(message), "the agent in pod %s was away: %.300s", drill->status_pod, v->agent->message);
            conclude(v, DRILL_INCONCLUSIVE, "AgentLost", message, drill->gates, now, d);
            return;
        }
        decision_again(d, drill->started_at + DRILL_INJECT_WAIT + 1);
        return;
    case OBSERVATION_IN_FLIGHT:
        decision_again(d, now + DRILL_INJECT_WAIT);
        return;
    case OBSERVATION_OK:
        drill_write_status(v, drill_status_in_force(v, asked, now), d);
        struct key key = drill_key(v);
        str_format(message, sizeof(message), "%s is in force in pod %s", v->card ? v->card->method : "the fault",
                   drill->status_pod);
        decision_event(d, &key, "injected", false, "Injected", "Inject", message);
        return;
    case OBSERVATION_FAILED:
        str_format(message, sizeof(message), "the agent refused the injection: %.400s", asked->err.text);
        conclude(v, DRILL_INCONCLUSIVE, "InjectionFailed", message, drill->gates, now, d);
        return;
    case OBSERVATION_UNKNOWN:
        str_format(message, sizeof(message), "whether the fault came into force is unknown: %.400s", asked->err.text);
        conclude(v, DRILL_INCONCLUSIVE, "AgentLost", message, drill->gates, now, d);
        return;
    }
}

/* ── in force: judge ── */

/* Probes that end the drill early: the card's rollback.when and the target's safety.stopWhen. */
static bool want_and_check_stops(const struct drill_view *v, const json_t *probes, const char *prefix, char message[512],
                                 struct decision *d)
{
    size_t i;
    json_t *item;
    struct key pod = meta_key(&v->pod->meta, KIND_POD);
    bool stop = false;
    json_array_foreach((json_t *)probes, i, item)
    {
        struct error err = {0};
        json_t *probe =
            target_resolve(v->target, json_object_get(item, "probe") ? json_object_get(item, "probe") : item, prefix, &err);
        if (!probe)
            continue;
        if (json_object_get(probe, "pods"))
            json_put_str(json_object_get(probe, "pods"), "except", v->pod->meta.name);
        char key[EFFECT_ID_SIZE];
        str_format(key, sizeof(key), "%s/%zu", prefix, i);
        decision_want(d, key, &pod, probe, USEC_SEC, 0, 0);
        const struct evidence *seen = evidences_get(v->evidences, key);
        if (seen->holds == HOLDS_TRUE && !stop) {
            stop = true;
            str_format(message, 512, "%s %s: %.300s", prefix, json_str(item, "name", "condition"), seen->message);
        }
    }
    return stop;
}

/* Whether what a run has begun so far can end a pod. What somebody else's run does is not known. */
static bool replaces_pods(const struct drill_view *v, const struct run *r)
{
    if (!str_empty(r->reporter) && !str_equal(r->reporter, "drillyard"))
        return true;
    bool rollout = v->target && str_equal(json_str(v->target->facets, "process.restart", ""), "Workload");
    for (size_t i = 0; i < json_array_size(r->steps); i++) {
        const json_t *row = json_array_get(r->steps, i);
        const char *action = json_str(row, "action", ""), *state = json_str(row, "state", "");
        if (!str_equal(state, "Pending") && !str_equal(state, "Skipped") &&
            (str_equal(action, "RestartService") || str_equal(action, "ScaleWorkers") ||
             (rollout && str_equal(action, "RestartKernel"))))
            return true;
    }
    return false;
}

/* Healing may replace the pod: then its end is no loss, but the effect of a run for this incident. */
static bool healing_began(const struct drill_view *v)
{
    for (size_t i = 0; i < v->run_count; i++)
        if (str_equal(v->runs[i].incident, v->drill->incident) &&
            (str_empty(v->runs[i].pod) || str_equal(v->runs[i].pod, v->drill->status_pod)) && v->runs[i].phase != RUN_NEW &&
            v->runs[i].phase != RUN_PENDING && replaces_pods(v, &v->runs[i]))
            return true;
    return false;
}

/* The agent says by the clock of this controller when the fault came into force, the drill's status by the clock of the one that had it
 * injected. How far they differ where that is more than two looks at a clock may; 0: they agree, or nothing is told. */
static usec_t clocks_apart(const struct drill_view *v)
{
    const struct agent_fault *told = v->agent && v->agent->link == AGENT_UP ? agent_fault_find(v->agent, v->drill->fault_id) : NULL;
    if (!told || told->state != FAULT_IN_FORCE || !told->at || !v->drill->injected_at)
        return 0;
    usec_t apart = told->at - v->drill->injected_at;
    apart = apart < 0 ? -apart : apart;
    return apart > GATE_CLOCK_SLACK + v->agent->clock_error + v->drill->clock_error ? apart : 0;
}

bool drill_injected_here(const struct drill_view *v)
{
    return observations_get(v->observations, "intent")->state == OBSERVATION_OK;
}

usec_t drill_lease(const struct drill_view *v)
{
    return v->drill->lease ? v->drill->lease : v->lease;
}

/* Whoever did not inject knows from the agent alone whether the fault is in force still, and whether the clocks agree. Until the agent was
 * heard of it judges nothing, for as long as a lease, when the agent that lives has reverted the fault by itself. */
static bool agent_unheard(const struct drill_view *v)
{
    return !drill_injected_here(v) && drill_pod_there(v) && (!v->agent || v->agent->link != AGENT_UP) &&
           !agent_fault_find(v->agent, v->drill->fault_id);
}

/* Healing that replaces pods is at work, and the pod is out of sight: replaced, or without its label. The API server is being asked. */
static bool pod_unasked(const struct drill_view *v)
{
    return drill_pod_hidden(v) == HOLDS_UNKNOWN && healing_began(v);
}

/* Until then nothing is judged, since what is needed for it may yet be heard. 0: it is all there. */
static usec_t awaited_until(const struct drill_view *v, usec_t now)
{
    usec_t since = 0;
    if (agent_unheard(v)) {
        /* Noted when this process first saw the drill in force. */
        const struct observation *here = observations_get(v->observations, "pod");
        since = here->state == OBSERVATION_OK ? here->answered_at : now;
    } else if (pod_unasked(v))
        since = drill_pod_left_at(v) ? drill_pod_left_at(v) : now;
    return since ? usec_add(since, drill_lease(v)) : 0;
}

static struct gate_frame gate_frame_of(const struct drill_view *v, const struct fault_view *f, usec_t now)
{
    usec_t injected_at = v->drill->injected_at ? v->drill->injected_at : v->drill->started_at;
    struct gate_frame frame = {
        .began_at = json_time(v->drill->status, "fault.beganAt", injected_at),
        .injected_at = injected_at,
    };
    char *why = frame.ended_why;
    const size_t size = sizeof(frame.ended_why);
    const char *pod = v->drill->status_pod;
    usec_t apart = clocks_apart(v);
    bool ours = drill_injected_here(v);
    if (apart) {
        char text[32];
        frame.ended_at = frame.began_at; /* neither limits nor what came first can be told: nothing counts */
        str_format(why, size, "the clock of the controller that injected and of this one differ by %s",
                   duration_format(apart, text, sizeof(text)));
    } else if (agent_unheard(v)) {
        frame.ended_at = frame.began_at;
        str_format(why, size, "the agent in pod %.60s was not heard of since the controller that injected the fault is gone", pod);
    } else if (f->now == FAULT_NOW_FORGOTTEN) {
        frame.ended_at = frame.began_at; /* since when is not known: nothing counts */
        str_format(why, size, "the agent in pod %.60s does not know of the fault any more", pod);
    } else if (!drill_pod_there(v) && (f->now != FAULT_NOW_OVER || f->by_pod)) {
        bool hidden = drill_pod_hidden(v) == HOLDS_TRUE;
        if (!hidden && healing_began(v))
            return frame;
        bool seen = observations_get(v->observations, "pod")->state == OBSERVATION_OK; /* else it went before our time */
        usec_t left_at = drill_pod_left_at(v);
        frame.ended_at = !seen ? frame.began_at : left_at ? left_at : now;
        if (hidden)
            str_format(why, size, "pod %.60s lost the label by which drills see it, and runs on", pod);
        else
            str_format(why, size, "pod %.60s went away, and no healing of ours did it", pod);
    } else if (f->now == FAULT_NOW_OVER) {
        bool planned = str_equal(f->why, "duration"), watched = ours && v->agent->up_since && v->agent->up_since <= injected_at;
        frame.ended_at = f->at ? f->at : frame.began_at;
        frame.ended_by_plan = planned && watched;
        if (frame.ended_by_plan)
            str_copy(why, size, "not met before the fault's duration was over");
        else if (planned)
            str_copy(why, size, "not seen before the fault's duration was over, and it was not watched all the time");
        else if (f->by_agent)
            str_format(why, size, "the agent reverted the fault by itself (%s)", f->why);
        else
            str_copy(why, size, "a controller that is gone reverted the fault, and did not live to write down what it had judged");
    }
    /* That is by our clock; what was seen and done came by those of others, and nothing of it counts: decision 0008. */
    if (frame.ended_at && !ours)
        frame.ended_at = frame.began_at;
    return frame;
}

/* What is recorded goes before what this process remembers: a write of an earlier term may have arrived late, and what is decided once
 * does not change. True: something differed. */
static bool gates_as_recorded(const struct drill *drill, struct gate gates[GATE_COUNT])
{
    bool differed = false;
    for (int g = 0; g < GATE_COUNT; g++)
        if (drill->gates[g].result != GATE_PENDING) {
            differed |= gates[g].result != drill->gates[g].result;
            gates[g] = drill->gates[g];
        }
    return differed;
}

/* As recorded, else decided earlier in this process. */
static void gates_remembered(const struct drill_view *v, struct gate gates[GATE_COUNT])
{
    memcpy(gates, v->drill->gates, sizeof(struct gate) * GATE_COUNT);
    const struct observation *note = observations_get(v->observations, "gates");
    if (note->state == OBSERVATION_OK)
        gates_decode(note->result, gates);
    gates_as_recorded(v->drill, gates);
}

static bool verdict_remembered(const struct drill_view *v, struct verdict *verdict)
{
    const struct observation *note = observations_get(v->observations, "verdict");
    if (note->state != OBSERVATION_OK || !verdict_decode(note->result, verdict))
        return false;
    if (gates_as_recorded(v->drill, verdict->gates) && verdict->phase != DRILL_ABORTED) {
        verdict->phase = gates_verdict(verdict->gates);
        str_copy(verdict->reason, sizeof(verdict->reason), drill_phase_name(verdict->phase));
        drill_verdict_message(verdict->gates, verdict->phase, verdict->message);
    }
    return true;
}

static enum drill_phase phase_by_gates(const struct gate gates[GATE_COUNT])
{
    if (gates[GATE_TRIGGER_FIRED].result == GATE_PENDING)
        return DRILL_DETECTING;
    return gates[GATE_PLAYBOOK_EXECUTED].result == GATE_PENDING ? DRILL_HEALING : DRILL_VERIFYING;
}

static void decide_in_force(const struct drill_view *v, usec_t now, struct decision *d)
{
    char message[512];
    struct gate gates[GATE_COUNT];
    gates_remembered(v, gates);
    if (!v->card || !v->target) {
        str_format(message, sizeof(message), "the %s was taken away during the drill", v->card ? "target" : "card");
        conclude(v, DRILL_ABORTED, v->card ? "TargetGone" : "CardGone", message, gates, now, d);
        return;
    }
    if (card_changed(v)) {
        conclude(v, DRILL_ABORTED, "CardChanged",
                 "the card was changed during the drill: what it expected before is not known any more", gates, now, d);
        return;
    }
    if (drill_pod_there(v)) {
        if (observations_get(v->observations, "pod")->state == OBSERVATION_NONE)
            decision_note(d, "pod", NULL);
        d->lease_pod = meta_key(&v->pod->meta, KIND_POD);
        if (want_and_check_stops(v, v->card->rollback, "rollback.when", message, d) ||
            want_and_check_stops(v, v->target->stop_when, "safety.stopWhen", message, d)) {
            conclude(v, DRILL_ABORTED, "StopCondition", message, gates, now, d);
            return;
        }
    }
    int before = gates_count_decided(gates);
    struct fault_view f = fault_look(v, now);
    struct gate_frame frame = gate_frame_of(v, &f, now);
    usec_t again = awaited_until(v, now);
    if (now >= again)
        gates_judge(v, &frame, now, gates, &again);
    int decided = gates_count_decided(gates);
    if (decided == GATE_COUNT) {
        enum drill_phase phase = gates_verdict(gates);
        drill_verdict_message(gates, phase, message);
        conclude(v, phase, drill_phase_name(phase), message, gates, now, d);
        return;
    }
    if (decided != before)
        decision_note(d, "gates", gates_encode(gates));
    gates_want(v, gates, d);
    decision_again(d, again);

    /* Progress is written only when a phase lasts: a drill that heals in seconds costs no write in between. */
    enum drill_phase phase = phase_by_gates(gates);
    usec_t since = frame.injected_at;
    for (int g = 0; g < GATE_COUNT; g++)
        if (gates[g].result != GATE_PENDING)
            since = usec_max(since, gates[g].at);
    if (phase != v->drill->phase) {
        if (now >= since + DRILL_PROGRESS_AFTER)
            drill_write_status(v, drill_status_progress(v, phase, gates), d);
        else
            decision_again(d, since + DRILL_PROGRESS_AFTER);
    }
}

/* ── after the verdict ── */

/* Nothing can be created in a namespace that is being deleted. One without the label is out of sight: then the API server is asked. */
enum leaving { LEAVING_UNKNOWN, LEAVING_NO, LEAVING_YES };

static enum leaving namespace_leaving(const struct drill_view *v, usec_t now, struct decision *d)
{
    if (v->namespace_deleting || v->namespace_enabled)
        return v->namespace_deleting ? LEAVING_YES : LEAVING_NO;
    const struct observation *last = NULL, *next;
    char id[EFFECT_ID_SIZE], path[128];
    for (int n = 1;; n++, last = next) {
        str_format(id, sizeof(id), "namespace/%d", n);
        next = observations_get(v->observations, id);
        if (next->state == OBSERVATION_NONE)
            break;
    }
    usec_t due = !last                                  ? now
                 : last->state == OBSERVATION_IN_FLIGHT ? USEC_NEVER
                                                        : usec_add(last->answered_at, DRILL_NAMESPACE_LOOK);
    if (now >= due) {
        str_format(path, sizeof(path), "/api/v1/namespaces/%s", v->drill->meta.ns);
        decision_api(d, id, "GET", path, NULL, NULL, 10 * USEC_SEC);
    } else
        decision_again(d, due);
    if (last && last->state == OBSERVATION_OK)
        return json_at(last->result, "metadata.deletionTimestamp") ? LEAVING_YES : LEAVING_NO;
    return last && last->state == OBSERVATION_FAILED && last->err.class == ERROR_NOT_FOUND ? LEAVING_YES : LEAVING_UNKNOWN;
}

/* The ledger first: what cannot be filed in the backlog must not cost the record. A deleted drill does not wait for the backlog, and in a
 * namespace that is being deleted the finalizer would only be in the way. */
static void decide_ended(const struct drill_view *v, usec_t now, struct decision *d)
{
    const struct drill *drill = v->drill;
    if (!drill->finalizer)
        return;
    enum leaving leaving = str_empty(drill->incident) ? LEAVING_YES : namespace_leaving(v, now, d);
    if (leaving == LEAVING_UNKNOWN)
        return; /* the answer wakes us */
    if (leaving == LEAVING_NO) {
        json_t *record = drill_record(v);
        bool recorded = ledger_decide(v->ledger, drill->meta.ns, drill->incident, record, d);
        json_decref(record);
        bool filed = gap_decide(v, d) || drill->meta.deleting;
        if (!recorded || !filed) {
            decision_again(d, now + DRILL_PROGRESS_AFTER);
            return;
        }
    }
    drill_write_finalizer(v, false, d);
}

/* Why a drill that began must end now, by order of a person; NULL: nobody asked. */
static const char *ordered_to_end(const struct drill_view *v, const char **ret_message)
{
    *ret_message = NULL;
    if (v->drill->meta.deleting) {
        *ret_message = "the Drill was deleted";
        return "Deleted";
    }
    if (v->drill->abort) {
        *ret_message = "aborted by spec.abort";
        return "Aborted";
    }
    if (v->stopped) {
        *ret_message = "all drills were stopped (ConfigMap " STOP_NAME ")";
        return "Stopped";
    }
    if (!v->namespace_enabled) {
        *ret_message = "the namespace lost its label " LABEL_DRILLS "=enabled";
        return "NamespaceNotEnabled";
    }
    return NULL;
}

void drill_decide(const struct drill_view *v, usec_t now, struct decision *d)
{
    const struct drill *drill = v->drill;
    decision_init(d);
    if (drill_phase_terminal(drill->phase)) {
        decide_ended(v, now, d);
        return;
    }
    bool began = drill->phase >= DRILL_INJECTING;
    if (!began) {
        if (!drill->meta.deleting)
            drill_decide_pending(v, now, d);
        else if (drill->finalizer)
            drill_write_finalizer(v, false, d); /* nothing was ever asked of an agent: the intent comes first */
        return;
    }
    if (!drill->finalizer && !drill->meta.deleting)
        drill_write_finalizer(v, true, d); /* somebody took it off: the ledger's record hangs on it */
    drill_note_pod(v, now, d);
    struct verdict verdict;
    if (verdict_remembered(v, &verdict)) {
        drill_decide_reverting(v, &verdict, now, d);
        return;
    }
    if (drill->phase == DRILL_REVERTING) { /* judged by a process that is gone: its verdict is in the status */
        verdict_from_status(drill, &verdict);
        drill_decide_reverting(v, &verdict, now, d);
        return;
    }
    const char *message, *reason = ordered_to_end(v, &message);
    if (reason) {
        struct gate gates[GATE_COUNT];
        gates_remembered(v, gates);
        conclude(v, DRILL_ABORTED, reason, message, gates, now, d);
    } else if (drill->phase == DRILL_INJECTING)
        decide_injecting(v, now, d);
    else
        decide_in_force(v, now, d);
}

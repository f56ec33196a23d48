/* Promise 8: a gate that is passed has its evidence, seen after the injection and before the fault was taken back. */
#include "sim_promise.h"

#define SLACK (150 * USEC_MSEC) /* by which clocks may differ, and then some */

static const char *const gates[] = {"TriggerFired", "PlaybookExecuted", "CodingTaskCreated", "SLOMet"};

/* ── what was seen ── */

static enum sim_look look_of(const json_t *probe)
{
    auto_free char *text = json_text(json_object_get(probe, "file"));
    if (json_object_get(probe, "file"))
        return strstr(text, "model") ? SIM_LOOK_MODEL : SIM_LOOK_CONFIG;
    return json_object_get(probe, "heartbeat") ? SIM_LOOK_HEARTBEAT
           : json_object_get(probe, "process") ? SIM_LOOK_PROCESS
                                               : SIM_LOOK_SERVES;
}

/* The earliest report of that kind from a time on, in the incident's pod (healed by replacing it: in any of its target). NULL: none. */
static const struct sim_report *report_after(const struct sim_incident *i, enum sim_look look, bool holds, usec_t from,
                                             usec_t until)
{
    const struct sim_report *first = NULL;
    for (struct list *n = i->pod->sim->pods->all.next; n != &i->pod->sim->pods->all; n = n->next) {
        const struct sim_pod *pod = list_entry(n, struct sim_pod, node);
        if (pod != i->pod && !(i->pod->left_at && pod->app == i->pod->app))
            continue;
        for (size_t r = 0; r < pod->report_count; r++) {
            const struct sim_report *report = &pod->reports[r];
            if (report->look == look && report->holds == holds && report->since >= from && report->at <= until &&
                (!first || report->since < first->since))
                first = report;
        }
    }
    return first;
}

/* Healing replaced the pod: then what came after is its doing, whatever else was done to a pod on its way out. */
static usec_t fault_end(const struct sim_promise *p, const struct sim_incident *i)
{
    void *value;
    for (size_t at = 0; i->pod->left_at && map_next(p->runs, &at, NULL, &value);) {
        const struct sim_run *run = value;
        if (str_equal(run->target, i->target) && str_equal(run->ns, i->ns) && run->begun_at && run->begun_at < i->pod->left_at)
            return USEC_NEVER;
    }
    return i->ended_at ? i->ended_at : USEC_NEVER;
}

/* ── each gate ── */

static const json_t *trigger_of(const struct sim_promise *p, const struct sim_incident *i)
{
    return sim_named(p->sim, "triggers", i->ns, json_str(i->card, "spec.expect.trigger.name", ""));
}

static const struct sim_report *detected(const struct sim_promise *p, const struct sim_incident *i)
{
    const json_t *trigger = trigger_of(p, i);
    usec_t until = usec_add(fault_end(p, i), SLACK);
    return trigger ? report_after(i, look_of(json_at(trigger, "spec.probe")), false, i->injected_at - SLACK, until) : NULL;
}

static bool trigger_fired(const struct sim_promise *p, const struct sim_incident *i)
{
    const struct sim_report *seen = detected(p, i);
    usec_t within = usec_min(json_duration(i->card, "spec.expect.trigger.within", USEC_NEVER),
                             json_duration(i->card, "spec.slo.detectWithin", USEC_NEVER));
    return seen && seen->since <= usec_add(i->seen_at ? i->seen_at : i->injected_at, within) + SLACK;
}

/* What was begun after the fault was over has healed nothing; its effects come after its beginning was written. */
static bool in_time(const struct sim_run *run, usec_t fault_end)
{
    return run->outside || run->begun_at <= usec_add(fault_end, SLACK);
}

static bool playbook_executed(const struct sim_promise *p, const struct sim_incident *i)
{
    size_t n;
    usec_t until = fault_end(p, i);
    json_t *wanted;
    json_array_foreach(json_at(i->card, "spec.expect.playbooks"), n, wanted)
    {
        bool found = false;
        void *value;
        for (size_t at = 0; map_next(p->runs, &at, NULL, &value);) {
            const struct sim_run *run = value;
            bool ours = str_equal(run->playbook, json_str(wanted, "name", "")) && str_equal(run->target, i->target) &&
                        str_equal(run->ns, i->ns) && run->succeeded_at >= i->injected_at;
            found |=
                ours && in_time(run, until) && (run->outside ? str_equal(run->incident, i->id) : run->created_at >= i->injected_at);
        }
        if (!found)
            return false;
    }
    return true;
}

static bool coding_task_created(const struct sim_promise *p, const struct sim_incident *i)
{
    (void)p;
    return i->tasks >= json_int(i->card, "spec.expect.codingTasks.minimum", 0);
}

void sim_promise_task(struct sim_promise *p, const struct sim_change *c)
{
    struct sim_incident *i = sim_incident(p, json_str(c->after, "spec.incident", ""));
    if (i && c->type == SIM_ADDED && !str_equal(json_str(c->after, "spec.type", ""), "CloseGap"))
        i->tasks++;
}

static bool level_met(const struct sim_promise *p, const struct sim_incident *i)
{
    const struct sim_report *seen = trigger_fired(p, i) ? detected(p, i) : NULL; /* not a failure of long after (seed 130057) */
    usec_t from = seen ? seen->at : i->injected_at, until = fault_end(p, i);
    size_t n;
    json_t *step;
    json_array_foreach(json_at(i->card, "spec.verify"), n, step)
    {
        enum sim_look look = look_of(json_object_get(step, "probe"));
        if (!report_after(i, look, true, from - SLACK, until))
            return false;
    }
    const json_t *trigger = trigger_of(p, i);
    return !seen || !trigger || report_after(i, look_of(json_at(trigger, "spec.probe")), true, from, until);
}

static bool (*const proofs[])(const struct sim_promise *, const struct sim_incident *) = {trigger_fired, playbook_executed,
                                                                                          coding_task_created, level_met};

static bool required(const struct sim_incident *i, size_t gate)
{
    if (gate == 1)
        return json_array_size(json_at(i->card, "spec.expect.playbooks")) > 0;
    return gate != 2 || json_int(i->card, "spec.expect.codingTasks.minimum", 0) > 0;
}

static const char *result_of(const json_t *drill, size_t gate)
{
    return json_str(json_array_get(json_at(drill, "status.gates"), gate), "result", "Pending");
}

void sim_promise_gates(struct sim_promise *p, const struct sim_change *c)
{
    const char *name = json_str(c->after, "metadata.name", "");
    bool succeeded = str_equal(json_str(c->after, "status.phase", ""), "Succeeded");
    const struct sim_incident *i = sim_incident(p, json_str(c->after, "status.incident", ""));
    for (size_t g = 0; i && g < array_len(gates); g++) {
        const char *before = result_of(c->before, g), *now = result_of(c->after, g);
        bool passed = str_equal(now, "Passed");
        if (succeeded && !passed && !str_equal(now, "NotRequired"))
            sim_promise_break(p, 8, "drill %s succeeded, and gate %s is %s", name, gates[g], now);
        if (str_equal(before, now))
            continue;
        if (!str_equal(before, "Pending"))
            sim_promise_break(p, 8, "gate %s of drill %s was %s and is %s", gates[g], name, before, now);
        if (str_equal(now, "NotRequired") && required(i, g))
            sim_promise_break(p, 8, "gate %s of drill %s is required by its card", gates[g], name);
        p->sim->stats.gates_passed += passed;
        if (passed && (!i->injected_at || !proofs[g](p, i)))
            sim_promise_break(p, 8, "gate %s of drill %s (incident %s) is passed without evidence", gates[g], name, i->id);
    }
}

/* ── runs ── */

void sim_promise_run(struct sim_promise *p, const struct sim_change *c)
{
    char key[330];
    str_format(key, sizeof(key), "%s/%s", json_str(c->after, "metadata.namespace", ""), json_str(c->after, "metadata.uid", ""));
    const char *phase = json_str(c->after, "status.phase", "");
    struct sim_run *run = map_get(p->runs, key);
    if (!run) {
        run = mem_new(struct sim_run);
        run->created_at = sim_now(p->sim);
        run->outside = !str_equal(json_str(c->after, "spec.reporter", "drillyard"), "drillyard");
        str_copy(run->name, sizeof(run->name), json_str(c->after, "metadata.name", ""));
        str_copy(run->playbook, sizeof(run->playbook), json_str(c->after, "spec.playbook", ""));
        str_copy(run->target, sizeof(run->target), json_str(c->after, "spec.target", ""));
        str_copy(run->ns, sizeof(run->ns), json_str(c->after, "metadata.namespace", ""));
        str_copy(run->incident, sizeof(run->incident), json_str(c->after, "spec.incident", ""));
        map_set(p->runs, key, run);
    }
    if (!run->begun_at && !str_empty(phase) && !str_equal(phase, "Pending"))
        run->begun_at = sim_now(p->sim);
    if (!run->succeeded_at && str_equal(phase, "Succeeded"))
        run->succeeded_at = sim_now(p->sim);
}

#include "sim_promise.h"

#include "api/drill.h"

#include <stdarg.h>

#define GRACE USEC_SEC /* of an agent, for its own timers */

void sim_promise_break(struct sim_promise *p, int number, const char *format, ...)
{
    if (p->broken)
        return;
    va_list args;
    va_start(args, format);
    str_vformat(p->what, sizeof(p->what), format, args);
    va_end(args);
    p->broken = number;
    p->broken_at = sim_now(p->sim);
}

struct sim_incident *sim_incident(const struct sim_promise *p, const char *id)
{
    return map_get(p->incidents, id);
}

bool sim_incident_open(const struct sim_incident *i)
{
    return i->injected_at && !i->ended_at;
}

json_t *sim_named(const struct sim *s, const char *plural, const char *ns, const char *name)
{
    json_t *own = sim_store_get(s->store, sim_resource(plural), ns, name);
    return own ? own : sim_store_get(s->store, sim_resource(plural), SIM_OWN, name);
}

/* ── drills ── */

static void intend(struct sim_promise *p, json_t *drill, const char *id)
{
    struct sim *s = p->sim;
    struct sim_incident *i = mem_new(struct sim_incident);
    i->intended_at = sim_now(s);
    i->pod = sim_pod_by_uid(s, json_str(drill, "status.fault.podUID", ""));
    str_copy(i->id, sizeof(i->id), id);
    str_copy(i->ns, sizeof(i->ns), json_str(drill, "metadata.namespace", ""));
    str_copy(i->drill, sizeof(i->drill), json_str(drill, "metadata.name", ""));
    str_copy(i->target, sizeof(i->target), json_str(drill, "spec.target", ""));
    const char *schedule = json_string_value(json_object_get(json_at(drill, "metadata.labels"), "drillyard.dev/schedule"));
    str_copy(i->schedule, sizeof(i->schedule), schedule ? schedule : "");
    i->card = json_incref(sim_named(s, "chaoscards", i->ns, json_str(drill, "spec.card", "")));
    i->drill_object = json_incref(drill);
    map_set(p->incidents, id, i);
    s->stats.incidents++;
}

static bool terminal(const json_t *drill)
{
    enum drill_phase phase;
    return drill_phase_parse(json_str(drill, "status.phase", ""), &phase) && drill_phase_terminal(phase);
}

static void count_end(struct sim *s, const char *phase)
{
    s->stats.drills++;
    s->stats.succeeded += str_equal(phase, "Succeeded");
    s->stats.failed += str_equal(phase, "Failed");
    s->stats.inconclusive += str_equal(phase, "Inconclusive");
    s->stats.aborted += str_equal(phase, "Aborted");
    s->stats.skipped += str_equal(phase, "Skipped");
}

static void check_over(struct sim_promise *p, const struct sim_incident *i, int number, const char *how)
{
    if (sim_incident_open(i))
        sim_promise_break(p, number, "drill %s/%s %s while fault %s may be in force in pod %s", i->ns, i->drill, how, i->id,
                          i->pod->name);
}

static void trace_drill(struct sim_promise *p, const json_t *drill)
{
    char gates[80] = "";
    size_t i, used = 0;
    json_t *gate;
    json_array_foreach(json_at(drill, "status.gates"), i, gate)
    {
        str_format(gates + used, sizeof(gates) - used, " %.12s", json_str(gate, "result", ""));
        used = strlen(gates);
    }
    sim_trace_say(p->sim->trace, "  %s is %s, fault %s,%s: %s: %.90s", json_str(drill, "metadata.name", ""),
                  json_str(drill, "status.phase", "new"), json_str(drill, "status.fault.state", "none"), gates,
                  json_str(drill, "status.reason", ""), json_str(drill, "status.message", ""));
}

static void drill_changed(struct sim_promise *p, const struct sim_change *c)
{
    trace_drill(p, c->after);
    const char *id = json_str(c->after, "status.incident", ""), *phase = json_str(c->after, "status.phase", "");
    const char *id_before = json_str(c->before, "status.incident", "");
    struct sim_incident *i = sim_incident(p, id);
    if (!str_empty(id) && !i) {
        intend(p, c->after, id);
        i = sim_incident(p, id);
    }
    if (c->before && !str_empty(id_before) && !str_equal(id_before, id))
        sim_promise_break(p, 4, "drill %s had incident %s and has %s", json_str(c->after, "metadata.name", ""), id_before, id);
    if (c->type == SIM_DELETED) {
        if (i) {
            i->gone = true;
            check_over(p, i, 7, "is gone");
        }
        return;
    }
    if (terminal(c->before) && !str_equal(json_str(c->before, "status.phase", ""), phase))
        sim_promise_break(p, 8, "drill %s was %s and is %s", json_str(c->after, "metadata.name", ""),
                          json_str(c->before, "status.phase", ""), phase);
    sim_promise_gates(p, c);
    if (!terminal(c->after) || terminal(c->before))
        return;
    count_end(p->sim, phase);
    if (!i)
        return;
    i->over = true;
    i->status = json_incref(json_object_get(c->after, "status"));
    check_over(p, i, 1, phase);
}

/* The longest that any version of a card ever said: a controller may decide from each. */
static void card_changed(struct sim_promise *p, const struct sim_change *c)
{
    const char *name = json_str(c->after, "metadata.name", "");
    usec_t *longest = map_get(p->durations, name), duration = json_duration(c->after, "spec.injection.duration", 0);
    if (!longest)
        map_set(p->durations, name, longest = mem_new(usec_t));
    *longest = usec_max(*longest, duration);
}

void sim_promise_changed(struct sim_promise *p, const struct sim_resource *r, const struct sim_change *c)
{
    if (str_equal(r->plural, "drills"))
        drill_changed(p, c);
    else if (str_equal(r->plural, "leases"))
        sim_promise_lease(p, c);
    else if (str_equal(r->plural, "chaoscards"))
        card_changed(p, c);
    else if (str_equal(r->plural, "playbookruns"))
        sim_promise_run(p, c);
    else if (str_equal(r->plural, "codingtasks"))
        sim_promise_task(p, c);
    else if (str_equal(r->plural, "configmaps"))
        sim_promise_ledger(p, c);
}

/* ── faults ── */

void sim_promise_injected(struct sim_promise *p, const struct sim_fault *f, struct sim_process *by, const json_t *body)
{
    struct sim_incident *i = sim_incident(p, f->id);
    p->sim->stats.injections++;
    if (!i || i->pod != f->pod) {
        sim_promise_break(p, 3, "fault %s reached pod %s from %s, and the API server has no intent for it there", f->id,
                          f->pod->name, by->identity);
        return;
    }
    i->injected_at = sim_now(p->sim);
    p->open++;
    if (i->over || i->gone)
        check_over(p, i, 1, "was over");
    sim_promise_reach(p, i, body);
}

void sim_promise_applied(struct sim_promise *p, const struct sim_fault *f)
{
    struct sim_incident *i = sim_incident(p, f->id);
    if (i)
        i->seen_at = sim_now(p->sim);
}

static void fault_over(struct sim_promise *p, struct sim_incident *i)
{
    if (!i || !sim_incident_open(i))
        return;
    i->ended_at = sim_now(p->sim);
    p->open--;
}

void sim_promise_ended(struct sim_promise *p, const struct sim_fault *f)
{
    fault_over(p, sim_incident(p, f->id));
    if (sim_fault_bites(f) && !str_equal(f->method, "KillProcess"))
        sim_promise_break(p, 1, "fault %s is said to be over, and its effect is there", f->id); /* of the simulator itself */
}

void sim_promise_pod_ended(struct sim_promise *p, const struct sim_pod *pod)
{
    void *value;
    for (size_t at = 0; map_next(p->incidents, &at, NULL, &value);) {
        struct sim_incident *i = value;
        if (i->pod == pod)
            fault_over(p, i);
    }
}

usec_t sim_promise_duration(const struct sim_promise *p, const struct sim_incident *i)
{
    usec_t own = json_duration(i->drill_object, "spec.overrides.duration", 0);
    const usec_t *longest = map_get(p->durations, json_str(i->drill_object, "spec.card", ""));
    return own ? own : longest ? *longest : 0;
}

static void check_times(struct sim_promise *p, const struct sim_incident *i)
{
    const struct sim_fault *f = sim_agent_fault(i->pod, i->id);
    usec_t now = sim_now(p->sim);
    if (!i->pod->agent_up || !f || f->state == SIM_REVERTING)
        return;
    sim_promise_stop(p, i);
    if (now > f->lease_until + GRACE)
        sim_promise_break(p, 2, "fault %s in pod %s outlives its lease", i->id, i->pod->name);
    if (now > usec_add(i->injected_at, sim_promise_duration(p, i)) + GRACE)
        sim_promise_break(p, 2, "fault %s in pod %s outlives its duration", i->id, i->pod->name);
}

void sim_promise_step(struct sim_promise *p)
{
    void *value;
    if (!p->open)
        return;
    for (size_t at = 0; map_next(p->incidents, &at, NULL, &value);)
        if (sim_incident_open(value))
            check_times(p, value);
}

/* ── the end ── */

static bool drill_quiet(const json_t *drill)
{
    return terminal(drill) && json_array_size(json_at(drill, "metadata.finalizers")) == 0;
}

bool sim_promise_quiet(struct sim_promise *p)
{
    json_auto_t *drills = sim_store_list(p->sim->store, sim_resource("drills"), NULL, 0);
    size_t i;
    json_t *drill;
    json_array_foreach(drills, i, drill)
    {
        if (!drill_quiet(drill))
            return false;
    }
    return p->open == 0;
}

void sim_promise_end(struct sim_promise *p)
{
    static const char *const plurals[] = {"drills", "drillschedules", "drilltargets", "playbookruns", "namespaces"};
    size_t i;
    json_t *object;
    void *value;
    for (size_t k = 0; k < array_len(plurals); k++) {
        json_auto_t *list = sim_store_list(p->sim->store, sim_resource(plurals[k]), NULL, 0);
        json_array_foreach(list, i, object)
        {
            if (json_at(object, "metadata.deletionTimestamp"))
                sim_promise_break(p, 7, "%s %s/%s is stuck in deletion", plurals[k], json_str(object, "metadata.namespace", ""),
                                  json_str(object, "metadata.name", ""));
            else if (k == 0 && !drill_quiet(object))
                sim_promise_break(p, 10, "drill %s/%s does not end: %s, %s", json_str(object, "metadata.namespace", ""),
                                  json_str(object, "metadata.name", ""), json_str(object, "status.phase", "new"),
                                  json_str(object, "status.message", ""));
        }
    }
    for (size_t at = 0; map_next(p->incidents, &at, NULL, &value);)
        if (sim_incident_open(value))
            sim_promise_break(p, 2, "fault %s is left in force", ((struct sim_incident *)value)->id);
    sim_promise_ledger_end(p);
}

/* ── life ── */

static void incident_free(void *value)
{
    struct sim_incident *i = value;
    json_decref(i->card);
    json_decref(i->drill_object);
    json_decref(i->status);
    free(i);
}

struct sim_promise *sim_promise_new(struct sim *s)
{
    struct sim_promise *p = mem_new(struct sim_promise);
    *p = (struct sim_promise){
        .sim = s, .incidents = map_new(incident_free), .runs = map_new(free), .durations = map_new(free), .epochs = map_new(free)};
    for (int i = 0; i < SIM_PROCESSES; i++)
        p->known[i] = map_new(free);
    return p;
}

void sim_promise_free(struct sim_promise *p)
{
    if (!p)
        return;
    map_free(p->incidents);
    map_free(p->runs);
    map_free(p->durations);
    map_free(p->epochs);
    for (int i = 0; i < SIM_PROCESSES; i++)
        map_free(p->known[i]);
    free(p);
}

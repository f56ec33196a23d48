/* A fault's life in the agent: journal first, then the change, then its end; see injectors/fault.h. */
#include "sim_agent.h"
#include "sim_promise.h"

#define SEEN_WITHIN (2 * USEC_MSEC)
#define RETRY_FIRST (200 * USEC_MSEC)
#define RETRY_LAST  (30 * USEC_SEC)
#define KEPT        32 /* closed ones */

static const char *const names[] = {"Intended", "InForce", "Reverting", "Reverted", "NotNeeded", "Never"};

bool sim_fault_open(const struct sim_fault *f)
{
    return f->state == SIM_INTENDED || f->state == SIM_IN_FORCE || f->state == SIM_REVERTING;
}

static bool on_file(const struct sim_fault *f, enum sim_file *ret_file)
{
    *ret_file = str_equal(f->method, "FileCorrupt") ? SIM_MODEL : SIM_CONFIG;
    return str_equal(f->method, "FileCorrupt") || str_equal(f->method, "ConfigModify");
}

static bool kills(const struct sim_fault *f)
{
    return str_equal(f->method, "KillProcess");
}

bool sim_fault_bites(const struct sim_fault *f)
{
    enum sim_file file;
    if (!f->applied || !f->pod->alive)
        return false;
    if (on_file(f, &file))
        return f->pod->files[file] == f->after;
    return kills(f) ? !f->pod->runs && f->pod->pid == f->pid : f->pod->frozen && f->pod->pid == f->pid;
}

struct sim_fault *sim_agent_fault(const struct sim_pod *pod, const char *id)
{
    for (struct list *n = pod->faults.next; n != &pod->faults; n = n->next) {
        struct sim_fault *f = list_entry(n, struct sim_fault, node);
        if (str_equal(f->id, id))
            return f;
    }
    return NULL;
}

static void set_state(struct sim_fault *f, enum sim_fault_state state, const char *by, const char *why)
{
    f->state = state;
    f->since = sim_now(f->pod->sim);
    str_copy(f->by, sizeof(f->by), by);
    str_copy(f->why, sizeof(f->why), why);
    sim_trace_say(f->pod->sim->trace, "%s: fault %s is %s (%s, %s)", f->pod->name, f->id, names[state], by, why);
}

static json_t *describe(const struct sim_fault *f)
{
    usec_t mono = f->since + f->pod->mono_offset;
    return json_pack("{s:s, s:s, s:s, s:I, s:s, s:s}", "id", f->id, "method", f->method, "state",
                     f->failing ? "RevertFailed" : names[f->state], "since_mono", (json_int_t)mono, "by", f->by, "why", f->why);
}

json_t *sim_agent_faults(const struct sim_pod *pod, bool open_only)
{
    json_t *list = json_array();
    size_t told = 0;
    for (struct list *n = pod->faults.next; n != &pod->faults; n = n->next)
        if (sim_fault_open(list_entry(n, struct sim_fault, node)))
            json_array_append_new(list, describe(list_entry(n, struct sim_fault, node)));
    for (struct list *n = pod->faults.prev; !open_only && n != &pod->faults && told < 16; n = n->prev)
        if (!sim_fault_open(list_entry(n, struct sim_fault, node))) {
            json_array_append_new(list, describe(list_entry(n, struct sim_fault, node)));
            told++;
        }
    return list;
}

static void tell(const struct sim_fault *f, const char *state)
{
    struct sim_pod *pod = f->pod;
    sim_agent_tell_all(pod, json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "event", "fault", "fault", f->id, "state", state, "by",
                                      f->by, "why", f->why, "at", (json_int_t)(f->since + pod->mono_offset), "mono",
                                      (json_int_t)sim_pod_mono(pod)));
}

/* ── the end ── */

static bool undo(struct sim_fault *f)
{
    enum sim_file file;
    if (!sim_fault_bites(f) || kills(f))
        return false;
    if (on_file(f, &file))
        sim_pod_write(f->pod, file, f->before);
    else
        sim_pod_freeze(f->pod, false);
    return true;
}

static void try_revert(struct sim_fault *f);

struct retry {
    struct sim_pod *pod;
    int boot;
    char id[80];
};

static void retry(void *userdata)
{
    struct retry *r = userdata;
    struct sim_fault *f = sim_agent_fault(r->pod, r->id);
    if (f && r->pod->alive && r->pod->agent_up && r->pod->boot == r->boot && f->state == SIM_REVERTING)
        try_revert(f);
    free(r);
}

static void retry_later(struct sim_fault *f)
{
    struct retry *r = mem_new(struct retry);
    *r = (struct retry){.pod = f->pod, .boot = f->pod->boot};
    str_copy(r->id, sizeof(r->id), f->id);
    sim_clock_add(f->pod->sim->clock, sim_now(f->pod->sim) + f->retry, retry, free, r);
}

/* The state is Reverting. */
static void try_revert(struct sim_fault *f)
{
    struct sim *s = f->pod->sim;
    if (sim_strikes(s, s->weather.agent_fails)) {
        bool news = !f->failing;
        f->failing = true;
        f->retry = f->retry ? usec_min(2 * f->retry, RETRY_LAST) : RETRY_FIRST;
        if (news)
            tell(f, "RevertFailed");
        retry_later(f);
        return;
    }
    char by[12], why[24];
    str_copy(by, sizeof(by), f->by);
    str_copy(why, sizeof(why), f->why);
    f->failing = false;
    bool undone = undo(f);
    set_state(f, undone ? SIM_REVERTED : SIM_NOT_NEEDED, by, why);
    sim_promise_ended(s->promise, f);
    tell(f, names[f->state]);
}

static void begin_revert(struct sim_fault *f, const char *by, const char *why)
{
    if (f->state != SIM_REVERTING)
        set_state(f, SIM_REVERTING, by, why);
    f->retry = 0;
    try_revert(f);
}

void sim_agent_revert_all(struct sim_pod *pod, const char *why)
{
    for (struct list *n = pod->faults.next; n != &pod->faults; n = n->next) {
        struct sim_fault *f = list_entry(n, struct sim_fault, node);
        if (sim_fault_open(f))
            begin_revert(f, "Agent", why);
    }
}

void sim_agent_replay(struct sim_pod *pod)
{
    sim_agent_revert_all(pod, "restart");
}

void sim_agent_revert(const struct sim_request *q)
{
    const char *id = json_str(q->body, "fault", ""), *reason = json_str(q->body, "reason", "request");
    struct sim_fault *f = sim_agent_fault(q->pod, id);
    if (!f) {
        f = mem_new(struct sim_fault);
        f->pod = q->pod;
        str_copy(f->id, sizeof(f->id), id);
        list_append(&q->pod->faults, &f->node);
        set_state(f, SIM_NEVER, "Controller", reason);
    }
    if (sim_fault_open(f))
        begin_revert(f, "Controller", reason);
    if (sim_fault_open(f))
        sim_agent_refuse(q, "INTERNAL", "the revert failed and is being tried again");
    else
        sim_agent_answer(q, json_pack("{s:s, s:I, s:s, s:s}", "state", names[f->state], "at",
                                      (json_int_t)(f->since + q->pod->mono_offset), "by", f->by, "why", f->why));
}

/* ── its time ── */

static void look_at_time(void *userdata)
{
    struct retry *r = userdata;
    struct sim_fault *f = sim_agent_fault(r->pod, r->id);
    usec_t now = sim_now(r->pod->sim);
    bool here = f && r->pod->alive && r->pod->agent_up && r->pod->boot == r->boot;
    if (here && (f->state == SIM_IN_FORCE || f->state == SIM_INTENDED)) {
        usec_t next = usec_min(f->due, f->lease_until);
        if (next > now) {
            sim_clock_add(r->pod->sim->clock, next, look_at_time, free, r);
            return;
        }
        begin_revert(f, "Agent", now >= f->due ? "duration" : "lease");
    }
    free(r);
}

static void watch_time(struct sim_fault *f)
{
    struct retry *r = mem_new(struct retry);
    *r = (struct retry){.pod = f->pod, .boot = f->pod->boot};
    str_copy(r->id, sizeof(r->id), f->id);
    sim_clock_add(f->pod->sim->clock, usec_min(f->due, f->lease_until), look_at_time, free, r);
}

void sim_agent_renew(const struct sim_request *q)
{
    usec_t until = sim_now(q->pod->sim) + json_int(q->body, "leaseMs", 10000) * USEC_MSEC;
    for (struct list *n = q->pod->faults.next; n != &q->pod->faults; n = n->next) {
        struct sim_fault *f = list_entry(n, struct sim_fault, node);
        bool earlier = until < f->lease_until;
        if (f->state != SIM_INTENDED && f->state != SIM_IN_FORCE)
            continue;
        f->lease_until = until;
        if (earlier)
            watch_time(f);
    }
    sim_agent_answer(q, json_pack("{s:o}", "faults", sim_agent_faults(q->pod, true)));
}

/* ── the beginning ── */

static json_t *in_force(const struct sim_fault *f)
{
    return json_pack("{s:s, s:I, s:I}", "state", names[f->state], "began", (json_int_t)(f->began + f->pod->mono_offset), "at",
                     (json_int_t)(f->seen_at + f->pod->mono_offset));
}

static void seen(const struct sim_request *q)
{
    struct sim_fault *f = sim_agent_fault(q->pod, json_str(q->body, "fault.id", ""));
    if (!f || f->state != SIM_INTENDED) {
        if (q->link)
            sim_agent_refuse(q, "CONFLICT", "reverted before it was seen in force");
        return;
    }
    set_state(f, SIM_IN_FORCE, "Controller", "request");
    f->seen_at = f->since;
    tell(f, "InForce");
    if (q->link)
        sim_agent_answer(q, in_force(f));
    sim_agent_poke(q->pod);
}

static void apply(const struct sim_request *q)
{
    struct sim *s = q->pod->sim;
    struct sim_fault *f = sim_agent_fault(q->pod, json_str(q->body, "fault.id", ""));
    enum sim_file file;
    if (!f || f->state != SIM_INTENDED) {
        seen(q);
        return;
    }
    if (sim_strikes(s, s->weather.agent_fails)) {
        begin_revert(f, "Agent", "failed");
        if (q->link)
            sim_agent_refuse(q, "INTERNAL", "the change could not be made");
        return;
    }
    f->applied = !f->lie;
    if (f->lie)
        sim_trace_say(s->trace, "%s: it will say that %s is in force, and it is not", q->pod->name, f->id);
    else if (on_file(f, &file)) {
        f->after = sim_content(s);
        sim_pod_write(q->pod, file, f->after);
    } else if (kills(f))
        sim_pod_stop_process(q->pod);
    else
        sim_pod_freeze(q->pod, true);
    sim_promise_applied(s->promise, f);
    sim_agent_later(q, sim_now(s) + sim_between(s, 0, SEEN_WITHIN), seen);
}

static bool overlaps(const struct sim_fault *f, const struct sim_fault *other)
{
    enum sim_file mine, theirs;
    bool a = on_file(f, &mine), b = on_file(other, &theirs);
    return a == b && (!a || mine == theirs);
}

static const char *refusal(const struct sim_pod *pod, const struct sim_fault *f)
{
    enum sim_file file;
    if (!on_file(f, &file) && !pod->runs)
        return "no process of the target matches";
    for (struct list *n = pod->faults.next; n != &pod->faults; n = n->next) {
        const struct sim_fault *other = list_entry(n, struct sim_fault, node);
        if (sim_fault_open(other) && overlaps(f, other))
            return "an open fault touches the same already; revert it first";
    }
    return NULL;
}

static void forget_old(struct sim_pod *pod)
{
    size_t closed = 0;
    for (struct list *n = pod->faults.next; n != &pod->faults; n = n->next)
        closed += !sim_fault_open(list_entry(n, struct sim_fault, node));
    for (struct list *n = pod->faults.next, *next; closed > KEPT && n != &pod->faults; n = next) {
        struct sim_fault *f = list_entry(n, struct sim_fault, node);
        next = n->next;
        if (sim_fault_open(f))
            continue;
        list_remove(n);
        json_decref(f->params);
        free(f);
        closed--;
    }
}

void sim_agent_inject(const struct sim_request *q)
{
    struct sim_pod *pod = q->pod;
    struct sim *s = pod->sim;
    const char *id = json_str(q->body, "fault.id", "");
    struct sim_fault *f = sim_agent_fault(pod, id);
    if (f) {
        if (f->state == SIM_IN_FORCE)
            sim_agent_answer(q, in_force(f));
        else
            sim_agent_refuse(q, "CONFLICT", "this fault is known already; a new fault needs a new id");
        return;
    }
    struct sim_fault planned = {.pod = pod, .epoch = pod->epoch};
    enum sim_file file;
    str_copy(planned.id, sizeof(planned.id), id);
    str_copy(planned.method, sizeof(planned.method), json_str(q->body, "fault.method", ""));
    const char *why_not = refusal(pod, &planned);
    if (why_not) {
        sim_agent_refuse(q, "CONFLICT", why_not);
        return;
    }
    f = mem_new(struct sim_fault);
    *f = planned;
    f->params = json_incref(json_at(q->body, "fault.params"));
    f->began = sim_now(s);
    f->due = f->began + json_int(q->body, "durationMs", 0) * USEC_MSEC;
    f->lease_until = f->began + json_int(q->body, "leaseMs", 10000) * USEC_MSEC;
    f->pid = pod->pid;
    f->before = on_file(f, &file) ? pod->files[file] : 0;
    f->lie = sim_strikes(s, s->weather.agent_lies);
    list_append(&pod->faults, &f->node);
    set_state(f, SIM_INTENDED, "Controller", "request");
    sim_promise_injected(s->promise, f, sim_link_process(q->link), q->body);
    watch_time(f);
    forget_old(pod);
    sim_agent_later(q, f->began + sim_between(s, 50, 1500), apply);
}

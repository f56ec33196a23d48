#include "sim_agent.h"

#include "sim_process.h"

/* ── answers ── */

static json_t *answer_begin(const struct sim_request *q, bool ok)
{
    return json_pack("{s:s, s:b, s:I}", "id", q->id, "ok", ok, "mono", (json_int_t)sim_pod_mono(q->pod));
}

void sim_agent_answer(const struct sim_request *q, json_t *result)
{
    json_t *line = answer_begin(q, true);
    json_object_set_new(line, "result", result);
    sim_link_tell(q->link, line);
}

void sim_agent_refuse(const struct sim_request *q, const char *class, const char *message)
{
    json_t *line = answer_begin(q, false);
    json_object_set_new(line, "error", json_pack("{s:s, s:s}", "class", class, "message", message));
    sim_link_tell(q->link, line);
}

void sim_agent_tell_all(struct sim_pod *pod, json_t *line)
{
    for (struct list *n = pod->links.next, *next; n != &pod->links; n = next) {
        next = n->next;
        sim_link_tell(sim_link_at(n), json_incref(line));
    }
    json_decref(line);
}

/* ── later ── */

struct later {
    struct sim_request request;
    void (*fire)(const struct sim_request *q);
};

static void later_drop(void *userdata)
{
    struct later *later = userdata;
    json_decref(later->request.body);
    sim_link_unref(later->request.link);
    free(later);
}

static bool still_open(const struct sim_request *q)
{
    for (struct list *n = q->pod->links.next; n != &q->pod->links; n = n->next)
        if (sim_link_at(n) == q->link)
            return true;
    return false;
}

static void later_fire(void *userdata)
{
    struct later *later = userdata;
    struct sim_request *q = &later->request;
    if (q->pod->alive && q->pod->agent_up && q->pod->boot == q->boot) {
        struct sim_request quiet = *q;
        bool heard = still_open(q);
        if (!heard)
            quiet.link = NULL; /* it is done all the same; nobody hears of it */
        later->fire(&quiet);
    }
    later_drop(later);
}

void sim_agent_later(const struct sim_request *q, usec_t when, void (*fire)(const struct sim_request *q))
{
    struct later *later = mem_new(struct later);
    *later = (struct later){.request = *q, .fire = fire};
    json_incref(q->body);
    sim_link_ref(q->link);
    sim_clock_add(q->pod->sim->clock, when, later_fire, later_drop, later);
}

/* ── operations ── */

static json_t *target_of(const struct sim_pod *pod)
{
    return json_pack("{s:b, s:i}", "found", pod->runs, "pid", pod->pid);
}

static void status(const struct sim_request *q)
{
    char boot[24];
    str_format(boot, sizeof(boot), "boot-%d", q->pod->boot);
    sim_agent_answer(q, json_pack("{s:s, s:s, s:I, s:I, s:o, s:o}", "boot", boot, "node_boot", q->pod->node_name, "epoch",
                                  (json_int_t)q->pod->epoch, "mono", (json_int_t)sim_pod_mono(q->pod), "target", target_of(q->pod),
                                  "faults", sim_agent_faults(q->pod, false)));
}

static void exec(const struct sim_request *q)
{
    sim_agent_refuse(q, "INVALID", "commands run in the target container only: open a session there");
}

static const struct {
    const char *op;
    bool needs_epoch, has_effect;
    void (*handle)(const struct sim_request *q);
} operations[] = {
    {"status", false, false, status},
    {"inject", true, false, sim_agent_inject},
    {"revert", true, false, sim_agent_revert},
    {"renew", true, false, sim_agent_renew},
    {"probe", false, false, sim_agent_probe},
    {"watch", false, false, sim_agent_watch},
    {"unwatch", false, false, sim_agent_unwatch},
    {"snapshot", false, false, sim_agent_snapshot},
    {"restore", true, true, sim_agent_restore},
    {"signal", true, true, sim_agent_signal},
    {"restart", true, true, sim_agent_restart},
    {"exec", true, false, exec},
};

static bool take_epoch(const struct sim_request *q)
{
    const json_t *epoch = json_object_get(q->body, "epoch");
    if (!json_is_integer(epoch)) {
        sim_agent_refuse(q, "INVALID", "epoch is missing");
        return false;
    }
    if (json_integer_value(epoch) < q->pod->epoch) {
        sim_agent_refuse(q, "STALE_EPOCH", "a later leader has spoken already");
        return false;
    }
    q->pod->epoch = json_integer_value(epoch);
    return true;
}

/* An effect happens once: asked again, the first answer is given, or that it is not known. True: it is to be done now. */
static bool take_effect(const struct sim_request *q)
{
    const char *id = json_str(q->body, "effect", "");
    json_t *known = map_get(q->pod->effects, id);
    if (!known) {
        map_set(q->pod->effects, id, json_pack("{s:i}", "begun", q->pod->boot));
        return true;
    }
    json_t *outcome = json_object_get(known, "answer");
    if (outcome) {
        json_t *line = json_copy(outcome);
        json_object_set_new(line, "id", json_string(q->id));
        json_object_set_new(line, "mono", json_integer(sim_pod_mono(q->pod)));
        json_object_set_new(line, "replayed", json_true());
        sim_link_tell(q->link, line);
    } else
        sim_agent_answer(q, json_pack("{s:s}", "state", json_int(known, "begun", 0) == q->pod->boot ? "Running" : "Unknown"));
    return false;
}

void sim_agent_line(struct sim_pod *pod, struct sim_link *link, json_t *line)
{
    struct sim_request q = {.pod = pod, .link = link, .boot = pod->boot, .body = line};
    const char *op = json_str(line, "op", "");
    str_copy(q.id, sizeof(q.id), json_str(line, "id", ""));
    bool looks = str_equal(op, "status") || str_equal(op, "watch") || str_equal(op, "unwatch") || str_equal(op, "renew");
    if (!looks)
        sim_trace_say(pod->sim->trace, "%s ← %s %s %s epoch %lld", pod->name, sim_link_process(link)->identity, op,
                      json_str(line, "fault.id", json_str(line, "fault", json_str(line, "effect", ""))),
                      (long long)json_int(line, "epoch", 0));
    for (size_t i = 0; i < array_len(operations); i++) {
        if (!str_equal(operations[i].op, op))
            continue;
        if (operations[i].needs_epoch && !take_epoch(&q))
            return;
        if (operations[i].has_effect && !take_effect(&q))
            return;
        operations[i].handle(&q);
        return;
    }
    sim_agent_refuse(&q, "INVALID", "unknown operation");
}

/* ── life ── */

void sim_agent_greet(struct sim_pod *pod, struct sim_link *link)
{
    char boot[24];
    str_format(boot, sizeof(boot), "boot-%d", pod->boot);
    sim_link_tell(link,
                  json_pack("{s:s, s:i, s:s, s:s, s:s, s:I, s:I, s:o, s:o}", "event", "hello", "protocol", 1, "place", "Sidecar",
                            "boot", boot, "node_boot", pod->node_name, "mono", (json_int_t)sim_pod_mono(pod), "epoch",
                            (json_int_t)pod->epoch, "target", target_of(pod), "faults", sim_agent_faults(pod, false)));
}

void sim_agent_start(struct sim_pod *pod)
{
    pod->agent_up = true;
    pod->boot++;
    pod->silent_until = 0;
    sim_agent_replay(pod);
}

static void hang_up_all(struct sim_pod *pod)
{
    sim_agent_watches_end(pod, NULL);
    while (!list_empty(&pod->links))
        sim_link_break(sim_link_at(pod->links.next));
}

static void come_back(void *userdata)
{
    struct sim_pod *pod = userdata;
    if (!pod->alive || pod->agent_up)
        return;
    sim_agent_start(pod);
    sim_pod_agent_started(pod);
}

void sim_agent_kill(struct sim_pod *pod, usec_t down_for)
{
    if (!pod->agent_up)
        return;
    sim_trace_say(pod->sim->trace, "%s: the agent is killed", pod->name);
    pod->agent_up = false;
    hang_up_all(pod);
    sim_clock_add(pod->sim->clock, sim_now(pod->sim) + down_for, come_back, NULL, pod);
}

void sim_agent_end(struct sim_pod *pod, bool asked)
{
    if (asked && pod->agent_up) {
        sim_agent_revert_all(pod, "shutdown");
        sim_agent_tell_all(pod, json_pack("{s:s, s:s}", "event", "bye", "reason", "shutdown"));
    }
    pod->agent_up = false;
    hang_up_all(pod);
}

void sim_agent_hung_up(struct sim_pod *pod, struct sim_link *link)
{
    sim_agent_watches_end(pod, link);
}

#include "request.h"

#include "base/str.h"
#include "param.h"

#define DURATION_MAX_MS (24 * USEC_HOUR / USEC_MSEC)
#define LEASE_MAX_MS    (10 * USEC_MINUTE / USEC_MSEC)

static int operation_status(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r)
{
    (void)r;
    *ret_result = json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:O}", "boot", g->boot, "node_boot", g->node_boot, "epoch",
                            (json_int_t)g->epoch, "mono", (json_int_t)time_monotonic(), "target", guard_target(g), "faults",
                            faults_list(g->faults, false), "watches", watches_list(g->watches, q->to.session), "snapshots",
                            snapshots_list(g->snapshots), "unreadable", g->bad);
    return 1;
}

static int operation_inject(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r)
{
    json_t *fault = NULL, *params = NULL;
    const char *method = NULL;
    int64_t duration = 0, lease = FAULT_LEASE_DEFAULT / USEC_MSEC;
    struct fault_order order = {.epoch = g->epoch};
    if (param_object(q->body, "fault", PARAM_REQUIRED, &fault, r) < 0 || param_id(fault, "fault.id", &order.id, r) < 0 ||
        param_text(fault, "fault.method", PARAM_REQUIRED, &method, r) < 0 ||
        param_object(fault, "fault.params", PARAM_REQUIRED, &params, r) < 0 ||
        param_integer(q->body, "durationMs", PARAM_REQUIRED, 1, DURATION_MAX_MS, &duration, r) < 0 ||
        param_integer(q->body, "leaseMs", PARAM_OPTIONAL, 100, LEASE_MAX_MS, &lease, r) < 0)
        return -1;
    order.method = method_find(method);
    if (!order.method)
        return refusal_text(r, "fault.method", method, "no such method here; the hello line lists them");
    order.params = params;
    order.duration = duration * USEC_MSEC;
    order.lease = lease * USEC_MSEC;
    return faults_inject(g->faults, &order, &q->to, ret_result, r);
}

static int operation_revert(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r)
{
    const char *id, *reason = "request";
    if (param_id(q->body, "fault", &id, r) < 0 || param_text(q->body, "reason", PARAM_OPTIONAL, &reason, r) < 0)
        return -1;
    json_t *cut = text_to_json(reason, strlen(reason), 63); /* at the end of a character */
    int rc = faults_revert(g->faults, id, json_string_value(cut), ret_result, r);
    json_decref(cut);
    return rc < 0 ? -1 : 1;
}

static int operation_renew(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r)
{
    int64_t lease = FAULT_LEASE_DEFAULT / USEC_MSEC;
    if (param_integer(q->body, "leaseMs", PARAM_OPTIONAL, 100, LEASE_MAX_MS, &lease, r) < 0)
        return -1;
    faults_renew(g->faults, lease * USEC_MSEC);
    *ret_result = json_pack("{s:o}", "faults", faults_list(g->faults, true));
    return 1;
}

static int operation_probe(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r)
{
    (void)ret_result;
    json_t *spec = NULL;
    if (param_object(q->body, "probe", PARAM_REQUIRED, &spec, r) < 0)
        return -1;
    return watches_probe_once(g->watches, &q->to, spec, r);
}

static int operation_watch(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r)
{
    (void)ret_result;
    return watches_add(g->watches, &q->to, q->body, r);
}

static int operation_unwatch(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r)
{
    const char *key;
    if (param_id(q->body, "watch", &key, r) < 0)
        return -1;
    *ret_result = json_pack("{s:b}", "removed", watches_remove(g->watches, q->to.session, key));
    return 1;
}

/* An exec runs in the target's own container, where `serve` handles it; it asks us to keep its epoch and its effect. */
static int operation_exec(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r)
{
    (void)g, (void)q, (void)ret_result;
    return refusal_text(r, "op", "exec", "commands run in the target container only: open a session there");
}

static int operation_effect_begin(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r)
{
    (void)g, (void)q, (void)r;
    *ret_result = json_pack("{s:s}", "state", "Started");
    return 1;
}

static int operation_effect_end(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r)
{
    const char *id;
    json_t *outcome = NULL;
    if (param_id(q->body, "effect", &id, r) < 0 || param_object(q->body, "outcome", PARAM_REQUIRED, &outcome, r) < 0 ||
        effects_end(g->effects, id, "exec", outcome, &r->error) < 0)
        return -1;
    *ret_result = json_object();
    return 1;
}

static const struct operation operations[] = {
    {"status", false, false, operation_status},
    {"inject", true, false, operation_inject},
    {"revert", true, false, operation_revert},
    {"renew", true, false, operation_renew},
    {"probe", false, false, operation_probe},
    {"watch", false, false, operation_watch},
    {"unwatch", false, false, operation_unwatch},
    {"snapshot", false, false, operation_snapshot},
    {"restore", true, true, operation_restore},
    {"signal", true, true, operation_signal},
    {"restart", true, true, operation_restart},
    {"exec", true, false, operation_exec},
    /* between `serve` in the target and the guard */
    {"effect-begin", true, true, operation_effect_begin},
    {"effect-end", false, false, operation_effect_end},
};

static const struct operation *find(const char *name)
{
    for (size_t i = 0; i < array_len(operations); i++)
        if (str_equal(operations[i].name, name))
            return &operations[i];
    return NULL;
}

/* 0: go ahead; 1: *ret_outcome is the answer of the first time. */
static int take_effect(struct guard *g, struct request *q, const char *op, json_t **ret_outcome, struct refusal *r)
{
    const char *id;
    if (param_id(q->body, "effect", &id, r) < 0)
        return -1;
    /* What is begun for the target is recorded as the operation that it is. */
    bool delegated = str_equal(op, "effect-begin");
    int known = effects_begin(g->effects, id, delegated ? "exec" : op, !delegated, ret_outcome, &r->error);
    if (known == 0 && !delegated) {
        str_copy(q->to.effect, sizeof q->to.effect, id);
        str_copy(q->to.op, sizeof q->to.op, op);
    }
    return known;
}

static int carry_out(struct guard *g, struct request *q, json_t **ret_result, struct refusal *r)
{
    const char *name = NULL;
    int64_t epoch;
    if (param_text(q->body, "op", PARAM_REQUIRED, &name, r) < 0)
        return -1;
    const struct operation *o = find(name);
    if (!o)
        return refusal_text(
            r, "op", name,
            "unknown operation; there are status, inject, revert, renew, probe, watch, unwatch, snapshot, restore, signal, "
            "restart and exec");
    if (o->needs_epoch &&
        (param_integer(q->body, "epoch", PARAM_REQUIRED, 0, INT64_MAX, &epoch, r) < 0 || guard_take_epoch(g, epoch, r) < 0))
        return -1;
    if (o->has_effect) {
        json_t *outcome = NULL;
        int known = take_effect(g, q, name, &outcome, r);
        if (known < 0)
            return -1;
        if (known) {
            json_object_set_new(outcome, "replayed", json_true());
            *ret_result = outcome;
            return 2;
        }
    }
    return o->handle(g, q, ret_result, r);
}

/* The whole answer of an effect's first time, under this request's id. */
static void answer_replayed(struct guard *g, struct session *s, const struct request *q, json_t *outcome)
{
    json_t *answer = json_copy(outcome);
    json_object_set_new(answer, "id", json_string(q->to.id));
    json_object_set_new(answer, "mono", json_integer(time_monotonic()));
    session_send(s, answer);
    session_owe(s, -1);
    json_decref(answer);
    (void)g;
}

void request_handle(struct guard *g, struct session *s, const char *line, size_t n)
{
    json_error_t where;
    struct refusal r = {0};
    struct request q = {.to.session = session_number(s)};
    json_t *result = NULL;
    q.body = json_loadb(line, n, JSON_REJECT_DUPLICATES, &where);
    session_owe(s, 1);
    const char *id = json_string_value(json_object_get(q.body, "id"));
    int rc = -1;
    if (!json_is_object(q.body))
        refusal_text(&r, "", "", "a line wants one JSON object: %s", q.body ? "this is none" : where.text);
    else if (!id || !str_copy(q.to.id, sizeof q.to.id, id)) {
        q.to.id[0] = '\0';
        refusal_field(&r, "id", json_object_get(q.body, "id"), "id wants a string of 1 to 64 bytes");
    } else
        rc = carry_out(g, &q, &result, &r);
    if (rc == 2)
        answer_replayed(g, s, &q, result);
    else if (rc != 0)
        guard_answer(g, &q.to, rc > 0 ? result : NULL, rc > 0 ? NULL : &r);
    json_decref(result);
    json_decref(q.body);
}

void request_refuse_long(struct guard *g, struct session *s)
{
    struct refusal r = {0};
    struct reply_to to = {.session = session_number(s)};
    refusal_text(&r, "", "", "a line has at most %zu bytes; this one is skipped", SESSION_LINE_MAX);
    session_owe(s, 1);
    guard_answer(g, &to, NULL, &r);
}

#include "shell/session_parts.h"

#include "base/str.h"
#include "shell/agent_wire.h"

#define OPS_MAX 256

void session_op_finish(struct session *s, struct op *op, const struct op_end *end)
{
    list_remove(&op->node);
    s->op_count--;
    json_t *told = end->state == OBSERVATION_OK ? wire_result(end->result, session_offset(s)) : json_incref((json_t *)end->result);
    struct session_outcome outcome = {
        .state = end->state,
        .asked_at = clock_steady(s->host->clock, op->asked),
        .answered_at = clock_now(s->host->clock),
        .result = told,
        .raw = end->result,
        .mono = end->mono,
    };
    if (end->err)
        outcome.err = *end->err;
    if (op->done)
        op->done(op->userdata, &outcome);
    json_decref(told);
    json_decref(op->body);
    free(op);
}

static bool op_send(struct session *s, struct op *op)
{
    op->id = ++s->last_id;
    op->asked = session_now(s);
    json_auto_t *line = wire_request(op->body, op->id, s->host->epoch);
    return world_session_send(s->link, line);
}

void session_ops_lost(struct session *s, const char *why)
{
    struct error err = {0};
    error_set(&err, ERROR_UNAVAILABLE, "%s", why);
    for (struct list *node = s->ops.next, *next; node != &s->ops; node = next) {
        next = node->next;
        struct op *op = list_entry(node, struct op, node);
        if (op->id)
            session_op_finish(s, op, &(struct op_end){.state = OBSERVATION_UNKNOWN, .err = &err});
    }
}

void session_ops_send(struct session *s)
{
    for (struct list *node = s->ops.next; node != &s->ops; node = node->next) {
        struct op *op = list_entry(node, struct op, node);
        if (!op->id && !op->hopeless && !op_send(s, op)) {
            op->id = 0;
            return;
        }
    }
}

static void op_over(struct session *s, struct op *op)
{
    struct error err = {0};
    if (op->id)
        error_set(&err, ERROR_TIMEOUT, "the agent in pod %s did not answer in time", s->pod.name);
    else
        error_set(&err, ERROR_UNAVAILABLE, "the agent in pod %s was not asked: %s", s->pod.name, s->state.message);
    session_op_finish(s, op, &(struct op_end){.state = op->id ? OBSERVATION_UNKNOWN : OBSERVATION_FAILED, .err = &err});
}

usec_t session_ops_expire(struct session *s, usec_t now)
{
    usec_t next = USEC_NEVER;
    for (struct list *node = s->ops.next, *after; node != &s->ops; node = after) {
        after = node->next;
        struct op *op = list_entry(node, struct op, node);
        if (op->hopeless || op->deadline <= now)
            op_over(s, op);
        else
            next = usec_min(next, op->deadline);
    }
    return next;
}

void session_op(struct session *s, const json_t *body, usec_t timeout, session_outcome_fn *done, void *userdata)
{
    struct op *op = mem_new(struct op);
    *op = (struct op){
        .body = json_incref((json_t *)body),
        .asked = session_now(s),
        .deadline = session_now(s) + timeout,
        .done = done,
        .userdata = userdata,
    };
    list_append(&s->ops, &op->node);
    bool up = s->phase == SESSION_UP;
    op->hopeless = ++s->op_count > OPS_MAX || (!up && str_equal(json_str(body, "op", ""), "inject"));
    if (up && !op->hopeless && !op_send(s, op)) {
        op->id = 0;
        op->hopeless = true;
    }
    session_schedule(s, op->hopeless ? session_now(s) : op->deadline);
    if (s->phase == SESSION_IDLE)
        session_schedule(s, session_now(s));
}

struct op *session_op_find(struct session *s, uint64_t id)
{
    for (struct list *node = s->ops.next; node != &s->ops; node = node->next) {
        struct op *op = list_entry(node, struct op, node);
        if (op->id == id)
            return op;
    }
    return NULL;
}

void session_ops_free(struct session *s)
{
    struct error err = {0};
    error_set(&err, ERROR_CANCELLED, "the session was closed");
    while (!list_empty(&s->ops)) {
        struct op *op = list_entry(s->ops.next, struct op, node);
        session_op_finish(s, op, &(struct op_end){.state = op->id ? OBSERVATION_UNKNOWN : OBSERVATION_FAILED, .err = &err});
    }
}

/* ── leases ── */

static usec_t shortest_lease(const struct session *s)
{
    usec_t shortest = 0;
    size_t at = 0;
    void *value;
    while (map_next(s->leases, &at, NULL, &value))
        shortest = shortest ? usec_min(shortest, *(usec_t *)value) : *(usec_t *)value;
    return shortest;
}

void session_renew(struct session *s, usec_t now)
{
    usec_t lease = shortest_lease(s);
    s->renew_at = USEC_NEVER;
    if (!lease || s->phase != SESSION_UP)
        return;
    json_auto_t *body = json_object();
    json_put_str(body, "op", "renew");
    json_put_int(body, "leaseMs", lease / USEC_MSEC);
    session_op(s, body, lease, NULL, NULL);
    s->renew_at = now + lease / 3;
    session_schedule(s, s->renew_at);
}

void session_lease(struct session *s, const char *owner, usec_t lease)
{
    const usec_t *have = map_get(s->leases, owner);
    if (!lease) {
        if (map_remove(s->leases, owner))
            session_touch(s);
        return;
    }
    if (have && *have == lease)
        return;
    usec_t *value = mem_new(usec_t);
    *value = lease;
    map_set(s->leases, owner, value);
    s->renew_at = session_now(s);
    session_schedule(s, s->renew_at);
}

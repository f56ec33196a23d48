#include "shell/executor_parts.h"

#include "base/log.h"
#include "base/str.h"

#define OPERATION_TIMEOUT (10 * USEC_SEC)

struct operation {
    struct pending pending;
    struct key owner, pod;
    enum effect_type type;
    char id[EFFECT_ID_SIZE], op[32];
    usec_t asked_at; /* steady */
};

/* ── observations ── */

static void observe(struct executor *x, struct operation *o, const struct observation *seen)
{
    executor_log(o->type, "effect answered", &o->owner, &o->pod, o->id, &seen->err);
    observations_set(o->pending.owner->observations, o->id, seen);
    workqueue_add(x->o.queue, &o->owner);
}

/* Marks it as asked; NULL: it was before. */
static struct operation *operation_begin(struct executor *x, struct owner_state *owner, const struct effect *e)
{
    if (observations_get(owner->observations, e->id)->state != OBSERVATION_NONE)
        return NULL;
    struct operation *o = mem_new(struct operation);
    *o = (struct operation){.owner = owner->key, .pod = e->key, .type = e->type, .asked_at = clock_now(x->o.clock)};
    str_copy(o->id, sizeof(o->id), e->id);
    struct observation asked = {.state = OBSERVATION_IN_FLIGHT, .asked_at = o->asked_at};
    observations_set(owner->observations, e->id, &asked);
    pending_begin(x, &o->pending, owner);
    executor_log(e->type, "effect begun", &owner->key, e->type == EFFECT_AGENT ? &e->key : NULL, e->id, NULL);
    return o;
}

/* ── agents ── */

/* A drill's story at info: what was done to the pod. */
static void tell_story(const struct operation *o, const struct session_outcome *outcome)
{
    static const char *const told[] = {"inject", "revert", "restore", "signal", "restart", "exec"};
    bool story = false;
    for (size_t i = 0; i < array_len(told); i++)
        story |= str_equal(o->op, told[i]);
    if (!story)
        return;
    char took[32], owner[KEY_TEXT_SIZE];
    str_format(took, sizeof(took), "%.3f", (double)(outcome->answered_at - outcome->asked_at) / (double)USEC_MSEC);
    log_event(outcome->state == OBSERVATION_OK ? LOG_INFO : LOG_WARNING, "agent answered", "op", o->op, "owner",
              key_text(&o->owner, owner), "pod", o->pod.name, "outcome",
              outcome->state == OBSERVATION_OK       ? "ok"
              : outcome->state == OBSERVATION_FAILED ? "refused"
                                                     : "unknown",
              "state", json_str(outcome->result, "state", NULL), "ms", took, "error",
              str_empty(outcome->err.text) ? NULL : outcome->err.text, NULL);
}

static void on_outcome(void *userdata, const struct session_outcome *outcome)
{
    struct operation *o = userdata;
    struct executor *x = o->pending.executor;
    bool known = pending_end(&o->pending);
    if (x) {
        x->o.metrics->agent_operations++;
        x->o.metrics->agent_errors += outcome->state != OBSERVATION_OK;
    }
    if (known) {
        struct observation seen = {.state = outcome->state,
                                   .asked_at = outcome->asked_at,
                                   .answered_at = outcome->answered_at,
                                   .err = outcome->err,
                                   .result = outcome->result};
        tell_story(o, outcome);
        observe(x, o, &seen);
    }
    free(o);
}

/* Commands of the user run in the target's container, everything else in the sidecar. "": the sidecar. */
static void container_for(struct executor *x, const struct key *owner, const struct effect *e, char dest[64])
{
    dest[0] = '\0';
    if (!str_equal(json_str(e->body, "op", ""), "exec") || str_equal(json_str(e->body, "in", "Target"), "Sidecar"))
        return;
    json_auto_t *object = store_get(x->o.lookup.store, owner);
    struct target target = {0};
    if (lookup_target(&x->o.lookup, owner->ns, json_str(object, "spec.target", ""), &target, NULL))
        lookup_container(&x->o.lookup, &target, &e->key, dest);
    target_done(&target);
}

void execute_agent(struct executor *x, struct owner_state *owner, const struct effect *e)
{
    struct operation *o = operation_begin(x, owner, e);
    if (!o)
        return;
    char container[64];
    container_for(x, &owner->key, e, container);
    str_copy(o->op, sizeof(o->op), json_str(e->body, "op", ""));
    struct session *session = sessions_get(x->o.sessions, &e->key, str_empty(container) ? NULL : container);
    session_op(session, e->body, e->timeout ? e->timeout : OPERATION_TIMEOUT, on_outcome, o);
}

/* ── requests of healing actions ── */

static void on_reply(void *userdata, const struct world_reply *reply)
{
    struct operation *o = userdata;
    struct executor *x = o->pending.executor;
    bool known = pending_end(&o->pending);
    if (known) {
        bool ok = reply->err.class == ERROR_NONE;
        struct observation seen = {
            .state = ok                                   ? OBSERVATION_OK
                     : error_outcome_unknown(&reply->err) ? OBSERVATION_UNKNOWN
                                                          : OBSERVATION_FAILED,
            .asked_at = o->asked_at,
            .answered_at = clock_now(x->o.clock),
            .err = reply->err,
            .result = reply->body,
        };
        x->o.metrics->writes[EFFECT_API] += ok;
        observe(x, o, &seen);
    }
    free(o);
}

static bool may_ask(void *userdata)
{
    const struct operation *o = userdata;
    const struct executor *x = o->pending.executor;
    return x && x->o.may_act(x->o.userdata);
}

void execute_api(struct executor *x, struct owner_state *owner, const struct effect *e)
{
    struct operation *o = operation_begin(x, owner, e);
    if (!o)
        return;
    struct world_request request = {
        .method = json_str(e->body, "method", "GET"),
        .path = json_str(e->body, "path", "/"),
        .content_type = json_str(e->body, "contentType", NULL),
        .body = json_at(e->body, "body"),
        .timeout = e->timeout ? e->timeout : OPERATION_TIMEOUT,
        .may_send = may_ask,
    };
    world_api(x->o.world, &request, on_reply, o);
}

/* ── notes ── */

void execute_note(struct executor *x, struct owner_state *owner, const struct effect *e)
{
    const struct observation *have = observations_get(owner->observations, e->id);
    bool same = have->state == OBSERVATION_OK &&
                (have->result == e->body || (have->result && e->body && json_equal(have->result, e->body)));
    if (same)
        return;
    usec_t now = clock_now(x->o.clock);
    struct observation note = {.state = OBSERVATION_OK, .asked_at = now, .answered_at = now, .result = e->body};
    observations_set(owner->observations, e->id, &note);
    workqueue_add(x->o.queue, &owner->key);
}

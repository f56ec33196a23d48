#include "shell/session_parts.h"

#include "base/str.h"
#include "shell/agent_wire.h"

#define FIRST_LOOK_TIMEOUT (10 * USEC_MINUTE)
#define SUBSCRIBE_RETRY    (10 * USEC_SEC)

void subscription_free(void *value)
{
    struct subscription *sub = value;
    json_decref(sub->body);
    free(sub);
}

static void subscription_unknown(struct session *s, struct subscription *sub, const char *why)
{
    struct evidence e = {.holds = HOLDS_UNKNOWN, .since = clock_now(s->host->clock), .error = s->state.clock_error};
    sub->known_since = 0;
    str_copy(e.message, sizeof(e.message), why);
    sub->report(sub->userdata, &e);
}

void subscription_report(struct session *s, struct subscription *sub, const json_t *report, usec_t mono)
{
    struct evidence e;
    wire_evidence(report, session_offset(s), mono, s->state.clock_error, &e);
    if (!sub->known_since && e.holds != HOLDS_UNKNOWN)
        sub->known_since = e.seen_at;
    if (e.holds == HOLDS_UNKNOWN)
        sub->known_since = 0;
    e.known_since = sub->known_since;
    sub->report(sub->userdata, &e);
}

struct watch_request { /* who asked; found again by name, since a subscription may have ended meanwhile */
    struct session *session;
    char id[];
};

static void on_watch_answer(void *userdata, const struct session_outcome *outcome)
{
    struct watch_request *request = userdata;
    struct session *s = request->session;
    struct subscription *sub = map_get(s->subscriptions, request->id);
    if (sub && outcome->state == OBSERVATION_OK && json_object_get(outcome->raw, "holds"))
        subscription_report(s, sub, outcome->raw, outcome->mono); /* its first look */
    else if (sub && outcome->state == OBSERVATION_FAILED) {
        subscription_unknown(s, sub, outcome->err.text);
        sub->sent = false;
        sub->retry_at = session_now(s) + SUBSCRIBE_RETRY;
        session_schedule(s, sub->retry_at);
    }
    free(request);
}

static void subscription_send(struct session *s, const char *id, struct subscription *sub)
{
    sub->sent = true;
    sub->retry_at = USEC_NEVER;
    struct watch_request *request = mem_alloc(sizeof(*request) + strlen(id) + 1);
    request->session = s;
    memcpy(request->id, id, strlen(id) + 1);
    /* Its first look may take as long as its probe does: 20 samples, say. That the agent is dead, pings tell. */
    session_op(s, sub->body, FIRST_LOOK_TIMEOUT, on_watch_answer, request);
}

usec_t session_subscriptions_send(struct session *s)
{
    usec_t next = USEC_NEVER, now = session_now(s);
    size_t at = 0;
    const char *id;
    void *value;
    while (map_next(s->subscriptions, &at, &id, &value)) {
        struct subscription *sub = value;
        if (sub->sent)
            continue;
        if (sub->retry_at == USEC_NEVER || sub->retry_at <= now)
            subscription_send(s, id, sub);
        else
            next = usec_min(next, sub->retry_at);
    }
    return next;
}

void session_subscriptions_lost(struct session *s, const char *why)
{
    size_t at = 0;
    void *value;
    while (map_next(s->subscriptions, &at, NULL, &value)) {
        struct subscription *sub = value;
        sub->sent = false;
        sub->retry_at = USEC_NEVER;
        subscription_unknown(s, sub, why);
    }
}

void session_subscribe(struct session *s, const char *id, json_t *body, session_report_fn *report, void *userdata)
{
    struct subscription *sub = mem_new(struct subscription);
    *sub = (struct subscription){.body = json_incref(body), .retry_at = USEC_NEVER, .report = report, .userdata = userdata};
    map_set(s->subscriptions, id, sub);
    if (s->phase == SESSION_UP)
        subscription_send(s, id, sub);
    else
        session_schedule(s, session_now(s));
}

void session_unsubscribe(struct session *s, const char *id)
{
    const struct subscription *sub = map_get(s->subscriptions, id);
    if (!sub)
        return;
    if (sub->sent && s->phase == SESSION_UP) {
        json_auto_t *body = json_object();
        json_put_str(body, "op", "unwatch");
        json_put_str(body, "watch", id);
        session_op(s, body, SESSION_OPEN_TIMEOUT, NULL, NULL);
    }
    map_remove(s->subscriptions, id);
    session_touch(s);
}

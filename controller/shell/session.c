#include "shell/session.h"

#include "base/list.h"
#include "base/map.h"
#include "base/str.h"
#include "shell/agent_wire.h"
#include "shell/backoff.h"
#include "shell/session_clock.h"
#include "shell/session_faults.h"

#define OPS_MAX 256
#define SUBSCRIBE_RETRY (10 * USEC_SEC)

enum session_phase { SESSION_IDLE, SESSION_WAITING, SESSION_OPENING, SESSION_MEASURING, SESSION_UP };

struct op {
    struct list node;
    json_t *body;
    uint64_t id;     /* 0: not sent */
    usec_t deadline; /* monotonic */
    usec_t asked;    /* monotonic; when it was sent, else when it was wanted */
    bool hopeless;   /* to be failed from the loop */
    session_outcome_fn *done;
    void *userdata;
};

struct subscription {
    json_t *body;
    bool sent;
    usec_t retry_at;    /* after a refusal */
    usec_t known_since; /* steady; 0: nothing heard since the last break */
    session_report_fn *report;
    void *userdata;
};

struct session {
    struct session_host *host;
    struct key pod;
    char container[64];
    enum session_phase phase;
    bool present;
    struct agent_state state;
    struct world_session *link;
    struct alarm alarm;
    struct backoff backoff;
    usec_t retry_at, open_by, ping_at, renew_at, wanted_until, heard_at; /* monotonic */
    usec_t ping_sent; /* 0: none is open */
    uint64_t last_id, ping_id;
    struct session_clock offset;
    struct list ops; /* not answered, in order of asking */
    size_t op_count;
    struct map *subscriptions; /* watch id → subscription */
    struct map *leases;        /* owner → usec_t */
};

static void session_step(void *userdata);

static usec_t now_of(const struct session *s)
{
    return world_now(s->host->world);
}

static void schedule(struct session *s, usec_t at)
{
    alarm_set_earlier(&s->alarm, at);
}

static void changed(struct session *s)
{
    if (s->host->changed)
        s->host->changed(s->host->userdata, &s->pod);
}

static void set_link(struct session *s, enum agent_link link, const char *message)
{
    if (s->state.link != link) {
        s->state.since = clock_now(s->host->clock);
        s->state.up_since = link == AGENT_UP ? s->state.since : 0;
    }
    s->state.link = link;
    str_copy(s->state.message, sizeof(s->state.message), message);
}

static usec_t agent_offset(const struct session *s) /* agent monotonic → steady UTC */
{
    return s->offset.offset + s->host->clock->offset;
}

/* ── operations ── */

static void op_finish(struct session *s, struct op *op, enum observation_state state, const struct error *err, const json_t *result,
                      usec_t mono)
{
    list_remove(&op->node);
    s->op_count--;
    json_t *told = state == OBSERVATION_OK ? wire_result(result, agent_offset(s)) : json_incref((json_t *)result);
    struct session_outcome outcome = {
        .state = state,
        .asked_at = clock_steady(s->host->clock, op->asked),
        .answered_at = clock_now(s->host->clock),
        .result = told,
        .raw = result,
        .mono = mono,
    };
    if (err)
        outcome.err = *err;
    if (op->done)
        op->done(op->userdata, &outcome);
    json_decref(told);
    json_decref(op->body);
    free(op);
}

static bool op_send(struct session *s, struct op *op)
{
    op->id = ++s->last_id;
    op->asked = now_of(s);
    json_auto_t *line = wire_request(op->body, op->id, s->host->epoch);
    return world_session_send(s->link, line);
}

/* All that were sent are lost; those that were not stay for the next session. */
static void ops_lost(struct session *s, const char *why)
{
    struct error err = {0};
    error_set(&err, ERROR_UNAVAILABLE, "%s", why);
    for (struct list *node = s->ops.next, *next; node != &s->ops; node = next) {
        next = node->next;
        struct op *op = list_entry(node, struct op, node);
        if (op->id)
            op_finish(s, op, OBSERVATION_UNKNOWN, &err, NULL, 0);
    }
}

static void ops_send_waiting(struct session *s)
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
    op_finish(s, op, op->id ? OBSERVATION_UNKNOWN : OBSERVATION_FAILED, &err, NULL, 0);
}

static usec_t ops_expire(struct session *s, usec_t now)
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
        .asked = now_of(s),
        .deadline = now_of(s) + timeout,
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
    schedule(s, op->hopeless ? now_of(s) : op->deadline);
    if (s->phase == SESSION_IDLE)
        schedule(s, now_of(s));
}

/* ── subscriptions ── */

static void subscription_free(void *value)
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

static void subscription_report(struct session *s, struct subscription *sub, const json_t *report, usec_t mono)
{
    struct evidence e;
    wire_evidence(report, agent_offset(s), mono, s->state.clock_error, &e);
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
        sub->retry_at = now_of(s) + SUBSCRIBE_RETRY;
        schedule(s, sub->retry_at);
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
    session_op(s, sub->body, SESSION_OPEN_TIMEOUT, on_watch_answer, request);
}

/* Sends those that the agent does not have; the earliest time at which one is to be tried again. */
static usec_t subscriptions_send(struct session *s)
{
    usec_t next = USEC_NEVER, now = now_of(s);
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

static void subscriptions_lost(struct session *s, const char *why)
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
        schedule(s, now_of(s));
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

static void renew(struct session *s, usec_t now)
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
    schedule(s, s->renew_at);
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
    s->renew_at = now_of(s);
    schedule(s, s->renew_at);
}

/* ── the link ── */

static void broken(struct session *s, const char *why, bool lost)
{
    world_session_close(mem_take(s->link));
    bool was_up = s->phase == SESSION_UP;
    usec_t now = now_of(s);
    s->phase = SESSION_WAITING;
    s->ping_sent = 0;
    s->heard_at = 0;
    s->retry_at = now + backoff_next(&s->backoff, now, world_random(s->host->world));
    set_link(s, lost ? AGENT_LOST : s->state.link == AGENT_LOST ? AGENT_LOST : AGENT_OPENING, why);
    schedule(s, s->retry_at);
    ops_lost(s, why);
    if (was_up)
        subscriptions_lost(s, "the agent's session is lost");
    changed(s);
}

static void send_ping(struct session *s, usec_t now)
{
    json_auto_t *body = json_object();
    json_put_str(body, "op", "status");
    s->ping_id = ++s->last_id;
    s->ping_sent = now;
    json_auto_t *line = wire_request(body, s->ping_id, s->host->epoch);
    if (!world_session_send(s->link, line))
        s->ping_sent = now - SESSION_SILENCE; /* its queue is full: nobody reads there */
    schedule(s, s->ping_sent + SESSION_SILENCE);
}

static void on_hello(struct session *s, const struct wire_line *line)
{
    int64_t protocol = json_int(line->body, "protocol", 0);
    if (protocol != AGENT_PROTOCOL) {
        char why[160];
        str_format(why, sizeof(why), "the agent speaks protocol %lld, this controller %d: make both the same version", (long long)protocol,
                   AGENT_PROTOCOL);
        s->backoff.delay = s->backoff.cap;
        broken(s, why, false);
        return;
    }
    str_copy(s->state.boot, sizeof(s->state.boot), json_str(line->body, "boot", ""));
    s->state.target_found = json_flag(line->body, "target.found", true);
    s->phase = SESSION_MEASURING;
    /* Only a first idea of its clock, for the faults it tells of; the round trip that follows says it better. */
    usec_t now = now_of(s);
    session_clock_reset(&s->offset);
    session_clock_sample(&s->offset, now - SESSION_SILENCE, now, line->mono);
    faults_replace(&s->state, json_at(line->body, "faults"), agent_offset(s));
    send_ping(s, now);
}

static void up(struct session *s)
{
    s->phase = SESSION_UP;
    backoff_reset(&s->backoff);
    set_link(s, AGENT_UP, "");
    renew(s, now_of(s));
    ops_send_waiting(s);
    subscriptions_send(s);
    changed(s);
}

static void on_pong(struct session *s, const struct wire_line *line)
{
    usec_t now = now_of(s);
    session_clock_sample(&s->offset, s->ping_sent, now, line->mono);
    s->state.clock_error = session_clock_error(&s->offset, now);
    s->ping_sent = 0;
    s->ping_at = now + SESSION_PING_EVERY;
    schedule(s, s->ping_at);
    bool found = json_flag(line->result, "target.found", s->state.target_found);
    bool different = found != s->state.target_found;
    s->state.target_found = found;
    different |= json_at(line->result, "faults") && faults_replace(&s->state, json_at(line->result, "faults"), agent_offset(s));
    if (s->phase == SESSION_MEASURING)
        up(s);
    else if (different)
        changed(s);
}

static void on_answer(struct session *s, const struct wire_line *line)
{
    int64_t id;
    if (!str_to_i64(line->id, 1, INT64_MAX, &id))
        return;
    if (s->ping_sent && (uint64_t)id == s->ping_id) {
        on_pong(s, line);
        return;
    }
    for (struct list *node = s->ops.next; node != &s->ops; node = node->next) {
        struct op *op = list_entry(node, struct op, node);
        if (op->id != (uint64_t)id)
            continue;
        /* Any operation tells of the clock, as long as it was answered quickly. */
        session_clock_sample(&s->offset, op->asked, now_of(s), line->mono);
        s->state.clock_error = session_clock_error(&s->offset, now_of(s));
        struct error err = {0};
        if (!line->ok)
            wire_error(line->result, &err);
        else if (faults_from_answer(&s->state, op->body, line->result, agent_offset(s)))
            changed(s);
        op_finish(s, op, line->ok ? OBSERVATION_OK : OBSERVATION_FAILED, line->ok ? NULL : &err, line->result, line->mono);
        return;
    }
}

static void on_line(void *userdata, json_t *json)
{
    struct session *s = userdata;
    struct wire_line line;
    wire_decode(json, &line);
    s->heard_at = now_of(s);
    switch (line.type) {
    case WIRE_HELLO:
        on_hello(s, &line);
        return;
    case WIRE_ANSWER:
        on_answer(s, &line);
        return;
    case WIRE_WATCH: {
        struct subscription *sub = map_get(s->subscriptions, json_str(json, "watch", ""));
        if (sub && s->phase == SESSION_UP)
            subscription_report(s, sub, json, line.mono);
        return;
    }
    case WIRE_FAULT: {
        struct agent_fault fault;
        if (wire_fault(json, agent_offset(s), &fault) && faults_set(&s->state, &fault))
            changed(s);
        return;
    }
    case WIRE_BYE:
        broken(s, "the agent is ending", true);
        return;
    case WIRE_UNKNOWN:
        return;
    }
}

static void on_close(void *userdata, const struct error *err)
{
    struct session *s = userdata;
    char why[160];
    s->link = NULL; /* freed by the world */
    str_format(why, sizeof(why), "%.150s", err->class == ERROR_NONE ? "the agent's program ended" : err->text);
    broken(s, why, s->phase == SESSION_UP || s->phase == SESSION_MEASURING);
}

static const struct world_session_handlers link_handlers = {.on_line = on_line, .on_close = on_close};

static void open_link(struct session *s, usec_t now)
{
    s->phase = SESSION_OPENING;
    s->open_by = now + SESSION_OPEN_TIMEOUT;
    s->retry_at = USEC_NEVER;
    s->ping_at = USEC_NEVER;
    if (s->state.link != AGENT_LOST)
        set_link(s, AGENT_OPENING, "its session is being opened");
    s->link = world_session_open(s->host->world, s->pod.ns, s->pod.name, s->container, &link_handlers, s);
    schedule(s, s->open_by);
}

bool session_in_use(const struct session *s)
{
    return s->op_count || map_count(s->subscriptions) || map_count(s->leases) || s->wanted_until > now_of(s);
}

/* All that is due by time, in one place. */
static void session_step(void *userdata)
{
    struct session *s = userdata;
    usec_t now = now_of(s);
    usec_t next = ops_expire(s, now);
    bool may = s->host->enabled && s->present;
    if (s->phase == SESSION_WAITING && s->retry_at <= now)
        s->phase = SESSION_IDLE;
    if (s->phase == SESSION_IDLE && may && session_in_use(s))
        open_link(s, now);
    else if (s->phase == SESSION_OPENING && s->open_by <= now)
        broken(s, "the agent did not say hello in time", false);
    else if (s->ping_sent && s->ping_sent + SESSION_SILENCE <= now)
        broken(s, "the agent does not answer", true);
    else if (s->phase == SESSION_UP && !session_in_use(s)) {
        world_session_close(mem_take(s->link));
        s->phase = SESSION_IDLE;
        set_link(s, AGENT_OPENING, "not wanted at present");
    }
    if (s->phase == SESSION_UP) {
        if (!s->ping_sent && s->ping_at <= now)
            send_ping(s, now);
        if (s->renew_at <= now)
            renew(s, now);
        next = usec_min(next, subscriptions_send(s));
        next = usec_min(next, s->renew_at);
        next = usec_min(next, s->ping_sent ? s->ping_sent + SESSION_SILENCE : s->ping_at);
        next = usec_min(next, s->wanted_until > now ? s->wanted_until : USEC_NEVER);
    } else if (s->phase == SESSION_WAITING)
        next = usec_min(next, s->retry_at);
    else if (s->phase == SESSION_OPENING)
        next = usec_min(next, s->open_by);
    else if (s->phase == SESSION_MEASURING)
        next = usec_min(next, s->ping_sent + SESSION_SILENCE);
    schedule(s, next);
}

void session_set_pod(struct session *s, bool present, const char *why)
{
    if (s->present == present && present)
        return;
    s->present = present;
    if (present) {
        set_link(s, AGENT_OPENING, "its session is not open yet");
        session_nudge(s);
        return;
    }
    session_close(s, why);
    s->state.fault_count = 0;
    set_link(s, AGENT_ABSENT, why);
    changed(s);
}

void session_nudge(struct session *s)
{
    if (s->phase != SESSION_WAITING && s->phase != SESSION_IDLE)
        return;
    backoff_reset(&s->backoff);
    s->retry_at = now_of(s);
    schedule(s, s->retry_at);
}

void session_touch(struct session *s)
{
    s->wanted_until = now_of(s) + SESSION_IDLE_AFTER;
    schedule(s, s->phase == SESSION_IDLE ? now_of(s) : s->wanted_until);
}

void session_close(struct session *s, const char *why)
{
    if (s->phase != SESSION_IDLE && s->phase != SESSION_WAITING)
        broken(s, why, true);
    else
        set_link(s, s->state.link, why);
}

struct session *session_new(struct session_host *host, const struct key *pod, const char *container)
{
    struct session *s = mem_new(struct session);
    s->host = host;
    s->pod = *pod;
    s->renew_at = s->retry_at = s->ping_at = s->open_by = USEC_NEVER;
    s->backoff = (struct backoff){.first = 100 * USEC_MSEC, .cap = 10 * USEC_SEC};
    s->subscriptions = map_new(subscription_free);
    s->leases = map_new(free);
    s->state.since = clock_now(host->clock);
    str_copy(s->container, sizeof(s->container), container);
    str_copy(s->state.message, sizeof(s->state.message), "no session yet");
    list_init(&s->ops);
    alarm_init(&s->alarm, host->alarms, session_step, s);
    return s;
}

void session_free(struct session *s)
{
    if (!s)
        return;
    world_session_close(s->link);
    while (!list_empty(&s->ops)) {
        struct op *op = list_entry(s->ops.next, struct op, node);
        struct error err = {0};
        error_set(&err, ERROR_CANCELLED, "the session was closed");
        op_finish(s, op, op->id ? OBSERVATION_UNKNOWN : OBSERVATION_FAILED, &err, NULL, 0);
    }
    alarm_clear(&s->alarm);
    map_free(s->subscriptions);
    map_free(s->leases);
    free(s);
}

const struct agent_state *session_state(const struct session *s)
{
    return &s->state;
}

usec_t session_heard_at(const struct session *s)
{
    return s->phase == SESSION_UP ? clock_steady(s->host->clock, s->heard_at) : 0;
}

const struct key *session_pod(const struct session *s)
{
    return &s->pod;
}

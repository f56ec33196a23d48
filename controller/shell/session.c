#include "shell/session_parts.h"

#include "base/str.h"
#include "shell/agent_wire.h"
#include "shell/session_faults.h"

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

static void broken(struct session *s, const char *why, bool lost)
{
    world_session_close(mem_take(s->link));
    bool was_up = s->phase == SESSION_UP;
    usec_t now = session_now(s);
    s->phase = SESSION_WAITING;
    s->ping_sent = 0;
    s->heard_at = 0;
    s->retry_at = now + backoff_next(&s->backoff, now, world_random(s->host->world));
    set_link(s, lost ? AGENT_LOST : s->state.link == AGENT_LOST ? AGENT_LOST : AGENT_OPENING, why);
    session_schedule(s, s->retry_at);
    session_ops_lost(s, why);
    if (was_up)
        session_subscriptions_lost(s, "the agent's session is lost");
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
    session_schedule(s, s->ping_sent + SESSION_SILENCE);
}

/* Whether that is news. `otherwise`: where it does not say whether it sees its target. */
static bool target_state(struct agent_state *state, const json_t *body, bool otherwise)
{
    bool found = json_flag(body, "target.found", otherwise);
    int64_t hidden = found ? -1 : json_int(body, "target.hiddenUser", -1);
    bool news = found != state->target_found || (hidden >= 0) != state->target_hidden;
    state->target_found = found;
    state->target_hidden = hidden >= 0;
    state->hidden_user = hidden;
    return news;
}

static void on_hello(struct session *s, const struct wire_line *line)
{
    int64_t protocol = json_int(line->body, "protocol", 0);
    if (protocol != AGENT_PROTOCOL) {
        char why[160];
        str_format(why, sizeof(why), "the agent speaks protocol %lld, this controller %d: make both the same version",
                   (long long)protocol, AGENT_PROTOCOL);
        s->backoff.delay = s->backoff.cap;
        broken(s, why, false);
        return;
    }
    str_copy(s->state.boot, sizeof(s->state.boot), json_str(line->body, "boot", ""));
    s->state.user = json_int(line->body, "uid", -1);
    target_state(&s->state, line->body, true);
    s->phase = SESSION_MEASURING;
    /* Only a first idea of its clock, for the faults it tells of; the round trip that follows says it better, and their times anew. A hello
     * is on its way for milliseconds: it was written now, give or take. */
    usec_t now = session_now(s);
    session_clock_reset(&s->offset);
    session_clock_sample(&s->offset, now - SESSION_SILENCE, now + SESSION_SILENCE, line->mono);
    faults_replace(&s->state, json_at(line->body, "faults"), session_offset(s), false);
    send_ping(s, now);
}

static void up(struct session *s)
{
    s->phase = SESSION_UP;
    set_link(s, AGENT_UP, "");
    session_renew(s, session_now(s));
    session_ops_send(s);
    session_subscriptions_send(s);
    changed(s);
}

static void on_pong(struct session *s, const struct wire_line *line)
{
    usec_t now = session_now(s);
    session_clock_sample(&s->offset, s->ping_sent, now, line->mono);
    s->state.clock_error = session_clock_error(&s->offset, now);
    s->ping_sent = 0;
    bool different = target_state(&s->state, line->result, s->state.target_found);
    /* The sidecar is there before the target's process: until that is seen, it is asked for more often. */
    s->ping_at = now + (s->state.target_found ? SESSION_PING_EVERY : SESSION_TARGET_EVERY);
    session_schedule(s, s->ping_at);
    different |= json_at(line->result, "faults") &&
                 faults_replace(&s->state, json_at(line->result, "faults"), session_offset(s), s->phase == SESSION_MEASURING);
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
    struct op *op = session_op_find(s, (uint64_t)id);
    if (!op)
        return;
    /* Any operation tells of the clock, as long as it was answered quickly. */
    session_clock_sample(&s->offset, op->asked, session_now(s), line->mono);
    s->state.clock_error = session_clock_error(&s->offset, session_now(s));
    struct error err = {0};
    if (!line->ok)
        wire_error(line->result, &err);
    else if (faults_from_answer(&s->state, op->body, line->result, session_offset(s)))
        changed(s);
    struct op_end end = {.state = line->ok ? OBSERVATION_OK : OBSERVATION_FAILED,
                         .err = line->ok ? NULL : &err,
                         .result = line->result,
                         .mono = line->mono};
    session_op_finish(s, op, &end);
}

static void on_line(void *userdata, json_t *json)
{
    struct session *s = userdata;
    struct wire_line line;
    wire_decode(json, &line);
    s->heard_at = session_now(s);
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
        if (wire_fault(json, session_offset(s), &fault) && faults_set(&s->state, &fault))
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
    usec_t not_before = session_now(s) + err->retry_after_ms * USEC_MSEC;
    broken(s, why, s->phase == SESSION_UP || s->phase == SESSION_MEASURING);
    if (s->phase == SESSION_WAITING && s->retry_at < not_before) {
        s->retry_at = not_before;
        session_schedule(s, s->retry_at);
    }
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
    session_schedule(s, s->open_by);
}

bool session_in_use(const struct session *s)
{
    return s->op_count || map_count(s->subscriptions) || map_count(s->leases) || s->wanted_until > session_now(s);
}

/* All that is due by time, in one place. */
static void session_step(void *userdata)
{
    struct session *s = userdata;
    usec_t now = session_now(s);
    usec_t next = session_ops_expire(s, now);
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
        s->ping_sent = 0;
        set_link(s, AGENT_OPENING, "not wanted at present");
    }
    if (s->phase == SESSION_UP) {
        if (!s->ping_sent && s->ping_at <= now)
            send_ping(s, now);
        if (s->renew_at <= now)
            session_renew(s, now);
        next = usec_min(next, session_subscriptions_send(s));
        next = usec_min(next, s->renew_at);
        next = usec_min(next, s->ping_sent ? s->ping_sent + SESSION_SILENCE : s->ping_at);
        next = usec_min(next, s->wanted_until > now ? s->wanted_until : USEC_NEVER);
    } else if (s->phase == SESSION_WAITING)
        next = usec_min(next, s->retry_at);
    else if (s->phase == SESSION_OPENING)
        next = usec_min(next, s->open_by);
    else if (s->phase == SESSION_MEASURING)
        next = usec_min(next, s->ping_sent + SESSION_SILENCE);
    session_schedule(s, next);
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
    s->retry_at = session_now(s);
    session_schedule(s, s->retry_at);
}

void session_touch(struct session *s)
{
    s->wanted_until = session_now(s) + SESSION_IDLE_AFTER;
    session_schedule(s, s->phase == SESSION_IDLE ? session_now(s) : s->wanted_until);
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
    s->backoff = (struct backoff){.first = 100 * USEC_MSEC,
                                  .cap = 10 * USEC_SEC,
                                  .reset_after = SESSION_HEALTHY}; /* an agent may die right after it said hello */
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
    session_ops_free(s);
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

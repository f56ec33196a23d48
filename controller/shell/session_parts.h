/* shell/session_parts.h — what the files of a session share: session.c (the link), session_ops.c (operations and leases), session_watch.c
 * (subscriptions). For them alone. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "shell/backoff.h"
#include "shell/session.h"
#include "shell/session_clock.h"

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
    usec_t ping_sent;                                                    /* 0: none is open */
    uint64_t last_id, ping_id;
    struct session_clock offset;
    struct list ops; /* not answered, in order of asking */
    size_t op_count;
    struct map *subscriptions; /* watch id → subscription */
    struct map *leases;        /* owner → usec_t */
};

static inline usec_t session_now(const struct session *s)
{
    return world_now(s->host->world);
}
/* The session is looked at by then at the latest. */
static inline void session_schedule(struct session *s, usec_t at)
{
    alarm_set_earlier(&s->alarm, at);
}
static inline usec_t session_offset(const struct session *s) /* the agent's monotonic clock → steady UTC */
{
    return s->offset.offset + s->host->clock->offset;
}

/* session_ops.c */
struct op_end {
    enum observation_state state;
    const struct error *err; /* NULL: none */
    const json_t *result;    /* as it came */
    usec_t mono;             /* the agent's time; 0: it said none */
};
void session_op_finish(struct session *s, struct op *op, const struct op_end *end);
struct op *session_op_find(struct session *s, uint64_t id); /* NULL: not open, or never sent */
void session_ops_lost(struct session *s, const char *why);  /* all that were sent; those that were not stay for the next session */
void session_ops_send(struct session *s);                   /* those that waited */
usec_t session_ops_expire(struct session *s, usec_t now);   /* the earliest limit of those that stay */
void session_ops_free(struct session *s);
void session_renew(struct session *s, usec_t now);

/* session_watch.c */
void subscription_free(void *value);
void subscription_report(struct session *s, struct subscription *sub, const json_t *report, usec_t mono);
usec_t
session_subscriptions_send(struct session *s); /* those that the agent lacks; the earliest time at which one is tried again */
void session_subscriptions_lost(struct session *s, const char *why);

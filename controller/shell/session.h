/* shell/session.h — the one conversation with the agent in one container of a pod, kept up as long as somebody wants it.
 *
 *   idle ──► opening ──► greeting ──► measuring ──► up ──► (broken) ──► waiting ──► opening …
 *
 * Guarantees
 * - Each operation gets exactly one outcome, from the loop: OK, FAILED (it did not happen: the agent refused, or it was never sent) or
 *   UNKNOWN (sent, and no answer came before the limit or the break).
 * - It is up only once the agent's clock has been measured; a session that does not answer for SESSION_SILENCE counts as broken.
 * - Subscriptions are made again after each break; in between their evidence is UNKNOWN.
 * - Commands carry the epoch; leases are renewed at a third of their length, also while nothing else is said. */
#pragma once

#include "core/agent_state.h"
#include "core/decision.h"
#include "shell/alarms.h"
#include "shell/clock.h"

#define SESSION_PING_EVERY   (5 * USEC_SEC)
#define SESSION_TARGET_EVERY (500 * USEC_MSEC) /* while the agent sees no process of the target */
#define SESSION_SILENCE      (5 * USEC_SEC)
#define SESSION_OPEN_TIMEOUT (10 * USEC_SEC)
#define SESSION_IDLE_AFTER   (60 * USEC_SEC)
#define SESSION_HEALTHY      (30 * USEC_SEC) /* one that broke is dialled again at once, unless the one before broke as lately */

/* What all sessions share; owned by sessions.c. */
struct session_host {
    struct world *world;
    struct alarms *alarms;
    const struct clock *clock;
    int64_t epoch;
    bool enabled; /* false: not the leader; nothing is opened */
    /* The link, a fault or what the agent sees has changed. */
    void (*changed)(void *userdata, const struct key *pod);
    void *userdata;
};

struct session_outcome {
    enum observation_state state; /* OK, FAILED or UNKNOWN */
    usec_t asked_at, answered_at; /* steady UTC */
    struct error err;
    json_t *result;    /* borrowed; times in it are RFC 3339. FAILED: the agent's error object, NULL where it was not asked */
    const json_t *raw; /* OK: the same as it came, in the agent's own time; borrowed */
    usec_t mono;       /* OK: the agent's time of the answer */
};
typedef void session_outcome_fn(void *userdata, const struct session_outcome *outcome);
typedef void session_report_fn(void *userdata, const struct evidence *evidence);

struct session;
struct session *session_new(struct session_host *host, const struct key *pod, const char *container);
void session_free(struct session *s); /* answers what is open with UNKNOWN at once; NULL is fine */

void session_set_pod(struct session *s, bool present, const char *why); /* false: the pod or its agent is gone */
void session_nudge(struct session *s);                  /* something changed there: try now, not after the backoff */
void session_touch(struct session *s);                  /* wanted for another SESSION_IDLE_AFTER */
bool session_in_use(const struct session *s);           /* wanted, subscribed, leased or asked something */
void session_close(struct session *s, const char *why); /* reverts nothing; opens again when it may */

/* body {op, …} is copied. An injection is not kept for later: it fails at once unless the session is up. */
void session_op(struct session *s, const json_t *body, usec_t timeout, session_outcome_fn *done, void *userdata);
/* body {op: watch, watch: id, …}; `report` is called with each report, and with UNKNOWN when the session breaks. */
void session_subscribe(struct session *s, const char *id, json_t *body, session_report_fn *report, void *userdata);
void session_unsubscribe(struct session *s, const char *id);
/* Renews the lease of `owner`'s fault from now on; 0: no longer. */
void session_lease(struct session *s, const char *owner, usec_t lease);

const struct agent_state *session_state(const struct session *s);
usec_t session_heard_at(const struct session *s); /* when the agent last answered, steady UTC; 0: it is not up */
const struct key *session_pod(const struct session *s);

/* core/lease.h — who leads: the election on a coordination.k8s.io/v1 Lease (client-go tools/leaderelection), as pure functions.
 *
 * The caller carries out what lease_decide() says, one request at a time, and hands each outcome to lease_answer(). No clock is read
 * here: `now` is monotonic and local, `wall` is only written down. Another's times are never compared with ours; what counts is for
 * how long, by our clock, a record has not changed.
 *
 * The epoch is the Lease's leaseTransitions: each take-over adds one, even from ourselves, so that no two terms share one; a Lease
 * that has to be created begins at the half seconds since 2026, so that after one was deleted (by a person, or with its namespace) the
 * next does not start again below what agents have seen. Every command carries it, and an agent takes none lower than it has seen.
 *
 * Defaults: a holder that is killed is followed within 2.2 s plus one poll (at most 0.6 s) plus one round trip, under 3 s in all; with
 * `watched` the poll falls away. Times so short can depose a healthy leader while the API server is slow, and let two processes believe
 * for a moment that they lead. Both are harmless here: the deposed one's writes fail by their resourceVersion, its commands by their
 * epoch, and what it had in flight is taken up from the record. What the times must keep is only that the holder stops by itself
 * (renew_deadline after it SENT its last good renewal) before another may take over (duration after that one SAW the renewal). */
#pragma once

#include "base/error.h"
#include "base/time.h"

#include <jansson.h>

#define LEASE_DURATION       (2200 * USEC_MSEC)
#define LEASE_RENEW_DEADLINE (1600 * USEC_MSEC)
#define LEASE_RETRY          (500 * USEC_MSEC) /* between renewals, and between looks at another's Lease; up to a fifth longer */
#define LEASE_MARGIN         (300 * USEC_MSEC) /* a command or a write may take so long on its way */

/* A 0 takes the default. */
struct lease_options {
    const char *ns, *name;
    const char *identity; /* unique to this process: host name and a random part */
    usec_t duration, renew_deadline, retry, margin;
    bool watched; /* lease_observe() hears of every change: no polling */
};
struct lease;
/* INVALID unless duration > renew_deadline > 1.2 retry, margin < renew_deadline, and the names are there. */
int lease_new(const struct lease_options *options, struct lease **ret_lease, struct error *err);
void lease_free(struct lease *l); /* NULL is fine */

enum lease_action {
    LEASE_NOTHING,
    LEASE_GET,
    LEASE_CREATE, /* POST body */
    LEASE_UPDATE, /* PUT body; its resourceVersion makes it a compare-and-swap */
};
struct lease_decision {
    enum lease_action action;
    json_t *body;   /* the caller's (json_decref); NULL but for CREATE and UPDATE */
    usec_t timeout; /* for the request */
    usec_t again;   /* NOTHING: decide again then at the latest; USEC_NEVER: only after an answer or an observation */
};
/* `draw`: a random number in [0, 1), for the jitter. After any action but NOTHING lease_answer() is due. */
void lease_decide(struct lease *l, usec_t now, usec_t wall, double draw, struct lease_decision *ret_decision);

/* What came of it: err->class NONE with the object as the server has it now, else the error (CONFLICT, EXISTS, NOT_FOUND, …; any other
 * leaves open whether it took effect, and is looked up). Then decide again. */
void lease_answer(struct lease *l, const struct error *err, const json_t *object, usec_t now);

/* A watch's event; NULL: deleted. Older ones than what is known already (KEP-5504) change nothing. */
void lease_observe(struct lease *l, const json_t *object, usec_t now);

/* We hold it, and the last renewal that succeeded was sent less than renew_deadline ago. */
bool lease_leads(const struct lease *l, usec_t now);
/* The same less the margin: to be asked right before each command and write. */
bool lease_may_act(const struct lease *l, usec_t now);
/* When lease_leads() ends if nothing more succeeds; 0: it does not lead. */
usec_t lease_until(const struct lease *l);
int64_t lease_epoch(const struct lease *l);      /* of our term; only while lease_leads() */
const char *lease_holder(const struct lease *l); /* as last seen; "": nobody */

/* What a Lease created at that time begins with; for who runs without a Lease, so that switching the election on or off later does not
 * fall below what agents have seen. */
int64_t lease_first_epoch(usec_t wall);

/* From here on it is only given back, so that another may follow at once. Call it when all guarded work has ended. */
void lease_stop(struct lease *l);
bool lease_stopped(const struct lease *l); /* given back, or found in other hands: nothing more to do */

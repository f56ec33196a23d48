/* fault.h — the faults of this agent, from the intention to the tombstone.
 *
 *   (nothing) ──inject──► Intended ──seen──► InForce ──► Reverting ──► Reverted | NotNeeded
 *       └───revert of an unknown id──► Never        └─────retried with backoff while it fails─┘
 *
 * Guarantees:
 * - Nothing is changed before the journal has, on disk, how to undo it.
 * - A fault is reverted when asked, when its lease was not renewed, when its duration is over, at shutdown, and at the next start
 *   after a crash; a revert that fails is tried again until it succeeds.
 * - An id is used once: asked again while open it is the same fault; afterwards it is refused.
 * - Two open faults never touch the same file or process.
 *
 * Who is told: `changed` is called for each event, with the event's JSON (borrowed). Answers to injections that wait to be seen in
 * force go to `answered`. */
#pragma once

#include "journal.h"
#include "loop.h"
#include "methods/method.h"

#define FAULTS_OPEN_MAX     32
#define FAULT_LEASE_DEFAULT (10 * USEC_SEC)

enum fault_state { FAULT_INTENDED, FAULT_IN_FORCE, FAULT_REVERTING, FAULT_REVERTED, FAULT_NOT_NEEDED, FAULT_NEVER };

/* Who waits for an answer: a session and its request. A plain value. */
struct reply_to {
    uint64_t session; /* 0: nobody */
    char id[65];
    char effect[254]; /* an effect whose outcome is to be recorded with the answer; "" where none */
    char op[16];
};

struct fault_order {
    const char *id;
    const struct method *method;
    json_t *params; /* borrowed */
    int64_t epoch;
    usec_t duration, lease;
};

struct faults;
struct faults_handlers {
    void (*changed)(void *userdata, json_t *event);
    void (*answered)(void *userdata, const struct reply_to *to, json_t *result, const struct refusal *refusal);
    void *userdata;
};

struct faults *faults_new(struct loop *loop, const struct site *site, struct journal *journal,
                          const struct faults_handlers *handlers);
void faults_free(struct faults *f); /* NULL is fine; reverts nothing */

/* Reads the journal and reverts whatever is open (by Agent, why restart). What could not be read is in *ret_bad (a new array). */
int faults_replay(struct faults *f, json_t **ret_bad, struct error *err);

/* 1: answered (*ret_result is new); 0: the answer comes through `answered`; -1: refused. */
int faults_inject(struct faults *f, const struct fault_order *order, const struct reply_to *to, json_t **ret_result,
                  struct refusal *r);
/* *ret_result {"state","at","detail"}. -1 also where the revert failed; it goes on being tried. */
int faults_revert(struct faults *f, const char *id, const char *reason, json_t **ret_result, struct refusal *r);
/* Renews the leases of all open faults. */
void faults_renew(struct faults *f, usec_t lease);
/* Does again at once what the methods of open faults have to do again and again. */
void faults_keep(struct faults *f);
/* At shutdown: reverts all; the number that could not be. */
size_t faults_revert_all(struct faults *f, const char *by, const char *why);

/* [{id, method, state, since_mono, remainingMs?…}], the open ones first, then the latest tombstones; a new reference. */
json_t *faults_list(const struct faults *f, bool open_only);
size_t faults_open_count(const struct faults *f);
/* Whether an open fault touches this ("file:<device>:<inode>"); its id, or NULL. */
const char *faults_touching(const struct faults *f, const char *what);

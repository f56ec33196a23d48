/* guard.h — the daemon of the sidecar: it owns the journal, the faults, their leases, the watches and the snapshots, and answers
 * sessions on <dir>/guard.sock. One thread. It goes on whatever becomes of its sessions. */
#pragma once

#include "effect.h"
#include "fault.h"
#include "session.h"
#include "snapshot.h"
#include "watch.h"

#define PROTOCOL_VERSION 1

struct guard_options {
    const char *dir;        /* "/drillyard" */
    const char *local_root; /* NULL: the target is the container that mounts `dir`; else what is seen here, files under this root */
};

struct guard {
    struct loop *loop;
    struct target target;
    struct site site;
    struct journal *journal;
    struct faults *faults;
    struct effects *effects;
    struct snapshots *snapshots;
    struct watches *watches;
    struct probe_site probe_site;
    int dir;
    int64_t epoch;
    char boot[33], node_boot[64];
    json_t *bad; /* journal files that could not be read */

    int listening, signals;
    struct source source_listening, source_signals;
    struct map *sessions; /* number in decimal → struct session; owned here */
    uint64_t sessions_seen;
};

/* Runs until SIGTERM or SIGINT; the exit code. 0: everything is reverted. */
int guard_run(const struct guard_options *options);

/* ── for the operations ── */

/* Answers a request: exactly one of result and refusal is given; the result is borrowed. Records the outcome of an effect. A session
 * that is gone is no error. */
void guard_answer(struct guard *g, const struct reply_to *to, json_t *result, const struct refusal *refusal);
/* Sends an event to one session (0: to all). Adds "mono"; the event is borrowed. */
void guard_tell(struct guard *g, uint64_t session, json_t *event);
/* Refuses an epoch lower than the highest seen (STALE_EPOCH), and has a higher one on disk before it returns. */
int guard_take_epoch(struct guard *g, int64_t epoch, struct refusal *r);
json_t *guard_hello(struct guard *g);        /* a new reference */
json_t *guard_target(const struct guard *g); /* {found, pid}: whether a process of the target is seen now; a new reference */

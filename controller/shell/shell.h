/* shell/shell.h — the whole of the controller between the world and core/: caches, election, sessions, reconcilers.
 *
 * Everything happens in callbacks of the world; nothing here waits. Both replicas keep caches; only the leader acts. */
#pragma once

#include "base/list.h"
#include "shell/metrics.h"
#include "world/world.h"

struct shell_options {
    struct strlist namespaces;     /* where targets and drills are; empty: everywhere */
    const char *catalog_namespace; /* "": no catalog */
    const char *own_namespace;     /* of the Lease */
    const char *identity;          /* unique to this process; NULL: "controller_<random>" */
    bool elect;
    usec_t lease; /* of faults; 0: 10 s */
};
#define SHELL_LEASE (10 * USEC_SEC)

struct shell;
/* Copies the options. NULL: err says which of them is wrong. */
struct shell *shell_new(struct world *world, const struct shell_options *options, struct error *err);
void shell_free(struct shell *s); /* NULL is fine; before world_free() */

/* A clean end: starts nothing more, closes sessions (what is in force is taken over by the next leader, or reverted by the agents), waits
 * for writes that are open, gives the Lease back, and calls `stopped`, from the loop, after at most 5 s. */
void shell_stop(struct shell *s, void (*stopped)(void *userdata), void *userdata);

/* ── for serve/: reading only ── */
bool shell_synced(const struct shell *s); /* all kinds were listed once */
bool shell_leads(const struct shell *s);
const char *shell_leader(const struct shell *s); /* identity; "": not known */
const struct metrics *shell_metrics(const struct shell *s);

struct shell_gauges {
    size_t objects[16]; /* by enum kind */
    size_t faults_in_force, sessions_up, watches, agent_watches, triggers_firing, queue_length, writes_in_flight;
    size_t drills_active;
    size_t store_bytes, store_packed_bytes;
    uint64_t lists, watch_streams, watch_events, watch_problems;
};
/* False while a drill is active; else lets go of what can be made again from what is kept. */
bool shell_trim(struct shell *s);
struct shell_gauges shell_gauges(const struct shell *s);

/* What could not be listed or watched: {"drills/team-a": "why"}. New reference. */
json_t *shell_problems(const struct shell *s);

/* The cached objects, for reading alone (shell/store.h). shell/report.h makes what serve/ shows of them. */
struct store;
struct store *shell_store(struct shell *s);

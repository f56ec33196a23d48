/* sim_agent.h — the agent in a simulated pod, as injectors/README.md says it behaves: journal, leases, epoch, watches, effects.
 *
 * It keeps its word with one exception: a fault of the outside (sim_weather) may make it say that an injection or a healing action
 * succeeded which did nothing. It never says Reverted of what is not: no controller could ever know better. */
#pragma once

#include "sim_pod.h"

enum sim_fault_state { SIM_INTENDED, SIM_IN_FORCE, SIM_REVERTING, SIM_REVERTED, SIM_NOT_NEEDED, SIM_NEVER };

/* A record of its journal. */
struct sim_fault {
    struct list node;
    struct sim_pod *pod;
    char id[80], method[24], by[12], why[24];
    json_t *params;
    enum sim_fault_state state;
    int64_t epoch;
    usec_t since, began, seen_at, due, lease_until; /* virtual time */
    bool applied, lost, failing, lie;
    usec_t retry;
    int pid;                /* whose process it stopped or ended */
    uint64_t before, after; /* contents of the file it changed */
};
bool sim_fault_open(const struct sim_fault *f);  /* it may be in force */
bool sim_fault_bites(const struct sim_fault *f); /* its effect is there, truly */

struct sim_link;

/* ── life ── */
void sim_agent_start(struct sim_pod *pod); /* takes back what its journal has open */
void sim_agent_kill(struct sim_pod *pod, usec_t down_for);
void sim_agent_end(struct sim_pod *pod, bool asked); /* with its pod; asked: it takes everything back and says good-bye */
void sim_agent_done(struct sim_pod *pod);            /* memory */

/* ── a session ── */
void sim_agent_greet(struct sim_pod *pod, struct sim_link *link);
void sim_agent_line(struct sim_pod *pod, struct sim_link *link, json_t *line);
void sim_agent_hung_up(struct sim_pod *pod, struct sim_link *link);
/* Sends a line to whoever is at the other end. Takes line. */
void sim_link_tell(struct sim_link *link, json_t *line);
void sim_link_break(struct sim_link *link); /* the agent's end is gone */
void sim_links_forget(struct sim_pod *pod); /* memory */
/* Whoever compares it later with links that are open holds it: another one must not lie where it was. NULL is fine. */
struct sim_link *sim_link_ref(struct sim_link *link);
void sim_link_unref(struct sim_link *link);
struct sim_link *sim_link_at(struct list *node);
struct sim_process *sim_link_process(const struct sim_link *link);
void sim_agent_tell_all(struct sim_pod *pod, json_t *line); /* to every session. Takes line */

/* ── its parts ── */
struct sim_request {
    struct sim_pod *pod;
    struct sim_link *link;
    char id[72];
    int boot; /* of the agent that was asked: another one never answers */
    json_t *body;
};
void sim_agent_answer(const struct sim_request *q, json_t *result); /* takes result */
void sim_agent_refuse(const struct sim_request *q, const char *class, const char *message);
/* Later, unless the agent or the session has ended by then. */
void sim_agent_later(const struct sim_request *q, usec_t when, void (*fire)(const struct sim_request *q));

void sim_agent_inject(const struct sim_request *q);
void sim_agent_revert(const struct sim_request *q);
void sim_agent_renew(const struct sim_request *q);
json_t *sim_agent_faults(const struct sim_pod *pod, bool open_only);
void sim_agent_replay(struct sim_pod *pod); /* at its start: takes back what is open */
void sim_agent_revert_all(struct sim_pod *pod, const char *why);
struct sim_fault *sim_agent_fault(const struct sim_pod *pod, const char *id); /* NULL */

void sim_agent_watch(const struct sim_request *q);
void sim_agent_unwatch(const struct sim_request *q);
void sim_agent_probe(const struct sim_request *q);
void sim_agent_poke(struct sim_pod *pod); /* something has changed in the pod: faults and watches look at their next tick */
void sim_agent_watches_end(struct sim_pod *pod, const struct sim_link *link); /* NULL: all */

void sim_agent_snapshot(const struct sim_request *q);
void sim_agent_restore(const struct sim_request *q);
void sim_agent_signal(const struct sim_request *q);
void sim_agent_restart(const struct sim_request *q);

/* sim_pod.h — the simulated workloads: pods with a process, files and an agent, as they truly are.
 *
 * This is the ground truth. What the API server says of a pod follows later, and what an agent says may be a lie. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "sim.h"

/* What can be looked at. */
enum sim_look { SIM_LOOK_SERVES, SIM_LOOK_PROCESS, SIM_LOOK_HEARTBEAT, SIM_LOOK_CONFIG, SIM_LOOK_MODEL, SIM_LOOK_COUNT };
enum sim_file { SIM_CONFIG, SIM_MODEL, SIM_FILES };

/* One answer or event in which an agent, or a probe of the controller, said what it saw. Never a lie. */
struct sim_report {
    usec_t at, since;
    enum sim_look look;
    bool holds;
};

/* A Deployment with its one target of the same name. */
struct sim_app {
    struct list node;
    char ns[32], name[32];
    int replicas, made;
    usec_t supervisor; /* starts the process again after so long; USEC_NEVER: only healing does */
    bool gone;         /* its namespace is being deleted: no more pods */
};

struct sim_pod {
    struct list node;
    struct sim *sim;
    struct sim_app *app;
    char name[64], uid[40], ip[24], node_name[16];
    bool alive;  /* its containers run */
    bool listed; /* the API server still has it */
    bool leaving;
    bool hidden; /* without its label */
    usec_t created_at, ended_at;
    usec_t left_at; /* when others took its place: it ended, or its object was deleted by force */
    /* the target */
    int pid, restarts;
    bool runs, frozen;
    usec_t started_at, beat_at; /* beat_at: the last beat, while it does not beat */
    uint64_t files[SIM_FILES];  /* contents: 1 is what was rolled out */
    /* the agent; what is below `lives on` survives its restart */
    bool agent_up;
    int boot;
    usec_t mono_offset, silent_until;
    struct list links, watches;
    int64_t epoch; /* lives on */
    struct list faults;
    struct map *effects;
    uint64_t snapshots[SIM_FILES]; /* contents; 0: none */
    struct sim_report *reports;
    size_t report_count, report_room;
};

struct sim_pods {
    struct list all, apps; /* pods that are gone stay, for those who remember them */
    int made;
    uint64_t contents;
};

void sim_pods_init(struct sim *s);
void sim_pods_free(struct sim *s);
struct sim_app *sim_app_add(struct sim *s, const char *ns, const char *name, int replicas, usec_t supervisor);
struct sim_app *sim_app_find(struct sim *s, const char *ns, const char *name);
void sim_app_roll(struct sim *s, struct sim_app *app); /* replaces all its pods, one by one */

struct sim_pod *sim_pod_find(struct sim *s, const char *ns, const char *name); /* the newest of that name; NULL */
struct sim_pod *sim_pod_by_uid(struct sim *s, const char *uid);
struct sim_pod *sim_pod_at(struct sim *s, const char *ip); /* alive */
struct sim_pod *sim_pod_any(struct sim *s);                /* one that is alive, drawn; NULL */

/* ── what happens to it ── */
void sim_pod_evict(struct sim_pod *pod);           /* asked to end: the agent reverts, the containers end, the object goes */
void sim_pod_vanish(struct sim_pod *pod);          /* its node is gone; the API server learns it later */
void sim_pod_fail(struct sim_pod *pod);            /* phase Failed: containers have ended, the object stays for a while */
void sim_pod_delete_by_force(struct sim_pod *pod); /* the object goes at once, the containers up to a minute later */
void sim_pod_hide(
    struct sim_pod *pod); /* its label is taken off, and put on again up to a minute later, or it is deleted by force */

void sim_pod_agent_started(struct sim_pod *pod); /* its agent again: the API server is told */

/* ── the target ── */
void sim_pod_stop_process(struct sim_pod *pod);
void sim_pod_start_process(struct sim_pod *pod);
void sim_pod_freeze(struct sim_pod *pod, bool frozen);
void sim_pod_write(struct sim_pod *pod, enum sim_file file, uint64_t content);
uint64_t sim_content(struct sim *s); /* one that no file ever had */
bool sim_pod_serves(const struct sim_pod *pod, usec_t at);
usec_t sim_pod_beat(const struct sim_pod *pod, usec_t at); /* the last beat */

/* ── probes (sim_probe.c) ── */
struct sim_seen {
    int holds; /* 1, 0; -1: it cannot be seen */
    enum sim_look look;
    double value;
    char message[96];
    usec_t next; /* when it changes by itself; USEC_NEVER: it does not */
};
void sim_probe(const struct sim_pod *pod, const json_t *probe, usec_t at, struct sim_seen *ret_seen);
void sim_pod_looked(struct sim_pod *pod, enum sim_look look, bool holds, usec_t since); /* it is being told */

static inline usec_t sim_pod_mono(const struct sim_pod *pod)
{
    return sim_now(pod->sim) + pod->mono_offset;
}

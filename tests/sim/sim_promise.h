/* sim_promise.h — the promises of the product, checked at every step against what truly is, never against what a controller believes.
 *
 *  1 no drill is over while its fault may be in force      5 blast radius: pods, targets, schedules, namespaces, the stop
 *  2 no fault outlives its lease or its duration           6 one leader acts
 *  3 no effect before its record                           7 deleting is safe
 *  4 one ledger record an incident, an unbroken chain      8 no gate is passed without its evidence
 * 10 every drill ends once faults have stopped
 *
 * The first promise that breaks ends the run. */
#pragma once

#include "sim_agent.h"
#include "sim_process.h"
#include "sim_store.h"

struct sim_run { /* a PlaybookRun, as the API server had it */
    char name[254], playbook[64], target[64], ns[64], incident[80];
    bool outside;
    usec_t created_at, begun_at, succeeded_at; /* 0: never */
};

struct sim_incident {
    char id[80], ns[64], drill[254], target[64], schedule[64];
    struct sim_pod *pod;
    json_t *card, *drill_object;                        /* at its intent */
    usec_t intended_at, injected_at, seen_at, ended_at; /* ended_at: the fault's end, whoever ended it; 0: it has not */
    bool over, gone;                                    /* over: its drill is; gone: with its drill */
    json_t *status;                                     /* of its drill, once that was over */
    int records;
    int64_t tasks; /* that were ever filed for it */
};

struct sim_promise {
    struct sim *sim;
    int broken; /* the first that was; 0: none */
    char what[400];
    usec_t broken_at;
    struct map *incidents; /* id → sim_incident */
    struct map *runs;      /* "ns/name" → sim_run */
    struct map *durations; /* card → usec_t: the longest that any version said */
    struct map *epochs;    /* as text → identity */
    struct map
        *known[SIM_PROCESSES]; /* "stop/ns", "namespace/name" → usec_t: what the running controller was told is there, since when */
    int64_t told_rv[SIM_PROCESSES][2]; /* the newest it was told of, of namespaces and of ConfigMaps */
    usec_t led_since;                  /* the Lease has had its holder */
    size_t open;                       /* faults that may be in force */
};

struct sim_promise *sim_promise_new(struct sim *s);
void sim_promise_free(struct sim_promise *p); /* NULL is fine */
void sim_promise_break(struct sim_promise *p, int number, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ── what happens ── */
void sim_promise_sent(struct sim_promise *p, struct sim_process *by, const char *method, const char *path);
void sim_promise_request(struct sim_promise *p, struct sim_process *by, const char *method, const char *path, const json_t *body);
void sim_promise_told(struct sim_promise *p, struct sim_process *to, const struct sim_resource *r, const char *type,
                      const json_t *object);
/* A list that was long on its way tells nothing where something newer was told meanwhile. */
bool sim_promise_outdated(const struct sim_promise *p, const struct sim_process *to, const struct sim_resource *r,
                          const json_t *list);
void sim_promise_lists(struct sim_promise *p, struct sim_process *to,
                       const struct sim_resource *r); /* it begins anew; r NULL: all */
void sim_promise_commanded(struct sim_promise *p, struct sim_process *by, const struct sim_pod *pod, const json_t *line);
void sim_promise_changed(struct sim_promise *p, const struct sim_resource *r, const struct sim_change *change);
void sim_promise_injected(struct sim_promise *p, const struct sim_fault *f, struct sim_process *by, const json_t *body);
void sim_promise_applied(struct sim_promise *p, const struct sim_fault *f);
void sim_promise_ended(struct sim_promise *p, const struct sim_fault *f);
void sim_promise_pod_ended(struct sim_promise *p, const struct sim_pod *pod);
void sim_promise_step(struct sim_promise *p);  /* after every step */
bool sim_promise_quiet(struct sim_promise *p); /* nothing is left to be done */
void sim_promise_end(struct sim_promise *p);   /* when nothing more happens, or the time is over */

/* ── its parts ── */
struct sim_incident *sim_incident(const struct sim_promise *p, const char *id);               /* NULL */
bool sim_incident_open(const struct sim_incident *i);                                         /* its fault may be in force */
usec_t sim_promise_duration(const struct sim_promise *p, const struct sim_incident *i);       /* that its fault may last */
json_t *sim_named(const struct sim *s, const char *plural, const char *ns, const char *name); /* there, else in the catalog; NULL */
void sim_promise_lease(struct sim_promise *p, const struct sim_change *change);               /* 5 */
void sim_promise_stop(struct sim_promise *p, const struct sim_incident *i);                   /* 5 */
void sim_promise_gates(struct sim_promise *p, const struct sim_change *change);               /* 8 */
void sim_promise_task(struct sim_promise *p, const struct sim_change *change);                /* 8 */
void sim_promise_run(struct sim_promise *p, const struct sim_change *change);                 /* 8 */
void sim_promise_ledger(struct sim_promise *p, const struct sim_change *change);              /* 4 */
void sim_promise_ledger_end(struct sim_promise *p);                                           /* 4 */
void sim_promise_reach(struct sim_promise *p, const struct sim_incident *i, const json_t *body); /* 2, 5 */

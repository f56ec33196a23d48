/* probe.h — one way to look at the target from inside the pod. Adding one is a file and a row in probe.c.
 *
 * A probe is an object with one member: {"file":{…}}, {"heartbeat":{…}}, {"process":{…}}, {"http":{…}}, {"slo":{…}}, {"tcp":{…}},
 * {"resource":{…}}, {"exec":{…}} (in the target only). What could not be observed holds neither true nor false: null, with why. */
#pragma once

#include "loop.h"
#include "param.h"
#include "target.h"

struct snapshots;
struct probe;

struct probe_site {
    struct loop *loop;
    const struct target *target;
    struct snapshots *snapshots; /* NULL: there are none here */
    bool in_target;              /* exec is possible */
};

enum holds { HOLDS_UNKNOWN = -1, HOLDS_NOT, HOLDS };

struct probe_result {
    enum holds holds;
    bool has_value;
    double value;
    usec_t again; /* monotonic: when it may turn without anything happening (a heartbeat grows too old); USEC_NEVER */
    char message[400];
    json_t *evidence; /* owned by the result; NULL: none */
};
json_t *probe_result_to_json(const struct probe_result *result); /* {holds, value, message, evidence}; a new reference */

struct probe_kind {
    const char *name;
    int (*init)(struct probe *p, json_t *spec, struct refusal *r); /* fills p->state; on failure it cleans up itself */
    void (*look)(struct probe *p);                                 /* ends in probe_finish(), at once or later */
    void (*free)(struct probe *p);                                 /* ends a look that is under way */
};

/* Fields are for the kinds and for watch.c. */
struct probe {
    const struct probe_kind *kind;
    struct probe_site site;
    json_t *spec;
    void *state;
    const char *path;             /* a file that it looks at: watch.c watches it too; NULL: none */
    struct process_set processes; /* that it saw last */
    bool sees_processes;
    struct probe_result result;
    void (*done)(void *userdata, const struct probe_result *result);
    void *userdata;
    bool looking;
};

struct probe *probe_new(const struct probe_site *site, json_t *spec, struct refusal *r); /* NULL: refused */
void probe_free(struct probe *p); /* NULL is fine; `done` is not called any more */
/* `done` is called once, with a borrowed result; perhaps before this returns. Not while a look is under way. */
void probe_look(struct probe *p, void (*done)(void *userdata, const struct probe_result *result), void *userdata);

/* For the kinds: ends the look. `evidence` is taken over. */
void probe_finish(struct probe *p, enum holds holds, json_t *evidence, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

extern const struct probe_kind probe_file, probe_heartbeat, probe_process, probe_http, probe_slo, probe_tcp, probe_resource,
    probe_exec;

/* api/target.h — a DrillTarget: one workload, described once. Borrowed from `root`, which the struct holds. */
#pragma once

#include "api/meta.h"

struct target {
    json_t *root;
    struct meta meta;
    const json_t *selector;  /* metav1.LabelSelector over pods */
    const char *container;   /* NULL: the pod's default container */
    const char *agent;       /* "Sidecar" or "Ephemeral" */
    const json_t *workload;  /* {apiVersion, kind, name}; NULL: by owner references */
    const json_t *facets;    /* never NULL: an empty object where none */
    const json_t *health;    /* facets.health: array of named probes; NULL: none */
    const json_t *stop_when; /* safety.stopWhen; NULL: none */
    const json_t *windows;   /* safety.windows; NULL: always */
    const json_t *allowed_methods;
    usec_t snapshot_every; /* 0: no snapshots */
    int snapshot_keep;
    const json_t *snapshot_facets;
    int watch_pods;
    int max_pods;            /* safety.maxPods as a number, or … */
    double max_pods_percent; /* … this > 0: a percentage of the selected pods, rounded down, at least 1 */
};
int target_decode(json_t *object, struct target *ret_target, struct error *err);
void target_done(struct target *t);
#define auto_target __attribute__((cleanup(target_done)))

/* Resolves "$(target.…)" everywhere in `value`: a string that is just one reference becomes the JSON value it names, a reference inside a
 * longer string must name a scalar. "$(target.config.path)" is facets.config.path; "$(target.heartbeat)" the facet object;
 * "$(target.name)" and "$(target.namespace)" the target's own. New reference, or NULL and an error (NOT_FOUND) that names the facet that
 * is missing: the card is then not applicable. */
json_t *target_resolve(const struct target *t, const json_t *value, const char *field, struct error *err);
/* The same for who only reads it, and cheaper: what has no reference in it is not copied. It must not be changed. */
json_t *target_resolve_shared(const struct target *t, const json_t *value, const char *field, struct error *err);

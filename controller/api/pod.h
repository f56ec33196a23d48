/* api/pod.h — a pod reduced to what drills need. The reduced form is itself JSON (small), so the store keeps one shape of thing. */
#pragma once

#include "api/meta.h"

/* Whole pod → reduced pod (new reference): metadata {name, namespace, uid, resourceVersion, labels, deletionTimestamp, ownerReferences[0],
 * the default-container annotation}, spec {nodeName, containers[].name}, status {phase, reason, podIP, containers: [{name, id, ready,
 * restarts, started (RFC 3339), terminated {reason, exitCode, at (RFC 3339)}}] of all containers, init (sidecar) ones too}. */
json_t *pod_reduce(const json_t *pod);

/* Of the template that a pod was made from: what kubectl rollout restart (and ours) sets. */
#define POD_RESTARTED_AT "kubectl.kubernetes.io/restartedAt"

struct pod {
    json_t *root;
    struct meta meta;
    const char *phase, *ip, *node;       /* "" where unknown */
    const char *owner_kind, *owner_name; /* the controller's; "" where none */
    bool has_agent;                      /* a container named drill-injector runs in it */
    bool agent_ready;
    bool ready; /* all containers that are no sidecars are ready, and it is not being deleted */
};
void pod_decode(json_t *reduced, struct pod *ret_pod);
void pod_done(struct pod *p);
#define auto_pod __attribute__((cleanup(pod_done)))

/* The container a target means: its own field, else the annotation, else the first. Borrowed; NULL: no such container. */
const char *pod_container(const struct pod *p, const char *wanted);
int pod_restarts(const struct pod *p, const char *container); /* -1: no such container */

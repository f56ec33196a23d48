/* core/probe.h — one resolved probe: who looks, what to ask, and what an answer means. Pure. */
#pragma once

#include "api/pod.h"
#include "api/target.h"
#include "core/decision.h"

enum probe_place {
    PROBE_AGENT,        /* the agent in the sidecar evaluates it (via: Local) */
    PROBE_AGENT_TARGET, /* the agent's program in the target container (exec) */
    PROBE_HTTP,         /* the controller: http and slo via Pod or Service */
    PROBE_TCP,
    PROBE_PODS,   /* from the cached pods, no I/O */
    PROBE_OBJECT, /* one GET */
    PROBE_UNSUPPORTED,
};
/* Where a resolved probe is looked at from; *ret_agent: for the agent places, the probe in the agent's own terms (…Ms integers;
 * new reference). UNSUPPORTED sets err. */
enum probe_place probe_plan(const json_t *probe, const struct target *target, json_t **ret_agent, struct error *err);

/* PROBE_HTTP, PROBE_TCP: where to connect and what to send. Strings are borrowed from the probe and the target. `port` is the container's;
 * where `service` is set, the Service's own port that leads there is meant. */
struct probe_endpoint {
    const char *service; /* the Service's name in the target's namespace; NULL: the pod's address */
    int port;
    const char *scheme, *path, *method, *body; /* HTTP only; body NULL: none */
    const json_t *headers;                     /* array of {name, value}; NULL: none */
    usec_t timeout;
};
int probe_endpoint(const json_t *probe, const struct target *target, struct probe_endpoint *ret_endpoint, struct error *err);

/* PROBE_PODS: judged over the target's pods; `container`: the target's, NULL: each pod's default. */
void probe_pods_judge(const json_t *probe, const struct pod *pods, size_t count, const char *container, usec_t now,
                      struct evidence *ret_evidence);

/* PROBE_HTTP: what one sample gave. */
struct http_sample {
    struct error err; /* NONE: an answer came */
    int status;
    usec_t latency;
    const char *body; /* NULL: none */
};
/* http: the last sample judged (latency over all of them); slo: percentile and error rate over all. */
void probe_http_judge(const json_t *probe, const struct http_sample *samples, size_t count, usec_t now,
                      struct evidence *ret_evidence);
/* How many samples one look takes (1–200). */
int probe_http_samples(const json_t *probe);

/* PROBE_OBJECT: `object` NULL: it does not exist. */
void probe_object_judge(const json_t *probe, const json_t *object, usec_t now, struct evidence *ret_evidence);

/* A comparison {above, below, atLeast, atMost, equals}; percentages ("80%") compare against `whole` where it is > 0. */
bool comparison_holds(const json_t *comparison, double value, double whole);

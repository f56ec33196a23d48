/* kube/event.h — the body of an events.k8s.io/v1 Event that the API server will take.
 *
 * What is too long is cut and what is missing is filled in, by the server's own rules (pkg/apis/core/validation/events.go): an event is
 * the last thing to fail over its form. */
#pragma once

#include "base/time.h"

#include <jansson.h>

struct event {
    const char *type;       /* "Warning", or anything else for Normal */
    const char *reason;     /* CamelCase; at most 128 bytes; NULL or "": "Unknown" */
    const char *action;     /* what was being done; at most 128; NULL or "": as the reason */
    const char *note;       /* for people; at most 1,024 bytes; NULL: none */
    usec_t wall;            /* when, UTC */
    const char *instance;   /* which process of ours; at most 128; NULL or "": "unknown" */
    const char *controller; /* qualified name, "drillyard.dev/controller", which stands in where it is NULL or malformed */
    /* What it is about: */
    const char *api_version, *kind, *ns /* NULL or "": cluster-scoped */, *name, *uid, *rv; /* uid, rv may be NULL */
};
/* A new object. metadata.name is made of name and wall ("shop.18a3c…"): the same event made twice is refused as AlreadyExists. Its
 * metadata.namespace says where to POST it: that of the object, else "default". */
json_t *event_body(const struct event *e);
/* The merge patch that makes it a series: it happened `count` times (at least 2), last at `wall`. */
json_t *event_series_patch(int count, usec_t wall);

/* sim_api.h — what the simulated API server makes of one request: verbs, versions, finalizers, subresources.
 *
 * Kept as the real one does: a write with a version other than the stored one is a 409, a write that changes nothing makes no version,
 * an object with finalizers outlives its DELETE, a status write touches only the status, an immutable ConfigMap stays as it is. Not kept:
 * schemas and CEL (the generated input tests have them), access rights, field managers. */
#pragma once

#include "sim_store.h"

struct sim_answer {
    int status;   /* HTTP */
    json_t *body; /* owned by the caller; an object, a list or a Status */
};
struct sim_query {
    const struct sim_resource *resource; /* NULL: no such path */
    char ns[64], name[254], sub[16];
    const char *parameters; /* after the question mark; "" */
};
void sim_query_parse(const char *path, struct sim_query *ret_query);
/* A parameter's value, percent-decoded; false: not there. */
bool sim_query_get(const struct sim_query *q, const char *name, char *dest, size_t size);
bool sim_query_selects(const struct sim_query *q, const json_t *object); /* by labelSelector and fieldSelector; false for NULL */

/* `list_rv`: the version that a list which may be stale is served from; 0: the newest. */
void sim_api(struct sim *s, struct sim_process *by, const char *method, const char *path, const json_t *body, uint64_t list_rv,
             struct sim_answer *ret_answer);
json_t *sim_status(int code, const char *reason, const char *message); /* a metav1.Status */

/* For people and the cluster: never fails to be tried; whether it was accepted. */
bool sim_do(struct sim *s, const char *method, const char *path, json_t *body /* taken; NULL: none */);

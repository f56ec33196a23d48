/* shell/lookup.h — finding what belongs together: a name's object, a target's pods. */
#pragma once

#include "api/card.h"
#include "api/pod.h"
#include "api/target.h"
#include "shell/store.h"

struct lookup { /* where things are looked for; a plain value */
    struct store *store;
    const char *catalog; /* namespace; "" none */
};

/* Which object a name means: the namespace's own, else the catalog's. False: NOT_FOUND. */
bool lookup_key(const struct lookup *l, enum kind kind, const char *ns, const char *name, struct key *ret_key, struct error *err);
/* A name that the namespace or the catalog has, by which of the two counts: true where the catalog's is hidden by an own one. */
bool lookup_hidden(const struct lookup *l, enum kind kind, const char *ns, const struct summary *s);

/* The pods that the target selects, by name; an array of decoded pods to be freed by pods_free(). */
struct pod *lookup_pods(const struct lookup *l, const struct target *target, size_t *ret_count);
void pods_free(struct pod *pods, size_t count);

/* That object as its kind's struct, as store_decode(). */
int lookup_decode(const struct lookup *l, enum kind kind, const char *ns, const char *name, void *ret, struct error *err);
/* The target of that name in the namespace; the catalog's are nobody's. False: err says why (NOT_FOUND or its decode error). */
bool lookup_target(const struct lookup *l, const char *ns, const char *name, struct target *ret_target, struct error *err);

/* The container that the target means in that pod; "": the pod or the container is not there. */
void lookup_container(const struct lookup *l, const struct target *target, const struct key *pod, char dest[64]);

bool lookup_namespace_enabled(const struct lookup *l, const char *ns);  /* has the label that opts in */
bool lookup_namespace_deleting(const struct lookup *l, const char *ns); /* nothing can be created in it any more */
bool lookup_stopped(const struct lookup *l, const char *ns);            /* the stop is set there or in the catalog's namespace */

/* kube/resource.h — the paths of core and custom resources, with their queries. */
#pragma once

#include "base/buf.h"

#define RESOURCE_PATH_MAX ((size_t)16 << 10)

struct resource {
    const char *group; /* NULL or "": the core group */
    const char *version, *plural;
};

/* Appends "/api/v1/namespaces/NS/pods/NAME/status". ns NULL: cluster-scoped, or all namespaces; name NULL: the collection; sub NULL: none.
 * Every part is percent-encoded. False: too long for b. Queries follow by url_add_query(). */
bool resource_add_path(struct buf *b, const struct resource *r, const char *ns, const char *name, const char *sub);

/* What is NULL, 0 or false is left out. */
struct resource_list {
    const char *label_selector, *field_selector;
    const char *resource_version;
    bool exact; /* resourceVersionMatch=Exact instead of NotOlderThan; matters only with resource_version */
    unsigned limit;
    const char *continued; /* the token of the page before; resource_version must then be NULL */
};
bool resource_add_list(struct buf *b, const struct resource_list *l);

struct resource_watch {
    const char *label_selector, *field_selector;
    const char *resource_version;
    unsigned timeout_seconds; /* give one always: the server ends the stream then */
    bool initial_events;      /* WatchList: all objects first, then a bookmark annotated k8s.io/initial-events-end */
};
bool resource_add_watch(struct buf *b, const struct resource_watch *w); /* always asks for bookmarks */

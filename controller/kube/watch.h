/* kube/watch.h — one watch stream: from the request to its end, event by event.
 *
 * Guarantees: no callback runs inside watch_start() or watch_free(), nor inside another; on_end is called exactly once and last; nothing
 * is called after watch_free().
 *
 * How it ends (on_end's class):
 *   NONE         the server ended it in order (timeoutSeconds)
 *   GONE         the resourceVersion is too old: as HTTP 410 or as an ERROR event
 *   others       as the Status says, of the refused request or of an ERROR event (status.h)
 *   UNAVAILABLE  refused, broken, cut in the middle of an event, silent for too long; or over within a second without an event, which
 *                a broken proxy does in a hot loop (client-go's "very short watch")
 * A 401 at the start is answered once by reading the credentials anew. */
#pragma once

#include "kube/client.h"

struct watch;
struct watch_handlers {
    void (*on_open)(void *userdata);                                    /* 2xx; may be NULL */
    void (*on_event)(void *userdata, const char *type, json_t *object); /* "ADDED" "MODIFIED" "DELETED" "BOOKMARK"; borrowed */
    void (*on_end)(void *userdata, const struct error *err);            /* the watch is freed after this returns */
};
/* `path` with watch=1, timeoutSeconds, … in its query. `silence`: as in net/http.h; 0: no watchdog. */
struct watch *watch_start(struct client *c, const char *path, usec_t silence, const struct watch_handlers *handlers,
                          void *userdata);
void watch_free(struct watch *w);                   /* NULL is fine; allowed in its own callbacks */
unsigned long watch_skipped(const struct watch *w); /* events that could not be read, so far */

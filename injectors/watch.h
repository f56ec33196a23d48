/* watch.h — probes that are looked at all the time, and told when they turn.
 *
 * A watch belongs to the session that asked for it and ends with it. It looks every `everyMs`; at once when inotify reports its file or
 * a process that it saw ends (pidfd); and exactly when a heartbeat grows too old. A change is told once it has held for `forMs`, with
 * the time at which it was first seen; while it does not hold, again every `refreshMs` (0: never). */
#pragma once

#include "fault.h"
#include "probe.h"

#define WATCHES_MAX 256

struct watches;
struct watches_handlers {
    void (*answer)(void *userdata, const struct reply_to *to, json_t *result, const struct refusal *refusal);
    void (*tell)(void *userdata, uint64_t session, json_t *event);
    /* May be NULL. Called when a file that is watched changes, before anybody looks: a fault that has to be done again after each change
     * (an aged heartbeat) is in force again by then. */
    void (*before_look)(void *userdata);
    void *userdata;
};
struct watches *watches_new(const struct probe_site *site, const struct watches_handlers *handlers);
void watches_free(struct watches *w); /* NULL is fine */

/* Both: 0, the answer comes by the handler (perhaps before this returns); -1 refused. A watch of the same key is replaced. */
int watches_add(struct watches *w, const struct reply_to *to, json_t *order, struct refusal *r);
int watches_probe_once(struct watches *w, const struct reply_to *to, json_t *spec, struct refusal *r);
bool watches_remove(struct watches *w, uint64_t session, const char *key);
void watches_remove_session(struct watches *w, uint64_t session);
json_t *watches_list(const struct watches *w, uint64_t session); /* [{watch, holds, since}]; a new reference */

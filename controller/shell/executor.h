/* shell/executor.h — carries decisions out, and brings what came of them back as observations and objects.
 *
 * Guarantees
 * - One write to an object at a time, whoever asks; its answer goes into the store before anybody decides again.
 * - A version that is known to be outdated is not written from again: after a conflict the next write waits until something newer was
 *   seen (asked for after a second, should the watch be slow).
 * - An operation with an id is begun once; an event is sent once per owner and id.
 * - Nothing is begun unless may_act() says so at that moment.
 * Failures delay the owner's next writes (200 ms, doubling, up to 30 s), never its commands to agents. */
#pragma once

#include "shell/lookup.h"
#include "shell/metrics.h"
#include "shell/owners.h"
#include "shell/sessions.h"
#include "shell/watches.h"
#include "shell/workqueue.h"

struct executor_options { /* all borrowed */
    struct world *world;
    const struct clock *clock;
    struct lookup lookup;
    struct workqueue *queue;
    struct sessions *sessions;
    struct watches *watches;
    struct metrics *metrics;
    const char *identity; /* in events */
    usec_t lease;         /* of a fault whose drill says nothing else */
    bool (*may_act)(void *userdata);
    void (*drill_written)(void *userdata); /* a write of a drill has come back, with whatever outcome, and is in the store */
    void *userdata;
};
struct executor;
struct executor *executor_new(const struct executor_options *options);
void executor_free(struct executor *x); /* NULL is fine; what is in flight is not waited for */

void executor_carry_out(struct executor *x, const struct key *owner, const struct decision *d);
void executor_forget(struct executor *x, const struct key *owner); /* it is gone: its watches, lease and memory too */
void executor_clear(struct executor *x);                           /* no longer the leader */

const struct observations *executor_observations(struct executor *x, const struct key *owner); /* NULL: none */
size_t executor_in_flight(const struct executor *x);
bool executor_writes_drill(const struct executor *x); /* a write of a drill is open, of an earlier term perhaps */
/* Since executor_clear(): that, or one ended without an answer: the store may not have what it did. */
bool executor_unsure(const struct executor *x);

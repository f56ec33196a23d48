/* world/real.h — the world as it is: world.h carried over kube/ and net/.
 *
 * What the real half adds to world.h:
 * - API requests pass the client's own rate limit (kube/client.h), which queues; time in the queue counts against the time limit.
 * - HTTP probes verify no certificate, send none and use no proxy, as the kubelet's httpGet probes do: what listens on a pod's address
 *   rarely has a certificate for it. Each probe has a connection of its own, so that its latency is what a new client would see.
 * - A session ends with UNAVAILABLE when its program ends with another exit code than 0; the text has the code and the program's last
 *   words on stderr. */
#pragma once

#include "kube/config.h"
#include "net/loop.h"
#include "world/world.h"

struct world_real_options {
    double rate_per_second, rate_burst; /* of API requests; 0: 50 and 100 */
};

/* `config` is taken: left empty. `options` may be NULL. The loop must outlive the world; after world_free(), loop_free() still turns it
 * until what was closed is gone. world_free() is not to be called from a callback. */
struct world *world_real_new(struct loop *loop, struct config *config, const struct world_real_options *options);

/* Watch events that could not be read and were skipped, since the start: for a metric. */
unsigned long world_real_skipped_events(const struct world *w);

/* shell/drain.h — the end of an installation: every drill is stopped, and no object is left that waits for a controller.
 *
 * What `drillyard-controller drain` does, which the chart runs before it uninstalls: sets the global stop (so that the controller, which
 * still runs, aborts and reverts), and waits until no Drill carries our finalizer any more. The stop stays, so that nothing begins while the
 * controller is being removed; it is owned by `owner`, a Deployment, and goes with it. */
#pragma once

#include "base/list.h"
#include "world/world.h"

struct drain_options {
    struct strlist namespaces;     /* where drills are; empty: everywhere */
    const char *catalog_namespace; /* where the global stop is set */
    const char *owner;             /* name of the controller's Deployment there; NULL: the stop stays until it is deleted */
    usec_t within;                 /* > 0 */
};

struct drain;
/* Calls `done` once, from the loop: err class NONE when nothing is left, TIMEOUT naming what is, else what the API server said. The world
 * must have no other user. Copies the options. */
struct drain *drain_new(struct world *world, const struct drain_options *options,
                        void (*done)(void *userdata, const struct error *err), void *userdata);
void drain_free(struct drain *d); /* NULL is fine; after world_free() */

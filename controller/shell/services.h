/* shell/services.h — where a Service is reached: its address and the port that leads to a container's port.
 *
 * Asked from the API server when needed and kept for SERVICES_KEPT. A port that was found once is kept while the Service still has it: a
 * drill that puts the proxy between changes targetPort, not the Service's own port. */
#pragma once

#include "world/world.h"

#define SERVICES_KEPT (30 * USEC_SEC)

struct services;
struct services *services_new(struct world *world);
void services_free(struct services *s); /* NULL is fine; open questions are not answered */

/* host: "10.1.2.3", or "name.ns.svc" for a Service without an address of its own. err NONE where found. */
typedef void services_found_fn(void *userdata, const char *host, int port, const struct error *err);
/* Never answers within the call, except from what is kept: then it does, and returns true. */
bool services_find(struct services *s, const char *ns, const char *name, int container_port, services_found_fn *found,
                   void *userdata);
void services_forget(struct services *s, void *userdata); /* questions of that asker are not answered any more */

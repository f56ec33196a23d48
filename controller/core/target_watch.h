/* core/target_watch.h — what is watched on a target all the time: its health, and every trigger that has something to look at there. Pure.
 *
 * What the agent sees is watched in each watched pod, under "health/<name>/<pod>" and "trigger/<ns>/<name>/<pod>". What the controller
 * sees for the target as a whole (its Service, its pods, an object) is watched once: under the same keys with the pod left empty, or, while
 * a pod is drilled, a trigger under that pod's name, where the drill looks for it. */
#pragma once

#include "core/target.h"

#define HEALTH_EVERY_AGENT      (2 * USEC_SEC)
#define HEALTH_EVERY_CONTROLLER (5 * USEC_SEC)

void target_watch(const struct target_view *v, struct decision *d);

/* Whether triggers look into pods[i]: drilled, or among the first `watchPods` that have an agent. */
bool target_watches_pod(const struct target_view *v, size_t i);
/* Some trigger's condition holds on the target just now, so that what is there is not known to be good. */
bool target_alarmed(const struct target_view *v);
/* The pod of the drill that runs on the target; "": none, or not chosen yet. */
const char *target_drilled_pod(const struct target_view *v);

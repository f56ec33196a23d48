/* shell/prober.h — looks at those probes that the controller itself must look at: pods, Services, cached pods, objects.
 *
 * Each look is taken `every`, one at a time: a look that takes longer puts the next one off. A change counts after it lasted hold_for. */
#pragma once

#include "core/probe.h"
#include "shell/alarms.h"
#include "shell/clock.h"
#include "shell/lookup.h"
#include "shell/services.h"

struct prober { /* what all looks share; the owner's */
    struct world *world;
    struct alarms *alarms;
    const struct clock *clock;
    struct lookup lookup;
    struct services *services;
};

struct prober_want {
    enum probe_place place; /* one of the controller's */
    const json_t *probe;    /* resolved */
    const struct target *target;
    struct key pod; /* name "": none */
    usec_t every, hold_for, refresh;
};
/* `news`: the evidence changed, or is to be told again. Without it only seen_at and the value moved. */
typedef void prober_report_fn(void *userdata, const struct evidence *evidence, bool news);

struct prober_look;
struct prober_look *prober_start(struct prober *p, const struct prober_want *want, prober_report_fn *report, void *userdata);
void prober_stop(struct prober_look *look); /* NULL is fine */

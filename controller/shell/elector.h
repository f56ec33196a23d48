/* shell/elector.h — whether this process leads, by the Lease drillyard-controller. core/lease.h says what to do; this does it.
 *
 * On loss the caller stops acting at once and stays a candidate. Without election (a single replica, by choice) it leads from the start. */
#pragma once

#include "shell/alarms.h"

#define ELECTOR_LEASE "drillyard-controller"

struct elector_options {
    const char *ns, *identity; /* copied */
    bool elect;
    void (*changed)(void *userdata, bool leads); /* from the loop */
    void *userdata;
};
struct elector;
struct elector *elector_new(struct world *world, struct alarms *alarms, const struct elector_options *options, struct error *err);
void elector_free(struct elector *e); /* NULL is fine; gives nothing back */

bool elector_leads(const struct elector *e);
bool elector_may_act(const struct elector *e);       /* asked right before each command and write */
int64_t elector_epoch(const struct elector *e);      /* of the present or last term */
const char *elector_holder(const struct elector *e); /* "": nobody, or not known */

void elector_stop(struct elector *e);          /* gives the Lease back, once all guarded work has ended; it leads no more */
bool elector_stopped(const struct elector *e); /* given back, or there was nothing to give */

/* shell/reconcile.h — looks at one key: gathers its view, asks core/, hands the decision to the executor. */
#pragma once

#include "shell/views.h"
#include "shell/wakes.h"

struct reconcile { /* all borrowed */
    struct view_source source;
    struct executor *executor;
    struct firings *firings;
    struct wakes *wakes;
};
/* Kinds without a reconciler are fine: nothing happens. */
void reconcile_key(struct reconcile *r, const struct key *key);

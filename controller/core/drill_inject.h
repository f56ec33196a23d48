/* core/drill_inject.h — what the agent is asked to do for a drill. Pure. */
#pragma once

#include "core/drill.h"

/* The method's parameters with the target's facets in place (new reference), or NULL: NOT_FOUND names the facet that is missing. */
json_t *drill_params(const struct drill_view *v, struct error *err);
/* The agent's inject operation (new reference); NULL as drill_params. */
json_t *drill_inject_body(const struct drill_view *v, struct error *err);

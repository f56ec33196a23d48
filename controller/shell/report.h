/* shell/report.h — what the caches say, for people: the objects of a kind, the coverage of all targets. */
#pragma once

#include "shell/store.h"

/* {summary: {cards, covered, due, overdue, never, highRiskPending, byCategory}, targets: [{namespace, name, quarantined, steadyState,
 * coverage: [as in DrillTarget.status, with title, category and risk]}]} of one namespace (NULL: all). New reference. */
json_t *report_coverage(struct store *store, const char *ns, const char *catalog);
/* The objects of a kind by name, at most the last `limit` (0: all), as they are kept. New reference: an array. */
json_t *report_objects(struct store *store, enum kind kind, const char *ns, size_t limit);

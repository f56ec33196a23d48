/* shell/reflectors.h — one reflector per kind and namespace that is looked after. */
#pragma once

#include "base/list.h"
#include "shell/reflector.h"

struct reflectors;
/* namespaces empty: everywhere. The catalog's namespace is looked after for what a catalog has. `synced` is called when the last of the
 * first lists is complete. */
struct reflectors *reflectors_new(struct world *world, struct alarms *alarms, struct store *store, const struct strlist *namespaces,
                                  const char *catalog, void (*synced)(void *userdata), void *userdata);
void reflectors_free(struct reflectors *r);                  /* NULL is fine */
void reflectors_run(struct reflectors *r, bool any_version); /* see reflector_run() */
/* The server answers again. They tell one another as well: the first that gets through calls the others. */
void reflectors_nudge(struct reflectors *r);
bool reflectors_synced(const struct reflectors *r);
/* Lists everything anew; `synced` is called again when the last of those lists is complete. */
void reflectors_refresh(struct reflectors *r);
bool reflectors_fresh(const struct reflectors *r);
bool reflectors_kind_synced(const struct reflectors *r, enum kind kind, const char *ns);
struct reflector_stats reflectors_stats(const struct reflectors *r); /* the sum */
json_t *reflectors_problems(const struct reflectors *r);             /* {"Drill/team-a": "…"}; new reference */

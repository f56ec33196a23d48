/* core/applies.h — whether a card can be drilled on a target at all: the target has the facets it needs, and all its probes can be looked at.
 * Pure. */
#pragma once

#include "api/card.h"
#include "api/target.h"

/* A target looks at every card for each change of anything about it, and the answer hangs on the two specs alone: it is found once for
 * each pair of them. A bounded table: what was put out is found anew. */
struct applies;
struct applies *applies_new(void);
void applies_free(struct applies *applies); /* NULL is fine */

/* `applies` NULL: nothing is remembered. Objects in it are the API server's, with uid and generation. why (NULL is fine) gets the reason
 * in words, "" where it applies. */
bool card_applies(struct applies *applies, const struct card *card, const struct target *target, char why[160]);

/* shell/ledger_pages.h — the ledger's segments of a namespace as core/ledger.h wants them, without parsing every sealed one at each look:
 * of those only the digests of their keys are kept, and one is parsed only where the incident asked for may be in it. */
#pragma once

#include "core/ledger.h"
#include "shell/store.h"

struct ledger_pages; /* the digests, for all namespaces */
struct ledger_pages *ledger_pages_new(struct store *store);
void ledger_pages_free(struct ledger_pages *p); /* NULL is fine */

struct ledger_gather { /* owns what the view borrows */
    struct ledger_view view;
    struct ledger_segment *segments;
    json_t **trees;
};
/* incident "": the segments are not needed, only whether they are known. */
void ledger_gather(struct ledger_pages *p, const char *ns, const char *incident, bool synced, struct ledger_gather *ret_gather);
void ledger_gather_done(struct ledger_gather *g);

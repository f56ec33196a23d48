/* shell/card_index.h — entries by the card that they name (summary.card): the ChaosCards of an id, the Drills of a card. For store.c only.
 *
 * Whoever looks by card would otherwise walk all objects of a namespace for each change of one of them, which ten thousand do not allow. */
#pragma once

#include "shell/entry.h"

struct card_index { /* {0} is an empty one; the entries are borrowed */
    struct list *buckets;
    size_t bucket_count, count;
};
void card_index_done(struct card_index *ix); /* frees the buckets; the entries are not touched */

/* Nothing happens for kinds that are not looked for by card, and for an entry that is not in it. An entry is out before it is freed. */
void card_index_add(struct card_index *ix, struct entry *e);
void card_index_remove(struct card_index *ix, struct entry *e);

/* The first, or the next after `at`, in the order in which they came; NULL: no more. */
const struct entry *card_index_next(const struct card_index *ix, enum kind kind, const char *ns, const char *card,
                                    const struct entry *at);

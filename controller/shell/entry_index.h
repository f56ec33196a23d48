/* shell/entry_index.h — entries by what they have in common, so that nobody walks ten thousand objects for each change of one of them. For
 * store.c only. */
#pragma once

#include "shell/entry.h"

struct entry_index { /* {.by = …} is an empty one; the entries are borrowed */
    enum entry_by by;
    struct list *buckets;
    size_t bucket_count, count;
};
void entry_index_done(struct entry_index *ix); /* frees the buckets; the entries are not touched */

/* Nothing happens for an entry that is not looked for so, and for one that is not in it. An entry is out before it is freed. */
void entry_index_add(struct entry_index *ix, struct entry *e);
void entry_index_remove(struct entry_index *ix, struct entry *e);

/* The first, or the next after `at`, in the order in which they came; NULL: no more. `word`: the target, the card, "" for the live ones. */
const struct entry *entry_index_next(const struct entry_index *ix, enum kind kind, const char *ns, const char *word,
                                     const struct entry *at);

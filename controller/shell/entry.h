/* shell/entry.h — one object in the store: its summary and its packed text in one piece of memory. For store.c only. */
#pragma once

#include "base/list.h"
#include "shell/pack.h"
#include "shell/summary.h"

enum entry_by {
    ENTRY_BY_TARGET, /* Drills, PlaybookRuns and CodingTasks of a target */
    ENTRY_BY_LIFE,   /* those of them for which something is still to be done */
    ENTRY_BY_CARD,   /* ChaosCards of an id, Drills of a card's name */
    ENTRY_BY_COUNT,
};

struct entry {
    struct summary summary;
    struct pack_dictionary *dictionary; /* of the text; NULL: none */
    void *packed;                       /* NULL: not yet; there is a tree then */
    size_t packed_length, text_length;
    unsigned list;                     /* the last list that had it */
    struct list links[ENTRY_BY_COUNT]; /* of the indices; removed: in none */
    struct list in_trees;
    json_t *tree;      /* NULL: not parsed */
    void *decoded;     /* the kind's struct, while there is a tree; NULL: not asked for yet */
    size_t tree_bytes; /* of memory, about */
    char strings[];    /* the summary's */
};
struct entry *entry_new(const struct summary *summary);
/* `current` is the kind's dictionary; it is replaced where this object is a much better example. */
void entry_pack(struct entry *e, const json_t *object, struct pack_dictionary **current);
void entry_drop_tree(struct entry *e); /* and what was decoded of it */
void entry_free(struct entry *e);
json_t *entry_parse(const struct entry *e); /* new reference */

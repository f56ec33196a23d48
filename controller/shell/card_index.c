/* A hash table whose chains run through the entries: what an object costs in it is one link and its share of the buckets. */
#include "shell/card_index.h"

#include "base/str.h"

#define BUCKETS_MIN 16

static bool indexed(enum kind kind)
{
    return kind == KIND_CARD || kind == KIND_DRILL;
}

static struct list *bucket(const struct card_index *ix, enum kind kind, const char *ns, const char *card)
{
    uint64_t hash = str_hash64(card, strlen(card), str_hash64(ns, strlen(ns), (uint64_t)kind));
    return &ix->buckets[hash & (ix->bucket_count - 1)];
}

static void chain(struct card_index *ix, struct entry *e)
{
    list_append(bucket(ix, e->summary.kind, e->summary.ns, e->summary.card), &e->in_card);
}

static void grow(struct card_index *ix)
{
    struct card_index larger = {.bucket_count = ix->bucket_count ? 2 * ix->bucket_count : BUCKETS_MIN, .count = ix->count};
    larger.buckets = mem_array(larger.bucket_count, sizeof(struct list));
    for (size_t i = 0; i < larger.bucket_count; i++)
        list_init(&larger.buckets[i]);
    for (size_t i = 0; i < ix->bucket_count; i++)
        while (!list_empty(&ix->buckets[i])) {
            struct entry *e = list_entry(ix->buckets[i].next, struct entry, in_card);
            list_remove(&e->in_card);
            chain(&larger, e);
        }
    card_index_done(ix);
    *ix = larger;
}

void card_index_done(struct card_index *ix)
{
    free(ix->buckets);
    *ix = (struct card_index){0};
}

void card_index_add(struct card_index *ix, struct entry *e)
{
    if (!indexed(e->summary.kind))
        return;
    if (ix->count == ix->bucket_count)
        grow(ix);
    chain(ix, e);
    ix->count++;
}

void card_index_remove(struct card_index *ix, struct entry *e)
{
    if (list_empty(&e->in_card))
        return;
    list_remove(&e->in_card);
    ix->count--;
}

const struct entry *card_index_next(const struct card_index *ix, enum kind kind, const char *ns, const char *card,
                                    const struct entry *at)
{
    if (!ix->bucket_count)
        return NULL;
    const struct list *head = bucket(ix, kind, ns, card);
    for (const struct list *node = at ? at->in_card.next : head->next; node != head; node = node->next) {
        const struct entry *e = list_entry(node, struct entry, in_card);
        if (e->summary.kind == kind && str_equal(e->summary.ns, ns) && str_equal(e->summary.card, card))
            return e;
    }
    return NULL;
}

/* A hash table whose chains run through the entries: what an object costs in it is one link and its share of the buckets. */
#include "shell/entry_index.h"

#include "base/str.h"

#define BUCKETS_MIN 16

static bool has_target(enum kind kind)
{
    return kind == KIND_DRILL || kind == KIND_RUN || kind == KIND_TASK;
}

/* The word by which it is found; NULL: it is not looked for so. */
static const char *word_of(const struct summary *s, enum entry_by by)
{
    switch (by) {
    case ENTRY_BY_TARGET:
        return has_target(s->kind) ? s->target : NULL;
    case ENTRY_BY_LIFE:
        return has_target(s->kind) && s->live ? "" : NULL;
    case ENTRY_BY_CARD:
        return s->kind == KIND_CARD || s->kind == KIND_DRILL ? s->card : NULL;
    case ENTRY_BY_COUNT:
        break;
    }
    return NULL;
}

static struct entry *entry_at(const struct entry_index *ix, const struct list *node)
{
    return list_entry(node - ix->by, struct entry, links);
}

static struct list *bucket(const struct entry_index *ix, enum kind kind, const char *ns, const char *word)
{
    uint64_t hash = str_hash64(word, strlen(word), str_hash64(ns, strlen(ns), (uint64_t)kind));
    return &ix->buckets[hash & (ix->bucket_count - 1)];
}

static void chain(struct entry_index *ix, struct entry *e)
{
    const struct summary *s = &e->summary;
    list_append(bucket(ix, s->kind, s->ns, word_of(s, ix->by)), &e->links[ix->by]);
}

static void grow(struct entry_index *ix)
{
    struct entry_index larger = {
        .by = ix->by, .bucket_count = ix->bucket_count ? 2 * ix->bucket_count : BUCKETS_MIN, .count = ix->count};
    larger.buckets = mem_array(larger.bucket_count, sizeof(struct list));
    for (size_t i = 0; i < larger.bucket_count; i++)
        list_init(&larger.buckets[i]);
    for (size_t i = 0; i < ix->bucket_count; i++)
        while (!list_empty(&ix->buckets[i])) { /* from the front: those of a word keep their order */
            struct entry *e = entry_at(ix, ix->buckets[i].next);
            list_remove(&e->links[ix->by]);
            chain(&larger, e);
        }
    entry_index_done(ix);
    *ix = larger;
}

void entry_index_done(struct entry_index *ix)
{
    free(ix->buckets);
    *ix = (struct entry_index){.by = ix->by};
}

void entry_index_add(struct entry_index *ix, struct entry *e)
{
    if (!word_of(&e->summary, ix->by))
        return;
    if (ix->count == ix->bucket_count)
        grow(ix);
    chain(ix, e);
    ix->count++;
}

void entry_index_remove(struct entry_index *ix, struct entry *e)
{
    if (list_empty(&e->links[ix->by]))
        return;
    list_remove(&e->links[ix->by]);
    ix->count--;
}

const struct entry *entry_index_next(const struct entry_index *ix, enum kind kind, const char *ns, const char *word,
                                     const struct entry *at)
{
    if (!ix->bucket_count)
        return NULL;
    const struct list *head = bucket(ix, kind, ns, word);
    for (const struct list *node = at ? at->links[ix->by].next : head->next; node != head; node = node->next) {
        const struct summary *s = &entry_at(ix, node)->summary;
        if (s->kind == kind && str_equal(s->ns, ns) && str_equal(word_of(s, ix->by), word))
            return entry_at(ix, node);
    }
    return NULL;
}

#include "shell/store.h"

#include "base/str.h"
#include "shell/codec.h"
#include "shell/entry_index.h"
#include "shell/reduce.h"
#include "shell/rv.h"
#include "shell/tombstones.h"

/* The objects of a kind, sorted by (namespace, name). */
struct shelf {
    struct entry **entries;
    size_t count, cap;
    struct pack_dictionary *dictionary;
};

struct store {
    struct world *world;
    struct shelf shelves[KIND_COUNT];
    struct entry_index indices[ENTRY_BY_COUNT];
    struct list trees; /* entries with a tree, the least recently used first */
    size_t tree_count, tree_bytes;
    struct tombstones *tombstones;
    store_changed_fn *changed;
    void *userdata;
    unsigned list;
    struct store_stats stats;
};

struct store *store_new(struct world *world)
{
    struct store *s = mem_new(struct store);
    *s = (struct store){.world = world, .tombstones = tombstones_new()};
    for (enum entry_by by = 0; by < ENTRY_BY_COUNT; by++)
        s->indices[by].by = by;
    list_init(&s->trees);
    return s;
}

void store_free(struct store *s)
{
    if (!s)
        return;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        for (size_t i = 0; i < s->shelves[kind].count; i++)
            entry_free(s->shelves[kind].entries[i]);
        free(s->shelves[kind].entries);
        pack_dictionary_unref(s->shelves[kind].dictionary);
    }
    tombstones_free(s->tombstones);
    for (enum entry_by by = 0; by < ENTRY_BY_COUNT; by++)
        entry_index_done(&s->indices[by]);
    free(s);
}

void store_set_listener(struct store *s, store_changed_fn *changed, void *userdata)
{
    s->changed = changed;
    s->userdata = userdata;
}

/* ── finding ── */

static int order(const char *ns_a, const char *name_a, const char *ns_b, const char *name_b)
{
    int by_ns = strcmp(ns_a, ns_b);
    return by_ns ? by_ns : strcmp(name_a, name_b);
}

/* The index of the first entry at or after (ns, name). */
static size_t lower_bound(const struct shelf *shelf, const char *ns, const char *name)
{
    size_t low = 0, high = shelf->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct summary *s = &shelf->entries[middle]->summary;
        if (order(s->ns, s->name, ns, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct entry **find(const struct store *s, const struct key *key)
{
    const struct shelf *shelf = &s->shelves[key->kind];
    size_t i = lower_bound(shelf, key->ns, key->name);
    if (i == shelf->count || order(shelf->entries[i]->summary.ns, shelf->entries[i]->summary.name, key->ns, key->name) != 0)
        return NULL;
    return &shelf->entries[i];
}

const struct summary *store_summary(const struct store *s, const struct key *key)
{
    struct entry **e = find(s, key);
    return e ? &(*e)->summary : NULL;
}

size_t store_count(const struct store *s, enum kind kind)
{
    return s->shelves[kind].count;
}

/* ── trees ── */

static void count_bytes(struct store *s, const struct entry *e, bool add)
{
    size_t packed = e->packed_length + sizeof(*e);
    s->stats.text_bytes += add ? e->text_length : -e->text_length;
    s->stats.packed_bytes += add ? packed : -packed;
}

/* The entry is without what it stands for unless it is packed. */
static void tree_drop(struct store *s, struct entry *e)
{
    if (!e->tree)
        return;
    s->tree_count--;
    s->tree_bytes -= e->tree_bytes;
    entry_drop_tree(e);
}

static void tree_pack(struct store *s, struct entry *e, const json_t *tree)
{
    count_bytes(s, e, false);
    entry_pack(e, tree, &s->shelves[e->summary.kind].dictionary);
    count_bytes(s, e, true);
}

static void tree_evict_oldest(struct store *s)
{
    struct entry *e = list_entry(s->trees.next, struct entry, in_trees);
    if (!e->packed)
        tree_pack(s, e, e->tree);
    tree_drop(s, e);
}

/* What jansson takes for it, about. */
static size_t bytes_of(const json_t *value)
{
    size_t bytes = 64 + json_string_length(value), i;
    const char *key;
    json_t *member;
    json_array_foreach((json_t *)(uintptr_t)value, i, member) bytes += 8 + bytes_of(member);
    if (json_is_object(value))
        bytes += 192;
    json_object_foreach((json_t *)(uintptr_t)value, key, member) bytes += 80 + strlen(key) + bytes_of(member);
    return bytes;
}

/* Two hundred drills at once look at theirs, their targets, pods and runs again and again; ten thousand that are over at none. */
static size_t trees_budget(const struct store *s)
{
    size_t budget = STORE_TREES_BYTES + s->indices[ENTRY_BY_LIFE].count * STORE_TREES_EACH_LIVE;
    return budget < STORE_TREES_BYTES_MAX ? budget : STORE_TREES_BYTES_MAX;
}

/* Takes over the reference. */
static void tree_keep(struct store *s, struct entry *e, json_t *tree)
{
    e->tree = tree;
    e->tree_bytes = bytes_of(tree) + codec_of(e->summary.kind)->size;
    s->tree_count++;
    s->tree_bytes += e->tree_bytes;
    list_append(&s->trees, &e->in_trees);
    while (s->tree_count > 1 && (s->tree_count > STORE_TREES_MAX || s->tree_bytes > trees_budget(s)))
        tree_evict_oldest(s);
}

/* Borrowed; NULL: it cannot be parsed. */
static json_t *tree_of(struct store *s, struct entry *e)
{
    if (e->tree) {
        s->stats.hits++;
        list_remove(&e->in_trees);
        list_append(&s->trees, &e->in_trees);
    } else {
        s->stats.parses++;
        tree_keep(s, e, entry_parse(e));
    }
    return e->tree;
}

json_t *store_get(struct store *s, const struct key *key)
{
    struct entry **found = find(s, key);
    return found ? json_incref(tree_of(s, *found)) : NULL;
}

int store_decode(struct store *s, const struct key *key, void *ret, struct error *err)
{
    struct entry **found = find(s, key);
    if (!found) {
        char quoted[300];
        return error_set(err, ERROR_NOT_FOUND, "there is no %s %s in namespace %s", kind_info(key->kind)->kind,
                         str_quote(quoted, sizeof(quoted), key->name), key->ns);
    }
    struct entry *e = *found;
    const struct codec *codec = codec_of(key->kind);
    json_t *tree = tree_of(s, e);
    if (!e->decoded) {
        auto_free void *decoded = mem_alloc(codec->size);
        if (codec->decode(tree, decoded, err) < 0)
            return -1;
        e->decoded = mem_take(decoded);
    }
    memcpy(ret, e->decoded, codec->size);
    json_incref(tree);
    return 0;
}

void store_trim(struct store *s)
{
    while (!list_empty(&s->trees))
        tree_evict_oldest(s);
}

/* ── changing ── */

static void tell(struct store *s, const struct summary *before, const struct summary *now)
{
    const struct summary *any = now ? now : before;
    struct store_change change = {.key = key_of(any->kind, any->ns, any->name), .before = before, .now = now};
    if (s->changed)
        s->changed(s->userdata, &change);
}

static void unindex(struct store *s, struct entry *e)
{
    for (enum entry_by by = 0; by < ENTRY_BY_COUNT; by++)
        entry_index_remove(&s->indices[by], e);
}

static void shelf_insert(struct shelf *shelf, size_t at, struct entry *e)
{
    if (shelf->count == shelf->cap) {
        shelf->cap = shelf->cap ? 2 * shelf->cap : 16;
        shelf->entries = mem_resize(shelf->entries, shelf->cap, sizeof(struct entry *));
    }
    memmove(&shelf->entries[at + 1], &shelf->entries[at], (shelf->count - at) * sizeof(struct entry *));
    shelf->entries[at] = e;
    shelf->count++;
}

static void remove_at(struct store *s, enum kind kind, size_t at, const char *rv)
{
    struct shelf *shelf = &s->shelves[kind];
    struct entry *e = shelf->entries[at];
    memmove(&shelf->entries[at], &shelf->entries[at + 1], (--shelf->count - at) * sizeof(struct entry *));
    tombstones_add(s->tombstones, e->summary.uid, rv, world_now(s->world) + STORE_TOMBSTONE);
    if (kind == KIND_POD && !e->summary.live)
        tombstones_set_ended(s->tombstones, e->summary.uid);
    tree_drop(s, e);
    count_bytes(s, e, false);
    /* Told while it is gone but its strings still stand. */
    unindex(s, e);
    tell(s, &e->summary, NULL);
    entry_free(e);
}

static bool same_version(const struct summary *have, const struct summary *offered)
{
    return str_equal(have->rv, offered->rv) && str_equal(have->uid, offered->uid);
}

bool store_put(struct store *s, enum kind kind, const json_t *object)
{
    json_auto_t *reduced = reduce_object(kind, object);
    char scratch[SUMMARY_SCRATCH_SIZE];
    struct summary summary;
    summary_read(kind, reduced, scratch, &summary);
    if (str_empty(summary.name))
        return false;
    tombstones_sweep(s->tombstones, world_now(s->world));
    struct key key = key_of(kind, summary.ns, summary.name);
    struct entry **found = find(s, &key);
    bool older = found && rv_compare(summary.rv, (*found)->summary.rv) < 0;
    if (older || (found && same_version(&(*found)->summary, &summary)) || tombstones_has(s->tombstones, summary.uid, summary.rv)) {
        s->stats.refused += older;
        return false;
    }
    if (found && !str_equal((*found)->summary.uid, summary.uid)) {
        remove_at(s, kind, (size_t)(found - s->shelves[kind].entries), summary.rv);
        found = NULL;
    }
    struct entry *e = entry_new(&summary), *former = found ? *found : NULL;
    count_bytes(s, e, true);
    if (former) {
        e->list = former->list;
        *found = e;
        tree_drop(s, former);
        count_bytes(s, former, false);
        unindex(s, former);
    } else
        shelf_insert(&s->shelves[kind], lower_bound(&s->shelves[kind], key.ns, key.name), e);
    for (enum entry_by by = 0; by < ENTRY_BY_COUNT; by++)
        entry_index_add(&s->indices[by], e);
    if (former) /* what changes is looked at again, and changes again before it would have to be packed */
        tree_keep(s, e, mem_take(reduced));
    else /* of a list most is not looked at, and its trees would only leave the heap full of holes */
        tree_pack(s, e, reduced);
    tell(s, former ? &former->summary : NULL, &e->summary);
    if (former)
        entry_free(former);
    return true;
}

bool store_remove(struct store *s, const struct key *key, const char *uid, const char *rv)
{
    struct entry **found = find(s, key);
    tombstones_add(s->tombstones, uid, rv, world_now(s->world) + STORE_TOMBSTONE);
    if (!found)
        return false;
    const struct summary *have = &(*found)->summary;
    if (!str_empty(uid) && !str_equal(have->uid, uid))
        return false; /* another one has taken its name */
    if (rv_compare(rv, have->rv) < 0)
        return false;
    remove_at(s, key->kind, (size_t)(found - s->shelves[key->kind].entries), rv);
    return true;
}

bool store_ended(const struct store *s, const char *uid)
{
    return tombstones_ended(s->tombstones, uid);
}

/* ── iteration ── */

const struct summary *store_next(const struct store *s, enum kind kind, const char *ns, struct store_cursor *c)
{
    const struct shelf *shelf = &s->shelves[kind];
    if (!c->begun) {
        c->begun = true;
        c->index = ns ? lower_bound(shelf, ns, "") : 0;
    }
    if (c->index >= shelf->count)
        return NULL;
    const struct summary *summary = &shelf->entries[c->index]->summary;
    if (ns && !str_equal(summary->ns, ns))
        return NULL;
    c->index++;
    return summary;
}

static const struct summary *next_by(const struct store *s, enum entry_by by, enum kind kind, const char *ns, const char *word,
                                     struct store_cursor *c)
{
    const struct entry *e = c->begun && !c->at ? NULL : entry_index_next(&s->indices[by], kind, ns, word, c->at);
    c->begun = true;
    c->at = e;
    return e ? &e->summary : NULL;
}

const struct summary *store_next_of_target(const struct store *s, enum kind kind, const char *ns, const char *target,
                                           struct store_cursor *c)
{
    return next_by(s, ENTRY_BY_TARGET, kind, ns, target, c);
}

const struct summary *store_next_live(const struct store *s, enum kind kind, const char *ns, struct store_cursor *c)
{
    return next_by(s, ENTRY_BY_LIFE, kind, ns, "", c);
}

const struct summary *store_next_of_card(const struct store *s, enum kind kind, const char *ns, const char *card,
                                         struct store_cursor *c)
{
    return next_by(s, ENTRY_BY_CARD, kind, ns, card, c);
}

/* ── lists ── */

unsigned store_list_begin(struct store *s)
{
    return ++s->list;
}

void store_mark(struct store *s, const struct key *key, unsigned list)
{
    struct entry **found = find(s, key);
    if (found)
        (*found)->list = list;
}

size_t store_sweep(struct store *s, enum kind kind, const char *ns, unsigned list, const char *rv)
{
    struct shelf *shelf = &s->shelves[kind];
    size_t removed = 0;
    for (size_t i = shelf->count; i-- > 0;) {
        const struct entry *e = shelf->entries[i];
        if ((ns && !str_equal(e->summary.ns, ns)) || e->list == list || rv_compare(e->summary.rv, rv) > 0)
            continue;
        remove_at(s, kind, i, rv);
        removed++;
    }
    return removed;
}

struct store_stats store_stats(const struct store *s)
{
    struct store_stats stats = s->stats;
    stats.trees = s->tree_count;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        stats.objects += s->shelves[kind].count;
    return stats;
}

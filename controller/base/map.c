/* Entries stand in an array in insertion order; an open-addressed table of their numbers finds them by key. A removed entry
 * leaves a dead one behind in both. Only map_set() moves entries, so a position of map_next() survives removals. */
#include "base/map.h"

#include "base/str.h"

#define MAP_FIRST_SLOTS 16

enum { SLOT_EMPTY = 0, SLOT_DEAD = 1, SLOT_FIRST = 2 }; /* a slot holds SLOT_FIRST + the number of its entry */

struct entry {
    char *key; /* NULL: dead */
    void *value;
    uint64_t hash;
};

struct map {
    map_free_fn *free_value;
    struct entry *entries;
    size_t first; /* no live entry before this one: taking from the front stays cheap */
    size_t used;  /* entries, dead ones included */
    size_t count; /* live entries */
    uint32_t *slots;
    size_t slot_count; /* a power of two, 0 until the first entry; room for half as many entries */
};

struct map *map_new(map_free_fn *free_value)
{
    struct map *m = mem_new(struct map);
    m->free_value = free_value;
    return m;
}

void map_free(struct map *m)
{
    if (!m)
        return;
    map_clear(m);
    free(m);
}

void map_free_cleanup(struct map **m)
{
    map_free(*m);
}

static uint64_t hash_key(const char *key)
{
    uint64_t h = str_hash64(key, strlen(key), 0);
    return h ^ h >> 32; /* FNV's low bits alone are weak */
}

/* The slot of the key; NULL: not there. */
static uint32_t *find_slot(const struct map *m, const char *key)
{
    if (!key || m->count == 0)
        return NULL;
    uint64_t hash = hash_key(key);
    for (size_t i = hash & (m->slot_count - 1);; i = (i + 1) & (m->slot_count - 1)) {
        uint32_t slot = m->slots[i];
        if (slot == SLOT_EMPTY)
            return NULL;
        if (slot == SLOT_DEAD)
            continue;
        const struct entry *e = &m->entries[slot - SLOT_FIRST];
        if (e->hash == hash && strcmp(e->key, key) == 0)
            return &m->slots[i];
    }
}

static void fill_slot(struct map *m, uint64_t hash, size_t number)
{
    size_t i = hash & (m->slot_count - 1);
    while (m->slots[i] >= SLOT_FIRST)
        i = (i + 1) & (m->slot_count - 1);
    m->slots[i] = (uint32_t)number + SLOT_FIRST;
}

/* Closes the gaps of dead entries and rebuilds the table with `slot_count` slots. */
static void rebuild(struct map *m, size_t slot_count)
{
    size_t live = 0;
    for (size_t i = m->first; i < m->used; i++)
        if (m->entries[i].key)
            m->entries[live++] = m->entries[i];
    m->first = 0;
    m->used = live;
    m->entries = mem_resize(m->entries, slot_count / 2, sizeof(*m->entries));
    free(m->slots);
    m->slots = mem_array(slot_count, sizeof(*m->slots));
    m->slot_count = slot_count;
    for (size_t i = 0; i < live; i++)
        fill_slot(m, m->entries[i].hash, i);
}

/* Room for one more entry: twice the table, or the same (or half) again where at least half of the entries are dead. */
static void make_room(struct map *m)
{
    if (m->used < m->slot_count / 2)
        return;
    size_t slot_count = m->slot_count ? m->slot_count : MAP_FIRST_SLOTS;
    if (m->count > m->used / 2)
        slot_count *= 2;
    while (slot_count > MAP_FIRST_SLOTS && m->count < slot_count / 8)
        slot_count /= 2;
    rebuild(m, slot_count);
}

void *map_get(const struct map *m, const char *key)
{
    const uint32_t *slot = find_slot(m, key);
    return slot ? m->entries[*slot - SLOT_FIRST].value : NULL;
}

void map_set(struct map *m, const char *key, void *value)
{
    const uint32_t *slot = find_slot(m, key);
    if (slot) {
        struct entry *e = &m->entries[*slot - SLOT_FIRST];
        void *former = e->value;
        e->value = value;
        if (m->free_value && former != value)
            m->free_value(former);
        return;
    }
    make_room(m);
    uint64_t hash = hash_key(key);
    m->entries[m->used] = (struct entry){.key = mem_strdup(key), .value = value, .hash = hash};
    fill_slot(m, hash, m->used);
    m->used++;
    m->count++;
}

static void forget_all(struct map *m)
{
    free(m->entries);
    free(m->slots);
    m->entries = NULL;
    m->slots = NULL;
    m->first = m->used = m->count = m->slot_count = 0;
}

void *map_take(struct map *m, const char *key)
{
    uint32_t *slot = find_slot(m, key);
    if (!slot)
        return NULL;
    struct entry *e = &m->entries[*slot - SLOT_FIRST];
    void *value = e->value;
    *slot = SLOT_DEAD;
    free(e->key);
    e->key = NULL;
    if (--m->count == 0) {
        forget_all(m);
        return value;
    }
    while (!m->entries[m->first].key)
        m->first++;
    return value;
}

bool map_remove(struct map *m, const char *key)
{
    void *value = map_take(m, key);
    if (value && m->free_value)
        m->free_value(value);
    return value;
}

size_t map_count(const struct map *m)
{
    return m->count;
}

void map_clear(struct map *m)
{
    for (size_t i = m->first; i < m->used; i++) {
        struct entry *e = &m->entries[i];
        if (e->key && m->free_value)
            m->free_value(e->value);
        free(e->key);
    }
    forget_all(m);
}

bool map_next(const struct map *m, size_t *at, const char **ret_key, void **ret_value)
{
    for (size_t i = *at > m->first ? *at : m->first; i < m->used; i++) {
        const struct entry *e = &m->entries[i];
        if (!e->key)
            continue;
        *at = i + 1;
        if (ret_key)
            *ret_key = e->key;
        if (ret_value)
            *ret_value = e->value;
        return true;
    }
    return false;
}

/* Each key has one item. A change of its time leaves the old row in the heap, which is known by its time when it surfaces. */
#include "shell/workqueue.h"

#include "base/heap.h"
#include "base/map.h"

#define BOOKS_TURN 8 /* of so many keys that are handed out one is bookkeeping, if any is due */

enum lane {
    LANE_DRILLS,
    LANE_BOOKS, /* conditions and counters of what is only looked up: nobody's fault is in force for it */
    LANE_COUNT,
};

struct item {
    struct key key;
    usec_t due;      /* USEC_NEVER: not queued */
    unsigned rows;   /* of it in the heap, outdated ones too */
    bool handed_out; /* taken and not done */
};

struct workqueue {
    struct world *world;
    struct map *items; /* key text → item, borrowed by the heap's rows */
    struct heap *due[LANE_COUNT];
    size_t queued, handed_out;
    bool books_held;
    void (*earlier)(void *userdata);
    void *userdata;
};

struct workqueue *workqueue_new(struct world *world)
{
    struct workqueue *q = mem_new(struct workqueue);
    *q = (struct workqueue){.world = world, .items = map_new(free), .due = {heap_new(), heap_new()}};
    return q;
}

void workqueue_free(struct workqueue *q)
{
    if (!q)
        return;
    for (enum lane lane = 0; lane < LANE_COUNT; lane++)
        heap_free(q->due[lane]);
    map_free(q->items);
    free(q);
}

void workqueue_set_alarm(struct workqueue *q, void (*earlier)(void *userdata), void *userdata)
{
    q->earlier = earlier;
    q->userdata = userdata;
}

static enum lane lane_of(const struct key *key)
{
    return kind_keeps_books(key->kind) ? LANE_BOOKS : LANE_DRILLS;
}

static void item_drop_if_idle(struct workqueue *q, struct item *item)
{
    char text[KEY_TEXT_SIZE];
    if (!item->rows && !item->handed_out && item->due == USEC_NEVER)
        map_remove(q->items, key_text(&item->key, text));
}

static void item_push(struct workqueue *q, struct item *item)
{
    heap_add(q->due[lane_of(&item->key)], item->due, item);
    item->rows++;
    if (q->earlier)
        q->earlier(q->userdata);
}

void workqueue_add_at(struct workqueue *q, const struct key *key, usec_t when)
{
    if (when == USEC_NEVER)
        return;
    char text[KEY_TEXT_SIZE];
    struct item *item = map_get(q->items, key_text(key, text));
    if (!item) {
        item = mem_new(struct item);
        *item = (struct item){.key = *key, .due = USEC_NEVER};
        map_set(q->items, text, item);
    }
    if (item->due <= when)
        return;
    q->queued += item->due == USEC_NEVER;
    item->due = when;
    if (!item->handed_out)
        item_push(q, item);
}

void workqueue_add(struct workqueue *q, const struct key *key)
{
    workqueue_add_at(q, key, world_now(q->world));
}

/* The first row of the heap that still means something; NULL: none, or none that may be handed out. */
static struct item *first_of_lane(struct workqueue *q, enum lane lane)
{
    if (lane == LANE_BOOKS && q->books_held)
        return NULL;
    usec_t when;
    void *pointer;
    while (heap_peek(q->due[lane], &when, &pointer)) {
        struct item *item = pointer;
        if (item->due == when && !item->handed_out)
            return item;
        heap_pop(q->due[lane]);
        item->rows--;
        item_drop_if_idle(q, item);
    }
    return NULL;
}

usec_t workqueue_next(struct workqueue *q)
{
    usec_t next = USEC_NEVER;
    for (enum lane lane = 0; lane < LANE_COUNT; lane++) {
        const struct item *item = first_of_lane(q, lane);
        next = item ? usec_min(next, item->due) : next;
    }
    return next;
}

/* What is due now, drills before books, yet not for ever. */
static struct item *next_item(struct workqueue *q)
{
    enum lane first = q->handed_out % BOOKS_TURN == BOOKS_TURN - 1 ? LANE_BOOKS : LANE_DRILLS;
    enum lane order[] = {first, first == LANE_DRILLS ? LANE_BOOKS : LANE_DRILLS};
    for (size_t i = 0; i < array_len(order); i++) {
        struct item *item = first_of_lane(q, order[i]);
        if (item && item->due <= world_now(q->world))
            return item;
    }
    return NULL;
}

bool workqueue_take(struct workqueue *q, struct key *ret_key)
{
    struct item *item = next_item(q);
    if (!item)
        return false;
    heap_pop(q->due[lane_of(&item->key)]);
    q->handed_out++;
    item->rows--;
    item->due = USEC_NEVER;
    item->handed_out = true;
    q->queued--;
    *ret_key = item->key;
    return true;
}

void workqueue_done(struct workqueue *q, const struct key *key)
{
    char text[KEY_TEXT_SIZE];
    struct item *item = map_get(q->items, key_text(key, text));
    if (!item || !item->handed_out)
        return;
    item->handed_out = false;
    if (item->due != USEC_NEVER)
        item_push(q, item);
    else
        item_drop_if_idle(q, item);
}

void workqueue_hold_books(struct workqueue *q, bool hold)
{
    bool lifted = q->books_held && !hold;
    q->books_held = hold;
    if (lifted && q->earlier)
        q->earlier(q->userdata);
}

size_t workqueue_count(const struct workqueue *q)
{
    return q->queued;
}

#include "base/heap.h"

struct slot {
    usec_t when;
    uint64_t turn; /* counts additions: among equal times the earlier comes first */
    void *item;
};

struct heap {
    struct slot *slots;
    size_t count, cap;
    uint64_t turn;
};

struct heap *heap_new(void)
{
    return mem_new(struct heap);
}

void heap_free(struct heap *h)
{
    if (!h)
        return;
    free(h->slots);
    free(h);
}

static bool before(const struct slot *a, const struct slot *b)
{
    return a->when != b->when ? a->when < b->when : a->turn < b->turn;
}

static void swap(struct heap *h, size_t a, size_t b)
{
    struct slot tmp = h->slots[a];
    h->slots[a] = h->slots[b];
    h->slots[b] = tmp;
}

static void sift_up(struct heap *h, size_t i)
{
    for (; i > 0 && before(&h->slots[i], &h->slots[(i - 1) / 2]); i = (i - 1) / 2)
        swap(h, i, (i - 1) / 2);
}

static void sift_down(struct heap *h, size_t i)
{
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < h->count; child++)
            if (before(&h->slots[child], &h->slots[least]))
                least = child;
        if (least == i)
            return;
        swap(h, i, least);
        i = least;
    }
}

void heap_add(struct heap *h, usec_t when, void *item)
{
    if (h->count == h->cap) {
        h->cap = h->cap ? 2 * h->cap : 16;
        h->slots = mem_resize(h->slots, h->cap, sizeof(*h->slots));
    }
    h->slots[h->count] = (struct slot){.when = when, .turn = h->turn++, .item = item};
    sift_up(h, h->count++);
}

bool heap_peek(const struct heap *h, usec_t *ret_when, void **ret_item)
{
    if (h->count == 0)
        return false;
    if (ret_when)
        *ret_when = h->slots[0].when;
    if (ret_item)
        *ret_item = h->slots[0].item;
    return true;
}

static void remove_at(struct heap *h, size_t i)
{
    h->count--;
    if (i == h->count)
        return;
    h->slots[i] = h->slots[h->count];
    sift_down(h, i);
    sift_up(h, i);
}

void *heap_pop(struct heap *h)
{
    if (h->count == 0)
        return NULL;
    void *item = h->slots[0].item;
    remove_at(h, 0);
    return item;
}

/* The first of the item's slots in the array; count: not there. */
static size_t find(const struct heap *h, const void *item)
{
    size_t i = 0;
    while (i < h->count && h->slots[i].item != item)
        i++;
    return i;
}

bool heap_remove(struct heap *h, const void *item)
{
    size_t i = find(h, item);
    if (i == h->count)
        return false;
    remove_at(h, i);
    return true;
}

bool heap_move(struct heap *h, const void *item, usec_t when)
{
    size_t i = find(h, item);
    if (i == h->count)
        return false;
    void *moved = h->slots[i].item;
    remove_at(h, i);
    heap_add(h, when, moved);
    return true;
}

size_t heap_count(const struct heap *h)
{
    return h->count;
}

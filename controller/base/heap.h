/* base/heap.h — a binary min-heap of (due time, pointer), ties in insertion order, for timers and queues of keys. */
#pragma once

#include "base/time.h"

struct heap;
struct heap *heap_new(void);
void heap_free(struct heap *h); /* NULL is fine; the pointers are not touched */
void heap_add(struct heap *h, usec_t when, void *item);
bool heap_peek(const struct heap *h, usec_t *ret_when, void **ret_item); /* false: empty; outputs may be NULL */
void *heap_pop(struct heap *h);                                          /* NULL: empty */
bool heap_remove(struct heap *h, const void *item);                      /* linear; false: not there */
bool heap_move(struct heap *h, const void *item, usec_t when);           /* as if removed and added; false: not there */
size_t heap_count(const struct heap *h);

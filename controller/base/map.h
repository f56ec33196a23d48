/* base/map.h — string to pointer, in insertion order.
 *
 * Iteration is in insertion order (a run must be repeatable, so hashing order must never show). Removing during iteration is
 * allowed for the entry just handed out. */
#pragma once

#include "base/mem.h"

struct map;
typedef void map_free_fn(void *value); /* the one typedef: a function type for a destructor */

struct map *map_new(map_free_fn *free_value); /* free_value may be NULL: values are borrowed */
void map_free(struct map *m);                 /* NULL is fine */
void map_free_cleanup(struct map **m);
#define auto_map __attribute__((cleanup(map_free_cleanup)))

void *map_get(const struct map *m, const char *key);       /* NULL: not there */
void map_set(struct map *m, const char *key, void *value); /* copies the key; frees a former value; value not NULL */
bool map_remove(struct map *m, const char *key);           /* frees the value; false: was not there */
void *map_take(struct map *m, const char *key);            /* removes and hands the value over; NULL: not there */
size_t map_count(const struct map *m);
void map_clear(struct map *m);

/* size_t at = 0; const char *key; void *value; while (map_next(m, &at, &key, &value)) … ; key/value may be NULL. */
bool map_next(const struct map *m, size_t *at, const char **ret_key, void **ret_value);

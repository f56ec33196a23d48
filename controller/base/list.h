/* base/list.h — a growing array of pointers or of strings, for small ordered sets. */
#pragma once

#include "base/mem.h"

/* Strings, each owned by the list. */
struct strlist {
    char **items;
    size_t count;
};
void strlist_add(struct strlist *l, const char *s); /* copies */
bool strlist_has(const struct strlist *l, const char *s);
void strlist_done(struct strlist *l);
#define auto_strlist __attribute__((cleanup(strlist_done)))

/* Intrusive doubly linked list: a ring with a head. */
struct list {
    struct list *prev, *next;
};
void list_init(struct list *head);
bool list_empty(const struct list *head);
void list_append(struct list *head, struct list *node);
void list_remove(struct list *node); /* safe on a removed or inited node */
#define list_entry(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

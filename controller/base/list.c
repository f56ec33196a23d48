#include "base/list.h"

#include <string.h>

void strlist_add(struct strlist *l, const char *s)
{
    l->items = mem_resize(l->items, l->count + 1, sizeof(*l->items));
    l->items[l->count++] = mem_strdup(s ? s : "");
}

bool strlist_has(const struct strlist *l, const char *s)
{
    for (size_t i = 0; s && i < l->count; i++)
        if (strcmp(l->items[i], s) == 0)
            return true;
    return false;
}

void strlist_done(struct strlist *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->items[i]);
    free(l->items);
    *l = (struct strlist){0};
}

void list_init(struct list *head)
{
    head->prev = head->next = head;
}

bool list_empty(const struct list *head)
{
    return head->next == head;
}

void list_append(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

void list_remove(struct list *node)
{
    if (!node->next) /* zeroed: never was in a list */
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

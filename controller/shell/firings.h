/* shell/firings.h — what each trigger fires for, as core/trigger.h last decided; kept in memory, and read off Trigger.status at first. */
#pragma once

#include "core/trigger.h"

struct firing_set {
    struct firing *items;
    size_t count;
};
struct firings;
struct firings *firings_new(void);
void firings_free(struct firings *f); /* NULL is fine */
/* Those of a trigger; seeded from its status where it is not known yet. Never NULL. */
const struct firing_set *firings_get(struct firings *f, const struct trigger *trigger);
const struct firing_set *firings_find(const struct firings *f, const struct key *trigger); /* NULL: not known */
/* `differs` is told of each that began, ended or changed, as it was or as it is; the firing is borrowed for the call. */
void firings_set(struct firings *f, const struct key *trigger, const struct firing *items, size_t count,
                 void (*differs)(void *userdata, const struct firing *firing), void *userdata);
void firings_forget(struct firings *f, const struct key *trigger);
void firings_clear(struct firings *f);
size_t firings_count_open(const struct firings *f);

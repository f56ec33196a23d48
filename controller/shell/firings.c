#include "shell/firings.h"

#include "base/map.h"
#include "base/str.h"

struct firings {
    struct map *by_trigger; /* key text → firing_set */
};

static void set_free(void *value)
{
    struct firing_set *set = value;
    free(set->items);
    free(set);
}

struct firings *firings_new(void)
{
    struct firings *f = mem_new(struct firings);
    f->by_trigger = map_new(set_free);
    return f;
}

void firings_free(struct firings *f)
{
    if (!f)
        return;
    map_free(f->by_trigger);
    free(f);
}

/* A row of status.firing; the target of another namespace is written NAMESPACE/NAME. */
static void seed_row(const struct trigger *trigger, const json_t *row, struct firing *f)
{
    const char *target = json_str(row, "target", ""), *slash = strchr(target, '/');
    *f = (struct firing){.since = json_time(row, "since", 0)};
    f->fired_at = usec_add(f->since, trigger->hold_for);
    severity_parse(json_str(row, "severity", "Moderate"), &f->severity);
    str_copy(f->trigger, sizeof(f->trigger), trigger->meta.name);
    str_copy(f->target, sizeof(f->target), slash ? slash + 1 : target);
    str_copy(f->pod, sizeof(f->pod), json_str(row, "pod", ""));
    str_copy(f->message, sizeof(f->message), json_str(row, "message", ""));
    if (slash)
        str_format(f->ns, sizeof(f->ns), "%.*s", (int)(slash - target), target);
    else
        str_copy(f->ns, sizeof(f->ns), trigger->meta.ns);
}

const struct firing_set *firings_find(const struct firings *f, const struct key *trigger)
{
    char text[KEY_TEXT_SIZE];
    return map_get(f->by_trigger, key_text(trigger, text));
}

const struct firing_set *firings_get(struct firings *f, const struct trigger *trigger)
{
    struct key key = meta_key(&trigger->meta, KIND_TRIGGER);
    const struct firing_set *have = firings_find(f, &key);
    if (have)
        return have;
    char text[KEY_TEXT_SIZE];
    struct firing_set *set = mem_new(struct firing_set);
    size_t i;
    json_t *row;
    const json_t *rows = json_at(trigger->root, "status.firing");
    set->items = mem_array(FIRINGS_MAX, sizeof(*set->items));
    json_array_foreach((json_t *)rows, i, row) if (set->count < FIRINGS_MAX) seed_row(trigger, row, &set->items[set->count++]);
    set->items = mem_resize(set->items, set->count ? set->count : 1, sizeof(*set->items));
    map_set(f->by_trigger, key_text(&key, text), set);
    return set;
}

static bool same(const struct firing *a, const struct firing *b)
{
    return a->since == b->since && a->cleared_at == b->cleared_at && a->severity == b->severity &&
           str_equal(a->target, b->target) && str_equal(a->pod, b->pod) && str_equal(a->ns, b->ns);
}

static bool among(const struct firing *f, const struct firing *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (same(f, &items[i]))
            return true;
    return false;
}

void firings_set(struct firings *f, const struct key *trigger, const struct firing *items, size_t count,
                 void (*differs)(void *userdata, const struct firing *firing), void *userdata)
{
    char text[KEY_TEXT_SIZE];
    struct firing_set *set = map_get(f->by_trigger, key_text(trigger, text));
    if (!set) {
        set = mem_new(struct firing_set);
        map_set(f->by_trigger, text, set);
    }
    for (size_t i = 0; i < count; i++)
        if (!among(&items[i], set->items, set->count))
            differs(userdata, &items[i]);
    for (size_t i = 0; i < set->count; i++)
        if (!among(&set->items[i], items, count))
            differs(userdata, &set->items[i]);
    set->items = mem_resize(set->items, count ? count : 1, sizeof(*items));
    memcpy(set->items, items, count * sizeof(*items));
    set->count = count;
}

void firings_forget(struct firings *f, const struct key *trigger)
{
    char text[KEY_TEXT_SIZE];
    map_remove(f->by_trigger, key_text(trigger, text));
}

void firings_clear(struct firings *f)
{
    map_clear(f->by_trigger);
}

size_t firings_count_open(const struct firings *f)
{
    size_t open = 0, at = 0;
    void *value;
    while (map_next(f->by_trigger, &at, NULL, &value)) {
        const struct firing_set *set = value;
        for (size_t i = 0; i < set->count; i++)
            open += !set->items[i].cleared_at;
    }
    return open;
}

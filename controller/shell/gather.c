#include "shell/gather.h"

#include "base/heap.h"
#include "base/map.h"
#include "base/str.h"

/* One function for adding, and one for freeing, of each kind. What cannot be decoded is left out. */
#define GATHER_KIND(noun, type, done)                                                                                              \
    static void add_##noun(const struct lookup *l, const struct summary *s, type **array, size_t *count)                           \
    {                                                                                                                              \
        struct key key = key_of(s->kind, s->ns, s->name);                                                                          \
        *array = mem_room(*array, *count, sizeof(type));                                                                           \
        if (store_decode(l->store, &key, &(*array)[*count], NULL) == 0)                                                            \
            ++*count;                                                                                                              \
    }                                                                                                                              \
    void noun##s_free(type *array, size_t count)                                                                                   \
    {                                                                                                                              \
        for (size_t i = 0; i < count; i++)                                                                                         \
            done(&array[i]);                                                                                                       \
        free(array);                                                                                                               \
    }

GATHER_KIND(card, struct card, card_done)
GATHER_KIND(trigger, struct trigger, trigger_done)
GATHER_KIND(playbook, struct playbook, playbook_done)
GATHER_KIND(target, struct target, target_done)
GATHER_KIND(drill, struct drill, drill_done)
GATHER_KIND(run, struct run, run_done)
GATHER_KIND(task, struct task, task_done)

/* The next of a kind in the namespace, then in the catalog where it is not hidden. */
static const struct summary *next_visible(const struct lookup *l, enum kind kind, const char *ns, struct store_cursor cursors[2])
{
    const struct summary *s = store_next(l->store, kind, ns, &cursors[0]);
    if (s || str_empty(l->catalog) || str_equal(ns, l->catalog))
        return s;
    do
        s = store_next(l->store, kind, l->catalog, &cursors[1]);
    while (s && lookup_hidden(l, kind, ns, s));
    return s;
}

struct card *gather_cards_of_target(const struct lookup *l, const char *ns, size_t *count)
{
    struct card *cards = NULL;
    struct store_cursor cursors[2] = {0};
    const struct summary *s;
    *count = 0;
    while (*count < TARGET_CARDS_MAX && (s = next_visible(l, KIND_CARD, ns, cursors)))
        if (!s->deleting)
            add_card(l, s, &cards, count);
    return cards;
}

struct card *gather_cards_of_schedule(const struct lookup *l, const struct schedule *schedule, size_t *count)
{
    struct card *cards = NULL;
    struct store_cursor cursors[2] = {0};
    const struct summary *s;
    *count = 0;
    while (*count <= SCHEDULE_CARDS_MAX && (s = next_visible(l, KIND_CARD, schedule->meta.ns, cursors))) {
        size_t before = *count;
        if (schedule_names_card(schedule, s->card))
            add_card(l, s, &cards, count);
        if (*count == before || schedule_selects_card(schedule, &cards[before]))
            continue;
        card_done(&cards[before]);
        *count = before;
    }
    return cards;
}

struct trigger *gather_triggers(const struct lookup *l, const char *ns, size_t *count)
{
    struct trigger *triggers = NULL;
    struct store_cursor cursors[2] = {0};
    const struct summary *s;
    *count = 0;
    while ((s = next_visible(l, KIND_TRIGGER, ns, cursors)))
        add_trigger(l, s, &triggers, count);
    return triggers;
}

static bool names(const json_t *list, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item) if (str_equal(json_string_value(item), name)) return true;
    return false;
}

struct playbook *gather_playbooks(const struct lookup *l, const struct trigger *trigger, size_t *count)
{
    struct playbook *playbooks = NULL;
    struct store_cursor cursors[2] = {0};
    const struct summary *s;
    *count = 0;
    /* A trigger of the catalog watches targets everywhere, and each namespace may have playbooks of its own for it. */
    bool everywhere = str_equal(trigger->meta.ns, l->catalog);
    while ((s = everywhere ? store_next(l->store, KIND_PLAYBOOK, NULL, &cursors[0])
                           : next_visible(l, KIND_PLAYBOOK, trigger->meta.ns, cursors))) {
        size_t before = *count;
        add_playbook(l, s, &playbooks, count);
        if (*count == before)
            continue;
        struct playbook *p = &playbooks[before];
        if (names(trigger->playbooks, p->meta.name) || names(p->triggers, trigger->meta.name))
            continue;
        playbook_done(p);
        *count = before;
    }
    return playbooks;
}

struct target *gather_targets(const struct lookup *l, const char *ns, size_t *count)
{
    struct target *targets = NULL;
    struct store_cursor cursor = {0};
    const struct summary *s;
    *count = 0;
    while ((s = store_next(l->store, KIND_TARGET, ns, &cursor)))
        add_target(l, s, &targets, count);
    return targets;
}

/* ── drills ── */

/* The newest ended drills of each card and target, by summary: valid while the store does not change. */
static void keep_newest(struct map *newest, const struct summary *s, const char *sort)
{
    auto_free char *name = mem_printf("%s/%s/%s", s->target, s->card, sort);
    const struct summary *have = map_get(newest, name);
    if (!have || have->ended_at < s->ended_at)
        map_set(newest, name, (void *)(uintptr_t)s);
}

static bool counts(const struct summary *s)
{
    return s->phase == DRILL_SUCCEEDED || s->phase == DRILL_FAILED;
}

static void sort_drill(const struct lookup *l, const struct summary *s, struct map *newest, struct drill **drills, size_t *count)
{
    if (!drill_phase_terminal((enum drill_phase)s->phase))
        add_drill(l, s, drills, count);
    else
        keep_newest(newest, s, counts(s) ? "counts" : "other");
}

static bool is_of(const struct summary *drill, const struct card *cards, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(drill->card, cards[i].meta.name))
            return true;
    return false;
}

/* cards NULL: of all. */
static void add_newest(const struct lookup *l, const struct map *newest, const struct card *cards, size_t card_count,
                       struct drill **drills, size_t *count)
{
    size_t at = 0;
    void *value;
    while (map_next(newest, &at, NULL, &value))
        if (!cards || is_of(value, cards, card_count))
            add_drill(l, value, drills, count);
}

struct drill *gather_drills_of_target(const struct lookup *l, const char *ns, const char *target, const struct card *cards,
                                      size_t card_count, size_t *count)
{
    struct drill *drills = NULL;
    auto_map struct map *newest = map_new(NULL);
    struct store_cursor cursor = {0};
    const struct summary *s;
    *count = 0;
    while ((s = store_next_of_target(l->store, KIND_DRILL, ns, target, &cursor)))
        sort_drill(l, s, newest, &drills, count);
    if (card_count)
        add_newest(l, newest, cards, card_count, &drills, count);
    return drills;
}

struct drill *gather_drills_of_schedule(const struct lookup *l, const char *ns, const char *schedule, size_t *count)
{
    struct drill *drills = NULL;
    char label[64];
    label_value(label, schedule);
    auto_map struct map *newest = map_new(NULL);
    struct store_cursor cursor = {0};
    const struct summary *s;
    size_t own = 0;
    *count = 0;
    while ((s = store_next(l->store, KIND_DRILL, ns, &cursor))) {
        if (str_equal(s->reference, label) && own++ < GATHER_OWN_MAX)
            add_drill(l, s, &drills, count);
        else
            sort_drill(l, s, newest, &drills, count);
    }
    add_newest(l, newest, NULL, 0, &drills, count);
    return drills;
}

/* ── runs and tasks ── */

struct run *gather_runs_of_target(const struct lookup *l, const char *ns, const char *target, usec_t since, size_t *count)
{
    struct run *runs = NULL;
    struct store_cursor cursor = {0};
    const struct summary *s;
    *count = 0;
    while ((s = store_next_of_target(l->store, KIND_RUN, ns, target, &cursor)))
        if (s->live || s->created_at >= since)
            add_run(l, s, &runs, count);
    return runs;
}

/* By its summary alone, which borrows from the store: what is asked of hundreds must not parse them. */
static void add_outline(const struct summary *s, struct run **runs, size_t *count)
{
    *runs = mem_room(*runs, *count, sizeof(**runs));
    (*runs)[(*count)++] = (struct run){
        .meta = {.ns = s->ns, .name = s->name, .uid = s->uid, .rv = s->rv, .created_at = s->created_at},
        .playbook = s->reference,
        .target = s->target,
        .reporter = s->flag ? "another" : "drillyard",
        .phase = (enum run_phase)s->phase,
        .ended_at = s->ended_at,
    };
}

static bool is_of_playbooks(const struct summary *run, const struct playbook *playbooks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(run->reference, playbooks[i].meta.name))
            return true;
    return false;
}

struct run *gather_runs_of_playbooks(const struct lookup *l, const struct playbook *playbooks, size_t playbook_count, size_t *count)
{
    struct run *runs = NULL;
    const struct summary *s;
    struct heap *ended = heap_new(); /* the newest, the oldest of them first */
    struct store_cursor cursor = {0};
    *count = 0;
    while (playbook_count && (s = store_next(l->store, KIND_RUN, NULL, &cursor))) {
        if (!is_of_playbooks(s, playbooks, playbook_count))
            continue;
        usec_t oldest;
        bool full = heap_count(ended) == GATHER_RUNS_MAX && heap_peek(ended, &oldest, NULL);
        if (s->live)
            add_outline(s, &runs, count);
        else if (!full || s->ended_at > oldest) {
            if (full)
                heap_pop(ended);
            heap_add(ended, s->ended_at, (void *)(uintptr_t)s);
        }
    }
    while ((s = heap_pop(ended)))
        add_outline(s, &runs, count);
    heap_free(ended);
    return runs;
}

struct task *gather_tasks(const struct lookup *l, const char *ns, const char *target, const char *incident, size_t *count)
{
    struct task *tasks = NULL;
    struct store_cursor cursor = {0};
    const struct summary *s;
    *count = 0;
    while ((s = target ? store_next_of_target(l->store, KIND_TASK, ns, target, &cursor)
                       : store_next(l->store, KIND_TASK, ns, &cursor)))
        if (s->live || (!str_empty(incident) && str_equal(s->reference, incident)))
            add_task(l, s, &tasks, count);
    return tasks;
}

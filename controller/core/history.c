#include "core/history.h"

#include "base/str.h"
#include "core/roster.h"

/* The coverage of the target outlives its drills; this one's must be in it first. */
static bool remembered(const struct schedule_view *v, const struct drill *drill)
{
    if (drill->phase != DRILL_SUCCEEDED && drill->phase != DRILL_FAILED)
        return true; /* counts for nothing */
    for (size_t t = 0; t < v->target_count; t++) {
        if (!str_equal(v->targets[t].meta.name, drill->target))
            continue;
        const json_t *entries = json_at(v->targets[t].root, "status.coverage");
        for (size_t i = 0; i < json_array_size(entries); i++) {
            const json_t *entry = json_array_get(entries, i);
            if (str_equal(json_str(entry, "card", NULL), json_str(drill->status, "card.id", "")))
                return json_time(entry, "lastDrill", 0) >= drill->injected_at;
        }
        return json_array_size(entries) > 0; /* it is written at once for all cards, so this one is gone */
    }
    return true;
}

static int newest_first(const void *a, const void *b)
{
    const struct drill *const *x = a, *const *y = b;
    if ((*x)->meta.created_at != (*y)->meta.created_at)
        return (*x)->meta.created_at > (*y)->meta.created_at ? -1 : 1;
    return strcmp((*x)->meta.name, (*y)->meta.name);
}

void history_decide(const struct schedule_view *v, struct decision *d)
{
    auto_free const struct drill **sorted = mem_array(v->drill_count + 1, sizeof(*sorted));
    size_t count = 0, deleted = 0;
    for (size_t i = 0; i < v->drill_count; i++)
        if (drill_of_schedule(&v->drills[i], v->schedule) && drill_phase_terminal(v->drills[i].phase))
            sorted[count++] = &v->drills[i];
    qsort(sorted, count, sizeof(*sorted), newest_first);
    int kept[2] = {0, 0}, limits[2] = {v->schedule->history_failed, v->schedule->history_succeeded};
    for (size_t i = 0; i < count && deleted < HISTORY_AT_ONCE; i++) {
        const struct drill *drill = sorted[i];
        bool fine = drill->phase == DRILL_SUCCEEDED || drill->phase == DRILL_SKIPPED;
        if (kept[fine]++ < limits[fine] || drill->finalizer || drill->meta.deleting || !remembered(v, drill))
            continue;
        struct key key = meta_key(&drill->meta, KIND_DRILL);
        decision_delete(d, &key, drill->meta.uid, drill->meta.rv);
        deleted++;
    }
}

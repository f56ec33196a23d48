#include "shell/report.h"

#include "base/str.h"
#include "core/coverage.h"
#include "shell/lookup.h"

static const struct {
    const char *word;
    enum coverage_state state;
} states[] = {{"NotApplicable", COVERAGE_NOT_APPLICABLE},
              {"Never", COVERAGE_NEVER},
              {"Covered", COVERAGE_COVERED},
              {"Due", COVERAGE_DUE},
              {"Overdue", COVERAGE_OVERDUE}};

/* The card with that id which counts in a namespace. */
static json_t *card_by_id(struct store *store, const char *ns, const char *catalog, const char *id)
{
    const char *places[] = {ns, catalog};
    for (size_t i = 0; i < array_len(places); i++) {
        struct store_cursor cursor = {0};
        const struct summary *s;
        while ((s = store_next(store, KIND_CARD, places[i], &cursor))) {
            if (!str_equal(s->card, id))
                continue;
            struct key key = key_of(KIND_CARD, s->ns, s->name);
            return store_get(store, &key);
        }
    }
    return NULL;
}

/* One row of DrillTarget.status.coverage, for the reader and for the sum. */
static json_t *row(struct store *store, const char *ns, const char *catalog, const json_t *told, struct coverage *c)
{
    json_t *copy = json_copy((json_t *)told);
    const char *id = json_str(told, "card", ""), *word = json_str(told, "state", "");
    json_auto_t *card = card_by_id(store, ns, catalog, id);
    *c = (struct coverage){.risk = json_num(card, "spec.risk", 0)};
    str_copy(c->id, sizeof(c->id), id);
    str_copy(c->card, sizeof(c->card), json_str(card, "metadata.name", id));
    str_copy(c->category, sizeof(c->category), json_str(card, "spec.category", ""));
    for (size_t i = 0; i < array_len(states); i++)
        if (str_equal(word, states[i].word))
            c->state = states[i].state;
    json_put_str(copy, "title", json_str(card, "spec.title", NULL));
    json_put_str(copy, "category", json_str(card, "spec.category", NULL));
    json_put_num(copy, "risk", c->risk);
    return copy;
}

json_t *report_coverage(struct store *store, const char *ns, const char *catalog)
{
    json_t *targets = json_array();
    struct coverage *all = NULL;
    size_t count = 0;
    struct store_cursor cursor = {0};
    const struct summary *s;
    while ((s = store_next(store, KIND_TARGET, ns, &cursor))) {
        struct key key = key_of(KIND_TARGET, s->ns, s->name);
        json_auto_t *object = store_get(store, &key);
        json_t *target = json_object(), *rows = json_array(), *told;
        json_put_str(target, "namespace", s->ns);
        json_put_str(target, "name", s->name);
        json_put_bool(target, "quarantined", condition_get(object, "Quarantined", NULL, NULL) == CONDITION_TRUE);
        json_put(target, "steadyState", json_incref(json_at(object, "status.steadyState")));
        size_t i;
        json_array_foreach(json_at(object, "status.coverage"), i, told)
        {
            all = mem_resize(all, count + 1, sizeof(*all));
            json_array_append_new(rows, row(store, s->ns, catalog, told, &all[count++]));
        }
        json_put(target, "coverage", rows);
        json_array_append_new(targets, target);
    }
    json_t *report = json_object();
    json_put(report, "summary", coverage_summary(all, count));
    json_put(report, "targets", targets);
    free(all);
    return report;
}

json_t *report_objects(struct store *store, enum kind kind, const char *ns, size_t limit)
{
    json_t *all = json_array();
    size_t count = 0;
    struct store_cursor counting = {0}, cursor = {0};
    const struct summary *s;
    while (limit && store_next(store, kind, ns, &counting))
        count++;
    while ((s = store_next(store, kind, ns, &cursor))) {
        if (limit && count-- > limit)
            continue;
        struct key key = key_of(s->kind, s->ns, s->name);
        json_array_append_new(all, store_get(store, &key));
    }
    return all;
}

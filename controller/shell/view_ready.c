#include "shell/views.h"

#include "base/str.h"
#include "core/action.h"

/* Ends that are newer than this are counted a little later, when others of about the same time have been seen too. */
#define TALLY_SETTLE  (2 * USEC_SEC)
#define TALLY_WATCHED (5 * USEC_MINUTE)
#define TALLY_AGAIN   (20 * USEC_SEC)

static bool exists(const struct lookup *l, enum kind kind, const char *ns, const char *name, const char *field, struct error *err)
{
    struct key ignored;
    bool there = lookup_key(l, kind, ns, name, &ignored, err);
    if (!there)
        error_wrap(err, "%s", field);
    return there;
}

static void tally_again(struct ready_tally *t, usec_t at)
{
    t->more_at = t->more_at ? usec_min(t->more_at, at) : at;
}

/* Whether an end falls into (since, until]; one that comes later is counted with those that come after it. */
static bool tally_due(struct ready_tally *t, usec_t ended_at, usec_t since, usec_t until)
{
    if (ended_at > until)
        tally_again(t, ended_at + TALLY_AFTER);
    if (ended_at <= since || ended_at > until)
        return false;
    t->first_at = t->first_at ? usec_min(t->first_at, ended_at) : ended_at;
    return true;
}

/* Nothing is counted before the first of it has waited for the others: where many end, each count would be followed by the next. */
static void tally_wait(struct ready_tally *t, usec_t now)
{
    if (!t->first_at || t->first_at + TALLY_AFTER <= now)
        return;
    usec_t due = t->first_at + TALLY_AFTER;
    *t = (struct ready_tally){.more_at = t->more_at};
    tally_again(t, due);
}

static void tally_add(struct ready_tally *t, const struct summary *s, bool counts, bool failed, const char *result)
{
    t->ended += counts;
    t->succeeded += s->succeeded;
    t->failed += failed;
    if (s->ended_at <= t->last_at)
        return;
    t->last_at = s->ended_at;
    t->last_result = result;
}

/* ── cards ── */

static bool card_id_unique(const struct lookup *l, const struct card *card, struct error *err)
{
    struct store_cursor cursor = {0};
    const struct summary *s;
    while ((s = store_next_of_card(l->store, KIND_CARD, card->meta.ns, card->id, &cursor)))
        if (!str_equal(s->name, card->meta.name)) {
            error_set(err, ERROR_CONFLICT, "spec.id: \"%s\" is the id of ChaosCard %s too; ids are unique in a namespace", card->id,
                      s->name);
            return false;
        }
    return true;
}

static void card_check(const struct lookup *l, const struct key *key, struct error *err)
{
    auto_card struct card card = {0};
    if (store_decode(l->store, key, &card, err) < 0)
        return;
    if (!card_id_unique(l, &card, err) || !exists(l, KIND_TRIGGER, card.meta.ns, card.trigger, "spec.expect.trigger", err))
        return;
    for (size_t i = 0; i < card.playbook_count; i++)
        if (!exists(l, KIND_PLAYBOOK, card.meta.ns, card.playbooks[i].name, "spec.expect.playbooks", err))
            return;
}

/* The next drill that names the card: in its namespace, or anywhere if it is a card of the catalog. */
static const struct summary *next_drill(const struct view_source *v, const struct key *card, bool catalog,
                                        struct store_cursor *cursor)
{
    if (!catalog)
        return store_next_of_card(v->lookup.store, KIND_DRILL, card->ns, card->name, cursor);
    const struct summary *s;
    do
        s = store_next(v->lookup.store, KIND_DRILL, NULL, cursor);
    while (s && !str_equal(s->card, card->name));
    return s;
}

/* Drills of the card that ended since; a catalog card's are in all namespaces where no own card hides it. */
static void card_tally(const struct view_source *v, const struct key *key, usec_t since, usec_t until, struct ready_tally *t)
{
    bool catalog = str_equal(key->ns, v->lookup.catalog);
    struct store_cursor cursor = {0};
    const struct summary *s;
    while ((s = next_drill(v, key, catalog, &cursor))) {
        /* While its drills are at work it is looked at now and then, so that a wake that got lost (a leader change) costs only time. */
        if (s->live || s->ended_at + TALLY_WATCHED > until)
            tally_again(t, until + TALLY_AGAIN);
        if (!s->ended_at)
            continue;
        struct key own = key_of(KIND_CARD, s->ns, s->card);
        if ((!str_equal(s->ns, key->ns) && store_summary(v->lookup.store, &own)) || !tally_due(t, s->ended_at, since, until))
            continue;
        bool counts = s->phase == DRILL_SUCCEEDED || s->phase == DRILL_FAILED || s->phase == DRILL_INCONCLUSIVE;
        tally_add(t, s, counts, s->phase == DRILL_FAILED, drill_phase_name((enum drill_phase)s->phase));
    }
}

bool ready_gather_card(const struct view_source *v, const struct key *key, struct ready_gather *g)
{
    memset(g, 0, sizeof(*g));
    g->object = store_get(v->lookup.store, key);
    if (!g->object)
        return false;
    g->view = (struct ready_view){
        .key = *key,
        .object = g->object,
        .reason = "Usable",
        .message = "its trigger and its playbooks exist",
        .count_key = "drills",
        .last_key = "lastDrill",
    };
    card_check(&v->lookup, key, &g->view.error);
    usec_t now = clock_now(v->clock);
    card_tally(v, key, json_time(g->object, "status.lastDrill", 0), now - TALLY_SETTLE, &g->view.tally);
    tally_wait(&g->view.tally, now);
    return true;
}

/* ── playbooks ── */

static void steps_check(const struct playbook *p, struct error *err)
{
    size_t b, i;
    json_t *branch, *raw;
    json_array_foreach((json_t *)p->branches, b, branch) json_array_foreach(json_object_get(branch, "steps"), i, raw)
    {
        struct step step;
        step_decode(raw, &step);
        if (action_known(step.action))
            continue;
        error_set(err, ERROR_INVALID, "spec.branches[%zu].steps[%zu].action: %s is not carried out by this version", b, i,
                  step.action);
        return;
    }
}

static void playbook_check(const struct lookup *l, const struct key *key, struct error *err)
{
    auto_playbook struct playbook p = {0};
    if (store_decode(l->store, key, &p, err) < 0)
        return;
    size_t i;
    json_t *trigger;
    json_array_foreach((json_t *)p.triggers, i, trigger) if (!exists(l, KIND_TRIGGER, p.meta.ns,
                                                                     json_string_value(trigger) ? json_string_value(trigger) : "",
                                                                     "spec.triggers", err)) return;
    steps_check(&p, err);
}

static void playbook_tally(const struct view_source *v, const struct key *key, usec_t since, usec_t until, struct ready_tally *t)
{
    bool catalog = str_equal(key->ns, v->lookup.catalog);
    struct store_cursor cursor = {0};
    const struct summary *s;
    while ((s = store_next(v->lookup.store, KIND_RUN, catalog ? NULL : key->ns, &cursor))) {
        if (s->live || !s->ended_at || !str_equal(s->reference, key->name))
            continue;
        struct key own = key_of(KIND_PLAYBOOK, s->ns, s->reference);
        if ((str_equal(s->ns, key->ns) || !store_summary(v->lookup.store, &own)) && tally_due(t, s->ended_at, since, until))
            tally_add(t, s, true, !s->succeeded, s->succeeded ? "Succeeded" : "Failed");
    }
}

bool ready_gather_playbook(const struct view_source *v, const struct key *key, struct ready_gather *g)
{
    memset(g, 0, sizeof(*g));
    g->object = store_get(v->lookup.store, key);
    if (!g->object)
        return false;
    g->view = (struct ready_view){
        .key = *key,
        .object = g->object,
        .reason = "Usable",
        .message = "its triggers exist, and its steps can be carried out",
        .count_key = "runs",
        .last_key = "lastRun",
    };
    playbook_check(&v->lookup, key, &g->view.error);
    usec_t now = clock_now(v->clock);
    playbook_tally(v, key, json_time(g->object, "status.lastRun", 0), now - TALLY_SETTLE, &g->view.tally);
    tally_wait(&g->view.tally, now);
    return true;
}

void ready_gather_done(struct ready_gather *g)
{
    json_decref(g->object);
}

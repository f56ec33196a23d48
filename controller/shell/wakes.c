#include "shell/wakes.h"

#include "base/str.h"
#include "core/ready.h"

#define SETTLE_AFTER USEC_SEC /* who looks at all cards at once does so when those that come together have come */

/* ── groups of keys ── */

static void wake(struct wakes *w, enum kind kind, const char *ns, const char *name)
{
    struct key key = key_of(kind, ns, name);
    workqueue_add(w->queue, &key);
}

static void wake_of_kind_after(struct wakes *w, enum kind kind, const char *ns, usec_t after) /* ns NULL: everywhere */
{
    usec_t when = world_now(w->world) + after;
    struct store_cursor cursor = {0};
    const struct summary *s;
    while ((s = store_next(w->lookup.store, kind, ns, &cursor))) {
        struct key key = key_of(kind, s->ns, s->name);
        workqueue_add_at(w->queue, &key, when);
    }
}

static void wake_of_kind(struct wakes *w, enum kind kind, const char *ns)
{
    wake_of_kind_after(w, kind, ns, 0);
}

static void wake_of_card(struct wakes *w, enum kind kind, const char *ns, const char *card)
{
    struct store_cursor cursor = {0};
    const struct summary *s;
    while ((s = store_next_of_card(w->lookup.store, kind, ns, card, &cursor)))
        if (s->live || kind != KIND_DRILL)
            wake(w, kind, s->ns, s->name);
}

static void wake_live(struct wakes *w, enum kind kind, const char *ns, const char *target) /* target NULL: of all */
{
    struct store_cursor cursor = {0};
    const struct summary *s;
    while ((s = store_next_live(w->lookup.store, kind, ns, &cursor)))
        if (!target || str_equal(s->target, target))
            wake(w, kind, s->ns, s->name);
}

/* What happens on a target concerns the drill at work there; those that wait behind it look when it ends, which is a change of its phase. */
static void wake_drills_in_turn(struct wakes *w, const char *ns, const char *target)
{
    struct store_cursor busy = {0}, cursor = {0};
    const struct summary *s;
    bool taken = false;
    while (!taken && (s = store_next_live(w->lookup.store, KIND_DRILL, ns, &busy)))
        taken = str_equal(s->target, target) && drill_phase_active((enum drill_phase)s->phase);
    while ((s = store_next_live(w->lookup.store, KIND_DRILL, ns, &cursor)))
        if (str_equal(s->target, target) && (!taken || s->phase > DRILL_PENDING))
            wake(w, KIND_DRILL, s->ns, s->name);
}

/* Something of the catalog concerns every namespace. */
static const char *scope(const struct wakes *w, const char *ns)
{
    return str_equal(ns, w->lookup.catalog) ? NULL : ns;
}

/* Each namespace that something in `ns` concerns: struct scope_cursor c = {0}; while ((in = next_in_scope(w, ns, &c))) … */
struct scope_cursor {
    struct store_cursor namespaces;
    bool ended;
};
static const char *next_in_scope(const struct wakes *w, const char *ns, struct scope_cursor *c)
{
    const struct summary *s = scope(w, ns) ? NULL : store_next(w->lookup.store, KIND_NAMESPACE, NULL, &c->namespaces);
    if (s)
        return s->name;
    bool last = !c->ended;
    c->ended = true;
    return last ? ns : NULL;
}

static void wake_live_in_scope(struct wakes *w, enum kind kind, const char *ns)
{
    struct scope_cursor cursor = {0};
    const char *in;
    while ((in = next_in_scope(w, ns, &cursor)))
        wake_live(w, kind, in, NULL);
}

/* The object of that name which counts in a namespace: its own, else the catalog's. */
static void wake_named(struct wakes *w, enum kind kind, const char *ns, const char *name, usec_t after)
{
    struct key key = key_of(kind, ns, name);
    if (!store_summary(w->lookup.store, &key))
        key = key_of(kind, w->lookup.catalog, name);
    if (store_summary(w->lookup.store, &key))
        workqueue_add_at(w->queue, &key, world_now(w->world) + after);
}

static const struct summary *any_of(const struct store_change *c)
{
    return c->now ? c->now : c->before;
}

/* ── rules: (what changed) → keys ── */

static void rule_self(struct wakes *w, const struct store_change *c)
{
    workqueue_add(w->queue, &c->key);
}

static void rule_its_target(struct wakes *w, const struct store_change *c)
{
    wake(w, KIND_TARGET, c->key.ns, any_of(c)->target);
}

static void rule_drills_of_target(struct wakes *w, const struct store_change *c)
{
    wake_live(w, KIND_DRILL, c->key.ns, any_of(c)->target);
}

static void rule_drills_in_turn(struct wakes *w, const struct store_change *c)
{
    wake_drills_in_turn(w, c->key.ns, any_of(c)->target);
}

static void rule_runs_of_target(struct wakes *w, const struct store_change *c)
{
    wake_live(w, KIND_RUN, c->key.ns, any_of(c)->target);
}

static void rule_drills_here(struct wakes *w, const struct store_change *c)
{
    wake_live(w, KIND_DRILL, c->key.kind == KIND_NAMESPACE ? c->key.name : c->key.ns, NULL);
}

/* The ledger concerns those that have ended and wait for their record in it. */
static void rule_drills_recorded_here(struct wakes *w, const struct store_change *c)
{
    struct store_cursor cursor = {0};
    const struct summary *s;
    while ((s = store_next_live(w->lookup.store, KIND_DRILL, c->key.ns, &cursor)))
        if (drill_phase_terminal((enum drill_phase)s->phase))
            wake(w, KIND_DRILL, s->ns, s->name);
}

static void rule_runs_here(struct wakes *w, const struct store_change *c)
{
    wake_live(w, KIND_RUN, c->key.kind == KIND_NAMESPACE ? c->key.name : c->key.ns, NULL);
}

static void rule_targets_here(struct wakes *w, const struct store_change *c)
{
    wake_of_kind(w, KIND_TARGET, c->key.kind == KIND_NAMESPACE ? c->key.name : c->key.ns);
}

static void rule_schedules_here(struct wakes *w, const struct store_change *c)
{
    wake_of_kind(w, KIND_SCHEDULE, c->key.kind == KIND_NAMESPACE ? c->key.name : c->key.ns);
}

static void rule_drills_in_scope(struct wakes *w, const struct store_change *c)
{
    wake_live_in_scope(w, KIND_DRILL, c->key.ns);
}

static void rule_runs_in_scope(struct wakes *w, const struct store_change *c)
{
    wake_live_in_scope(w, KIND_RUN, c->key.ns);
}

static void rule_targets_in_scope(struct wakes *w, const struct store_change *c)
{
    wake_of_kind(w, KIND_TARGET, scope(w, c->key.ns));
}

static void rule_schedules_in_scope(struct wakes *w, const struct store_change *c)
{
    wake_of_kind(w, KIND_SCHEDULE, scope(w, c->key.ns));
}

static void rule_triggers_in_scope(struct wakes *w, const struct store_change *c)
{
    wake_of_kind(w, KIND_TRIGGER, scope(w, c->key.ns));
}

static void rule_targets_in_scope_settled(struct wakes *w, const struct store_change *c)
{
    wake_of_kind_after(w, KIND_TARGET, scope(w, c->key.ns), SETTLE_AFTER);
}

static void rule_schedules_in_scope_settled(struct wakes *w, const struct store_change *c)
{
    wake_of_kind_after(w, KIND_SCHEDULE, scope(w, c->key.ns), SETTLE_AFTER);
}

static void rule_cards_in_scope(struct wakes *w, const struct store_change *c)
{
    wake_of_kind(w, KIND_CARD, scope(w, c->key.ns));
}

static void rule_playbooks_in_scope(struct wakes *w, const struct store_change *c)
{
    wake_of_kind(w, KIND_PLAYBOOK, scope(w, c->key.ns));
}

/* Cards whose id it took, or gave back. */
static void rule_cards_of_id(struct wakes *w, const struct store_change *c)
{
    if (c->before)
        wake_of_card(w, KIND_CARD, c->key.ns, c->before->card);
    if (c->now && (!c->before || !str_equal(c->before->card, c->now->card)))
        wake_of_card(w, KIND_CARD, c->key.ns, c->now->card);
}

static void rule_drills_of_card(struct wakes *w, const struct store_change *c)
{
    struct scope_cursor cursor = {0};
    const char *in;
    while ((in = next_in_scope(w, c->key.ns, &cursor)))
        wake_of_card(w, KIND_DRILL, in, c->key.name);
}

static bool ended_now(const struct store_change *c)
{
    return c->now && c->now->ended_at && (!c->before || !c->before->ended_at);
}

static void rule_count_card(struct wakes *w, const struct store_change *c)
{
    if (ended_now(c))
        wake_named(w, KIND_CARD, c->key.ns, c->now->card, TALLY_AFTER);
}

static void rule_count_playbook(struct wakes *w, const struct store_change *c)
{
    if (ended_now(c))
        wake_named(w, KIND_PLAYBOOK, c->key.ns, c->now->reference, TALLY_AFTER);
}

/* Targets that select the pod, or selected it before its labels changed; and what runs on them. */
static void rule_targets_of_pod(struct wakes *w, const struct store_change *c)
{
    struct store_cursor cursor = {0};
    const struct summary *target;
    while ((target = store_next(w->lookup.store, KIND_TARGET, c->key.ns, &cursor))) {
        bool selects = (c->now && summary_selects(target, c->now)) || (c->before && summary_selects(target, c->before));
        if (!selects)
            continue;
        wake(w, KIND_TARGET, target->ns, target->name);
        wake_drills_in_turn(w, target->ns, target->name);
        wake_live(w, KIND_RUN, target->ns, target->name);
    }
}

/* A drill keeps its pod when the target is gone or selects others by now. */
static void rule_drills_of_pod(struct wakes *w, const struct store_change *c)
{
    struct store_cursor cursor = {0};
    const struct summary *s;
    while ((s = store_next_live(w->lookup.store, KIND_DRILL, c->key.ns, &cursor)))
        if (str_equal(s->pod, c->key.name))
            wake(w, KIND_DRILL, s->ns, s->name);
}

static void rule_triggers_of_run(struct wakes *w, const struct store_change *c)
{
    /* The end of a run lets the next begin; one that was taken away lets the next old one go. Its trigger is not in the summary; those of the
     * namespace and the catalog are few. */
    if (c->now && (c->now->live || (c->before && !c->before->live)))
        return;
    wake_of_kind(w, KIND_TRIGGER, c->key.ns);
    if (!str_equal(c->key.ns, w->lookup.catalog))
        wake_of_kind(w, KIND_TRIGGER, w->lookup.catalog);
}

/* Only a change of the spec concerns others; a status is written by us, and often. */
static bool spec_changed(const struct store_change *c)
{
    return !c->before || !c->now || c->before->generation != c->now->generation;
}

static bool phase_changed(const struct store_change *c)
{
    return !c->before || !c->now || c->before->phase != c->now->phase || c->before->live != c->now->live || spec_changed(c);
}

static bool always(const struct store_change *c)
{
    (void)c;
    return true;
}

/* THE table. */
static const struct {
    enum kind kind;
    bool (*when)(const struct store_change *);
    void (*rule)(struct wakes *, const struct store_change *);
} table[] = {
    {KIND_DRILL, always, rule_self},
    {KIND_DRILL, phase_changed, rule_its_target},       /* coverage, quarantine, which pods to watch */
    {KIND_DRILL, phase_changed, rule_drills_of_target}, /* the next in line */
    {KIND_DRILL, phase_changed, rule_schedules_here},
    {KIND_DRILL, always, rule_count_card},
    {KIND_TARGET, always, rule_self},
    {KIND_TARGET, always, rule_drills_of_target}, /* steady state, quarantine */
    {KIND_TARGET, spec_changed, rule_runs_of_target},
    {KIND_TARGET, spec_changed, rule_schedules_here},
    {KIND_CARD, always, rule_self},
    {KIND_CARD, spec_changed, rule_cards_of_id},
    {KIND_CARD, spec_changed, rule_drills_of_card},
    {KIND_CARD, spec_changed, rule_targets_in_scope_settled}, /* coverage */
    {KIND_CARD, spec_changed, rule_schedules_in_scope_settled},
    {KIND_TRIGGER, always, rule_self},
    {KIND_TRIGGER, spec_changed, rule_targets_in_scope},
    {KIND_TRIGGER, spec_changed, rule_drills_in_scope},
    {KIND_TRIGGER, spec_changed, rule_cards_in_scope},
    {KIND_TRIGGER, spec_changed, rule_playbooks_in_scope},
    {KIND_PLAYBOOK, always, rule_self},
    {KIND_PLAYBOOK, spec_changed, rule_triggers_in_scope},
    {KIND_PLAYBOOK, spec_changed, rule_runs_in_scope},
    {KIND_PLAYBOOK, spec_changed, rule_drills_in_scope}, /* which wait for its cooldown */
    {KIND_PLAYBOOK, spec_changed, rule_cards_in_scope},
    {KIND_RUN, always, rule_self},
    {KIND_RUN, always, rule_drills_in_turn},
    {KIND_RUN, always, rule_triggers_of_run},
    {KIND_RUN, always, rule_count_playbook},
    {KIND_TASK, always, rule_self},
    {KIND_TASK, always, rule_drills_in_turn},
    {KIND_TASK, phase_changed, rule_schedules_here},
    {KIND_SCHEDULE, always, rule_self},
    {KIND_POD, always, rule_targets_of_pod},
    {KIND_POD, always, rule_drills_of_pod},
    {KIND_NAMESPACE, always, rule_targets_here},
    {KIND_NAMESPACE, always, rule_drills_here},
    {KIND_NAMESPACE, always, rule_runs_here},
    {KIND_NAMESPACE, always, rule_schedules_here},
    {KIND_LEDGER, always, rule_drills_recorded_here},
    {KIND_STOP, always, rule_drills_in_scope},
    {KIND_STOP, always, rule_schedules_in_scope},
};

void wakes_object(struct wakes *w, const struct store_change *change)
{
    for (size_t i = 0; i < array_len(table); i++)
        if (table[i].kind == change->key.kind && table[i].when(change))
            table[i].rule(w, change);
}

static void wake_owner(void *userdata, const struct key *owner)
{
    struct wakes *w = userdata;
    workqueue_add(w->queue, owner);
}

void wakes_agent(struct wakes *w, const struct key *pod)
{
    struct store_change change = {.key = *pod, .now = store_summary(w->lookup.store, pod)};
    rule_targets_of_pod(w, &change);
    rule_drills_of_pod(w, &change);
    watches_each_owner(w->watches, pod, wake_owner, w);
}

void wakes_evidence(struct wakes *w, const struct key *owner, const char *want)
{
    if (owner->kind != KIND_TARGET) {
        workqueue_add(w->queue, owner);
        return;
    }
    char ns[64], name[254];
    const char *rest = str_starts(want, "trigger/") ? want + strlen("trigger/") : NULL, *slash = rest ? strchr(rest, '/') : NULL;
    const char *end = slash ? strchr(slash + 1, '/') : NULL;
    if (end) {
        str_format(ns, sizeof(ns), "%.*s", (int)(slash - rest), rest);
        str_format(name, sizeof(name), "%.*s", (int)(end - slash - 1), slash + 1);
        wake(w, KIND_TRIGGER, ns, name);
    }
    workqueue_add(w->queue, owner); /* an alarm that is over lets snapshots be taken */
    wake_drills_in_turn(w, owner->ns, owner->name);
}

void wakes_firing(struct wakes *w, const char *ns, const char *target)
{
    wake_drills_in_turn(w, ns, target);
}

/* Of drills, runs and tasks that are over there is nothing to be done, and they are the most. */
static bool ends(enum kind kind)
{
    return kind == KIND_DRILL || kind == KIND_RUN || kind == KIND_TASK;
}

void wakes_all(struct wakes *w)
{
    static const enum kind order[] = {KIND_TARGET,   KIND_RUN,  KIND_DRILL, KIND_TRIGGER,
                                      KIND_SCHEDULE, KIND_TASK, KIND_CARD,  KIND_PLAYBOOK};
    for (size_t i = 0; i < array_len(order); i++) {
        struct store_cursor cursor = {0};
        const struct summary *s;
        while ((s = store_next(w->lookup.store, order[i], NULL, &cursor)))
            if (s->live || !ends(order[i]))
                wake(w, order[i], s->ns, s->name);
    }
}

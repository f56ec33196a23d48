#include "shell/reconcile.h"

#include "base/log.h"
#include "base/str.h"

static usec_t now_of(const struct reconcile *r)
{
    return clock_now(r->source.clock);
}

/* An object that cannot be understood ends with the reason in it; the others go on. */
static void refuse(struct reconcile *r, const struct key *key, const json_t *object, const char *phase, const struct error *err)
{
    char text[KEY_TEXT_SIZE];
    auto_decision struct decision d;
    ready_decide_refused(key, object, phase, err, now_of(r), &d);
    if (d.effect_count)
        log_event(LOG_WARNING, "object refused", "object", key_text(key, text), "error", err->text, NULL);
    executor_carry_out(r->executor, key, &d);
}

static void reconcile_drill(struct reconcile *r, const struct key *key)
{
    struct drill_gather g;
    if (!drill_gather(&r->source, key, &g)) {
        executor_forget(r->executor, key); /* its finalizer was only dropped once nothing of it was left */
        return;
    }
    if (g.refused)
        refuse(r, key, g.object, "Skipped", &g.error);
    else {
        auto_decision struct decision d;
        drill_decide(&g.view, now_of(r), &d);
        executor_carry_out(r->executor, key, &d);
    }
    drill_gather_done(&g);
}

static void reconcile_target(struct reconcile *r, const struct key *key)
{
    struct target_gather g;
    if (!target_gather(&r->source, key, &g)) {
        executor_forget(r->executor, key);
        return;
    }
    auto_decision struct decision d;
    target_decide(&g.view, now_of(r), &d);
    executor_carry_out(r->executor, key, &d);
    target_gather_done(&g);
}

static void reconcile_schedule(struct reconcile *r, const struct key *key)
{
    struct schedule_gather g;
    if (!schedule_gather(&r->source, key, &g)) {
        executor_forget(r->executor, key);
        return;
    }
    auto_decision struct decision d;
    schedule_decide(&g.view, now_of(r), &d);
    executor_carry_out(r->executor, key, &d);
    schedule_gather_done(&g);
}

static void firing_differs(void *userdata, const struct firing *firing)
{
    wakes_firing(userdata, firing->ns, firing->target);
}

static void reconcile_trigger(struct reconcile *r, const struct key *key)
{
    struct trigger_gather g;
    if (!trigger_gather(&r->source, key, &g)) {
        executor_forget(r->executor, key);
        firings_forget(r->firings, key);
        return;
    }
    auto_decision struct decision d;
    if (g.refused) {
        struct ready_view ready = {.key = *key, .object = g.object, .error = g.error};
        ready_decide(&ready, now_of(r), &d);
    } else {
        struct firing *now_firing = mem_resize(NULL, FIRINGS_MAX, sizeof(*now_firing)); /* each is filled in whole */
        size_t count = 0;
        trigger_decide(&g.view, now_of(r), now_firing, &count, &d);
        g.view.firings = NULL; /* what it borrowed from goes now */
        firings_set(r->firings, key, now_firing, count, firing_differs, r->wakes);
        free(now_firing);
    }
    executor_carry_out(r->executor, key, &d);
    trigger_gather_done(&g);
}

static void reconcile_run(struct reconcile *r, const struct key *key)
{
    struct run_gather g;
    if (!run_gather(&r->source, key, &g)) {
        executor_forget(r->executor, key);
        return;
    }
    auto_decision struct decision d;
    if (g.refused)
        ready_decide_refused(key, g.object, "Failed", &g.error, now_of(r), &d);
    else
        run_decide(&g.view, now_of(r), &d);
    executor_carry_out(r->executor, key, &d);
    run_gather_done(&g);
}

static void reconcile_ready(struct reconcile *r, const struct key *key,
                            bool (*gather)(const struct view_source *, const struct key *, struct ready_gather *))
{
    struct ready_gather g;
    if (!gather(&r->source, key, &g)) {
        executor_forget(r->executor, key);
        return;
    }
    auto_decision struct decision d;
    ready_decide(&g.view, now_of(r), &d);
    executor_carry_out(r->executor, key, &d);
    ready_gather_done(&g);
}

static void reconcile_card(struct reconcile *r, const struct key *key)
{
    reconcile_ready(r, key, ready_gather_card);
}

static void reconcile_playbook(struct reconcile *r, const struct key *key)
{
    reconcile_ready(r, key, ready_gather_playbook);
}

static void reconcile_task(struct reconcile *r, const struct key *key)
{
    json_auto_t *object = store_get(r->source.lookup.store, key);
    if (!object) {
        executor_forget(r->executor, key);
        return;
    }
    auto_decision struct decision d;
    ready_decide_task(key, object, now_of(r), &d);
    executor_carry_out(r->executor, key, &d);
}

static void (*const reconcilers[KIND_COUNT])(struct reconcile *, const struct key *) = {
    [KIND_TARGET] = reconcile_target, [KIND_CARD] = reconcile_card,       [KIND_SCHEDULE] = reconcile_schedule,
    [KIND_DRILL] = reconcile_drill,   [KIND_TRIGGER] = reconcile_trigger, [KIND_PLAYBOOK] = reconcile_playbook,
    [KIND_RUN] = reconcile_run,       [KIND_TASK] = reconcile_task,
};

void reconcile_key(struct reconcile *r, const struct key *key)
{
    if (reconcilers[key->kind])
        reconcilers[key->kind](r, key);
}

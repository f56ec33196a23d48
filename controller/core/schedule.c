#include "core/schedule.h"

#include "base/rfc3339.h"
#include "base/str.h"
#include "core/escalation.h"
#include "core/history.h"
#include "core/start.h"

#include <stdarg.h>

#define ACTIVE_MAX    64
#define NEXT_LOOK     (14 * USEC_DAY) /* a window that does not open in so long is not looked for, … */
#define NEXT_LOOK_MIN 64              /* … but so many starts are looked at, however seldom they are */

struct ready {
    enum condition_status value;
    const char *reason;
    char message[512];
};

/* ── what the status says of now ── */

static const char *card_id_of(const struct schedule_view *v, const struct drill *d)
{
    for (size_t i = 0; i < v->card_count; i++)
        if (str_equal(v->cards[i].meta.name, d->card))
            return v->cards[i].id;
    return json_str(d->status, "card.id", NULL);
}

static json_t *active_encode(const struct schedule_view *v)
{
    json_t *active = json_array();
    for (size_t i = 0; i < v->drill_count && json_array_size(active) < ACTIVE_MAX; i++) {
        const struct drill *d = &v->drills[i];
        if (!drill_of_schedule(d, v->schedule) || drill_phase_terminal(d->phase))
            continue;
        json_t *entry = json_object();
        json_put_str(entry, "name", d->meta.name);
        json_put_str(entry, "card", card_id_of(v, d));
        json_put_str(entry, "target", d->target);
        json_put_time(entry, "since", d->meta.created_at);
        json_array_append_new(active, entry);
    }
    return active;
}

static json_t *summary_encode(const struct roster *r)
{
    auto_free struct coverage *all = mem_array(r->count + 1, sizeof(*all));
    for (size_t i = 0; i < r->count; i++)
        all[i] = r->candidates[i].coverage;
    return coverage_summary(all, r->count);
}

/* The pair that is due first of those that could be; NULL: none ever. */
static const struct candidate *next_candidate(const struct roster *r)
{
    const struct candidate *next = NULL;
    for (size_t i = 0; i < r->count; i++) {
        const struct candidate *c = &r->candidates[i];
        if (r->pairs[i].obstacle != PAIR_BLOCKED && candidate_next(c) != USEC_NEVER &&
            (!next || candidate_next(c) < candidate_next(next)))
            next = c;
    }
    return next;
}

static usec_t next_start(const struct start *s)
{
    const struct candidate *c = next_candidate(s->roster);
    if (!c || s->view->schedule->suspend)
        return USEC_NEVER;
    usec_t from = usec_max(usec_max(s->now, s->view->schedule->last_slot), candidate_next(c) - 1);
    usec_t at = slots_after(s->slots, from);
    const usec_t last = usec_add(at, NEXT_LOOK);
    for (int i = 0; (i < NEXT_LOOK_MIN || at < last) && at != USEC_NEVER && !windows_contain(s->windows, at); i++)
        at = slots_after(s->slots, at + USEC_MINUTE - USEC_MSEC);
    return at;
}

static void ready_say(struct ready *r, enum condition_status value, const char *reason, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void ready_say(struct ready *r, enum condition_status value, const char *reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_vformat(r->message, sizeof(r->message), format, args);
    va_end(args);
    r->value = value;
    r->reason = reason;
}

/* Why no pair is due, or which ones are. */
static void ready_of_roster(const struct roster *r, struct ready *ready)
{
    size_t applicable = 0, due = 0, blocked = 0;
    const char *why_not = "", *why_blocked = "";
    for (size_t i = 0; i < r->count; i++) {
        if (r->candidates[i].coverage.state == COVERAGE_NOT_APPLICABLE) {
            why_not = r->candidates[i].coverage.why_not;
            continue;
        }
        applicable++;
        if (!pair_due(&r->candidates[i]))
            continue;
        due++;
        if (r->pairs[i].obstacle == PAIR_BLOCKED) {
            blocked++;
            why_blocked = r->pairs[i].why;
        }
    }
    const struct candidate *next = next_candidate(r);
    char when[RFC3339_SIZE];
    if (!applicable)
        ready_say(ready, CONDITION_FALSE, "NotApplicable", "no card applies to any target: %s", why_not);
    else if (due && due == blocked)
        ready_say(ready, CONDITION_FALSE, "Blocked", "%zu card%s due, but %s", due, due == 1 ? " is" : "s are", why_blocked);
    else if (due)
        ready_say(ready, CONDITION_TRUE, "Scheduled", "%zu of %zu cards are due", due - blocked, applicable);
    else if (next)
        ready_say(ready, CONDITION_TRUE, "Idle", "no card is due: next is %s on %s at %s", next->coverage.id, next->target,
                  rfc3339_format(next->coverage.due, when));
    else
        ready_say(ready, CONDITION_TRUE, "Idle", "no card is due, and none falls due: spec.frequency has no row for their risk");
}

static void ready_of(const struct schedule_view *v, const struct roster *r, struct ready *ready)
{
    if (!v->namespace_enabled)
        ready_say(ready, CONDITION_FALSE, "NamespaceNotEnabled",
                  "namespace %s is not opted in: it lacks the label " LABEL_DRILLS "=enabled", v->schedule->meta.ns);
    else if (v->stopped)
        ready_say(ready, CONDITION_FALSE, "Stopped", "the ConfigMap " STOP_NAME " exists: no drill begins until it is deleted");
    else if (!r->targets)
        ready_say(ready, CONDITION_FALSE, "NoTargets",
                  "spec.targets selects no DrillTarget of namespace %s; write names or labels of some that are there, or make one",
                  v->schedule->meta.ns);
    else if (!r->cards)
        ready_say(ready, CONDITION_FALSE, "NoCards",
                  "spec.cards selects no ChaosCard of this namespace or the catalog's; write ids or labels of some that are there, "
                  "or cards: {} for all");
    else if (r->cards > SCHEDULE_CARDS_MAX)
        ready_say(ready, CONDITION_FALSE, "TooManyCards",
                  "spec.cards selects more than %d ChaosCards, so none is drilled; write ids or labels of fewer, or make several "
                  "schedules",
                  SCHEDULE_CARDS_MAX);
    else if (r->targets * r->cards > SCHEDULE_PAIRS_MAX)
        ready_say(ready, CONDITION_FALSE, "TooManyPairs",
                  "spec.targets and spec.cards select %zu targets and %zu cards, which are more than %d pairs, so none is drilled; "
                  "select fewer, or make several schedules",
                  r->targets, r->cards, SCHEDULE_PAIRS_MAX);
    else if (v->schedule->suspend)
        ready_say(ready, CONDITION_TRUE, "Suspended", "spec.suspend is true: no new drills");
    else
        ready_of_roster(r, ready);
}

/* ── the decision ── */

static const json_t *object_of(const struct schedule_view *v)
{
    return v->schedule ? v->schedule->root : v->object;
}

static void write_if_changed(const struct schedule_view *v, const json_t *old, json_t *status, struct decision *d)
{
    struct meta meta;
    meta_decode(object_of(v), &meta);
    struct key key = meta_key(&meta, KIND_SCHEDULE);
    if (json_equal(old, status))
        json_decref(status);
    else
        decision_status(d, &key, meta.rv, status);
}

static void decide_invalid(const struct schedule_view *v, const char *message, usec_t now, struct decision *d)
{
    const json_t *old = json_at(object_of(v), "status");
    json_t *status = status_copy(object_of(v));
    int64_t generation = json_int(object_of(v), "metadata.generation", 0);
    json_put_int(status, "observedGeneration", generation);
    json_object_del(status, "nextDrill");
    condition_set(status, "Ready", CONDITION_FALSE, "Invalid", message, generation, now);
    write_if_changed(v, old, status, d);
}

/* The moments at which what the status says changes without anything happening. */
static void wake_at_changes(const struct start *s, usec_t next, struct decision *d)
{
    decision_again(d, slots_after(s->slots, s->now));
    decision_again(d, next);
    for (size_t i = 0; i < s->roster->count; i++) {
        usec_t due = candidate_next(&s->roster->candidates[i]);
        if (due > s->now)
            decision_again(d, due);
        else if (usec_add(due, COVERAGE_OVERDUE_AFTER) > s->now)
            decision_again(d, usec_add(due, COVERAGE_OVERDUE_AFTER));
    }
}

static uint64_t seed_of(const struct schedule_view *v)
{
    if (v->schedule->has_seed)
        return (uint64_t)v->schedule->seed;
    return (uint64_t)json_int(v->schedule->status, "lastSelection.seed", (int64_t)(v->seed & INT64_MAX));
}

static void decide_valid(struct start *s, struct decision *d)
{
    const struct schedule_view *v = s->view;
    json_t *status = status_copy(object_of(v));
    struct ready ready;
    start_decide(s, status, d);
    history_decide(v, d);
    if (v->namespace_enabled)
        escalation_decide(v, s->roster, s->now, d);

    usec_t next = next_start(s);
    json_put_int(status, "observedGeneration", v->schedule->meta.generation);
    json_put(status, "active", active_encode(v));
    json_put(status, "coverage", summary_encode(s->roster));
    if (next == USEC_NEVER || v->stopped || !v->namespace_enabled)
        json_object_del(status, "nextDrill");
    else
        json_put_time(status, "nextDrill", next);
    ready_of(v, s->roster, &ready);
    condition_set(status, "Ready", ready.value, ready.reason, ready.message, v->schedule->meta.generation, s->now);
    write_if_changed(v, json_at(object_of(v), "status"), status, d);
    wake_at_changes(s, next, d);
}

void schedule_decide(const struct schedule_view *view, usec_t now, struct decision *ret_decision)
{
    struct error err = {0};
    auto_slots struct slots slots = {0};
    auto_windows struct windows windows = {0};
    decision_init(ret_decision);
    if (!view->schedule) {
        decide_invalid(view, view->error.text, now, ret_decision);
        return;
    }
    if (slots_init(&slots, view->schedule, &err) < 0 || windows_init(&windows, view->schedule->windows, "spec.windows", &err) < 0) {
        decide_invalid(view, err.text, now, ret_decision);
        return;
    }
    auto_roster struct roster roster = {0};
    roster_init(&roster, view, 0, now);
    struct start start = {view, &slots, &windows, &roster, seed_of(view), now};
    decide_valid(&start, ret_decision);
}

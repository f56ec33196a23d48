#include "core/coverage.h"

#include "base/str.h"

static const char *const states[] = {
    [COVERAGE_NOT_APPLICABLE] = "NotApplicable",
    [COVERAGE_NEVER] = "Never",
    [COVERAGE_COVERED] = "Covered",
    [COVERAGE_DUE] = "Due",
    [COVERAGE_OVERDUE] = "Overdue",
};

const char *coverage_state_name(enum coverage_state s)
{
    return states[s];
}

/* ── when it was drilled, and when it is due ── */

/* When a terminal drill ended: the latest thing that its status knows of. */
static usec_t drill_end(const struct drill *d)
{
    usec_t end = d->meta.created_at;
    const usec_t times[] = {d->started_at, d->injected_at, d->detected_at, d->healed_at, d->reverted_at};
    for (size_t i = 0; i < array_len(times); i++)
        end = usec_max(end, times[i]);
    for (size_t g = 0; g < GATE_COUNT; g++)
        end = usec_max(end, d->gates[g].at);
    return end;
}

static void take_history(const struct card *card, const struct target *target, const struct drill *drills, size_t count,
                         const json_t *previous, struct coverage *c)
{
    usec_t newest = c->last_drill = json_time(previous, "lastDrill", 0);
    str_copy(c->last_result, sizeof(c->last_result), json_str(previous, "lastResult", ""));
    for (size_t i = 0; i < count; i++) {
        const struct drill *d = &drills[i];
        if (!drill_phase_terminal(d->phase) || !str_equal(d->card, card->meta.name) || !str_equal(d->target, target->meta.name) ||
            !str_equal(d->meta.ns, target->meta.ns))
            continue;
        usec_t end = drill_end(d);
        if (end >= newest) {
            newest = end;
            str_copy(c->last_result, sizeof(c->last_result), drill_phase_name(d->phase));
        }
        /* What was not observed, stopped or never begun proves nothing. */
        if ((d->phase == DRILL_SUCCEEDED || d->phase == DRILL_FAILED) && !d->dry_run)
            c->last_drill = usec_max(c->last_drill, end);
    }
}

const json_t *coverage_remembered(const struct target *target, const struct card *card)
{
    const json_t *entries = json_at(target->root, "status.coverage");
    for (size_t i = 0; i < json_array_size(entries); i++)
        if (str_equal(json_str(json_array_get(entries, i), "card", NULL), card->id))
            return json_array_get(entries, i);
    return NULL;
}

void coverage_of(struct applies *applies, const struct card *card, const struct target *target, const struct drill *drills,
                 size_t drill_count, const json_t *previous, usec_t frequency, usec_t now, struct coverage *ret_coverage)
{
    struct coverage c = {.risk = card->risk};
    str_copy(c.card, sizeof(c.card), card->meta.name);
    str_copy(c.id, sizeof(c.id), card->id);
    str_copy(c.category, sizeof(c.category), card->category);
    take_history(card, target, drills, drill_count, previous, &c);
    if (c.last_drill || frequency == USEC_NEVER)
        c.due = usec_add(c.last_drill, frequency);
    if (!card_applies(applies, card, target, c.why_not))
        c.state = COVERAGE_NOT_APPLICABLE;
    else if (!c.last_drill)
        c.state = COVERAGE_NEVER;
    else if (now < c.due)
        c.state = COVERAGE_COVERED;
    else
        c.state = now < usec_add(c.due, COVERAGE_OVERDUE_AFTER) ? COVERAGE_DUE : COVERAGE_OVERDUE;
    *ret_coverage = c;
}

json_t *coverage_encode(const struct coverage *c)
{
    json_t *entry = json_object();
    json_put_str(entry, "card", c->id);
    json_put_bool(entry, "applicable", c->state != COVERAGE_NOT_APPLICABLE);
    json_put_str(entry, "state", states[c->state]);
    json_put_time(entry, "lastDrill", c->last_drill);
    if (*c->last_result)
        json_put_str(entry, "lastResult", c->last_result);
    if (c->due != USEC_NEVER && c->state != COVERAGE_NOT_APPLICABLE)
        json_put_time(entry, "due", c->due);
    if (*c->why_not)
        json_put_str(entry, "message", c->why_not);
    return entry;
}

/* ── sums ── */

static void count_up(json_t *counters, const char *key, bool by)
{
    json_add_int(counters, key, by);
}

static void count_one(json_t *counters, const struct coverage *c)
{
    count_up(counters, "cards", true);
    count_up(counters, "covered", c->state == COVERAGE_COVERED);
    count_up(counters, "due", c->state == COVERAGE_DUE);
    count_up(counters, "overdue", c->state == COVERAGE_OVERDUE);
    count_up(counters, "never", c->state == COVERAGE_NEVER);
    count_up(counters, "highRiskPending", c->risk >= 2.0 && c->state != COVERAGE_COVERED);
}

json_t *coverage_summary(const struct coverage *all, size_t count)
{
    static const char *const keys[] = {"cards", "covered", "due", "overdue", "never", "highRiskPending"};
    json_t *summary = json_object();
    for (size_t i = 0; i < array_len(keys); i++)
        json_put_int(summary, keys[i], 0);
    json_t *categories = json_make(summary, "byCategory");
    for (size_t i = 0; i < count; i++) {
        if (all[i].state == COVERAGE_NOT_APPLICABLE)
            continue;
        count_one(summary, &all[i]);
        if (*all[i].category)
            count_one(json_make(categories, all[i].category), &all[i]);
    }
    return summary;
}

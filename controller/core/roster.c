#include "core/roster.h"

#include "api/selector.h"
#include "base/str.h"
#include "core/windows.h"

#include <ctype.h>

bool drill_of_schedule(const struct drill *d, const struct schedule *s)
{
    const json_t *owners = json_at(d->root, "metadata.ownerReferences");
    for (size_t i = 0; i < json_array_size(owners); i++)
        if (str_equal(json_str(json_array_get(owners, i), "uid", NULL), s->meta.uid))
            return true;
    return false;
}

static void slot_hash(const struct schedule *s, usec_t slot, size_t index, char ret_hex[9])
{
    char text[160];
    str_format(text, sizeof(text), "%s/%lld/%zu", s->meta.uid, (long long)(slot / USEC_MSEC), index);
    str_hash8(text, ret_hex);
}

void slot_drill_name(const struct schedule *s, usec_t slot, size_t index, const char *target, const char *id, char dest[64])
{
    char hex[9], lower[17], front[64];
    slot_hash(s, slot, index, hex);
    str_copy(lower, sizeof(lower), id);
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    str_copy(front, sizeof(front) - strlen(lower) - strlen(hex) - 2, target);
    label_value(dest, front); /* no dash or dot before the dash */
    str_copy(front, sizeof(front), dest);
    str_format(dest, 64, "%s-%s-%s", front, lower, hex);
}

bool drill_of_slot(const struct drill *d, const struct schedule *s, usec_t slot, size_t *ret_index)
{
    if (!drill_of_schedule(d, s))
        return false;
    for (size_t index = 0; index < SLOT_DRILLS_MAX; index++) {
        char hex[9];
        slot_hash(s, slot, index, hex);
        const char *dash = strrchr(d->meta.name, '-');
        if (!dash || !str_equal(dash + 1, hex))
            continue;
        if (ret_index)
            *ret_index = index;
        return true;
    }
    return false;
}

/* ── selection of targets and cards ── */

static bool in_names(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++)
        if (str_equal(json_string_value(json_array_get(names, i)), name))
            return true;
    return false;
}

static bool target_selected(const struct schedule *s, const struct target *t)
{
    if (t->meta.deleting)
        return false;
    return s->target_names ? in_names(s->target_names, t->meta.name) : selector_matches(s->target_selector, t->meta.labels);
}

bool schedule_names_card(const struct schedule *s, const char *id)
{
    return !s->card_ids || in_names(s->card_ids, id);
}

bool schedule_selects_card(const struct schedule *s, const struct card *c)
{
    if (c->meta.deleting || !schedule_names_card(s, c->id))
        return false;
    return !s->card_selector || selector_matches(s->card_selector, c->meta.labels);
}

/* ── what is in the way ── */

static enum pair_obstacle target_obstacle(const struct schedule_view *v, const struct target *t, usec_t slot, usec_t now,
                                          char why[200])
{
    const char *message;
    struct error err = {0};
    auto_windows struct windows windows = {0};
    if (condition_get(t->root, "Quarantined", NULL, &message) == CONDITION_TRUE) {
        str_format(why, 200, "target %s is quarantined: %s", t->meta.name, message);
        return PAIR_BLOCKED;
    }
    if (condition_get(t->root, "Ready", NULL, &message) == CONDITION_FALSE) {
        str_format(why, 200, "target %s is not ready: %s", t->meta.name, message);
        return PAIR_BLOCKED;
    }
    if (windows_init(&windows, t->windows, TARGET_WINDOWS, &err) < 0) {
        str_format(why, 200, "target %s: %s", t->meta.name, err.text);
        return PAIR_BLOCKED;
    }
    if (!windows_contain(&windows, now)) {
        str_format(why, 200, "it is outside spec.safety.windows of target %s", t->meta.name);
        return PAIR_BLOCKED;
    }
    for (size_t i = 0; i < v->drill_count; i++) {
        const struct drill *d = &v->drills[i];
        if (drill_phase_terminal(d->phase) || !str_equal(d->target, t->meta.name) ||
            (slot && drill_of_slot(d, v->schedule, slot, NULL)))
            continue;
        str_format(why, 200, "drill %s runs on target %s", d->meta.name, t->meta.name);
        return PAIR_WAITING;
    }
    if (condition_get(t->root, "SteadyState", NULL, &message) == CONDITION_FALSE) {
        str_format(why, 200, "target %s is not in its steady state: %s", t->meta.name, message);
        return PAIR_WAITING;
    }
    return PAIR_FREE;
}

bool pair_due(const struct candidate *c)
{
    const struct coverage *coverage = &c->coverage;
    return coverage->due != USEC_NEVER &&
           (coverage->state == COVERAGE_NEVER || coverage->state == COVERAGE_DUE || coverage->state == COVERAGE_OVERDUE);
}

usec_t candidate_next(const struct candidate *c)
{
    return c->coverage.state == COVERAGE_NOT_APPLICABLE ? USEC_NEVER : c->coverage.due;
}

static void roster_add(struct roster *r, const struct schedule_view *v, const struct target *t, const struct card *card, usec_t now)
{
    struct candidate *c = &r->candidates[r->count];
    struct pair *p = &r->pairs[r->count++];
    const char *message;
    c->target = t->meta.name;
    coverage_of(v->applies, card, t, v->drills, v->drill_count, coverage_remembered(t, card),
                schedule_frequency(v->schedule, card->risk), now, &c->coverage);
    p->card = card;
    p->target = t;
    p->due_since = USEC_NEVER;
    if (pair_due(c))
        p->due_since = c->coverage.due
                           ? c->coverage.due
                           : usec_max(v->schedule->meta.created_at, usec_max(card->meta.created_at, t->meta.created_at));
    if (condition_get(card->root, "Ready", NULL, &message) == CONDITION_FALSE) {
        p->obstacle = PAIR_BLOCKED;
        str_format(p->why, sizeof(p->why), "card %s is not ready: %s", card->id, message);
    }
}

void roster_init(struct roster *r, const struct schedule_view *v, usec_t slot, usec_t now)
{
    *r = (struct roster){0};
    for (size_t c = 0; c < v->card_count; c++)
        r->cards += schedule_selects_card(v->schedule, &v->cards[c]);
    for (size_t t = 0; t < v->target_count; t++)
        r->targets += target_selected(v->schedule, &v->targets[t]);
    if (r->cards > SCHEDULE_CARDS_MAX || r->targets * r->cards > SCHEDULE_PAIRS_MAX)
        return;
    r->candidates = mem_array(r->targets * r->cards + 1, sizeof(*r->candidates));
    r->pairs = mem_array(r->targets * r->cards + 1, sizeof(*r->pairs));
    for (size_t t = 0; t < v->target_count; t++) {
        const struct target *target = &v->targets[t];
        if (!target_selected(v->schedule, target))
            continue;
        char why[200] = "";
        enum pair_obstacle obstacle = target_obstacle(v, target, slot, now, why);
        for (size_t c = 0; c < v->card_count; c++) {
            if (!schedule_selects_card(v->schedule, &v->cards[c]))
                continue;
            roster_add(r, v, target, &v->cards[c], now);
            struct pair *p = &r->pairs[r->count - 1];
            if (p->obstacle == PAIR_FREE) {
                p->obstacle = obstacle;
                str_copy(p->why, sizeof(p->why), why);
            }
        }
    }
}

void roster_done(struct roster *r)
{
    free(r->candidates);
    free(r->pairs);
    *r = (struct roster){0};
}

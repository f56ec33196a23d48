#include "core/start.h"

#include "base/rfc3339.h"
#include "base/str.h"

#define MISSED_COUNT_MAX 1000

struct choice {
    usec_t slot;
    json_t *record; /* as selection_draw() gives it, with `at` and perhaps `message` */
};

static void event_id(usec_t slot, const char *what, char dest[EFFECT_ID_SIZE])
{
    str_format(dest, EFFECT_ID_SIZE, "%s/%lld", what, (long long)(slot / USEC_MSEC));
}

/* A note has one place, whatever slot it is about, so that notes do not pile up. NULL: none about this slot. */
static json_t *noted(const struct start *s, usec_t slot, const char *what)
{
    const struct observation *o = observations_get(s->view->observations, what);
    bool mine = o->state == OBSERVATION_OK && json_int(o->result, "slot", 0) == slot / USEC_MSEC;
    return mine ? o->result : NULL;
}

/* Takes record (NULL: none). */
static void note(usec_t slot, const char *what, json_t *record, struct decision *d)
{
    json_t *body = json_object();
    json_put_int(body, "slot", slot / USEC_MSEC);
    json_put(body, "record", record);
    decision_note(d, what, body);
}

/* ── drawing ── */

/* Draws among the pairs that nothing stands in the way of; NULL: there is none. `r` may differ from s->roster. */
static json_t *draw(const struct start *s, const struct roster *r, usec_t slot)
{
    auto_free struct candidate *free_ones = mem_array(r->count + 1, sizeof(*free_ones));
    size_t count = 0, chosen[SLOT_DRILLS_MAX];
    for (size_t i = 0; i < r->count; i++)
        if (r->pairs[i].obstacle == PAIR_FREE)
            free_ones[count++] = r->candidates[i];
    json_t *record;
    size_t want = selection_count(s->view->schedule, s->seed, slot);
    if (want > SLOT_DRILLS_MAX)
        want = SLOT_DRILLS_MAX;
    size_t got = selection_draw(s->view->schedule, free_ones, count, want, s->seed, slot, chosen, &record);
    json_put_time(record, "at", s->now);
    if (got == 0) {
        json_decref(record);
        return NULL;
    }
    return record;
}

/* "shop/KH001" → its pair; NULL: not there any more. */
static const struct pair *pair_named(const struct roster *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++) {
        char own[320];
        str_format(own, sizeof(own), "%s/%s", r->candidates[i].target, r->candidates[i].coverage.id);
        if (str_equal(own, name))
            return &r->pairs[i];
    }
    return NULL;
}

static const struct drill *drill_at(const struct start *s, usec_t slot, size_t index)
{
    for (size_t i = 0; i < s->view->drill_count; i++) {
        size_t own;
        if (drill_of_slot(&s->view->drills[i], s->view->schedule, slot, &own) && own == index)
            return &s->view->drills[i];
    }
    return NULL;
}

static size_t drills_made(const struct start *s, usec_t slot)
{
    size_t made = 0;
    for (size_t i = 0; i < SLOT_DRILLS_MAX; i++)
        made += drill_at(s, slot, i) != NULL;
    return made;
}

/* After a crash: the choice that led to the drills which are there. Where things have changed too much to draw the same again, they
 * themselves are the choice. */
static json_t *draw_again(const struct start *s, usec_t slot)
{
    auto_roster struct roster without = {0};
    roster_init(&without, s->view, slot, s->now);
    json_t *record = draw(s, &without, slot);
    bool same = record != NULL;
    json_t *chosen = json_array();
    for (size_t i = 0; i < SLOT_DRILLS_MAX; i++) {
        const struct drill *d = drill_at(s, slot, i);
        if (!d)
            continue;
        const char *drawn = json_string_value(json_array_get(json_at(record, "chosen"), i));
        const struct pair *p = drawn ? pair_named(&without, drawn) : NULL;
        same &= p && str_equal(p->card->meta.name, d->card) && str_equal(p->target->meta.name, d->target);
        char name[320];
        str_format(name, sizeof(name), "%s/%s", d->target, meta_label(&d->meta, LABEL_CARD) ?: d->card);
        for (size_t c = 0; c < without.count; c++)
            if (str_equal(without.pairs[c].card->meta.name, d->card))
                str_format(name, sizeof(name), "%s/%s", d->target, without.pairs[c].card->id);
        json_array_append_new(chosen, json_string(name));
    }
    if (same) {
        json_decref(chosen);
        return record;
    }
    if (!record) {
        record = json_object();
        json_put_int(record, "seed", (int64_t)(s->seed & INT64_MAX));
        json_put_int(record, "draw", slot / USEC_MSEC);
        json_put_time(record, "at", s->now);
    }
    json_put(record, "chosen", chosen);
    json_put_str(record, "message", "chosen before a restart of the controller; the weights are those of now");
    return record;
}

/* ── drills ── */

static void create_drill(const struct start *s, const struct choice *c, size_t index, const struct pair *p, struct decision *d)
{
    const struct schedule *schedule = s->view->schedule;
    char name[64], label[64];
    slot_drill_name(schedule, c->slot, index, p->target->meta.name, p->card->id, name);
    struct key key = key_of(KIND_DRILL, schedule->meta.ns, name);
    json_t *object = json_object();
    json_put_str(object, "apiVersion", API_VERSION);
    json_put_str(object, "kind", "Drill");
    json_t *meta = json_make(object, "metadata");
    json_put_str(meta, "name", name);
    json_put_str(meta, "namespace", schedule->meta.ns);
    json_put(meta, "finalizers", json_pack("[s]", FINALIZER));
    json_t *labels = json_make(meta, "labels");
    label_value(label, p->card->meta.name);
    json_put_str(labels, LABEL_CARD, label);
    label_value(label, p->target->meta.name);
    json_put_str(labels, LABEL_TARGET, label);
    label_value(label, schedule->meta.name);
    json_put_str(labels, LABEL_SCHEDULE, label);
    json_put(meta, "ownerReferences",
             json_pack("[{s:s, s:s, s:s, s:s, s:b}]", "apiVersion", API_VERSION, "kind", "DrillSchedule", "name",
                       schedule->meta.name, "uid", schedule->meta.uid, "controller", 1));
    json_t *spec = json_make(object, "spec");
    json_put_str(spec, "card", p->card->meta.name);
    json_put_str(spec, "target", p->target->meta.name);
    decision_create(d, &key, object);
}

/* A drill of the slot is for that pair already, at whatever place: the choice was another one before a crash. */
static bool made_for(const struct start *s, usec_t slot, const struct pair *p)
{
    for (size_t i = 0; i < SLOT_DRILLS_MAX; i++) {
        const struct drill *d = drill_at(s, slot, i);
        if (d && str_equal(d->card, p->card->meta.name) && str_equal(d->target, p->target->meta.name))
            return true;
    }
    return false;
}

/* Creates what is chosen and not there; how many that are. */
static size_t create_missing(const struct start *s, const struct choice *c, struct decision *d)
{
    const json_t *chosen = json_at(c->record, "chosen");
    size_t missing = 0;
    for (size_t i = 0; i < json_array_size(chosen); i++) {
        const struct pair *p = pair_named(s->roster, json_string_value(json_array_get(chosen, i)));
        if (drill_at(s, c->slot, i) || !p || made_for(s, c->slot, p))
            continue;
        create_drill(s, c, i, p, d);
        missing++;
    }
    return missing;
}

/* ── the end of a slot ── */

/* Takes record. */
static void slot_done(const struct start *s, usec_t slot, json_t *record, json_t *status)
{
    json_put_time(status, "lastSlot", slot);
    if (json_array_size(json_at(record, "chosen")) > 0 && !s->view->schedule->dry_run)
        json_put(status, "lastDrill", json_incref(json_at(record, "at")));
    json_put(status, "lastSelection", record);
}

/* Slots in (after, before) in which a drill could have begun. */
static size_t count_missed(const struct start *s, usec_t after, usec_t before)
{
    size_t missed = 0;
    for (usec_t at = slots_after(s->slots, after); at < before && missed < MISSED_COUNT_MAX; at = slots_after(s->slots, at))
        missed += windows_contain(s->windows, at);
    return missed;
}

static void tell_missed(const struct start *s, usec_t slot, size_t missed, const char *why, json_t *record, struct decision *d)
{
    char message[512], id[EFFECT_ID_SIZE], when[RFC3339_SIZE];
    str_format(message, sizeof(message), "%s%zu start%s left out up to %s: %s", missed >= MISSED_COUNT_MAX ? "at least " : "",
               missed, missed == 1 ? " was" : "s were", rfc3339_format(slot, when), why);
    json_put_str(record, "message", message);
    struct key about = meta_key(&s->view->schedule->meta, KIND_SCHEDULE);
    event_id(slot, "missed", id);
    decision_event(d, &about, id, true, "StartsMissed", "Schedule", message);
}

static void leave_out(const struct start *s, usec_t slot, size_t missed, const char *why, json_t *status, struct decision *d)
{
    json_t *record = json_object();
    json_put_int(record, "seed", (int64_t)(s->seed & INT64_MAX));
    json_put_int(record, "draw", slot / USEC_MSEC);
    json_put_time(record, "at", s->now);
    json_put(record, "chosen", json_array());
    tell_missed(s, slot, missed, why, record, d);
    slot_done(s, slot, record, status);
}

/* ── what holds a start back ── */

/* Aborts the drills of this schedule that run. */
static void replace_active(const struct start *s, usec_t slot, struct decision *d)
{
    for (size_t i = 0; i < s->view->drill_count; i++) {
        const struct drill *drill = &s->view->drills[i];
        if (!drill_of_schedule(drill, s->view->schedule) || drill_phase_terminal(drill->phase) || drill->abort)
            continue;
        struct key key = meta_key(&drill->meta, KIND_DRILL);
        decision_patch(d, &key, drill->meta.rv, json_pack("{s:{s:b}}", "spec", "abort", 1));
    }
    if (!noted(s, slot, "replace"))
        note(slot, "replace", NULL, d);
}

static const struct drill *active_drill(const struct start *s)
{
    for (size_t i = 0; i < s->view->drill_count; i++)
        if (drill_of_schedule(&s->view->drills[i], s->view->schedule) && !drill_phase_terminal(s->view->drills[i].phase))
            return &s->view->drills[i];
    return NULL;
}

/* Among the due pairs: since when the first could have been drilled; whether one can be now, and what the rest wait for. */
static bool due_now(const struct roster *r, usec_t *ret_since, bool *ret_free, char why[200])
{
    bool due = false;
    *ret_since = USEC_NEVER;
    *ret_free = false;
    for (size_t i = 0; i < r->count; i++) {
        if (!pair_due(&r->candidates[i]) || r->pairs[i].obstacle == PAIR_BLOCKED)
            continue;
        due = true;
        *ret_since = usec_min(*ret_since, r->pairs[i].due_since);
        *ret_free |= r->pairs[i].obstacle == PAIR_FREE;
        if (r->pairs[i].obstacle == PAIR_WAITING)
            str_copy(why, 200, r->pairs[i].why);
    }
    return due;
}

/* A new choice for the slot, or NULL: not now (then all that is to be said is said). */
static json_t *choose(const struct start *s, usec_t slot, json_t *status, struct decision *d)
{
    const struct schedule *schedule = s->view->schedule;
    usec_t since, deadline = usec_add(slot, schedule->starting_deadline);
    bool is_free;
    char why[200] = "the controller was away, the schedule was suspended, or no target could be drilled";
    if (!due_now(s->roster, &since, &is_free, why) || since > deadline)
        return NULL; /* nothing to start then: the slot passes without a word */
    size_t missed = count_missed(s, usec_max(usec_max(schedule->last_slot, schedule->meta.created_at), since - 1), slot);
    const struct drill *active = active_drill(s);
    bool replacing = noted(s, slot, "replace") != NULL;
    if (s->now > deadline && !replacing) {
        if (active && schedule->concurrency == CONCURRENCY_FORBID)
            str_format(why, sizeof(why), "drill %s still ran (concurrencyPolicy: Forbid)", active->meta.name);
        missed += windows_contain(s->windows, slot);
        if (missed)
            leave_out(s, slot, missed, why, status, d);
        return NULL;
    }
    if (active && schedule->concurrency == CONCURRENCY_REPLACE)
        replace_active(s, slot, d);
    if ((active && schedule->concurrency != CONCURRENCY_ALLOW) || !is_free) {
        decision_again(d, replacing ? usec_add(s->now, USEC_MINUTE) : usec_add(deadline, USEC_MSEC));
        return NULL;
    }
    json_t *record = draw(s, s->roster, slot);
    if (record && missed > 0)
        tell_missed(s, slot, missed, why, record, d);
    return record;
}

static void tell_dry_run(const struct start *s, usec_t slot, const json_t *record, struct decision *d)
{
    char text[512] = "would drill", id[EFFECT_ID_SIZE];
    const json_t *chosen = json_at(record, "chosen");
    for (size_t i = 0; i < json_array_size(chosen); i++) {
        size_t used = strlen(text);
        str_format(text + used, sizeof(text) - used, "%s %s", i ? "," : "", json_string_value(json_array_get(chosen, i)));
    }
    struct key about = meta_key(&s->view->schedule->meta, KIND_SCHEDULE);
    event_id(slot, "dry-run", id);
    decision_event(d, &about, id, false, "DryRun", "Schedule", text);
}

void start_decide(const struct start *s, json_t *status, struct decision *d)
{
    const struct schedule *schedule = s->view->schedule;
    usec_t slot = slots_newest(s->slots, schedule->last_slot, s->now);
    if (!slot)
        return;
    struct choice c = {.slot = slot};
    size_t made = drills_made(s, slot);
    json_t *remembered = json_at(noted(s, slot, "slot"), "record");
    if (remembered)
        c.record = json_incref(remembered);
    else if (made)
        c.record = draw_again(s, slot);
    else if (schedule->suspend || s->view->stopped || !s->view->namespace_enabled || !windows_contain(s->windows, s->now))
        return;
    else
        c.record = choose(s, slot, status, d);
    if (!c.record)
        return;
    if (schedule->dry_run && !made) {
        tell_dry_run(s, slot, c.record, d);
        slot_done(s, slot, c.record, status); /* takes it */
        return;
    }
    bool late = s->now > usec_add(slot, schedule->starting_deadline) && !noted(s, slot, "replace");
    size_t missing = late ? 0 : create_missing(s, &c, d);
    if (missing == 0 && made == 0)
        leave_out(s, slot, 1, "its drills could not be created in time", status, d);
    else if (missing == 0)
        slot_done(s, slot, json_deep_copy(c.record), status);
    else {
        if (!remembered)
            note(slot, "slot", json_deep_copy(c.record), d);
        decision_again(d, usec_max(usec_add(slot, schedule->starting_deadline) + USEC_MSEC, usec_add(s->now, 5 * USEC_SEC)));
    }
    json_decref(c.record);
}

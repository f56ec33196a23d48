#include "core/trigger.h"

#include "base/rfc3339.h"
#include "base/str.h"

#include <ctype.h>

#define RUNS_KEPT 20 /* ended PlaybookRuns kept per playbook and target */

/* ── which sites fire ── */

static bool same_site(const struct firing *f, const struct trigger_site *s)
{
    return str_equal(f->pod, s->pod) && str_equal(f->target, s->target) && str_equal(f->ns, s->ns); /* what differs most first */
}

enum holds trigger_fires(const struct trigger *t, const struct evidence *seen)
{
    if (seen->holds == HOLDS_UNKNOWN)
        return HOLDS_UNKNOWN;
    return (seen->holds == HOLDS_TRUE) == t->fires_when ? HOLDS_TRUE : HOLDS_FALSE;
}

struct firing_set {
    struct firing *items;
    size_t count, carried; /* carried: the first so many are of before */
};

/* Room for one more: the oldest cleared one goes first; when all are open, the set is full and says so by returning NULL. */
static struct firing *firing_room(struct firing_set *set)
{
    if (set->count < FIRINGS_MAX)
        return &set->items[set->count++];
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].cleared_at) {
            set->carried -= i < set->carried;
            memmove(&set->items[i], &set->items[i + 1], (set->count - i - 1) * sizeof(*set->items));
            return &set->items[set->count - 1];
        }
    return NULL;
}

/* Firings carried over from before: ended where their site is gone or quiet, dropped when long over. */
static void carry_over(const struct trigger_view *v, usec_t now, struct firing_set *set)
{
    for (size_t i = 0; i < v->firing_count && set->count < FIRINGS_MAX; i++) {
        struct firing f = v->firings[i];
        const struct trigger_site *site = NULL;
        for (size_t s = 0; s < v->site_count && !site; s++)
            if (same_site(&f, &v->sites[s]))
                site = &v->sites[s];
        if (!f.cleared_at && !site)
            f.cleared_at = now;
        else if (!f.cleared_at && trigger_fires(v->trigger, &site->seen) == HOLDS_FALSE)
            f.cleared_at = usec_max(site->seen.since, f.since);
        if (f.cleared_at && f.cleared_at + FIRING_KEEP < now)
            continue;
        set->items[set->count++] = f;
    }
    set->carried = set->count;
}

static struct firing *firing_open(struct firing_set *set, const struct trigger_site *site)
{
    for (size_t i = 0; i < set->count; i++)
        if (!set->items[i].cleared_at && same_site(&set->items[i], site))
            return &set->items[i];
    return NULL;
}

/* New firings. */
static void begin_new(const struct trigger_view *v, usec_t now, struct firing_set *set, struct decision *d)
{
    for (size_t i = 0; i < v->site_count; i++) {
        const struct trigger_site *site = &v->sites[i];
        if (trigger_fires(v->trigger, &site->seen) != HOLDS_TRUE)
            continue;
        enum severity severity = trigger_severity(v->trigger, site->seen.has_value, site->seen.value);
        struct firing *f = firing_open(set, site);
        if (f) {
            if (severity > f->severity)
                f->severity = severity;
            continue;
        }
        usec_t fired_at = usec_add(site->seen.since, v->trigger->hold_for);
        if (fired_at > now) {
            decision_again(d, fired_at);
            continue;
        }
        f = firing_room(set);
        if (!f)
            return;
        *f = (struct firing){.severity = severity, .since = site->seen.since, .fired_at = fired_at, .error = site->seen.error};
        str_copy(f->trigger, sizeof(f->trigger), v->trigger->meta.name);
        str_copy(f->ns, sizeof(f->ns), site->ns);
        str_copy(f->target, sizeof(f->target), site->target);
        str_copy(f->pod, sizeof(f->pod), site->pod);
        str_copy(f->message, sizeof(f->message), site->seen.message);
    }
}

/* ── the runs that a firing starts ── */

static bool run_ended(const struct run *r)
{
    return r->phase == RUN_SUCCEEDED || r->phase == RUN_FAILED;
}

/* Outside healers' runs are their own affair: one that is never ended must not keep us from healing. */
static bool run_of(const struct run *r, const struct playbook *p, const char *ns, const char *target)
{
    return str_equal(r->target, target) && str_equal(r->playbook, p->meta.name) && str_equal(r->meta.ns, ns) &&
           (str_empty(r->reporter) || str_equal(r->reporter, "drillyard"));
}

/* Whether one is at work; else when the last one ended (0: there was none). */
static bool heals_already(const struct trigger_view *v, const struct playbook *p, const char *ns, const char *target,
                          usec_t *ret_last_end)
{
    *ret_last_end = 0;
    for (size_t i = 0; i < v->run_count; i++) {
        const struct run *r = &v->runs[i];
        if (!run_of(r, p, ns, target))
            continue;
        if (!run_ended(r))
            return true;
        *ret_last_end = usec_max(*ret_last_end, r->ended_at);
    }
    return false;
}

bool trigger_heals_already(const struct trigger_view *v, const struct playbook *p, const char *ns, const char *target)
{
    usec_t last_end;
    return heals_already(v, p, ns, target, &last_end);
}

static const char *incident_of(const struct trigger_view *v, const struct firing *f)
{
    for (size_t i = 0; i < v->site_count; i++)
        if (same_site(f, &v->sites[i]))
            return v->sites[i].incident;
    return "";
}

/* At most 100 bytes of a name, ending as a name must where another part follows. */
static void name_part(char dest[101], const char *name)
{
    str_copy(dest, 101, name);
    for (size_t n = strlen(dest); n > 0 && !isalnum((unsigned char)dest[n - 1]); n--)
        dest[n - 1] = '\0';
}

/* Named by what it is for: the firing, and the run before it. So it is created once, whoever decides it how often. */
static void create_run(const struct trigger_view *v, const struct playbook *p, const struct firing *f, usec_t last_end,
                       struct decision *d)
{
    char at[RFC3339_SIZE], hex[9], name[254], label[64], playbook[101], target[101];
    rfc3339_format_micro(f->fired_at, at);
    auto_free char *seed = mem_printf("%s/%s/%s/%s/%lld", f->trigger, f->target, f->pod, at, (long long)last_end);
    str_hash8(seed, hex);
    name_part(playbook, p->meta.name);
    name_part(target, f->target);
    str_format(name, sizeof(name), "%s-%s-%s", playbook, target, hex);
    struct key key = key_of(KIND_RUN, f->ns, name);

    json_t *object = json_object();
    json_put_str(object, "apiVersion", API_VERSION);
    json_put_str(object, "kind", "PlaybookRun");
    json_t *meta = json_make(object, "metadata");
    json_put_str(meta, "name", name);
    json_put_str(meta, "namespace", f->ns);
    label_value(label, f->target);
    json_put_str(json_make(meta, "labels"), LABEL_TARGET, label);
    json_t *spec = json_make(object, "spec");
    json_put_str(spec, "playbook", p->meta.name);
    json_put_str(spec, "trigger", f->trigger);
    json_put_str(spec, "target", f->target);
    json_put_str(spec, "pod", str_empty(f->pod) ? NULL : f->pod);
    json_put_str(spec, "severity", severity_name(f->severity));
    json_put_str(spec, "firedAt", at);
    const char *incident = incident_of(v, f);
    json_put_str(spec, "incident", str_empty(incident) ? NULL : incident);
    json_put_str(spec, "reporter", "drillyard");
    decision_create(d, &key, object);
}

/* This decision begins one already, for another pod of the target, say. */
static bool begins_already(const struct playbook *p, const struct firing *f, const struct decision *d)
{
    for (size_t i = 0; i < d->effect_count; i++) {
        const struct effect *e = &d->effects[i];
        if (e->type == EFFECT_CREATE && e->key.kind == KIND_RUN && str_equal(e->key.ns, f->ns) &&
            str_equal(json_str(e->body, "spec.playbook", ""), p->meta.name) &&
            str_equal(json_str(e->body, "spec.target", ""), f->target))
            return true;
    }
    return false;
}

/* Names count in the target's own namespace first: a playbook there heals it instead of one of the same name elsewhere, and one of a
 * third namespace is none of its business. */
static bool playbook_is_for(const struct trigger_view *v, const struct playbook *p, const struct firing *f)
{
    if (str_equal(p->meta.ns, f->ns))
        return true;
    for (size_t i = 0; i < v->playbook_count; i++) {
        const struct playbook *other = &v->playbooks[i];
        bool same_name = str_equal(other->meta.name, p->meta.name);
        if (same_name && str_equal(other->meta.ns, f->ns))
            return false;
        /* The trigger's own namespace before the catalog's, which is the only other one that it sees for another's target. */
        if (same_name && str_equal(other->meta.ns, v->trigger->meta.ns) && !str_equal(p->meta.ns, v->trigger->meta.ns))
            return false;
    }
    return str_equal(p->meta.ns, v->trigger->meta.ns) || str_equal(f->ns, v->trigger->meta.ns);
}

/* One playbook for one firing: one run at a time per target, and none within the cooldown of the last. */
static void consider_run(const struct trigger_view *v, const struct playbook *p, const struct firing *f, usec_t now,
                         struct decision *d)
{
    usec_t last_end;
    if (heals_already(v, p, f->ns, f->target, &last_end))
        return; /* its end wakes us */
    if (last_end && usec_add(last_end, p->cooldown) > now) {
        decision_again(d, usec_add(last_end, p->cooldown));
        return;
    }
    if (!begins_already(p, f, d))
        create_run(v, p, f, last_end, d); /* the others' turn comes when it has ended */
}

/* An outside healer may leave the end out. */
static usec_t run_end(const struct run *r)
{
    return r->ended_at ? r->ended_at : r->meta.created_at;
}

static int compare_groups(const struct run *a, const struct run *b)
{
    int order = strcmp(a->target, b->target);
    order = order ? order : strcmp(a->playbook, b->playbook);
    return order ? order : strcmp(a->meta.ns, b->meta.ns);
}

static int by_group_newest_first(const void *a, const void *b)
{
    const struct run *left = *(const struct run *const *)a, *right = *(const struct run *const *)b;
    int order = compare_groups(left, right);
    if (order)
        return order;
    if (run_end(left) != run_end(right))
        return run_end(left) > run_end(right) ? -1 : 1;
    return strcmp(left->meta.name, right->meta.name);
}

/* Whether any group may have more than RUNS_KEPT: two groups that share a number only cost the sorting. */
static bool may_forget_runs(const struct trigger_view *v)
{
    unsigned short kept[1024] = {0};
    for (size_t i = 0; i < v->run_count; i++) {
        const struct run *r = &v->runs[i];
        if (!run_ended(r))
            continue;
        uint64_t group = str_hash64(r->playbook, strlen(r->playbook), 0);
        group = str_hash64(r->target, strlen(r->target), group);
        group = str_hash64(r->meta.ns, strlen(r->meta.ns), group);
        if (++kept[group % array_len(kept)] > RUNS_KEPT)
            return true;
    }
    return false;
}

/* Ended runs beyond RUNS_KEPT of a playbook and target go, oldest first, one per decision: never in a hurry. */
static void forget_old_runs(const struct trigger_view *v, struct decision *d)
{
    if (!may_forget_runs(v))
        return;
    auto_free const struct run **ended = mem_array(v->run_count, sizeof(*ended));
    size_t count = 0;
    for (size_t i = 0; i < v->run_count; i++)
        if (run_ended(&v->runs[i]))
            ended[count++] = &v->runs[i];
    qsort(ended, count, sizeof(*ended), by_group_newest_first);
    for (size_t i = count; i-- > RUNS_KEPT;) {
        if (compare_groups(ended[i], ended[i - RUNS_KEPT]))
            continue;
        struct key key = meta_key(&ended[i]->meta, KIND_RUN);
        decision_delete(d, &key, ended[i]->meta.uid, ended[i]->meta.rv);
        return;
    }
}

/* ── what is told ── */

/* A target in another namespace than the trigger's (the catalog's triggers see all) is written as NAMESPACE/NAME. */
static json_t *firing_encode(const struct trigger *t, const struct firing *f)
{
    json_t *row = json_object();
    bool own = str_equal(f->ns, t->meta.ns);
    auto_free char *target = own ? mem_strdup(f->target) : mem_printf("%s/%s", f->ns, f->target);
    json_put_str(row, "target", target);
    json_put_str(row, "pod", str_empty(f->pod) ? NULL : f->pod);
    json_put_time(row, "since", f->since);
    json_put_str(row, "severity", severity_name(f->severity));
    json_put_str(row, "message", f->message);
    return row;
}

/* Open firings that the status does not tell of: a write that was lost counts them the next time. */
static int untold(const json_t *old, const json_t *rows)
{
    int count = 0;
    const json_t *told = json_at(old, "firing");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        bool found = false;
        for (size_t j = 0; j < json_array_size(told) && !found; j++) {
            const json_t *other = json_array_get(told, j);
            found = str_equal(json_str(row, "target", ""), json_str(other, "target", "")) &&
                    str_equal(json_str(row, "pod", ""), json_str(other, "pod", "")) &&
                    str_equal(json_str(row, "since", ""), json_str(other, "since", ""));
        }
        count += !found;
    }
    return count;
}

static void write_status(const struct trigger_view *v, const struct firing_set *set, usec_t now, struct decision *d)
{
    const struct trigger *t = v->trigger;
    const json_t *old = json_at(t->root, "status");
    json_t *status = status_copy(t->root), *rows = json_array();
    for (size_t i = 0; i < set->count; i++)
        if (!set->items[i].cleared_at)
            json_array_append_new(rows, firing_encode(t, &set->items[i]));
    json_put_int(status, "observedGeneration", t->meta.generation);
    json_add_int(status, "fired", untold(old, rows));
    json_put(status, "firing", rows);
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].fired_at > json_time(status, "lastFired", 0))
            json_put_time(status, "lastFired", set->items[i].fired_at);
    if (v->error)
        condition_set(status, "Ready", CONDITION_FALSE, "Invalid", v->error, t->meta.generation, now);
    else
        condition_set(status, "Ready", CONDITION_TRUE, "Watching", "the probe is watched on every target that has its facets",
                      t->meta.generation, now);
    if (json_equal(status, (json_t *)(uintptr_t)old)) {
        json_decref(status);
        return;
    }
    struct key key = meta_key(&t->meta, KIND_TRIGGER);
    decision_status(d, &key, t->meta.rv, status);
}

/* Of those that are new: whoever leads next knows the open ones from the status. */
static void tell_events(const struct trigger_view *v, const struct firing_set *set, struct decision *d)
{
    for (size_t i = set->carried; i < set->count; i++) {
        const struct firing *f = &set->items[i];
        char id[EFFECT_ID_SIZE], note[512];
        str_format(id, sizeof(id), "fired/%s/%s/%lld", f->target, f->pod, (long long)f->since);
        str_format(note, sizeof(note), "%s fired for target %s, pod %s: %s", v->trigger->meta.name, f->target, f->pod, f->message);
        struct key target = key_of(KIND_TARGET, f->ns, f->target);
        decision_event(d, &target, id, true, "TriggerFired", "Watch", note);
    }
}

void trigger_decide(const struct trigger_view *v, usec_t now, struct firing *ret_firings, size_t *ret_count, struct decision *d)
{
    decision_init(d);
    struct firing_set set = {.items = ret_firings};
    carry_over(v, now, &set);
    if (!v->error)
        begin_new(v, now, &set, d);
    for (size_t i = 0; i < set.count; i++)
        for (size_t p = 0; p < v->playbook_count && !set.items[i].cleared_at; p++)
            if (playbook_is_for(v, &v->playbooks[p], &set.items[i]))
                consider_run(v, &v->playbooks[p], &set.items[i], now, d);
    forget_old_runs(v, d);
    write_status(v, &set, now, d);
    tell_events(v, &set, d);
    *ret_count = set.count;
}

#include "shell/executor_parts.h"

#include "base/log.h"
#include "base/str.h"

/* How long after the margin of the lease was reached an owner is looked at again. */
#define MAY_NOT_ACT_WAIT (200 * USEC_MSEC)

void pending_begin(struct executor *x, struct pending *p, struct owner_state *owner)
{
    p->executor = x;
    p->owner = owner;
    owner->in_flight++;
    list_append(&x->open, &p->node);
}

bool pending_end(struct pending *p)
{
    if (!p->executor)
        return false;
    list_remove(&p->node);
    return owners_returned(p->executor->owners, p->owner);
}

static const char *effect_name(enum effect_type type)
{
    static const char *const names[] = {
        [EFFECT_STATUS] = "status", [EFFECT_METADATA] = "metadata", [EFFECT_PATCH] = "patch",
        [EFFECT_CREATE] = "create", [EFFECT_DELETE] = "delete",     [EFFECT_EVENT] = "event",
        [EFFECT_AGENT] = "agent",   [EFFECT_API] = "api",           [EFFECT_NOTE] = "note",
    };
    return names[type];
}

void executor_log(enum effect_type type, const char *what, const struct key *owner, const struct key *object, const char *id,
                  const struct error *err)
{
    char owner_text[KEY_TEXT_SIZE], object_text[KEY_TEXT_SIZE];
    bool failed = err && err->class != ERROR_NONE;
    log_event(LOG_DEBUG, what, "effect", effect_name(type), "owner", key_text(owner, owner_text), "object",
              object ? key_text(object, object_text) : NULL, "id", str_empty(id) ? NULL : id, "class",
              failed ? error_class_name(err->class) : NULL, "error", failed ? err->text : NULL, NULL);
}

/* ── leases ── */

static usec_t lease_of(struct executor *x, const struct key *owner)
{
    json_auto_t *object = store_get(x->o.lookup.store, owner);
    return json_duration(object, "spec.overrides.lease", x->o.lease);
}

static void carry_lease(struct executor *x, struct owner_state *owner, const struct key *pod)
{
    char text[KEY_TEXT_SIZE];
    key_text(&owner->key, text);
    bool moved = !str_equal(owner->lease_pod, pod->name) || !str_equal(owner->lease_pod_ns, pod->ns);
    if (moved && !str_empty(owner->lease_pod)) {
        struct key before = key_of(KIND_POD, owner->lease_pod_ns, owner->lease_pod);
        sessions_lease(x->o.sessions, text, &before, 0);
    }
    str_copy(owner->lease_pod_ns, sizeof(owner->lease_pod_ns), pod->ns);
    str_copy(owner->lease_pod, sizeof(owner->lease_pod), pod->name);
    if (!str_empty(pod->name))
        sessions_lease(x->o.sessions, text, pod, lease_of(x, &owner->key));
}

/* ── wants ── */

static void carry_wants(struct executor *x, const struct key *owner, const struct decision *d)
{
    struct target target = {0};
    json_auto_t *object = store_get(x->o.lookup.store, owner);
    const char *name = owner->kind == KIND_TARGET ? owner->name : json_str(object, "spec.target", "");
    bool known = d->want_count && lookup_target(&x->o.lookup, owner->ns, name, &target, NULL);
    watches_set(x->o.watches, owner, known ? &target : NULL, d->wants, d->want_count);
    target_done(&target);
}

/* ── decisions ── */

static void carry_effect(struct executor *x, struct owner_state *owner, const struct effect *e)
{
    switch (e->type) {
    case EFFECT_STATUS:
    case EFFECT_METADATA:
    case EFFECT_PATCH:
    case EFFECT_CREATE:
    case EFFECT_DELETE:
        execute_write(x, owner, e);
        return;
    case EFFECT_EVENT:
        execute_event(x, owner, e);
        return;
    case EFFECT_AGENT:
        execute_agent(x, owner, e);
        return;
    case EFFECT_API:
        execute_api(x, owner, e);
        return;
    case EFFECT_NOTE:
        execute_note(x, owner, e);
        return;
    }
}

void executor_carry_out(struct executor *x, const struct key *owner, const struct decision *d)
{
    struct owner_state *state = owners_get(x->owners, owner);
    carry_wants(x, owner, d);
    carry_lease(x, state, &d->lease_pod);
    if (d->again_at != USEC_NEVER)
        workqueue_add_at(x->o.queue, owner, clock_mono(x->o.clock, d->again_at));
    if (d->effect_count && !x->o.may_act(x->o.userdata)) {
        workqueue_add_at(x->o.queue, owner, world_now(x->o.world) + MAY_NOT_ACT_WAIT);
        return;
    }
    for (size_t i = 0; i < d->effect_count; i++)
        carry_effect(x, state, &d->effects[i]);
    owners_settle(x->owners, state);
}

void executor_forget(struct executor *x, const struct key *owner)
{
    watches_drop(x->o.watches, owner);
    struct owner_state *state = owners_find(x->owners, owner);
    if (!state)
        return;
    const struct key nowhere = {.kind = KIND_POD};
    carry_lease(x, state, &nowhere);
    owners_forget(x->owners, owner);
}

void executor_clear(struct executor *x)
{
    watches_clear(x->o.watches);
    owners_clear(x->owners);
    map_clear(x->stale);
    x->unsure = false;
}

const struct observations *executor_observations(struct executor *x, const struct key *owner)
{
    struct owner_state *state = owners_find(x->owners, owner);
    return state ? state->observations : NULL;
}

size_t executor_in_flight(const struct executor *x)
{
    return map_count(x->flights);
}

bool executor_unsure(const struct executor *x)
{
    return x->unsure || executor_writes_drill(x);
}

struct executor *executor_new(const struct executor_options *options)
{
    struct executor *x = mem_new(struct executor);
    *x = (struct executor){.o = *options, .owners = owners_new(), .flights = map_new(NULL), .stale = map_new(free)};
    list_init(&x->open);
    return x;
}

void executor_free(struct executor *x)
{
    if (!x)
        return;
    owners_clear(x->owners); /* states that something comes back to stay until then */
    while (!list_empty(&x->open)) {
        struct pending *p = list_entry(x->open.next, struct pending, node);
        list_remove(&p->node);
        owners_returned(x->owners, p->owner);
        p->executor = NULL;
    }
    owners_free(x->owners);
    map_free(x->flights);
    map_free(x->stale);
    free(x);
}

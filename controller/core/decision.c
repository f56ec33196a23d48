#include "core/decision.h"

#include "base/map.h"
#include "base/str.h"

void decision_init(struct decision *d)
{
    *d = (struct decision){.again_at = USEC_NEVER};
}

void decision_done(struct decision *d)
{
    for (size_t i = 0; i < d->effect_count; i++)
        json_decref(d->effects[i].body);
    for (size_t i = 0; i < d->want_count; i++)
        json_decref(d->wants[i].probe);
    free(d->effects);
    free(d->wants);
    *d = (struct decision){.again_at = USEC_NEVER};
}

static struct effect *decision_add(struct decision *d, enum effect_type type, const struct key *key, json_t *body)
{
    d->effects = mem_resize(d->effects, d->effect_count + 1, sizeof(*d->effects));
    struct effect *e = &d->effects[d->effect_count++];
    *e = (struct effect){.type = type, .body = body};
    if (key)
        e->key = *key;
    return e;
}

struct effect *decision_status(struct decision *d, const struct key *key, const char *rv, json_t *status)
{
    struct effect *e = decision_add(d, EFFECT_STATUS, key, status);
    str_copy(e->rv, sizeof(e->rv), rv);
    return e;
}

struct effect *decision_metadata(struct decision *d, const struct key *key, const char *rv, json_t *patch)
{
    struct effect *e = decision_add(d, EFFECT_METADATA, key, patch);
    str_copy(e->rv, sizeof(e->rv), rv);
    return e;
}

struct effect *decision_patch(struct decision *d, const struct key *key, const char *rv, json_t *patch)
{
    struct effect *e = decision_add(d, EFFECT_PATCH, key, patch);
    str_copy(e->rv, sizeof(e->rv), rv);
    return e;
}

struct effect *decision_create(struct decision *d, const struct key *key, json_t *object)
{
    return decision_add(d, EFFECT_CREATE, key, object);
}

struct effect *decision_delete(struct decision *d, const struct key *key, const char *uid, const char *rv)
{
    struct effect *e = decision_add(d, EFFECT_DELETE, key, NULL);
    str_copy(e->uid, sizeof(e->uid), uid);
    str_copy(e->rv, sizeof(e->rv), rv);
    return e;
}

struct effect *decision_event(struct decision *d, const struct key *regarding, const char *id, bool warning, const char *reason,
                              const char *action, const char *note)
{
    json_t *body = json_object();
    json_put_str(body, "type", warning ? "Warning" : "Normal");
    json_put_str(body, "reason", reason);
    json_put_str(body, "action", action);
    json_put_str(body, "note", note);
    struct effect *e = decision_add(d, EFFECT_EVENT, regarding, body);
    str_copy(e->id, sizeof(e->id), id);
    return e;
}

struct effect *decision_agent(struct decision *d, const char *id, const struct key *pod, json_t *body, usec_t timeout)
{
    struct effect *e = decision_add(d, EFFECT_AGENT, pod, body);
    str_copy(e->id, sizeof(e->id), id);
    e->timeout = timeout;
    return e;
}

struct effect *decision_api(struct decision *d, const char *id, const char *method, const char *path, const char *content_type,
                            json_t *body, usec_t timeout)
{
    json_t *request = json_object();
    json_put_str(request, "method", method);
    json_put_str(request, "path", path);
    json_put_str(request, "contentType", content_type);
    json_put(request, "body", body);
    struct effect *e = decision_add(d, EFFECT_API, NULL, request);
    str_copy(e->id, sizeof(e->id), id);
    e->timeout = timeout;
    return e;
}

struct effect *decision_note(struct decision *d, const char *id, json_t *body)
{
    struct effect *e = decision_add(d, EFFECT_NOTE, NULL, body);
    str_copy(e->id, sizeof(e->id), id);
    return e;
}

void decision_want(struct decision *d, const char *key, const struct key *pod, json_t *probe, usec_t every, usec_t hold_for,
                   usec_t refresh)
{
    d->wants = mem_resize(d->wants, d->want_count + 1, sizeof(*d->wants));
    struct want *w = &d->wants[d->want_count++];
    *w = (struct want){.probe = probe, .every = every, .hold_for = hold_for, .refresh = refresh};
    str_copy(w->key, sizeof(w->key), key);
    if (pod)
        w->pod = *pod;
}

void decision_again(struct decision *d, usec_t when)
{
    d->again_at = usec_min(d->again_at, when);
}

/* ── observations: id → observation ── */

struct observations {
    struct map *by_id;
};

static void observation_free(void *value)
{
    struct observation *o = value;
    json_decref(o->result);
    free(o);
}

struct observations *observations_new(void)
{
    struct observations *o = mem_new(struct observations);
    o->by_id = map_new(observation_free);
    return o;
}

void observations_free(struct observations *o)
{
    if (!o)
        return;
    map_free(o->by_id);
    free(o);
}

bool observations_empty(const struct observations *o)
{
    return map_count(o->by_id) == 0;
}

const struct observation *observations_get(const struct observations *o, const char *id)
{
    static const struct observation none = {.state = OBSERVATION_NONE};
    const struct observation *found = o ? map_get(o->by_id, id) : NULL;
    return found ? found : &none;
}

/* Owners that live for ever (targets, triggers) ask for ever new things. */
static void forget_oldest(struct observations *o)
{
    size_t at = 0;
    const char *id;
    void *value;
    while (map_count(o->by_id) > OBSERVATIONS_MAX && map_next(o->by_id, &at, &id, &value))
        if (((const struct observation *)value)->state != OBSERVATION_IN_FLIGHT)
            map_remove(o->by_id, id);
}

void observations_set(struct observations *o, const char *id, const struct observation *value)
{
    struct observation *copy = mem_new(struct observation);
    *copy = *value;
    json_incref(copy->result);
    map_set(o->by_id, id, copy);
    forget_oldest(o);
}

/* ── evidences: want key → evidence ── */

struct evidences {
    struct map *by_key;
};

static void evidence_free(void *value)
{
    struct evidence *e = value;
    json_decref(e->data);
    free(e);
}

struct evidences *evidences_new(void)
{
    struct evidences *e = mem_new(struct evidences);
    e->by_key = map_new(evidence_free);
    return e;
}

void evidences_free(struct evidences *e)
{
    if (!e)
        return;
    map_free(e->by_key);
    free(e);
}

const struct evidence *evidences_get(const struct evidences *e, const char *key)
{
    static const struct evidence none = {.holds = HOLDS_UNKNOWN, .message = "not looked at yet"};
    const struct evidence *found = e ? map_get(e->by_key, key) : NULL;
    return found ? found : &none;
}

void evidences_set(struct evidences *e, const char *key, const struct evidence *value)
{
    struct evidence *copy = mem_new(struct evidence);
    *copy = *value;
    json_incref(copy->data);
    map_set(e->by_key, key, copy);
}

void evidences_remove(struct evidences *e, const char *key)
{
    map_remove(e->by_key, key);
}

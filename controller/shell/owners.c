#include "shell/owners.h"

#include "base/list.h"
#include "base/map.h"

struct owners {
    struct map *by_key; /* key text → owner_state; freed by hand */
};

static void state_free(struct owner_state *s)
{
    observations_free(s->observations);
    map_free(s->events);
    free(s);
}

static void state_drop(void *value)
{
    struct owner_state *s = value;
    s->forgotten = true;
    if (!s->in_flight)
        state_free(s);
}

struct owners *owners_new(void)
{
    struct owners *o = mem_new(struct owners);
    o->by_key = map_new(state_drop);
    return o;
}

void owners_free(struct owners *o)
{
    if (!o)
        return;
    map_free(o->by_key);
    free(o);
}

struct owner_state *owners_find(const struct owners *o, const struct key *key)
{
    char text[KEY_TEXT_SIZE];
    return map_get(o->by_key, key_text(key, text));
}

struct owner_state *owners_get(struct owners *o, const struct key *key)
{
    struct owner_state *s = owners_find(o, key);
    if (s)
        return s;
    char text[KEY_TEXT_SIZE];
    s = mem_new(struct owner_state);
    *s = (struct owner_state){
        .key = *key,
        .observations = observations_new(),
        .events = map_new(NULL),
        .backoff = {.first = 200 * USEC_MSEC, .cap = 30 * USEC_SEC},
    };
    map_set(o->by_key, key_text(key, text), s);
    return s;
}

void owners_forget(struct owners *o, const struct key *key)
{
    char text[KEY_TEXT_SIZE];
    map_remove(o->by_key, key_text(key, text));
}

static bool remembers(const struct owner_state *s)
{
    return !observations_empty(s->observations) || map_count(s->events) || s->backoff.delay || s->not_before || s->in_flight ||
           *s->lease_pod;
}

void owners_settle(struct owners *o, struct owner_state *s)
{
    if (!remembers(s))
        owners_forget(o, &s->key);
}

void owners_clear(struct owners *o)
{
    map_clear(o->by_key);
}

bool owners_returned(struct owners *o, struct owner_state *s)
{
    (void)o;
    s->in_flight--;
    if (!s->forgotten)
        return true;
    if (!s->in_flight)
        state_free(s);
    return false;
}

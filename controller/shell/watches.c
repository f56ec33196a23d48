#include "shell/watches.h"

#include "base/list.h"
#include "base/map.h"
#include "base/sha256.h"
#include "base/str.h"

/* One probe that is really looked at. */
struct look {
    char *name;  /* place, pod and a digest of the probe: like wants have the same */
    char id[32]; /* under which the agent knows it */
    struct watches *all;
    enum probe_place place;
    struct key pod;
    char container[64];       /* "": the sidecar's agent */
    struct evidence evidence; /* owns data */
    struct prober_look *probing;
    struct list wanted_by; /* subscriber.in_look */
};

struct subscriber { /* one want of one owner */
    struct list in_look, in_site;
    struct owner *owner;
    char *want;
    struct look *look; /* NULL: it could not be placed */
    json_t *probe;     /* as wanted: to see whether it is the same want */
    struct key pod;
    usec_t every, hold_for, refresh;
    int64_t target_generation;
    bool kept; /* in the newest decision */
};

struct owner {
    struct key key;
    struct map *wants; /* want key → subscriber */
    struct evidences *evidences;
};

struct site {          /* the wants of one trigger */
    struct list wants; /* subscriber.in_site */
};

struct watches {
    struct prober *prober;
    struct sessions *sessions;
    watches_changed_fn *changed;
    void *userdata;
    struct map *owners; /* key text → owner */
    struct map *looks;  /* name → look */
    struct map *sites;  /* "trigger/<ns>/<name>/" → site */
    uint64_t last_id;
};

/* ── looks ── */

static void look_shows(struct look *l, const struct evidence *e, bool news)
{
    json_t *data = json_incref(e->data);
    json_decref(l->evidence.data);
    l->evidence = *e;
    l->evidence.data = data;
    for (struct list *node = l->wanted_by.next; node != &l->wanted_by; node = node->next) {
        struct subscriber *sub = list_entry(node, struct subscriber, in_look);
        evidences_set(sub->owner->evidences, sub->want, &l->evidence);
        if (news)
            l->all->changed(l->all->userdata, &sub->owner->key, sub->want);
    }
}

static void on_agent_report(void *userdata, const struct evidence *e)
{
    look_shows(userdata, e, true);
}

static void on_prober_report(void *userdata, const struct evidence *e, bool news)
{
    look_shows(userdata, e, news);
}

static bool by_agent(enum probe_place place)
{
    return place == PROBE_AGENT || place == PROBE_AGENT_TARGET;
}

static struct session *look_session(const struct look *l)
{
    return sessions_get(l->all->sessions, &l->pod, str_empty(l->container) ? NULL : l->container);
}

static void look_free(void *value)
{
    struct look *l = value;
    if (by_agent(l->place))
        session_unsubscribe(look_session(l), l->id);
    prober_stop(l->probing);
    json_decref(l->evidence.data);
    free(l->name);
    free(l);
}

static void look_begin(struct look *l, const struct want *want, const struct target *target, json_t *agent_probe)
{
    if (!by_agent(l->place)) {
        struct prober_want asked = {
            .place = l->place,
            .probe = want->probe,
            .target = target,
            .pod = l->pod,
            .every = want->every,
            .hold_for = want->hold_for,
            .refresh = want->refresh,
        };
        l->probing = prober_start(l->all->prober, &asked, on_prober_report, l);
        return;
    }
    json_auto_t *body = json_object();
    json_put_str(body, "op", "watch");
    json_put_str(body, "watch", l->id);
    json_object_set(body, "probe", agent_probe);
    json_put_int(body, "everyMs", (want->every ? want->every : USEC_SEC) / USEC_MSEC);
    json_put_int(body, "forMs", want->hold_for / USEC_MSEC);
    json_put_int(body, "refreshMs", want->refresh / USEC_MSEC);
    session_subscribe(look_session(l), l->id, body, on_agent_report, l);
}

static char *look_name(const struct want *want, enum probe_place place, const char *container, const json_t *agent_probe,
                       const struct target *target)
{
    char digest[SHA256_HEX_SIZE], for_agent[SHA256_HEX_SIZE] = "";
    json_sha256(want->probe, digest);
    if (agent_probe)
        json_sha256(agent_probe, for_agent);
    /* The controller's looks depend on the target too (its Service, its pods); the agent's probe is whole in itself. */
    bool own = !by_agent(place);
    return mem_printf("%d/%s/%s/%s/%s/%s/%lld/%lld/%lld/%s/%lld", place, want->pod.ns, want->pod.name, container, digest, for_agent,
                      (long long)want->every, (long long)want->hold_for, (long long)want->refresh, own ? target->meta.name : "",
                      own ? (long long)target->meta.generation : 0LL);
}

/* The look for a want, a new one where there is none like it; NULL: it cannot be placed. */
static struct look *look_for(struct watches *w, const struct want *want, const struct target *target, struct error *err)
{
    json_auto_t *agent_probe = NULL;
    if (!target) {
        error_set(err, ERROR_NOT_FOUND, "the target is gone");
        return NULL;
    }
    enum probe_place place = probe_plan(want->probe, target, &agent_probe, err);
    if (place == PROBE_UNSUPPORTED)
        return NULL;
    if (by_agent(place) && str_empty(want->pod.name)) {
        error_set(err, ERROR_NOT_FOUND, "there is no pod with an agent to look from");
        return NULL;
    }
    char container[64] = "";
    if (place == PROBE_AGENT_TARGET) {
        lookup_container(&w->prober->lookup, target, &want->pod, container);
        if (str_empty(container)) {
            error_set(err, ERROR_NOT_FOUND, "the target's container is not in pod %s", want->pod.name);
            return NULL;
        }
    }
    auto_free char *name = look_name(want, place, container, agent_probe, target);
    struct look *l = map_get(w->looks, name);
    if (l)
        return l;
    l = mem_new(struct look);
    *l = (struct look){.name = mem_take(name), .all = w, .place = place, .pod = want->pod};
    l->evidence = (struct evidence){.holds = HOLDS_UNKNOWN, .message = "not looked at yet"};
    str_copy(l->container, sizeof(l->container), container);
    str_format(l->id, sizeof(l->id), "w%llu", (unsigned long long)++w->last_id);
    list_init(&l->wanted_by);
    map_set(w->looks, l->name, l);
    look_begin(l, want, target, agent_probe);
    return l;
}

static void look_leave(struct subscriber *sub)
{
    struct look *l = sub->look;
    list_remove(&sub->in_look);
    sub->look = NULL;
    if (l && list_empty(&l->wanted_by)) {
        auto_free char *name = mem_strdup(l->name);
        map_remove(l->all->looks, name);
    }
}

/* A session that is alive would have told of a change: what an agent watches was seen when it was last heard of. */
static void subscriber_date(struct subscriber *sub)
{
    struct look *l = sub->look;
    if (!l || !by_agent(l->place) || !l->evidence.known_since)
        return;
    usec_t heard = session_heard_at(look_session(l));
    l->evidence.seen_at = usec_max(l->evidence.seen_at, heard);
    if (evidences_get(sub->owner->evidences, sub->want)->seen_at < l->evidence.seen_at)
        evidences_set(sub->owner->evidences, sub->want, &l->evidence);
}

/* ── sites ── */

/* "trigger/ns/name/pod" → "trigger/ns/name/"; false: not of that form. */
static bool site_name(const char *want, char dest[EFFECT_ID_SIZE])
{
    const char *last = strrchr(want, '/');
    if (!str_starts(want, "trigger/") || !last)
        return false;
    return str_format(dest, EFFECT_ID_SIZE, "%.*s", (int)(last - want) + 1, want);
}

static void site_enter(struct watches *w, struct subscriber *sub)
{
    char name[EFFECT_ID_SIZE];
    if (sub->owner->key.kind != KIND_TARGET || !site_name(sub->want, name))
        return;
    struct site *site = map_get(w->sites, name);
    if (!site) {
        site = mem_new(struct site);
        list_init(&site->wants);
        map_set(w->sites, name, site);
    }
    list_append(&site->wants, &sub->in_site);
}

void watches_each_site(struct watches *w, const char *trigger_ns, const char *trigger, watches_site_fn *each, void *userdata)
{
    char name[EFFECT_ID_SIZE];
    str_format(name, sizeof(name), "trigger/%s/%s/", trigger_ns, trigger);
    struct site *site = map_get(w->sites, name);
    for (struct list *node = site ? site->wants.next : NULL; site && node != &site->wants; node = node->next) {
        struct subscriber *sub = list_entry(node, struct subscriber, in_site);
        subscriber_date(sub);
        struct watches_site told = {
            .owner = sub->owner->key, .pod = sub->pod, .seen = *evidences_get(sub->owner->evidences, sub->want)};
        each(userdata, &told);
    }
}

/* ── owners ── */

static void subscriber_free(void *value)
{
    struct subscriber *sub = value;
    look_leave(sub);
    list_remove(&sub->in_site);
    json_decref(sub->probe);
    free(sub->want);
    free(sub);
}

static void owner_free(void *value)
{
    struct owner *o = value;
    map_free(o->wants);
    evidences_free(o->evidences);
    free(o);
}

static bool same_want(const struct subscriber *sub, const struct want *want, int64_t generation)
{
    return sub->every == want->every && sub->hold_for == want->hold_for && sub->refresh == want->refresh &&
           key_equal(&sub->pod, &want->pod) && sub->target_generation == generation && json_equal(sub->probe, want->probe);
}

static void want_add(struct watches *w, struct owner *o, const struct want *want, const struct target *target, int64_t generation)
{
    struct subscriber *sub = mem_new(struct subscriber);
    *sub = (struct subscriber){
        .owner = o,
        .want = mem_strdup(want->key),
        .probe = json_incref(want->probe),
        .pod = want->pod,
        .every = want->every,
        .hold_for = want->hold_for,
        .refresh = want->refresh,
        .target_generation = generation,
        .kept = true,
    };
    list_init(&sub->in_look);
    list_init(&sub->in_site);
    struct error err = {0};
    sub->look = look_for(w, want, target, &err);
    struct evidence nothing = {.holds = HOLDS_UNKNOWN};
    str_copy(nothing.message, sizeof(nothing.message), err.text);
    if (sub->look)
        list_append(&sub->look->wanted_by, &sub->in_look);
    evidences_set(o->evidences, sub->want, sub->look ? &sub->look->evidence : &nothing);
    map_set(o->wants, sub->want, sub); /* frees a former one, which leaves its look after this one has entered */
    site_enter(w, sub);
}

void watches_set(struct watches *w, const struct key *owner, const struct target *target, const struct want *wants, size_t count)
{
    char text[KEY_TEXT_SIZE];
    struct owner *o = map_get(w->owners, key_text(owner, text));
    if (!o && !count)
        return;
    if (!o) {
        o = mem_new(struct owner);
        *o = (struct owner){.key = *owner, .wants = map_new(subscriber_free), .evidences = evidences_new()};
        map_set(w->owners, text, o);
    }
    int64_t generation = target ? target->meta.generation : -1;
    size_t at = 0;
    void *value;
    while (map_next(o->wants, &at, NULL, &value))
        ((struct subscriber *)value)->kept = false;
    for (size_t i = 0; i < count; i++) {
        struct subscriber *sub = map_get(o->wants, wants[i].key);
        if (sub && same_want(sub, &wants[i], generation))
            sub->kept = true;
        else
            want_add(w, o, &wants[i], target, generation);
    }
    at = 0;
    const char *key;
    while (map_next(o->wants, &at, &key, &value)) {
        if (((struct subscriber *)value)->kept)
            continue;
        auto_free char *copy = mem_strdup(key);
        evidences_remove(o->evidences, copy);
        map_remove(o->wants, copy);
    }
}

void watches_drop(struct watches *w, const struct key *owner)
{
    char text[KEY_TEXT_SIZE];
    map_remove(w->owners, key_text(owner, text));
}

void watches_clear(struct watches *w)
{
    map_clear(w->owners);
}

const struct evidences *watches_evidences(struct watches *w, const struct key *owner)
{
    char text[KEY_TEXT_SIZE];
    struct owner *o = map_get(w->owners, key_text(owner, text));
    if (!o)
        return NULL;
    size_t at = 0;
    void *value;
    while (map_next(o->wants, &at, NULL, &value))
        subscriber_date(value);
    return o->evidences;
}

void watches_each_owner(struct watches *w, const struct key *pod, void (*each)(void *userdata, const struct key *owner),
                        void *userdata)
{
    size_t at = 0;
    void *value;
    while (map_next(w->looks, &at, NULL, &value)) {
        const struct look *l = value;
        if (!key_equal(&l->pod, pod))
            continue;
        for (const struct list *node = l->wanted_by.next; node != &l->wanted_by; node = node->next)
            each(userdata, &list_entry(node, struct subscriber, in_look)->owner->key);
    }
}

/* ── life ── */

struct watches *watches_new(struct prober *prober, struct sessions *sessions, watches_changed_fn *changed, void *userdata)
{
    struct watches *w = mem_new(struct watches);
    *w = (struct watches){.prober = prober, .sessions = sessions, .changed = changed, .userdata = userdata};
    w->owners = map_new(owner_free);
    w->looks = map_new(look_free);
    w->sites = map_new(free);
    return w;
}

void watches_free(struct watches *w)
{
    if (!w)
        return;
    map_free(w->owners);
    map_free(w->looks);
    map_free(w->sites);
    free(w);
}

struct watches_stats watches_stats(const struct watches *w)
{
    struct watches_stats stats = {.owners = map_count(w->owners), .looks = map_count(w->looks)};
    size_t at = 0;
    void *value;
    while (map_next(w->owners, &at, NULL, &value))
        stats.wants += map_count(((struct owner *)value)->wants);
    at = 0;
    while (map_next(w->looks, &at, NULL, &value))
        stats.agent_looks += by_agent(((struct look *)value)->place);
    return stats;
}

#include "shell/executor_parts.h"

#include "base/log.h"
#include "base/str.h"
#include "shell/retry.h"
#include "shell/writes.h"

#define STALE_PATIENCE USEC_SEC /* for the watch to bring what is newer, before it is asked for */
#define SLOWLY         (30 * USEC_SEC)
#define WRITE_TIMEOUT  (10 * USEC_SEC)
#define BOOKS_AT_ONCE  64 /* so many writes of cards, playbooks and tasks are open at most: more than a second's worth */

/* One write (or the GET that follows a create of what is there already). */
struct flight {
    struct pending pending;
    struct key owner, object;
    enum effect_type type;
    char rv[64], uid[64]; /* uid: the object's when it was begun; "": it was not there */
    short phase;          /* the object's, when it was begun: the watch may bring the new one before the answer comes */
    bool get;
    struct strlist waiters; /* key texts of owners that wanted to write to the same object */
};

static usec_t now_of(const struct executor *x)
{
    return world_now(x->o.world);
}

/* ── beginning ── */

/* Its own owner need not wait in the list, unless it was forgotten meanwhile and is another now: nobody would wake that one. */
static void wait_for_flight(struct flight *f, const struct owner_state *owner)
{
    char text[KEY_TEXT_SIZE];
    if (f->pending.owner != owner && !strlist_has(&f->waiters, key_text(&owner->key, text)))
        strlist_add(&f->waiters, text);
}

/* Whoever begins to lead over ten thousand cards has a status to write for each, and need not hold them all at once. */
static void count_books(struct executor *x, const struct flight *f, int by)
{
    if (!kind_keeps_books(f->owner.kind))
        return;
    x->books_open += (size_t)by;
    workqueue_hold_books(x->o.queue, x->books_open >= BOOKS_AT_ONCE);
}

static void on_written(void *userdata, const struct world_reply *reply);

/* Not every write is fenced by a resourceVersion, and it may have been queued for a while. */
static bool may_write(void *userdata)
{
    const struct flight *f = userdata;
    const struct executor *x = f->pending.executor;
    return x && x->o.may_act(x->o.userdata);
}

static void fly(struct executor *x, struct owner_state *owner, const struct effect *e, const struct world_request *request,
                bool get)
{
    char text[KEY_TEXT_SIZE];
    struct flight *f = mem_new(struct flight);
    *f = (struct flight){.owner = owner->key, .object = e->key, .type = e->type, .get = get};
    str_copy(f->rv, sizeof(f->rv), e->rv);
    const struct summary *before = store_summary(x->o.lookup.store, &e->key);
    f->phase = before ? before->phase : 0;
    str_copy(f->uid, sizeof(f->uid), before ? before->uid : "");
    pending_begin(x, &f->pending, owner);
    map_set(x->flights, key_text(&e->key, text), f);
    count_books(x, f, 1);
    world_api(x->o.world, request, on_written, f);
}

static void fetch(struct executor *x, struct owner_state *owner, const struct effect *e)
{
    struct effect get = {.type = e->type, .key = e->key};
    auto_write struct write w = {0};
    struct effect as_status = {.type = EFFECT_PATCH, .key = e->key, .body = json_object()};
    write_build(&as_status, x->o.lookup.store, &w);
    json_decref(as_status.body);
    str_copy(get.rv, sizeof(get.rv), e->rv);
    struct world_request request = {
        .method = "GET", .path = buf_str(&w.path), .timeout = WRITE_TIMEOUT, .behind = kind_keeps_books(owner->key.kind)};
    fly(x, owner, &get, &request, true);
}

/* Writing from that version failed before, and nothing newer was seen since. */
static bool is_stale(struct executor *x, struct owner_state *owner, const struct effect *e, const char *object)
{
    struct stale *stale = map_get(x->stale, object);
    if (!stale)
        return false;
    if (!str_equal(stale->rv, e->rv)) {
        map_remove(x->stale, object); /* decided from another version */
        return false;
    }
    if (now_of(x) - stale->since < STALE_PATIENCE) {
        workqueue_add_at(x->o.queue, &owner->key, stale->since + STALE_PATIENCE);
        return true;
    }
    stale->since = now_of(x);
    fetch(x, owner, e);
    return true;
}

void execute_write(struct executor *x, struct owner_state *owner, const struct effect *e)
{
    char object[KEY_TEXT_SIZE];
    struct flight *open = map_get(x->flights, key_text(&e->key, object));
    if (open) {
        wait_for_flight(open, owner);
        return;
    }
    if (owner->not_before > now_of(x)) {
        workqueue_add_at(x->o.queue, &owner->key, owner->not_before);
        return;
    }
    if (e->type == EFFECT_CREATE && store_summary(x->o.lookup.store, &e->key))
        return; /* it is there: whoever made it, its name says that it is this one */
    if (is_stale(x, owner, e, object))
        return;
    auto_write struct write w = {0};
    write_build(e, x->o.lookup.store, &w);
    struct world_request request = {.method = w.method,
                                    .path = buf_str(&w.path),
                                    .content_type = w.content_type,
                                    .body = w.body,
                                    .timeout = WRITE_TIMEOUT,
                                    .behind = kind_keeps_books(owner->key.kind),
                                    .may_send = may_write};
    executor_log(e->type, "effect begun", &owner->key, &e->key, NULL, NULL);
    fly(x, owner, e, &request, false);
}

/* ── what came of it ── */

/* A drill's or a run's phase, as its story goes. */
static void tell_story(struct executor *x, const struct flight *f, const json_t *object)
{
    const char *phase = json_str(object, "status.phase", NULL);
    const struct summary *now = store_summary(x->o.lookup.store, &f->object);
    if (f->type == EFFECT_CREATE)
        log_event(LOG_INFO, "object created", "kind", kind_info(f->object.kind)->kind, "namespace", f->object.ns, "name",
                  f->object.name, "target", json_str(object, "spec.target", NULL), "incident",
                  json_str(object, "spec.incident", NULL), NULL);
    if (f->type != EFFECT_STATUS || !now || now->phase == f->phase || !phase)
        return;
    log_event(LOG_INFO, "phase reached", "kind", kind_info(f->object.kind)->kind, "namespace", f->object.ns, "name", f->object.name,
              "phase", phase, "target", json_str(object, "spec.target", NULL), "incident",
              json_str(object, "status.incident", json_str(object, "spec.incident", NULL)), "gates",
              json_str(object, "status.gatesPassed", NULL), "detect", json_str(object, "status.timeToDetect", NULL), "heal",
              json_str(object, "status.timeToHeal", NULL), "reason", json_str(object, "status.reason", NULL), "message",
              json_str(object, "status.message", NULL), NULL);
    if (f->object.kind == KIND_DRILL && drill_phase_terminal((enum drill_phase)now->phase) &&
        !drill_phase_terminal((enum drill_phase)f->phase))
        metrics_drill_ended(x->o.metrics, json_object_get(object, "status"));
}

static void succeeded(struct executor *x, struct owner_state *owner, const struct flight *f, const struct world_reply *reply)
{
    char text[KEY_TEXT_SIZE];
    map_remove(x->stale, key_text(&f->object, text));
    if (owner) {
        backoff_reset(&owner->backoff);
        owner->not_before = 0;
    }
    if (f->get) {
        store_put(x->o.lookup.store, f->object.kind, reply->body);
        return;
    }
    x->o.metrics->writes[f->type]++;
    const char *kind = json_str(reply->body, "kind", "");
    if (f->type == EFFECT_DELETE && str_equal(kind, "Status"))
        store_remove(x->o.lookup.store, &f->object, f->uid, "");
    else if (f->type != EFFECT_DELETE || json_at(reply->body, "metadata.deletionTimestamp"))
        store_put(x->o.lookup.store, f->object.kind, reply->body);
    if (f->type != EFFECT_DELETE)
        tell_story(x, f, reply->body);
}

static void mark_stale(struct executor *x, const struct flight *f)
{
    char text[KEY_TEXT_SIZE];
    struct stale *stale = mem_new(struct stale);
    stale->since = now_of(x);
    str_copy(stale->rv, sizeof(stale->rv), f->rv);
    map_set(x->stale, key_text(&f->object, text), stale);
}

static void wait_before_writing(struct executor *x, struct owner_state *owner, usec_t wait)
{
    owner->not_before = now_of(x) + wait;
    workqueue_add_at(x->o.queue, &owner->key, owner->not_before);
}

static usec_t next_backoff(struct executor *x, struct owner_state *owner)
{
    return backoff_next(&owner->backoff, now_of(x), world_random(x->o.world));
}

bool executor_writes_drill(const struct executor *x)
{
    size_t at = 0;
    void *flight;
    while (map_next(x->flights, &at, NULL, &flight))
        if (((const struct flight *)flight)->object.kind == KIND_DRILL)
            return true;
    return false;
}

/* The one switch from classes to forget, retry, after. */
static void failed(struct executor *x, struct owner_state *owner, const struct flight *f, const struct error *err)
{
    x->o.metrics->write_errors++;
    executor_log(f->type, "effect failed", &f->owner, &f->object, NULL, err);
    switch (retry_for(err)) {
    case RETRY_DONE:
        return;
    case RETRY_LOOK:
        if (f->type == EFFECT_CREATE) {
            struct effect created = {.type = f->type, .key = f->object};
            fetch(x, owner, &created);
            return;
        }
        mark_stale(x, f);
        workqueue_add(x->o.queue, &owner->key);
        return;
    case RETRY_FORGET:
        if (f->type == EFFECT_CREATE) {
            wait_before_writing(x, owner, SLOWLY); /* its namespace or its kind is missing */
            return;
        }
        if (f->type == EFFECT_DELETE || f->get) {
            const struct summary *have = store_summary(x->o.lookup.store, &f->object);
            if (have && str_equal(have->uid, f->uid)) { /* another one may have taken its name meanwhile */
                char rv[64];
                str_copy(rv, sizeof(rv), have->rv);
                store_remove(x->o.lookup.store, &f->object, f->uid, rv);
            }
            return;
        }
        mark_stale(x, f);
        workqueue_add_at(x->o.queue, &owner->key, now_of(x) + STALE_PATIENCE);
        return;
    case RETRY_BACKOFF:
        wait_before_writing(x, owner, next_backoff(x, owner));
        return;
    case RETRY_AFTER:
        wait_before_writing(x, owner, usec_max(next_backoff(x, owner), err->retry_after_ms * USEC_MSEC));
        return;
    case RETRY_SLOWLY: {
        char object[KEY_TEXT_SIZE];
        log_event(LOG_WARNING, "write refused", "object", key_text(&f->object, object), "class", error_class_name(err->class),
                  "error", err->text, NULL);
        wait_before_writing(x, owner, SLOWLY);
        return;
    }
    case RETRY_STOP:
        return;
    }
}

static void on_written(void *userdata, const struct world_reply *reply)
{
    struct flight *f = userdata;
    struct executor *x = f->pending.executor;
    struct owner_state *owner = f->pending.owner;
    char text[KEY_TEXT_SIZE];
    bool known = pending_end(&f->pending);
    if (x) {
        map_remove(x->flights, key_text(&f->object, text));
        count_books(x, f, -1);
        x->unsure |= f->object.kind == KIND_DRILL && error_outcome_unknown(&reply->err);
        if (reply->err.class == ERROR_NONE)
            succeeded(x, known ? owner : NULL, f, reply);
        else if (known)
            failed(x, owner, f, &reply->err);
        if (known && reply->err.class == ERROR_NONE)
            workqueue_add(x->o.queue, &f->owner);
        for (size_t i = 0; i < f->waiters.count; i++) {
            struct key waiter;
            if (key_parse(f->waiters.items[i], &waiter))
                workqueue_add(x->o.queue, &waiter);
        }
        if (f->object.kind == KIND_DRILL)
            x->o.drill_written(x->o.userdata);
    }
    strlist_done(&f->waiters);
    free(f);
}

/* ── events ── */

#define EVENTS_REMEMBERED 512 /* ids per owner: more than any owner says within the time that it could say one again */

struct event_flight {
    struct pending pending;
    struct key owner, regarding;
    char id[EFFECT_ID_SIZE];
};

static void on_event_sent(void *userdata, const struct world_reply *reply)
{
    struct event_flight *f = userdata;
    struct executor *x = f->pending.executor;
    pending_end(&f->pending);
    if (x) {
        x->o.metrics->writes[EFFECT_EVENT] += reply->err.class == ERROR_NONE;
        if (reply->err.class != ERROR_NONE)
            executor_log(EFFECT_EVENT, "event not sent", &f->owner, &f->regarding, f->id, &reply->err);
    }
    free(f);
}

void execute_event(struct executor *x, struct owner_state *owner, const struct effect *e)
{
    if (map_get(owner->events, e->id))
        return;
    map_set(owner->events, e->id, owner);
    size_t at = 0;
    const char *oldest;
    if (map_count(owner->events) > EVENTS_REMEMBERED && map_next(owner->events, &at, &oldest, NULL))
        map_remove(owner->events, oldest);
    json_auto_t *regarding = store_get(x->o.lookup.store, &e->key);
    auto_write struct write w = {0};
    write_build_event(e, &owner->key, regarding, x->o.identity, world_wall(x->o.world), &w);
    struct event_flight *f = mem_new(struct event_flight);
    *f = (struct event_flight){.owner = owner->key, .regarding = e->key};
    str_copy(f->id, sizeof(f->id), e->id);
    pending_begin(x, &f->pending, owner);
    struct world_request request = {
        .method = w.method, .path = buf_str(&w.path), .body = w.body, .timeout = WRITE_TIMEOUT, .behind = true};
    world_api(x->o.world, &request, on_event_sent, f);
}

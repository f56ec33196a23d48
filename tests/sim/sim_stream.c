/* A watch: what has changed, in the order of versions, some time later; across streams in any order. */
#include "sim_api.h"
#include "sim_process.h"
#include "sim_promise.h"

#define SILENT_AFTER   (150 * USEC_SEC)
#define BOOKMARK_EVERY (60 * USEC_SEC)
#define LAG_MAX        (12 * USEC_SEC)

struct stream {
    struct world_stream base;
    struct list node; /* while it is open */
    struct sim_process *process;
    char *path;
    struct sim_query query;
    struct world_stream_handlers handlers;
    void *userdata;
    usec_t silent_after;
    bool open, up, deaf, pumping;
    size_t next; /* the first change that it has not been told */
    int holders;
};

static void release(void *userdata)
{
    struct stream *s = userdata;
    if (--s->holders)
        return;
    free(s->path);
    free(s);
}

static void post(struct stream *s, usec_t when, void (*fire)(void *userdata))
{
    s->holders++;
    sim_process_post(s->process, when, fire, release, s);
}

static void end(struct stream *s, enum error_class class)
{
    struct error err = {0};
    if (!s->open)
        return;
    s->open = false;
    list_remove(&s->node);
    if (class != ERROR_NONE)
        error_set(&err, class, "the watch ended: %s", error_class_name(class));
    if (class == ERROR_TOO_MANY)
        err.retry_after_ms = 1000;
    sim_trace_say(s->process->sim->trace, "%s watch %s ends: %s", s->process->identity, s->query.resource->plural,
                  error_class_name(class));
    s->handlers.on_end(s->userdata, &err);
    release(s);
}

static void end_broken(void *userdata)
{
    end(userdata, ERROR_UNAVAILABLE);
    release(userdata);
}

static void end_gone(void *userdata)
{
    end(userdata, ERROR_GONE);
    release(userdata);
}

static void end_ordinary(void *userdata)
{
    end(userdata, ERROR_NONE);
    release(userdata);
}

/* ── telling ── */

static const char *const types[] = {[SIM_ADDED] = "ADDED", [SIM_MODIFIED] = "MODIFIED", [SIM_DELETED] = "DELETED"};

static void tell(struct stream *s, const char *type, json_t *object)
{
    struct sim *sim = s->process->sim;
    sim->stats.events++;
    sim_promise_told(sim->promise, s->process, s->query.resource, type, object);
    s->handlers.on_event(s->userdata, type, object);
}

/* A change as it looks through the stream's selector. */
static void tell_change(struct stream *s, const struct sim_change *c)
{
    bool before = sim_query_selects(&s->query, c->before);
    bool after = c->type != SIM_DELETED && sim_query_selects(&s->query, c->after);
    if (after)
        tell(s, types[before ? SIM_MODIFIED : SIM_ADDED], c->after);
    else if (before)
        tell(s, types[SIM_DELETED], c->after);
}

static void bookmark(struct stream *s, uint64_t rv, bool initial)
{
    char text[24];
    str_format(text, sizeof(text), "%llu", (unsigned long long)rv);
    json_auto_t *object = json_pack("{s:s, s:{s:s}}", "kind", s->query.resource->kind, "metadata", "resourceVersion", text);
    if (initial)
        json_object_set_new(json_make(object, "metadata.annotations"), "k8s.io/initial-events-end", json_string("true"));
    s->handlers.on_event(s->userdata, "BOOKMARK", object);
}

static void pump(void *userdata);

static void pump_at(struct stream *s, usec_t when)
{
    if (s->pumping || !s->open || s->deaf)
        return;
    s->pumping = true;
    post(s, when, pump);
}

static usec_t lag(struct sim *sim)
{
    usec_t at = sim_now(sim) + sim_delay(sim);
    return sim_strikes(sim, sim->weather.watch_lag) ? at + sim_between(sim, 0, LAG_MAX) : at;
}

static void pump(void *userdata)
{
    struct stream *s = userdata;
    struct sim *sim = s->process->sim;
    const struct sim_resource *r = s->query.resource;
    s->pumping = false;
    size_t until = sim_store_changes(sim->store, r);
    while (s->open && s->next < until) {
        struct sim_change c = *sim_store_change(sim->store, r, s->next++);
        if (sim_strikes(sim, sim->weather.watch_lost)) {
            sim_trace_say(sim->trace, "%s never hears of %s %s", s->process->identity, r->plural,
                          json_str(c.after, "metadata.name", ""));
        } else
            tell_change(s, &c);
    }
    if (s->open && sim_strikes(sim, sim->weather.watch_gone))
        end(s, ERROR_GONE);
    else if (s->open && sim_strikes(sim, sim->weather.watch_break)) {
        s->deaf = sim_below(sim, 4) == 0; /* nobody says that it is broken: found out by its silence */
        post(s, sim_now(sim) + (s->deaf ? s->silent_after : 0), end_broken);
    }
    release(s);
}

static void bookmark_regularly(void *userdata)
{
    struct stream *s = userdata;
    struct sim *sim = s->process->sim;
    if (s->open && !s->deaf && s->next == sim_store_changes(sim->store, s->query.resource))
        bookmark(s, sim_store_rv(sim->store), false);
    if (s->open)
        post(s, sim_now(sim) + BOOKMARK_EVERY, bookmark_regularly);
    release(s);
}

/* ── opening ── */

static int64_t number(const struct stream *s, const char *name)
{
    char text[24];
    int64_t value = 0;
    if (sim_query_get(&s->query, name, text, sizeof(text)))
        str_to_i64(text, 0, INT64_MAX, &value);
    return value;
}

static void begin_after(struct stream *s, uint64_t rv)
{
    const struct sim_store *store = s->process->sim->store;
    s->next = sim_store_changes(store, s->query.resource);
    while (s->next && sim_store_change(store, s->query.resource, s->next - 1)->rv > rv)
        s->next--;
}

/* All objects first, as they were at a version that is new enough, then a bookmark that says so. */
static void tell_initial(struct stream *s, uint64_t asked)
{
    struct sim *sim = s->process->sim;
    char text[24];
    bool any = sim_query_get(&s->query, "resourceVersion", text, sizeof(text)) && str_equal(text, "0");
    uint64_t rv = sim_store_rv(sim->store), oldest = any ? sim_store_oldest(sim->store) : asked;
    if ((any || asked) && oldest < rv && oldest >= sim_store_oldest(sim->store) && sim_strikes(sim, sim->weather.list_stale))
        rv = oldest + sim_below(sim, rv - oldest + 1);
    const char *ns = str_empty(s->query.ns) ? NULL : s->query.ns;
    json_auto_t *list = sim_store_list(sim->store, s->query.resource, ns, rv);
    begin_after(s, rv);
    sim_promise_lists(sim->promise, s->process, s->query.resource);
    size_t i;
    json_t *object;
    json_array_foreach(list, i, object)
    {
        if (s->open && sim_query_selects(&s->query, object))
            tell(s, types[SIM_ADDED], object);
    }
    if (s->open)
        bookmark(s, rv, true);
}

static void opened(void *userdata)
{
    struct stream *s = userdata;
    struct sim *sim = s->process->sim;
    uint64_t rv = (uint64_t)number(s, "resourceVersion");
    bool initial = number(s, "sendInitialEvents") || strstr(s->query.parameters, "sendInitialEvents=true");
    if (s->open && rv && rv < sim_store_oldest(sim->store))
        end(s, ERROR_GONE);
    else if (s->open) {
        s->up = true;
        if (s->handlers.on_open)
            s->handlers.on_open(s->userdata);
        begin_after(s, rv);
        if (initial)
            tell_initial(s, rv);
        if (s->open && s->next < sim_store_changes(sim->store, s->query.resource))
            pump_at(s, lag(sim));
        if (s->open) {
            post(s, sim_now(sim) + number(s, "timeoutSeconds") * USEC_SEC, end_ordinary);
            post(s, sim_now(sim) + sim_between(sim, 1, BOOKMARK_EVERY), bookmark_regularly);
        }
    }
    release(s);
}

static void refused(void *userdata)
{
    struct stream *s = userdata;
    static const enum error_class classes[] = {ERROR_TOO_MANY, ERROR_UNAVAILABLE, ERROR_TIMEOUT, ERROR_GONE};
    end(s, classes[sim_below(s->process->sim, array_len(classes))]);
    release(s);
}

struct world_stream *sim_stream_open(struct world *w, const char *path, usec_t silent_after,
                                     const struct world_stream_handlers *handlers, void *userdata)
{
    struct sim_process *p = sim_process_of(w);
    struct stream *s = mem_new(struct stream);
    *s = (struct stream){
        .base.world = w,
        .process = p,
        .path = mem_strdup(path),
        .handlers = *handlers,
        .userdata = userdata,
        .silent_after = silent_after ? silent_after : SILENT_AFTER,
        .open = true,
        .holders = 1,
    };
    sim_query_parse(s->path, &s->query);
    p->sim->stats.requests++;
    list_append(&p->streams, &s->node);
    bool bad = sim_strikes(p->sim, p->sim->weather.server_error + p->sim->weather.too_many);
    post(s, lag(p->sim), bad ? refused : opened);
    return &s->base;
}

void sim_stream_close(struct world_stream *stream)
{
    struct stream *s = (struct stream *)(void *)stream;
    if (!s->open)
        return;
    s->open = false;
    list_remove(&s->node);
    release(s);
}

void sim_streams_cancel(struct sim_process *p)
{
    while (!list_empty(&p->streams))
        end(list_entry(p->streams.next, struct stream, node), ERROR_CANCELLED);
}

void sim_streams_notify(struct sim *sim, const struct sim_resource *r)
{
    for (int i = 0; i < SIM_PROCESSES; i++) {
        struct sim_process *p = sim->processes[i];
        for (struct list *n = p ? p->streams.next : NULL; n && n != &p->streams; n = n->next) {
            struct stream *s = list_entry(n, struct stream, node);
            if (s->query.resource == r && s->up)
                pump_at(s, lag(sim));
        }
    }
}

void sim_streams_mend(struct sim *sim)
{
    sim_store_compact(sim->store); /* for those that are on their way to be opened again */
    for (int i = 0; i < SIM_PROCESSES; i++) {
        struct sim_process *p = sim->processes[i];
        for (struct list *n = p ? p->streams.next : NULL; n && n != &p->streams; n = n->next) {
            struct stream *s = list_entry(n, struct stream, node);
            if (s->up)
                post(s, sim_now(sim) + sim_delay(sim), end_gone);
        }
    }
}

#include "shell/reflector.h"

#include "base/str.h"
#include "shell/backoff.h"
#include "shell/path.h"
#include "shell/reflector_path.h"
#include "shell/rv.h"

#define LIST_LIMIT           500
#define LIST_LIMIT_LEDGER    8 /* segments have up to 512 KiB */
#define LIST_TIMEOUT         (60 * USEC_SEC)
#define WATCH_SILENCE        (150 * USEC_SEC)  /* bookmarks come about once a minute */
#define STREAM_LIST_PATIENCE (30 * USEC_SEC)   /* between two objects of a streaming list, before it is tried by pages */
#define NUDGE_SPREAD         (200 * USEC_MSEC) /* over which those that were told that the server answers again come */
#define VERY_SHORT           USEC_SEC          /* a watch that ends sooner and brought nothing is a failure: a broken proxy */
#define HEALTHY              (2 * USEC_MINUTE)

enum reflector_state {
    REFLECTOR_IDLE,           /* not run yet */
    REFLECTOR_WAITING,        /* the alarm leads on */
    REFLECTOR_STREAMING_LIST, /* a watch that begins with everything there is */
    REFLECTOR_LISTING,        /* pages */
    REFLECTOR_WATCHING,
};

/* What the alarm leads to. */
enum reflector_next { NEXT_LIST, NEXT_WATCH };

/* Which version a list must at least have. */
enum list_from {
    FROM_NEWEST, /* unset: a consistent read, for which the server may wait 100 ms (its progressRequestPeriod) */
    FROM_LAST,   /* not older than what was seen */
    FROM_ANY,    /* "0": what the server has at hand */
};

struct request {                 /* an open list request; outlives its reflector */
    struct reflector *reflector; /* NULL: it is gone */
};

struct reflector {
    struct world *world;
    struct store *store;
    struct reflector_scope scope;
    reflector_problem_fn *problem;
    void (*on_synced)(void *userdata);
    void *userdata;

    enum reflector_state state;
    enum reflector_next next;
    enum list_from from;
    bool no_streaming_list; /* the server said that it has none */
    bool pages_once;        /* the streaming list failed: the next list goes by pages */
    bool synced, fresh;     /* fresh: a list was complete that began after reflector_refresh() */
    bool refresh_next;      /* once the list under way is complete */
    struct alarm alarm;
    struct backoff backoff;
    usec_t not_before, waits_until; /* WAITING: no earlier than the server asked for, and no later than this */
    enum error_class told;

    struct world_stream *stream;
    struct request *request;
    unsigned list; /* the store's number of the list that is being read */
    char *continue_token;
    char rv[RV_SIZE]; /* where the next watch begins */
    usec_t opened_at;
    uint64_t events; /* of this stream */
    struct reflector_stats stats;
};

static void reflector_list(struct reflector *r);
static void reflector_watch(struct reflector *r);

/* ── waiting ── */

static void reflector_step(void *userdata)
{
    struct reflector *r = userdata;
    if (r->state == REFLECTOR_STREAMING_LIST) {
        world_stream_close(mem_take(r->stream));
        r->pages_once = true;
        reflector_list(r);
    } else if (r->next == NEXT_WATCH)
        reflector_watch(r);
    else
        reflector_list(r);
}

static void tell(struct reflector *r, const struct error *err)
{
    if (r->told == err->class)
        return;
    r->told = err->class;
    if (r->problem)
        r->problem(r->userdata, r->scope.kind, r->scope.ns, err);
}

static void wait_and(struct reflector *r, enum reflector_next next, const struct error *err)
{
    usec_t now = world_now(r->world), wait = backoff_next(&r->backoff, now, world_random(r->world));
    r->not_before = now;
    if (err) {
        r->stats.problems++;
        r->not_before = now + err->retry_after_ms * USEC_MSEC;
    }
    r->waits_until = usec_max(now + wait, r->not_before);
    r->state = REFLECTOR_WAITING;
    r->next = next;
    alarm_set(&r->alarm, r->waits_until);
}

static void at_once(struct reflector *r, enum reflector_next next)
{
    r->state = REFLECTOR_WAITING;
    r->next = next;
    r->waits_until = world_now(r->world);
    alarm_set(&r->alarm, r->waits_until);
}

/* ── what came ── */

static void list_done(struct reflector *r, const char *rv)
{
    if (!str_empty(rv))
        str_copy(r->rv, sizeof(r->rv), rv);
    store_sweep(r->store, r->scope.kind, str_empty(r->scope.ns) ? NULL : r->scope.ns, r->list, rv);
    bool newest = r->from == FROM_NEWEST, news = !r->synced || (newest && !r->fresh);
    r->synced = true;
    r->fresh |= newest;
    r->from = FROM_LAST;
    r->pages_once = false;
    tell(r, &(struct error){0});
    if (news && r->on_synced)
        r->on_synced(r->userdata);
    bool refresh = r->refresh_next && !newest;
    r->refresh_next = false;
    if (refresh)
        reflector_refresh(r);
}

static void take_object(struct reflector *r, const json_t *object)
{
    const json_t *metadata = json_object_get(object, "metadata");
    struct key key = key_of(r->scope.kind, json_str(metadata, "namespace", ""), json_str(metadata, "name", ""));
    store_put(r->store, r->scope.kind, object);
    store_mark(r->store, &key, r->list);
}

/* The version that a list must at least have; "": the newest. */
static const char *from_rv(const struct reflector *r)
{
    static const char *const fixed[] = {[FROM_NEWEST] = "", [FROM_ANY] = "0"};
    return r->from == FROM_LAST ? r->rv : fixed[r->from];
}

/* ── the list by pages ── */

static void on_page(void *userdata, const struct world_reply *reply)
{
    struct request *request = userdata;
    struct reflector *r = request->reflector;
    free(request);
    if (!r)
        return;
    r->request = NULL;
    if (reply->err.class == ERROR_GONE) {
        /* The continue token or the version is too old: everything, newest, from the start. */
        free(mem_take(r->continue_token));
        r->from = FROM_NEWEST;
        r->pages_once = true;
        wait_and(r, NEXT_LIST, &reply->err);
        return;
    }
    if (reply->err.class != ERROR_NONE) {
        if (reply->err.class != ERROR_CANCELLED) {
            tell(r, &reply->err);
            r->from = reply->err.class == ERROR_TIMEOUT ? FROM_NEWEST : r->from; /* "Too large resource version" is of this class */
            wait_and(r, NEXT_LIST, &reply->err);
        }
        return;
    }
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(reply->body, "items"), i, item) take_object(r, item);
    free(r->continue_token);
    const char *token = json_str(reply->body, "metadata.continue", "");
    r->continue_token = str_empty(token) ? NULL : mem_strdup(token);
    if (r->continue_token) {
        reflector_list(r);
        return;
    }
    list_done(r, json_str(reply->body, "metadata.resourceVersion", ""));
    at_once(r, NEXT_WATCH);
}

static void list_page(struct reflector *r)
{
    auto_buf struct buf path;
    buf_init(&path, PATH_MAX_SIZE);
    if (r->from == FROM_ANY)
        r->from = FROM_NEWEST; /* of "0" the server gives everything at once, however few are asked for */
    reflector_path_page(&path, &r->scope, r->scope.kind == KIND_LEDGER ? LIST_LIMIT_LEDGER : LIST_LIMIT, r->continue_token,
                        from_rv(r));
    if (!r->continue_token) {
        r->list = store_list_begin(r->store);
        r->stats.lists++;
    }
    r->state = REFLECTOR_LISTING;
    r->request = mem_new(struct request);
    r->request->reflector = r;
    struct world_request request = {.method = "GET", .path = buf_str(&path), .timeout = LIST_TIMEOUT};
    world_api(r->world, &request, on_page, r->request);
}

/* ── streams ── */

static bool initial_events_end(const json_t *object)
{
    const json_t *annotations = json_at(object, "metadata.annotations");
    return str_equal(json_string_value(json_object_get(annotations, "k8s.io/initial-events-end")), "true");
}

static void take_event(struct reflector *r, const char *type, json_t *object)
{
    const json_t *metadata = json_object_get(object, "metadata");
    const char *rv = json_str(metadata, "resourceVersion", "");
    if (str_equal(type, "BOOKMARK")) {
        r->stats.bookmarks++;
        if (r->state == REFLECTOR_STREAMING_LIST && initial_events_end(object)) {
            r->state = REFLECTOR_WATCHING;
            alarm_clear(&r->alarm);
            list_done(r, rv);
        }
    } else if (str_equal(type, "DELETED")) {
        struct key key = key_of(r->scope.kind, json_str(metadata, "namespace", ""), json_str(metadata, "name", ""));
        if (r->scope.kind == KIND_POD)
            take_object(r, object); /* its last version says whether its containers have ended */
        store_remove(r->store, &key, json_str(metadata, "uid", ""), rv);
    } else if (str_equal(type, "ADDED") || str_equal(type, "MODIFIED"))
        take_object(r, object);
    /* The first events of a streaming list are not in the order of versions. */
    if (r->state == REFLECTOR_WATCHING && !str_empty(rv))
        str_copy(r->rv, sizeof(r->rv), rv);
}

static void on_event(void *userdata, const char *type, json_t *object)
{
    struct reflector *r = userdata;
    r->events++;
    r->stats.events++;
    tell(r, &(struct error){0});
    if (r->state == REFLECTOR_STREAMING_LIST)
        alarm_set(&r->alarm, world_now(r->world) + STREAM_LIST_PATIENCE);
    take_event(r, type, object);
}

/* One switch: what the end of a stream means. */
static void on_end(void *userdata, const struct error *err)
{
    struct reflector *r = userdata;
    bool listing = r->state == REFLECTOR_STREAMING_LIST;
    usec_t lasted = world_now(r->world) - r->opened_at;
    r->stream = NULL;
    alarm_clear(&r->alarm);
    if (lasted > HEALTHY)
        backoff_reset(&r->backoff);
    if (listing)
        r->pages_once = true; /* any failure of the streaming list: the plain one is tried */
    switch (err->class) {
    case ERROR_NONE:
        if (listing)
            at_once(r, NEXT_LIST);
        else if (lasted < VERY_SHORT && !r->events)
            wait_and(r, NEXT_WATCH, NULL);
        else
            at_once(r, NEXT_WATCH);
        return;
    case ERROR_GONE:
        /* First not older than what was seen; where that is too old as well, the newest. */
        if (listing)
            r->from = FROM_NEWEST;
        if (listing || lasted < VERY_SHORT)
            wait_and(r, NEXT_LIST, NULL);
        else
            at_once(r, NEXT_LIST);
        return;
    case ERROR_TOO_MANY:
    case ERROR_UNAVAILABLE:
    case ERROR_TIMEOUT:
        if (listing)
            /* Nobody is there: it would fare no better by pages. 500 is also what a server says that cannot do this kind of list, for the
             * version of its etcd (apiserver storage/cacher: "required storage feature … is disabled"). */
            r->pages_once = err->class == ERROR_TIMEOUT || err->http_status == 500;
        if (listing || (lasted < VERY_SHORT && !r->events))
            tell(r, err); /* nobody is there; a stream that breaks after a while is no news */
        wait_and(r, listing ? NEXT_LIST : NEXT_WATCH, err);
        return;
    case ERROR_INVALID:
        if (listing)
            r->no_streaming_list = true;
        r->from = FROM_NEWEST;
        if (listing)
            at_once(r, NEXT_LIST);
        else
            wait_and(r, NEXT_LIST, err);
        return;
    case ERROR_NOT_FOUND:
    case ERROR_FORBIDDEN:
        r->pages_once = false;
        tell(r, err);
        wait_and(r, NEXT_LIST, err);
        return;
    case ERROR_CANCELLED:
        return; /* the world ends */
    case ERROR_CONFLICT:
    case ERROR_EXISTS:
    case ERROR_INTERNAL:
        wait_and(r, NEXT_LIST, err);
        return;
    }
}

/* A watch that is answered is well again, though nothing may happen there for long. */
static void on_open(void *userdata)
{
    struct reflector *r = userdata;
    if (r->state == REFLECTOR_WATCHING)
        tell(r, &(struct error){0});
}

static const struct world_stream_handlers stream_handlers = {.on_open = on_open, .on_event = on_event, .on_end = on_end};

static void stream_open(struct reflector *r, const struct buf *path)
{
    r->opened_at = world_now(r->world);
    r->events = 0;
    r->stats.watches++;
    r->stream = world_watch(r->world, buf_str(path), WATCH_SILENCE, &stream_handlers, r);
}

static void list_stream(struct reflector *r)
{
    auto_buf struct buf path;
    buf_init(&path, PATH_MAX_SIZE);
    reflector_path_list(&path, &r->scope, from_rv(r), world_random(r->world));
    r->state = REFLECTOR_STREAMING_LIST;
    r->list = store_list_begin(r->store);
    r->stats.lists++;
    alarm_set(&r->alarm, world_now(r->world) + STREAM_LIST_PATIENCE);
    stream_open(r, &path);
}

static void reflector_list(struct reflector *r)
{
    if (r->continue_token || r->no_streaming_list || r->pages_once)
        list_page(r);
    else
        list_stream(r);
}

static void reflector_watch(struct reflector *r)
{
    auto_buf struct buf path;
    buf_init(&path, PATH_MAX_SIZE);
    reflector_path_watch(&path, &r->scope, r->rv, world_random(r->world));
    r->state = REFLECTOR_WATCHING;
    stream_open(r, &path);
}

/* ── life ── */

struct reflector *reflector_new(struct world *world, struct alarms *alarms, struct store *store,
                                const struct reflector_options *options)
{
    struct reflector *r = mem_new(struct reflector);
    *r = (struct reflector){
        .world = world,
        .store = store,
        .scope = {.kind = options->kind, .ns = mem_strdup(options->ns ? options->ns : "")},
        .problem = options->problem,
        .on_synced = options->synced,
        .userdata = options->userdata,
        .backoff = {.first = 800 * USEC_MSEC, .cap = 30 * USEC_SEC, .reset_after = HEALTHY},
    };
    alarm_init(&r->alarm, alarms, reflector_step, r);
    return r;
}

void reflector_free(struct reflector *r)
{
    if (!r)
        return;
    alarm_clear(&r->alarm);
    world_stream_close(r->stream);
    if (r->request)
        r->request->reflector = NULL;
    free(r->continue_token);
    free(r->scope.ns);
    free(r);
}

void reflector_run(struct reflector *r, bool any_version)
{
    r->from = any_version ? FROM_ANY : FROM_NEWEST;
    at_once(r, NEXT_LIST);
}

void reflector_nudge(struct reflector *r)
{
    usec_t soon = usec_max(world_now(r->world) + (usec_t)(world_random(r->world) % NUDGE_SPREAD), r->not_before);
    if (r->state != REFLECTOR_WAITING || soon >= r->waits_until)
        return;
    backoff_reset(&r->backoff);
    r->waits_until = soon;
    alarm_set(&r->alarm, soon);
}

void reflector_refresh(struct reflector *r)
{
    r->fresh = false;
    if (r->state == REFLECTOR_STREAMING_LIST && r->from == FROM_ANY) {
        r->refresh_next = true; /* a matter of milliseconds, and there is something to show then */
        return;
    }
    r->from = FROM_NEWEST;
    world_stream_close(mem_take(r->stream));
    if (r->request) {
        r->request->reflector = NULL;
        r->request = NULL;
    }
    free(mem_take(r->continue_token));
    at_once(r, NEXT_LIST);
}

bool reflector_synced(const struct reflector *r)
{
    return r->synced;
}

bool reflector_fresh(const struct reflector *r)
{
    return r->fresh;
}

struct reflector_stats reflector_stats(const struct reflector *r)
{
    return r->stats;
}

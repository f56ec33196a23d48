#include "kube/watch.h"
#include "world/real_internal.h"

#define SILENT_AFTER (150 * USEC_SEC) /* bookmarks come about once a minute */

/* ── one request ── */

struct ask {
    struct list node;
    struct real *real;
    struct client_call *call;
    world_reply_fn *done;
    bool (*may_send)(void *userdata);
    void *userdata;
};

static void answer(struct ask *a, const struct world_reply *reply)
{
    list_remove(&a->node);
    a->done(a->userdata, reply);
    free(a);
}

static void on_reply(void *userdata, const struct client_reply *r)
{
    answer(userdata, &(struct world_reply){.err = r->err, .status = r->status, .body = r->body});
}

static bool may_send(void *userdata)
{
    const struct ask *a = userdata;
    return a->may_send(a->userdata);
}

void real_api(struct world *w, const struct world_request *request, world_reply_fn *done, void *userdata)
{
    struct real *r = real_of(w);
    struct ask *a = mem_new(struct ask);
    a->real = r;
    a->done = done;
    a->may_send = request->may_send;
    a->userdata = userdata;
    list_append(&r->asks, &a->node);
    if (r->freeing)
        return;
    struct client_request c = {
        .method = request->method,
        .path = request->path,
        .content_type = request->content_type,
        .accept = request->accept,
        .body = request->body,
        .timeout = request->timeout,
        .urgent = request->urgent,
        .behind = request->behind,
        .may_send = request->may_send ? may_send : NULL,
    };
    a->call = client_send(r->client, &c, on_reply, a);
}

/* ── a stream ── */

struct stream {
    struct world_stream base;
    struct list node;
    struct watch *watch;
    unsigned long skipped; /* as far as the world has counted them */
    bool ended;            /* its on_end is running */
    struct world_stream_handlers handlers;
    void *userdata;
};

static void count_skipped(struct stream *s)
{
    unsigned long skipped = watch_skipped(s->watch);
    real_of(s->base.world)->skipped += skipped - s->skipped;
    s->skipped = skipped;
}

static void stream_end(struct stream *s, const struct error *err)
{
    s->ended = true;
    s->watch = NULL;
    list_remove(&s->node);
    if (s->handlers.on_end)
        s->handlers.on_end(s->userdata, err);
    free(s);
}

static void on_open(void *userdata)
{
    struct stream *s = userdata;
    if (s->handlers.on_open)
        s->handlers.on_open(s->userdata);
}

static void on_event(void *userdata, const char *type, json_t *object)
{
    struct stream *s = userdata;
    count_skipped(s);
    s->handlers.on_event(s->userdata, type, object); /* may close the stream */
}

static void on_end(void *userdata, const struct error *err)
{
    struct stream *s = userdata;
    count_skipped(s);
    stream_end(s, err);
}

struct world_stream *real_watch(struct world *w, const char *path, usec_t silent_after,
                                const struct world_stream_handlers *handlers, void *userdata)
{
    static const struct watch_handlers watch_handlers = {.on_open = on_open, .on_event = on_event, .on_end = on_end};
    struct real *r = real_of(w);
    struct stream *s = mem_new(struct stream);
    s->base.world = w;
    s->handlers = *handlers;
    s->userdata = userdata;
    list_append(&r->streams, &s->node);
    if (!r->freeing)
        s->watch = watch_start(r->client, path, silent_after ? silent_after : SILENT_AFTER, &watch_handlers, s);
    return &s->base;
}

void real_stream_close(struct world_stream *stream)
{
    struct stream *s = (struct stream *)stream; /* base is its first member */
    if (s->ended)
        return;
    if (s->watch)
        count_skipped(s);
    watch_free(s->watch);
    list_remove(&s->node);
    free(s);
}

void real_api_cancel_all(struct real *r, const struct error *err)
{
    while (!list_empty(&r->asks)) {
        struct ask *a = list_entry(r->asks.next, struct ask, node);
        client_cancel(a->call);
        answer(a, &(struct world_reply){.err = *err});
    }
    while (!list_empty(&r->streams)) {
        struct stream *s = list_entry(r->streams.next, struct stream, node);
        watch_free(s->watch);
        stream_end(s, err);
    }
}

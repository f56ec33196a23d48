#include "kube/watch.h"

#include "base/str.h"
#include "kube/frames.h"
#include "kube/status.h"

#define VERY_SHORT USEC_SEC

struct watch {
    struct client *client;
    struct watch_handlers handlers;
    void *userdata;
    char *path;
    usec_t silence, opened;
    struct http_call *http; /* NULL: none any more */
    int status;
    bool again; /* started for the second time, after a 401 */
    struct frames frames;
    struct buf refusal; /* the body of an answer that is not 2xx */
    struct error err;   /* of an ERROR event */
    unsigned busy;      /* callbacks of ours on the stack */
    bool freed;
};

static const struct http_handlers stream_handlers;

static void destroy(struct watch *w)
{
    http_cancel(w->http);
    frames_done(&w->frames);
    buf_done(&w->refusal);
    free(w->path);
    free(w);
}

void watch_free(struct watch *w)
{
    if (!w || w->freed)
        return;
    if (!w->busy) {
        destroy(w);
        return;
    }
    w->freed = true;
    http_cancel(w->http);
    w->http = NULL;
}

static void enter(struct watch *w)
{
    w->busy++;
}

/* False: the watch is gone. */
static bool leave(struct watch *w)
{
    w->busy--;
    if (!w->freed)
        return true;
    if (!w->busy)
        destroy(w);
    return false;
}

static void end(struct watch *w, const struct error *err)
{
    http_cancel(w->http);
    w->http = NULL;
    struct error copy = *err;
    enter(w);
    w->handlers.on_end(w->userdata, &copy);
    w->freed = true;
    leave(w);
}

static bool accepted(const struct watch *w)
{
    return w->status >= 200 && w->status <= 299;
}

static void on_open(void *userdata, int status)
{
    struct watch *w = userdata;
    w->status = status;
    w->opened = time_monotonic();
    if (!accepted(w) || !w->handlers.on_open)
        return;
    enter(w);
    w->handlers.on_open(w->userdata);
    leave(w);
}

/* False: deliver nothing more. */
static bool on_event(void *userdata, const char *type, json_t *object)
{
    struct watch *w = userdata;
    if (str_equal(type, "ERROR")) {
        status_error_json(object, 0, NULL, &w->err);
        return false;
    }
    w->handlers.on_event(w->userdata, type, object);
    return !w->freed;
}

static void on_data(void *userdata, const void *bytes, size_t n)
{
    struct watch *w = userdata;
    if (!accepted(w)) {
        if (w->refusal.len < STATUS_BODY_MAX)
            buf_append(&w->refusal, bytes, n < STATUS_BODY_MAX - w->refusal.len ? n : STATUS_BODY_MAX - w->refusal.len);
        return;
    }
    enter(w);
    struct error err = {0};
    frames_feed(&w->frames, bytes, n, &err);
    if (!leave(w))
        return;
    if (err.class == ERROR_NONE)
        err = w->err;
    if (err.class != ERROR_NONE)
        end(w, &err);
}

static void on_done(void *userdata, const struct http_reply *reply)
{
    struct watch *w = userdata;
    w->http = NULL;
    if (reply->err.class != ERROR_NONE) {
        struct error err = reply->err;
        error_wrap(&err, "watch %.*s", (int)strcspn(w->path, "?"), w->path);
        end(w, &err);
        return;
    }
    struct error err = {0};
    if (w->status == 401 && !w->again && client_refused(w->client)) {
        w->again = true;
        w->status = 0;
        buf_reset(&w->refusal);
        w->http = client_stream(w->client, w->path, w->silence, &stream_handlers, w);
        return;
    }
    if (!accepted(w)) {
        char retry_after[32];
        bool wait = http_reply_header(reply, "Retry-After", retry_after, sizeof retry_after);
        status_error(w->status, wait ? retry_after : NULL, buf_str(&w->refusal), w->refusal.len, &err);
        end(w, &err);
        return;
    }
    enter(w);
    frames_end(&w->frames, &err);
    if (!leave(w))
        return;
    if (err.class == ERROR_NONE)
        err = w->err;
    if (err.class == ERROR_NONE && !w->frames.events && time_monotonic() - w->opened < VERY_SHORT)
        error_set(&err, ERROR_UNAVAILABLE, "very short watch: over within a second and without an event");
    end(w, &err);
}

static const struct http_handlers stream_handlers = {.on_open = on_open, .on_data = on_data, .on_done = on_done};

struct watch *watch_start(struct client *c, const char *path, usec_t silence, const struct watch_handlers *handlers, void *userdata)
{
    struct watch *w = mem_new(struct watch);
    w->client = c;
    w->handlers = *handlers;
    w->userdata = userdata;
    w->path = mem_strdup(path);
    w->silence = silence;
    frames_init(&w->frames, on_event, w);
    buf_init(&w->refusal, STATUS_BODY_MAX);
    w->http = client_stream(c, path, silence, &stream_handlers, w);
    return w;
}

unsigned long watch_skipped(const struct watch *w)
{
    return w->frames.skipped;
}

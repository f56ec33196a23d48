#include "net/ws_private.h"

#include "base/str.h"

#define CONNECT_TIMEOUT (10 * USEC_SEC)
#define PING_EVERY      (5 * USEC_SEC)
#define DEAD_AFTER      (10 * USEC_SEC)
#define PING_LEAST      (50 * USEC_MSEC)
#define SIZE_DEFAULT    ((size_t)1 << 20)

/* ── ending ── */

/* Lets go of libwebsockets' half. Inside a callback of it, that callback's return value ends it. */
void ws_detach(struct ws *w)
{
    struct lws *wsi = w->wsi;
    if (!wsi)
        return;
    w->wsi = NULL;
    lws_set_opaque_user_data(wsi, NULL);
    if (w->inside == 0)
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
}

static void drop_queue(struct ws *w)
{
    while (w->first) {
        struct ws_message *m = w->first;
        w->first = m->next;
        free(m);
    }
    w->last = &w->first;
    w->queued = 0;
}

/* The end is told by the timer, so that on_close never runs under libwebsockets or under a call of ours. */
void ws_end(struct ws *w)
{
    if (w->state == WS_CLOSED)
        return;
    w->state = WS_CLOSED;
    ws_detach(w);
    drop_queue(w);
    timer_at(w->timer, 0);
}

static void release(struct ws *w)
{
    ws_context_unref(w->context);
    drop_queue(w);
    buf_done(&w->message);
    strlist_done(&w->headers);
    tls_done(&w->tls);
    free(w->target);
    free(w->protocol);
    free(w);
}

void ws_free(struct ws *w)
{
    if (!w)
        return;
    w->state = WS_CLOSED;
    ws_detach(w);
    timer_free(w->timer);
    if (w->lookup) {
        w->lookup->ws = NULL;
        uv_cancel((uv_req_t *)&w->lookup->request); /* it may be under way: then its callback frees it later */
        w->lookup = NULL;
    }
    if (w->inside > 0)
        w->freed = true;
    else
        release(w);
}

void ws_enter(struct ws *w)
{
    w->inside++;
}

/* What the callback returns to libwebsockets: -1 closes the connection. */
int ws_leave(struct ws *w)
{
    w->inside--;
    int r = w->state == WS_CLOSED ? -1 : 0;
    if (w->freed && w->inside == 0)
        release(w);
    return r;
}

/* ── the state's timer ── */

static void ping_or_give_up(struct ws *w)
{
    usec_t now = time_monotonic();
    if (now - w->last_sign >= w->dead_after) {
        error_set(&w->close.err, ERROR_UNAVAILABLE, "%s gave no sign of life for %lld ms, pings included", w->url.host,
                  (long long)((now - w->last_sign) / USEC_MSEC));
        ws_end(w);
        return;
    }
    if (now >= w->next_ping) {
        w->ping_due = true;
        w->next_ping = now + w->ping_every;
        lws_callback_on_writable(w->wsi);
    }
    timer_at(w->timer, usec_min(w->next_ping, w->last_sign + w->dead_after));
}

static void timer_due(void *userdata)
{
    struct ws *w = userdata;
    switch (w->state) {
    case WS_RESOLVING:
        error_set(&w->close.err, ERROR_TIMEOUT, "look up %s: no answer within the time allowed",
                  w->proxy.host[0] ? w->proxy.host : w->url.host);
        ws_end(w);
        break;
    case WS_CONNECTING:
        if (w->wsi) {
            ws_detach(w);
            error_clear(&w->close.err);
        }
        ws_connect_next(w);
        break;
    case WS_OPEN:
        ping_or_give_up(w);
        break;
    case WS_CLOSED: {
        struct ws_close close = w->close;
        if (w->handlers.on_close)
            w->handlers.on_close(w->userdata, &close);
        break;
    }
    }
}

/* ── the outside ── */

static int headers_copy(struct ws *w, const struct strlist *headers, struct error *err)
{
    size_t total = 0;
    for (size_t i = 0; headers && i < headers->count; i++) {
        const char *line = headers->items[i], *colon = strchr(line, ':');
        if (!colon || colon == line || colon - line > 100 || strpbrk(line, "\r\n"))
            return error_set(err, ERROR_INVALID, "a request header is malformed");
        total += strlen(line) + 4;
        strlist_add(&w->headers, line);
    }
    if (total > WS_HEADERS_MAX)
        return error_set(err, ERROR_INVALID, "the request's headers have %zu bytes; at most %zu can be sent", total,
                         WS_HEADERS_MAX);
    return 0;
}

static int options_take(struct ws *w, const struct ws_options *o, struct error *err)
{
    if (url_parse(o->url, &w->url, err) < 0)
        return -1;
    if (strlen(w->url.rest) > WS_TARGET_MAX)
        return error_set(err, ERROR_INVALID, "the request's path and query have %zu bytes; at most %zu can be sent",
                         strlen(w->url.rest), WS_TARGET_MAX);
    w->target = mem_printf("%s%s", w->url.rest[0] == '/' ? "" : "/", w->url.rest);
    w->url.rest = w->target;
    if (headers_copy(w, o->headers, err) < 0 || proxy_decide(o->proxy, w->url.https, w->url.host, &w->proxy, err) < 0)
        return -1;
    w->protocol = mem_strdup(o->protocol);
    if (o->tls)
        tls_copy(&w->tls, o->tls);
    w->ping_every = o->ping_every ? usec_max(o->ping_every, PING_LEAST) : PING_EVERY;
    w->dead_after = o->dead_after ? usec_max(o->dead_after, w->ping_every + PING_LEAST) : DEAD_AFTER;
    w->queue_max = o->queue_max ? o->queue_max : SIZE_DEFAULT;
    buf_init(&w->message, o->message_max ? o->message_max : SIZE_DEFAULT);
    return 0;
}

struct ws *ws_open(struct loop *loop, const struct ws_options *options, const struct ws_handlers *handlers, void *userdata,
                   struct error *err)
{
    struct ws *w = mem_new(struct ws);
    w->loop = loop;
    w->handlers = *handlers;
    w->userdata = userdata;
    w->last = &w->first;
    if (options_take(w, options, err) < 0) {
        release(w);
        return NULL;
    }
    w->deadline = time_monotonic() + (options->connect_timeout ? options->connect_timeout : CONNECT_TIMEOUT);
    w->timer = timer_new(loop, timer_due, w);
    timer_at(w->timer, w->deadline);
    ws_resolve(w);
    return w;
}

bool ws_send(struct ws *w, const void *head, size_t head_length, const void *body, size_t body_length)
{
    size_t length = head_length + body_length;
    if (w->state != WS_OPEN || length > w->queue_max || w->queued > w->queue_max - length)
        return false;
    struct ws_message *m = mem_alloc(sizeof(*m) + LWS_PRE + length);
    m->length = length;
    if (head_length)
        memcpy(m->bytes + LWS_PRE, head, head_length);
    if (body_length)
        memcpy(m->bytes + LWS_PRE + head_length, body, body_length);
    *w->last = m;
    w->last = &m->next;
    w->queued += length;
    lws_callback_on_writable(w->wsi);
    return true;
}

size_t ws_queued(const struct ws *w)
{
    return w->queued;
}

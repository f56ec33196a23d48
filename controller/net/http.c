#include "net/http.h"

#include "base/str.h"
#include "net/http_call.h"
#include "net/multi.h"

#include <strings.h>

#define BODY_MAX_DEFAULT   ((size_t)64 << 10)
#define STREAM_PENDING_MAX ((size_t)64 << 20) /* libcurl hands over far less before it lets the loop turn */
#define STREAM_KEEP_MAX    ((size_t)4 << 10)  /* a larger buffer is given back once delivered */

/* The connections made while trust and identity were the same. */
struct http_generation {
    struct multi *multi;
    unsigned users;
    struct list node; /* in retired */
};

struct http {
    struct loop *loop;
    struct http_generation *current;
    struct list retired; /* replaced, but not yet without users */
    struct list calls;
    struct list ready; /* calls with something to deliver */
    struct timer *deliver;
};

static void turn(void *userdata);
static void deliver(void *userdata);

/* ── generations ── */

static struct http_generation *generation_new(struct http *h)
{
    struct http_generation *g = mem_new(struct http_generation);
    list_init(&g->node);
    g->multi = multi_new(h->loop, turn, h);
    return g;
}

static void generation_free(struct http_generation *g)
{
    list_remove(&g->node);
    multi_free(g->multi);
    free(g);
}

static void sweep_retired(struct http *h)
{
    for (struct list *at = h->retired.next, *next; at != &h->retired; at = next) {
        next = at->next;
        struct http_generation *g = list_entry(at, struct http_generation, node);
        if (!g->users)
            generation_free(g);
    }
}

void http_drop_connections(struct http *h)
{
    list_append(&h->retired, &h->current->node);
    h->current = generation_new(h);
    timer_at(h->deliver, 0); /* sweeps: not from here, a callback of that very generation may be running */
}

struct http *http_new(struct loop *l)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    struct http *h = mem_new(struct http);
    h->loop = l;
    list_init(&h->retired);
    list_init(&h->calls);
    list_init(&h->ready);
    h->current = generation_new(h);
    h->deliver = timer_new(l, deliver, h);
    return h;
}

/* libcurl gives up a shared call at its time limit, but keeps the connection for the others, and for the next ones. If that is what
 * hangs, they would all wait for their time limits. */
static void suspect_connection(struct http_call *c)
{
    if (c->shared && c->generation == c->http->current)
        http_drop_connections(c->http);
}

/* ── calls ── */

/* Takes the call away from libcurl. Never called from inside libcurl. */
static void call_detach(struct http_call *c)
{
    if (c->generation) {
        multi_remove(c->generation->multi, c->easy);
        c->generation->users--;
        c->generation = NULL;
    }
    if (c->easy)
        curl_easy_cleanup(c->easy);
    c->easy = NULL;
    timer_free(c->watchdog);
    c->watchdog = NULL;
}

static void call_free(struct http_call *c)
{
    call_detach(c);
    list_remove(&c->node);
    list_remove(&c->ready_node);
    curl_slist_free_all(c->headers);
    curl_slist_free_all(c->connect_to);
    buf_done(&c->head);
    buf_done(&c->body);
    free(c);
}

void http_call_ready(struct http_call *c)
{
    if (list_empty(&c->ready_node))
        list_append(&c->http->ready, &c->ready_node);
}

static void call_fail(struct http_call *c, const struct error *err)
{
    c->err = *err;
    c->done = true;
    http_call_ready(c);
    timer_at(c->http->deliver, 0);
}

/* Bytes only move last_byte; the timer is not touched for each of them. */
static void silence_due(void *userdata)
{
    struct http_call *c = userdata;
    usec_t due = usec_add(c->last_byte, c->silence);
    if (c->done)
        return;
    if (time_monotonic() < due) {
        timer_at(c->watchdog, due);
        return;
    }
    struct error err = {0};
    error_set(&err, ERROR_UNAVAILABLE, "not one byte for %.1f s: the connection counts as broken", (double)c->silence / USEC_SEC);
    err.http_status = c->status;
    suspect_connection(c);
    call_detach(c);
    call_fail(c, &err);
}

struct http_call *http_start(struct http *h, const struct http_request *r, const struct http_handlers *handlers, void *userdata)
{
    struct http_call *c = mem_new(struct http_call);
    c->http = h;
    c->handlers = *handlers;
    c->userdata = userdata;
    c->cut_body = r->cut_body;
    c->shared = r->shared && !r->own_connection;
    c->silence = r->silence;
    c->started = c->last_byte = time_monotonic();
    list_append(&h->calls, &c->node);
    list_init(&c->ready_node);
    buf_init(&c->head, HTTP_HEADERS_MAX);
    buf_init(&c->body, http_call_streams(c) ? STREAM_PENDING_MAX : r->max_body ? r->max_body : BODY_MAX_DEFAULT);

    struct error err = {0};
    if (http_call_prepare(c, r, &err) < 0) {
        call_fail(c, &err);
        return c;
    }
    if (!multi_add(h->current->multi, c->easy)) {
        error_set(&err, ERROR_INTERNAL, "libcurl took no request");
        call_fail(c, &err);
        return c;
    }
    c->generation = h->current;
    c->generation->users++;
    if (http_call_streams(c) && r->silence) {
        c->watchdog = timer_new(h->loop, silence_due, c);
        timer_at(c->watchdog, usec_add(c->started, c->silence));
    }
    return c;
}

void http_cancel(struct http_call *c)
{
    if (!c)
        return;
    if (!c->delivering) {
        call_free(c);
        return;
    }
    c->cancelled = true;
    call_detach(c);
}

void http_free(struct http *h)
{
    if (!h)
        return;
    while (!list_empty(&h->calls))
        call_free(list_entry(h->calls.next, struct http_call, node));
    sweep_retired(h);
    generation_free(h->current);
    timer_free(h->deliver);
    free(h);
    curl_global_cleanup();
}

/* ── delivery: libcurl is never on the stack here ── */

static void deliver_pending(struct http_call *c)
{
    if (c->open_due) {
        c->open_due = false;
        if (c->handlers.on_open)
            c->handlers.on_open(c->userdata, c->status);
    }
    if (!c->cancelled && http_call_streams(c) && c->body.len) {
        c->handlers.on_data(c->userdata, c->body.data, c->body.len);
        buf_reset(&c->body);
        if (c->body.cap > STREAM_KEEP_MAX)
            buf_shrink(&c->body);
    }
}

static void deliver_call(struct http_call *c)
{
    c->delivering = true;
    deliver_pending(c);
    if (c->done && !c->cancelled) {
        struct http_reply reply = {
            .err = c->err,
            .status = c->status,
            .body = buf_str(&c->body),
            .body_length = c->body.len,
            .head = buf_str(&c->head),
            .latency = c->latency,
        };
        if (c->handlers.on_done)
            c->handlers.on_done(c->userdata, &reply);
    }
    c->delivering = false;
    if (c->done || c->cancelled)
        call_free(c);
}

static void deliver(void *userdata)
{
    struct http *h = userdata;
    /* Only what is ready now: a callback that keeps asking must not keep the loop from turning. */
    struct list now;
    list_init(&now);
    while (!list_empty(&h->ready)) {
        struct list *node = h->ready.next;
        list_remove(node);
        list_append(&now, node);
    }
    while (!list_empty(&now)) {
        struct list *node = now.next;
        list_remove(node);
        deliver_call(list_entry(node, struct http_call, ready_node));
    }
    sweep_retired(h);
}

static void take_done(struct http_generation *g)
{
    CURL *easy;
    CURLcode code;
    while (multi_next_done(g->multi, &easy, &code)) {
        struct http_call *c = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&c);
        http_call_judge(c, code);
        if (c->err.class == ERROR_TIMEOUT)
            suspect_connection(c);
        c->done = true;
        call_detach(c);
        http_call_ready(c);
    }
}

static void turn(void *userdata)
{
    struct http *h = userdata;
    take_done(h->current);
    for (struct list *at = h->retired.next; at != &h->retired; at = at->next)
        take_done(list_entry(at, struct http_generation, node));
    deliver(h);
}

/* ── replies ── */

bool http_reply_header(const struct http_reply *r, const char *name, char *ret_value, size_t size)
{
    size_t length = strlen(name);
    for (const char *line = r->head; *line;) {
        size_t n = strcspn(line, "\r\n");
        if (n > length && line[length] == ':' && strncasecmp(line, name, length) == 0) {
            const char *from = line + length + 1, *to = line + n;
            while (from < to && (*from == ' ' || *from == '\t'))
                from++;
            while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
                to--;
            size_t value = (size_t)(to - from);
            if (value >= size)
                return false;
            memcpy(ret_value, from, value);
            ret_value[value] = '\0';
            return true;
        }
        line += n;
        line += strspn(line, "\r\n");
    }
    return false;
}

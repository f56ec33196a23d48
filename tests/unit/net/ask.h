/* tests/unit/net/ask.h — one HTTP call and what came of it; and a bench to do it on. Include after check.h. */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "fake/run.h"
#include "fake/server.h"
#include "net/http.h"

struct ask {
    struct loop *loop;
    struct http *http;
    struct http_call *call;
    bool inside; /* http_start() is running */
    bool called_inside;
    bool done, opened;
    int open_status;
    size_t pieces;
    bool cancel_on_data, cancel_on_done, cancel_on_open;
    struct buf data; /* streamed */
    struct error err;
    int status;
    char *body, *head;
    size_t body_length;
    usec_t latency;
};

static inline void ask_on_open(void *userdata, int status)
{
    struct ask *a = userdata;
    a->called_inside |= a->inside;
    a->opened = true;
    a->open_status = status;
    if (a->cancel_on_open)
        http_cancel(a->call);
}

static inline void ask_on_data(void *userdata, const void *bytes, size_t n)
{
    struct ask *a = userdata;
    a->called_inside |= a->inside;
    a->pieces++;
    buf_append(&a->data, bytes, n);
    if (a->cancel_on_data)
        http_cancel(a->call);
}

static inline void ask_on_done(void *userdata, const struct http_reply *r)
{
    struct ask *a = userdata;
    a->called_inside |= a->inside;
    a->done = true;
    a->err = r->err;
    a->status = r->status;
    a->body = mem_strndup(r->body, r->body_length);
    a->head = mem_strdup(r->head);
    a->body_length = r->body_length;
    a->latency = r->latency;
    if (a->cancel_on_done)
        http_cancel(a->call);
}

static inline void ask_start(struct ask *a, const struct http_request *r, bool stream)
{
    struct http_handlers handlers = {.on_done = ask_on_done};
    if (stream) {
        handlers.on_open = ask_on_open;
        handlers.on_data = ask_on_data;
    }
    buf_init(&a->data, (size_t)64 << 20);
    a->inside = true;
    a->call = http_start(a->http, r, &handlers, a);
    a->inside = false;
}

static inline void ask_done(struct ask *a)
{
    buf_done(&a->data);
    free(a->body);
    free(a->head);
    *a = (struct ask){0};
}

/* One server, one loop, one pool. */
struct bench {
    struct fake_server *server;
    struct loop *loop;
    struct http *http;
    char url[256];
};

static inline void bench_init(struct bench *b, const struct fake_options *o)
{
    *b = (struct bench){0};
    b->server = fake_server_start(o);
    CHECK_INT(loop_new(&b->loop, NULL), 0);
    b->http = http_new(b->loop);
    str_format(b->url, sizeof b->url, "%s/x", fake_server_url(b->server));
}

static inline void bench_free(struct bench *b)
{
    http_free(b->http);
    loop_free(b->loop);
    fake_server_stop(b->server);
}

static inline void bench_done(struct bench *b)
{
    CHECK_STR(fake_server_complaint(b->server), NULL);
    bench_free(b);
}

static inline struct ask ask_of(struct bench *b)
{
    return (struct ask){.loop = b->loop, .http = b->http};
}

/* Asks and waits. */
static inline void get(struct bench *b, struct ask *a, struct http_request r)
{
    *a = ask_of(b);
    if (!r.url)
        r.url = b->url;
    ask_start(a, &r, false);
    CHECK(run_until(b->loop, &a->done, 5000));
    CHECK(!a->called_inside);
}

/* tests/unit/net/ws_fixture.h — a WebSocket client that writes down what it is told, for ws_test.c and ws_tls_test.c. */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "check.h"
#include "fake/run.h"
#include "fake/ws.h"
#include "net/ws.h"

#define PROTOCOL "v5.channel.k8s.io"

struct client {
    struct loop *loop;
    struct ws *ws;
    struct buf got; /* the messages, each followed by "|" */
    int opens, messages, drains, closes;
    struct ws_close close;
    bool opened, closed, drained;
    const char *send_on_open;
    enum { KEEP, FREE_ON_OPEN, FREE_ON_MESSAGE, FREE_ON_DRAIN, FREE_ON_CLOSE } free_when;
};

static inline void client_free_if(struct client *c, int when)
{
    if ((int)c->free_when != when)
        return;
    ws_free(c->ws);
    c->ws = NULL;
    c->closed = true;
}

static void client_opened(void *userdata)
{
    struct client *c = userdata;
    c->opens++;
    c->opened = true;
    if (c->send_on_open)
        CHECK(ws_send(c->ws, c->send_on_open, 1, c->send_on_open + 1, strlen(c->send_on_open) - 1));
    client_free_if(c, FREE_ON_OPEN);
}

static void client_message(void *userdata, const void *bytes, size_t n)
{
    struct client *c = userdata;
    c->messages++;
    buf_append(&c->got, bytes, n);
    buf_append_char(&c->got, '|');
    client_free_if(c, FREE_ON_MESSAGE);
}

static void client_drained(void *userdata)
{
    struct client *c = userdata;
    c->drains++;
    c->drained = true;
    client_free_if(c, FREE_ON_DRAIN);
}

static void client_closed(void *userdata, const struct ws_close *close)
{
    struct client *c = userdata;
    c->closes++;
    c->close = *close;
    c->closed = true;
    client_free_if(c, FREE_ON_CLOSE);
}

static const struct ws_handlers client_handlers = {client_opened, client_message, client_drained, client_closed};

static void client_init(struct client *c)
{
    *c = (struct client){0};
    buf_init(&c->got, (size_t)32 << 20);
    CHECK_INT(loop_new(&c->loop, NULL), 0);
}

/* The URL and the protocol are filled in where they are missing. */
static void client_connect(struct client *c, struct fake_server *s, const struct ws_options *options)
{
    struct ws_options o = options ? *options : (struct ws_options){0};
    struct error err = {0};
    auto_free char *url = o.url ? mem_strdup(o.url) : mem_printf("%s/exec?command=x", fake_server_url(s));
    o.url = url;
    if (!o.protocol)
        o.protocol = PROTOCOL;
    if (!o.connect_timeout)
        o.connect_timeout = 5 * USEC_SEC;
    c->ws = ws_open(c->loop, &o, &client_handlers, c, &err);
    if (!c->ws)
        CHECK_FAIL("ws_open: %s", err.text);
    CHECK_INT(c->opens + c->closes, 0); /* nothing from inside */
}

/* Closes what is open, and checks that nothing was said twice. */
static void client_done(struct client *c)
{
    CHECK(c->opens <= 1 && c->closes <= 1);
    ws_free(c->ws);
    loop_free(c->loop);
    buf_done(&c->got);
}

static inline void run_script(struct client *c, const struct fake_step *script, const struct ws_options *options)
{
    struct fake_server *s = fake_server_start(&(struct fake_options){.scripts = {script}});
    client_connect(c, s, options);
    CHECK(run_until(c->loop, &c->closed, 10000));
    client_done(c);
    fake_server_stop(s);
}

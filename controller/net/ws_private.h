/* net/ws_private.h — the parts of a WebSocket connection, for net/ws*.c only: ws.c has its life and the outside, ws_dial.c the way to
 * the server, ws_wire.c what libwebsockets calls. */
#pragma once

#include "base/buf.h"
#include "net/url.h"
#include "net/ws.h"
#include "net/ws_context.h"

#include <uv.h>

#define WS_ADDRESSES_MAX 8
#define WS_ADDRESS_SIZE  64

enum ws_state { WS_RESOLVING, WS_CONNECTING, WS_OPEN, WS_CLOSED };

struct ws_message {
    struct ws_message *next;
    size_t length;
    unsigned char bytes[]; /* LWS_PRE bytes for libwebsockets' header, then `length` */
};

/* Outlives the connection when that is freed first: a lookup in a thread cannot be called back. */
struct ws_lookup {
    uv_getaddrinfo_t request;
    struct ws *ws; /* NULL: nobody waits any more */
};

struct ws {
    struct loop *loop;
    struct ws_handlers handlers;
    void *userdata;
    struct url url;
    char *target; /* path and query */
    char *protocol;
    struct strlist headers;
    struct tls tls;
    struct proxy proxy;
    usec_t ping_every, dead_after;
    size_t queue_max;

    enum ws_state state;
    struct timer *timer; /* the state's own: the deadline, the next ping, or the report of the end */
    usec_t deadline;
    struct ws_lookup *lookup;
    char addresses[WS_ADDRESSES_MAX][WS_ADDRESS_SIZE];
    size_t address_count, address_next;

    struct ws_context *context;
    struct lws *wsi; /* NULL: none, or libwebsockets has let go of it */
    usec_t last_sign, next_ping;
    bool ping_due;
    struct ws_message *first, **last;
    size_t queued;
    struct buf message;
    int inside; /* depth of our callbacks under libwebsockets */
    bool freed; /* ws_free() was called inside */
    struct ws_close close;
};

/* ws.c */
void ws_detach(struct ws *w); /* lets go of libwebsockets' half */
void ws_end(struct ws *w);    /* with what stands in w->close; told by the timer, so that on_close never runs under another call */
void ws_enter(struct ws *w);  /* around every callback made under libwebsockets */
int ws_leave(struct ws *w);   /* what to return to libwebsockets: -1 closes the connection. `w` may be gone afterwards */

/* ws_dial.c */
void ws_resolve(struct ws *w);
void ws_connect_next(struct ws *w); /* the next address; ends when there is none */

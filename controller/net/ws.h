/* net/ws.h — a WebSocket client connection on the loop (RFC 6455), over libwebsockets. Binary messages only.
 *
 * Guarantees:
 * - No callback runs inside a call of this module. on_open at most once, on_close exactly once, nothing after it; nothing at all after
 *   ws_free().
 * - Nothing blocks: names are looked up in a thread of libuv's.
 * - A connection that gives no sign of life for dead_after is given up (ERROR_UNAVAILABLE); pings go out every ping_every.
 * - A message is sent as one frame, never in fragments (the API server reads continuation frames as messages of their own), and no
 *   extension is offered.
 *
 * Caveats: proxies: plain "http://" ones only (CONNECT), by their first address. libwebsockets 4.1 cuts a request line at 2,048 bytes
 * without a word: a longer URL is refused here. A refused upgrade gives only its status: libwebsockets does not hand out the body. */
#pragma once

#include "base/error.h"
#include "base/list.h"
#include "base/time.h"
#include "net/loop.h"
#include "net/tls.h"

#define WS_TARGET_MAX  ((size_t)2000)  /* path and query */
#define WS_HEADERS_MAX ((size_t)24576) /* all header lines of ours together */

struct ws;

/* Borrowed until ws_open() returns. */
struct ws_options {
    const char *url;               /* "https://…" or "http://…" */
    const char *protocol;          /* the one subprotocol offered; the server must choose it; NULL: none */
    const struct strlist *headers; /* ready lines "Name: value"; NULL: none */
    const struct tls *tls;         /* NULL: the system's trust, no certificate of ours */
    const char *proxy;             /* NULL: as the environment says (net/proxy.h) */
    usec_t connect_timeout;        /* from ws_open() to on_open; 0: 10 s */
    usec_t ping_every, dead_after; /* 0: 5 s and 10 s; at least 50 ms, and dead_after the longer one */
    size_t message_max;            /* a longer message ends the connection (1009); 0: 1 MiB */
    size_t queue_max;              /* bytes waiting to be sent; 0: 1 MiB */
};

/* A plain value. */
struct ws_close {
    struct error err; /* class NONE: the server closed with 1000 */
    bool opened;      /* on_open had been called */
    int http_status;  /* of a refused upgrade; 0: no answer came, or it was 101 */
    int code;         /* the server's close code; 0: none came */
};

/* Every one may be NULL. ws_free() is allowed in each of them. */
struct ws_handlers {
    void (*on_open)(void *userdata);
    void (*on_message)(void *userdata, const void *bytes, size_t n); /* borrowed until it returns */
    void (*on_drain)(void *userdata);                                /* everything queued has been handed to the kernel */
    void (*on_close)(void *userdata, const struct ws_close *close);
};

/* NULL with err set (INVALID) only where the options are wrong; a refused connection comes to on_close. */
struct ws *ws_open(struct loop *loop, const struct ws_options *options, const struct ws_handlers *handlers, void *userdata,
                   struct error *err);

/* One message of two parts, head first (either may be empty). False: nothing was queued, because it is not open or the queue would
 * pass queue_max. */
bool ws_send(struct ws *w, const void *head, size_t head_length, const void *body, size_t body_length);
size_t ws_queued(const struct ws *w);

/* Drops the connection at once (TCP; what is queued is lost). NULL is fine. */
void ws_free(struct ws *w);

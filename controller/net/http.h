/* net/http.h — HTTP requests and streams on the loop, over libcurl.
 *
 * A struct http is a pool of keep-alive connections. A call is one request on it: with its answer gathered (on_data NULL), or
 * streamed as it comes. By HTTP/1.1 each call has a connection to itself while it lasts; those that say `shared` go over one connection
 * together, by HTTP/2, where the server speaks it over TLS.
 *
 * Guarantees:
 * - No callback runs inside a call of this module, nor inside another callback. on_open at most once, on_done exactly once, nothing
 *   after it; nothing at all after http_cancel().
 * - Nothing blocks: names are looked up in a thread of libcurl's, which a cancelled call leaves behind.
 * - A request is sent at most once, with one exception: where a kept connection turns out to be closed before a byte of the answer,
 *   a GET or HEAD is sent again on another, any other method only if nothing of it had been sent.
 * - Redirects are not followed; the answer's status, whatever it is, is no error here. "Expect:" is never sent.
 *
 * Errors (reply.err): INVALID (the URL or a header is malformed, or the answer is longer than max_body), TIMEOUT, UNAVAILABLE
 * (refused, broken, not trusted). The text never has a header in it. */
#pragma once

#include "base/error.h"
#include "base/list.h"
#include "base/time.h"
#include "net/loop.h"
#include "net/tls.h"

#define HTTP_HEADERS_MAX ((size_t)64 << 10) /* an answer whose head is longer fails */

struct http;
struct http *http_new(struct loop *l);
void http_free(struct http *h); /* cancels what is open, without a word; NULL is fine; not from a callback */
/* Calls from now on use new connections: trust or identity has changed. Calls under way end on theirs. Happens by itself when a shared
 * call got no answer in time. */
void http_drop_connections(struct http *h);

/* Borrowed until http_start() returns. */
struct http_request {
    const char *method; /* NULL: GET */
    const char *url;
    const struct strlist *headers; /* ready lines "Name: value"; NULL: none */
    const void *body;              /* NULL: none; "Content-Type" belongs into the headers */
    size_t body_length;
    const struct tls *tls;  /* NULL: the system's trust, no certificate of ours */
    const char *proxy;      /* NULL: as the environment says */
    usec_t timeout;         /* from http_start() to the last byte; 0: 30 s, and none for a stream */
    usec_t connect_timeout; /* name, TCP and TLS together; 0: 10 s */
    usec_t silence;         /* stream: UNAVAILABLE when no byte has come for so long; 0: no watchdog */
    size_t max_body;        /* gathered; 0: 64 KiB */
    bool cut_body;          /* a longer body is cut there, and that is no error */
    bool compressed; /* accept gzip (never on streams: libcurl fails at the second gzip member, and kube-apiserver sends many) */
    bool own_connection; /* a new connection, closed afterwards */
    bool shared; /* many at once over one connection, where the server can; see http_drop_connections() for one that is dead */
};

/* Borrowed until the callback returns. */
struct http_reply {
    struct error err;
    int status;       /* 0: no answer came */
    const char *body; /* gathered; NUL terminated; never NULL; "" for streams */
    size_t body_length;
    const char *head; /* the answer's header lines as they came; never NULL */
    usec_t latency;   /* from http_start() to the last byte */
};
/* The value of a header, by its name in any case, trimmed. False: not there, or longer than size - 1. */
bool http_reply_header(const struct http_reply *r, const char *name, char *ret_value, size_t size);

struct http_handlers {
    void (*on_open)(void *userdata, int status);                     /* stream: the answer's head has come; may be NULL */
    void (*on_data)(void *userdata, const void *bytes, size_t n);    /* NULL: not a stream, the body is gathered */
    void (*on_done)(void *userdata, const struct http_reply *reply); /* the call is freed after this returns */
};
struct http_call;
struct http_call *http_start(struct http *h, const struct http_request *r, const struct http_handlers *handlers, void *userdata);
void http_cancel(struct http_call *c); /* NULL is fine; allowed in its own callbacks, even in on_done */

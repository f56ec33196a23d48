/* http.h — one HTTP/1.1 request to a port of the pod, without blocking. Also plain TCP connections. */
#pragma once

#include "http_parse.h"
#include "loop.h"

#include <jansson.h>

struct http_order {
    const char *address; /* numeric, v4 or v6; NULL: 127.0.0.1 */
    int port;
    const char *method;    /* NULL: GET */
    const char *path;      /* NULL: only connect (TCP) */
    const json_t *headers; /* [{name, value}] or an object of strings; NULL: none */
    const char *body;      /* NULL: none */
    usec_t timeout;
};
struct http_reply {
    struct error err; /* class NONE: an answer came (or the connection opened) */
    int status;
    usec_t latency; /* from connecting to the last byte */
    const char *body;
    size_t body_length;
};
struct http_call;
/* `done` is called once from the loop, never from within. Where the call cannot even begin it is told so, too. Everything in `order`
 * is copied. */
struct http_call *http_begin(struct loop *loop, const struct http_order *order,
                             void (*done)(void *userdata, const struct http_reply *reply), void *userdata);
void http_cancel(struct http_call *call); /* NULL is fine; `done` is not called. Not needed (nor allowed) after `done` */
bool http_is_address(const char *text);

/* net/http_call.h — one call as libcurl sees it: its options and what libcurl tells. For net/http.c only. */
#pragma once

#include "base/buf.h"
#include "net/http.h"

#include <curl/curl.h>

/* Why a callback of ours told libcurl to stop. */
enum http_stop {
    HTTP_STOP_NONE,
    HTTP_STOP_CUT,    /* enough of the body: no error */
    HTTP_STOP_BODY,   /* the body is longer than max_body */
    HTTP_STOP_HEAD,   /* the head is longer than HTTP_HEADERS_MAX */
    HTTP_STOP_RESEND, /* it would be sent a second time, and that is not safe */
};

struct http_generation;
struct http_call {
    struct http *http;
    struct http_generation *generation; /* whose connections it uses; NULL: detached from libcurl */
    struct list node, ready_node;
    struct http_handlers handlers;
    void *userdata;

    CURL *easy;
    struct curl_slist *headers, *connect_to;
    char curl_text[CURL_ERROR_SIZE];
    bool safe; /* GET, HEAD: may be sent again */
    bool cut_body, shared;
    int attempts; /* times it was sent */
    enum http_stop stop;

    struct timer *watchdog; /* streams with a silence limit */
    usec_t silence, started, last_byte;

    struct buf head;
    struct buf body; /* gathered, or of a stream: what waits to be delivered */
    int status;
    usec_t latency;
    struct error err;
    bool open_due, done, delivering, cancelled;
};

static inline bool http_call_streams(const struct http_call *c)
{
    return c->handlers.on_data != NULL;
}

void http_call_ready(struct http_call *c); /* in http.c: there is something to deliver */

/* Makes the easy handle. INVALID: the request is malformed. */
int http_call_prepare(struct http_call *c, const struct http_request *r, struct error *err);
/* What libcurl's verdict means; fills status, latency and err. */
void http_call_judge(struct http_call *c, CURLcode code);

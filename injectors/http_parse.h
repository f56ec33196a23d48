/* http_parse.h — an HTTP/1.1 response, read piece by piece (RFC 9112): status line, headers, body by Content-Length, by chunks, or up to
 * the end of the connection. Bounded in all directions. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#define HTTP_LINE_MAX    ((size_t)8192)
#define HTTP_HEADERS_MAX ((size_t)65536) /* all of them together */
#define HTTP_BODY_MAX    ((size_t)64 * 1024)

enum http_step {
    HTTP_STATUS,
    HTTP_HEADERS,
    HTTP_BODY,
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK,
    HTTP_CHUNK_END,
    HTTP_TRAILER,
    HTTP_DONE,
};

struct http_response {
    enum http_step step;
    bool no_body; /* the answer to a HEAD */
    int status;
    bool chunked, has_length;
    uint64_t left; /* bytes of the body or chunk still to come */
    size_t header_bytes;
    struct buf line; /* the line that is being read */
    struct buf body; /* its first HTTP_BODY_MAX bytes */
};

void http_response_init(struct http_response *p, bool no_body);
void http_response_done(struct http_response *p);
/* -1 INVALID: this is no HTTP. What comes after the end of the response is ignored. */
int http_response_feed(struct http_response *p, const char *bytes, size_t n, struct error *err);
/* The peer closed. -1 UNAVAILABLE: in the middle. */
int http_response_end(struct http_response *p, struct error *err);

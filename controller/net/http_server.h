/* net/http_server.h — a small HTTP/1.1 server on the loop, over libwebsockets: GET and HEAD pages that are ready at once.
 *
 * For health, metrics and reading; behind a Service, without TLS. No HTTP/2, no uploads, no files: what libwebsockets of Debian bookworm
 * (4.1.6) does safely. A page that needs to ask somebody first (a TokenReview) answers later through http_answer_send(). */
#pragma once

#include "base/error.h"
#include "net/loop.h"

struct http_server;

#define HTTP_SERVER_PATH_MAX  512  /* longer request paths are answered with 414 */
#define HTTP_SERVER_TOKEN_MAX 8192 /* of an Authorization header; longer ones count as absent */

/* One request, open until it is answered. */
struct http_answer;
struct http_query {
    const char *path;          /* without query; never NULL */
    const char *authorization; /* the header's value; "" where absent */
};
/* Must answer now or later, exactly once, with http_answer_send(). */
typedef void http_handler_fn(void *userdata, const struct http_query *query, struct http_answer *answer);

/* `address`: "0.0.0.0:8080", "127.0.0.1:0" (any free port), "[::]:8080". */
int http_server_new(struct loop *loop, const char *address, http_handler_fn *handler, void *userdata,
                    struct http_server **ret_server, struct error *err);
int http_server_port(const struct http_server *s); /* the port it listens on */
/* Open requests are dropped; their answers may still be sent, to nobody. */
void http_server_free(struct http_server *s); /* NULL is fine */

/* Copies body. The answer is gone afterwards. */
void http_answer_send(struct http_answer *answer, int status, const char *content_type, const char *body, size_t length);

/* kube/client.h — a client of one API server: request in, reply out.
 *
 * Guarantees:
 * - No callback runs inside a call of this module, nor inside another callback. `done` is called exactly once, at the latest at the
 *   request's time limit; not at all after client_cancel().
 * - A request is sent at most once, but for two cases in which the server has not carried it out: a kept connection that was already
 *   closed (net/http.h), and a 401, after which the credentials are read anew and it is sent once more. Nothing else is retried.
 * - The client's own rate limit queues, in order, what is `behind` last; it never drops. Time in the queue counts against the time limit.
 *
 * What changes while we run (tokens, the CA) is re-read as config_refresh() sees fit, before requests; new trust means new connections.
 * Where a program gives the credentials (kube/exec_plugin.h), requests wait for it when they are due, and once after a 401; if it fails
 * they are sent with what there is, and the server's 401 has the program's error in its text. */
#pragma once

#include "kube/config.h"
#include "net/http.h"

#include <jansson.h>

#define CLIENT_RATE_PER_SECOND 50
#define CLIENT_RATE_BURST      100
#define CLIENT_IN_FLIGHT_MAX   32                 /* more wait in the queue */
#define CLIENT_BODY_MAX        ((size_t)64 << 20) /* a longer answer fails with INVALID; lists are to be asked for in pages */
#define CLIENT_TIMEOUT         (30 * USEC_SEC)
#define CLIENT_USER_AGENT      "drillyard/" DRILLYARD_VERSION

struct client;
struct client *client_new(struct loop *l, struct config *config); /* config: borrowed, refreshed; freed right after the client */
void client_free(struct client *c); /* cancels what is open, without a word; NULL is fine; not from a callback */
void client_set_rate(struct client *c, double per_second, double burst); /* both at least 1 */

/* Borrowed until client_send() returns. */
struct client_request {
    const char *method;       /* NULL: GET */
    const char *path;         /* begins with "/"; with query, percent-encoded */
    const char *content_type; /* of the body; NULL: application/json */
    const char *accept;       /* NULL: application/json */
    const json_t *body;       /* NULL: none */
    usec_t timeout;           /* 0: CLIENT_TIMEOUT */
    bool urgent;              /* past the queue and the rate limit: for what keeps an election, of which there is one at a time */
    bool behind;              /* behind all that is queued or comes, and is not behind itself */
    /* Asked (with the userdata of `done`) right before it is sent, however long it was queued; false: it is not, and fails with UNAVAILABLE.
     * NULL: it may. */
    bool (*may_send)(void *userdata);
};
/* Borrowed until the callback returns. */
struct client_reply {
    struct error err; /* class NONE: 2xx (and JSON, where its Content-Type says so) */
    int status;       /* HTTP; 0: no answer came */
    json_t *body;     /* a refusal's too; NULL where none or not JSON */
};
struct client_call;
struct client_call *client_send(struct client *c, const struct client_request *r,
                                void (*done)(void *userdata, const struct client_reply *reply), void *userdata);
void client_cancel(struct client_call *call); /* NULL is fine; allowed in its own `done` */

/* For kube/watch.c and sessions: a GET stream, outside the rate limit; and what to do about a 401: reads the credentials anew. True: it
 * makes sense to try again at once; false: a program has been asked for new ones, later. */
struct http_call *client_stream(struct client *c, const char *path, usec_t silence, const struct http_handlers *handlers,
                                void *userdata);
bool client_refused(struct client *c);

/* world/world.h — everything the program may ask of the outside.
 *
 * The shell reaches time, chance, the API server, the agents in the pods and the network only through this table. real.c carries it
 * over kube/ and net/; tests/sim has the other half: a simulated API server, pods and agents with a virtual clock and one seed.
 *
 * Guarantees, which both halves keep:
 * - One thread. A callback never runs inside the call that asked for it, and callbacks never nest.
 * - Every request is answered exactly once, with an error at the latest at its time limit. world_free() answers what is open with
 *   ERROR_CANCELLED, closes streams and sessions (their on_end/on_close is called with ERROR_CANCELLED), and only then returns.
 * - Values handed to a callback are borrowed: they live until it returns. json_incref() what is to stay.
 * - Nothing is retried here: what failed is reported, and the caller decides. */
#pragma once

#include "base/error.h"
#include "base/time.h"

#include <jansson.h>

struct world; /* the real one is made by world_real_new() in world/real.h */

/* ── time and chance ── */
usec_t world_now(struct world *w);      /* monotonic */
usec_t world_wall(struct world *w);     /* UTC */
uint64_t world_random(struct world *w); /* for jitter and seeds */

/* Calls `wake(userdata)` once, as soon as the loop is idle at or after `when` (monotonic; in the past: at once). There is one such
 * alarm; a later call replaces it; USEC_NEVER turns it off. world_set_wake() names the function, once, at start. */
void world_set_wake(struct world *w, void (*wake)(void *userdata), void *userdata);
void world_wake_at(struct world *w, usec_t when);

/* ── API server: one request ── */
struct world_request {
    const char *method;       /* "GET", "POST", "PUT", "PATCH", "DELETE" */
    const char *path;         /* with query, percent-encoded: "/apis/…?…" */
    const char *content_type; /* of the body; NULL: application/json */
    const char *accept;       /* NULL: application/json */
    json_t *body;             /* borrowed; NULL: none */
    usec_t timeout;           /* 0: 30 s */
    bool urgent;              /* past all that is queued: the election's */
    bool behind;              /* behind all that is queued or comes and is not: conditions and counters, events */
    /* Asked with `userdata` right before the request leaves, however long it was queued: false: it does not, and the answer is UNAVAILABLE.
     * NULL: it may. For what only a leader may do. */
    bool (*may_send)(void *userdata);
};
struct world_reply {
    struct error err; /* class NONE: 2xx. Else made from the Status: class, text, retry_after_ms */
    int status;       /* HTTP; 0: no answer came */
    json_t *body;     /* NULL where none or not JSON */
};
typedef void world_reply_fn(void *userdata, const struct world_reply *reply);
void world_api(struct world *w, const struct world_request *request, world_reply_fn *done, void *userdata);

/* ── API server: a watch stream ── */
struct world_stream;
struct world_stream_handlers {
    void (*on_open)(void *userdata); /* the answer's headers came (2xx) */
    /* type: "ADDED" "MODIFIED" "DELETED" "BOOKMARK"; an ERROR event ends the stream with its Status as the error instead. */
    void (*on_event)(void *userdata, const char *type, json_t *object);
    /* The end, once: class NONE is the server's ordinary end (its timeoutSeconds); GONE, TOO_MANY, UNAVAILABLE, … otherwise. The
     * stream is freed after this returns. Not called after world_stream_close(). */
    void (*on_end)(void *userdata, const struct error *err);
};
/* `silent_after`: the stream counts as broken (UNAVAILABLE) when not one byte came for so long; 0: 150 s. */
struct world_stream *world_watch(struct world *w, const char *path, usec_t silent_after,
                                 const struct world_stream_handlers *handlers, void *userdata);
void world_stream_close(struct world_stream *stream); /* NULL is fine; may be called from its own callbacks */

/* ── an agent: one session of JSON lines over pods/exec ── */
struct world_session;
struct world_session_handlers {
    void (*on_open)(void *userdata);               /* the exec is up; the agent's first line is its hello */
    void (*on_line)(void *userdata, json_t *line); /* one JSON object; a line that is none closes with ERROR_INVALID */
    /* The end, once; err says why (class NONE: the program ended with exit 0). Whether lines sent last were acted on is unknown. */
    void (*on_close)(void *userdata, const struct error *err);
};
/* Runs /drillyard/bin/drill-injector serve in that container. */
struct world_session *world_session_open(struct world *w, const char *ns, const char *pod, const char *container,
                                         const struct world_session_handlers *handlers, void *userdata);
/* Queues a line. False: the session is not open or its queue is full (1 MiB); the line was not sent. */
bool world_session_send(struct world_session *session, json_t *line);
void world_session_close(struct world_session *session); /* NULL is fine; on_close is not called */

/* ── probes from here: pod addresses and Services ── */
struct world_http {
    const char *url;    /* http:// or https://; redirects are not followed */
    const char *method; /* NULL: GET */
    json_t *headers;    /* object of strings; borrowed; NULL: none */
    const char *body;   /* NULL: none */
    usec_t timeout;     /* 0: 5 s */
    size_t max_body;    /* bytes kept; 0: 64 KiB. A longer body is cut, and that is no error */
};
struct world_http_reply {
    struct error err;   /* class NONE: any HTTP answer, whatever its status */
    int status;         /* HTTP; 0: none */
    usec_t latency;     /* from asking to the last byte */
    const char *body;   /* NUL terminated; NULL: none */
    size_t body_length; /* of what was kept */
};
typedef void world_http_fn(void *userdata, const struct world_http_reply *reply);
void world_http(struct world *w, const struct world_http *request, world_http_fn *done, void *userdata);
typedef void world_tcp_fn(void *userdata, const struct error *err, usec_t latency);
void world_tcp(struct world *w, const char *host, int port, usec_t timeout, world_tcp_fn *done, void *userdata);

void world_free(struct world *w); /* NULL is fine */

/* ── for the two halves only ── */
struct world_ops {
    usec_t (*now)(struct world *);
    usec_t (*wall)(struct world *);
    uint64_t (*random)(struct world *);
    void (*set_wake)(struct world *, void (*wake)(void *), void *userdata);
    void (*wake_at)(struct world *, usec_t when);
    void (*api)(struct world *, const struct world_request *, world_reply_fn *, void *userdata);
    struct world_stream *(*watch)(struct world *, const char *path, usec_t silent_after, const struct world_stream_handlers *,
                                  void *userdata);
    void (*stream_close)(struct world_stream *);
    struct world_session *(*session_open)(struct world *, const char *ns, const char *pod, const char *container,
                                          const struct world_session_handlers *, void *userdata);
    bool (*session_send)(struct world_session *, json_t *line);
    void (*session_close)(struct world_session *);
    void (*http)(struct world *, const struct world_http *, world_http_fn *, void *userdata);
    void (*tcp)(struct world *, const char *host, int port, usec_t timeout, world_tcp_fn *, void *userdata);
    void (*free)(struct world *);
};
/* Each half's own structs begin with these. */
struct world {
    const struct world_ops *ops;
};
struct world_stream {
    struct world *world;
};
struct world_session {
    struct world *world;
};

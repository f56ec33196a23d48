/* tests/unit/shell/fake_world.h — a world whose every answer a test gives by hand: a virtual clock, requests and streams that stay open
 * until the test answers them, agents whose lines the test writes.
 *
 *   struct fake *f = fake_new();
 *   struct reflector *r = reflector_new(fake_world(f), …);
 *   reflector_run(r, false);
 *   fake_run(f);                                     what is due now happens
 *   struct fake_stream *s = fake_stream(f, "drills"); the open stream with that in its path; NULL: none
 *   fake_event(s, "ADDED", object);
 *   fake_advance(f, 5 * USEC_SEC);                   time passes, alarms ring at their time */
#pragma once

#include "world/world.h"

struct fake;
struct fake *fake_new(void);
struct world *fake_world(struct fake *f);
void fake_free(struct fake *f); /* answers what is open with CANCELLED, as world_free() does */

usec_t fake_now(const struct fake *f);
void fake_set_wall(struct fake *f, usec_t wall); /* UTC from now on */
void fake_run(struct fake *f);
void fake_advance(struct fake *f, usec_t by);

/* ── requests ── */
struct fake_request {
    char *method, *path, *content_type; /* content_type NULL: JSON */
    json_t *body;
    world_reply_fn *done;
    void *userdata;
    struct fake *fake;
    bool open;
};
/* The oldest open one with that method and `part` in its path; NULL: none. */
struct fake_request *fake_request(struct fake *f, const char *method, const char *part);
size_t fake_open_requests(const struct fake *f);
size_t fake_count_requests(const struct fake *f, const char *method, const char *part); /* ever asked */
void fake_reply(struct fake_request *r, int status, json_t *body);                      /* steals body; 2xx */
void fake_refuse(struct fake_request *r, enum error_class class, int status, long retry_after_ms);

/* ── streams ── */
struct fake_stream;
struct fake_stream *fake_stream(struct fake *f, const char *part);
const char *fake_stream_path(const struct fake_stream *s);
size_t fake_count_streams(const struct fake *f, const char *part);        /* ever opened */
void fake_event(struct fake_stream *s, const char *type, json_t *object); /* steals */
void fake_bookmark(struct fake_stream *s, const char *rv, bool initial_end);
void fake_end(struct fake_stream *s, enum error_class class, long retry_after_ms);
void fake_end_status(struct fake_stream *s, enum error_class class, int status, long retry_after_ms); /* with its HTTP status */

/* ── agents ── */
struct fake_session;
struct fake_session *fake_session(struct fake *f, const char *pod);   /* the open one; NULL: none */
size_t fake_count_sessions(const struct fake *f, const char *pod);    /* ever opened */
void fake_hello(struct fake_session *s, usec_t mono, json_t *faults); /* steals faults; NULL: none */
void fake_line(struct fake_session *s, json_t *line);                 /* steals */
json_t *fake_take(struct fake_session *s, const char *op); /* the oldest line of that op not taken yet; borrowed; NULL: none */
void fake_answer(struct fake_session *s, const json_t *line, usec_t mono, json_t *result); /* steals result */
void fake_answer_refused(struct fake_session *s, const json_t *line, usec_t mono, const char *class, const char *message);
void fake_hang_up(struct fake_session *s, enum error_class class);
/* Hello, and the answer to the status that measures its clock: the session is up. */
void fake_agent_up(struct fake *f, const char *pod, usec_t agent_mono);

/* ── probes ── */
struct fake_http { /* a TCP connection too: "tcp://10.0.0.1:80" */
    char *url;
    world_http_fn *done;
    world_tcp_fn *tcp_done;
    void *userdata;
    bool open;
};
struct fake_http *fake_http(struct fake *f, const char *part);
void fake_http_reply(struct fake_http *h, int status, usec_t latency, const char *body);

/* ── objects ── */
/* {"metadata": {namespace, name, uid, resourceVersion}, "spec": …, "status": …} with kind; spec and status: JSON text, NULL: none. */
json_t *fake_object(const char *kind, const char *ns, const char *name, const char *rv, const char *spec, const char *status);

/* world/real_internal.h — what the parts of the real world share. For world/real*.c only.
 *
 * Everything asked for is in one of the lists until it is answered, so that world_free() finds it. What is asked while the world is
 * being freed joins its list without being started, and is answered like the rest. */
#pragma once

#include "base/list.h"
#include "base/random.h"
#include "kube/client.h"
#include "net/alarm.h"
#include "net/http.h"
#include "world/real.h"

struct real {
    struct world base;
    struct loop *loop;
    struct config config;
    struct client *client;
    struct http *probes;
    struct random random;

    struct alarm *alarm;
    void (*wake)(void *userdata);
    void *wake_userdata;

    struct list asks, streams, sessions, http_probes, tcp_probes;
    unsigned long skipped;
    bool freeing;
};

static inline struct real *real_of(struct world *w)
{
    return (struct real *)w; /* base is its first member */
}

/* real_api.c */
void real_api(struct world *w, const struct world_request *request, world_reply_fn *done, void *userdata);
struct world_stream *real_watch(struct world *w, const char *path, usec_t silent_after,
                                const struct world_stream_handlers *handlers, void *userdata);
void real_stream_close(struct world_stream *stream);
void real_api_cancel_all(struct real *r, const struct error *err);

/* real_session.c */
struct world_session *real_session_open(struct world *w, const char *ns, const char *pod, const char *container,
                                        const struct world_session_handlers *handlers, void *userdata);
bool real_session_send(struct world_session *session, json_t *line);
void real_session_close(struct world_session *session);
void real_session_cancel_all(struct real *r, const struct error *err);

/* real_probe.c */
void real_http(struct world *w, const struct world_http *request, world_http_fn *done, void *userdata);
void real_tcp(struct world *w, const char *host, int port, usec_t timeout, world_tcp_fn *done, void *userdata);
void real_probe_cancel_all(struct real *r, const struct error *err);

#include "world/world.h"

usec_t world_now(struct world *w)
{
    return w->ops->now(w);
}

usec_t world_wall(struct world *w)
{
    return w->ops->wall(w);
}

uint64_t world_random(struct world *w)
{
    return w->ops->random(w);
}

void world_set_wake(struct world *w, void (*wake)(void *userdata), void *userdata)
{
    w->ops->set_wake(w, wake, userdata);
}

void world_wake_at(struct world *w, usec_t when)
{
    w->ops->wake_at(w, when);
}

void world_api(struct world *w, const struct world_request *request, world_reply_fn *done, void *userdata)
{
    w->ops->api(w, request, done, userdata);
}

struct world_stream *world_watch(struct world *w, const char *path, usec_t silent_after,
                                 const struct world_stream_handlers *handlers, void *userdata)
{
    return w->ops->watch(w, path, silent_after, handlers, userdata);
}

void world_stream_close(struct world_stream *stream)
{
    if (stream)
        stream->world->ops->stream_close(stream);
}

struct world_session *world_session_open(struct world *w, const char *ns, const char *pod, const char *container,
                                         const struct world_session_handlers *handlers, void *userdata)
{
    return w->ops->session_open(w, ns, pod, container, handlers, userdata);
}

bool world_session_send(struct world_session *session, json_t *line)
{
    return session->world->ops->session_send(session, line);
}

void world_session_close(struct world_session *session)
{
    if (session)
        session->world->ops->session_close(session);
}

void world_http(struct world *w, const struct world_http *request, world_http_fn *done, void *userdata)
{
    w->ops->http(w, request, done, userdata);
}

void world_tcp(struct world *w, const char *host, int port, usec_t timeout, world_tcp_fn *done, void *userdata)
{
    w->ops->tcp(w, host, port, timeout, done, userdata);
}

void world_free(struct world *w)
{
    if (w)
        w->ops->free(w);
}

#include "net/lws_events.h"

#include "base/mem.h"

#include <uv.h>

#if LWS_LIBRARY_VERSION_NUMBER < 4003000

void lws_events_use(struct lws_context_creation_info *info, struct loop *loop, void *loops[1])
{
    loops[0] = loop_uv(loop);
    info->foreign_loops = loops;
    info->options |= LWS_SERVER_OPTION_LIBUV;
}

#else

#define TICK_MS 1000 /* libwebsockets' own time limits; those that matter to us are timers of ours (net/ws.c) */

/* One descriptor. */
struct poll {
    uv_poll_t uv;
    struct lws_context *context;
    int fd, events;
};

/* libwebsockets makes one for the thread of each context, zeroed, and frees it. */
struct events {
    struct lws_context *context;
    uv_loop_t *loop;
    uv_timer_t *tick;
    struct poll **by_fd; /* indexed by descriptor, `room` of them */
    size_t room;
};

static void closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* ── being woken ── */

/* What it has buffered of a TLS record is not seen by any poll: it says so when asked how long it may wait. */
static void serve_buffered(struct lws_context *context)
{
    if (lws_service_adjust_timeout(context, 1, 0) == 0)
        _lws_plat_service_forced_tsi(context, 0);
}

static void ready(uv_poll_t *handle, int status, int events)
{
    struct poll *p = handle->data;
    struct lws_context *context = p->context;
    struct lws_pollfd fd = {.fd = p->fd};
    if (status < 0)
        fd.revents = LWS_POLLHUP;
    else
        fd.revents = (short)((events & UV_READABLE ? LWS_POLLIN : 0) | (events & UV_WRITABLE ? LWS_POLLOUT : 0));
    fd.events = fd.revents;
    lws_service_fd_tsi(context, &fd, 0); /* `p` may be closed by now */
    serve_buffered(context);
}

static void tick(uv_timer_t *timer)
{
    lws_service_tsi(*(struct lws_context **)timer->data, -1, 0);
}

/* ── descriptors ── */

static struct poll **place(struct events *e, int fd)
{
    if ((size_t)fd >= e->room) {
        size_t room = (size_t)fd + 16;
        e->by_fd = mem_resize(e->by_fd, room, sizeof(struct poll *));
        memset(e->by_fd + e->room, 0, (room - e->room) * sizeof(struct poll *));
        e->room = room;
    }
    return &e->by_fd[fd];
}

static void forget(struct poll **at)
{
    if (!*at)
        return;
    uv_poll_stop(&(*at)->uv);
    uv_close((uv_handle_t *)&(*at)->uv, closed);
    *at = NULL;
}

static int descriptor_begins(struct lws *wsi)
{
    struct events *e = lws_evlib_wsi_to_evlib_pt(wsi);
    int fd = (int)lws_get_socket_fd(wsi);
    if (fd < 0)
        return 1;
    struct poll **at = place(e, fd);
    forget(at); /* one that was closed without a word, as the context's own eventfd is */
    struct poll *p = mem_new(struct poll);
    if (uv_poll_init(e->loop, &p->uv, fd) < 0) {
        free(p);
        return 1;
    }
    p->uv.data = p;
    p->context = e->context;
    p->fd = fd;
    *at = p;
    return 0;
}

static int descriptor_ends(struct lws *wsi)
{
    struct events *e = lws_evlib_wsi_to_evlib_pt(wsi);
    int fd = (int)lws_get_socket_fd(wsi);
    if (fd >= 0 && (size_t)fd < e->room)
        forget(&e->by_fd[fd]);
    return 0;
}

static void descriptor_wants(struct lws *wsi, unsigned flags)
{
    struct events *e = lws_evlib_wsi_to_evlib_pt(wsi);
    int fd = (int)lws_get_socket_fd(wsi);
    struct poll *p = fd >= 0 && (size_t)fd < e->room ? e->by_fd[fd] : NULL;
    if (!p)
        return;
    int named = (flags & LWS_EV_READ ? UV_READABLE : 0) | (flags & LWS_EV_WRITE ? UV_WRITABLE : 0);
    p->events = flags & LWS_EV_START ? p->events | named : p->events & ~named;
    if (p->events)
        uv_poll_start(&p->uv, p->events, ready);
    else
        uv_poll_stop(&p->uv);
}

/* ── a context's life ── */

static int begin(struct lws_context *context, void *loop, int thread)
{
    struct events *e = lws_evlib_tsi_to_evlib_pt(context, thread);
    e->context = context;
    e->loop = loop;
    e->tick = mem_new(uv_timer_t);
    uv_timer_init(e->loop, e->tick);
    e->tick->data = &e->context;
    uv_timer_start(e->tick, tick, TICK_MS, TICK_MS);
    return 0;
}

static void end(struct lws_context *context, int thread)
{
    struct events *e = lws_evlib_tsi_to_evlib_pt(context, thread);
    for (size_t fd = 0; fd < e->room; fd++)
        forget(&e->by_fd[fd]);
    free(mem_take(e->by_fd));
    e->room = 0;
    if (!e->tick)
        return;
    e->tick->data = e->tick; /* what `closed` frees */
    uv_close((uv_handle_t *)mem_take(e->tick), closed);
}

void lws_events_use(struct lws_context_creation_info *info, struct loop *loop, void *loops[1])
{
    static const struct lws_event_loop_ops operations = {
        .name = "drillyard",
        .init_pt = begin,
        .destroy_pt = end,
        .init_vhost_listen_wsi = descriptor_begins,
        .sock_accept = descriptor_begins,
        .wsi_logical_close = descriptor_ends,
        .io = descriptor_wants,
        .evlib_size_pt = sizeof(struct events),
    };
    static const lws_plugin_evlib_t library = {
        .hdr = {.name = "drillyard",
                ._class = "lws_evlib_plugin",
                .lws_build_hash = LWS_BUILD_HASH,
                .api_magic = LWS_PLUGIN_API_MAGIC},
        .ops = &operations,
    };
    loops[0] = loop_uv(loop);
    info->foreign_loops = loops;
    info->event_lib_custom = &library;
}

#endif

#include "net/multi.h"

#include "base/list.h"

#include <uv.h>

#define MULTI_KEPT_CONNECTIONS 8L

struct multi {
    CURLM *curl;
    struct loop *loop;
    struct timer *timer;
    void (*turn)(void *userdata);
    void *userdata;
    struct list watches;
};

/* One socket of libcurl's. */
struct watch {
    uv_poll_t poll;
    struct multi *multi;
    curl_socket_t fd;
    struct list node;
};

static void socket_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    struct multi *m = w->multi;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    int running;
    curl_multi_socket_action(m->curl, w->fd, flags, &running);
    m->turn(m->userdata);
}

static void timer_due(void *userdata)
{
    struct multi *m = userdata;
    int running;
    curl_multi_socket_action(m->curl, CURL_SOCKET_TIMEOUT, 0, &running);
    m->turn(m->userdata);
}

static void watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void watch_free(struct watch *w)
{
    list_remove(&w->node);
    uv_poll_stop(&w->poll);
    uv_close((uv_handle_t *)&w->poll, watch_closed);
}

static struct watch *watch_new(struct multi *m, curl_socket_t fd)
{
    struct watch *w = mem_new(struct watch);
    if (uv_poll_init_socket(loop_uv(m->loop), &w->poll, fd) < 0) {
        free(w);
        return NULL;
    }
    w->poll.data = w;
    w->multi = m;
    w->fd = fd;
    list_append(&m->watches, &w->node);
    curl_multi_assign(m->curl, fd, w);
    return w;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *assigned)
{
    (void)easy;
    struct multi *m = userdata;
    struct watch *w = assigned;
    if (what == CURL_POLL_REMOVE) {
        if (w)
            watch_free(w);
        curl_multi_assign(m->curl, fd, NULL);
        return 0;
    }
    if (!w)
        w = watch_new(m, fd);
    if (!w)
        return -1;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_poll_start(&w->poll, events, socket_ready);
    return 0;
}

static int on_timer(CURLM *curl, long timeout_ms, void *userdata)
{
    (void)curl;
    struct multi *m = userdata;
    timer_at(m->timer, timeout_ms < 0 ? USEC_NEVER : usec_add(time_monotonic(), timeout_ms * USEC_MSEC));
    return 0;
}

struct multi *multi_new(struct loop *l, void (*turn)(void *userdata), void *userdata)
{
    struct multi *m = mem_new(struct multi);
    m->loop = l;
    m->turn = turn;
    m->userdata = userdata;
    m->timer = timer_new(l, timer_due, m);
    list_init(&m->watches);
    m->curl = curl_multi_init();
    if (!m->curl)
        abort();
    curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m);
    curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m);
    curl_multi_setopt(m->curl, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(m->curl, CURLMOPT_MAXCONNECTS, MULTI_KEPT_CONNECTIONS);
    return m;
}

void multi_free(struct multi *m)
{
    if (!m)
        return;
    curl_multi_cleanup(m->curl);
    while (!list_empty(&m->watches))
        watch_free(list_entry(m->watches.next, struct watch, node));
    timer_free(m->timer);
    free(m);
}

bool multi_add(struct multi *m, CURL *easy)
{
    return curl_multi_add_handle(m->curl, easy) == CURLM_OK;
}

void multi_remove(struct multi *m, CURL *easy)
{
    curl_multi_remove_handle(m->curl, easy);
}

bool multi_next_done(struct multi *m, CURL **ret_easy, CURLcode *ret_code)
{
    int left;
    const CURLMsg *msg;
    while ((msg = curl_multi_info_read(m->curl, &left))) {
        if (msg->msg != CURLMSG_DONE)
            continue;
        *ret_easy = msg->easy_handle;
        *ret_code = msg->data.result;
        return true;
    }
    return false;
}

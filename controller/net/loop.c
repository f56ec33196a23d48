#include "net/loop.h"

#include "base/list.h"

#include <signal.h>
#include <uv.h>

#define LOOP_CLOSING_TURNS 16

struct farewell {
    struct farewell *next;
    void (*fn)(struct loop *l, void *userdata);
    void *userdata;
};

struct loop {
    uv_loop_t uv;
    struct farewell *farewells;
    bool firing;          /* a timer's callback is running */
    struct list soon;     /* timers that such a callback has set to "now" */
    uv_prepare_t arm_all; /* arms them, once libuv has left its timers */
};

struct timer {
    uv_timer_t uv; /* its data points back; freed when libuv has let go of it */
    struct loop *loop;
    struct list node; /* in the loop's `soon` */
    void (*fire)(void *userdata);
    void *userdata;
    usec_t when;
};

int loop_new(struct loop **ret_loop, struct error *err)
{
    auto_free struct loop *l = mem_new(struct loop);
    int r = uv_loop_init(&l->uv);
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, "event loop: %s", uv_strerror(r));
    list_init(&l->soon);
    uv_prepare_init(&l->uv, &l->arm_all);
    l->arm_all.data = l;
    /* OpenSSL writes without MSG_NOSIGNAL, and libcurl with CURLOPT_NOSIGNAL leaves the signal alone: a peer that hangs up must
     * never end us. uv_spawn() gives children the default back. */
    signal(SIGPIPE, SIG_IGN);
    *ret_loop = mem_take(l);
    return 0;
}

static void close_leftover(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    while (l->farewells) {
        struct farewell *f = l->farewells;
        l->farewells = f->next;
        f->fn(l, f->userdata);
        free(f);
    }
    /* Closing is asynchronous in libuv: handles closed by their owners a moment ago need a turn, those of libwebsockets several
     * (net/ws_context.c), and must not be closed for it meanwhile. What an owner forgot is closed then, so that this ends; its
     * memory shows in the leak checker. */
    for (int i = 0; i < LOOP_CLOSING_TURNS && uv_loop_alive(&l->uv); i++)
        uv_run(&l->uv, UV_RUN_NOWAIT);
    while (uv_loop_close(&l->uv) == UV_EBUSY) {
        uv_walk(&l->uv, close_leftover, NULL);
        uv_run(&l->uv, UV_RUN_ONCE);
    }
    free(l);
}

void loop_at_free(struct loop *l, void (*fn)(struct loop *l, void *userdata), void *userdata)
{
    for (struct farewell *f = l->farewells; f; f = f->next)
        if (f->fn == fn && f->userdata == userdata)
            return;
    struct farewell *f = mem_new(struct farewell);
    *f = (struct farewell){.next = l->farewells, .fn = fn, .userdata = userdata};
    l->farewells = f;
}

struct uv_loop_s *loop_uv(struct loop *l)
{
    return &l->uv;
}

void loop_run(struct loop *l)
{
    uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
    uv_stop(&l->uv);
}

static void timer_due(uv_timer_t *uv);

static void start(struct timer *t, uint64_t ms)
{
    uv_timer_start(&t->uv, timer_due, ms, 0);
}

static void arm_all(uv_prepare_t *prepare)
{
    struct loop *l = prepare->data;
    uv_prepare_stop(prepare);
    while (!list_empty(&l->soon)) {
        struct timer *t = list_entry(l->soon.next, struct timer, node);
        list_remove(&t->node);
        start(t, 0);
    }
}

/* libuv counts milliseconds of a clock it reads once a turn, perhaps a coarse one: round up, and look again when it rings. */
static void timer_arm(struct timer *t)
{
    usec_t left = t->when - time_monotonic();
    uint64_t ms = left <= 0 ? 0 : (uint64_t)(left + USEC_MSEC - 1) / USEC_MSEC;
    uv_update_time(t->uv.loop);
    /* libuv 1.44 runs timers until none is due: one that sets itself to "now" would keep it from ever looking at a socket. */
    if (ms || !t->loop->firing) {
        start(t, ms);
        return;
    }
    uv_timer_stop(&t->uv);
    list_append(&t->loop->soon, &t->node);
    uv_prepare_start(&t->loop->arm_all, arm_all);
}

static void timer_due(uv_timer_t *uv)
{
    struct timer *t = uv->data;
    if (time_monotonic() < t->when) {
        timer_arm(t);
        return;
    }
    struct loop *l = t->loop; /* the callback may free the timer */
    t->when = USEC_NEVER;
    l->firing = true;
    t->fire(t->userdata);
    l->firing = false;
}

struct timer *timer_new(struct loop *l, void (*fire)(void *userdata), void *userdata)
{
    struct timer *t = mem_new(struct timer);
    uv_timer_init(&l->uv, &t->uv);
    t->uv.data = t;
    t->loop = l;
    list_init(&t->node);
    t->fire = fire;
    t->userdata = userdata;
    t->when = USEC_NEVER;
    return t;
}

void timer_at(struct timer *t, usec_t when)
{
    t->when = when;
    list_remove(&t->node);
    if (when == USEC_NEVER)
        uv_timer_stop(&t->uv);
    else
        timer_arm(t);
}

static void timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void timer_free(struct timer *t)
{
    if (!t)
        return;
    list_remove(&t->node);
    uv_close((uv_handle_t *)&t->uv, timer_closed);
}

#include "loop.h"

#include "base/heap.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct loop {
    int epoll, clock;
    usec_t armed; /* what the timerfd is set to */
    struct heap *timers;
    bool stopped;
    int value;
};

struct loop *loop_new(struct error *err)
{
    struct loop *l = mem_new(struct loop);
    l->armed = USEC_NEVER;
    l->timers = heap_new();
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->clock = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (l->epoll < 0 || l->clock < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->clock, &event) < 0) {
        error_errno(err, errno, "make an event loop");
        loop_free(l);
        return NULL;
    }
    return l;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    fd_close_cleanup(&l->epoll);
    fd_close_cleanup(&l->clock);
    heap_free(l->timers);
    free(l);
}

int source_add(struct loop *l, struct source *s, int fd, uint32_t events, void (*ready)(void *, uint32_t), void *userdata,
               struct error *err)
{
    *s = (struct source){.loop = l, .fd = fd, .ready = ready, .userdata = userdata};
    struct epoll_event event = {.events = events, .data.ptr = s};
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        s->loop = NULL;
        return error_errno(err, errno, "watch descriptor %d", fd);
    }
    return 0;
}

void source_set(struct source *s, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = s};
    if (s->loop)
        epoll_ctl(s->loop->epoll, EPOLL_CTL_MOD, s->fd, &event);
}

void source_remove(struct source *s)
{
    if (s->loop)
        epoll_ctl(s->loop->epoll, EPOLL_CTL_DEL, s->fd, NULL);
    s->loop = NULL;
}

void timer_set(struct loop *l, struct timer *t, usec_t when, void (*fire)(void *), void *userdata)
{
    timer_stop(t);
    *t = (struct timer){.loop = l, .when = when, .fire = fire, .userdata = userdata};
    if (when != USEC_NEVER)
        heap_add(l->timers, when, t);
}

void timer_stop(struct timer *t)
{
    if (t->loop && t->when != USEC_NEVER)
        heap_remove(t->loop->timers, t);
    t->when = USEC_NEVER;
}

/* The timerfd is needed because epoll_wait(2) counts in milliseconds only. */
static void clock_arm(struct loop *l, usec_t when)
{
    if (when == l->armed)
        return;
    l->armed = when;
    struct itimerspec spec = {0};
    if (when != USEC_NEVER) {
        usec_t at = usec_max(when, 1); /* 0 would disarm */
        spec.it_value.tv_sec = at / USEC_SEC;
        spec.it_value.tv_nsec = at % USEC_SEC * 1000;
    }
    timerfd_settime(l->clock, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* One at a time, so that a timer set for "at once" by a callback cannot starve the descriptors. */
static bool timer_run_due(struct loop *l)
{
    usec_t when;
    void *item;
    if (!heap_peek(l->timers, &when, &item) || when > time_monotonic())
        return false;
    heap_pop(l->timers);
    struct timer *t = item;
    t->when = USEC_NEVER;
    t->fire(t->userdata);
    return true;
}

void loop_turn(struct loop *l, usec_t deadline)
{
    bool ran = timer_run_due(l);
    usec_t when = USEC_NEVER;
    heap_peek(l->timers, &when, NULL);
    clock_arm(l, usec_min(when, deadline));
    struct epoll_event event;
    int n = epoll_wait(l->epoll, &event, 1, ran || l->stopped ? 0 : -1);
    if (n <= 0)
        return;
    struct source *s = event.data.ptr;
    if (!s) {
        uint64_t expirations;
        if (read(l->clock, &expirations, sizeof expirations) > 0)
            l->armed = USEC_NEVER;
        return;
    }
    s->ready(s->userdata, event.events);
}

int loop_run(struct loop *l)
{
    while (!l->stopped)
        loop_turn(l, USEC_NEVER);
    return l->value;
}

void loop_stop(struct loop *l, int value)
{
    l->stopped = true;
    l->value = value;
}

#include "net/alarm.h"

#include <uv.h>

/* Timers run at the beginning of a turn, before the sockets are looked at. So the timer only opens a turn that does not wait (an idle
 * handle keeps the poll from blocking), and the alarm rings at its end (a check handle). */
struct alarm {
    struct timer *timer;
    uv_idle_t idle;
    uv_check_t check;
    unsigned open_handles;
    void (*ring)(void *userdata);
    void *userdata;
};

static void idle_turn(uv_idle_t *idle)
{
    (void)idle;
}

static void stop(struct alarm *a)
{
    uv_idle_stop(&a->idle);
    uv_check_stop(&a->check);
}

static void turn_ends(uv_check_t *check)
{
    struct alarm *a = check->data;
    stop(a);
    a->ring(a->userdata);
}

static void due(void *userdata)
{
    struct alarm *a = userdata;
    uv_idle_start(&a->idle, idle_turn);
    uv_check_start(&a->check, turn_ends);
}

struct alarm *alarm_new(struct loop *l, void (*ring)(void *userdata), void *userdata)
{
    struct alarm *a = mem_new(struct alarm);
    a->timer = timer_new(l, due, a);
    uv_idle_init(loop_uv(l), &a->idle);
    uv_check_init(loop_uv(l), &a->check);
    a->idle.data = a->check.data = a;
    a->open_handles = 2;
    a->ring = ring;
    a->userdata = userdata;
    return a;
}

void alarm_at(struct alarm *a, usec_t when)
{
    stop(a);
    timer_at(a->timer, when);
}

static void handle_closed(uv_handle_t *handle)
{
    struct alarm *a = handle->data;
    if (--a->open_handles == 0)
        free(a);
}

void alarm_free(struct alarm *a)
{
    if (!a)
        return;
    timer_free(a->timer);
    uv_close((uv_handle_t *)&a->idle, handle_closed);
    uv_close((uv_handle_t *)&a->check, handle_closed);
}

#include "check.h"
#include "fake/run.h"
#include "net/alarm.h"

struct ring {
    struct loop *loop;
    struct timer *timer, *other;
    struct alarm *alarm;
    usec_t at;
    int count, order;
    bool rang;
};
static int sequence;

static void ring(void *userdata)
{
    struct ring *r = userdata;
    r->at = time_monotonic();
    r->count++;
    r->order = ++sequence;
    r->rang = true;
}

/* Keeps the loop turning, so that a timer that may ring early does. */
static void spin(void *userdata)
{
    struct ring *r = userdata;
    timer_at(r->timer, 0);
}

TEST(a_timer_never_rings_early_and_rings_once)
{
    static const usec_t delays[] = {-USEC_SEC, 0, 1, 900, 1100, 25 * USEC_MSEC};
    struct loop *l = NULL;
    CHECK_INT(loop_new(&l, NULL), 0);
    for (size_t i = 0; i < array_len(delays); i++) {
        struct ring r = {.loop = l};
        struct timer *t = timer_new(l, ring, &r);
        usec_t due = time_monotonic() + delays[i];
        timer_at(t, due);
        CHECK(run_until(l, &r.rang, 1000));
        CHECK(r.at >= due);
        CHECK(r.at < due + 200 * USEC_MSEC || delays[i] < 0);
        run_for(l, 30);
        CHECK_INT(r.count, 1);
        timer_free(t);
    }
    struct ring spinner = {0};
    spinner.timer = timer_new(l, spin, &spinner);
    timer_at(spinner.timer, 0);
    for (int i = 0; i < 20; i++) { /* libuv counts whole milliseconds, and this one begins anywhere in one */
        struct ring r = {.loop = l};
        struct timer *t = timer_new(l, ring, &r);
        usec_t due = time_monotonic() + 990;
        timer_at(t, due);
        CHECK(run_until(l, &r.rang, 1000));
        CHECK(r.at >= due);
        timer_free(t);
    }
    timer_free(spinner.timer);
    loop_free(l);
}

TEST(a_timer_can_be_moved_and_turned_off)
{
    struct loop *l = NULL;
    CHECK_INT(loop_new(&l, NULL), 0);
    struct ring moved = {0}, off = {0};
    struct timer *a = timer_new(l, ring, &moved), *b = timer_new(l, ring, &off);
    timer_at(a, time_monotonic() + USEC_HOUR);
    timer_at(a, time_monotonic() + 10 * USEC_MSEC);
    timer_at(b, time_monotonic() + 5 * USEC_MSEC);
    timer_at(b, USEC_NEVER);
    run_for(l, 60);
    CHECK_INT(moved.count, 1);
    CHECK_INT(off.count, 0);
    timer_free(a);
    timer_free(b);
    timer_free(NULL);
    loop_free(l);
}

static void free_myself(void *userdata)
{
    struct ring *r = userdata;
    ring(r);
    timer_free(r->timer);
    timer_free(r->other);
    alarm_free(r->alarm);
}

TEST(a_timer_may_free_itself_and_others_that_are_due_at_the_same_time)
{
    struct loop *l = NULL;
    CHECK_INT(loop_new(&l, NULL), 0);
    struct ring first = {0}, second = {0};
    first.timer = timer_new(l, free_myself, &first);
    first.other = timer_new(l, ring, &second);
    timer_at(first.timer, 0);
    timer_at(first.other, 0);
    run_for(l, 20);
    CHECK_INT(first.count, 1);
    CHECK_INT(second.count, 0);
    loop_free(l);
}

TEST(an_alarm_rings_after_whatever_else_is_ready)
{
    struct loop *l = NULL;
    CHECK_INT(loop_new(&l, NULL), 0);
    struct ring alarm = {0}, timer = {0};
    struct alarm *a = alarm_new(l, ring, &alarm);
    struct timer *t = timer_new(l, ring, &timer);
    alarm_at(a, 0);
    timer_at(t, 0);
    CHECK(run_until(l, &alarm.rang, 1000));
    CHECK(timer.order && timer.order < alarm.order);
    run_for(l, 30);
    CHECK_INT(alarm.count, 1);
    alarm_at(a, time_monotonic() + 5 * USEC_MSEC);
    alarm_at(a, USEC_NEVER);
    run_for(l, 20);
    CHECK_INT(alarm.count, 1);
    alarm_free(a);
    alarm_free(NULL);
    struct ring self = {0};
    self.alarm = alarm_new(l, free_myself, &self);
    alarm_at(self.alarm, 0);
    run_for(l, 20);
    CHECK_INT(self.count, 1);
    timer_free(t);
    loop_free(l);
}

static void again_now(void *userdata)
{
    struct ring *r = userdata;
    ring(r);
    timer_at(r->timer, 0);
}

TEST(a_timer_that_sets_itself_to_now_lets_others_and_sockets_have_their_turn)
{
    struct loop *l = NULL;
    CHECK_INT(loop_new(&l, NULL), 0);
    struct ring eager = {0}, second = {0}, other = {0}, alarm = {0};
    eager.timer = timer_new(l, again_now, &eager);
    second.timer = timer_new(l, again_now, &second);
    struct timer *t = timer_new(l, ring, &other);
    struct alarm *a = alarm_new(l, ring, &alarm);
    timer_at(eager.timer, 0);
    timer_at(second.timer, 0);
    timer_at(t, time_monotonic() + 5 * USEC_MSEC);
    alarm_at(a, 0);
    run_for(l, 20);
    CHECK_INT(other.count, 1);
    CHECK_INT(alarm.count, 1); /* at the end of a turn, where the sockets have been looked at */
    CHECK(eager.count > 5 && second.count > 5);
    timer_free(eager.timer);
    timer_free(second.timer);
    timer_free(t);
    alarm_free(a);
    loop_free(l);
}

static void stop(void *userdata)
{
    loop_stop(userdata);
}

TEST(the_loop_runs_until_it_is_stopped)
{
    struct loop *l = NULL;
    CHECK_INT(loop_new(&l, NULL), 0);
    struct timer *t = timer_new(l, stop, l);
    usec_t before = time_monotonic();
    timer_at(t, before + 20 * USEC_MSEC);
    loop_run(l);
    CHECK(time_monotonic() - before >= 20 * USEC_MSEC);
    timer_free(t);
    loop_free(l);
    loop_free(NULL);
}

int main(void)
{
    return check_run();
}

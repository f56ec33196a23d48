#include "check.h"

#include "base/str.h"
#include "fake_world.h"
#include "shell/alarms.h"

struct bench {
    struct fake *fake;
    struct alarms *alarms;
    struct alarm busy, other;
    usec_t overdue;
    int busy_rang, other_rang_after; /* -1: not yet */
};

/* As the workqueue's, whose first key has been due for long. */
static void on_busy(void *userdata)
{
    struct bench *b = userdata;
    if (++b->busy_rang < 1000)
        alarm_set(&b->busy, b->overdue);
}

static void on_other(void *userdata)
{
    struct bench *b = userdata;
    b->other_rang_after = b->busy_rang;
}

static void bench_init(struct bench *b)
{
    *b = (struct bench){.fake = fake_new(), .other_rang_after = -1};
    b->alarms = alarms_new(fake_world(b->fake));
    alarm_init(&b->busy, b->alarms, on_busy, b);
    alarm_init(&b->other, b->alarms, on_other, b);
}

static void bench_done(struct bench *b)
{
    alarm_clear(&b->busy);
    alarm_clear(&b->other);
    alarms_free(b->alarms);
    fake_free(b->fake);
}

/* Five thousand keys that were due at once kept the renewal of the Lease waiting until it was lost. */
TEST(an_alarm_for_what_is_overdue_does_not_keep_the_others_waiting)
{
    struct bench b;
    bench_init(&b);
    b.overdue = fake_now(b.fake) - 10 * USEC_SEC;
    alarm_set(&b.busy, b.overdue);
    alarm_set(&b.other, fake_now(b.fake));
    fake_run(b.fake);
    CHECK(b.other_rang_after >= 0 && b.other_rang_after <= 1);
    CHECK_INT(b.busy_rang, 1000);
    bench_done(&b);
}

TEST(an_alarm_rings_once_at_its_time_and_not_when_it_was_cleared)
{
    struct bench b;
    bench_init(&b);
    alarm_set(&b.other, fake_now(b.fake) + USEC_SEC);
    alarm_set_earlier(&b.other, fake_now(b.fake) + 2 * USEC_SEC);
    fake_advance(b.fake, USEC_SEC - 1);
    CHECK_INT(b.other_rang_after, -1);
    fake_advance(b.fake, 1);
    CHECK_INT(b.other_rang_after, 0);
    b.other_rang_after = -1;
    fake_advance(b.fake, USEC_MINUTE);
    CHECK_INT(b.other_rang_after, -1);
    alarm_set(&b.other, fake_now(b.fake) + USEC_SEC);
    alarm_clear(&b.other);
    fake_advance(b.fake, USEC_MINUTE);
    CHECK_INT(b.other_rang_after, -1);
    bench_done(&b);
}

int main(void)
{
    return check_run();
}

/* Of ten thousand cards the executor holds little: few writes at once, and nothing of those at rest. */
#include "executor_bench.h"

#define MANY 100 /* cards: more than may be written at once */

static struct key card(struct bench *b, int i)
{
    char name[16];
    str_format(name, sizeof(name), "c%d", i);
    struct key key = key_of(KIND_CARD, "team-a", name);
    json_auto_t *object = fake_object("ChaosCard", "team-a", name, "9", "{\"id\":\"X\"}", NULL);
    store_put(b->store, KIND_CARD, object);
    return key;
}

TEST(cards_wait_while_many_writes_of_cards_are_open_and_drills_do_not)
{
    struct bench b;
    bench_init(&b);
    struct key waiting = card(&b, MANY), taken;
    for (int i = 0; i < MANY; i++) {
        struct key key = card(&b, i);
        write_status(&b, &key, "9", "Ready");
    }
    CHECK_INT(fake_open_requests(b.fake), MANY);
    workqueue_add(b.queue, &waiting);
    workqueue_add(b.queue, &b.d1);
    CHECK(workqueue_take(b.queue, &taken) && key_equal(&taken, &b.d1));
    workqueue_done(b.queue, &taken);
    CHECK(!workqueue_take(b.queue, &taken));
    CHECK(workqueue_next(b.queue) == USEC_NEVER);
    int answered = 0; /* whatever it says */
    for (; answered < MANY && workqueue_next(b.queue) > fake_now(b.fake); answered++)
        fake_refuse(fake_request(b.fake, "PUT", "/chaoscards/"), ERROR_TOO_MANY, 429, 5000);
    CHECK(answered > 0 && answered < MANY);
    CHECK(due(&b, &waiting));
    bench_done(&b);
}

/* Ten thousand cards that rest cost nothing here. */
TEST(who_has_nothing_to_remember_is_not_remembered)
{
    struct bench b;
    bench_init(&b);
    struct key key = card(&b, 1);
    struct decision d;
    write_status(&b, &key, "9", "Ready");
    CHECK(executor_observations(b.x, &key)); /* its write is open */
    fake_refuse(fake_request(b.fake, "PUT", "/chaoscards/"), ERROR_UNAVAILABLE, 503, 0);
    decision_init(&d);
    carry(&b, &key, &d);
    CHECK(executor_observations(b.x, &key)); /* how long its writes must wait */
    fake_advance(b.fake, 5 * USEC_SEC);
    write_status(&b, &key, "9", "Ready");
    fake_reply(fake_request(b.fake, "PUT", "/chaoscards/"), 200,
               fake_object("ChaosCard", "team-a", "c1", "10", "{\"id\":\"X\"}", "{}"));
    decision_init(&d);
    carry(&b, &key, &d);
    CHECK(!executor_observations(b.x, &key));
    decision_init(&d);
    decision_note(&d, "seen", json_pack("{s:i}", "at", 1));
    carry(&b, &key, &d);
    CHECK(executor_observations(b.x, &key));
    bench_done(&b);
}

int main(void)
{
    return check_run();
}

#include "check.h"
#include "net/ask.h"

/* By HTTP/1.1, which is all that the fake server speaks: the rule is the pool's, not the wire's. */
static const struct fake_step answers_once[] = {FAKE_EXPECT(""), FAKE_SLEEP(150), FAKE_ANSWER("200 OK", "", "1"), FAKE_DRAIN};
static const struct fake_step answers[] = {FAKE_EXPECT(""), FAKE_ANSWER("200 OK", "", "2"), FAKE_DRAIN};

/* Leaves two kept connections. */
static void two_at_once(struct bench *b)
{
    struct http_request r = {.url = b->url};
    struct ask one = ask_of(b), other = ask_of(b);
    ask_start(&one, &r, false);
    ask_start(&other, &r, false);
    CHECK(run_until(b->loop, &one.done, 3000) && run_until(b->loop, &other.done, 3000));
    CHECK_INT(one.status, 200);
    CHECK_INT(other.status, 200);
    ask_done(&one);
    ask_done(&other);
}

TEST(after_a_call_that_got_no_answer_no_shared_one_waits_on_the_same_connections)
{
    static const struct {
        const char *sentence;
        bool shared;
        int connections, status;
    } rows[] = {
        {"shared: the next one is on a new connection, and is answered", true, 3, 200},
        {"not shared: the other kept connection is as good as any", false, 2, 0},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct bench b;
        bench_init(&b, &(struct fake_options){.scripts = {answers_once, answers_once, answers}});
        two_at_once(&b);
        CHECK_INT(fake_server_connections(b.server), 2);
        struct ask late, next;
        get(&b, &late, (struct http_request){.method = "PUT", .shared = rows[i].shared, .timeout = 300 * USEC_MSEC});
        CHECK_INT(late.err.class, ERROR_TIMEOUT);
        get(&b, &next, (struct http_request){.shared = rows[i].shared, .timeout = 500 * USEC_MSEC});
        CHECK_INT(next.status, rows[i].status);
        CHECK_INT(fake_server_connections(b.server), rows[i].connections);
        ask_done(&late);
        ask_done(&next);
        bench_done(&b);
    }
    CHECK_ROW(NULL);
}

TEST(a_shared_stream_that_falls_silent_is_not_waited_on_either)
{
    static const struct fake_step silent[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD, FAKE_CHUNK("word"), FAKE_HANG};
    struct bench b;
    bench_init(&b, &(struct fake_options){.scripts = {silent, answers}});
    struct ask stream = ask_of(&b), next;
    struct http_request r = {.url = b.url, .shared = true, .silence = 300 * USEC_MSEC};
    ask_start(&stream, &r, true);
    CHECK(run_until(b.loop, &stream.done, 3000));
    CHECK_INT(stream.err.class, ERROR_UNAVAILABLE);
    get(&b, &next, (struct http_request){.shared = true});
    CHECK_INT(next.status, 200);
    CHECK_INT(fake_server_connections(b.server), 2);
    ask_done(&stream);
    ask_done(&next);
    bench_done(&b);
}

int main(void)
{
    run_without_proxies();
    return check_run();
}

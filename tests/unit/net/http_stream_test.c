#include "check.h"
#include "net/ask.h"

/* Starts a stream and waits for its end, or for `ms`. */
static void stream(struct bench *b, struct ask *a, struct http_request r, int ms)
{
    *a = ask_of(b);
    r.url = b->url;
    ask_start(a, &r, true);
    run_until(b->loop, &a->done, ms);
    CHECK(!a->called_inside);
}

TEST(a_stream_is_delivered_as_it_comes)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET /x"), FAKE_STREAM_HEAD, FAKE_SLEEP(50),
                                              FAKE_CHUNK("one"),     FAKE_SLEEP(50),   FAKE_CHUNK("two"),
                                              FAKE_SLEEP(50),        FAKE_STREAM_END,  FAKE_DRAIN};
    struct bench b;
    bench_init(&b, &(struct fake_options){.scripts = {script}});
    struct ask a = ask_of(&b);
    ask_start(&a, &(struct http_request){.url = b.url, .compressed = true}, true);
    CHECK(run_until(b.loop, &a.opened, 1000));
    CHECK_INT(a.open_status, 200);
    CHECK_INT(a.data.len, 0); /* the head is told before the first byte */
    CHECK(run_until(b.loop, &a.done, 1000));
    CHECK_INT(a.pieces, 2);
    CHECK_STR(buf_str(&a.data), "onetwo");
    CHECK_STR(a.body, "");
    CHECK_INT(a.err.class, ERROR_NONE);
    auto_free char *request = fake_server_request(b.server, 0);
    CHECK(!strcasestr(request, "accept-encoding")); /* not even where it was wanted: net/http.h says why */
    ask_done(&a);
    bench_done(&b);
}

TEST(how_a_stream_ends)
{
    static const struct fake_step orderly[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD, FAKE_CHUNK("a"), FAKE_STREAM_END, FAKE_END};
    static const struct fake_step closed[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD, FAKE_CHUNK("a"), FAKE_END};
    static const struct fake_step in_chunk[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD, FAKE_SEND("5\r\nab"), FAKE_END};
    static const struct fake_step reset[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD, FAKE_CHUNK("a"), FAKE_SLEEP(20), FAKE_RESET};
    static const struct fake_step silent[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD, FAKE_CHUNK("a"), FAKE_HANG};
    static const struct fake_step no_head[] = {FAKE_EXPECT(""), FAKE_HANG};
    static const struct fake_step trickle[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD,
                                               FAKE_CHUNK_CUT("a chunk that takes longer than the watchdog", 1, 20),
                                               FAKE_STREAM_END, FAKE_DRAIN};
    static const struct fake_step refused[] = {FAKE_EXPECT(""), FAKE_ANSWER("410 Gone", "", "body"), FAKE_DRAIN};
    static const struct {
        const char *sentence;
        const struct fake_step *script;
        enum error_class class;
        int status;
        const char *text;
    } rows[] = {
        {"in order", orderly, ERROR_NONE, 200, ""},
        {"closed between chunks", closed, ERROR_UNAVAILABLE, 200, ""},
        {"closed within a chunk", in_chunk, ERROR_UNAVAILABLE, 200, ""},
        {"reset", reset, ERROR_UNAVAILABLE, 200, ""},
        {"half open: not one byte any more", silent, ERROR_UNAVAILABLE, 200, "not one byte for 0.3 s"},
        {"not even a head", no_head, ERROR_UNAVAILABLE, 0, "not one byte for 0.3 s"},
        {"a trickle keeps the watchdog quiet", trickle, ERROR_NONE, 200, ""},
        {"refused: the body comes like any data", refused, ERROR_NONE, 410, ""},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct bench b;
        bench_init(&b, &(struct fake_options){.scripts = {rows[i].script}});
        struct ask a;
        stream(&b, &a, (struct http_request){.silence = 300 * USEC_MSEC}, 3000);
        CHECK(a.done);
        CHECK_INT(a.err.class, rows[i].class);
        CHECK_INT(a.status, rows[i].status);
        CHECK_CONTAINS(a.err.text, rows[i].text);
        ask_done(&a);
        bench_done(&b);
    }
    CHECK_ROW(NULL);
}

TEST(a_stream_without_a_time_limit_outlives_that_of_requests)
{
    static const struct fake_step script[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD, FAKE_HANG};
    struct bench b;
    bench_init(&b, &(struct fake_options){.scripts = {script, script}});
    struct ask a;
    stream(&b, &a, (struct http_request){0}, 300);
    CHECK(!a.done);
    http_cancel(a.call);
    ask_done(&a);
    stream(&b, &a, (struct http_request){.timeout = 100 * USEC_MSEC}, 1000);
    CHECK_INT(a.err.class, ERROR_TIMEOUT); /* but one can be given */
    ask_done(&a);
    bench_done(&b);
}

TEST(a_stream_may_be_cancelled_in_its_own_callbacks)
{
    static const struct fake_step script[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD, FAKE_CHUNK("a"),
                                              FAKE_SLEEP(20),  FAKE_CHUNK("b"),  FAKE_DRAIN};
    static const struct {
        const char *sentence;
        bool on_open, on_data;
        size_t pieces;
    } rows[] = {{"on_open: no data comes", true, false, 0}, {"on_data: no more data comes", false, true, 1}};
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct bench b;
        bench_init(&b, &(struct fake_options){.scripts = {script}});
        struct ask a = ask_of(&b);
        a.cancel_on_open = rows[i].on_open;
        a.cancel_on_data = rows[i].on_data;
        ask_start(&a, &(struct http_request){.url = b.url}, true);
        run_for(b.loop, 150);
        CHECK(!a.done);
        CHECK_INT(a.pieces, rows[i].pieces);
        ask_done(&a);
        bench_done(&b);
    }
    CHECK_ROW(NULL);
}

TEST(requests_go_on_beside_a_stream_that_hangs)
{
    static const struct fake_step hangs[] = {FAKE_EXPECT("GET /x"), FAKE_STREAM_HEAD, FAKE_HANG};
    static const struct fake_step answers[] = {FAKE_EXPECT("GET /x"), FAKE_ANSWER("200 OK", "", "ok"), FAKE_REPEAT};
    struct bench b;
    bench_init(&b, &(struct fake_options){.scripts = {hangs, answers}});
    struct ask s = ask_of(&b), a;
    ask_start(&s, &(struct http_request){.url = b.url}, true);
    CHECK(run_until(b.loop, &s.opened, 1000));
    for (int i = 0; i < 3; i++) {
        get(&b, &a, (struct http_request){0});
        CHECK_STR(a.body, "ok");
        ask_done(&a);
    }
    CHECK_INT(fake_server_connections(b.server), 2);
    http_cancel(s.call);
    ask_done(&s);
    bench_done(&b);
}

TEST(a_flood_comes_through_whole)
{
    size_t n = (size_t)8 << 20;
    auto_free char *flood = mem_alloc(n + 1);
    for (size_t i = 0; i < n; i++)
        flood[i] = (char)('a' + i % 23);
    const struct fake_step script[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD, FAKE_CHUNK(flood), FAKE_STREAM_END, FAKE_DRAIN};
    struct bench b;
    bench_init(&b, &(struct fake_options){.scripts = {script}});
    struct ask a;
    stream(&b, &a, (struct http_request){.silence = USEC_SEC}, 10000);
    CHECK_INT(a.data.len, n);
    CHECK(a.data.len == n && memcmp(a.data.data, flood, n) == 0);
    ask_done(&a);
    bench_done(&b);
}

int main(void)
{
    run_without_proxies();
    return check_run();
}

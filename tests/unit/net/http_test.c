#include "check.h"
#include "net/ask.h"

#include "base/str.h"

#include <dlfcn.h>
#include <netdb.h>
#include <time.h>

/* ── plain answers ── */

TEST(an_answer_is_whole_however_it_is_cut)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nRetry-After:  7 \r\n\r\nhello world";
    static const char early[] = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno";
    static const char chunked[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n \r\n0\r\nTrailer: z\r\n\r\n";
    static const struct {
        const char *sentence, *answer;
        size_t cut;
        int status;
        const char *body;
    } rows[] = {
        {"in one piece", answer, 0, 200, "hello world"},
        {"byte by byte", answer, 1, 200, "hello world"},
        {"in threes", answer, 3, 200, "hello world"},
        {"after a 1xx", early, 1, 404, "no"},
        {"in chunks with an extension and a trailer", chunked, 1, 200, "hello "},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        const struct fake_step script[] = {FAKE_EXPECT("GET /x HTTP/1.1\r\n"), FAKE_TRICKLE(rows[i].answer, rows[i].cut, 0),
                                           FAKE_DRAIN};
        struct bench b;
        bench_init(&b, &(struct fake_options){.scripts = {script}});
        struct ask a;
        get(&b, &a, (struct http_request){0});
        CHECK_INT(a.err.class, ERROR_NONE);
        CHECK_INT(a.status, rows[i].status);
        CHECK_STR(a.body, rows[i].body);
        CHECK(a.latency > 0 && a.latency < 5 * USEC_SEC);
        char value[8];
        struct http_reply r = {.head = a.head};
        if (rows[i].answer == answer) {
            CHECK(http_reply_header(&r, "retry-after", value, sizeof value));
            CHECK_STR(value, "7");
            CHECK(!http_reply_header(&r, "Retry", value, sizeof value));
            CHECK(!http_reply_header(&r, "Content-Length", value, 2));
        }
        ask_done(&a);
        bench_done(&b);
    }
    CHECK_ROW(NULL);
}

TEST(a_redirect_is_an_answer_and_not_followed)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET /x"), FAKE_ANSWER("302 Found", "Location: /elsewhere\r\n", ""),
                                              FAKE_DRAIN};
    struct bench b;
    bench_init(&b, &(struct fake_options){.scripts = {script}});
    struct ask a;
    get(&b, &a, (struct http_request){0});
    CHECK_INT(a.status, 302);
    CHECK_INT(fake_server_requests(b.server), 1);
    ask_done(&a);
    bench_done(&b);
}

TEST(what_is_sent_has_no_Expect_and_nothing_of_libcurls_own)
{
    static const struct fake_step script[] = {FAKE_EXPECT("PATCH /x HTTP/1.1"),
                                              FAKE_ANSWER("200 OK", "", "{}"),
                                              FAKE_EXPECT("POST /x"),
                                              FAKE_ANSWER("200 OK", "", "{}"),
                                              FAKE_EXPECT("DELETE /x"),
                                              FAKE_ANSWER("200 OK", "", "{}"),
                                              FAKE_DRAIN};
    struct bench b;
    bench_init(&b, &(struct fake_options){.scripts = {script}});
    size_t n = (size_t)2 << 20;
    auto_free char *body = mem_alloc(n + 1);
    memset(body, 'b', n);
    auto_strlist struct strlist headers = {0};
    strlist_add(&headers, "Content-Type: application/merge-patch+json");
    struct ask a;
    get(&b, &a, (struct http_request){.method = "PATCH", .body = body, .body_length = n, .headers = &headers});
    CHECK_INT(a.status, 200);
    ask_done(&a);
    get(&b, &a, (struct http_request){.method = "POST"});
    ask_done(&a);
    get(&b, &a, (struct http_request){.method = "DELETE"});
    ask_done(&a);
    auto_free char *patch = fake_server_request(b.server, 0), *post = fake_server_request(b.server, 1),
                   *delete = fake_server_request(b.server, 2);
    CHECK(!strcasestr(patch, "\r\nexpect:"));
    CHECK(!strcasestr(patch, "\r\naccept-encoding:"));
    CHECK_CONTAINS(patch, "\r\nContent-Type: application/merge-patch+json\r\n");
    CHECK_CONTAINS(patch, "\r\nContent-Length: 2097152\r\n");
    CHECK(strlen(patch) > n);
    CHECK_CONTAINS(post, "\r\nContent-Length: 0\r\n");
    CHECK(!strcasestr(post, "urlencoded"));
    CHECK(!strcasestr(delete, "Content-Length"));
    CHECK_INT(fake_server_connections(b.server), 1);
    bench_done(&b);
}

TEST(gzip_is_asked_for_on_request_and_unpacked_within_the_bound)
{
    /* 100,000 zeros, packed by gzip */
    static const unsigned char zeros[] = {
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0xed, 0xc1, 0x31, 0x01, 0x00, 0x00, 0x00, 0xc2, 0xa0,
        0xf5, 0x4f, 0x6d, 0x0d, 0x0f, 0xa0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x57, 0x03, 0x7d, 0x95, 0x11, 0xd4, 0xa0, 0x86, 0x01, 0x00};
    auto_free char *head = mem_printf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", sizeof zeros);
    const struct fake_step script[] = {FAKE_EXPECT("GET /x"), FAKE_SEND(head), FAKE_BYTES((const char *)zeros, sizeof zeros),
                                       FAKE_DRAIN};
    static const struct {
        const char *sentence;
        size_t max;
        enum error_class class;
    } rows[] = {
        {"unpacked it fits", 100000, ERROR_NONE},
        {"packed it would fit, unpacked it does not", 99999, ERROR_INVALID},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct bench b;
        bench_init(&b, &(struct fake_options){.scripts = {script}});
        struct ask a;
        get(&b, &a, (struct http_request){.compressed = true, .max_body = rows[i].max});
        CHECK_INT(a.err.class, rows[i].class);
        if (!rows[i].class)
            CHECK_INT(a.body_length, 100000);
        auto_free char *request = fake_server_request(b.server, 0);
        CHECK_CONTAINS(request, "\r\nAccept-Encoding: gzip\r\n");
        ask_done(&a);
        bench_done(&b);
    }
    CHECK_ROW(NULL);
}

TEST(an_answer_is_bounded)
{
    auto_free char *long_header = mem_printf("HTTP/1.1 200 OK\r\nX: %0*d\r\n\r\n", 70000, 0);
    const struct fake_step endless[] = {FAKE_EXPECT("GET /x"), FAKE_SEND("HTTP/1.1 200 OK\r\n\r\n0123456789ABCDEF"), FAKE_HANG};
    const struct fake_step head[] = {FAKE_EXPECT("GET /x"), FAKE_SEND(long_header), FAKE_HANG};
    const struct {
        const char *sentence;
        const struct fake_step *script;
        bool cut;
        enum error_class class;
        const char *body;
    } rows[] = {
        {"a body that is too long is an error", endless, false, ERROR_INVALID, "0123456789ABCDEF"},
        {"or is cut, which is none, without waiting for its end", endless, true, ERROR_NONE, "0123456789"},
        {"a head that is too long is an error", head, false, ERROR_INVALID, ""},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct bench b;
        bench_init(&b, &(struct fake_options){.scripts = {rows[i].script}});
        struct ask a;
        get(&b, &a, (struct http_request){.max_body = 10, .cut_body = rows[i].cut, .timeout = 3 * USEC_SEC});
        CHECK_INT(a.err.class, rows[i].class);
        if (!rows[i].class)
            CHECK_STR(a.body, rows[i].body);
        ask_done(&a);
        bench_done(&b);
    }
    CHECK_ROW(NULL);
}

TEST(what_cannot_be_asked_is_answered_later_and_never_inside_the_call)
{
    static const struct {
        const char *sentence, *url, *header;
        enum error_class class;
    } rows[] = {
        {"nobody listens", "http://127.0.0.1:1/", "A: b", ERROR_UNAVAILABLE},
        {"a name that does not exist", "http://no-such-host.invalid/", "A: b", ERROR_UNAVAILABLE},
        {"another scheme", "ftp://127.0.0.1/", "A: b", ERROR_INVALID},
        {"no host", "http:///x", "A: b", ERROR_INVALID},
        {"a port that is none", "http://127.0.0.1:70000/", "A: b", ERROR_INVALID},
        {"a blank in the URL", "http://127.0.0.1:1/a b", "A: b", ERROR_INVALID},
        {"a line break in the URL", "http://127.0.0.1:1/a\r\nX:", "A: b", ERROR_INVALID},
        {"a password in the URL", "http://a:secret@127.0.0.1:1/", "A: b", ERROR_INVALID},
        {"a line break in a header", "http://127.0.0.1:1/", "A: secret\r\nB: c", ERROR_INVALID},
        {"a header without a colon", "http://127.0.0.1:1/", "secret", ERROR_INVALID},
    };
    struct loop *l = NULL;
    CHECK_INT(loop_new(&l, NULL), 0);
    struct http *h = http_new(l);
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_strlist struct strlist headers = {0};
        strlist_add(&headers, rows[i].header);
        struct ask a = {.loop = l, .http = h};
        ask_start(&a, &(struct http_request){.url = rows[i].url, .headers = &headers}, false);
        CHECK(!a.done);
        CHECK(run_until(l, &a.done, 5000));
        CHECK(!a.called_inside);
        CHECK_INT(a.err.class, rows[i].class);
        CHECK(!strstr(a.err.text, "secret"));
        CHECK_INT(a.status, 0);
        ask_done(&a);
    }
    CHECK_ROW(NULL);
    http_free(h);
    loop_free(l);
}

TEST(a_proxy_is_used_where_one_is_named)
{
    static const struct fake_step proxy[] = {FAKE_EXPECT("GET http://192.0.2.1:81/y HTTP/1.1"), FAKE_ANSWER("200 OK", "", "via"),
                                             FAKE_DRAIN};
    struct bench b;
    bench_init(&b, &(struct fake_options){.scripts = {proxy}});
    struct ask a;
    get(&b, &a, (struct http_request){.url = "http://192.0.2.1:81/y", .proxy = fake_server_url(b.server)});
    CHECK_STR(a.body, "via");
    ask_done(&a);
    bench_done(&b);
}

TEST(an_IPv6_address_is_reached)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET /x"), FAKE_ANSWER("200 OK", "", "six"), FAKE_DRAIN};
    struct bench b;
    bench_init(&b, &(struct fake_options){.scripts = {script}, .ipv6 = true});
    struct ask a;
    get(&b, &a, (struct http_request){0});
    CHECK_STR(a.body, "six");
    ask_done(&a);
    bench_done(&b);
}

TEST(a_call_can_be_cancelled_at_any_time_and_is_then_silent)
{
    static const struct fake_step slow[] = {FAKE_EXPECT("GET /x"), FAKE_SLEEP(50), FAKE_ANSWER("200 OK", "", "late"), FAKE_DRAIN};
    struct bench b;
    bench_init(&b, &(struct fake_options){.scripts = {slow}, .repeat_last = true});
    struct ask a = ask_of(&b);
    CHECK_ROW("before the loop has turned");
    ask_start(&a, &(struct http_request){.url = b.url}, false);
    http_cancel(a.call);
    run_for(b.loop, 20);
    CHECK(!a.done);
    ask_done(&a);
    CHECK_ROW("while the answer is waited for");
    a = ask_of(&b);
    ask_start(&a, &(struct http_request){.url = b.url}, false);
    run_for(b.loop, 20);
    http_cancel(a.call);
    run_for(b.loop, 100);
    CHECK(!a.done);
    ask_done(&a);
    CHECK_ROW("inside its own on_done");
    a = ask_of(&b);
    a.cancel_on_done = true;
    ask_start(&a, &(struct http_request){.url = b.url}, false);
    CHECK(run_until(b.loop, &a.done, 1000));
    ask_done(&a);
    CHECK_ROW("a malformed one that waits to be told so");
    a = ask_of(&b);
    ask_start(&a, &(struct http_request){.url = "x"}, false);
    http_cancel(a.call);
    run_for(b.loop, 10);
    CHECK(!a.done);
    ask_done(&a);
    CHECK_ROW("the whole pool");
    struct ask open = ask_of(&b);
    ask_start(&open, &(struct http_request){.url = b.url}, false);
    run_for(b.loop, 20);
    bench_done(&b);
    CHECK(!open.done);
    ask_done(&open);
    CHECK_ROW(NULL);
}

/* ── a name that takes its time ── */

/* Stands in the way of libc's, for libcurl's resolver thread; the addresses of the other tests are looked up by libc's. */
int getaddrinfo(const char *restrict node, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict found)
{
    if (!node || strcmp(node, "slow.test") != 0) {
        int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
        return real(node, service, hints, found);
    }
    nanosleep(&(struct timespec){.tv_nsec = 700000000}, NULL);
    return EAI_NONAME;
}

TEST(a_slow_name_server_blocks_neither_the_loop_nor_a_cancel)
{
    struct loop *l = NULL;
    CHECK_INT(loop_new(&l, NULL), 0);
    struct http *h = http_new(l);
    struct ask a = {.loop = l, .http = h};
    ask_start(&a, &(struct http_request){.url = "http://slow.test/", .connect_timeout = 100 * USEC_MSEC}, false);
    usec_t before = time_monotonic();
    CHECK(run_until(l, &a.done, 2000));
    CHECK_INT(a.err.class, ERROR_TIMEOUT);
    CHECK(time_monotonic() - before < 400 * USEC_MSEC);
    ask_done(&a);
    a = (struct ask){.loop = l, .http = h};
    ask_start(&a, &(struct http_request){.url = "http://slow.test/"}, false);
    run_for(l, 30);
    before = time_monotonic();
    http_cancel(a.call);
    http_free(h);
    CHECK(time_monotonic() - before < 100 * USEC_MSEC);
    ask_done(&a);
    run_for(l, 900); /* the threads left behind end: for the leak checker */
    loop_free(l);
}

int main(void)
{
    run_without_proxies();
    return check_run();
}

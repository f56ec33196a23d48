#include "check.h"
#include "net/ask.h"

TEST(a_broken_exchange_is_judged_by_what_may_have_happened)
{
    static const struct fake_step reset[] = {FAKE_EXPECT(""), FAKE_RESET};
    static const struct fake_step close_early[] = {FAKE_EXPECT(""), FAKE_END};
    static const struct fake_step half_head[] = {FAKE_EXPECT(""), FAKE_SEND("HTTP/1.1 200 OK\r\nContent-Le"), FAKE_END};
    static const struct fake_step half_body[] = {FAKE_EXPECT(""), FAKE_SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
                                                 FAKE_END};
    static const struct fake_step half_chunk[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD, FAKE_CHUNK("half"), FAKE_END};
    static const struct fake_step hang[] = {FAKE_EXPECT(""), FAKE_HANG};
    static const struct fake_step slow[] = {FAKE_EXPECT(""), FAKE_SEND("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"),
                                            FAKE_TRICKLE("................................................................", 1, 20),
                                            FAKE_HANG};
    static const struct fake_step rubbish[] = {FAKE_EXPECT(""), FAKE_SEND("SSH-2.0-OpenSSH_9.2\r\n"), FAKE_END};
    static const struct {
        const char *sentence, *method;
        const struct fake_step *script;
        enum error_class class;
    } rows[] = {
        {"reset after the request was read: a GET", "GET", reset, ERROR_UNAVAILABLE},
        {"reset after the request was read: the write may have happened", "POST", reset, ERROR_UNAVAILABLE},
        {"closed without an answer", "PATCH", close_early, ERROR_UNAVAILABLE},
        {"cut in the head", "GET", half_head, ERROR_UNAVAILABLE},
        {"cut in the body", "GET", half_body, ERROR_UNAVAILABLE},
        {"cut between chunks", "GET", half_chunk, ERROR_UNAVAILABLE},
        {"no answer in time", "POST", hang, ERROR_TIMEOUT},
        {"a trickle does not extend the time limit", "GET", slow, ERROR_TIMEOUT},
        {"not HTTP", "GET", rubbish, ERROR_UNAVAILABLE},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct bench b;
        bench_init(&b, &(struct fake_options){.scripts = {rows[i].script}});
        struct ask a;
        usec_t before = time_monotonic();
        get(&b, &a, (struct http_request){.method = rows[i].method, .timeout = 400 * USEC_MSEC});
        CHECK(time_monotonic() - before < USEC_SEC);
        CHECK_INT(a.err.class, rows[i].class);
        CHECK(error_outcome_unknown(&a.err));
        CHECK_INT(fake_server_requests(b.server), 1); /* sent once, whatever happened */
        ask_done(&a);
        bench_done(&b);
    }
    CHECK_ROW(NULL);
}

TEST(a_kept_connection_that_turns_out_to_be_closed)
{
    static const struct fake_step answers_then_reads_and_closes[] = {FAKE_EXPECT("GET /first"), FAKE_ANSWER("200 OK", "", "1"),
                                                                     FAKE_EXPECT(""), FAKE_END};
    static const struct fake_step answers_then_closes[] = {FAKE_EXPECT("GET /first"), FAKE_ANSWER("200 OK", "", "1"), FAKE_END};
    static const struct fake_step answers[] = {FAKE_EXPECT(""), FAKE_ANSWER("200 OK", "", "2"), FAKE_DRAIN};
    static const struct {
        const char *sentence, *method;
        const struct fake_step *script;
        int status, connections, requests;
    } rows[] = {
        {"a GET is sent again on a fresh one", "GET", answers_then_reads_and_closes, 200, 2, 3},
        {"a POST that had been sent is not", "POST", answers_then_reads_and_closes, 0, 1, 2},
        {"nor a PATCH", "PATCH", answers_then_reads_and_closes, 0, 1, 2},
        {"nor a DELETE", "DELETE", answers_then_reads_and_closes, 0, 1, 2},
        {"nor a PUT", "PUT", answers_then_reads_and_closes, 0, 1, 2},
        {"a POST of which no byte was sent goes to a fresh one", "POST", answers_then_closes, 200, 2, 2},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct bench b;
        bench_init(&b, &(struct fake_options){.scripts = {rows[i].script, answers}});
        auto_free char *first = mem_printf("%s/first", fake_server_url(b.server));
        struct ask a;
        get(&b, &a, (struct http_request){.url = first});
        CHECK_INT(a.status, 200);
        ask_done(&a);
        run_for(b.loop, 50); /* let a close arrive */
        get(&b, &a,
            (struct http_request){.method = rows[i].method, .body = "{}", .body_length = strcmp(rows[i].method, "GET") ? 2 : 0});
        CHECK_INT(a.status, rows[i].status);
        CHECK_INT(a.err.class, rows[i].status ? ERROR_NONE : ERROR_UNAVAILABLE);
        CHECK_INT(fake_server_connections(b.server), rows[i].connections);
        CHECK_INT(fake_server_requests(b.server), rows[i].requests);
        ask_done(&a);
        bench_done(&b);
    }
    CHECK_ROW(NULL);
}

TEST(connections_are_kept_and_never_pipelined)
{
    static const struct fake_step keep[] = {FAKE_EXPECT("GET /x"), FAKE_SLEEP(30), FAKE_ANSWER("200 OK", "", "ok"), FAKE_REPEAT};
    struct bench b;
    bench_init(&b, &(struct fake_options){.scripts = {keep}, .repeat_last = true});
    for (int i = 0; i < 5; i++) {
        struct ask a;
        get(&b, &a, (struct http_request){0});
        CHECK_INT(a.status, 200);
        ask_done(&a);
    }
    CHECK_INT(fake_server_connections(b.server), 1);
    struct ask two[2] = {ask_of(&b), ask_of(&b)};
    for (int i = 0; i < 2; i++)
        ask_start(&two[i], &(struct http_request){.url = b.url}, false);
    for (int i = 0; i < 2; i++) {
        CHECK(run_until(b.loop, &two[i].done, 2000));
        ask_done(&two[i]);
    }
    CHECK_INT(fake_server_connections(b.server), 2);
    struct ask a;
    get(&b, &a, (struct http_request){.own_connection = true});
    ask_done(&a);
    CHECK_INT(fake_server_connections(b.server), 3);
    bench_done(&b);
}

int main(void)
{
    run_without_proxies();
    return check_run();
}

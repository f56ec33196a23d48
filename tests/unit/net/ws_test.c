#include "ws_fixture.h"

#include <dirent.h>
#include <uv.h>

/* ── what the servers do ── */

static bool accept_it(struct fake_conn *c, void *userdata)
{
    (void)userdata;
    return fake_ws_accept(c, PROTOCOL);
}

static bool accept_without_protocol(struct fake_conn *c, void *userdata)
{
    (void)userdata;
    return fake_ws_accept(c, NULL);
}

static bool accept_another_protocol(struct fake_conn *c, void *userdata)
{
    (void)userdata;
    return fake_ws_accept(c, "v4.channel.k8s.io");
}

static bool echo(struct fake_conn *c, void *userdata)
{
    auto_buf struct buf b;
    (void)userdata;
    buf_init(&b, (size_t)4 << 20);
    while (fake_ws_read_data(c, &b) && fake_ws_send(c, FAKE_WS_BINARY, true, b.data, b.len))
        if (b.len == 4 && memcmp(b.data, "quit", 4) == 0)
            return fake_ws_close(c, 1000, "");
    return false;
}

static bool every_byte_apart(struct fake_conn *c, void *userdata)
{
    (void)userdata;
    char longer[300];
    memset(longer, 'y', sizeof(longer)); /* a two-byte length */
    return fake_ws_trickle(c, FAKE_WS_BINARY, "\1hello", 6, 1) && fake_ws_trickle(c, FAKE_WS_BINARY, "", 0, 1) &&
           fake_ws_trickle(c, FAKE_WS_BINARY, longer, sizeof(longer), 1) && fake_ws_trickle(c, FAKE_WS_BINARY, "\1end", 4, 3) &&
           fake_ws_close(c, 1000, "");
}

static bool fragments_with_a_ping_between(struct fake_conn *c, void *userdata)
{
    (void)userdata;
    return fake_ws_send(c, FAKE_WS_BINARY, false, "\1he", 3) && fake_ws_send(c, FAKE_WS_PING, true, "p", 1) &&
           fake_ws_send(c, FAKE_WS_CONTINUATION, false, "", 0) && fake_ws_send(c, FAKE_WS_CONTINUATION, false, "ll", 2) &&
           fake_ws_send(c, FAKE_WS_CONTINUATION, true, "o", 1) && fake_ws_send(c, FAKE_WS_BINARY, true, "\1next", 5) &&
           fake_ws_close(c, 1000, "");
}

static bool a_long_message(struct fake_conn *c, void *userdata)
{
    (void)userdata;
    char *bytes = mem_alloc(300001);
    memset(bytes, 'z', 300001);
    bool ok = fake_ws_send(c, FAKE_WS_BINARY, true, bytes, 300001) && fake_ws_send(c, FAKE_WS_BINARY, true, "\1tail", 5);
    free(bytes);
    return ok && fake_ws_close(c, 1000, "");
}

static bool a_text_message(struct fake_conn *c, void *userdata)
{
    auto_buf struct buf b;
    int opcode;
    (void)userdata;
    buf_init(&b, 1000);
    if (!fake_ws_send(c, FAKE_WS_TEXT, true, "hi", 2) || !fake_ws_read(c, &opcode, &b))
        return false;
    if (opcode != FAKE_WS_CLOSE || b.len < 2 || (unsigned char)b.data[1] != (1003 & 0xff))
        fake_conn_complain(c, "not closed with 1003");
    return false;
}

#define CLOSES_WITH(name, code, reason)                                                                                            \
    static bool name(struct fake_conn *c, void *userdata)                                                                         \
    {                                                                                                                              \
        (void)userdata;                                                                                                            \
        return fake_ws_close(c, code, reason);                                                                                     \
    }
CLOSES_WITH(close_1000, 1000, "")
CLOSES_WITH(close_1000_with_text, 1000, "done")
CLOSES_WITH(close_1011, 1011, "etcd \"fell\" over")
CLOSES_WITH(close_1001, 1001, "")
CLOSES_WITH(close_empty, 0, "")

static bool count_pings(struct fake_conn *c, void *userdata)
{
    *(int *)userdata = fake_ws_answer_pings(c);
    return false;
}

static bool chatter_without_pongs(struct fake_conn *c, void *userdata)
{
    (void)userdata;
    for (int i = 0; i < 20; i++)
        if (!fake_ws_send(c, FAKE_WS_BINARY, true, "\1x", 2) || !fake_conn_sleep(c, 50))
            return false;
    return fake_ws_close(c, 1000, "");
}

/* ── messages ── */

TEST(a_message_goes_out_whole_and_comes_back)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET /exec?command=x HTTP/1.1"), FAKE_CALL(accept_it), FAKE_CALL(echo),
                                              FAKE_END};
    struct fake_server *s = fake_server_start(&(struct fake_options){.scripts = {script}});
    struct client c;
    client_init(&c);
    c.send_on_open = "quit";
    client_connect(&c, s, NULL);
    CHECK(!ws_send(c.ws, "x", 1, NULL, 0)); /* not open yet */
    CHECK(run_until(c.loop, &c.closed, 5000));
    CHECK_STR(buf_str(&c.got), "quit|");
    CHECK_INT(c.close.err.class, ERROR_NONE);
    CHECK_INT(c.close.code, 1000);
    CHECK(c.close.opened && c.drains == 1);
    CHECK(!ws_send(c.ws, "x", 1, NULL, 0));
    client_done(&c);
    CHECK_STR(fake_server_complaint(s), NULL);
    fake_server_stop(s);
}

TEST(messages_are_put_together_however_they_were_cut)
{
    static const struct fake_step apart[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(every_byte_apart), FAKE_END};
    static const struct fake_step fragments[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(fragments_with_a_ping_between),
                                                 FAKE_DRAIN, FAKE_END};
    static const struct fake_step large[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(a_long_message), FAKE_END};
    struct client c;
    client_init(&c);
    run_script(&c, apart, NULL);
    CHECK_INT(c.messages, 4);
    client_init(&c);
    run_script(&c, fragments, NULL);
    CHECK_INT(c.messages, 2);
    client_init(&c);
    run_script(&c, large, NULL);
    CHECK_INT(c.messages, 2);
}

TEST(fragments_come_as_one_message_with_only_the_first_ones_channel_byte)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(fragments_with_a_ping_between),
                                              FAKE_DRAIN, FAKE_END};
    struct fake_server *s = fake_server_start(&(struct fake_options){.scripts = {script}});
    struct client c;
    client_init(&c);
    client_connect(&c, s, NULL);
    CHECK(run_until(c.loop, &c.closed, 5000));
    CHECK_STR(buf_str(&c.got), "\1hello|\1next|");
    client_done(&c);
    fake_server_stop(s);
}

TEST(a_message_beyond_the_bound_ends_the_connection)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(a_long_message), FAKE_DRAIN, FAKE_END};
    struct client c;
    client_init(&c);
    run_script(&c, script, &(struct ws_options){.message_max = 300000});
    CHECK_INT(c.messages, 0);
    CHECK_INT(c.close.err.class, ERROR_UNAVAILABLE);
    CHECK_CONTAINS(c.close.err.text, "longer than is taken");
}

TEST(a_text_message_ends_the_connection)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(a_text_message), FAKE_END};
    struct fake_server *s = fake_server_start(&(struct fake_options){.scripts = {script}});
    struct client c;
    client_init(&c);
    client_connect(&c, s, NULL);
    CHECK(run_until(c.loop, &c.closed, 5000));
    CHECK_CONTAINS(c.close.err.text, "text message");
    run_for(c.loop, 100);
    client_done(&c);
    CHECK_STR(fake_server_complaint(s), NULL);
    fake_server_stop(s);
}

TEST(a_full_queue_refuses_and_drains_in_order)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_SLEEP(300), FAKE_CALL(echo), FAKE_END};
    struct fake_server *s = fake_server_start(&(struct fake_options){.scripts = {script}});
    struct client c;
    client_init(&c);
    client_connect(&c, s, &(struct ws_options){.queue_max = 8 << 20});
    CHECK(run_until(c.loop, &c.opened, 5000));
    static char block[32768];
    unsigned char number = 0;
    int sent = 0;
    while (ws_send(c.ws, &number, 1, block, sizeof(block) - 1)) {
        number++;
        sent++;
    }
    CHECK_INT(sent, 256);
    CHECK_INT(ws_queued(c.ws), 8 << 20);
    CHECK(run_until(c.loop, &c.drained, 10000));
    CHECK_INT(ws_queued(c.ws), 0);
    for (int i = 0; i < 100 && c.messages < sent; i++)
        run_for(c.loop, 20);
    CHECK_INT(c.messages, sent);
    for (int i = 0; i < sent; i++)
        if ((unsigned char)c.got.data[(size_t)i * (sizeof(block) + 1)] != (unsigned char)i) {
            CHECK_FAIL("message %d out of order", i);
            break;
        }
    client_done(&c);
    CHECK_STR(fake_server_complaint(s), NULL);
    fake_server_stop(s);
}

/* ── endings ── */

TEST(how_it_ends_is_told)
{
    static const struct {
        const char *sentence;
        struct fake_step script[5];
        enum error_class class;
        int code;
        const char *text;
    } rows[] = {
        {"1000 is an ordinary end", {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(close_1000)}, ERROR_NONE, 1000, ""},
        {"1000 with a text too", {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(close_1000_with_text)}, ERROR_NONE, 1000, ""},
        {"another code is an error that quotes the reason",
         {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(close_1011)},
         ERROR_UNAVAILABLE,
         1011,
         "1011: etcd"},
        {"going away", {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(close_1001)}, ERROR_UNAVAILABLE, 1001, "1001"},
        {"a close frame without a code", {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(close_empty)}, ERROR_UNAVAILABLE, 1005, "1005"},
        {"TCP ends without a close frame", {FAKE_EXPECT("GET "), FAKE_CALL(accept_it)}, ERROR_UNAVAILABLE, 0, "broke the connection off"},
        {"TCP is reset", {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_SLEEP(50), FAKE_RESET}, ERROR_UNAVAILABLE, 0, "broke the connection off"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct client c;
        client_init(&c);
        run_script(&c, rows[i].script, NULL);
        CHECK_INT(c.close.err.class, rows[i].class);
        CHECK_INT(c.close.code, rows[i].code);
        CHECK_CONTAINS(c.close.err.text, rows[i].text);
        CHECK(c.close.opened);
    }
    CHECK_ROW(NULL);
}

TEST(an_upgrade_that_is_refused_says_the_status)
{
    static const struct {
        const char *sentence;
        struct fake_step script[5];
        enum error_class class;
        int status;
        const char *text;
    } rows[] = {
        {"401", {FAKE_EXPECT("GET "), FAKE_ANSWER("401 Unauthorized", "", "{}")}, ERROR_FORBIDDEN, 401, "HTTP 401"},
        {"403", {FAKE_EXPECT("GET "), FAKE_ANSWER("403 Forbidden", "", "{}")}, ERROR_FORBIDDEN, 403, "HTTP 403"},
        {"404", {FAKE_EXPECT("GET "), FAKE_ANSWER("404 Not Found", "", "{}")}, ERROR_NOT_FOUND, 404, "HTTP 404"},
        {"400", {FAKE_EXPECT("GET "), FAKE_ANSWER("400 Bad Request", "", "{}")}, ERROR_INVALID, 400, "HTTP 400"},
        {"429", {FAKE_EXPECT("GET "), FAKE_ANSWER("429 Too Many", "", "{}")}, ERROR_TOO_MANY, 429, "HTTP 429"},
        {"503", {FAKE_EXPECT("GET "), FAKE_ANSWER("503 Unavailable", "", "{}")}, ERROR_UNAVAILABLE, 503, "HTTP 503"},
        {"200 is no upgrade", {FAKE_EXPECT("GET "), FAKE_ANSWER("200 OK", "", "{}")}, ERROR_INVALID, 200, "HTTP 200"},
        {"a redirect is not followed",
         {FAKE_EXPECT("GET "), FAKE_ANSWER("302 Found", "Location: /elsewhere\r\n", "")},
         ERROR_INVALID,
         302,
         "HTTP 302"},
        {"the subprotocol is not echoed",
         {FAKE_EXPECT("GET "), FAKE_CALL(accept_without_protocol), FAKE_DRAIN},
         ERROR_INVALID,
         0,
         "chose the WebSocket subprotocol \"\"; only \"v5"},
        {"another subprotocol is chosen", {FAKE_EXPECT("GET "), FAKE_CALL(accept_another_protocol), FAKE_DRAIN}, ERROR_UNAVAILABLE, 0, ""},
        {"the server hangs up", {FAKE_EXPECT("GET "), FAKE_END}, ERROR_UNAVAILABLE, 0, "127.0.0.1"},
        {"the server resets", {FAKE_EXPECT("GET "), FAKE_RESET}, ERROR_UNAVAILABLE, 0, "127.0.0.1"},
        {"the server speaks no HTTP", {FAKE_SEND("SSH-2.0-x\r\n\r\n"), FAKE_DRAIN}, ERROR_UNAVAILABLE, 0, "127.0.0.1"},
        {"the accept value is wrong",
         {FAKE_EXPECT("GET "),
          FAKE_SEND("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: AAAA\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"),
          FAKE_DRAIN},
         ERROR_UNAVAILABLE,
         0,
         "Accept"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct client c;
        client_init(&c);
        run_script(&c, rows[i].script, &(struct ws_options){.connect_timeout = USEC_SEC});
        if (rows[i].class == ERROR_UNAVAILABLE)
            CHECK(error_outcome_unknown(&c.close.err)); /* or TIMEOUT, by the version of libwebsockets */
        else
            CHECK_INT(c.close.err.class, rows[i].class);
        CHECK_INT(c.close.http_status, rows[i].status);
        CHECK_CONTAINS(c.close.err.text, rows[i].text);
        CHECK(!c.close.opened && c.opens == 0);
    }
    CHECK_ROW(NULL);
}

TEST(the_answer_may_come_a_byte_at_a_time)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_TRICKLE("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 1, 2),
                                              FAKE_DRAIN, FAKE_END};
    struct client c;
    client_init(&c);
    run_script(&c, script, NULL);
    CHECK_INT(c.close.http_status, 403);
}

TEST(a_handshake_has_a_deadline)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_HANG, FAKE_END};
    struct client c;
    client_init(&c);
    usec_t begun = time_monotonic();
    run_script(&c, script, &(struct ws_options){.connect_timeout = 300 * USEC_MSEC});
    CHECK_INT(c.close.err.class, ERROR_TIMEOUT);
    CHECK(time_monotonic() - begun < 2 * USEC_SEC);
}

TEST(nobody_listens)
{
    struct fake_server *s = fake_server_start(&(struct fake_options){0});
    auto_free char *url = mem_printf("%s/", fake_server_url(s));
    fake_server_stop(s);
    struct client c;
    client_init(&c);
    client_connect(&c, NULL, &(struct ws_options){.url = url});
    CHECK(run_until(c.loop, &c.closed, 5000));
    CHECK_INT(c.close.err.class, ERROR_UNAVAILABLE);
    client_done(&c);
}

TEST(a_name_that_is_not_there)
{
    struct client c;
    client_init(&c);
    client_connect(&c, NULL, &(struct ws_options){.url = "http://no-such-host.invalid:1/", .connect_timeout = 3 * USEC_SEC});
    CHECK(run_until(c.loop, &c.closed, 6000));
    CHECK(c.close.err.class == ERROR_UNAVAILABLE || c.close.err.class == ERROR_TIMEOUT);
    CHECK_CONTAINS(c.close.err.text, "no-such-host.invalid");
    client_done(&c);
}

/* ── signs of life ── */

TEST(pings_are_sent_and_their_answers_keep_it_open)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(count_pings), FAKE_END};
    int pings = 0;
    struct fake_server *s = fake_server_start(&(struct fake_options){.scripts = {script}, .userdata = &pings});
    struct client c;
    client_init(&c);
    client_connect(&c, s, &(struct ws_options){.ping_every = 100 * USEC_MSEC, .dead_after = 300 * USEC_MSEC});
    CHECK(run_until(c.loop, &c.opened, 5000));
    run_for(c.loop, 1050);
    CHECK(!c.closed);
    client_done(&c);
    fake_server_stop(s);
    CHECK(pings >= 8 && pings <= 11);
}

TEST(a_half_open_connection_is_given_up_in_time)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_HANG, FAKE_END};
    struct client c;
    client_init(&c);
    usec_t begun = time_monotonic();
    run_script(&c, script, &(struct ws_options){.ping_every = 100 * USEC_MSEC, .dead_after = 400 * USEC_MSEC});
    usec_t took = time_monotonic() - begun;
    CHECK(c.close.opened);
    CHECK_INT(c.close.err.class, ERROR_UNAVAILABLE);
    CHECK_CONTAINS(c.close.err.text, "no sign of life");
    CHECK(took >= 400 * USEC_MSEC && took < 1500 * USEC_MSEC);
}

TEST(data_is_a_sign_of_life_even_where_pongs_are_stuck_behind_it)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(chatter_without_pongs), FAKE_DRAIN,
                                              FAKE_END};
    struct client c;
    client_init(&c);
    run_script(&c, script, &(struct ws_options){.ping_every = 100 * USEC_MSEC, .dead_after = 300 * USEC_MSEC});
    CHECK_INT(c.close.code, 1000);
    CHECK_INT(c.messages, 20);
}

static void count_turn(uv_prepare_t *handle)
{
    ++*(int *)handle->data;
}

TEST(an_idle_connection_wakes_up_for_its_pings_only)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(count_pings), FAKE_END};
    int pings = 0, turns = 0;
    struct fake_server *s = fake_server_start(&(struct fake_options){.scripts = {script}, .userdata = &pings});
    struct client c;
    client_init(&c);
    client_connect(&c, s, &(struct ws_options){.ping_every = 500 * USEC_MSEC, .dead_after = 2 * USEC_SEC});
    CHECK(run_until(c.loop, &c.opened, 5000));
    run_for(c.loop, 100);
    uv_prepare_t prepare;
    uv_prepare_init(loop_uv(c.loop), &prepare);
    prepare.data = &turns;
    uv_prepare_start(&prepare, count_turn);
    run_for(c.loop, 2000);
    uv_close((uv_handle_t *)&prepare, NULL);
    CHECK(turns <= 4 * 6); /* a ping: the timer, the write, the idle handle of libwebsockets twice, the pong */
    printf("# turns of the loop in 2 s with 4 pings: %d\n", turns);
    client_done(&c);
    fake_server_stop(s);
}

/* ── the request ── */

TEST(a_token_of_9000_bytes_and_other_headers_arrive)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(close_1000), FAKE_END};
    struct fake_server *s = fake_server_start(&(struct fake_options){.scripts = {script}});
    char token[9001];
    memset(token, 't', 9000);
    token[9000] = '\0';
    auto_free char *line = mem_printf("Authorization: Bearer %s", token);
    auto_strlist struct strlist headers = {0};
    strlist_add(&headers, line);
    strlist_add(&headers, "Impersonate-User: jane doe");
    strlist_add(&headers, "Impersonate-Group: a");
    strlist_add(&headers, "Impersonate-Group: b");
    struct client c;
    client_init(&c);
    client_connect(&c, s, &(struct ws_options){.headers = &headers});
    CHECK(run_until(c.loop, &c.closed, 5000));
    CHECK_INT(c.close.code, 1000);
    client_done(&c);
    auto_free char *request = fake_server_request(s, 0);
    CHECK_CONTAINS(request, line);
    CHECK_CONTAINS(strcasestr(request, "impersonate-user: "), "jane doe\r\n");
    CHECK_CONTAINS(strcasestr(request, "impersonate-group: a"), "\r\n");
    CHECK_CONTAINS(strcasestr(request, "impersonate-group: b"), "\r\n");
    CHECK_CONTAINS(request, "Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n");
    fake_server_stop(s);
}

static char *path_of(size_t length)
{
    char *path = mem_alloc(length + 1);
    memset(path, 'p', length);
    path[0] = '/';
    return path;
}

TEST(the_longest_path_arrives_whole_and_a_longer_one_is_refused)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(close_1000), FAKE_END};
    struct fake_server *s = fake_server_start(&(struct fake_options){.scripts = {script}});
    auto_free char *longest = path_of(WS_TARGET_MAX), *longer = path_of(WS_TARGET_MAX + 1);
    auto_free char *url = mem_printf("%s%s", fake_server_url(s), longest), *bad = mem_printf("%s%s", fake_server_url(s), longer);
    struct client c;
    struct error err = {0};
    client_init(&c);
    CHECK(ws_open(c.loop, &(struct ws_options){.url = bad}, &client_handlers, &c, &err) == NULL);
    CHECK_INT(err.class, ERROR_INVALID);
    client_connect(&c, s, &(struct ws_options){.url = url});
    CHECK(run_until(c.loop, &c.closed, 5000));
    client_done(&c);
    auto_free char *request = fake_server_request(s, 0), *line = mem_printf("GET %s HTTP/1.1\r\nPragma", longest);
    CHECK(str_starts(request, line)); /* libwebsockets 4.1 cuts at 2,048 and glues the next header to it */
    fake_server_stop(s);
}

TEST(wrong_options_are_refused_at_once)
{
    static const struct {
        const char *sentence, *url, *proxy, *header;
    } rows[] = {
        {"not a URL", "nonsense", NULL, NULL},
        {"a scheme that is none of ours", "ftp://a/", NULL, NULL},
        {"a line break in a header", "http://127.0.0.1:1/", NULL, "A: b\r\nC: d"},
        {"a header without a name", "http://127.0.0.1:1/", NULL, ": x"},
        {"a proxy that cannot carry it", "http://127.0.0.1:1/", "socks5://127.0.0.1:1", NULL},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_strlist struct strlist headers = {0};
        if (rows[i].header)
            strlist_add(&headers, rows[i].header);
        struct client c;
        struct error err = {0};
        client_init(&c);
        struct ws_options options = {.url = rows[i].url, .proxy = rows[i].proxy, .headers = &headers};
        CHECK(ws_open(c.loop, &options, &client_handlers, &c, &err) == NULL);
        CHECK_INT(err.class, ERROR_INVALID);
        client_done(&c);
    }
    CHECK_ROW(NULL);
}

TEST(through_a_proxy)
{
    static const struct fake_step script[] = {FAKE_EXPECT("CONNECT cluster.example:6443 HTTP/1.1"), FAKE_SEND("HTTP/1.1 200 Connected\r\n\r\n"),
                                              FAKE_EXPECT("GET /exec HTTP/1.1"), FAKE_CALL(accept_it), FAKE_CALL(close_1000), FAKE_END};
    static const struct fake_step refusing[] = {FAKE_EXPECT("CONNECT "), FAKE_ANSWER("403 Forbidden", "", ""), FAKE_END};
    struct fake_server *s = fake_server_start(&(struct fake_options){.scripts = {script, refusing}});
    auto_free char *proxy = mem_printf("http://me:s%%3acret@127.0.0.1:%d", fake_server_port(s));
    struct client c;
    client_init(&c);
    client_connect(&c, s, &(struct ws_options){.url = "http://cluster.example:6443/exec", .proxy = proxy});
    CHECK(run_until(c.loop, &c.closed, 5000));
    CHECK_INT(c.close.code, 1000);
    client_done(&c);
    auto_free char *request = fake_server_request(s, 0);
    CHECK_CONTAINS(strcasestr(request, "proxy-authorization: basic "), "bWU6czpjcmV0\r\n");
    client_init(&c);
    client_connect(&c, s, &(struct ws_options){.url = "http://cluster.example:6443/exec", .proxy = proxy});
    CHECK(run_until(c.loop, &c.closed, 5000));
    CHECK_INT(c.close.err.class, ERROR_UNAVAILABLE);
    client_done(&c);
    fake_server_stop(s);
}

/* ── letting go ── */

static int open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

TEST(it_may_be_freed_in_every_callback)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(echo), FAKE_END};
    static const struct {
        const char *sentence;
        int when;
        const char *send;
    } rows[] = {
        {"on open", FREE_ON_OPEN, NULL},
        {"on open with something queued", FREE_ON_OPEN, "hello"},
        {"on message", FREE_ON_MESSAGE, "hello"},
        {"on drain", FREE_ON_DRAIN, "hello"},
        {"on close", FREE_ON_CLOSE, "quit"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct client c;
        client_init(&c);
        c.free_when = rows[i].when;
        c.send_on_open = rows[i].send;
        run_script(&c, script, NULL);
        CHECK_INT(c.closes, rows[i].when == FREE_ON_CLOSE);
    }
    CHECK_ROW(NULL);
}

TEST(it_may_be_freed_at_any_moment_of_the_handshake)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_SLEEP(2), FAKE_CALL(accept_it), FAKE_DRAIN, FAKE_END};
    struct fake_server *s = fake_server_start(&(struct fake_options){.scripts = {script}, .repeat_last = true});
    for (int turns = 0; turns < 12; turns++) {
        struct client c;
        client_init(&c);
        client_connect(&c, s, NULL);
        for (int i = 0; i < turns; i++)
            uv_run(loop_uv(c.loop), i % 2 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
        client_done(&c);
    }
    fake_server_stop(s);
}

TEST(many_in_turn_on_one_loop_leave_nothing_behind)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(echo), FAKE_END};
    struct fake_server *s = fake_server_start(&(struct fake_options){.scripts = {script}, .repeat_last = true});
    struct client c;
    client_init(&c);
    int before = 0;
    for (int i = 0; i < 100; i++) {
        if (i == 10)
            before = open_files();
        c.opened = c.closed = false;
        c.opens = c.closes = 0;
        c.send_on_open = "quit";
        client_connect(&c, s, NULL);
        CHECK(run_until(c.loop, &c.closed, 5000));
        CHECK_INT(c.close.code, 1000);
        ws_free(c.ws);
        c.ws = NULL;
        if (i % 3 == 0)
            run_for(c.loop, 5); /* sometimes the context has time to go, sometimes the next comes meanwhile */
    }
    CHECK(open_files() <= before + 4); /* the server's side may lag by one */
    client_done(&c);
    fake_server_stop(s);
}

int main(void)
{
    run_without_proxies();
    return check_run();
}

#include "ws_fixture.h"

#include <uv.h>

/* ── what the servers do ── */

static bool accept_it(struct fake_conn *c, void *userdata)
{
    (void)userdata;
    return fake_ws_accept(c, PROTOCOL);
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

static bool close_1000(struct fake_conn *c, void *userdata)
{
    (void)userdata;
    return fake_ws_close(c, 1000, "");
}

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
    static const struct fake_step fragments[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it),
                                                 FAKE_CALL(fragments_with_a_ping_between), FAKE_DRAIN, FAKE_END};
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
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(a_long_message), FAKE_DRAIN,
                                              FAKE_END};
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
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_SLEEP(300), FAKE_CALL(echo),
                                              FAKE_END};
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
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(chatter_without_pongs),
                                              FAKE_DRAIN, FAKE_END};
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
    /* A busy machine may cut one look up; a loop that does not rest fails all three. */
    for (int look = 0; look < 3 && (!look || turns > 4 * 6); look++) {
        turns = 0;
        run_for(c.loop, 2000);
    }
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
    static const struct fake_step script[] = {FAKE_EXPECT("CONNECT cluster.example:6443 HTTP/1.1"),
                                              FAKE_SEND("HTTP/1.1 200 Connected\r\n\r\n"),
                                              FAKE_EXPECT("GET /exec HTTP/1.1"),
                                              FAKE_CALL(accept_it),
                                              FAKE_CALL(close_1000),
                                              FAKE_END};
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

int main(void)
{
    run_without_proxies();
    return check_run();
}

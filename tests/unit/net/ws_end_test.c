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

#define CLOSES_WITH(name, code, reason)                                                                                            \
    static bool name(struct fake_conn *c, void *userdata)                                                                          \
    {                                                                                                                              \
        (void)userdata;                                                                                                            \
        return fake_ws_close(c, code, reason);                                                                                     \
    }
CLOSES_WITH(close_1000, 1000, "")
CLOSES_WITH(close_1000_with_text, 1000, "done")
CLOSES_WITH(close_1011, 1011, "etcd \"fell\" over")
CLOSES_WITH(close_1001, 1001, "")
CLOSES_WITH(close_empty, 0, "")

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
        {"1000 with a text too",
         {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(close_1000_with_text)},
         ERROR_NONE,
         1000,
         ""},
        {"another code is an error that quotes the reason",
         {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(close_1011)},
         ERROR_UNAVAILABLE,
         1011,
         "1011: etcd"},
        {"going away", {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(close_1001)}, ERROR_UNAVAILABLE, 1001, "1001"},
        {"a close frame without a code",
         {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_CALL(close_empty)},
         ERROR_UNAVAILABLE,
         1005,
         "1005"},
        {"TCP ends without a close frame",
         {FAKE_EXPECT("GET "), FAKE_CALL(accept_it)},
         ERROR_UNAVAILABLE,
         0,
         "broke the connection off"},
        {"TCP is reset",
         {FAKE_EXPECT("GET "), FAKE_CALL(accept_it), FAKE_SLEEP(50), FAKE_RESET},
         ERROR_UNAVAILABLE,
         0,
         "broke the connection off"},
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
        {"another subprotocol is chosen",
         {FAKE_EXPECT("GET "), FAKE_CALL(accept_another_protocol), FAKE_DRAIN},
         ERROR_UNAVAILABLE,
         0,
         ""},
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
    static const struct fake_step script[] = {
        FAKE_EXPECT("GET "), FAKE_TRICKLE("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 1, 2), FAKE_DRAIN, FAKE_END};
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
        {"on open", FREE_ON_OPEN, NULL},          {"on open with something queued", FREE_ON_OPEN, "hello"},
        {"on message", FREE_ON_MESSAGE, "hello"}, {"on drain", FREE_ON_DRAIN, "hello"},
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
        client_connect(&c, s, &(struct ws_options){.ping_every = 50 * USEC_MSEC});
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
        CHECK_STR(c.close.err.text, "");
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

#include "kube/exec.h"

#include "base/buf.h"
#include "base/str.h"
#include "check.h"
#include "fake/run.h"
#include "fake/ws.h"
#include "kube/config.h"
#include "kube/exec_frame.h"

#define PROTOCOL "v5.channel.k8s.io"
#define SUCCESS  "\3{\"kind\":\"Status\",\"status\":\"Success\"}"
#define EXIT_7                                                                                                                     \
    "\3{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\",\"message\":\"exit 7\","                                             \
    "\"details\":{\"causes\":[{\"reason\":\"Other\"},{\"reason\":\"ExitCode\",\"message\":\"7\"}]}}"

/* ── the pure half ── */

TEST(messages_are_taken_apart)
{
    static const struct {
        const char *sentence, *message;
        size_t n;
        int kind;
        const char *bytes;
    } rows[] = {
        {"nothing at all", "", 0, EXEC_FRAME_NOTHING, ""},
        {"the empty first marker", "\1", 1, EXEC_FRAME_NOTHING, ""},
        {"stdout", "\1ab", 3, EXEC_FRAME_STDOUT, "ab"},
        {"stderr", "\2c", 2, EXEC_FRAME_STDERR, "c"},
        {"the status", "\3{}", 3, EXEC_FRAME_STATUS, "{}"},
        {"a half-close", "\377\1", 2, EXEC_FRAME_CLOSE, "\1"},
        {"a half-close of the wrong length", "\377\1\2", 3, EXEC_FRAME_NOTHING, ""},
        {"a half-close of nothing", "\377", 1, EXEC_FRAME_NOTHING, ""},
        {"stdin never comes back", "\0x", 2, EXEC_FRAME_NOTHING, ""},
        {"resize never comes back", "\4{}", 3, EXEC_FRAME_NOTHING, ""},
        {"an unknown channel", "\11x", 2, EXEC_FRAME_NOTHING, ""},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct exec_frame frame;
        exec_frame_decode(rows[i].message, rows[i].n, &frame);
        CHECK_INT(frame.kind, rows[i].kind);
        CHECK_INT(frame.n, strlen(rows[i].bytes));
        if (frame.n)
            CHECK(memcmp(frame.bytes, rows[i].bytes, frame.n) == 0);
    }
    CHECK_ROW(NULL);
}

#define EXIT_CODE(text)                                                                                                            \
    "{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\",\"details\":{\"causes\":[{\"reason\":\"ExitCode\",\"message\":" text   \
    "}]}}"

TEST(statuses)
{
    static const struct {
        const char *sentence, *json;
        enum exec_outcome outcome;
        int exit_code;
        enum error_class class;
        const char *text;
    } rows[] = {
        {"success is exit 0", "{\"status\":\"Success\"}", EXEC_EXITED, 0, ERROR_NONE, ""},
        {"an exit code", EXIT_CODE("\"7\""), EXEC_EXITED, 7, ERROR_NONE, ""},
        {"the highest exit code", EXIT_CODE("\"255\""), EXEC_EXITED, 255, ERROR_NONE, ""},
        {"one beyond", EXIT_CODE("\"256\""), EXEC_UNKNOWN, -1, ERROR_UNAVAILABLE, "no exit code"},
        {"a negative one", EXIT_CODE("\"-1\""), EXEC_UNKNOWN, -1, ERROR_UNAVAILABLE, "no exit code"},
        {"one that is no text", EXIT_CODE("7"), EXEC_UNKNOWN, -1, ERROR_UNAVAILABLE, "no exit code"},
        {"none", "{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\"}", EXEC_UNKNOWN, -1, ERROR_UNAVAILABLE, "no exit code"},
        {"another failure is the runtime's own",
         "{\"status\":\"Failure\",\"reason\":\"InternalError\",\"code\":500,\"message\":\"no such file or directory\"}",
         EXEC_FAILED, -1, ERROR_UNAVAILABLE, "no such file"},
        {"a status of neither kind", "{\"status\":\"Maybe\"}", EXEC_UNKNOWN, -1, ERROR_UNAVAILABLE, "cannot be read"},
        {"no object", "[]", EXEC_UNKNOWN, -1, ERROR_UNAVAILABLE, "cannot be read"},
        {"a part", "{\"status\":\"Succ", EXEC_UNKNOWN, -1, ERROR_UNAVAILABLE, "cannot be read"},
        {"an old server's text", "Error: oops", EXEC_UNKNOWN, -1, ERROR_UNAVAILABLE, "cannot be read"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct exec_result result;
        exec_status_decode(rows[i].json, strlen(rows[i].json), &result);
        CHECK_INT(result.outcome, rows[i].outcome);
        CHECK_INT(result.exit_code, rows[i].exit_code);
        CHECK_INT(result.err.class, rows[i].class);
        CHECK_CONTAINS(result.err.text, rows[i].text);
    }
    CHECK_ROW(NULL);
}

/* ── a session ── */

struct session {
    struct loop *loop;
    struct exec *exec;
    struct buf out, errors;
    struct exec_result result;
    int opens, closes;
    bool open, closed, close_stdin;
    const char *send;
    bool free_on_open, free_on_stdout, free_on_close;
};

static void forget(struct session *s)
{
    exec_free(s->exec);
    s->exec = NULL;
    s->closed = true;
}

static void on_open(void *userdata)
{
    struct session *s = userdata;
    s->opens++;
    s->open = true;
    if (s->send)
        CHECK(exec_write(s->exec, s->send, strlen(s->send)));
    if (s->close_stdin)
        exec_close_stdin(s->exec);
    if (s->free_on_open)
        forget(s);
}

static void on_stdout(void *userdata, const void *bytes, size_t n)
{
    struct session *s = userdata;
    buf_append(&s->out, bytes, n);
    if (s->free_on_stdout)
        forget(s);
}

static void on_stderr(void *userdata, const void *bytes, size_t n)
{
    buf_append(&((struct session *)userdata)->errors, bytes, n);
}

static void on_close(void *userdata, const struct exec_result *result)
{
    struct session *s = userdata;
    s->closes++;
    s->closed = true;
    s->result = *result;
    if (s->free_on_close)
        forget(s);
}

static const struct exec_handlers handlers = {
    .on_open = on_open, .on_stdout = on_stdout, .on_stderr = on_stderr, .on_close = on_close};
static const char *const command[] = {"/bin/run", "a b&c=d+e%f#", NULL};

static void session_start(struct session *s, struct fake_server *server)
{
    struct config config = {.server = (char *)(uintptr_t)fake_server_url(server), .token = (char *)"secret-token"};
    struct exec_request request = {
        .ns = "shop", .pod = "web-0", .container = "main", .command = command, .stdin_open = true, .connect_timeout = 3 * USEC_SEC};
    struct error err = {0};
    buf_init(&s->out, 1 << 20);
    buf_init(&s->errors, 1 << 20);
    CHECK_INT(loop_new(&s->loop, NULL), 0);
    s->exec = exec_start(s->loop, &config, &request, &handlers, s, &err);
    CHECK_STR(err.text, "");
    CHECK_INT(s->opens + s->closes, 0);
}

static void session_done(struct session *s)
{
    CHECK(s->opens <= 1 && s->closes <= 1);
    exec_free(s->exec);
    loop_free(s->loop);
    buf_done(&s->out);
    buf_done(&s->errors);
}

/* What the server sends after its 101: messages, and how it ends. */
struct play {
    const char *messages[8];
    int close_code;  /* 0: TCP just ends */
    bool then_hang;  /* no end at all */
    bool fragmented; /* each message in frames of one byte */
};

static bool play_it(struct fake_conn *c, void *userdata)
{
    const struct play *play = userdata;
    if (!fake_ws_accept(c, PROTOCOL))
        return false;
    for (size_t i = 0; i < array_len(play->messages) && play->messages[i]; i++) {
        const char *m = play->messages[i];
        size_t n = strlen(m);
        for (size_t at = 0; play->fragmented && at < n; at++)
            fake_ws_send(c, at ? FAKE_WS_CONTINUATION : FAKE_WS_BINARY, at + 1 == n, m + at, 1);
        if (!play->fragmented)
            fake_ws_send(c, FAKE_WS_BINARY, true, m, n);
    }
    if (play->then_hang)
        fake_ws_answer_pings(c);
    else if (play->close_code)
        fake_ws_close(c, play->close_code, "");
    else
        fake_conn_sleep(c, 50); /* lets it be read before the end */
    return false;
}

static const struct fake_step playing[] = {FAKE_EXPECT("GET /api/v1/namespaces/shop/pods/web-0/exec?"), FAKE_CALL(play_it),
                                           FAKE_END};

TEST(what_becomes_of_the_program)
{
    static const struct {
        const char *sentence;
        struct play play;
        enum exec_outcome outcome;
        int exit_code;
        const char *out, *errors;
    } rows[] = {
        {"success", {.messages = {"\1", "\1hello", SUCCESS}, .close_code = 1000}, EXEC_EXITED, 0, "hello", ""},
        {"an exit code, and stderr apart",
         {.messages = {"\1", "\2bad", "\1good", EXIT_7}, .close_code = 1000},
         EXEC_EXITED,
         7,
         "good",
         "bad"},
        {"messages in fragments of a byte",
         {.messages = {"\1", "\1hello\1\2", EXIT_7}, .close_code = 1000, .fragmented = true},
         EXEC_EXITED,
         7,
         "hello\1\2",
         ""},
        {"output after the status", {.messages = {"\1a", SUCCESS, "\1b", "\2c"}, .close_code = 1000}, EXEC_EXITED, 0, "ab", "c"},
        {"the first of two statuses", {.messages = {EXIT_7, SUCCESS}, .close_code = 1000}, EXEC_EXITED, 7, "", ""},
        {"half-closes and unknown channels in between",
         {.messages = {"\377\1", "\11x", "\4{}", "\377\2", SUCCESS}, .close_code = 1000},
         EXEC_EXITED,
         0,
         "",
         ""},
        {"a status, then TCP ends", {.messages = {SUCCESS}}, EXEC_EXITED, 0, "", ""},
        {"a status, then silence", {.messages = {SUCCESS}, .then_hang = true}, EXEC_EXITED, 0, "", ""},
        {"no status, an orderly close", {.messages = {"\1x"}, .close_code = 1000}, EXEC_UNKNOWN, -1, "x", ""},
        {"no status, TCP ends", {.messages = {"\1x"}}, EXEC_UNKNOWN, -1, "x", ""},
        {"no status, the server goes away", {.messages = {"\1"}, .close_code = 1001}, EXEC_UNKNOWN, -1, "", ""},
        {"a status that cannot be read", {.messages = {"\3oops"}, .close_code = 1000}, EXEC_UNKNOWN, -1, "", ""},
        {"the runtime fails",
         {.messages = {"\3{\"status\":\"Failure\",\"code\":500,\"message\":\"no\"}"}, .close_code = 1000},
         EXEC_FAILED,
         -1,
         "",
         ""},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct fake_server *server =
            fake_server_start(&(struct fake_options){.scripts = {playing}, .userdata = (void *)(uintptr_t)&rows[i].play});
        struct session s = {0};
        session_start(&s, server);
        CHECK(run_until(s.loop, &s.closed, 8000));
        CHECK_INT(s.result.outcome, rows[i].outcome);
        CHECK_INT(s.result.exit_code, rows[i].exit_code);
        CHECK_INT(s.result.err.class == ERROR_NONE, rows[i].outcome == EXEC_EXITED);
        CHECK_STR(buf_str(&s.out), rows[i].out);
        CHECK_STR(buf_str(&s.errors), rows[i].errors);
        CHECK(s.opens == 1 && s.closes == 1);
        CHECK(!exec_write(s.exec, "x", 1));
        session_done(&s);
        CHECK_STR(fake_server_complaint(server), NULL);
        fake_server_stop(server);
    }
    CHECK_ROW(NULL);
}

TEST(the_request_has_every_byte_encoded_and_the_token)
{
    static const struct play play = {.messages = {SUCCESS}, .close_code = 1000};
    struct fake_server *server =
        fake_server_start(&(struct fake_options){.scripts = {playing}, .userdata = (void *)(uintptr_t)&play});
    struct session s = {0};
    session_start(&s, server);
    CHECK(run_until(s.loop, &s.closed, 5000));
    session_done(&s);
    auto_free char *request = fake_server_request(server, 0);
    CHECK(str_starts(request, "GET /api/v1/namespaces/shop/pods/web-0/exec?command=%2Fbin%2Frun&command=a%20b%26c%3Dd%2Be%25f%23"
                              "&container=main&stdin=true&stdout=true&stderr=true HTTP/1.1\r\n"));
    CHECK_CONTAINS(strcasestr(request, "authorization: bearer "), "secret-token\r\n");
    CHECK_CONTAINS(request, "Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n");
    fake_server_stop(server);
}

static bool expect_stdin(struct fake_conn *c, void *userdata)
{
    auto_buf struct buf b;
    size_t got = 0, expected = *(size_t *)userdata;
    buf_init(&b, 1 << 20);
    if (!fake_ws_accept(c, PROTOCOL))
        return false;
    while (got < expected && fake_ws_read_data(c, &b)) {
        if (b.len < 2 || b.data[0] != 0 || b.len > 32769)
            fake_conn_complain(c, "not a stdin message of at most 32 KiB: %zu", b.len);
        got += b.len - 1;
    }
    if (!fake_ws_read_data(c, &b) || b.len != 2 || memcmp(b.data, "\377\0", 2) != 0)
        fake_conn_complain(c, "no half-close after the input");
    fake_ws_send(c, FAKE_WS_BINARY, true, SUCCESS, strlen(SUCCESS));
    return fake_ws_close(c, 1000, "");
}

TEST(stdin_goes_out_in_pieces_with_the_half_close_last)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_CALL(expect_stdin), FAKE_DRAIN, FAKE_END};
    size_t expected = EXEC_QUEUE_MAX;
    struct fake_server *server = fake_server_start(&(struct fake_options){.scripts = {script}, .userdata = &expected});
    struct session s = {0};
    session_start(&s, server);
    CHECK(!exec_write(s.exec, "early", 5));
    CHECK(run_until(s.loop, &s.open, 5000));
    char *bytes = mem_alloc(EXEC_QUEUE_MAX);
    CHECK(!exec_write(s.exec, bytes, EXEC_QUEUE_MAX + 1));
    CHECK(exec_write(s.exec, bytes, EXEC_QUEUE_MAX));
    CHECK(!exec_write(s.exec, bytes, 1));
    exec_close_stdin(s.exec); /* is never refused */
    CHECK(!exec_write(s.exec, "late", 4));
    free(bytes);
    CHECK(run_until(s.loop, &s.closed, 5000));
    CHECK_INT(s.result.outcome, EXEC_EXITED);
    session_done(&s);
    CHECK_STR(fake_server_complaint(server), NULL);
    fake_server_stop(server);
}

static bool accept_silently(struct fake_conn *c, void *userdata)
{
    (void)userdata;
    return fake_ws_accept(c, NULL);
}

#define STATUS_403                                                                                                                 \
    "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Forbidden\",\"code\":403,"                                           \
    "\"message\":\"pods \\\"web-0\\\" is forbidden: User cannot create resource pods/exec\"}"
#define STATUS_404                                                                                                                 \
    "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"NotFound\",\"code\":404,\"message\":\"pods \\\"web-0\\\" not "       \
    "found\"}"
#define STATUS_400                                                                                                                 \
    "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"BadRequest\",\"code\":400,\"message\":\"container x is not valid "   \
    "for pod web-0\"}"
#define STATUS_UPGRADE                                                                                                             \
    "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"BadRequest\",\"code\":400,\"message\":\"Upgrade request required\"}"

TEST(a_refusal_has_the_servers_words)
{
    static const struct {
        const char *sentence;
        struct fake_step first[4], again[4];
        enum exec_outcome outcome;
        enum error_class class;
        const char *text;
    } rows[] = {
        {"forbidden",
         {FAKE_EXPECT("GET "), FAKE_ANSWER("403 Forbidden", "", STATUS_403)},
         {FAKE_EXPECT("GET "), FAKE_ANSWER("403 Forbidden", "", STATUS_403)},
         EXEC_FAILED,
         ERROR_FORBIDDEN,
         "cannot create resource pods/exec"},
        {"not found",
         {FAKE_EXPECT("GET "), FAKE_ANSWER("404 Not Found", "", STATUS_404)},
         {FAKE_EXPECT("GET "), FAKE_ANSWER("404 Not Found", "", STATUS_404)},
         EXEC_FAILED,
         ERROR_NOT_FOUND,
         "\"web-0\" not found"},
        {"a wrong container",
         {FAKE_EXPECT("GET "), FAKE_ANSWER("400 Bad Request", "", STATUS_400)},
         {FAKE_EXPECT("GET "), FAKE_ANSWER("400 Bad Request", "", STATUS_400)},
         EXEC_FAILED,
         ERROR_INVALID,
         "container x is not valid"},
        {"the upgrade itself is refused: the server is too old",
         {FAKE_EXPECT("GET "), FAKE_ANSWER("403 Forbidden", "", "")},
         {FAKE_EXPECT("GET "), FAKE_ANSWER("400 Bad Request", "", STATUS_UPGRADE)},
         EXEC_FAILED,
         ERROR_INVALID,
         "need Kubernetes 1.30"},
        {"no second answer: the status must do",
         {FAKE_EXPECT("GET "), FAKE_ANSWER("403 Forbidden", "", STATUS_403)},
         {FAKE_EXPECT("GET "), FAKE_RESET},
         EXEC_FAILED,
         ERROR_FORBIDDEN,
         "HTTP 403"},
        {"the subprotocol is not echoed: something may run there",
         {FAKE_EXPECT("GET "), FAKE_CALL(accept_silently), FAKE_DRAIN},
         {FAKE_EXPECT("GET "), FAKE_END},
         EXEC_UNKNOWN,
         ERROR_INVALID,
         "need Kubernetes 1.30"},
        {"no answer at all",
         {FAKE_EXPECT("GET "), FAKE_RESET},
         {FAKE_EXPECT("GET "), FAKE_END},
         EXEC_UNKNOWN,
         ERROR_UNAVAILABLE,
         "127.0.0.1"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct fake_server *server = fake_server_start(&(struct fake_options){.scripts = {rows[i].first, rows[i].again}});
        struct session s = {0};
        session_start(&s, server);
        CHECK(run_until(s.loop, &s.closed, 8000));
        CHECK_INT(s.result.outcome, rows[i].outcome);
        CHECK_INT(s.result.err.class, rows[i].class);
        CHECK_CONTAINS(s.result.err.text, rows[i].text);
        CHECK(!strstr(s.result.err.text, "secret-token"));
        CHECK_INT(s.opens, 0);
        session_done(&s);
        fake_server_stop(server);
    }
    CHECK_ROW(NULL);
}

TEST(a_wrong_request_is_refused_at_once)
{
    char *longer = mem_alloc(3001);
    memset(longer, 'x', 3000);
    const struct {
        const char *sentence;
        struct exec_request request;
    } rows[] = {
        {"no command", {.ns = "a", .pod = "b", .command = (const char *const[]){NULL}}},
        {"no pod", {.ns = "a", .command = command}},
        {"longer than libwebsockets can send", {.ns = "a", .pod = "b", .command = (const char *const[]){longer, NULL}}},
    };
    struct loop *loop;
    struct config config = {.server = (char *)"https://127.0.0.1:1"};
    CHECK_INT(loop_new(&loop, NULL), 0);
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct error err = {0};
        CHECK(exec_start(loop, &config, &rows[i].request, &handlers, NULL, &err) == NULL);
        CHECK_INT(err.class, ERROR_INVALID);
    }
    CHECK_ROW(NULL);
    loop_free(loop);
    free(longer);
}

TEST(it_may_be_freed_in_its_callbacks_and_while_it_asks_why)
{
    static const struct play play = {.messages = {"\1", "\1hello", SUCCESS}, .close_code = 1000};
    static const struct fake_step refused[] = {FAKE_EXPECT("GET "), FAKE_ANSWER("403 Forbidden", "", STATUS_403), FAKE_END};
    static const struct fake_step hangs[] = {FAKE_EXPECT("GET "), FAKE_HANG, FAKE_END};
    for (int i = 0; i < 3; i++) {
        struct fake_server *server =
            fake_server_start(&(struct fake_options){.scripts = {playing}, .userdata = (void *)(uintptr_t)&play});
        struct session s = {.free_on_open = i == 0, .free_on_stdout = i == 1, .free_on_close = i == 2};
        session_start(&s, server);
        CHECK(run_until(s.loop, &s.closed, 5000));
        session_done(&s);
        fake_server_stop(server);
    }
    struct fake_server *server = fake_server_start(&(struct fake_options){.scripts = {refused, hangs}});
    struct session s = {0};
    session_start(&s, server);
    run_for(s.loop, 300);
    CHECK_INT(s.closes, 0);
    session_done(&s);
    fake_server_stop(server);
}

int main(void)
{
    run_without_proxies();
    return check_run();
}

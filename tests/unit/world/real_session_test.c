#include "check.h"
#include "fake/run.h"
#include "fake/ws.h"
#include "world/real.h"

#include "base/str.h"

/* What the server does with a session: lines it writes, and how it ends. */
struct play {
    const char *stdout_text;
    size_t cut; /* bytes of stdout a message */
    const char *stderr_text;
    const char *status; /* the Status on channel 3; NULL: none */
    bool echo;          /* waits for a line on stdin and writes it back as it came */
    bool flood;         /* a line without an end */
    bool reset;         /* instead of a close */
};

static bool say(struct fake_conn *c, char channel, const char *text, size_t n)
{
    auto_free char *message = mem_alloc(n + 1);
    message[0] = channel;
    memcpy(message + 1, text, n);
    return fake_ws_send(c, FAKE_WS_BINARY, true, message, n + 1);
}

static bool echo(struct fake_conn *c)
{
    auto_buf struct buf line;
    buf_init(&line, 1 << 20);
    do
        if (!fake_ws_read_data(c, &line))
            return false;
    while (line.len < 2 || line.data[0] != 0);
    return say(c, 1, line.data + 1, line.len - 1);
}

static bool flood(struct fake_conn *c)
{
    char chunk[32768];
    memset(chunk, 'x', sizeof chunk);
    for (int i = 0; i < 10; i++)
        if (!say(c, 1, chunk, sizeof chunk))
            return false;
    return true;
}

static bool play(struct fake_conn *c, void *userdata)
{
    const struct play *p = userdata;
    if (!strstr(fake_conn_request(c), "?command=%2Fdrillyard%2Fbin%2Fdrill-injector&command=serve&") ||
        !strstr(fake_conn_request(c), "container=drill-injector") || !strstr(fake_conn_request(c), "stdin=true"))
        fake_conn_complain(c, "another program was asked for: %.300s", fake_conn_request(c));
    if (!fake_ws_accept(c, "v5.channel.k8s.io") || !say(c, 1, "", 0))
        return false;
    size_t n = p->stdout_text ? strlen(p->stdout_text) : 0;
    for (size_t at = 0; at < n; at += p->cut)
        if (!say(c, 1, p->stdout_text + at, n - at < p->cut ? n - at : p->cut))
            return false;
    if (p->stderr_text && !say(c, 2, p->stderr_text, strlen(p->stderr_text)))
        return false;
    if (p->echo && !echo(c))
        return false;
    if (p->flood && !flood(c))
        return false;
    if (p->status && !say(c, 3, p->status, strlen(p->status)))
        return false;
    if (p->reset)
        return true;
    auto_buf struct buf rest;
    buf_init(&rest, 1 << 20);
    fake_ws_close(c, 1000, "");
    while (fake_ws_read_data(c, &rest))
        ;
    return false;
}

struct seen {
    struct world_session *session;
    bool opened, closed, inside, called_inside;
    int lines, close_at;
    bool close_in_open, close_in_close, send_on_open;
    char ids[64];
    struct error err;
};

static void on_open(void *userdata)
{
    struct seen *s = userdata;
    s->opened = true;
    s->called_inside |= s->inside;
    if (s->send_on_open) {
        json_t *line = json_pack("{s:s,s:f}", "id", "e\n", "n", 0.1);
        CHECK(world_session_send(s->session, line));
        json_decref(line);
    }
    if (s->close_in_open)
        world_session_close(s->session);
}

static void on_line(void *userdata, json_t *line)
{
    struct seen *s = userdata;
    const char *id = json_string_value(json_object_get(line, "id"));
    strncat(s->ids, id ? id : "?", 8);
    if (++s->lines == s->close_at)
        world_session_close(s->session);
}

static void on_close(void *userdata, const struct error *err)
{
    struct seen *s = userdata;
    CHECK(!s->closed);
    s->closed = true;
    s->called_inside |= s->inside;
    s->err = *err;
    if (s->close_in_close)
        world_session_close(s->session);
}

struct scene {
    struct fake_server *server;
    struct loop *loop;
    struct world *world;
};

static const struct world_session_handlers handlers = {.on_open = on_open, .on_line = on_line, .on_close = on_close};

static void scene_open(struct scene *s, struct play *p, const struct fake_step *script, struct seen *seen)
{
    /* a refused upgrade is asked again as a plain GET, for the server's words */
    s->server = fake_server_start(&(struct fake_options){.scripts = {script}, .repeat_last = true, .userdata = p});
    CHECK_INT(loop_new(&s->loop, NULL), 0);
    struct config config = {
        .server = mem_strdup(fake_server_url(s->server)), .ns = mem_strdup("default"), .token = mem_strdup("t")};
    s->world = world_real_new(s->loop, &config, NULL);
    seen->inside = true;
    seen->session = world_session_open(s->world, "ns", "pod", "drill-injector", &handlers, seen);
    seen->inside = false;
}

static void scene_done(struct scene *s)
{
    CHECK_STR(fake_server_complaint(s->server), NULL);
    world_free(s->world);
    loop_free(s->loop);
    fake_server_stop(s->server);
}

static const struct fake_step exec[] = {FAKE_EXPECT("GET /api/v1/namespaces/ns/pods/pod/exec?"), FAKE_CALL(play), FAKE_RESET};
static const struct fake_step refused[] = {
    FAKE_EXPECT("GET /api/v1/namespaces/ns/pods/pod/exec?"),
    FAKE_ANSWER("403 Forbidden", "", "{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":\"no exec for you\"}"), FAKE_DRAIN};

#define SUCCESS "{\"kind\":\"Status\",\"status\":\"Success\"}"
#define EXIT_3                                                                                                                     \
    "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\",\"message\":\"m\",\"details\":{\"causes\":[{"      \
    "\"reason\":\"ExitCode\","                                                                                                     \
    "\"message\":\"3\"}]}}"

TEST(what_a_session_tells_and_how_it_ends)
{
    static const char lines[] = "{\"id\":\"a\"}\n{\"id\":\"\xc3\xa9\"}\n\n{\"id\":\"c\"}\n";
    static const struct {
        const char *sentence;
        struct play play;
        const struct fake_step *script;
        const char *ids;
        enum error_class class;
        const char *text;
    } rows[] = {
        {"lines in one message",
         {.stdout_text = lines, .cut = 1000, .status = SUCCESS},
         exec,
         "a\xc3\xa9"
         "c",
         ERROR_NONE,
         ""},
        {"a byte a message",
         {.stdout_text = lines, .cut = 1, .status = SUCCESS},
         exec,
         "a\xc3\xa9"
         "c",
         ERROR_NONE,
         ""},
        {"another exit code, with the program's last words",
         {.stdout_text = lines, .cut = 7, .stderr_text = "cannot read the journal\n", .status = EXIT_3},
         exec,
         "a\xc3\xa9"
         "c",
         ERROR_UNAVAILABLE,
         "ended with exit code 3; on stderr: cannot read the journal"},
        {"no Status before the close: unknown, and no success",
         {.stdout_text = lines, .cut = 9},
         exec,
         "a\xc3\xa9"
         "c",
         ERROR_UNAVAILABLE,
         ""},
        {"a reset", {.stdout_text = "{\"id\":\"a\"}\n", .cut = 99, .reset = true}, exec, NULL, ERROR_UNAVAILABLE, ""},
        {"a line that is no JSON",
         {.stdout_text = "{\"id\":\"a\"}\nSegmentation fault\n{\"id\":\"c\"}\n", .cut = 99, .status = SUCCESS},
         exec,
         "a",
         ERROR_INVALID,
         "no JSON object: Segmentation fault"},
        {"a line that is no object",
         {.stdout_text = "[1]\n", .cut = 99, .status = SUCCESS},
         exec,
         "",
         ERROR_INVALID,
         "no JSON object: [1]"},
        {"a line without an end", {.flood = true, .status = SUCCESS}, exec, "", ERROR_INVALID, "more than 262144 bytes"},
        {"refused", {0}, refused, "", ERROR_FORBIDDEN, "no exec for you"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct scene s;
        struct play p = rows[i].play;
        struct seen seen = {.close_in_close = i % 2};
        scene_open(&s, &p, rows[i].script, &seen);
        CHECK(run_until(s.loop, &seen.closed, 5000));
        run_for(s.loop, 10);
        CHECK(!seen.called_inside);
        if (!p.reset) /* which may overtake everything */
            CHECK_INT(seen.opened, rows[i].script == exec);
        if (rows[i].ids)
            CHECK_STR(seen.ids, rows[i].ids);
        CHECK_INT(seen.err.class, rows[i].class);
        CHECK_CONTAINS(seen.err.text, rows[i].text);
        scene_done(&s);
    }
    CHECK_ROW(NULL);
}

TEST(a_line_goes_out_and_comes_back)
{
    struct scene s;
    struct play p = {.echo = true, .status = SUCCESS};
    struct seen seen = {.send_on_open = true};
    scene_open(&s, &p, exec, &seen);
    CHECK(run_until(s.loop, &seen.closed, 3000));
    CHECK_STR(seen.ids, "e\n");
    CHECK_INT(seen.err.class, ERROR_NONE);
    scene_done(&s);
}

TEST(a_session_may_be_closed_anywhere_and_is_then_silent)
{
    for (int close_at = -1; close_at <= 3; close_at++) {
        struct scene s;
        struct play p = {.stdout_text = "{}\n{}\n{}\n{}\n", .cut = 6};
        struct seen seen = {.close_at = close_at, .close_in_open = close_at == 0};
        scene_open(&s, &p, exec, &seen);
        if (close_at < 0)
            world_session_close(seen.session);
        run_for(s.loop, 300);
        CHECK(!seen.closed);
        CHECK_INT(seen.lines, close_at < 0 ? 0 : close_at);
        world_free(s.world);
        loop_free(s.loop);
        fake_server_stop(s.server);
    }
}

TEST(a_pod_that_cannot_be_named_is_answered_later)
{
    struct scene s;
    struct play p = {0};
    struct seen seen = {0};
    s.server = fake_server_start(&(struct fake_options){.scripts = {exec}, .userdata = &p});
    CHECK_INT(loop_new(&s.loop, NULL), 0);
    struct config config = {.server = mem_strdup(fake_server_url(s.server)), .ns = mem_strdup("default")};
    s.world = world_real_new(s.loop, &config, NULL);
    auto_free char *endless = mem_printf("%04000d", 7);
    seen.inside = true;
    seen.session = world_session_open(s.world, "ns", endless, "c", &handlers, &seen);
    seen.inside = false;
    CHECK(!seen.closed);
    CHECK(run_until(s.loop, &seen.closed, 2000));
    CHECK_INT(seen.err.class, ERROR_INVALID);
    scene_done(&s);
}

int main(void)
{
    run_without_proxies();
    return check_run();
}

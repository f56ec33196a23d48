#include "check.h"
#include "fake/run.h"
#include "fake/server.h"
#include "world/real.h"

#include "base/str.h"

#define JSON_OK(body) FAKE_ANSWER("200 OK", "Content-Type: application/json\r\n", body)

struct scene {
    struct fake_server *server;
    struct loop *loop;
    struct world *world;
};

static void scene_init(struct scene *s, const struct fake_options *o)
{
    s->server = fake_server_start(o);
    CHECK_INT(loop_new(&s->loop, NULL), 0);
    struct config config = {
        .server = mem_strdup(fake_server_url(s->server)), .ns = mem_strdup("default"), .token = mem_strdup("t")};
    s->world = world_real_new(s->loop, &config, NULL);
    CHECK(!config.server && !config.token); /* taken */
}

static void scene_done(struct scene *s)
{
    CHECK_STR(fake_server_complaint(s->server), NULL);
    world_free(s->world);
    loop_free(s->loop);
    fake_server_stop(s->server);
}

/* Everything that can be called back, counted. */
struct seen {
    struct world *world;
    int answers, opens, events, ends, lines;
    bool done, inside, called_inside, ask_again;
    struct error err;
    int status;
    usec_t latency;
    char text[300];
    size_t length;
};

static void note(struct seen *s, const struct error *err, const char *text)
{
    s->called_inside |= s->inside;
    s->answers++;
    s->done = true;
    if (err)
        s->err = *err;
    str_copy(s->text, sizeof s->text, text ? text : "(null)");
}

static void on_reply(void *userdata, const struct world_reply *r)
{
    struct seen *s = userdata;
    char *body = r->body ? json_dumps(r->body, JSON_COMPACT) : NULL;
    note(s, &r->err, body);
    free(body);
    s->status = r->status;
    if (s->ask_again) {
        s->ask_again = false;
        world_api(s->world, &(struct world_request){.method = "GET", .path = "/again"}, on_reply, s);
    }
}

static void on_http(void *userdata, const struct world_http_reply *r)
{
    struct seen *s = userdata;
    note(s, &r->err, r->body);
    s->status = r->status;
    s->latency = r->latency;
    s->length = r->body_length;
}

static void on_tcp(void *userdata, const struct error *err, usec_t latency)
{
    struct seen *s = userdata;
    note(s, err, NULL);
    s->latency = latency;
}

static void on_open(void *userdata)
{
    ((struct seen *)userdata)->opens++;
}

static void on_event(void *userdata, const char *type, json_t *object)
{
    struct seen *s = userdata;
    (void)object;
    s->events++;
    strncat(s->text, type, 1);
}

static void on_end(void *userdata, const struct error *err)
{
    struct seen *s = userdata;
    s->called_inside |= s->inside;
    s->ends++;
    s->done = true;
    s->err = *err;
    if (s->ask_again) {
        s->ask_again = false;
        world_api(s->world, &(struct world_request){.method = "GET", .path = "/again"}, on_reply, s);
    }
}

static void on_line(void *userdata, json_t *line)
{
    (void)line;
    ((struct seen *)userdata)->lines++;
}

static const struct world_stream_handlers stream_handlers = {.on_open = on_open, .on_event = on_event, .on_end = on_end};
static const struct world_session_handlers session_handlers = {.on_open = on_open, .on_line = on_line, .on_close = on_end};

TEST(a_request_and_its_reply)
{
    static const struct fake_step script[] = {FAKE_EXPECT("PUT /apis/x HTTP/1.1"), JSON_OK("{\"a\":1}"), FAKE_DRAIN};
    struct scene s;
    scene_init(&s, &(struct fake_options){.scripts = {script}});
    json_t *body = json_pack("{s:s}", "k", "v");
    struct seen seen = {.inside = true};
    world_api(s.world, &(struct world_request){.method = "PUT", .path = "/apis/x", .body = body}, on_reply, &seen);
    json_decref(body);
    seen.inside = false;
    CHECK(run_until(s.loop, &seen.done, 2000));
    CHECK(!seen.called_inside);
    CHECK_INT(seen.status, 200);
    CHECK_STR(seen.text, "{\"a\":1}");
    auto_free char *request = fake_server_request(s.server, 0);
    CHECK_CONTAINS(request, "Authorization: Bearer t\r\n");
    CHECK_CONTAINS(request, "{\"k\":\"v\"}");
    scene_done(&s);
}

TEST(a_stream_to_its_end_and_one_that_is_closed)
{
    static const struct fake_step script[] = {
        FAKE_EXPECT("GET /w"),
        FAKE_STREAM_HEAD,
        FAKE_CHUNK("{\"type\":\"ADDED\",\"object\":{}}\nrubbish\n{\"type\":\"DELETED\",\"object\":{}}\n"),
        FAKE_STREAM_END,
        FAKE_EXPECT("GET /h"),
        FAKE_STREAM_HEAD,
        FAKE_HANG};
    struct scene s;
    scene_init(&s, &(struct fake_options){.scripts = {script}});
    struct seen seen = {0}, closed = {0};
    world_watch(s.world, "/w", 0, &stream_handlers, &seen);
    CHECK(run_until(s.loop, &seen.done, 2000));
    CHECK_INT(seen.opens, 1);
    CHECK_STR(seen.text, "AD");
    CHECK_INT(seen.ends, 1);
    CHECK_INT(seen.err.class, ERROR_NONE);
    CHECK_INT(world_real_skipped_events(s.world), 1);
    struct world_stream *stream = world_watch(s.world, "/h", 0, &stream_handlers, &closed);
    run_for(s.loop, 50);
    world_stream_close(stream);
    world_stream_close(NULL);
    run_for(s.loop, 20);
    CHECK_INT(closed.opens, 1);
    CHECK_INT(closed.ends, 0);
    scene_done(&s);
}

TEST(a_stream_that_falls_silent_is_broken)
{
    static const struct fake_step hangs[] = {FAKE_EXPECT("GET /h"), FAKE_STREAM_HEAD, FAKE_HANG};
    struct scene s;
    scene_init(&s, &(struct fake_options){.scripts = {hangs}});
    struct seen seen = {0};
    world_watch(s.world, "/h", 100 * USEC_MSEC, &stream_handlers, &seen);
    CHECK(run_until(s.loop, &seen.done, 2000));
    CHECK_INT(seen.err.class, ERROR_UNAVAILABLE);
    scene_done(&s);
}

TEST(http_probes)
{
    struct fake_ca *ca = fake_ca_new("nobody knows");
    struct fake_identity *id = fake_identity_new(ca, "pod", "DNS:elsewhere");
    static const struct fake_step answers[] = {FAKE_EXPECT("GET /healthz HTTP/1.1"),
                                               FAKE_ANSWER("503 Service Unavailable", "", "sick"), FAKE_DRAIN};
    static const struct fake_step posts[] = {FAKE_EXPECT("POST /healthz HTTP/1.1"), FAKE_SLEEP(60),
                                             FAKE_ANSWER("200 OK", "", "0123456789"), FAKE_DRAIN};
    static const struct fake_step hangs[] = {FAKE_EXPECT("GET /healthz"),
                                             FAKE_SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), FAKE_HANG};
    json_t *headers = json_pack("{s:s,s:i}", "X-Probe", "yes", "X-Number", 7);
    const struct {
        const char *sentence;
        const struct fake_step *script;
        const struct fake_identity *tls;
        struct world_http request;
        enum error_class class;
        int status;
        const char *body;
        usec_t at_least;
    } rows[] = {
        {"any status is an answer", answers, NULL, {0}, ERROR_NONE, 503, "sick", 0},
        {"a pod's own certificate is not verified", answers, id, {0}, ERROR_NONE, 503, "sick", 0},
        {"a body, and headers, and the latency of it all",
         posts,
         NULL,
         {.method = "POST", .body = "b", .headers = headers},
         ERROR_NONE,
         200,
         "0123456789",
         60 * USEC_MSEC},
        {"a longer body is cut", posts, NULL, {.method = "POST", .body = "b", .max_body = 4}, ERROR_NONE, 200, "0123", 0},
        {"a time limit", hangs, NULL, {.timeout = 150 * USEC_MSEC}, ERROR_TIMEOUT, 200, "half", 150 * USEC_MSEC},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct scene s;
        scene_init(&s, &(struct fake_options){.scripts = {rows[i].script}, .tls = rows[i].tls});
        struct world_http request = rows[i].request;
        auto_free char *url = mem_printf("%s/healthz", fake_server_url(s.server));
        request.url = url;
        struct seen seen = {.inside = true};
        world_http(s.world, &request, on_http, &seen);
        seen.inside = false;
        CHECK(run_until(s.loop, &seen.done, 3000));
        CHECK(!seen.called_inside);
        CHECK_INT(seen.err.class, rows[i].class);
        CHECK_INT(seen.status, rows[i].status);
        CHECK_STR(seen.text, rows[i].body);
        CHECK_INT(seen.length, strlen(rows[i].body));
        CHECK(seen.latency >= rows[i].at_least && seen.latency < 2 * USEC_SEC);
        auto_free char *sent = fake_server_request(s.server, 0);
        CHECK(!strstr(sent, "Bearer"));
        CHECK(!rows[i].request.headers || strstr(sent, "\r\nX-Probe: yes\r\n"));
        scene_done(&s);
    }
    CHECK_ROW(NULL);
    json_decref(headers);
    fake_identity_free(id);
    fake_ca_free(ca);
}

TEST(each_http_probe_has_a_connection_of_its_own)
{
    static const struct fake_step answers[] = {FAKE_EXPECT("GET /"), FAKE_ANSWER("200 OK", "", ""), FAKE_DRAIN};
    struct scene s;
    scene_init(&s, &(struct fake_options){.scripts = {answers}, .repeat_last = true});
    for (int i = 1; i <= 3; i++) {
        struct seen seen = {0};
        auto_free char *url = mem_printf("%s/", fake_server_url(s.server));
        world_http(s.world, &(struct world_http){.url = url}, on_http, &seen);
        CHECK(run_until(s.loop, &seen.done, 2000));
        CHECK_INT(fake_server_connections(s.server), i);
    }
    scene_done(&s);
}

TEST(tcp_probes)
{
    static const struct fake_step accepts[] = {FAKE_DRAIN};
    struct scene s;
    scene_init(&s, &(struct fake_options){.scripts = {accepts}});
    struct seen open = {.inside = true}, shut = {0};
    world_tcp(s.world, "127.0.0.1", fake_server_port(s.server), 0, on_tcp, &open);
    open.inside = false;
    world_tcp(s.world, "127.0.0.1", 1, 0, on_tcp, &shut);
    CHECK(run_until(s.loop, &open.done, 2000) && run_until(s.loop, &shut.done, 2000));
    CHECK(!open.called_inside);
    CHECK_INT(open.err.class, ERROR_NONE);
    CHECK(open.latency > 0);
    CHECK_INT(shut.err.class, ERROR_UNAVAILABLE);
    scene_done(&s);
}

struct waker {
    struct world *world;
    int count;
    bool rang;
    usec_t at, again_at;
};

static void wake(void *userdata)
{
    struct waker *w = userdata;
    w->count++;
    w->rang = true;
    w->at = world_now(w->world);
    if (w->again_at)
        world_wake_at(w->world, w->again_at);
    w->again_at = 0;
}

TEST(the_alarm)
{
    struct scene s;
    scene_init(&s, &(struct fake_options){0});
    struct waker w = {.world = s.world};
    world_set_wake(s.world, wake, &w);
    usec_t due = world_now(s.world) + 30 * USEC_MSEC;
    world_wake_at(s.world, world_now(s.world) + USEC_HOUR);
    world_wake_at(s.world, due); /* replaces */
    CHECK(run_until(s.loop, &w.rang, 1000));
    CHECK(w.at >= due);
    run_for(s.loop, 50);
    CHECK_INT(w.count, 1);
    w.rang = false;
    w.again_at = 1; /* in the past, from inside */
    world_wake_at(s.world, 0);
    CHECK_INT(w.count, 1);
    run_for(s.loop, 20);
    CHECK_INT(w.count, 3);
    world_wake_at(s.world, world_now(s.world) + 10 * USEC_MSEC);
    world_wake_at(s.world, USEC_NEVER);
    run_for(s.loop, 40);
    CHECK_INT(w.count, 3);
    CHECK(world_wall(s.world) > (usec_t)1600000000 * USEC_SEC);
    CHECK(world_random(s.world) != world_random(s.world));
    scene_done(&s);
}

TEST(what_is_open_at_the_end_is_answered_before_the_end)
{
    static const struct fake_step hangs[] = {FAKE_EXPECT(""), FAKE_HANG};
    struct scene s;
    scene_init(&s, &(struct fake_options){.scripts = {hangs}, .repeat_last = true});
    auto_free char *url = mem_printf("%s/", fake_server_url(s.server));
    struct seen api = {.world = s.world, .ask_again = true}, stream = {0}, session = {.world = s.world, .ask_again = true},
                http = {0}, tcp = {0};
    world_api(s.world, &(struct world_request){.method = "GET", .path = "/"}, on_reply, &api);
    world_watch(s.world, "/w", 0, &stream_handlers, &stream);
    struct world_session *opened = world_session_open(s.world, "ns", "pod", "drill-injector", &session_handlers, &session);
    json_t *line = json_object();
    CHECK(!world_session_send(opened, line)); /* not open yet */
    json_decref(line);
    world_http(s.world, &(struct world_http){.url = url}, on_http, &http);
    run_for(s.loop, 50);
    world_tcp(s.world, "127.0.0.1", 1, 0, on_tcp, &tcp);
    CHECK(!api.done && !stream.done && !session.done && !http.done && !tcp.done);
    world_free(s.world);
    const struct seen *const all[] = {&api, &stream, &session, &http, &tcp};
    for (size_t i = 0; i < array_len(all); i++) {
        CHECK_INT(all[i]->answers + all[i]->ends, all[i] == &api || all[i] == &session ? 2 : 1); /* these two asked once more */
        CHECK_INT(all[i]->err.class, ERROR_CANCELLED);
    }
    loop_free(s.loop);
    fake_server_stop(s.server);
}

int main(void)
{
    run_without_proxies();
    return check_run();
}

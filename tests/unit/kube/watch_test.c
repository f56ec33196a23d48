#include "check.h"
#include "kube/cluster.h"
#include "kube/watch.h"

#define WATCH       "/api/v1/pods?watch=1&resourceVersion=7"
#define ADDED(name) "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"" name "\"}}}\n"
#define ERROR_410                                                                                                                  \
    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"message\":\"too old resource version: 7 (99)\",\"reason\":\"Expired\"," \
    "\"code\":410}}\n"

struct seen {
    struct watch *watch;
    bool opened, ended, inside, called_inside, after_end;
    int events, free_at;
    bool free_in_end, free_in_open;
    char names[512];
    struct error err;
};

static void on_open(void *userdata)
{
    struct seen *s = userdata;
    s->called_inside |= s->inside;
    s->opened = true;
    if (s->free_in_open)
        watch_free(s->watch);
}

static void on_event(void *userdata, const char *type, json_t *object)
{
    struct seen *s = userdata;
    s->called_inside |= s->inside;
    s->after_end |= s->ended;
    s->events++;
    strncat(s->names, type, 1);
    const char *name = json_string_value(json_object_get(json_object_get(object, "metadata"), "name"));
    strncat(s->names, name ? name : "?", 64);
    if (s->events == s->free_at)
        watch_free(s->watch);
}

static void on_end(void *userdata, const struct error *err)
{
    struct seen *s = userdata;
    s->called_inside |= s->inside;
    CHECK(!s->ended);
    s->ended = true;
    s->err = *err;
    if (s->free_in_end)
        watch_free(s->watch);
}

static void start(struct cluster *c, struct seen *s)
{
    static const struct watch_handlers handlers = {.on_open = on_open, .on_event = on_event, .on_end = on_end};
    s->inside = true;
    s->watch = watch_start(c->client, WATCH, 300 * USEC_MSEC, &handlers, s);
    s->inside = false;
}

TEST(events_come_through_however_they_are_cut)
{
    static const char events[] =
        ADDED("a") "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"\xc3\xa9\xe2\x82\xac\"}}}\n"
                   "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{}}}\n";
    static const size_t cuts[] = {0, 1, 2, 7, 40};
    for (size_t i = 0; i < array_len(cuts); i++) {
        const struct fake_step script[] = {FAKE_EXPECT("GET " WATCH " HTTP/1.1\r\n"),
                                           FAKE_STREAM_HEAD,
                                           FAKE_CHUNK_CUT(events, cuts[i], 0),
                                           FAKE_SLEEP(20),
                                           FAKE_CHUNK(ADDED("z")),
                                           FAKE_STREAM_END,
                                           FAKE_DRAIN};
        struct cluster c;
        cluster_init(&c, &(struct fake_options){.scripts = {script}});
        struct seen s = {0};
        start(&c, &s);
        CHECK(run_until(c.loop, &s.ended, 3000));
        CHECK(s.opened && !s.called_inside);
        CHECK_STR(s.names, "AaM\xc3\xa9\xe2\x82\xac"
                           "B?Az");
        CHECK_INT(s.err.class, ERROR_NONE);
        auto_free char *request = fake_server_request(c.server, 0);
        CHECK(!strcasestr(request, "accept-encoding"));
        cluster_done(&c);
    }
}

TEST(how_a_watch_ends)
{
    static const struct fake_step quiet[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD, FAKE_CHUNK(ADDED("a")), FAKE_STREAM_END,
                                             FAKE_DRAIN};
    static const struct fake_step at_once[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD, FAKE_STREAM_END, FAKE_DRAIN};
    static const struct fake_step gone_event[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD,
                                                  FAKE_CHUNK(ADDED("a") ERROR_410 ADDED("never")), FAKE_DRAIN};
    static const struct fake_step gone_code[] = {FAKE_EXPECT(""), REFUSAL("410 Gone", "", "Expired", "too old"), FAKE_DRAIN};
    static const struct fake_step busy[] = {
        FAKE_EXPECT(""), REFUSAL("429 Too Many Requests", "Retry-After: 3\r\n", "TooManyRequests", "slow"), FAKE_DRAIN};
    static const struct fake_step forbidden[] = {FAKE_EXPECT(""), REFUSAL("403 Forbidden", "", "Forbidden", "no watch for you"),
                                                 FAKE_DRAIN};
    static const struct fake_step lagging[] = {
        FAKE_EXPECT(""),
        FAKE_ANSWER("504 Gateway Timeout", "",
                    "{\"kind\":\"Status\",\"message\":\"Too large resource version: 9\",\"reason\":\"Timeout\","
                    "\"details\":{\"retryAfterSeconds\":1}}"),
        FAKE_DRAIN};
    static const struct fake_step broken[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD, FAKE_CHUNK(ADDED("a")), FAKE_SLEEP(50),
                                              FAKE_RESET};
    static const struct fake_step cut_event[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD, FAKE_CHUNK(ADDED("a") "{\"type\":\"ADD"),
                                                 FAKE_STREAM_END, FAKE_DRAIN};
    static const struct fake_step silent[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD, FAKE_CHUNK(ADDED("a")), FAKE_HANG};
    static const struct fake_step page[] = {FAKE_EXPECT(""),
                                            FAKE_ANSWER("200 OK", "Content-Type: text/html\r\n", "<html>\nlog in\n"), FAKE_DRAIN};
    static const struct {
        const char *sentence;
        const struct fake_step *script;
        bool opened;
        int events;
        enum error_class class;
        long retry_ms;
        const char *text;
    } rows[] = {
        {"the server's own time limit", quiet, true, 1, ERROR_NONE, 0, ""},
        {"over at once and without an event: a hot loop in the making", at_once, true, 0, ERROR_UNAVAILABLE, 0, "very short watch"},
        {"410 as an event, and nothing after it", gone_event, true, 1, ERROR_GONE, 0, "too old resource version: 7 (99)"},
        {"410 as a code", gone_code, false, 0, ERROR_GONE, 0, "too old"},
        {"429 with Retry-After", busy, false, 0, ERROR_TOO_MANY, 3000, "slow"},
        {"not allowed: with the server's words", forbidden, false, 0, ERROR_FORBIDDEN, 0, "no watch for you"},
        {"the server lags behind", lagging, false, 0, ERROR_UNAVAILABLE, 1000, "Too large resource version"},
        {"the connection breaks", broken, true, 1, ERROR_UNAVAILABLE, 0, "watch /api/v1/pods: "},
        {"cut in the middle of an event", cut_event, true, 1, ERROR_UNAVAILABLE, 0, "in the middle of an event"},
        {"half open", silent, true, 1, ERROR_UNAVAILABLE, 0, "not one byte"},
        {"a page to log in", page, true, 0, ERROR_UNAVAILABLE, 0, "very short watch"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct cluster c;
        cluster_init(&c, &(struct fake_options){.scripts = {rows[i].script}});
        struct seen s = {.free_in_end = i % 2};
        start(&c, &s);
        CHECK(run_until(c.loop, &s.ended, 3000));
        run_for(c.loop, 10);
        CHECK_INT(s.opened, rows[i].opened);
        CHECK_INT(s.events, rows[i].events);
        CHECK_INT(s.err.class, rows[i].class);
        CHECK_INT(s.err.retry_after_ms, rows[i].retry_ms);
        CHECK_CONTAINS(s.err.text, rows[i].text);
        CHECK(!s.after_end && !s.called_inside);
        cluster_done(&c);
    }
    CHECK_ROW(NULL);
}

TEST(one_hostile_object_does_not_take_the_watch_down)
{
    static const struct fake_step script[] = {
        FAKE_EXPECT(""),
        FAKE_STREAM_HEAD,
        FAKE_CHUNK(ADDED("a") "{\"type\":\"ADDED\",\"object\":{\"x\":\"\xff\"}}\n" ADDED("b\\u0000") ADDED("c")),
        FAKE_SLEEP(100),
        FAKE_STREAM_END,
        FAKE_DRAIN};
    struct cluster c;
    cluster_init(&c, &(struct fake_options){.scripts = {script}});
    struct seen s = {0};
    start(&c, &s);
    run_for(c.loop, 60);
    CHECK_STR(s.names, "AaAbAc");
    CHECK_INT(watch_skipped(s.watch), 1);
    CHECK(run_until(c.loop, &s.ended, 1000));
    cluster_done(&c);
}

TEST(a_401_at_the_start_is_answered_once_with_new_credentials)
{
    static const struct fake_step then_ok[] = {FAKE_EXPECT("GET " WATCH),
                                               REFUSAL("401 Unauthorized", "", "Unauthorized", "no"),
                                               FAKE_EXPECT("GET " WATCH),
                                               FAKE_STREAM_HEAD,
                                               FAKE_CHUNK(ADDED("a")),
                                               FAKE_STREAM_END,
                                               FAKE_DRAIN};
    static const struct fake_step again[] = {FAKE_EXPECT("GET " WATCH), REFUSAL("401 Unauthorized", "", "Unauthorized", "no"),
                                             FAKE_EXPECT("GET " WATCH), REFUSAL("401 Unauthorized", "", "Unauthorized", "no"),
                                             FAKE_DRAIN};
    const struct fake_step *const scripts[] = {then_ok, again};
    for (size_t i = 0; i < array_len(scripts); i++) {
        struct cluster c;
        cluster_init(&c, &(struct fake_options){.scripts = {scripts[i]}});
        struct seen s = {0};
        start(&c, &s);
        CHECK(run_until(c.loop, &s.ended, 3000));
        CHECK_INT(s.err.class, i ? ERROR_FORBIDDEN : ERROR_NONE);
        CHECK_INT(s.events, i ? 0 : 1);
        cluster_done(&c);
    }
}

TEST(a_watch_may_be_freed_in_any_callback_and_is_then_silent)
{
    static const struct fake_step script[] = {FAKE_EXPECT(""), FAKE_STREAM_HEAD,       FAKE_CHUNK(ADDED("a") ADDED("b") ADDED("c")),
                                              FAKE_SLEEP(20),  FAKE_CHUNK(ADDED("d")), FAKE_STREAM_END,
                                              FAKE_DRAIN};
    for (int free_at = -1; free_at <= 4; free_at++) {
        struct cluster c;
        cluster_init(&c, &(struct fake_options){.scripts = {script}});
        struct seen s = {.free_at = free_at, .free_in_open = free_at == 0};
        start(&c, &s);
        if (free_at < 0)
            watch_free(s.watch);
        run_for(c.loop, 100);
        CHECK(!s.ended);
        CHECK_INT(s.events, free_at < 0 ? 0 : free_at);
        if (free_at >= 0)
            cluster_done(&c);
        else { /* its server may have seen nothing at all */
            client_free(c.client);
            config_done(&c.config);
            loop_free(c.loop);
            fake_server_stop(c.server);
        }
    }
}

int main(void)
{
    run_without_proxies();
    return check_run();
}

#include "check.h"

#include "api/json.h"
#include "base/str.h"
#include "fake_world.h"
#include "shell/reflector.h"

struct bench {
    struct fake *fake;
    struct alarms *alarms;
    struct store *store;
    struct reflector *reflector;
    char told[1024];
    int synced;
    enum error_class problem;
    int problems;
};

static void on_change(void *userdata, const struct store_change *c)
{
    struct bench *b = userdata;
    size_t used = strlen(b->told);
    str_format(b->told + used, sizeof(b->told) - used, "%c%s ", !c->before ? '+' : !c->now ? '-' : '~', c->key.name);
}

static void on_problem(void *userdata, enum kind kind, const char *ns, const struct error *err)
{
    struct bench *b = userdata;
    (void)kind;
    (void)ns;
    b->problem = err->class;
    b->problems++;
}

static void on_synced(void *userdata)
{
    ((struct bench *)userdata)->synced++;
}

static void bench_begin(struct bench *b, bool any_version)
{
    *b = (struct bench){.fake = fake_new()};
    b->alarms = alarms_new(fake_world(b->fake));
    b->store = store_new(fake_world(b->fake));
    store_set_listener(b->store, on_change, b);
    struct reflector_options o = {.kind = KIND_DRILL, .ns = "team-a", .problem = on_problem, .synced = on_synced, .userdata = b};
    b->reflector = reflector_new(fake_world(b->fake), b->alarms, b->store, &o);
    reflector_run(b->reflector, any_version);
    fake_run(b->fake);
}

static void bench_init(struct bench *b)
{
    bench_begin(b, false);
}

static void bench_done(struct bench *b)
{
    reflector_free(b->reflector);
    store_set_listener(b->store, NULL, NULL);
    store_free(b->store);
    alarms_free(b->alarms);
    fake_free(b->fake);
}

static json_t *drill(const char *name, const char *rv)
{
    return fake_object("Drill", "team-a", name, rv, "{\"target\":\"shop\"}", NULL);
}

static struct fake_stream *stream(struct bench *b)
{
    return fake_stream(b->fake, "/drills?");
}

static bool path_has(struct bench *b, const char *part)
{
    return stream(b) && strstr(fake_stream_path(stream(b)), part);
}

static json_t *list(const char *rv, const char *token)
{
    json_t *body = json_object();
    json_put_str(json_make(body, "metadata"), "resourceVersion", rv);
    json_put_str(json_make(body, "metadata"), "continue", token);
    json_object_set_new(body, "items", json_array());
    return body;
}

static json_t *list_with(json_t *body, json_t *item)
{
    json_array_append_new(json_object_get(body, "items"), item);
    return body;
}

/* Two drills, listed by stream, at version 50; watching. */
static void to_watching(struct bench *b)
{
    bench_init(b);
    fake_event(stream(b), "ADDED", drill("a", "40"));
    fake_event(stream(b), "ADDED", drill("b", "30"));
    fake_bookmark(stream(b), "50", true);
    b->told[0] = '\0';
}

TEST(it_begins_with_a_streaming_list)
{
    struct bench b;
    bench_init(&b);
    CHECK(path_has(&b, "/apis/drillyard.dev/v1alpha1/namespaces/team-a/drills?"));
    CHECK(path_has(&b, "sendInitialEvents=true"));
    CHECK(path_has(&b, "resourceVersionMatch=NotOlderThan"));
    CHECK(path_has(&b, "allowWatchBookmarks=true"));
    fake_event(stream(&b), "ADDED", drill("a", "40"));
    CHECK(!reflector_synced(b.reflector));
    fake_bookmark(stream(&b), "45", false);
    CHECK(!reflector_synced(b.reflector)); /* an ordinary bookmark ends nothing */
    fake_bookmark(stream(&b), "50", true);
    CHECK(reflector_synced(b.reflector));
    CHECK_INT(b.synced, 1);
    fake_event(stream(&b), "MODIFIED", drill("a", "60"));
    fake_event(stream(&b), "DELETED", drill("a", "61"));
    CHECK_STR(b.told, "+a ~a -a ");
    CHECK_INT(fake_count_streams(b.fake, "drills"), 1); /* the same stream goes on */
    bench_done(&b);
}

TEST(a_first_list_of_any_age_is_complete_and_not_fresh)
{
    struct bench b;
    bench_begin(&b, true);
    CHECK(path_has(&b, "resourceVersion=0&"));
    fake_event(stream(&b), "ADDED", drill("a", "40"));
    fake_bookmark(stream(&b), "50", true);
    CHECK(reflector_synced(b.reflector) && !reflector_fresh(b.reflector));
    fake_advance(b.fake, USEC_MINUTE);
    fake_end(stream(&b), ERROR_GONE, 0);
    fake_run(b.fake);
    CHECK(path_has(&b, "resourceVersion=50&"));
    fake_bookmark(stream(&b), "60", true);
    CHECK(!reflector_fresh(b.reflector)); /* no older than what was of any age */
    reflector_refresh(b.reflector);
    fake_run(b.fake);
    CHECK(!path_has(&b, "resourceVersion="));
    fake_bookmark(stream(&b), "70", true);
    CHECK(reflector_fresh(b.reflector));
    CHECK_INT(b.synced, 2);
    bench_done(&b);
}

TEST(a_refresh_lets_a_first_list_of_any_age_end)
{
    for (int breaks = 0; breaks < 2; breaks++) {
        struct bench b;
        bench_begin(&b, true);
        reflector_refresh(b.reflector);
        fake_run(b.fake);
        CHECK(path_has(&b, "resourceVersion=0&"));
        if (breaks) {
            fake_end(stream(&b), ERROR_INVALID, 0);
            fake_run(b.fake);
            fake_reply(fake_request(b.fake, "GET", "/drills?"), 200,
                       list("50", NULL)); /* this one is of the newest, and there is no other */
        } else {
            fake_bookmark(stream(&b), "50", true);
            CHECK(reflector_synced(b.reflector) && !reflector_fresh(b.reflector));
            fake_run(b.fake);
            CHECK(path_has(&b, "sendInitialEvents=true") && !path_has(&b, "resourceVersion="));
            fake_bookmark(stream(&b), "60", true);
        }
        CHECK(reflector_fresh(b.reflector));
        fake_run(b.fake);
        CHECK_INT(reflector_stats(b.reflector).lists, 2);
        bench_done(&b);
    }
}

TEST(a_first_list_by_pages_is_of_the_newest)
{
    struct bench b;
    bench_begin(&b, true);
    fake_end(stream(&b), ERROR_INVALID, 0); /* 422: sendInitialEvents is forbidden */
    fake_run(b.fake);
    struct fake_request *r = fake_request(b.fake, "GET", "/drills?");
    CHECK(r && strstr(r->path, "limit=500") && !strstr(r->path, "resourceVersion"));
    fake_reply(r, 200, list("50", NULL));
    fake_run(b.fake);
    CHECK(reflector_fresh(b.reflector));
    bench_done(&b);
}

TEST(the_ordinary_end_goes_on_from_the_last_version_at_once)
{
    struct bench b;
    to_watching(&b);
    fake_event(stream(&b), "MODIFIED", drill("a", "60"));
    fake_advance(b.fake, 5 * USEC_MINUTE);
    fake_end(stream(&b), ERROR_NONE, 0);
    fake_run(b.fake);
    CHECK(path_has(&b, "resourceVersion=60&"));
    CHECK(!path_has(&b, "sendInitialEvents"));
    bench_done(&b);
}

TEST(a_bookmark_moves_the_version)
{
    struct bench b;
    to_watching(&b);
    fake_bookmark(stream(&b), "90", false);
    fake_advance(b.fake, 5 * USEC_MINUTE);
    fake_end(stream(&b), ERROR_NONE, 0);
    fake_run(b.fake);
    CHECK(path_has(&b, "resourceVersion=90&"));
    bench_done(&b);
}

TEST(a_streaming_lists_first_events_do_not_move_the_version)
{
    struct bench b;
    bench_init(&b);
    fake_event(stream(&b), "ADDED", drill("a", "400")); /* not in order of versions */
    fake_event(stream(&b), "ADDED", drill("b", "30"));
    fake_bookmark(stream(&b), "450", true);
    fake_advance(b.fake, 10 * USEC_SEC);
    fake_end(stream(&b), ERROR_NONE, 0);
    fake_run(b.fake);
    CHECK(path_has(&b, "resourceVersion=450&"));
    bench_done(&b);
}

TEST(gone_lists_anew_and_what_was_missed_is_deleted)
{
    struct bench b;
    to_watching(&b);
    fake_advance(b.fake, USEC_MINUTE);
    fake_end(stream(&b), ERROR_GONE, 0); /* as a code or as an event: the world says both so */
    fake_run(b.fake);
    CHECK(path_has(&b, "sendInitialEvents=true"));
    CHECK(path_has(&b, "resourceVersion=50&resourceVersionMatch=NotOlderThan")); /* no travel back in time */
    fake_event(stream(&b), "ADDED", drill("b", "30"));
    fake_event(stream(&b), "ADDED", drill("c", "70"));
    CHECK_STR(b.told, "+c "); /* an incomplete list removes nothing */
    fake_bookmark(stream(&b), "80", true);
    CHECK_STR(b.told, "+c -a ");
    bench_done(&b);
}

TEST(gone_for_the_list_too_asks_for_the_newest)
{
    struct bench b;
    to_watching(&b);
    fake_advance(b.fake, USEC_MINUTE);
    fake_end(stream(&b), ERROR_GONE, 0);
    fake_run(b.fake);
    fake_end(stream(&b), ERROR_GONE, 0);
    fake_advance(b.fake, 2 * USEC_SEC);
    struct fake_request *page = fake_request(b.fake, "GET", "/drills?");
    CHECK(page && !strstr(page->path, "resourceVersion="));
    bench_done(&b);
}

TEST(refused_and_429_retry_the_same_version_without_a_list)
{
    static const struct {
        const char *sentence;
        enum error_class class;
        long retry_after_ms;
        usec_t not_before, by;
    } rows[] = {
        {"refused: after 0.8 to 1.6 s", ERROR_UNAVAILABLE, 0, 700 * USEC_MSEC, 1600 * USEC_MSEC},
        {"asked to slow down: when the server said", ERROR_TOO_MANY, 7000, 6900 * USEC_MSEC, 7100 * USEC_MSEC},
        {"asked to slow down without a time: as refused", ERROR_TOO_MANY, 0, 700 * USEC_MSEC, 1600 * USEC_MSEC},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct bench b;
        to_watching(&b);
        fake_advance(b.fake, 10 * USEC_SEC);
        fake_end(stream(&b), rows[i].class, rows[i].retry_after_ms);
        fake_advance(b.fake, rows[i].not_before);
        CHECK(!stream(&b));
        fake_advance(b.fake, rows[i].by - rows[i].not_before);
        CHECK(path_has(&b, "resourceVersion=50&"));
        CHECK(!path_has(&b, "sendInitialEvents"));
        CHECK_INT(fake_count_requests(b.fake, "GET", "drills"), 0);
        bench_done(&b);
    }
}

TEST(a_very_short_watch_waits)
{
    struct bench b;
    to_watching(&b);
    fake_advance(b.fake, USEC_MINUTE);
    fake_end(stream(&b), ERROR_NONE, 0);
    fake_run(b.fake);
    CHECK(stream(&b) != NULL);
    fake_end(stream(&b), ERROR_NONE, 0); /* at once, with nothing: a broken proxy */
    fake_run(b.fake);
    CHECK(!stream(&b));
    fake_advance(b.fake, 2 * USEC_SEC);
    CHECK(path_has(&b, "resourceVersion=50&"));
    bench_done(&b);
}

TEST(waits_grow_and_begin_anew_after_a_healthy_time)
{
    struct bench b;
    to_watching(&b);
    fake_advance(b.fake, 10 * USEC_SEC);
    usec_t waited = 0;
    for (int i = 0; i < 8; i++) {
        fake_end(stream(&b), ERROR_UNAVAILABLE, 0);
        usec_t from = fake_now(b.fake);
        while (!stream(&b) && fake_now(b.fake) < from + USEC_MINUTE)
            fake_advance(b.fake, 10 * USEC_MSEC);
        waited = fake_now(b.fake) - from;
    }
    CHECK(waited >= 25 * USEC_SEC && waited <= 31 * USEC_SEC);
    fake_advance(b.fake, 3 * USEC_MINUTE);
    fake_end(stream(&b), ERROR_UNAVAILABLE, 0);
    fake_advance(b.fake, 1700 * USEC_MSEC);
    CHECK(stream(&b) != NULL);
    bench_done(&b);
}

TEST(a_server_without_streaming_lists_is_asked_by_pages_from_then_on)
{
    struct bench b;
    bench_init(&b);
    fake_end(stream(&b), ERROR_INVALID, 0); /* 422: sendInitialEvents is forbidden */
    fake_run(b.fake);
    struct fake_request *page = fake_request(b.fake, "GET", "/drills?");
    CHECK(page && strstr(page->path, "limit=500") && !strstr(page->path, "continue"));
    fake_reply(page, 200, list_with(list("50", "to/ken=="), drill("a", "40")));
    page = fake_request(b.fake, "GET", "/drills?");
    CHECK(page && strstr(page->path, "continue=to%2Fken%3D%3D"));
    CHECK(!reflector_synced(b.reflector));
    fake_reply(page, 200, list_with(list("50", NULL), drill("b", "41")));
    CHECK(reflector_synced(b.reflector));
    fake_run(b.fake);
    CHECK(path_has(&b, "watch=1"));
    CHECK(path_has(&b, "resourceVersion=50&"));
    fake_advance(b.fake, USEC_MINUTE);
    fake_end(stream(&b), ERROR_GONE, 0);
    fake_run(b.fake);
    CHECK(fake_request(b.fake, "GET", "/drills?") != NULL); /* not by stream again */
    CHECK_STR(b.told, "+a +b ");
    bench_done(&b);
}

TEST(a_continue_token_that_expired_begins_the_list_anew)
{
    struct bench b;
    bench_init(&b);
    fake_end(stream(&b), ERROR_INVALID, 0);
    fake_run(b.fake);
    fake_reply(fake_request(b.fake, "GET", "/drills?"), 200, list_with(list("50", "t"), drill("a", "40")));
    fake_refuse(fake_request(b.fake, "GET", "continue=t"), ERROR_GONE, 410, 0);
    fake_advance(b.fake, 2 * USEC_SEC);
    struct fake_request *page = fake_request(b.fake, "GET", "/drills?");
    CHECK(page && !strstr(page->path, "continue=") && !strstr(page->path, "resourceVersion="));
    if (page)
        fake_reply(page, 200, list("60", NULL));
    CHECK_STR(b.told, "+a -a ");
    bench_done(&b);
}

TEST(a_streaming_list_that_breaks_falls_back_to_pages_once)
{
    struct bench b;
    bench_init(&b);
    fake_end(stream(&b), ERROR_INTERNAL, 0);
    fake_advance(b.fake, 2 * USEC_SEC);
    CHECK(fake_request(b.fake, "GET", "limit=500") != NULL);
    bench_done(&b);
}

/* A server that cannot do this kind of list, for the version of its etcd, says so as 500; when nobody is there, pages fare no better. */
TEST(a_streaming_list_that_the_server_cannot_do_is_tried_by_pages)
{
    static const struct {
        const char *row;
        enum error_class class;
        int status;
        bool pages;
    } rows[] = {
        {"500", ERROR_UNAVAILABLE, 500, true},
        {"503", ERROR_UNAVAILABLE, 503, false},
        {"no answer", ERROR_UNAVAILABLE, 0, false},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct bench b;
        CHECK_ROW(rows[i].row);
        bench_init(&b);
        fake_end_status(stream(&b), rows[i].class, rows[i].status, 0);
        fake_advance(b.fake, 2 * USEC_SEC);
        CHECK((fake_request(b.fake, "GET", "limit=500") != NULL) == rows[i].pages);
        bench_done(&b);
    }
}

TEST(a_streaming_list_that_is_silent_falls_back_to_pages)
{
    struct bench b;
    bench_init(&b);
    fake_event(stream(&b), "ADDED", drill("a", "40"));
    fake_advance(b.fake, 31 * USEC_SEC);
    CHECK(!stream(&b));
    CHECK(fake_request(b.fake, "GET", "limit=500") != NULL);
    bench_done(&b);
}

TEST(a_kind_that_is_not_installed_is_said_once_and_waited_for)
{
    struct bench b;
    bench_init(&b);
    for (int i = 0; i < 4; i++) {
        fake_end(stream(&b), ERROR_NOT_FOUND, 0);
        for (int waits = 0; !stream(&b) && waits < 320; waits++)
            fake_advance(b.fake, 100 * USEC_MSEC);
    }
    CHECK_INT(b.problems, 1);
    CHECK_INT(b.problem, ERROR_NOT_FOUND);
    CHECK(stream(&b) != NULL);
    fake_bookmark(stream(&b), "5", true);
    CHECK_INT(b.problems, 2);
    CHECK_INT(b.problem, ERROR_NONE);
    CHECK(reflector_synced(b.reflector));
    bench_done(&b);
}

TEST(a_server_that_nobody_answers_for_is_said_once_and_waited_for)
{
    struct bench b;
    bench_init(&b);
    for (int i = 0; i < 4; i++) {
        fake_end(stream(&b), ERROR_UNAVAILABLE, 0);
        for (int waits = 0; !stream(&b) && waits < 320; waits++)
            fake_advance(b.fake, 100 * USEC_MSEC);
    }
    CHECK_INT(b.problems, 1);
    CHECK_INT(b.problem, ERROR_UNAVAILABLE);
    fake_bookmark(stream(&b), "5", true);
    CHECK_INT(b.problems, 2);
    CHECK_INT(b.problem, ERROR_NONE);
    fake_advance(b.fake, USEC_MINUTE);
    fake_end(stream(&b), ERROR_UNAVAILABLE, 0); /* every stream ends some day */
    CHECK_INT(b.problems, 2);
    bench_done(&b);
}

/* Fails `times` times, and waits for the next attempt each time but the last. */
static void fail(struct bench *b, enum error_class class, int retry_after_ms, int times)
{
    for (int i = 0; i < times; i++) {
        for (int waits = 0; !stream(b) && waits < 320; waits++)
            fake_advance(b->fake, 100 * USEC_MSEC);
        fake_end(stream(b), class, retry_after_ms);
    }
}

TEST(whoever_waits_after_failures_comes_back_soon_when_others_get_through)
{
    static const struct {
        const char *row;
        enum error_class class;
        int retry_after_ms;
        bool soon;
    } rows[] = {
        {"nobody was there", ERROR_UNAVAILABLE, 0, true},
        {"nobody answered in time", ERROR_TIMEOUT, 0, true},
        {"the server had not read its roles yet", ERROR_FORBIDDEN, 0, true},
        {"the server had not filled its caches yet", ERROR_TOO_MANY, 0, true},
        {"the server said when", ERROR_TOO_MANY, 10000, false},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct bench b;
        CHECK_ROW(rows[i].row);
        to_watching(&b);
        fail(&b, rows[i].class, rows[i].retry_after_ms, 5); /* the next wait is of 12.8 s at least */
        fake_advance(b.fake, USEC_SEC);
        CHECK(!stream(&b));
        reflector_nudge(b.reflector);
        fake_advance(b.fake, 250 * USEC_MSEC);
        CHECK((stream(&b) != NULL) == rows[i].soon);
        reflector_nudge(b.reflector); /* nothing to one that does not wait */
        CHECK((stream(&b) != NULL) == rows[i].soon);
        bench_done(&b);
    }
}

TEST(reordered_and_repeated_events_change_nothing)
{
    struct bench b;
    to_watching(&b);
    fake_event(stream(&b), "MODIFIED", drill("a", "60"));
    fake_event(stream(&b), "MODIFIED", drill("a", "60"));
    fake_event(stream(&b), "MODIFIED", drill("a", "55"));
    fake_event(stream(&b), "ADDED", drill("a", "40"));
    CHECK_STR(b.told, "~a ");
    fake_event(stream(&b), "DELETED", drill("b", "70"));
    fake_event(stream(&b), "MODIFIED", drill("b", "65"));
    fake_event(stream(&b), "DELETED", drill("b", "70"));
    CHECK_STR(b.told, "~a -b ");
    bench_done(&b);
}

TEST(how_a_pod_ended_is_read_off_its_deletion)
{
    struct bench b = {.fake = fake_new()};
    b.alarms = alarms_new(fake_world(b.fake));
    b.store = store_new(fake_world(b.fake));
    struct reflector_options o = {.kind = KIND_POD, .ns = "team-a", .problem = on_problem, .synced = on_synced, .userdata = &b};
    b.reflector = reflector_new(fake_world(b.fake), b.alarms, b.store, &o);
    reflector_run(b.reflector, false);
    fake_run(b.fake);
    struct fake_stream *stream = fake_stream(b.fake, "pods");
    fake_event(stream, "ADDED", fake_object("Pod", "team-a", "ends", "5", "{}", "{\"phase\":\"Running\"}"));
    fake_event(stream, "ADDED", fake_object("Pod", "team-a", "leaves", "6", "{}", "{\"phase\":\"Running\"}"));
    fake_bookmark(stream, "7", true);
    fake_event(stream, "DELETED", fake_object("Pod", "team-a", "ends", "8", "{}", "{\"phase\":\"Failed\"}"));
    fake_event(stream, "DELETED", fake_object("Pod", "team-a", "leaves", "9", "{}", "{\"phase\":\"Running\"}"));
    CHECK_INT(store_count(b.store, KIND_POD), 0);
    json_auto_t *ends = fake_object("Pod", "team-a", "ends", "", "{}", NULL),
                *leaves = fake_object("Pod", "team-a", "leaves", "", "{}", NULL);
    CHECK(store_ended(b.store, json_str(ends, "metadata.uid", "")));
    CHECK(!store_ended(b.store, json_str(leaves, "metadata.uid", "")));
    bench_done(&b);
}

TEST(our_own_writes_answer_is_not_undone_by_a_list_that_is_older)
{
    struct bench b;
    to_watching(&b);
    fake_advance(b.fake, USEC_MINUTE);
    fake_end(stream(&b), ERROR_GONE, 0);
    fake_run(b.fake);
    json_auto_t *made = drill("made", "95");
    store_put(b.store, KIND_DRILL, made); /* while the list is on its way */
    fake_event(stream(&b), "ADDED", drill("a", "40"));
    fake_event(stream(&b), "ADDED", drill("b", "30"));
    fake_bookmark(stream(&b), "90", true);
    CHECK_STR(b.told, "+made ");
    bench_done(&b);
}

TEST(freeing_it_in_the_middle_of_a_request_is_safe)
{
    struct bench b;
    bench_init(&b);
    fake_end(stream(&b), ERROR_INVALID, 0);
    fake_run(b.fake);
    CHECK(fake_request(b.fake, "GET", "/drills?") != NULL);
    bench_done(&b); /* the world answers it with CANCELLED afterwards */
}

int main(void)
{
    return check_run();
}

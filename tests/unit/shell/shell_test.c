/* The whole shell over a world that is answered by hand: caches, election, acting, ending. What each part does is in its own test. */
#include "check.h"

#include "api/json.h"
#include "api/kind.h"
#include "base/str.h"
#include "fake_world.h"
#include "shell/report.h"
#include "shell/shell.h"

struct bench {
    struct fake *fake;
    struct shell *shell;
    bool stopped;
};

static void on_stopped(void *userdata)
{
    ((struct bench *)userdata)->stopped = true;
}

static void bench_init(struct bench *b, bool elect)
{
    *b = (struct bench){.fake = fake_new()};
    struct shell_options o = {.catalog_namespace = "cat", .own_namespace = "sys", .identity = "me", .elect = elect};
    struct error err = {0};
    b->shell = shell_new(fake_world(b->fake), &o, &err);
    CHECK(b->shell != NULL);
    fake_run(b->fake);
}

static void bench_done(struct bench *b)
{
    shell_free(b->shell);
    fake_free(b->fake);
}

static struct fake_stream *stream(struct bench *b, enum kind kind)
{
    char part[128];
    str_format(part, sizeof(part), "%s/%s?%s", kind_info(kind)->prefix, kind_info(kind)->plural,
               kind_info(kind)->selector ? kind_info(kind)->selector : "");
    return fake_stream(b->fake, part);
}

static void add(struct bench *b, enum kind kind, const char *ns, const char *name, const char *spec)
{
    fake_event(stream(b, kind), "ADDED", fake_object(kind_info(kind)->kind, ns, name, "10", spec, NULL));
}

static void sync_all(struct bench *b)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        if (stream(b, kind))
            fake_bookmark(stream(b, kind), "100", true);
    fake_run(b->fake);
}

TEST(all_kinds_are_listed_before_anything_is_done)
{
    struct bench b;
    bench_init(&b, false);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        CHECK(stream(&b, kind) != NULL);
    add(&b, KIND_TASK, "team-a", "t1", "{\"type\":\"FixBug\",\"target\":\"shop\"}");
    fake_advance(b.fake, USEC_SEC);
    CHECK(!shell_synced(b.shell));
    CHECK_INT(fake_open_requests(b.fake), 0);
    sync_all(&b);
    CHECK(shell_synced(b.shell));
    struct fake_request *r = fake_request(b.fake, "PUT", "/codingtasks/t1/status");
    CHECK_STR(json_str(r ? r->body : NULL, "status.phase", ""), "Open");
    bench_done(&b);
}

static json_t *lease(const char *holder, const char *rv, int transitions)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:s}, s:{s:s, s:i, s:i, s:s, s:s}}", "apiVersion", "coordination.k8s.io/v1",
                     "kind", "Lease", "metadata", "name", "drillyard-controller", "namespace", "sys", "uid", "l", "resourceVersion",
                     rv, "spec", "holderIdentity", holder, "leaseDurationSeconds", 3, "leaseTransitions", transitions,
                     "acquireTime", "2026-11-25T00:00:00.000000Z", "renewTime", "2026-11-25T00:00:00.000000Z");
}

TEST(who_is_not_elected_keeps_caches_and_does_nothing)
{
    struct bench b;
    bench_init(&b, true);
    add(&b, KIND_TASK, "team-a", "t1", "{\"type\":\"FixBug\",\"target\":\"shop\"}");
    sync_all(&b);
    fake_reply(fake_request(b.fake, "GET", "/leases/drillyard-controller"), 200, lease("other", "7", 4));
    for (int i = 0; i < 4; i++) { /* the other goes on renewing */
        char rv[8];
        str_format(rv, sizeof(rv), "%d", 8 + i);
        fake_advance(b.fake, 700 * USEC_MSEC);
        struct fake_request *r = fake_request(b.fake, "GET", "/leases/drillyard-controller");
        if (r)
            fake_reply(r, 200, lease("other", rv, 4));
    }
    CHECK(shell_synced(b.shell) && !shell_leads(b.shell));
    CHECK_STR(shell_leader(b.shell), "other");
    CHECK(!fake_request(b.fake, "PUT", "/codingtasks"));
    CHECK_INT(shell_gauges(b.shell).objects[KIND_TASK], 1);
    bench_done(&b);
}

/* Wins the Lease by creating it. */
static void win(struct bench *b)
{
    fake_refuse(fake_request(b->fake, "GET", "/leases/"), ERROR_NOT_FOUND, 404, 0);
    fake_run(b->fake);
    struct fake_request *r = fake_request(b->fake, "POST", "/leases");
    json_t *made = json_deep_copy(r ? r->body : NULL);
    json_put_str(json_make(made, "metadata"), "resourceVersion", "50");
    if (r)
        fake_reply(r, 201, made);
    fake_run(b->fake);
}

/* What the server has at hand is enough for who only follows; who acts at once has no other list. */
TEST(only_who_may_act_at_once_waits_for_the_newest)
{
    for (int elect = 0; elect < 2; elect++) {
        struct bench b;
        bench_init(&b, elect);
        fake_run(b.fake);
        CHECK_INT(strstr(fake_stream_path(stream(&b, KIND_DRILL)), "resourceVersion=0&") != NULL, elect);
        bench_done(&b);
    }
}

TEST(a_new_leader_lists_anew_before_it_acts)
{
    struct bench b;
    bench_init(&b, true);
    add(&b, KIND_TASK, "team-a", "t1", "{\"type\":\"FixBug\",\"target\":\"shop\"}");
    sync_all(&b);
    size_t before = fake_count_streams(b.fake, "sendInitialEvents=true");
    win(&b);
    CHECK(shell_leads(b.shell) && shell_synced(b.shell));
    CHECK_INT(fake_count_streams(b.fake, "sendInitialEvents=true"), 2 * before);
    CHECK(!strstr(fake_stream_path(stream(&b, KIND_DRILL)), "resourceVersion=")); /* what there is now, not what was seen */
    CHECK(!fake_request(b.fake, "PUT", "/codingtasks"));
    add(&b, KIND_TASK, "team-a", "t1", "{\"type\":\"FixBug\",\"target\":\"shop\"}");
    sync_all(&b);
    CHECK(fake_request(b.fake, "PUT", "/codingtasks") != NULL);
    bench_done(&b);
}

/* The term ends for want of an answer; the Lease says that nobody else had it meanwhile, or that somebody did. */
static void win_again(struct bench *b, int others_terms)
{
    struct fake_request *r = fake_request(b->fake, "PUT", "/leases/");
    json_auto_t *lease = json_deep_copy(r ? r->body : NULL);
    json_t *spec = json_object_get(lease, "spec");
    json_put_int(spec, "leaseTransitions", json_int(spec, "leaseTransitions", 0) + others_terms);
    if (others_terms)
        json_put_str(spec, "holderIdentity", ""); /* given back */
    json_put_str(json_make(lease, "metadata"), "resourceVersion", "60");
    fake_advance(b->fake, 3 * USEC_SEC);
    CHECK(!shell_leads(b->shell));
    while ((r = fake_request(b->fake, "PUT", "/leases/")))
        fake_refuse(r, ERROR_TIMEOUT, 0, 0);
    fake_advance(b->fake, USEC_SEC);
    if ((r = fake_request(b->fake, "GET", "/leases/")))
        fake_reply(r, 200, json_incref(lease));
    fake_run(b->fake);
    r = fake_request(b->fake, "PUT", "/leases/");
    CHECK(r != NULL);
    json_t *taken = json_deep_copy(r ? r->body : NULL);
    json_put_str(json_make(taken, "metadata"), "resourceVersion", "61");
    if (r)
        fake_reply(r, 200, taken);
    fake_run(b->fake);
    CHECK(shell_leads(b->shell));
}

/* Who lost a term for being busy must not be made busier by lists. */
TEST(a_term_after_our_own_needs_no_lists_and_one_after_anothers_does)
{
    for (int others = 0; others < 2; others++) {
        struct bench b;
        CHECK_ROW(others ? "another led between" : "nobody else led");
        bench_init(&b, true);
        sync_all(&b);
        win(&b);
        sync_all(&b);
        size_t before = fake_count_streams(b.fake, "sendInitialEvents=true");
        fake_advance(b.fake, 700 * USEC_MSEC); /* a renewal is under way */
        win_again(&b, others);
        CHECK((fake_count_streams(b.fake, "sendInitialEvents=true") > before) == (others > 0));
        bench_done(&b);
    }
}

/* It was sent in the term before, and may begin the drill yet: nothing is begun beside it. */
TEST(a_term_does_not_begin_while_a_drills_write_of_the_one_before_is_open)
{
    for (int answered = 0; answered < 2; answered++) {
        struct bench b;
        CHECK_ROW(answered ? "it is answered" : "what became of it is never known");
        bench_init(&b, true);
        sync_all(&b);
        win(&b);
        sync_all(&b);
        add(&b, KIND_DRILL, "team-a", "d1", "{\"target\":\"shop\",\"card\":\"kh001\"}");
        fake_advance(b.fake, 700 * USEC_MSEC);
        struct fake_request *write = fake_request(b.fake, "PUT", "/drills/d1/status");
        CHECK(write != NULL);
        win_again(&b, 0);
        add(&b, KIND_DRILL, "team-a", "d1", "{\"target\":\"shop\",\"card\":\"kh001\"}");
        add(&b, KIND_TASK, "team-a", "t1", "{\"type\":\"FixBug\",\"target\":\"shop\"}");
        sync_all(&b);
        CHECK(!fake_request(b.fake, "PUT", "/codingtasks"));
        size_t before = fake_count_streams(b.fake, "sendInitialEvents=true");
        if (write && answered)
            fake_reply(write, 200, json_deep_copy(write->body));
        else if (write)
            fake_refuse(write, ERROR_TIMEOUT, 0, 0);
        fake_run(b.fake);
        CHECK((fake_request(b.fake, "PUT", "/codingtasks") != NULL) == answered);
        CHECK((fake_count_streams(b.fake, "sendInitialEvents=true") > before) == !answered); /* the lists say it */
        sync_all(&b);
        CHECK(shell_synced(b.shell));
        bench_done(&b);
    }
}

TEST(a_leader_that_cannot_renew_stops_acting_and_a_later_term_begins_anew)
{
    struct bench b;
    bench_init(&b, true);
    sync_all(&b);
    win(&b);
    sync_all(&b);
    CHECK(shell_leads(b.shell));
    fake_advance(b.fake, 3 * USEC_SEC); /* nobody answers the renewals */
    CHECK(!shell_leads(b.shell));
    add(&b, KIND_TASK, "team-a", "t1", "{\"type\":\"FixBug\",\"target\":\"shop\"}");
    fake_run(b.fake);
    CHECK(!fake_request(b.fake, "PUT", "/codingtasks"));
    bench_done(&b);
}

TEST(a_clean_end_gives_the_lease_back_and_comes_to_an_end)
{
    struct bench b;
    bench_init(&b, true);
    add(&b, KIND_TASK, "team-a", "t1", "{\"type\":\"FixBug\",\"target\":\"shop\"}");
    sync_all(&b);
    win(&b);
    add(&b, KIND_TASK, "team-a", "t1", "{\"type\":\"FixBug\",\"target\":\"shop\"}");
    sync_all(&b);
    struct fake_request *write = fake_request(b.fake, "PUT", "/codingtasks/t1/status");
    CHECK(write != NULL);
    shell_stop(b.shell, on_stopped, &b);
    fake_advance(b.fake, 100 * USEC_MSEC);
    CHECK(!b.stopped);
    CHECK(!fake_request(b.fake, "PUT", "/leases/")); /* a write is still open: the next leader must not see half of it */
    if (write)
        fake_reply(write, 200, fake_object("CodingTask", "team-a", "t1", "60", "{\"type\":\"FixBug\"}", "{\"phase\":\"Open\"}"));
    fake_advance(b.fake, 100 * USEC_MSEC);
    struct fake_request *release = fake_request(b.fake, "PUT", "/leases/drillyard-controller");
    CHECK(release != NULL);
    CHECK_STR(json_str(release ? release->body : NULL, "spec.holderIdentity", "-"), "");
    if (release) {
        json_t *released = json_deep_copy(release->body);
        json_put_str(json_make(released, "metadata"), "resourceVersion", "51");
        fake_reply(release, 200, released);
    }
    fake_advance(b.fake, 100 * USEC_MSEC);
    CHECK(b.stopped);
    bench_done(&b);
}

TEST(a_clean_end_does_not_wait_for_ever)
{
    struct bench b;
    bench_init(&b, true);
    sync_all(&b);
    win(&b);
    shell_stop(b.shell, on_stopped, &b);
    fake_advance(b.fake, 6 * USEC_SEC); /* nobody answers */
    CHECK(b.stopped);
    bench_done(&b);
}

TEST(nonsense_is_said_in_the_object_and_stops_no_other)
{
    struct bench b;
    bench_init(&b, false);
    add(&b, KIND_CARD, "cat", "bad", "{\"id\":\"KH001\",\"injection\":{\"method\":\"Nothing\"}}");
    add(&b, KIND_PLAYBOOK, "cat", "good",
        "{\"triggers\":[],\"branches\":[{\"steps\":[{\"name\":\"restart\",\"action\":\"RestartKernel\"}]}]}");
    sync_all(&b);
    struct fake_request *bad = fake_request(b.fake, "PUT", "/chaoscards/bad/status"),
                        *good = fake_request(b.fake, "PUT", "/playbooks/good/status");
    CHECK_STR(json_str(json_array_get(json_at(bad ? bad->body : NULL, "status.conditions"), 0), "status", ""), "False");
    CHECK_STR(json_str(json_array_get(json_at(good ? good->body : NULL, "status.conditions"), 0), "status", ""), "True");
    bench_done(&b);
}

/* Books are not gone on with while many writes for them are open. */
static void answer_cards(struct bench *b)
{
    struct fake_request *r;
    for (int rv = 1000; (r = fake_request(b->fake, "PUT", "/chaoscards/")); rv++) {
        json_t *written = json_deep_copy(r->body), *metadata = json_object_get(written, "metadata");
        char text[16], id[16];
        str_format(text, sizeof(text), "%d", rv);
        str_format(id, sizeof(id), "X%s", json_str(metadata, "name", "") + strlen("card-"));
        json_put_str(metadata, "resourceVersion", text);
        json_object_set_new(metadata, "generation", json_integer(1));
        json_put_str(json_make(written, "spec"), "id", id);
        fake_reply(r, 200, written);
        fake_run(b->fake);
    }
}

/* What one of many costs the others: ten thousand cards that each woke all would hold up every drill. */
TEST(a_card_wakes_only_those_that_it_concerns)
{
    struct bench b;
    char name[16], spec[64];
    bench_init(&b, false);
    for (int i = 0; i < 300; i++) {
        str_format(name, sizeof(name), "card-%d", i);
        str_format(spec, sizeof(spec), "{\"id\":\"X%d\"}", i);
        add(&b, KIND_CARD, "team-a", name, spec);
    }
    add(&b, KIND_DRILL, "team-a", "of-it", "{\"card\":\"new\",\"target\":\"shop\"}");
    add(&b, KIND_DRILL, "team-a", "of-another", "{\"card\":\"card-1\",\"target\":\"shop\"}");
    sync_all(&b);
    answer_cards(&b);
    CHECK_INT(fake_count_requests(b.fake, "PUT", "/chaoscards/"), 300);
    fake_advance(b.fake, USEC_MSEC);
    uint64_t before = shell_metrics(b.shell)->reconciles;
    add(&b, KIND_CARD, "team-a", "new", "{\"id\":\"X7\"}");
    fake_run(b.fake);
    uint64_t woken = shell_metrics(b.shell)->reconciles - before;
    CHECK_INT(woken, 3); /* itself, the other one of that id, the drill of it */
    bench_done(&b);
}

TEST(utc_that_was_set_is_followed_while_no_drill_runs)
{
    struct bench b;
    bench_init(&b, false);
    sync_all(&b);
    fake_set_wall(b.fake, (usec_t)1800000000 * USEC_SEC);
    fake_advance(b.fake, 11 * USEC_SEC);
    add(&b, KIND_TASK, "team-a", "t1", "{\"type\":\"FixBug\",\"target\":\"shop\"}");
    fake_run(b.fake);
    struct fake_request *r = fake_request(b.fake, "PUT", "/codingtasks/t1/status");
    CHECK(r && json_time(r->body, "status.lastSeen", 0) >= (usec_t)1800000000 * USEC_SEC);
    bench_done(&b);
}

TEST(the_coverage_of_all_targets_is_told)
{
    struct bench b;
    bench_init(&b, false);
    add(&b, KIND_CARD, "cat", "kh001-heartbeat-stops",
        "{\"id\":\"KH001\",\"title\":\"Heartbeat stops\",\"category\":\"KernelHealth\",\"risk\":2.5}");
    fake_event(stream(&b, KIND_TARGET), "ADDED",
               fake_object("DrillTarget", "team-a", "shop", "11", "{\"selector\":{}}",
                           "{\"coverage\":[{\"card\":\"KH001\",\"applicable\":true,\"state\":\"Never\"}]}"));
    json_auto_t *report = report_coverage(shell_store(b.shell), NULL, "cat");
    CHECK_INT(json_int(report, "summary.never", -1), 1);
    CHECK_INT(json_int(report, "summary.highRiskPending", -1), 1);
    CHECK_STR(json_str(json_array_get(json_at(json_array_get(json_object_get(report, "targets"), 0), "coverage"), 0), "title", ""),
              "Heartbeat stops");
    bench_done(&b);
}

int main(void)
{
    return check_run();
}

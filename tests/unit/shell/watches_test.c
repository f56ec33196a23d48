#include "check.h"

#include "base/str.h"
#include "fake_world.h"
#include "shell/watches.h"

struct bench {
    struct fake *fake;
    struct alarms *alarms;
    struct clock clock;
    struct store *store;
    struct sessions *sessions;
    struct services *services;
    struct prober prober;
    struct watches *watches;
    struct target target;
    struct key owner, drill, pod;
    char news[512]; /* "owner want " … */
};

static void on_agent(void *userdata, const struct key *pod)
{
    (void)userdata, (void)pod;
}

static void on_news(void *userdata, const struct key *owner, const char *want)
{
    struct bench *b = userdata;
    size_t used = strlen(b->news);
    str_format(b->news + used, sizeof(b->news) - used, "%s:%s ", owner->name, want);
}

static void bench_init(struct bench *b)
{
    *b = (struct bench){.fake = fake_new(),
                        .owner = key_of(KIND_TARGET, "team-a", "shop"),
                        .drill = key_of(KIND_DRILL, "team-a", "d1"),
                        .pod = key_of(KIND_POD, "team-a", "shop-1")};
    struct world *w = fake_world(b->fake);
    b->alarms = alarms_new(w);
    clock_init(&b->clock, w);
    b->store = store_new(w);
    json_auto_t *target =
        fake_object("DrillTarget", "team-a", "shop", "3",
                    "{\"selector\":{\"matchLabels\":{\"app\":\"shop\"}},\"facets\":{\"api\":{\"port\":8080,\"service\":\"shop\"},"
                    "\"heartbeat\":{\"file\":{\"path\":\"/run/beat\",\"maxAge\":\"1s\"}}}}",
                    NULL);
    store_put(b->store, KIND_TARGET, target);
    json_auto_t *pod =
        json_pack("{s:{s:s, s:s, s:s, s:s, s:{s:s}}, s:{s:[{s:s}]}, s:{s:s, s:s, s:[{s:s, s:b, s:{s:{s:s}}}]}}", "metadata",
                  "namespace", "team-a", "name", "shop-1", "uid", "p", "resourceVersion", "5", "labels", "app", "shop", "spec",
                  "containers", "name", "app", "status", "phase", "Running", "podIP", "10.0.0.7", "initContainerStatuses", "name",
                  "drill-injector", "ready", 1, "state", "running", "startedAt", "2026-11-25T00:00:00Z");
    store_put(b->store, KIND_POD, pod);
    struct error err = {0};
    CHECK_INT(target_decode(target, &b->target, &err), 0);
    b->sessions = sessions_new(w, b->alarms, &b->clock, b->store, on_agent, b);
    sessions_enable(b->sessions, 5);
    b->services = services_new(w);
    b->prober = (struct prober){
        .world = w, .alarms = b->alarms, .clock = &b->clock, .lookup = {.store = b->store, .catalog = ""}, .services = b->services};
    b->watches = watches_new(&b->prober, b->sessions, on_news, b);
}

static void bench_done(struct bench *b)
{
    watches_clear(b->watches);
    sessions_free(b->sessions);
    watches_free(b->watches);
    services_free(b->services);
    target_done(&b->target);
    store_free(b->store);
    alarms_free(b->alarms);
    fake_free(b->fake);
}

#define BEAT       "{\"heartbeat\":{\"file\":{\"path\":\"/run/beat\"},\"maxAge\":\"1s\"}}"
#define PAGE       "{\"via\":\"Pod\",\"http\":{\"port\":8080,\"path\":\"/healthz\"}}"
#define BY_SERVICE "{\"via\":\"Service\",\"http\":{\"port\":8080,\"path\":\"/healthz\"}}"

static void add(struct bench *b, struct decision *d, const char *key, const char *probe)
{
    decision_want(d, key, &b->pod, json_loads(probe, 0, NULL), 250 * USEC_MSEC, 0, 0);
}

static void want(struct bench *b, const struct key *owner, const char *key, const char *probe)
{
    struct decision d;
    decision_init(&d);
    if (key)
        add(b, &d, key, probe);
    watches_set(b->watches, owner, &b->target, d.wants, d.want_count);
    decision_done(&d);
    fake_run(b->fake);
}

static const struct evidence *seen(struct bench *b, const struct key *owner, const char *key)
{
    return evidences_get(watches_evidences(b->watches, owner), key);
}

static struct fake_session *agent(struct bench *b)
{
    return fake_session(b->fake, "shop-1");
}

static void report(struct bench *b, const json_t *watch, bool holds)
{
    fake_line(agent(b),
              json_pack("{s:s, s:s, s:b, s:I, s:s, s:I}", "event", "watch", "watch", json_str(watch, "watch", ""), "holds", holds,
                        "since", (json_int_t)fake_now(b->fake), "message", "seen", "mono", (json_int_t)fake_now(b->fake)));
}

TEST(like_wants_of_several_owners_are_one_look_at_the_agent)
{
    struct bench b;
    bench_init(&b);
    want(&b, &b.owner, "trigger/cat/gap/shop-1", BEAT);
    fake_agent_up(b.fake, "shop-1", fake_now(b.fake));
    want(&b, &b.drill, "verify/beat", BEAT);
    json_t *watch = fake_take(agent(&b), "watch");
    CHECK(watch && !fake_take(agent(&b), "watch"));
    CHECK_STR(json_str(watch, "probe.heartbeat.file.path", ""), "/run/beat");
    CHECK_INT(json_int(watch, "everyMs", 0), 250);
    report(&b, watch, false);
    CHECK_INT(seen(&b, &b.owner, "trigger/cat/gap/shop-1")->holds, HOLDS_FALSE);
    CHECK_INT(seen(&b, &b.drill, "verify/beat")->holds, HOLDS_FALSE);
    CHECK_STR(b.news, "shop:trigger/cat/gap/shop-1 d1:verify/beat ");
    want(&b, &b.owner, NULL, NULL);
    CHECK(!fake_take(agent(&b), "unwatch")); /* the drill still wants it */
    want(&b, &b.drill, NULL, NULL);
    CHECK(fake_take(agent(&b), "unwatch") != NULL);
    bench_done(&b);
}

TEST(a_want_that_was_there_goes_on_and_a_new_owner_sees_what_is_known)
{
    struct bench b;
    bench_init(&b);
    want(&b, &b.owner, "w", BEAT);
    fake_agent_up(b.fake, "shop-1", fake_now(b.fake));
    report(&b, fake_take(agent(&b), "watch"), true);
    want(&b, &b.owner, "w", BEAT);
    CHECK(!fake_take(agent(&b), "watch") && !fake_take(agent(&b), "unwatch"));
    CHECK_INT(seen(&b, &b.owner, "w")->holds, HOLDS_TRUE);
    want(&b, &b.drill, "same", BEAT);
    CHECK_INT(seen(&b, &b.drill, "same")->holds, HOLDS_TRUE);
    bench_done(&b);
}

TEST(what_is_marked_apart_is_a_look_of_its_own)
{
    struct bench b;
    bench_init(&b);
    want(&b, &b.owner, "w", BEAT);
    fake_agent_up(b.fake, "shop-1", fake_now(b.fake));
    report(&b, fake_take(agent(&b), "watch"), true);
    want(&b, &b.drill, "confirm", "{\"look\":\"confirm\",\"heartbeat\":{\"file\":{\"path\":\"/run/beat\"},\"maxAge\":\"1s\"}}");
    CHECK_INT(seen(&b, &b.drill, "confirm")->holds, HOLDS_UNKNOWN); /* its first look is still to come */
    CHECK(fake_take(agent(&b), "watch") != NULL);
    bench_done(&b);
}

TEST(a_quiet_watch_was_seen_when_its_session_was_last_heard)
{
    struct bench b;
    bench_init(&b);
    want(&b, &b.owner, "w", BEAT);
    fake_agent_up(b.fake, "shop-1", fake_now(b.fake));
    report(&b, fake_take(agent(&b), "watch"), true);
    usec_t then = seen(&b, &b.owner, "w")->seen_at;
    fake_advance(b.fake, 5 * USEC_SEC);
    fake_answer(agent(&b), fake_take(agent(&b), "status"), fake_now(b.fake), NULL);
    CHECK_INT(seen(&b, &b.owner, "w")->seen_at - then, 5 * USEC_SEC);
    fake_hang_up(agent(&b), ERROR_UNAVAILABLE);
    CHECK_INT(seen(&b, &b.owner, "w")->holds, HOLDS_UNKNOWN);
    CHECK_CONTAINS(seen(&b, &b.owner, "w")->message, "the agent's session is lost");
    bench_done(&b);
}

static int sites;
static struct watches_site last_site;
static void on_site(void *userdata, const struct watches_site *site)
{
    (void)userdata;
    sites++;
    last_site = *site;
}

TEST(the_sites_of_a_trigger_are_found_by_its_name)
{
    struct bench b;
    bench_init(&b);
    want(&b, &b.owner, "trigger/cat/gap/shop-1", BEAT);
    sites = 0;
    watches_each_site(b.watches, "cat", "gap", on_site, NULL);
    CHECK_INT(sites, 1);
    CHECK_STR(last_site.owner.name, "shop");
    CHECK_STR(last_site.pod.name, "shop-1");
    watches_each_site(b.watches, "cat", "other", on_site, NULL);
    CHECK_INT(sites, 1);
    watches_drop(b.watches, &b.owner);
    watches_each_site(b.watches, "cat", "gap", on_site, NULL);
    CHECK_INT(sites, 1);
    bench_done(&b);
}

TEST(what_cannot_be_placed_is_unknown_and_says_why)
{
    struct bench b;
    bench_init(&b);
    want(&b, &b.owner, "w", "{\"promQL\":{\"query\":\"up\"}}");
    CHECK_INT(seen(&b, &b.owner, "w")->holds, HOLDS_UNKNOWN);
    CHECK_CONTAINS(seen(&b, &b.owner, "w")->message, "promQL");
    b.pod.name[0] = '\0';
    want(&b, &b.owner, "w", BEAT);
    CHECK_CONTAINS(seen(&b, &b.owner, "w")->message, "no pod");
    bench_done(&b);
}

TEST(a_page_of_a_pod_is_looked_at_every_time_and_told_when_it_changes)
{
    struct bench b;
    bench_init(&b);
    want(&b, &b.owner, "health/ready/shop-1", PAGE);
    struct fake_http *h = fake_http(b.fake, "http://10.0.0.7:8080/healthz");
    CHECK(h != NULL);
    fake_http_reply(h, 200, 3 * USEC_MSEC, "ok");
    CHECK_INT(seen(&b, &b.owner, "health/ready/shop-1")->holds, HOLDS_TRUE);
    CHECK(!fake_http(b.fake, "healthz"));
    fake_advance(b.fake, 260 * USEC_MSEC);
    fake_http_reply(fake_http(b.fake, "healthz"), 200, 3 * USEC_MSEC, "ok");
    CHECK_STR(b.news, "shop:health/ready/shop-1 ");
    fake_advance(b.fake, 260 * USEC_MSEC);
    fake_http_reply(fake_http(b.fake, "healthz"), 503, 3 * USEC_MSEC, "no");
    CHECK_INT(seen(&b, &b.owner, "health/ready/shop-1")->holds, HOLDS_FALSE);
    CHECK_STR(b.news, "shop:health/ready/shop-1 shop:health/ready/shop-1 ");
    bench_done(&b);
}

TEST(a_service_is_asked_for_once_and_its_port_is_kept_while_a_drill_bends_it)
{
    struct bench b;
    bench_init(&b);
    want(&b, &b.owner, "slo", BY_SERVICE);
    struct fake_request *r = fake_request(b.fake, "GET", "/api/v1/namespaces/team-a/services/shop");
    CHECK(r != NULL);
    fake_reply(r, 200,
               json_pack("{s:{s:s, s:[{s:i, s:i}, {s:i, s:i}]}}", "spec", "clusterIP", "10.89.0.5", "ports", "port", 9,
                         "targetPort", 99, "port", 80, "targetPort", 8080));
    fake_http_reply(fake_http(b.fake, "http://10.89.0.5:80/healthz"), 200, 1, "ok");
    fake_advance(b.fake, SERVICES_KEPT + USEC_SEC);
    r = fake_request(b.fake, "GET", "/services/shop");
    while (!r && fake_http(b.fake, "healthz")) {
        fake_http_reply(fake_http(b.fake, "healthz"), 200, 1, "ok");
        fake_advance(b.fake, 260 * USEC_MSEC);
        r = fake_request(b.fake, "GET", "/services/shop");
    }
    fake_reply(r, 200,
               json_pack("{s:{s:s, s:[{s:i, s:i}, {s:i, s:i}]}}", "spec", "clusterIP", "10.89.0.5", "ports", "port", 9,
                         "targetPort", 8080, "port", 80, "targetPort", 15001)); /* the proxy is in the path now */
    CHECK(fake_http(b.fake, "http://10.89.0.5:80/healthz") != NULL);
    bench_done(&b);
}

TEST(a_look_may_be_ended_while_it_is_on_its_way)
{
    struct bench b;
    bench_init(&b);
    want(&b, &b.owner, "a", PAGE);
    CHECK(fake_http(b.fake, "healthz") != NULL);
    want(&b, &b.owner, "s", BY_SERVICE);
    CHECK(fake_request(b.fake, "GET", "/services/shop") != NULL);
    watches_drop(b.watches, &b.owner);
    fake_reply(fake_request(b.fake, "GET", "/services/shop"), 200, json_pack("{s:{s:s}}", "spec", "clusterIP", "10.89.0.5"));
    fake_http_reply(fake_http(b.fake, "healthz"), 200, 1, "ok");
    CHECK(!fake_http(b.fake, "healthz"));
    bench_done(&b);
}

int main(void)
{
    return check_run();
}

/* Time is a number; the API server is forty lines with a compare-and-swap; processes are killed, frozen and cut off. */
#include "core/lease.h"

#include "base/random.h"
#include "base/str.h"
#include "check.h"

#define STEP          (10 * USEC_MSEC)
#define WALL          (1795000000 * USEC_SEC) /* in November 2026 */
#define PROCESSES_MAX 3

/* ── the API server ── */

struct server {
    json_t *lease; /* NULL: none */
    int64_t version;
    json_t *term_holders; /* epoch → identity, ever */
};

static void server_stamp(struct server *s)
{
    char text[24], epoch[24];
    snprintf(text, sizeof(text), "%lld", (long long)++s->version);
    json_object_set_new(json_object_get(s->lease, "metadata"), "resourceVersion", json_string(text));
    const json_t *spec = json_object_get(s->lease, "spec");
    const char *holder = json_string_value(json_object_get(spec, "holderIdentity"));
    snprintf(epoch, sizeof(epoch), "%lld", (long long)json_integer_value(json_object_get(spec, "leaseTransitions")));
    if (str_empty(holder))
        return;
    const char *before = json_string_value(json_object_get(s->term_holders, epoch));
    if (before && strcmp(before, holder) != 0)
        CHECK_FAIL("epoch %s was used by %s and by %s", epoch, before, holder);
    json_object_set_new(s->term_holders, epoch, json_string(holder));
}

static json_t *server_do(struct server *s, enum lease_action action, const json_t *body, struct error *err)
{
    error_clear(err);
    if (action == LEASE_CREATE && s->lease)
        error_set(err, ERROR_EXISTS, "exists");
    else if (action != LEASE_CREATE && !s->lease)
        error_set(err, ERROR_NOT_FOUND, "not found");
    else if (action == LEASE_UPDATE && !json_equal(json_object_get(json_object_get(body, "metadata"), "resourceVersion"),
                                                   json_object_get(json_object_get(s->lease, "metadata"), "resourceVersion")))
        error_set(err, ERROR_CONFLICT, "conflict");
    else if (action != LEASE_GET) {
        json_decref(s->lease);
        s->lease = json_deep_copy(body);
        server_stamp(s);
    }
    return err->class == ERROR_NONE ? json_deep_copy(s->lease) : NULL;
}

static void server_done(struct server *s)
{
    json_decref(s->lease);
    json_decref(s->term_holders);
}

/* ── processes ── */

struct process {
    struct lease *lease;
    bool dead, frozen, cut_off;
    struct lease_decision pending;
    usec_t answer_at; /* a request is under way until then */
    bool landed;      /* it has reached the server, which happens halfway and even when the process is frozen meanwhile */
    struct error err;
    json_t *object;
    bool lost; /* its answer will not come, but it takes effect */
};

struct world {
    struct server server;
    struct process processes[PROCESSES_MAX];
    int count;
    usec_t now;
    struct random random;
    usec_t latency;
};

static void world_init(struct world *w, int count, const struct lease_options *base)
{
    *w = (struct world){.count = count, .now = USEC_SEC, .latency = STEP};
    w->server.term_holders = json_object();
    random_init(&w->random, 1);
    for (int i = 0; i < count; i++) {
        char identity[16];
        struct lease_options options = base ? *base : (struct lease_options){0};
        snprintf(identity, sizeof(identity), "p%d", i);
        options.ns = "drillyard";
        options.name = "drillyard-controller";
        options.identity = identity;
        CHECK_INT(lease_new(&options, &w->processes[i].lease, NULL), 0);
    }
}

static void world_done(struct world *w)
{
    for (int i = 0; i < w->count; i++) {
        json_decref(w->processes[i].pending.body);
        json_decref(w->processes[i].object);
        lease_free(w->processes[i].lease);
    }
    server_done(&w->server);
}

static void request_lands(struct world *w, struct process *p)
{
    error_clear(&p->err);
    if (p->cut_off)
        error_set(&p->err, ERROR_UNAVAILABLE, "refused");
    else
        p->object = server_do(&w->server, p->pending.action, p->pending.body, &p->err);
    if (p->lost)
        error_set(&p->err, ERROR_TIMEOUT, "no answer");
    p->lost = false;
    p->landed = true;
}

static void process_step(struct world *w, struct process *p)
{
    if (p->dead)
        return;
    bool waiting = p->pending.action != LEASE_NOTHING;
    if (waiting && !p->landed && w->now >= p->answer_at - w->latency / 2)
        request_lands(w, p);
    if (p->frozen || (waiting && w->now < p->answer_at))
        return;
    if (waiting) {
        json_decref(p->pending.body);
        p->pending = (struct lease_decision){0};
        lease_answer(p->lease, &p->err, p->err.class == ERROR_NONE ? p->object : NULL, w->now);
        json_decref(p->object);
        p->object = NULL;
        p->landed = false;
    }
    lease_decide(p->lease, w->now, WALL + w->now, random_unit(&w->random), &p->pending);
    if (p->pending.action != LEASE_NOTHING)
        p->answer_at = w->now + w->latency;
}

static int leaders(const struct world *w, bool may_act)
{
    int n = 0;
    for (int i = 0; i < w->count; i++)
        n += !w->processes[i].dead && (may_act ? lease_may_act : lease_leads)(w->processes[i].lease, w->now);
    return n;
}

static int leader(const struct world *w)
{
    for (int i = 0; i < w->count; i++)
        if (!w->processes[i].dead && lease_leads(w->processes[i].lease, w->now))
            return i;
    return -1;
}

static void world_run(struct world *w, usec_t time)
{
    for (usec_t until = w->now + time; w->now < until; w->now += STEP) {
        for (int i = 0; i < w->count; i++)
            process_step(w, &w->processes[i]);
        if (leaders(w, false) > 1)
            CHECK_FAIL("two lead at %lld", (long long)w->now);
    }
}

static usec_t until_another_leads(struct world *w, int former, usec_t limit)
{
    usec_t begun = w->now;
    while (w->now - begun < limit && (leader(w) < 0 || leader(w) == former))
        world_run(w, STEP);
    return w->now - begun;
}

/* ── tests ── */

TEST(the_first_creates_it_and_leads_with_an_epoch_from_the_calendar)
{
    struct world w;
    world_init(&w, 1, NULL);
    world_run(&w, USEC_SEC);
    CHECK_INT(leader(&w), 0);
    CHECK(lease_may_act(w.processes[0].lease, w.now));
    CHECK_INT(lease_epoch(w.processes[0].lease), (1795000000 + 1 - 1767225600) * 2);
    CHECK_STR(lease_holder(w.processes[0].lease), "p0");
    const json_t *spec = json_object_get(w.server.lease, "spec");
    CHECK_INT(json_integer_value(json_object_get(spec, "leaseDurationSeconds")), 3);
    CHECK_INT(strlen(json_string_value(json_object_get(spec, "renewTime"))), strlen("2026-01-02T03:04:05.000000Z"));
    CHECK_STR(json_string_value(json_object_get(w.server.lease, "apiVersion")), "coordination.k8s.io/v1");
    world_done(&w);
}

TEST(one_of_three_leads_and_stays_the_leader)
{
    struct world w;
    world_init(&w, 3, NULL);
    world_run(&w, 2 * USEC_SEC);
    int first = leader(&w);
    int64_t epoch = lease_epoch(w.processes[first].lease);
    world_run(&w, 60 * USEC_SEC);
    CHECK_INT(leader(&w), first);
    CHECK_INT(lease_epoch(w.processes[first].lease), epoch);
    world_done(&w);
}

TEST(a_killed_leader_is_followed_within_three_seconds_with_a_higher_epoch)
{
    usec_t worst = 0;
    for (int moment = 0; moment < 60; moment++) { /* killed at any point of its renewals */
        struct world w;
        world_init(&w, 2, NULL);
        world_run(&w, 5 * USEC_SEC + moment * STEP);
        int first = leader(&w);
        CHECK(first >= 0);
        int64_t epoch = lease_epoch(w.processes[first].lease);
        w.processes[first].dead = true;
        usec_t took = until_another_leads(&w, first, 10 * USEC_SEC);
        worst = usec_max(worst, took);
        CHECK(leader(&w) == 1 - first && lease_epoch(w.processes[1 - first].lease) > epoch);
        world_done(&w);
    }
    CHECK(worst < 3 * USEC_SEC);
    printf("# worst take-over after a kill: %lld ms\n", (long long)worst / 1000);
}

TEST(a_released_lease_is_taken_at_the_next_look)
{
    struct world w;
    world_init(&w, 2, NULL);
    world_run(&w, 5 * USEC_SEC);
    int first = leader(&w);
    lease_stop(w.processes[first].lease);
    CHECK(!lease_may_act(w.processes[first].lease, w.now));
    usec_t took = until_another_leads(&w, first, 10 * USEC_SEC);
    CHECK(took < 800 * USEC_MSEC);
    CHECK(lease_stopped(w.processes[first].lease));
    world_run(&w, 20 * USEC_SEC);
    CHECK_INT(leader(&w), 1 - first);
    world_done(&w);
}

TEST(a_release_is_tried_again_after_a_conflict_and_after_no_answer)
{
    struct world w;
    world_init(&w, 1, NULL);
    world_run(&w, 2 * USEC_SEC);
    lease_stop(w.processes[0].lease);
    w.server.version++; /* somebody labels it meanwhile */
    json_object_set_new(json_object_get(w.server.lease, "metadata"), "resourceVersion", json_string("900"));
    w.processes[0].lost = true;
    world_run(&w, 5 * USEC_SEC);
    CHECK(lease_stopped(w.processes[0].lease));
    CHECK_STR(json_string_value(json_object_get(json_object_get(w.server.lease, "spec"), "holderIdentity")), "");
    world_done(&w);
}

TEST(a_leader_that_is_cut_off_stops_before_another_begins)
{
    struct world w;
    world_init(&w, 2, NULL);
    world_run(&w, 5 * USEC_SEC);
    int first = leader(&w);
    w.processes[first].cut_off = true;
    usec_t took = until_another_leads(&w, first, 10 * USEC_SEC); /* world_run() fails where two lead */
    CHECK(took > LEASE_RENEW_DEADLINE - LEASE_RETRY * 2 && took < 3 * USEC_SEC);
    w.processes[first].cut_off = false;
    world_run(&w, 10 * USEC_SEC);
    CHECK_INT(leader(&w), 1 - first);
    world_done(&w);
}

TEST(a_frozen_leader_does_not_lead_when_it_thaws)
{
    struct world w;
    world_init(&w, 2, NULL);
    world_run(&w, 5 * USEC_SEC);
    int first = leader(&w);
    int64_t epoch = lease_epoch(w.processes[first].lease);
    w.processes[first].frozen = true;
    world_run(&w, 20 * USEC_SEC);
    CHECK(!lease_leads(w.processes[first].lease, w.now));
    CHECK(!lease_may_act(w.processes[first].lease, w.now));
    w.processes[first].frozen = false;
    world_run(&w, 20 * USEC_SEC);
    CHECK_INT(leader(&w), 1 - first);
    CHECK(lease_epoch(w.processes[1 - first].lease) > epoch);
    world_done(&w);
}

TEST(a_renewal_without_an_answer_costs_nothing)
{
    struct world w;
    world_init(&w, 1, NULL);
    world_run(&w, 5 * USEC_SEC);
    int64_t epoch = lease_epoch(w.processes[0].lease);
    w.processes[0].lost = true;
    for (int i = 0; i < 300; i++) {
        world_run(&w, STEP);
        CHECK_INT(leader(&w), 0);
    }
    CHECK_INT(lease_epoch(w.processes[0].lease), epoch);
    world_done(&w);
}

TEST(a_slow_server_deposes_but_never_makes_two_leaders)
{
    struct world w;
    world_init(&w, 3, NULL);
    w.latency = 1900 * USEC_MSEC; /* longer than the renew deadline */
    world_run(&w, 60 * USEC_SEC);
    w.latency = STEP;
    world_run(&w, 10 * USEC_SEC);
    CHECK(leader(&w) >= 0);
    world_done(&w);
}

TEST(a_deleted_lease_comes_back_with_a_higher_epoch)
{
    struct world w;
    world_init(&w, 2, NULL);
    world_run(&w, 5 * USEC_SEC);
    int64_t epoch = lease_epoch(w.processes[leader(&w)].lease);
    json_decref(w.server.lease);
    w.server.lease = NULL;
    world_run(&w, 5 * USEC_SEC);
    CHECK(leader(&w) >= 0);
    CHECK(lease_epoch(w.processes[leader(&w)].lease) > epoch);
    world_done(&w);
}

TEST(no_epoch_serves_two_whatever_happens)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct world w;
        world_init(&w, 3, NULL);
        random_init(&w.random, seed);
        for (int i = 0; i < 200; i++) {
            struct process *p = &w.processes[random_below(&w.random, 3)];
            switch (random_below(&w.random, 8)) {
            case 0:
                p->cut_off = !p->cut_off;
                break;
            case 1:
                p->frozen = !p->frozen;
                break;
            case 2:
            case 3:
                p->lost = true;
                break;
            case 4:
                w.latency = STEP * (usec_t)(1 + random_below(&w.random, 150));
                break;
            case 5:
                if (random_below(&w.random, 10) == 0) {
                    json_decref(w.server.lease);
                    w.server.lease = NULL;
                }
                break;
            default:
                break;
            }
            /* After deletion by a person two may believe it for a moment; epochs keep them apart, so only those are checked here. */
            for (usec_t until = w.now + 300 * USEC_MSEC; w.now < until; w.now += STEP)
                for (int k = 0; k < w.count; k++)
                    process_step(&w, &w.processes[k]);
        }
        world_done(&w);
    }
}

TEST(times_that_do_not_fit_together_are_refused)
{
    static const struct {
        const char *sentence;
        struct lease_options options;
    } rows[] = {
        {"the deadline must be shorter than the duration", {.duration = 2 * USEC_SEC, .renew_deadline = 2 * USEC_SEC}},
        {"the retry must fit into the deadline", {.retry = 1500 * USEC_MSEC}},
        {"the margin must fit into the deadline", {.margin = 2 * USEC_SEC}},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct lease_options options = rows[i].options;
        struct lease *l = NULL;
        struct error err = {0};
        options.ns = options.name = options.identity = "x";
        CHECK_INT(lease_new(&options, &l, &err), -1);
        CHECK_INT(err.class, ERROR_INVALID);
    }
    CHECK_ROW(NULL);
}

static json_t *lease_object(const char *version, const char *holder, int seconds)
{
    return json_pack("{s:{s:s}, s:{s:s, s:i, s:i}}", "metadata", "resourceVersion", version, "spec", "holderIdentity", holder,
                     "leaseDurationSeconds", seconds, "leaseTransitions", 5);
}

TEST(a_watch_replaces_polling_and_stale_events_are_ignored)
{
    struct lease *l;
    struct lease_decision d;
    struct lease_options options = {.ns = "a", .name = "b", .identity = "me", .watched = true};
    CHECK_INT(lease_new(&options, &l, NULL), 0);
    json_auto_t *theirs = lease_object("100", "they", 3), *old = lease_object("99", "", 3), *free_now = lease_object("101", "", 1);
    usec_t now = 10 * USEC_SEC;
    lease_observe(l, theirs, now);
    lease_decide(l, now, WALL, 0, &d);
    CHECK_INT(d.action, LEASE_NOTHING);
    CHECK_INT(d.again, now + LEASE_DURATION); /* 3 whole seconds is what our own 2.2 s are written as */
    lease_observe(l, old, now + 1);
    CHECK_STR(lease_holder(l), "they");
    lease_observe(l, free_now, now + 2);
    lease_decide(l, now + 2, WALL, 0, &d);
    CHECK_INT(d.action, LEASE_UPDATE);
    CHECK_INT(json_integer_value(json_object_get(json_object_get(d.body, "spec"), "leaseTransitions")), 6);
    json_decref(d.body);
    lease_free(l);
}

TEST(another_duration_in_the_record_is_respected)
{
    struct lease *l;
    struct lease_decision d;
    CHECK_INT(lease_new(&(struct lease_options){.ns = "a", .name = "b", .identity = "me", .watched = true}, &l, NULL), 0);
    json_auto_t *theirs = lease_object("100", "they", 15);
    lease_observe(l, theirs, USEC_SEC);
    lease_decide(l, 15 * USEC_SEC, WALL, 0, &d);
    CHECK_INT(d.action, LEASE_NOTHING);
    lease_decide(l, 16 * USEC_SEC, WALL, 0, &d);
    CHECK_INT(d.action, LEASE_UPDATE);
    json_decref(d.body);
    lease_free(l);
}

TEST(what_others_put_into_the_object_stays)
{
    struct lease *l;
    struct lease_decision d;
    CHECK_INT(lease_new(&(struct lease_options){.ns = "a", .name = "b", .identity = "me"}, &l, NULL), 0);
    json_auto_t *object = lease_object("7", "", 1);
    json_object_set_new(json_object_get(object, "metadata"), "labels", json_pack("{s:s}", "team", "blue"));
    json_object_set_new(json_object_get(object, "metadata"), "managedFields", json_array());
    lease_observe(l, object, 1);
    lease_decide(l, 1, WALL, 0, &d);
    const json_t *metadata = json_object_get(d.body, "metadata");
    CHECK_STR(json_string_value(json_object_get(json_object_get(metadata, "labels"), "team")), "blue");
    CHECK_STR(json_string_value(json_object_get(metadata, "resourceVersion")), "7");
    CHECK(!json_object_get(metadata, "managedFields"));
    json_decref(d.body);
    lease_free(l);
}

int main(void)
{
    return check_run();
}

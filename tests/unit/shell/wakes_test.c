/* What a change wakes: one team with two targets, and on one of them a drill at work, one that waits, and one that waits for its record. */
#include "check.h"

#include "base/str.h"
#include "fake_world.h"
#include "shell/wakes.h"

struct bench {
    struct fake *fake;
    struct store *store;
    struct workqueue *queue;
    struct wakes wakes;
    int rv;
    char woken[1024]; /* "drill/works trigger/gap ", sorted as the queue gives them */
};

static void on_change(void *userdata, const struct store_change *c)
{
    struct bench *b = userdata;
    if (b->queue)
        wakes_object(&b->wakes, c);
}

/* Everything that is due, or will be: counters are brought up to date later. */
static const char *woken(struct bench *b)
{
    struct key key;
    b->woken[0] = '\0';
    fake_advance(b->fake, USEC_MINUTE);
    while (workqueue_take(b->queue, &key)) {
        size_t used = strlen(b->woken);
        str_format(b->woken + used, sizeof(b->woken) - used, "%s/%s ", kind_info(key.kind)->kind, key.name);
        workqueue_done(b->queue, &key);
    }
    return b->woken;
}

static void put(struct bench *b, enum kind kind, const char *ns, const char *name, const char *spec, const char *status)
{
    char rv[16];
    str_format(rv, sizeof(rv), "%d", ++b->rv);
    json_auto_t *object = fake_object(kind_info(kind)->kind, ns, name, rv, spec, status);
    CHECK(store_put(b->store, kind, object));
}

#define DRILL_SPEC "{\"card\":\"kh001\",\"target\":\"shop\"}"
#define RUN_SPEC   "{\"playbook\":\"mend\",\"target\":\"shop\"}"

static void bench_init(struct bench *b)
{
    *b = (struct bench){.fake = fake_new()};
    b->store = store_new(fake_world(b->fake));
    store_set_listener(b->store, on_change, b);
    put(b, KIND_TARGET, "team-a", "shop", "{\"selector\":{\"matchLabels\":{\"app\":\"shop\"}}}", NULL);
    put(b, KIND_TARGET, "team-a", "other", "{\"selector\":{\"matchLabels\":{\"app\":\"other\"}}}", NULL);
    put(b, KIND_TRIGGER, "catalog", "gap", "{}", NULL);
    put(b, KIND_PLAYBOOK, "catalog", "mend", "{}", NULL);
    put(b, KIND_DRILL, "team-a", "works", DRILL_SPEC, "{\"phase\":\"Detecting\"}");
    put(b, KIND_DRILL, "team-a", "waits", DRILL_SPEC, "{\"phase\":\"Pending\"}");
    put(b, KIND_DRILL, "team-a", "elsewhere", "{\"card\":\"kh001\",\"target\":\"other\"}", "{\"phase\":\"Pending\"}");
    json_auto_t *ended = fake_object("Drill", "team-a", "ended", "999", DRILL_SPEC, "{\"phase\":\"Succeeded\"}");
    json_object_set_new(json_object_get(ended, "metadata"), "finalizers", json_pack("[s]", FINALIZER));
    CHECK(store_put(b->store, KIND_DRILL, ended));
    b->rv = 1000;
    b->queue = workqueue_new(fake_world(b->fake));
    b->wakes = (struct wakes){.world = fake_world(b->fake), .lookup = {.store = b->store, .catalog = "catalog"}, .queue = b->queue};
}

static void bench_done(struct bench *b)
{
    workqueue_free(b->queue);
    b->queue = NULL;
    store_free(b->store);
    fake_free(b->fake);
}

TEST(the_ledger_wakes_those_alone_that_wait_for_their_record)
{
    struct bench b;
    bench_init(&b);
    put(&b, KIND_LEDGER, "team-a", "drill-ledger-000001", "{}", NULL);
    CHECK_STR(woken(&b), "Drill/ended ");
    bench_done(&b);
}

TEST(the_end_of_a_run_wakes_triggers_and_its_beginning_does_not)
{
    struct bench b;
    bench_init(&b);
    put(&b, KIND_RUN, "team-a", "r1", RUN_SPEC, "{\"phase\":\"Running\"}");
    CHECK(!strstr(woken(&b), "Trigger/"));
    put(&b, KIND_RUN, "team-a", "r1", RUN_SPEC, "{\"phase\":\"Verifying\"}");
    CHECK(!strstr(woken(&b), "Trigger/"));
    put(&b, KIND_RUN, "team-a", "r1", RUN_SPEC, "{\"phase\":\"Succeeded\"}");
    CHECK_CONTAINS(woken(&b), "Trigger/gap ");
    put(&b, KIND_RUN, "team-a", "r1", RUN_SPEC, "{\"phase\":\"Succeeded\",\"message\":\"counted\"}");
    CHECK(!strstr(woken(&b), "Trigger/"));
    struct key key = key_of(KIND_RUN, "team-a", "r1");
    CHECK(store_remove(b.store, &key, "", "2000"));
    CHECK_CONTAINS(woken(&b), "Trigger/gap "); /* the next old one may go */
    put(&b, KIND_RUN, "team-a", "r2", RUN_SPEC, "{\"phase\":\"Failed\"}");
    CHECK_CONTAINS(woken(&b), "Trigger/gap "); /* first heard of when it had ended: after a list, say */
    bench_done(&b);
}

TEST(a_phase_wakes_who_waits_for_the_same_target_and_nobody_elsewhere)
{
    struct bench b;
    bench_init(&b);
    put(&b, KIND_DRILL, "team-a", "works", DRILL_SPEC, "{\"phase\":\"Succeeded\"}");
    CHECK_CONTAINS(woken(&b), "Drill/waits ");
    put(&b, KIND_DRILL, "team-a", "works", DRILL_SPEC, "{\"phase\":\"Succeeded\",\"message\":\"told\"}");
    CHECK_STR(woken(&b), "Drill/works ");
    put(&b, KIND_RUN, "team-a", "r1", RUN_SPEC, "{\"phase\":\"Running\"}");
    CHECK(!strstr(woken(&b), "elsewhere"));
    bench_done(&b);
}

TEST(what_happens_on_a_target_wakes_the_drill_at_work_and_those_behind_it_when_it_has_ended)
{
    struct bench b;
    bench_init(&b);
    struct key target = key_of(KIND_TARGET, "team-a", "shop");
    wakes_evidence(&b.wakes, &target, "steady/0");
    CHECK_STR(woken(&b), "DrillTarget/shop Drill/works Drill/ended ");
    wakes_firing(&b.wakes, "team-a", "shop");
    CHECK_STR(woken(&b), "Drill/works Drill/ended ");
    wakes_firing(&b.wakes, "team-a", "other");
    CHECK_STR(woken(&b), "Drill/elsewhere ");
    put(&b, KIND_DRILL, "team-a", "works", DRILL_SPEC, "{\"phase\":\"Failed\"}");
    CHECK_CONTAINS(woken(&b), "Drill/waits ");
    wakes_firing(&b.wakes, "team-a", "shop");
    CHECK_STR(woken(&b), "Drill/waits Drill/ended ");
    bench_done(&b);
}

TEST(who_begins_to_lead_looks_at_all_but_those_that_are_over)
{
    struct bench b;
    bench_init(&b);
    put(&b, KIND_DRILL, "team-a", "recorded", DRILL_SPEC, "{\"phase\":\"Succeeded\"}");
    put(&b, KIND_RUN, "team-a", "mended", RUN_SPEC, "{\"phase\":\"Succeeded\"}");
    put(&b, KIND_RUN, "team-a", "mends", RUN_SPEC, "{\"phase\":\"Running\"}");
    put(&b, KIND_TASK, "team-a", "new", "{\"target\":\"shop\"}", NULL);
    put(&b, KIND_TASK, "team-a", "closed", "{\"target\":\"shop\"}", "{\"phase\":\"Resolved\"}");
    woken(&b);
    wakes_all(&b.wakes);
    CHECK_STR(woken(&b),
              "DrillTarget/other DrillTarget/shop PlaybookRun/mends Drill/elsewhere CodingTask/new Drill/ended Drill/waits "
              "Drill/works Trigger/gap Playbook/mend ");
    bench_done(&b);
}

int main(void)
{
    return check_run();
}

#include "base/str.h"
#include "core/trigger.h"

#include "check.h"

#define T0  ((usec_t)1763192400 * USEC_SEC)
#define SEC USEC_SEC

struct scene {
    json_t *trigger_json, *playbook_json;
    struct trigger trigger;
    struct playbook playbook;
    struct trigger_site sites[3];
    struct firing before[FIRINGS_MAX], after[FIRINGS_MAX];
    struct run runs[32];
    struct trigger_view view;
    struct decision decision;
    size_t count;
    int rv;
};

static json_t *json_of(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, 0, &error);
    if (!value)
        CHECK_FAIL("bad JSON in a test: %s in %s", error.text, text);
    return value;
}

static void scene_decode(struct scene *s)
{
    struct error err = {0};
    trigger_done(&s->trigger);
    playbook_done(&s->playbook);
    if (trigger_decode(s->trigger_json, &s->trigger, &err) || playbook_decode(s->playbook_json, &s->playbook, &err))
        CHECK_FAIL("scene: %s", err.text);
}

/* A trigger that fires after 2 s without a beat, on the pods shop-1 … shop-n of the target shop. */
static void scene_init(struct scene *s, size_t sites)
{
    memset(s, 0, sizeof(*s));
    s->trigger_json =
        json_of("{\"metadata\":{\"name\":\"gap\",\"namespace\":\"shop\",\"uid\":\"t\",\"resourceVersion\":\"1\"},\"spec\":{"
                "\"probe\":{\"process\":{\"match\":\"w\"}},\"fires\":\"WhenFalse\",\"for\":\"2s\",\"every\":\"1s\","
                "\"severity\":[{\"above\":30,\"is\":\"Major\"},{\"is\":\"Minor\"}],\"playbooks\":[\"mend\"]}}");
    s->playbook_json =
        json_of("{\"metadata\":{\"name\":\"mend\",\"namespace\":\"shop\"},\"spec\":{\"cooldown\":\"60s\",\"branches\":[{"
                "\"steps\":[{\"name\":\"a\",\"action\":\"RestartKernel\"}]}]}}");
    scene_decode(s);
    static const char *const pods[] = {"shop-1", "shop-2", "shop-3"};
    for (size_t i = 0; i < sites; i++)
        s->sites[i] = (struct trigger_site){
            .ns = "shop", .target = "shop", .pod = pods[i], .incident = "chaos-1", .seen = {.holds = HOLDS_TRUE, .since = T0}};
    s->view = (struct trigger_view){
        .trigger = &s->trigger,
        .sites = s->sites,
        .site_count = sites,
        .firings = s->before,
        .playbooks = &s->playbook,
        .playbook_count = 1,
        .runs = s->runs,
    };
}

static void scene_done(struct scene *s)
{
    decision_done(&s->decision);
    trigger_done(&s->trigger);
    playbook_done(&s->playbook);
    for (size_t i = 0; i < s->view.run_count; i++)
        run_done(&s->runs[i]);
    json_decref(s->trigger_json);
    json_decref(s->playbook_json);
}

/* Decides; the firings are remembered and the status is written. */
static void scene_step(struct scene *s, usec_t now)
{
    decision_done(&s->decision);
    trigger_decide(&s->view, now, s->after, &s->count, &s->decision);
    memcpy(s->before, s->after, sizeof(s->before));
    s->view.firing_count = s->count;
    for (size_t i = 0; i < s->decision.effect_count; i++)
        if (s->decision.effects[i].type == EFFECT_STATUS)
            json_object_set(s->trigger_json, "status", s->decision.effects[i].body);
    scene_decode(s);
}

static const struct effect *run_created(const struct scene *s, size_t nth)
{
    for (size_t i = 0; i < s->decision.effect_count; i++)
        if (s->decision.effects[i].type == EFFECT_CREATE && !nth--)
            return &s->decision.effects[i];
    return NULL;
}

static size_t events(const struct scene *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->decision.effect_count; i++)
        count += s->decision.effects[i].type == EFFECT_EVENT;
    return count;
}

/* The created run becomes an object, ended or not. */
static void add_run(struct scene *s, const json_t *object, const char *phase, usec_t ended, const char *reporter)
{
    json_t *copy = json_deep_copy(object);
    json_put_str(json_make(copy, "status"), "phase", phase);
    json_put_time(json_make(copy, "status"), "endedAt", ended);
    json_put_str(json_object_get(copy, "spec"), "reporter", reporter);
    struct error err = {0};
    if (run_decode(copy, &s->runs[s->view.run_count++], &err))
        CHECK_FAIL("run: %s", err.text);
    json_decref(copy);
}

static void quiet(struct scene *s, size_t i, usec_t since)
{
    s->sites[i].seen = (struct evidence){.holds = HOLDS_TRUE, .since = since};
}

static void fires(struct scene *s, size_t i, usec_t since, double value)
{
    s->sites[i].seen =
        (struct evidence){.holds = HOLDS_FALSE, .since = since, .has_value = true, .value = value, .message = "no beat"};
}

TEST(a_trigger_fires_after_its_condition_held_for_so_long_and_until_it_ends)
{
    struct scene s;
    scene_init(&s, 1);
    fires(&s, 0, T0, 10);
    scene_step(&s, T0 + SEC);
    CHECK_INT(s.count, 0);
    CHECK_INT(s.decision.again_at, T0 + 2 * SEC);
    scene_step(&s, T0 + 2 * SEC);
    CHECK_INT(s.count, 1);
    CHECK_INT(s.after[0].since, T0);
    CHECK_INT(s.after[0].fired_at, T0 + 2 * SEC);
    CHECK_INT(s.after[0].severity, SEVERITY_MINOR);
    CHECK_INT(json_int(s.trigger_json, "status.fired", 0), 1);
    fires(&s, 0, T0, 40);
    scene_step(&s, T0 + 3 * SEC);
    CHECK_INT(s.after[0].severity, SEVERITY_MAJOR); /* it gets worse, never better, while it lasts */
    s.sites[0].seen.holds = HOLDS_UNKNOWN;
    scene_step(&s, T0 + 4 * SEC);
    CHECK_INT(s.after[0].cleared_at, 0); /* what is not seen has not ended */
    quiet(&s, 0, T0 + 5 * SEC);
    scene_step(&s, T0 + 6 * SEC);
    CHECK_INT(s.after[0].cleared_at, T0 + 5 * SEC);
    CHECK_INT(json_array_size(json_at(s.trigger_json, "status.firing")), 0);
    CHECK_INT(json_int(s.trigger_json, "status.fired", 0), 1);
    scene_step(&s, T0 + 5 * SEC + FIRING_KEEP + 1);
    CHECK_INT(s.count, 0); /* long over, forgotten */
    scene_done(&s);
}

TEST(each_firing_is_told_once)
{
    struct scene s;
    scene_init(&s, 2);
    static const struct {
        usec_t now;
        size_t events;
    } steps[] = {{1, 0}, {2, 1}, {3, 0}, {4, 1}, {5, 0}, {9, 0}, {12, 1}};
    fires(&s, 0, T0, 10);
    for (size_t i = 0; i < array_len(steps); i++) {
        if (steps[i].now == 3)
            fires(&s, 1, T0 + 2 * SEC, 10);
        if (steps[i].now == 9)
            quiet(&s, 0, T0 + 9 * SEC);
        if (steps[i].now == 12)
            fires(&s, 0, T0 + 10 * SEC, 10); /* once more */
        scene_step(&s, T0 + steps[i].now * SEC);
        CHECK_INT(events(&s), steps[i].events);
    }
    scene_done(&s);
}

TEST(a_condition_that_does_not_last_fires_nothing)
{
    struct scene s;
    scene_init(&s, 1);
    fires(&s, 0, T0, 1);
    scene_step(&s, T0 + SEC);
    quiet(&s, 0, T0 + SEC);
    scene_step(&s, T0 + 3 * SEC);
    CHECK_INT(s.count, 0);
    CHECK(!run_created(&s, 0));
    scene_done(&s);
}

TEST(a_firing_ends_with_its_site)
{
    struct scene s;
    scene_init(&s, 1);
    fires(&s, 0, T0, 1);
    scene_step(&s, T0 + 2 * SEC);
    s.view.site_count = 0;
    scene_step(&s, T0 + 3 * SEC);
    CHECK_INT(s.after[0].cleared_at, T0 + 3 * SEC);
    scene_done(&s);
}

TEST(a_firing_starts_one_run_with_a_name_that_is_the_same_however_often_it_is_decided)
{
    struct scene s;
    scene_init(&s, 1);
    fires(&s, 0, T0, 1);
    scene_step(&s, T0 + 2 * SEC);
    const struct effect *e = run_created(&s, 0);
    CHECK(e != NULL);
    if (!e)
        return;
    CHECK_STR(json_str(e->body, "spec.incident", ""), "chaos-1");
    CHECK_STR(json_str(e->body, "spec.pod", ""), "shop-1");
    CHECK_STR(json_str(e->body, "spec.severity", ""), "Minor");
    char name[254];
    str_copy(name, sizeof(name), e->key.name);
    scene_step(&s, T0 + 3 * SEC);
    e = run_created(&s, 0);
    CHECK_STR(e ? e->key.name : "", name); /* before it is seen */
    scene_done(&s);
}

/* Several pods of one target fire at once: one run at a time, and the next after the cooldown. */
TEST(one_run_at_a_time_for_a_playbook_and_target_however_many_pods_fire)
{
    struct scene s;
    scene_init(&s, 3);
    for (size_t i = 0; i < 3; i++)
        fires(&s, i, T0, 1);
    scene_step(&s, T0 + 2 * SEC);
    CHECK_INT(s.count, 3);
    CHECK(run_created(&s, 0) != NULL);
    CHECK(run_created(&s, 1) == NULL);
    json_t *first = json_incref(run_created(&s, 0)->body);
    add_run(&s, first, "Running", 0, "drillyard");
    scene_step(&s, T0 + 3 * SEC);
    CHECK(!run_created(&s, 0));
    run_done(&s.runs[--s.view.run_count]);
    add_run(&s, first, "Succeeded", T0 + 4 * SEC, "drillyard");
    quiet(&s, 0, T0 + 4 * SEC);
    scene_step(&s, T0 + 5 * SEC);
    CHECK(!run_created(&s, 0));
    CHECK_INT(s.decision.again_at, T0 + 64 * SEC); /* the cooldown */
    scene_step(&s, T0 + 64 * SEC);
    CHECK(run_created(&s, 0) && !run_created(&s, 1));
    CHECK_STR(run_created(&s, 0) ? json_str(run_created(&s, 0)->body, "spec.pod", "") : "", "shop-2");
    json_decref(first);
    scene_done(&s);
}

TEST(what_heals_a_target_already_is_a_run_of_ours_that_has_not_ended)
{
    static const struct {
        const char *row, *target, *phase, *reporter;
        bool heals;
    } rows[] = {
        {"at work", "shop", "Running", "drillyard", true},     {"just made", "shop", "", "", true},
        {"ended", "shop", "Succeeded", "drillyard", false},    {"for another target", "till", "Running", "drillyard", false},
        {"somebody else's", "shop", "Running", "argo", false},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s, 1);
        json_auto_t *run = json_of("{\"metadata\":{\"name\":\"r\",\"namespace\":\"shop\"},\"spec\":{\"playbook\":\"mend\"}}");
        json_put_str(json_object_get(run, "spec"), "target", rows[i].target);
        add_run(&s, run, rows[i].phase, 0, rows[i].reporter);
        CHECK_INT(trigger_heals_already(&s.view, &s.playbook, "shop", "shop"), rows[i].heals);
        CHECK(!trigger_heals_already(&s.view, &s.playbook, "till", "shop"));
        scene_done(&s);
    }
}

TEST(an_outside_healers_run_does_not_keep_ours_from_starting)
{
    struct scene s;
    scene_init(&s, 1);
    fires(&s, 0, T0, 1);
    json_t *outside =
        json_of("{\"metadata\":{\"name\":\"o\",\"namespace\":\"shop\"},\"spec\":{\"playbook\":\"mend\",\"target\":\"shop\"}}");
    add_run(&s, outside, "", 0, "argo"); /* and it never ends it */
    scene_step(&s, T0 + 2 * SEC);
    CHECK(run_created(&s, 0) != NULL);
    json_decref(outside);
    scene_done(&s);
}

/* A firing that lasts is healed again and again; old runs are forgotten, and no name comes back meanwhile. */
TEST(a_firing_that_lasts_gets_a_new_run_after_each_cooldown_for_ever)
{
    struct scene s;
    scene_init(&s, 1);
    fires(&s, 0, T0, 1);
    usec_t now = T0 + 2 * SEC;
    int created = 0;
    for (int round = 0; round < 60; round++) {
        scene_step(&s, now);
        for (size_t i = 0; i < s.decision.effect_count; i++) {
            const struct effect *e = &s.decision.effects[i];
            for (size_t r = 0; r < s.view.run_count; r++) {
                bool same = str_equal(s.runs[r].meta.name, e->key.name);
                if (e->type == EFFECT_CREATE)
                    CHECK(!same); /* would be taken for done, and nothing would heal any more */
                if (e->type == EFFECT_DELETE && same) {
                    run_done(&s.runs[r]);
                    memmove(&s.runs[r], &s.runs[r + 1], (s.view.run_count - r - 1) * sizeof(s.runs[0]));
                    s.view.run_count--;
                }
            }
            if (e->type == EFFECT_CREATE && s.view.run_count < array_len(s.runs)) {
                add_run(&s, e->body, "Failed", now + 10 * SEC, "drillyard");
                created++;
            }
        }
        now += 70 * SEC;
    }
    CHECK_INT(created, 60);
    CHECK(s.view.run_count <= 22);
    scene_done(&s);
}

TEST(names_of_runs_are_names_however_long_their_parts_are)
{
    struct scene s;
    char playbook[201], target[201];
    scene_init(&s, 1);
    memset(playbook, 'p', 200), playbook[200] = '\0', playbook[99] = '.';
    memset(target, 't', 200), target[200] = '\0', target[99] = '-';
    json_put_str(json_object_get(s.playbook_json, "metadata"), "name", playbook);
    scene_decode(&s);
    s.sites[0].target = target;
    fires(&s, 0, T0, 1);
    scene_step(&s, T0 + 2 * SEC);
    CHECK(run_created(&s, 0) && str_is_dns_subdomain(run_created(&s, 0)->key.name));
    scene_done(&s);
}

TEST(more_firings_than_there_is_room_for_are_left_out_and_cleared_ones_make_room)
{
    struct scene s;
    scene_init(&s, 1);
    for (size_t i = 0; i < FIRINGS_MAX; i++) {
        s.before[i] = (struct firing){.since = T0, .fired_at = T0, .cleared_at = T0 + (i == 7 ? 1 : 0)};
        str_copy(s.before[i].trigger, sizeof(s.before[i].trigger), "gap");
        str_copy(s.before[i].ns, sizeof(s.before[i].ns), "shop");
        str_format(s.before[i].target, sizeof(s.before[i].target), "t%zu", i);
    }
    struct trigger_site *sites = mem_array(FIRINGS_MAX + 1, sizeof(*sites));
    for (size_t i = 0; i < FIRINGS_MAX; i++) {
        s.before[i].cleared_at = i == 7 ? T0 + SEC : 0;
        sites[i] = (struct trigger_site){
            .ns = "shop", .target = s.before[i].target, .pod = "", .incident = "", .seen = {.holds = HOLDS_UNKNOWN}};
    }
    fires(&s, 0, T0, 1);
    sites[FIRINGS_MAX] = s.sites[0];
    s.view.sites = sites;
    s.view.site_count = FIRINGS_MAX + 1;
    s.view.firing_count = FIRINGS_MAX;
    struct firing *kept = mem_array(FIRINGS_MAX, sizeof(*kept)); /* as the shell does: what sites borrow must not move */
    trigger_decide(&s.view, T0 + 3 * SEC, kept, &s.count, &s.decision);
    CHECK_INT(s.count, FIRINGS_MAX);
    bool there = false;
    for (size_t i = 0; i < s.count; i++)
        there |= str_equal(kept[i].pod, "shop-1");
    CHECK(there);
    CHECK_INT(events(&s), 1);
    CHECK(json_array_size(json_at(s.trigger_json, "status.firing")) <= FIRINGS_MAX);
    free(kept);
    free(sites);
    scene_done(&s);
}

/* Playbooks named mend in these namespaces; a firing for target shop in namespace shop, of a trigger in one of them. */
TEST(the_targets_own_namespace_has_the_playbook_that_counts)
{
    static const struct {
        const char *row, *trigger_ns, *playbooks[3];
        int runs;
        const char *from; /* the namespace whose playbook it is */
    } rows[] = {
        {"the catalog's trigger and playbook", "catalog", {"catalog"}, 1, "catalog"},
        {"an own playbook hides the catalog's", "catalog", {"catalog", "shop"}, 1, "shop"},
        {"another team's is none of its business", "catalog", {"other"}, 0, NULL},
        {"and does not hide the catalog's", "catalog", {"other", "catalog"}, 1, "catalog"},
        {"an own trigger finds the catalog's playbook", "shop", {"catalog"}, 1, "catalog"},
        {"and an own one first", "shop", {"catalog", "shop", "other"}, 1, "shop"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        CHECK_ROW(rows[i].row);
        scene_init(&s, 1);
        json_put_str(json_object_get(s.trigger_json, "metadata"), "namespace", rows[i].trigger_ns);
        scene_decode(&s);
        struct playbook playbooks[3] = {0};
        size_t count = 0;
        for (size_t p = 0; p < 3 && rows[i].playbooks[p]; p++) {
            json_t *object = json_deep_copy(s.playbook_json);
            json_put_str(json_object_get(object, "metadata"), "namespace", rows[i].playbooks[p]);
            json_put_str(json_object_get(object, "spec"), "cooldown", str_equal(rows[i].playbooks[p], rows[i].from) ? "1s" : "2s");
            CHECK_INT(playbook_decode(object, &playbooks[count++], NULL), 0);
            json_decref(object);
        }
        s.view.playbooks = playbooks;
        s.view.playbook_count = count;
        s.sites[0].seen.holds = HOLDS_FALSE;
        decision_done(&s.decision);
        trigger_decide(&s.view, T0 + 3 * SEC, s.after, &s.count, &s.decision);
        int created = 0;
        for (size_t e = 0; e < s.decision.effect_count; e++)
            created += s.decision.effects[e].type == EFFECT_CREATE;
        CHECK_INT(created, rows[i].runs);
        for (size_t p = 0; p < count; p++)
            playbook_done(&playbooks[p]);
        scene_done(&s);
    }
}

int main(void)
{
    return check_run();
}

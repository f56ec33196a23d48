#include "check.h"

#include "api/card.h"
#include "api/drill.h"
#include "base/buf.h"
#include "base/str.h"
#include "fake_world.h"
#include "shell/rv.h"
#include "shell/store.h"

struct bench {
    struct fake *fake;
    struct store *store;
    char told[2048]; /* "+name ~name -name " */
};

static void on_change(void *userdata, const struct store_change *c)
{
    struct bench *b = userdata;
    size_t used = strlen(b->told);
    str_format(b->told + used, sizeof(b->told) - used, "%c%s ", !c->before ? '+' : !c->now ? '-' : '~', c->key.name);
}

static void bench_init(struct bench *b)
{
    *b = (struct bench){.fake = fake_new()};
    b->store = store_new(fake_world(b->fake));
    store_set_listener(b->store, on_change, b);
}

static void bench_done(struct bench *b)
{
    store_free(b->store);
    fake_free(b->fake);
}

static bool put(struct bench *b, const char *name, const char *rv, const char *status)
{
    json_auto_t *object = fake_object("Drill", "team-a", name, rv, "{\"target\":\"shop\",\"card\":\"kh001\"}", status);
    return store_put(b->store, KIND_DRILL, object);
}

static bool put_uid(struct bench *b, const char *name, const char *uid, const char *rv)
{
    json_auto_t *object = fake_object("Drill", "team-a", name, rv, "{\"target\":\"shop\"}", NULL);
    json_put_str(json_object_get(object, "metadata"), "uid", uid);
    return store_put(b->store, KIND_DRILL, object);
}

static struct key drill(const char *name)
{
    return key_of(KIND_DRILL, "team-a", name);
}

static const char *rv_of(struct bench *b, const char *name)
{
    struct key key = drill(name);
    const struct summary *s = store_summary(b->store, &key);
    return s ? s->rv : "-";
}

TEST(resource_versions_compare_as_strings_of_any_length)
{
    static const struct {
        const char *sentence, *a, *b;
        int order;
    } rows[] = {
        {"longer is larger", "99", "100", -1},
        {"equal length compares as text", "124", "123", 1},
        {"the same is the same", "7", "7", 0},
        {"beyond 64 bits", "99999999999999999999", "100000000000000000000", -1},
        {"what is no number cannot be compared", "abc", "12", 0},
        {"a leading zero is no number", "012", "9", 0},
        {"nothing cannot be compared", "", "12", 0},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        int got = rv_compare(rows[i].a, rows[i].b);
        CHECK_INT((got > 0) - (got < 0), rows[i].order);
    }
}

TEST(an_older_version_never_replaces_a_newer)
{
    struct bench b;
    bench_init(&b);
    CHECK(put(&b, "x", "100", NULL));
    CHECK(!put(&b, "x", "99", NULL));
    CHECK_STR(rv_of(&b, "x"), "100");
    CHECK(!put(&b, "x", "100", NULL)); /* the watch event after our own write's answer */
    CHECK(put(&b, "x", "101", NULL));
    CHECK_STR(b.told, "+x ~x ");
    bench_done(&b);
}

TEST(a_deleted_object_does_not_come_back)
{
    struct bench b;
    bench_init(&b);
    struct key x = drill("x");
    put(&b, "x", "100", NULL);
    CHECK(store_remove(b.store, &x, "uid-x", "105"));
    CHECK(!put(&b, "x", "103", NULL)); /* a late answer to a write */
    CHECK_STR(rv_of(&b, "x"), "-");
    CHECK(put_uid(&b, "x", "another", "110"));         /* made anew under that name */
    CHECK(!store_remove(b.store, &x, "uid-x", "120")); /* a late deletion of the first */
    CHECK_STR(b.told, "+x -x +x ");
    bench_done(&b);
}

TEST(an_object_with_nul_in_its_texts_is_kept)
{
    struct bench b;
    bench_init(&b);
    json_auto_t *object = fake_object("Drill", "team-a", "x", "100", "{\"card\":\"c\"}", NULL);
    json_object_set_new(json_object_get(object, "spec"), "target", json_stringn("shop\0x", 6));
    CHECK(store_put(b.store, KIND_DRILL, object));
    struct key x = drill("x");
    json_auto_t *kept = store_get(b.store, &x);
    CHECK_INT(json_string_length(json_at(kept, "spec.target")), 6);
    bench_done(&b);
}

TEST(an_object_that_is_selected_again_comes_back)
{
    struct bench b;
    bench_init(&b);
    struct key x = drill("x");
    put(&b, "x", "100", NULL);
    store_remove(b.store, &x, "uid-x", "105"); /* its label was taken off */
    CHECK(put(&b, "x", "108", NULL));          /* and set again */
    bench_done(&b);
}

TEST(a_tombstone_ends)
{
    struct bench b;
    bench_init(&b);
    struct key x = drill("x");
    put(&b, "x", "100", NULL);
    store_remove(b.store, &x, "uid-x", "105");
    fake_advance(b.fake, STORE_TOMBSTONE + 1);
    CHECK(put(&b, "x", "103", NULL));
    bench_done(&b);
}

TEST(of_a_pod_that_went_it_is_known_whether_its_containers_had_ended)
{
    static const struct {
        const char *row, *phase;
        bool swept, ended;
    } rows[] = {
        {"deleted in order: the kubelet says so first", "Succeeded", false, true}, {"evicted, then deleted", "Failed", false, true},
        {"deleted by force, or out of the selection", "Running", false, false},    {"missing in a list", "Running", true, false},
        {"missing in a list, but had ended before", "Failed", true, true},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct bench b;
        CHECK_ROW(rows[i].row);
        bench_init(&b);
        auto_free char *status = mem_printf("{\"phase\":\"%s\"}", rows[i].phase);
        json_auto_t *pod = fake_object("Pod", "team-a", "shop-1", "5", "{}", status);
        const char *uid = json_str(pod, "metadata.uid", "");
        CHECK(store_put(b.store, KIND_POD, pod));
        CHECK(!store_ended(b.store, uid)); /* it is there */
        struct key key = key_of(KIND_POD, "team-a", "shop-1");
        if (rows[i].swept)
            CHECK_INT(store_sweep(b.store, KIND_POD, NULL, store_list_begin(b.store), "9"), 1);
        else
            CHECK(store_remove(b.store, &key, uid, "9"));
        CHECK(store_ended(b.store, uid) == rows[i].ended);
        CHECK(!store_ended(b.store, "another"));
        bench_done(&b);
    }
}

TEST(an_older_deletion_does_not_remove_a_newer_object)
{
    struct bench b;
    bench_init(&b);
    struct key x = drill("x");
    put(&b, "x", "100", NULL);
    CHECK(!store_remove(b.store, &x, "uid-x", "90"));
    CHECK_STR(rv_of(&b, "x"), "100");
    bench_done(&b);
}

TEST(another_uid_is_told_as_a_deletion_and_a_new_object)
{
    struct bench b;
    bench_init(&b);
    put_uid(&b, "x", "one", "100");
    put_uid(&b, "x", "two", "200");
    CHECK_STR(b.told, "+x -x +x ");
    bench_done(&b);
}

TEST(a_list_removes_what_it_does_not_have_unless_it_is_newer)
{
    struct bench b;
    bench_init(&b);
    put(&b, "kept", "100", NULL);
    put(&b, "lost", "101", NULL);
    put(&b, "ours", "300", NULL); /* our own create, answered after the list was made */
    unsigned list = store_list_begin(b.store);
    struct key kept = drill("kept");
    store_mark(b.store, &kept, list);
    CHECK_INT(store_sweep(b.store, KIND_DRILL, "other", list, "200"), 0);
    CHECK_INT(store_sweep(b.store, KIND_DRILL, "team-a", list, "200"), 1);
    CHECK_STR(rv_of(&b, "kept"), "100");
    CHECK_STR(rv_of(&b, "lost"), "-");
    CHECK_STR(rv_of(&b, "ours"), "300");
    bench_done(&b);
}

static void names(struct bench *b, char dest[256], const struct summary *(*next)(struct bench *, struct store_cursor *))
{
    struct store_cursor c = {0};
    const struct summary *s;
    dest[0] = '\0';
    while ((s = next(b, &c))) {
        size_t used = strlen(dest);
        str_format(dest + used, 256 - used, "%s ", s->name);
    }
}

static const struct summary *next_all(struct bench *b, struct store_cursor *c)
{
    return store_next(b->store, KIND_DRILL, NULL, c);
}
static const struct summary *next_here(struct bench *b, struct store_cursor *c)
{
    return store_next(b->store, KIND_DRILL, "team-a", c);
}
static const struct summary *next_of_target(struct bench *b, struct store_cursor *c)
{
    return store_next_of_target(b->store, KIND_DRILL, "team-a", "shop", c);
}
static const struct summary *next_live(struct bench *b, struct store_cursor *c)
{
    return store_next_live(b->store, KIND_DRILL, "team-a", c);
}

TEST(objects_are_found_in_order_by_namespace_target_and_life)
{
    struct bench b;
    char got[256];
    bench_init(&b);
    put(&b, "c", "1", "{\"phase\":\"Detecting\"}");
    put(&b, "a", "2", "{\"phase\":\"Succeeded\"}");
    put(&b, "b", "3", NULL);
    json_auto_t *other = fake_object("Drill", "team-0", "z", "4", "{\"target\":\"shop\"}", NULL);
    store_put(b.store, KIND_DRILL, other);
    names(&b, got, next_all);
    CHECK_STR(got, "z a b c ");
    names(&b, got, next_here);
    CHECK_STR(got, "a b c ");
    names(&b, got, next_of_target);
    CHECK_STR(got, "c a b ");
    names(&b, got, next_live);
    CHECK_STR(got, "c b ");
    put(&b, "c", "9", "{\"phase\":\"Failed\"}");
    names(&b, got, next_live);
    CHECK_STR(got, "b ");
    bench_done(&b);
}

static const char *asked_ns, *asked_card;
static enum kind asked_kind;

static const struct summary *next_of_card(struct bench *b, struct store_cursor *c)
{
    return store_next_of_card(b->store, asked_kind, asked_ns, asked_card, c);
}

static void check_of_card(struct bench *b, enum kind kind, const char *ns, const char *card, const char *want)
{
    char got[256];
    asked_kind = kind;
    asked_ns = ns;
    asked_card = card;
    names(b, got, next_of_card);
    CHECK_STR(got, want);
}

static void put_card(struct bench *b, const char *ns, const char *name, const char *rv, const char *id)
{
    char spec[64];
    str_format(spec, sizeof(spec), "{\"id\":\"%s\"}", id);
    json_auto_t *card = fake_object("ChaosCard", ns, name, rv, spec, NULL);
    store_put(b->store, KIND_CARD, card);
}

TEST(objects_are_found_by_the_card_that_they_name)
{
    struct bench b;
    bench_init(&b);
    check_of_card(&b, KIND_CARD, "team-a", "X1", "");
    put(&b, "d1", "1", NULL);
    put(&b, "d2", "2", "{\"phase\":\"Succeeded\"}");
    put_card(&b, "team-a", "one", "3", "X1");
    put_card(&b, "team-a", "two", "4", "X1");
    put_card(&b, "team-b", "one", "5", "X1");
    put_card(&b, "team-a", "kh001", "6", "kh001");
    check_of_card(&b, KIND_DRILL, "team-a", "kh001", "d1 d2 ");
    check_of_card(&b, KIND_CARD, "team-a", "kh001", "kh001 ");
    check_of_card(&b, KIND_CARD, "team-a", "X1", "one two ");
    check_of_card(&b, KIND_CARD, "team-b", "X1", "one ");
    check_of_card(&b, KIND_DRILL, "team-a", "X1", "");
    put_card(&b, "team-a", "one", "7", "X2"); /* the id was changed */
    check_of_card(&b, KIND_CARD, "team-a", "X1", "two ");
    check_of_card(&b, KIND_CARD, "team-a", "X2", "one ");
    struct key two = key_of(KIND_CARD, "team-a", "two");
    store_remove(b.store, &two, "", "8");
    check_of_card(&b, KIND_CARD, "team-a", "X1", "");
    char name[16];
    for (int i = 0; i < 200; i++) { /* however many there are */
        str_format(name, sizeof(name), "n%d", i);
        put_card(&b, "team-a", name, "9", name);
    }
    check_of_card(&b, KIND_CARD, "team-a", "n77", "n77 ");
    check_of_card(&b, KIND_CARD, "team-a", "X2", "one ");
    bench_done(&b);
}

TEST(what_nobody_reads_is_not_kept)
{
    struct bench b;
    bench_init(&b);
    json_auto_t *object = fake_object("Drill", "team-a", "x", "1", "{\"target\":\"shop\"}", NULL);
    json_t *metadata = json_object_get(object, "metadata");
    json_object_set_new(metadata, "managedFields", json_pack("[{s:s}]", "manager", "kubectl"));
    json_object_set_new(metadata, "annotations",
                        json_pack("{s:s, s:s}", "kubectl.kubernetes.io/last-applied-configuration", "{…}", "mine", "1"));
    store_put(b.store, KIND_DRILL, object);
    struct key x = drill("x");
    json_auto_t *kept = store_get(b.store, &x);
    CHECK(!json_at(kept, "metadata.managedFields"));
    CHECK_STR(json_string_value(json_object_get(json_at(kept, "metadata.annotations"), "mine")), "1");
    CHECK_INT(json_object_size(json_at(kept, "metadata.annotations")), 1);
    CHECK(json_at(object, "metadata.managedFields") != NULL); /* the event's own object is left alone */
    bench_done(&b);
}

TEST(an_object_is_decoded_once_for_each_of_its_versions)
{
    struct bench b;
    bench_init(&b);
    put(&b, "one", "5", "{\"phase\":\"Pending\"}");
    struct key key = drill("one"), none = drill("none");
    auto_drill struct drill first = {0}, second = {0}, third = {0}, fourth = {0};
    struct error err = {0};
    CHECK_INT(store_decode(b.store, &key, &first, &err), 0);
    CHECK_INT(store_decode(b.store, &key, &second, &err), 0);
    CHECK_INT(first.phase, DRILL_PENDING);
    CHECK(first.root == second.root && first.card == second.card);

    put(&b, "one", "6", "{\"phase\":\"Injecting\"}");
    CHECK_INT(store_decode(b.store, &key, &third, &err), 0);
    CHECK_INT(third.phase, DRILL_INJECTING);
    CHECK_INT(first.phase, DRILL_PENDING); /* in our hands it lives on */
    CHECK_STR(first.card, "kh001");

    store_trim(b.store);
    CHECK_STR(third.card, "kh001");
    CHECK_INT(store_decode(b.store, &key, &fourth, &err), 0);
    CHECK_INT(fourth.phase, DRILL_INJECTING);
    CHECK(fourth.root != third.root);

    CHECK_INT(store_decode(b.store, &none, &fourth, &err), -1);
    CHECK_INT(err.class, ERROR_NOT_FOUND);
    CHECK_STR(err.text, "there is no Drill none in namespace team-a");
    bench_done(&b);
}

TEST(what_is_refused_is_refused_each_time)
{
    struct bench b;
    bench_init(&b);
    json_auto_t *object = fake_object("ChaosCard", "team-a", "odd", "5", "{\"id\":\"X\"}", NULL);
    store_put(b.store, KIND_CARD, object);
    struct key key = key_of(KIND_CARD, "team-a", "odd");
    for (int i = 0; i < 2; i++) {
        auto_card struct card card = {0};
        struct error err = {0};
        CHECK_INT(store_decode(b.store, &key, &card, &err), -1);
        CHECK_INT(err.class, ERROR_INVALID);
    }
    bench_done(&b);
}

TEST(what_changed_often_comes_back_whole_after_its_turn_is_over)
{
    struct bench b;
    bench_init(&b);
    store_set_listener(b.store, NULL, NULL);
    char name[32], rv[32], status[64];
    for (int round = 0; round < 2; round++) /* the second changes each, and more than are kept parsed */
        for (int i = 0; i < STORE_TREES_MAX + 100; i++) {
            str_format(name, sizeof(name), "d-%05d", i);
            str_format(rv, sizeof(rv), "%d", 10000 * (round + 1) + i);
            str_format(status, sizeof(status), "{\"incident\":\"chaos-%d-%d\"}", round, i);
            put(&b, name, rv, status);
        }
    for (int i = 0; i < STORE_TREES_MAX + 100; i++) {
        str_format(name, sizeof(name), "d-%05d", i);
        str_format(status, sizeof(status), "chaos-1-%d", i);
        struct key key = drill(name);
        json_auto_t *object = store_get(b.store, &key);
        CHECK_STR(json_str(object, "status.incident", ""), status);
    }
    CHECK(store_stats(b.store).trees <= STORE_TREES_MAX);
    struct key key = drill("d-00000");
    CHECK(store_remove(b.store, &key, "", "30000"));
    store_trim(b.store);
    struct store_stats stats = store_stats(b.store);
    CHECK_INT(stats.objects, STORE_TREES_MAX + 99);
    CHECK(stats.text_bytes / stats.objects < 1000); /* what went is not counted */
    bench_done(&b);
}

TEST(ten_thousand_drills_are_small_and_come_back_whole)
{
    struct bench b;
    bench_init(&b);
    store_set_listener(b.store, NULL, NULL);
    char name[32], rv[32], status[2048];
    size_t text = 0;
    for (int i = 0; i < 10000; i++) {
        str_format(name, sizeof(name), "shop-kh001-%05d", i);
        str_format(rv, sizeof(rv), "%d", 1000 + i);
        str_format(
            status, sizeof(status),
            "{\"phase\":\"Succeeded\",\"incident\":\"chaos-%d-7f3a\",\"pod\":\"shop-6c9%d\",\"injectedAt\":\"2026-11-25T00:%02d:%"
            "02d.%06dZ\","
            "\"gates\":[{\"name\":\"TriggerFired\",\"result\":\"Passed\",\"message\":\"health-signal-gap fired after 1.%ds\"},"
            "{\"name\":\"PlaybookExecuted\",\"result\":\"Passed\",\"message\":\"playbook kernel-heartbeat-gap succeeded\"},"
            "{\"name\":\"CodingTaskCreated\",\"result\":\"NotRequired\",\"message\":\"the card asks for no coding task\"},"
            "{\"name\":\"SLOMet\",\"result\":\"Passed\",\"message\":\"the service level was met again after 4.%ds\"}],"
            "\"conditions\":[{\"type\":\"Injected\",\"status\":\"True\",\"lastTransitionTime\":\"2026-11-25T00:%02d:%02d.%06dZ\"},"
            "{\"type\":\"Succeeded\",\"status\":\"True\",\"lastTransitionTime\":\"2026-11-25T00:%02d:%02d.%06dZ\"}]}",
            1763192400 + i, i * 7, i / 60 % 60, i % 60, i * 37 % 1000000, i % 10, i % 7, i / 60 % 60, i % 60, i * 91 % 1000000,
            i / 60 % 60, i % 60, i * 53 % 1000000);
        put(&b, name, rv, status);
        text += strlen(status);
    }
    struct store_stats stats = store_stats(b.store);
    CHECK_INT(stats.objects, 10000);
    printf("# %zu bytes of text an object, %zu packed with its summary\n", stats.text_bytes / 10000, stats.packed_bytes / 10000);
    CHECK(stats.text_bytes > text);
    CHECK(stats.packed_bytes < 10000 * 800);
    CHECK(stats.trees <= STORE_TREES_MAX);
    struct key key = drill("shop-kh001-04711");
    json_auto_t *object = store_get(b.store, &key);
    CHECK_STR(json_str(object, "status.incident", ""), "chaos-1763197111-7f3a");
    store_trim(b.store);
    CHECK_INT(store_stats(b.store).trees, 0);
    json_auto_t *again = store_get(b.store, &key);
    CHECK(again != object && json_equal(again, object)); /* parsed anew; the tree in our hands has outlived the trimming */
    bench_done(&b);
}

int main(void)
{
    return check_run();
}

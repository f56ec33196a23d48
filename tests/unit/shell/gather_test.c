/* Which of very many objects a decision gets to see: what it holds must not grow with what there is. */
#include "check.h"

#include "base/str.h"
#include "fake_world.h"
#include "shell/gather.h"

#define MANY (SCHEDULE_CARDS_MAX + 100)

struct bench {
    struct fake *fake;
    struct store *store;
    struct lookup lookup;
};

static void put(struct bench *b, enum kind kind, const char *ns, const char *name, const char *spec, const char *status)
{
    json_auto_t *object = fake_object(kind_info(kind)->kind, ns, name, "7", spec, status);
    CHECK(store_put(b->store, kind, object));
}

static void put_card(struct bench *b, const char *ns, int number)
{
    char name[16];
    str_format(name, sizeof(name), "card-%04d", number);
    auto_free char *spec = mem_printf(
        "{\"id\":\"X%04d\",\"category\":\"Resource\",\"risk\":1,\"injection\":{\"method\":\"CPUStress\",\"duration\":\"9s\"},"
        "\"expect\":{\"trigger\":{\"name\":\"t\"}},\"slo\":{},"
        "\"verify\":[{\"name\":\"v\",\"probe\":{\"pods\":{\"ready\":{\"atLeast\":1}}}}]}",
        number);
    put(b, KIND_CARD, ns, name, spec, NULL);
}

/* `count` cards in the namespace, and one more in the catalog that its own hides. */
static void bench_init(struct bench *b, int count)
{
    *b = (struct bench){.fake = fake_new()};
    b->store = store_new(fake_world(b->fake));
    b->lookup = (struct lookup){.store = b->store, .catalog = "catalog"};
    for (int i = 0; i < count; i++)
        put_card(b, "team-a", i);
    put_card(b, "catalog", 0);
    put_card(b, "catalog", 9999);
}

static void bench_done(struct bench *b)
{
    store_free(b->store);
    fake_free(b->fake);
}

static void schedule_of(struct bench *b, const char *cards, struct schedule *schedule)
{
    struct error err = {0};
    struct key key = key_of(KIND_SCHEDULE, "team-a", "all");
    auto_free char *spec = mem_printf("{\"every\":\"5m\",\"targets\":{\"selector\":{}},\"cards\":%s}", cards);
    put(b, KIND_SCHEDULE, "team-a", "all", spec, NULL);
    CHECK_INT(store_decode(b->store, &key, schedule, &err), 0);
    CHECK_STR(err.text, "");
}

TEST(a_target_gets_the_first_cards_by_name_and_none_that_is_being_deleted)
{
    struct bench b;
    bench_init(&b, MANY);
    json_auto_t *leaving = fake_object("ChaosCard", "team-a", "card-0003", "8", "{\"id\":\"X0003\"}", NULL);
    json_put_str(json_object_get(leaving, "metadata"), "deletionTimestamp", "2026-09-21T00:00:00Z");
    CHECK(store_put(b.store, KIND_CARD, leaving));
    size_t count;
    struct card *cards = gather_cards_of_target(&b.lookup, "team-a", &count);
    CHECK_INT(count, TARGET_CARDS_MAX);
    CHECK_STR(cards[0].meta.name, "card-0000");
    CHECK_STR(cards[0].meta.ns, "team-a");
    CHECK_STR(cards[3].meta.name, "card-0004");
    cards_free(cards, count);
    bench_done(&b);
}

TEST(a_schedule_gets_those_that_it_selects_and_one_more_than_it_may)
{
    static const struct {
        const char *sentence, *cards;
        size_t count;
        const char *first;
    } rows[] = {
        {"all of very many", "{}", SCHEDULE_CARDS_MAX + 1, "card-0000"},
        {"a few of very many, by their ids", "{\"ids\":[\"X0599\",\"X9999\",\"X5555\"]}", 2, "card-0599"},
        {"none of them has that label", "{\"selector\":{\"matchLabels\":{\"n\":\"1\"}}}", 0, NULL},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct bench b;
        bench_init(&b, MANY);
        auto_schedule struct schedule schedule = {0};
        schedule_of(&b, rows[i].cards, &schedule);
        size_t count;
        struct card *cards = gather_cards_of_schedule(&b.lookup, &schedule, &count);
        CHECK_INT(count, rows[i].count);
        if (count && rows[i].first)
            CHECK_STR(cards[0].meta.name, rows[i].first);
        cards_free(cards, count);
        bench_done(&b);
    }
}

TEST(of_drills_that_are_over_a_target_gets_the_newest_of_the_cards_it_looks_at)
{
    struct bench b;
    bench_init(&b, 2);
    char name[24], spec[96], status[128];
    for (int i = 0; i < 30; i++) {
        str_format(name, sizeof(name), "d%d", i);
        str_format(spec, sizeof(spec), "{\"target\":\"shop\",\"card\":\"card-%04d\"}", i % 3);
        str_format(status, sizeof(status), "{\"phase\":\"Succeeded\",\"revertedAt\":\"2026-09-21T00:%02d:00Z\"}", i);
        put(&b, KIND_DRILL, "team-a", name, spec, status);
    }
    put(&b, KIND_DRILL, "team-a", "waiting", "{\"target\":\"shop\",\"card\":\"card-0002\"}", NULL);
    size_t card_count, count;
    struct card *cards = gather_cards_of_target(&b.lookup, "team-a", &card_count);
    CHECK_INT(card_count, 3); /* 0 and 1, and the catalog's 9999 */
    struct drill *drills = gather_drills_of_target(&b.lookup, "team-a", "shop", cards, card_count, &count);
    CHECK_INT(count, 3); /* that which is not over, and the newest of cards 0 and 1 */
    for (size_t i = 0; i < count; i++)
        CHECK(str_equal(drills[i].meta.name, "waiting") || str_equal(drills[i].meta.name, "d27") ||
              str_equal(drills[i].meta.name, "d28"));
    drills_free(drills, count);
    cards_free(cards, card_count);
    bench_done(&b);
}

int main(void)
{
    return check_run();
}

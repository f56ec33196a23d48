#include "base/map.h"

#include "base/random.h"
#include "base/str.h"
#include "check.h"

static int freed;

static void count_free(void *value)
{
    freed++;
    free(value);
}

/* The keys in order, as "a b c". */
static const char *order(const struct map *m)
{
    static char text[256];
    size_t at = 0, used = 0;
    const char *key;
    text[0] = '\0';
    while (map_next(m, &at, &key, NULL))
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "", key);
    return text;
}

TEST(what_was_set_is_found)
{
    int one = 1, two = 2;
    auto_map struct map *m = map_new(NULL);
    CHECK(!map_get(m, "a"));
    CHECK(!map_get(m, NULL));
    map_set(m, "a", &one);
    map_set(m, "", &two);
    CHECK(map_get(m, "a") == &one);
    CHECK(map_get(m, "") == &two);
    CHECK(!map_get(m, "b"));
    CHECK_INT(map_count(m), 2);
}

TEST(the_key_is_copied)
{
    int one = 1;
    char key[] = "abc";
    auto_map struct map *m = map_new(NULL);
    map_set(m, key, &one);
    key[0] = 'x';
    CHECK(map_get(m, "abc") == &one);
}

TEST(owned_values_are_freed_when_replaced_removed_cleared_and_at_the_end)
{
    freed = 0;
    struct map *m = map_new(count_free);
    map_set(m, "a", mem_strdup("1"));
    map_set(m, "a", mem_strdup("2"));
    CHECK_INT(freed, 1);
    CHECK_STR(map_get(m, "a"), "2");
    map_set(m, "a", map_get(m, "a"));
    CHECK_INT(freed, 1);
    CHECK(map_remove(m, "a"));
    CHECK_INT(freed, 2);
    CHECK(!map_remove(m, "a"));
    map_set(m, "b", mem_strdup("3"));
    auto_free char *taken = map_take(m, "b");
    CHECK_STR(taken, "3");
    CHECK(!map_take(m, "b"));
    CHECK_INT(freed, 2);
    map_set(m, "c", mem_strdup("4"));
    map_clear(m);
    CHECK_INT(freed, 3);
    CHECK_INT(map_count(m), 0);
    map_set(m, "d", mem_strdup("5"));
    map_free(m);
    CHECK_INT(freed, 4);
    map_free(NULL);
}

TEST(iteration_is_in_insertion_order)
{
    int v;
    auto_map struct map *m = map_new(NULL);
    CHECK_STR(order(m), "");
    static const char *const keys[] = {"z", "m", "a", "q", "b"};
    for (size_t i = 0; i < array_len(keys); i++)
        map_set(m, keys[i], &v);
    CHECK_STR(order(m), "z m a q b");
    map_set(m, "m", &freed);
    CHECK_STR(order(m), "z m a q b");
    map_remove(m, "m");
    map_set(m, "m", &v);
    CHECK_STR(order(m), "z a q b m");
    map_remove(m, "z");
    CHECK_STR(order(m), "a q b m");
}

TEST(the_entry_just_handed_out_may_be_removed)
{
    auto_map struct map *m = map_new(count_free);
    char key[16];
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        map_set(m, key, mem_strdup(key));
    }
    size_t at = 0;
    const char *name;
    void *value;
    int seen = 0;
    while (map_next(m, &at, &name, &value)) {
        snprintf(key, sizeof(key), "k%d", seen);
        CHECK_STR(name, key);
        CHECK_STR(value, key);
        if (seen++ % 3)
            map_remove(m, key);
    }
    CHECK_INT(seen, 100);
    CHECK_INT(map_count(m), 34);
    for (at = 0; map_next(m, &at, &name, NULL);) {
        str_copy(key, sizeof(key), name);
        map_remove(m, key);
    }
    CHECK_INT(map_count(m), 0);
    CHECK(!map_next(m, &at, NULL, NULL));
}

/* Against a plain array that does the same slowly. */
TEST(a_long_random_run_agrees_with_a_plain_array)
{
    enum { KEYS = 300, STEPS = 60000 };
    static char names[KEYS][8];
    static int values[KEYS];
    int model[KEYS], count = 0; /* numbers of the keys, in insertion order */
    auto_map struct map *m = map_new(NULL);
    struct random r;
    random_init(&r, 1);
    for (int i = 0; i < KEYS; i++)
        snprintf(names[i], sizeof(names[i]), "k%d", i);
    for (int step = 0; step < STEPS; step++) {
        int number = (int)random_below(&r, KEYS), at = 0;
        while (at < count && model[at] != number)
            at++;
        CHECK(map_get(m, names[number]) == (at < count ? &values[number] : NULL));
        /* Fills up and runs empty in turns. */
        if (random_below(&r, 10) < (step / 5000 % 2 ? 2 : 8)) {
            map_set(m, names[number], &values[number]);
            if (at == count)
                model[count++] = number;
        } else {
            CHECK_INT(map_remove(m, names[number]), at < count);
            if (at < count) {
                memmove(model + at, model + at + 1, (size_t)(count - at - 1) * sizeof(model[0]));
                count--;
            }
        }
        CHECK_INT(map_count(m), count);
        if (step % 97 == 0) {
            size_t position = 0;
            const char *key;
            int i = 0;
            for (; map_next(m, &position, &key, NULL) && i < count; i++)
                CHECK_STR(key, names[model[i]]);
            CHECK_INT(i, count);
        }
    }
}

/* Quadratic work would take minutes here. */
TEST(large_maps_and_queues_are_not_slow)
{
    enum { MANY = 200000 };
    static int v;
    auto_map struct map *m = map_new(NULL);
    char key[24];
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof(key), "default/pod-%d", i);
        map_set(m, key, &v);
    }
    for (int i = 0; i < MANY; i++) { /* the first out, a new one in */
        size_t at = 0;
        const char *first;
        map_next(m, &at, &first, NULL);
        str_copy(key, sizeof(key), first);
        map_remove(m, key);
        snprintf(key, sizeof(key), "default/new-%d", i);
        map_set(m, key, &v);
    }
    CHECK_INT(map_count(m), MANY);
    CHECK(map_get(m, "default/new-0"));
    CHECK(!map_get(m, "default/pod-199999"));
}

int main(void)
{
    return check_run();
}

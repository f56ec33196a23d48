#include "base/random.h"

#include "check.h"

TEST(the_generator_gives_the_published_numbers)
{
    /* From the state {1, 2, 3, 4}: the reference implementation, as quoted by rust-random's xoshiro256starstar test. */
    static const uint64_t want[] = {
        11520u,
        0u,
        1509978240u,
        1215971899390074240u,
        1216172134540287360u,
        607988272756665600u,
        16172922978634559625u,
        8476171486693032832u,
        10595114339597558777u,
        2904607092377533576u,
    };
    struct random r = {{1, 2, 3, 4}};
    for (size_t i = 0; i < array_len(want); i++)
        CHECK(random_u64(&r) == want[i]);
}

TEST(the_seed_is_spread_by_splitmix64)
{
    /* The reference implementation's first numbers from the seed 1234567. */
    static const uint64_t want[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u};
    struct random r;
    random_init(&r, 1234567);
    for (size_t i = 0; i < array_len(want); i++)
        CHECK(r.s[i] == want[i]);
}

TEST(one_seed_is_one_run)
{
    struct random a, b, c;
    random_init(&a, 42);
    random_init(&b, 42);
    random_init(&c, 43);
    bool differs = false;
    for (int i = 0; i < 100; i++) {
        uint64_t draw = random_u64(&a);
        CHECK(draw == random_u64(&b));
        differs = differs || draw != random_u64(&c);
    }
    CHECK(differs);
}

TEST(below_stays_below_and_every_value_comes_about_as_often)
{
    enum { SIDES = 6, DRAWS = 60000 };
    int seen[SIDES] = {0};
    struct random r;
    random_init(&r, 3);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t draw = random_below(&r, SIDES);
        CHECK(draw < SIDES);
        if (draw < SIDES)
            seen[draw]++;
    }
    for (int i = 0; i < SIDES; i++)
        CHECK(seen[i] > DRAWS / SIDES * 95 / 100 && seen[i] < DRAWS / SIDES * 105 / 100);
    CHECK_INT(random_below(&r, 1), 0);
}

TEST(below_draws_again_where_the_remainders_would_be_uneven)
{
    /* With n = 3 * 2^62 a quarter of all draws, those below 2^62, must not be used; a plain remainder would favour them. */
    uint64_t n = (uint64_t)3 << 62;
    struct random r, plain;
    random_init(&r, 9);
    plain = r;
    int skipped = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t draw = random_below(&r, n), raw;
        while ((raw = random_u64(&plain)) < (uint64_t)1 << 62)
            skipped++;
        CHECK(draw == raw % n);
    }
    CHECK(skipped > 200);
}

TEST(unit_lies_from_zero_to_below_one)
{
    struct random r = {{0, 0, 0, 1}}; /* the first number is 0 */
    CHECK(random_unit(&r) == 0.0);
    random_init(&r, 5);
    double sum = 0;
    for (int i = 0; i < 10000; i++) {
        double u = random_unit(&r);
        CHECK(u >= 0 && u < 1);
        sum += u;
    }
    CHECK(sum > 4800 && sum < 5200);
}

TEST(the_system_gives_another_seed_each_time)
{
    CHECK(random_seed_os() != random_seed_os());
}

int main(void)
{
    return check_run();
}

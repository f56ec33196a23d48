#include "base/time.h"

#include "check.h"

#include <time.h>

static const struct {
    const char *sentence;
    usec_t a, b, want;
} sums[] = {
    {"plain", 2, 3, 5},
    {"negative", 2, -3, -1},
    {"never stays never", USEC_NEVER, 1, USEC_NEVER},
    {"never stays never even when something is taken off", USEC_NEVER, -5, USEC_NEVER},
    {"never on the right", -5, USEC_NEVER, USEC_NEVER},
    {"too much is never", INT64_MAX - 1, 2, USEC_NEVER},
    {"too little is the least", INT64_MIN, -1, INT64_MIN},
    {"just fits", INT64_MAX - 2, 1, INT64_MAX - 1},
};

TEST(addition_saturates)
{
    for (size_t i = 0; i < array_len(sums); i++) {
        CHECK_ROW(sums[i].sentence);
        CHECK_INT(usec_add(sums[i].a, sums[i].b), sums[i].want);
    }
}

TEST(min_and_max)
{
    CHECK_INT(usec_min(1, 2), 1);
    CHECK_INT(usec_min(2, 1), 1);
    CHECK_INT(usec_max(1, USEC_NEVER), USEC_NEVER);
    CHECK_INT(usec_max(-1, -2), -1);
}

TEST(both_count_microseconds)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    usec_t since = time_monotonic() - ((usec_t)t.tv_sec * USEC_SEC + t.tv_nsec / 1000);
    CHECK(since >= 0 && since < 10 * USEC_SEC);
    for (int i = 0; i < 20; i++) { /* nanoseconds mistaken for microseconds run ahead and jump back */
        usec_t wall = time_wall();
        clock_gettime(CLOCK_REALTIME, &t);
        CHECK(wall / USEC_SEC <= t.tv_sec && wall / USEC_SEC >= t.tv_sec - 10);
    }
}

TEST(clocks_run_forward_in_microseconds)
{
    usec_t a = time_monotonic(), b = time_monotonic();
    CHECK(a > 0 && b >= a && b - a < 10 * USEC_SEC);
    CHECK(time_wall() > (usec_t)1577836800 * USEC_SEC); /* 2020 */
    CHECK(time_wall() < (usec_t)7258118400 * USEC_SEC); /* 2200 */
}

int main(void)
{
    return check_run();
}

/* tests/unit/check.h — what a unit test needs and no more.
 *
 *   TEST(a_deleted_drill_reverts_before_it_lets_go) { CHECK_INT(decide(…), EFFECT_REVERT); }
 *   int main(void) { return check_run(); }
 *
 * A failed check prints where and what, and the test goes on: one run shows everything that is wrong. CHECK_ROW names the row
 * of a table while its checks run. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct check_test {
    const char *name;
    void (*run)(void);
    struct check_test *next;
};
static struct check_test *check_first, **check_last = &check_first;
static int check_failures;
static const char *check_row;

#define TEST(test_name)                                                                                                            \
    static void test_name(void);                                                                                                   \
    static struct check_test check_test_##test_name = {#test_name, test_name, NULL};                                               \
    __attribute__((constructor)) static void check_register_##test_name(void)                                                      \
    {                                                                                                                              \
        *check_last = &check_test_##test_name;                                                                                     \
        check_last = &check_test_##test_name.next;                                                                                 \
    }                                                                                                                              \
    static void test_name(void)

#define CHECK_ROW(sentence) (check_row = (sentence))

#define CHECK_FAIL(...)                                                                                                            \
    do {                                                                                                                           \
        check_failures++;                                                                                                          \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                                            \
        if (check_row)                                                                                                             \
            fprintf(stderr, "[%s] ", check_row);                                                                                   \
        fprintf(stderr, __VA_ARGS__);                                                                                              \
        fputc('\n', stderr);                                                                                                       \
    } while (0)

#define CHECK(condition)                                                                                                           \
    do {                                                                                                                           \
        if (!(condition))                                                                                                          \
            CHECK_FAIL("not true: %s", #condition);                                                                                \
    } while (0)

#define CHECK_INT(got, want)                                                                                                       \
    do {                                                                                                                           \
        long long check_got = (long long)(got), check_want = (long long)(want);                                                    \
        if (check_got != check_want)                                                                                               \
            CHECK_FAIL("%s is %lld, want %lld", #got, check_got, check_want);                                                      \
    } while (0)

#define CHECK_STR(got, want)                                                                                                       \
    do {                                                                                                                           \
        const char *check_got = (got), *check_want = (want);                                                                       \
        if (!check_got != !check_want || (check_got && strcmp(check_got, check_want) != 0))                                        \
            CHECK_FAIL("%s is \"%s\", want \"%s\"", #got, check_got ? check_got : "(null)", check_want ? check_want : "(null)");   \
    } while (0)

/* `got` contains `part`. */
#define CHECK_CONTAINS(got, part)                                                                                                  \
    do {                                                                                                                           \
        const char *check_got = (got), *check_part = (part);                                                                       \
        if (!check_got || !strstr(check_got, check_part))                                                                          \
            CHECK_FAIL("%s is \"%s\", which lacks \"%s\"", #got, check_got ? check_got : "(null)", check_part);                    \
    } while (0)

static inline int check_run(void)
{
    int tests = 0, failed = 0;
    for (struct check_test *t = check_first; t; t = t->next) {
        int before = check_failures;
        check_row = NULL;
        t->run();
        tests++;
        bool bad = check_failures != before;
        failed += bad;
        printf("%s %d - %s\n", bad ? "not ok" : "ok", tests, t->name);
    }
    printf("1..%d\n", tests);
    return failed || tests == 0 ? 1 : 0;
}

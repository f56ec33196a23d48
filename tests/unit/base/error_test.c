#include "base/error.h"

#include "check.h"

#include <errno.h>

TEST(set_stores_class_and_text_and_returns_minus_one)
{
    struct error err = {0};
    CHECK_INT(error_set(&err, ERROR_INVALID, "bad %d", 5), -1);
    CHECK_INT(err.class, ERROR_INVALID);
    CHECK_STR(err.text, "bad 5");
}

TEST(a_caller_that_does_not_care_passes_null)
{
    CHECK_INT(error_set(NULL, ERROR_GONE, "x"), -1);
    CHECK_INT(error_wrap(NULL, "x"), -1);
    CHECK_INT(error_errno(NULL, ENOENT, "x"), -1);
    error_clear(NULL);
    CHECK(!error_outcome_unknown(NULL));
}

TEST(set_forgets_what_the_former_error_knew)
{
    struct error err = {.class = ERROR_TOO_MANY, .http_status = 429, .retry_after_ms = 9};
    error_set(&err, ERROR_INTERNAL, "new");
    CHECK_INT(err.http_status, 0);
    CHECK_INT(err.retry_after_ms, 0);
}

TEST(wrap_puts_what_was_done_in_front_and_keeps_the_rest)
{
    struct error err = {0};
    error_set(&err, ERROR_TOO_MANY, "slow down");
    err.http_status = 429;
    err.retry_after_ms = 1000;
    CHECK_INT(error_wrap(&err, "patch %s/%s", "ns", "a"), -1);
    CHECK_STR(err.text, "patch ns/a: slow down");
    CHECK_INT(err.class, ERROR_TOO_MANY);
    CHECK_INT(err.http_status, 429);
    CHECK_INT(err.retry_after_ms, 1000);
}

TEST(wrap_of_no_error_is_a_defect)
{
    struct error err = {0};
    error_wrap(&err, "patch");
    CHECK_INT(err.class, ERROR_INTERNAL);
    CHECK_STR(err.text, "patch");
    error_set(&err, ERROR_NONE, "nothing");
    CHECK_INT(err.class, ERROR_INTERNAL);
}

TEST(the_arguments_may_be_the_text_itself)
{
    struct error err = {0};
    error_set(&err, ERROR_GONE, "too old");
    error_set(&err, ERROR_INTERNAL, "<%s>", err.text);
    CHECK_STR(err.text, "<too old>");
    error_wrap(&err, "[%s]", err.text);
    CHECK_STR(err.text, "[<too old>]: <too old>");
}

TEST(a_text_that_is_too_long_is_cut_between_characters)
{
    struct error err = {0};
    char longer[ERROR_TEXT_MAX + 100];
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    longer[ERROR_TEXT_MAX - 5] = '\xC3'; /* é would begin before the cut and end behind it */
    longer[ERROR_TEXT_MAX - 4] = '\xA9';
    error_set(&err, ERROR_INVALID, "%s", longer);
    CHECK_INT(strlen(err.text), ERROR_TEXT_MAX - 2);
    CHECK_STR(err.text + strlen(err.text) - 4, "x…");
    error_wrap(&err, "in front");
    CHECK(strlen(err.text) < ERROR_TEXT_MAX);
    CHECK_STR(err.text + strlen(err.text) - 3, "…");
    CHECK_INT(strncmp(err.text, "in front: xx", 12), 0);
    error_set(&err, ERROR_INVALID, "%.*s", ERROR_TEXT_MAX - 1, longer);
    CHECK_INT(strlen(err.text), ERROR_TEXT_MAX - 1);
    error_wrap(&err, "%s", longer);
    CHECK(strlen(err.text) < ERROR_TEXT_MAX);
}

static const struct {
    const char *sentence;
    int errnum;
    enum error_class want;
} errnos[] = {
    {"a missing file is not found", ENOENT, ERROR_NOT_FOUND},
    {"no permission is forbidden", EACCES, ERROR_FORBIDDEN},
    {"no privilege is forbidden", EPERM, ERROR_FORBIDDEN},
    {"a time that ran out is a timeout", ETIMEDOUT, ERROR_TIMEOUT},
    {"a refused connection is unavailable", ECONNREFUSED, ERROR_UNAVAILABLE},
    {"a reset connection is unavailable", ECONNRESET, ERROR_UNAVAILABLE},
    {"an aborted connection is unavailable", ECONNABORTED, ERROR_UNAVAILABLE},
    {"anything else is internal", EDOM, ERROR_INTERNAL},
};

TEST(errno_gives_the_class)
{
    for (size_t i = 0; i < array_len(errnos); i++) {
        CHECK_ROW(errnos[i].sentence);
        struct error err = {0};
        CHECK_INT(error_errno(&err, errnos[i].errnum, "open %s", "/x"), -1);
        CHECK_INT(err.class, errnos[i].want);
        CHECK_INT(strncmp(err.text, "open /x: ", 9), 0);
        CHECK_CONTAINS(err.text, strerror(errnos[i].errnum));
    }
}

TEST(every_class_has_a_name_of_its_own)
{
    for (int a = ERROR_NONE; a <= ERROR_INTERNAL; a++)
        for (int b = ERROR_NONE; b < a; b++)
            CHECK(strcmp(error_class_name((enum error_class)a), error_class_name((enum error_class)b)) != 0);
    CHECK_STR(error_class_name(ERROR_CONFLICT), "CONFLICT");
    CHECK(error_class_name((enum error_class)99));
}

TEST(clear_makes_no_error)
{
    struct error err = {0};
    error_set(&err, ERROR_GONE, "x");
    error_clear(&err);
    CHECK_INT(err.class, ERROR_NONE);
    CHECK_STR(err.text, "");
}

TEST(only_three_classes_leave_the_outcome_open)
{
    for (int class = ERROR_NONE; class <= ERROR_INTERNAL; class ++) {
        struct error err = {.class = (enum error_class) class};
        CHECK_INT(error_outcome_unknown(&err), class == ERROR_TIMEOUT || class == ERROR_UNAVAILABLE || class == ERROR_CANCELLED);
    }
}

int main(void)
{
    return check_run();
}

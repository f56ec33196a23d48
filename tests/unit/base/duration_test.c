#include "base/duration.h"

#include "base/str.h"
#include "check.h"

static const struct {
    const char *sentence, *text;
    usec_t want; /* -1: refused */
} rows[] = {
    {"seconds", "90s", 90 * USEC_SEC},
    {"milliseconds are not minutes", "500ms", 500 * USEC_MSEC},
    {"minutes", "5m", 5 * USEC_MINUTE},
    {"days", "7d", 7 * USEC_DAY},
    {"minutes and milliseconds", "1m5ms", USEC_MINUTE + 5 * USEC_MSEC},
    {"every unit", "1d2h3m4s5ms", USEC_DAY + 2 * USEC_HOUR + 3 * USEC_MINUTE + 4 * USEC_SEC + 5 * USEC_MSEC},
    {"more than the next unit holds", "100h", 100 * USEC_HOUR},
    {"zero", "0s", 0},
    {"leading zeros", "007s", 7 * USEC_SEC},
    {"ten years", "3650d", 3650 * USEC_DAY},
    {"empty", "", -1},
    {"NULL", NULL, -1},
    {"no unit", "5", -1},
    {"no number", "m", -1},
    {"a unit that Go knows and we do not", "5us", -1},
    {"an unknown unit", "5w", -1},
    {"the smaller unit first", "30s1m", -1},
    {"a unit twice", "1m1m", -1},
    {"a sign", "-1s", -1},
    {"a plus", "+1s", -1},
    {"a fraction", "1.5h", -1},
    {"a blank inside", "1m 5s", -1},
    {"a blank before", " 1m", -1},
    {"a number at the end", "1m5", -1},
    {"upper case", "1M", -1},
    {"ten years and a little", "3650d1ms", -1},
    {"over ten years in small units", "315360001s", -1},
    {"more digits than a number holds", "99999999999999999999999999999d", -1},
    {"digits that would wrap to a small number", "18446744073709551617s", -1},
};

TEST(parsing)
{
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct error err = {0};
        usec_t d = 77;
        CHECK_INT(duration_parse(rows[i].text, "spec.every", &d, &err), rows[i].want < 0 ? -1 : 0);
        CHECK_INT(d, rows[i].want < 0 ? 77 : rows[i].want);
        CHECK_INT(err.class, rows[i].want < 0 ? ERROR_INVALID : ERROR_NONE);
    }
}

TEST(the_error_names_field_value_and_what_would_be_right)
{
    struct error err = {0};
    usec_t d;
    duration_parse("5", "spec.every", &d, &err);
    CHECK_STR(err.text, "spec.every: \"5\" is not a duration; write for example \"5m\", \"90s\" or \"1h30m\"");
    duration_parse(NULL, "spec.every", &d, &err);
    CHECK_CONTAINS(err.text, "spec.every: \"\" is not a duration");
    duration_parse("9999d", NULL, &d, &err);
    CHECK_STR(err.text, "\"9999d\" is longer than 10 years (3650d)");
    duration_parse("5\n", "x", &d, &err);
    CHECK_CONTAINS(err.text, "\"5\\n\"");
    CHECK_INT(duration_parse("5", NULL, &d, NULL), -1);
}

static const struct {
    const char *sentence;
    usec_t d;
    const char *want;
} formats[] = {
    {"nothing", 0, "0s"},
    {"microseconds", 999, "999us"},
    {"milliseconds", 340 * USEC_MSEC, "340ms"},
    {"milliseconds are rounded", 1499, "1ms"},
    {"milliseconds are rounded up", 1500, "2ms"},
    {"just under a second becomes one", 999500, "1s"},
    {"one more below it does not", 999499, "999ms"},
    {"tenths of seconds", 1200 * USEC_MSEC, "1.2s"},
    {"whole seconds", 5 * USEC_SEC, "5s"},
    {"tenths are rounded", 1250 * USEC_MSEC, "1.3s"},
    {"just under a minute becomes one", 59950 * USEC_MSEC, "1m"},
    {"one more below it does not", 59949 * USEC_MSEC, "59.9s"},
    {"minutes and seconds", 125 * USEC_SEC, "2m5s"},
    {"just under an hour becomes one", USEC_HOUR - USEC_SEC / 2, "1h"},
    {"one more below it does not", USEC_HOUR - USEC_SEC / 2 - 1, "59m59s"},
    {"hours", 3 * USEC_HOUR, "3h"},
    {"hours and minutes", 3 * USEC_HOUR + 7 * USEC_MINUTE + 29 * USEC_SEC, "3h7m"},
    {"just under a day becomes one", USEC_DAY - USEC_MINUTE / 2, "1d"},
    {"one more below it does not", USEC_DAY - USEC_MINUTE / 2 - 1, "23h59m"},
    {"days and hours", 4 * USEC_DAY + 2 * USEC_HOUR, "4d2h"},
    {"hours are rounded into days", 4 * USEC_DAY + 23 * USEC_HOUR + 30 * USEC_MINUTE, "5d"},
    {"negative", -90 * USEC_SEC, "-1m30s"},
    {"never", USEC_NEVER, "never"},
    {"the longest", INT64_MIN, "-106751991d4h"},
};

TEST(formatting)
{
    for (size_t i = 0; i < array_len(formats); i++) {
        CHECK_ROW(formats[i].sentence);
        char dest[32];
        CHECK(duration_format(formats[i].d, dest, sizeof(dest)) == dest);
        CHECK_STR(dest, formats[i].want);
    }
    CHECK_ROW("what does not fit is cut");
    char small[4];
    CHECK_STR(duration_format(125 * USEC_SEC, small, sizeof(small)), "2m5");
}

int main(void)
{
    return check_run();
}

#include "base/rfc3339.h"

#include "check.h"

static const struct {
    const char *sentence, *text;
    bool good;
    usec_t want;
} rows[] = {
    {"the beginning", "1970-01-01T00:00:00Z", true, 0},
    {"as the API server writes it", "2026-11-25T09:30:00Z", true, 1795599000000000},
    {"MicroTime", "2026-11-25T09:30:00.123456Z", true, 1795599000123456},
    {"one fraction digit", "1970-01-01T00:00:01.5Z", true, 1500000},
    {"nanoseconds are cut", "1970-01-01T00:00:00.123456999Z", true, 123456},
    {"before 1970", "1969-12-31T23:59:59.9Z", true, -100000},
    {"an offset east lies earlier", "1970-01-01T01:00:00+01:00", true, 0},
    {"an offset west lies later", "1969-12-31T18:30:00-05:30", true, 0},
    {"minus zero is zero", "1970-01-01T00:00:00-00:00", true, 0},
    {"lower case", "1970-01-01t00:00:00z", true, 0},
    {"29 February of a leap year", "2024-02-29T00:00:00Z", true, 1709164800000000},
    {"the year 0", "0000-01-01T00:00:00Z", true, -62167219200000000},
    {"the last microsecond", "9999-12-31T23:59:59.999999Z", true, 253402300799999999},
    {"29 February of another year", "2023-02-29T00:00:00Z", false, 0},
    {"29 February 1900", "1900-02-29T00:00:00Z", false, 0},
    {"31 April", "2024-04-31T00:00:00Z", false, 0},
    {"the month 0", "2024-00-01T00:00:00Z", false, 0},
    {"the month 13", "2024-13-01T00:00:00Z", false, 0},
    {"the day 0", "2024-01-00T00:00:00Z", false, 0},
    {"24 o'clock", "2024-01-01T24:00:00Z", false, 0},
    {"minute 60", "2024-01-01T00:60:00Z", false, 0},
    {"a leap second", "2016-12-31T23:59:60Z", false, 0},
    {"no fraction behind the point", "2024-01-01T00:00:00.Z", false, 0},
    {"ten fraction digits", "2024-01-01T00:00:00.1234567890Z", false, 0},
    {"a comma", "2024-01-01T00:00:00,5Z", false, 0},
    {"no zone", "2024-01-01T00:00:00", false, 0},
    {"a blank for the T", "2024-01-01 00:00:00Z", false, 0},
    {"an offset without a colon", "2024-01-01T00:00:00+0100", false, 0},
    {"an offset of a day", "2024-01-01T00:00:00+24:00", false, 0},
    {"an offset of 60 minutes", "2024-01-01T00:00:00+01:60", false, 0},
    {"trailing bytes", "2024-01-01T00:00:00Z ", false, 0},
    {"a leading blank", " 2024-01-01T00:00:00Z", false, 0},
    {"a year of two digits", "24-01-01T00:00:00Z", false, 0},
    {"a sign in a number", "2024-+1-01T00:00:00Z", false, 0},
    {"only a date", "2024-01-01", false, 0},
    {"empty", "", false, 0},
    {"NULL", NULL, false, 0},
};

TEST(parsing)
{
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        usec_t wall = 77;
        CHECK_INT(rfc3339_parse(rows[i].text, &wall), rows[i].good);
        CHECK_INT(wall, rows[i].good ? rows[i].want : 77);
    }
}

static const struct {
    const char *sentence;
    usec_t wall;
    const char *want, *want_micro;
} formats[] = {
    {"the beginning", 0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"},
    {"a fraction is cut from whole seconds", 1795599000999999, "2026-11-25T09:30:00Z", "2026-11-25T09:30:00.999999Z"},
    {"before 1970 a second is cut towards the past", -1, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.999999Z"},
    {"the end of a leap day", 1709251199999999, "2024-02-29T23:59:59Z", "2024-02-29T23:59:59.999999Z"},
    {"never is the last that four digits can say", USEC_NEVER, "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999Z"},
    {"and the other way", INT64_MIN, "0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000000Z"},
};

TEST(formatting)
{
    for (size_t i = 0; i < array_len(formats); i++) {
        char dest[RFC3339_SIZE];
        CHECK_ROW(formats[i].sentence);
        CHECK(rfc3339_format(formats[i].wall, dest) == dest);
        CHECK_STR(dest, formats[i].want);
        CHECK_STR(rfc3339_format_micro(formats[i].wall, dest), formats[i].want_micro);
    }
}

TEST(what_is_formatted_parses_back)
{
    for (usec_t wall = -62167219200000000; wall < 253402300800000000 - 7919 * USEC_DAY; wall += 7919 * USEC_DAY + 86399123457) {
        char dest[RFC3339_SIZE];
        usec_t back;
        CHECK(rfc3339_parse(rfc3339_format_micro(wall, dest), &back));
        CHECK_INT(back, wall);
    }
}

int main(void)
{
    return check_run();
}

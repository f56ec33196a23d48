#include "base/calendar.h"

#include "check.h"

static const struct {
    const char *sentence;
    int64_t days;
    struct date date;
    int weekday;
} rows[] = {
    {"the first day is a Thursday", 0, {1970, 1, 1}, 4},
    {"the day before it", -1, {1969, 12, 31}, 3},
    {"29 February 2000", 11016, {2000, 2, 29}, 2},
    {"the day after it", 11017, {2000, 3, 1}, 3},
    {"the last day before March of a year that is not leap", -25509, {1900, 2, 28}, 3},
    {"1900 has no 29 February", -25508, {1900, 3, 1}, 4},
    {"the year 0 is leap", -719469, {0, 2, 29}, 2},
    {"the last day with four digits", 2932896, {9999, 12, 31}, 5},
};

TEST(days_and_dates)
{
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        CHECK_INT(calendar_days(rows[i].date), rows[i].days);
        struct date date = calendar_date(rows[i].days);
        CHECK_INT(date.year, rows[i].date.year);
        CHECK_INT(date.month, rows[i].date.month);
        CHECK_INT(date.day, rows[i].date.day);
        CHECK_INT(calendar_weekday(rows[i].days), rows[i].weekday);
    }
}

TEST(four_hundred_years_day_by_day)
{
    struct date want = {1800, 1, 1};
    int64_t days = calendar_days(want);
    for (; want.year < 2210; days++) {
        struct date got = calendar_date(days);
        if (got.year != want.year || got.month != want.month || got.day != want.day || calendar_days(want) != days)
            CHECK_FAIL("day %lld is %lld-%d-%d", (long long)days, (long long)got.year, got.month, got.day);
        if (++want.day > calendar_month_days(want.year, want.month)) {
            want.day = 1;
            if (++want.month > 12) {
                want.month = 1;
                want.year++;
            }
        }
    }
}

TEST(leap_years)
{
    CHECK(calendar_leap(2024));
    CHECK(!calendar_leap(2023));
    CHECK(!calendar_leap(2100));
    CHECK(calendar_leap(2000));
    CHECK_INT(calendar_month_days(2024, 2), 29);
    CHECK_INT(calendar_month_days(2100, 2), 28);
    CHECK_INT(calendar_month_days(2024, 12), 31);
}

TEST(division_rounds_towards_the_past)
{
    CHECK_INT(calendar_floor_div(7, 3), 2);
    CHECK_INT(calendar_floor_div(-7, 3), -3);
    CHECK_INT(calendar_floor_div(-6, 3), -2);
    CHECK_INT(calendar_floor_div(0, 3), 0);
    CHECK_INT(calendar_floor_div(INT64_MIN, 1), INT64_MIN);
}

int main(void)
{
    return check_run();
}

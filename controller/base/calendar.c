#include "base/calendar.h"

/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March, eras have 400 years. */
#define DAYS_OF_ERA      146097
#define DAYS_BEFORE_1970 719468 /* from 0000-03-01 */

int64_t calendar_floor_div(int64_t n, int64_t by)
{
    return n / by - (n % by < 0);
}

int64_t calendar_days(struct date date)
{
    int64_t year = date.year - (date.month <= 2);
    int64_t era = calendar_floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_OF_ERA + day_of_era - DAYS_BEFORE_1970;
}

struct date calendar_date(int64_t days)
{
    days += DAYS_BEFORE_1970;
    int64_t era = calendar_floor_div(days, DAYS_OF_ERA);
    int64_t day_of_era = days - era * DAYS_OF_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month = (int)((5 * day_of_year + 2) / 153); /* 0 is March */
    struct date date = {.day = (int)day_of_year - (153 * month + 2) / 5 + 1, .month = month < 10 ? month + 3 : month - 9};
    date.year = year_of_era + era * 400 + (date.month <= 2);
    return date;
}

bool calendar_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int calendar_month_days(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && calendar_leap(year));
}

int calendar_weekday(int64_t days)
{
    int64_t since_sunday = days + 4; /* 1970-01-01 was a Thursday */
    return (int)(since_sunday - calendar_floor_div(since_sunday, 7) * 7);
}

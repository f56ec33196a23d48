/* base/calendar.h — the proleptic Gregorian calendar as arithmetic, for every module that turns days into dates. */
#pragma once

#include "base/mem.h"

struct date {
    int64_t year;
    int month, day;
}; /* month 1-12, day 1-31 */

int64_t calendar_days(struct date date); /* days since 1970-01-01; the date must be a valid one */
struct date calendar_date(int64_t days); /* its inverse */
int calendar_month_days(int64_t year, int month);
int calendar_weekday(int64_t days); /* 0 Sunday */
bool calendar_leap(int64_t year);

/* Rounds towards the past also before 1970. by > 0. */
int64_t calendar_floor_div(int64_t n, int64_t by);

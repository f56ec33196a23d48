#include "base/rfc3339.h"

#include "base/calendar.h"

#include <stdio.h>

/* 0000-01-01T00:00:00 and 9999-12-31T23:59:59.999999: a year has four digits. */
#define WALL_FIRST (-719528 * USEC_DAY)
#define WALL_LAST  (2932897 * USEC_DAY - 1)

/* Reads exactly `count` digits as a number from 0 to max and moves on. */
static bool take_number(const char **s, int count, int max, int *ret_value)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        char c = **s;
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
        (*s)++;
    }
    *ret_value = value;
    return value <= max;
}

static bool take_char(const char **s, char c)
{
    if (**s != c)
        return false;
    (*s)++;
    return true;
}

static bool take_date(const char **s, struct date *ret_date)
{
    int year, month, day;
    if (!take_number(s, 4, 9999, &year) || !take_char(s, '-') || !take_number(s, 2, 12, &month) || !take_char(s, '-') ||
        !take_number(s, 2, 31, &day))
        return false;
    if (month < 1 || day < 1 || day > calendar_month_days(year, month))
        return false;
    *ret_date = (struct date){.year = year, .month = month, .day = day};
    return true;
}

/* No 24:00 and no leap second: Go's time.Parse, which the API server uses, refuses both. */
static bool take_time(const char **s, usec_t *ret_time)
{
    int hour, minute, second;
    if (!take_number(s, 2, 23, &hour) || !take_char(s, ':') || !take_number(s, 2, 59, &minute) || !take_char(s, ':') ||
        !take_number(s, 2, 59, &second))
        return false;
    usec_t time = hour * USEC_HOUR + minute * USEC_MINUTE + second * USEC_SEC;
    if (take_char(s, '.')) {
        int count = 0;
        usec_t unit = USEC_SEC;
        for (; **s >= '0' && **s <= '9'; (*s)++, count++) {
            unit /= 10; /* 0 from the seventh digit on */
            time += (**s - '0') * unit;
        }
        if (count < 1 || count > 9)
            return false;
    }
    *ret_time = time;
    return true;
}

static bool take_offset(const char **s, usec_t *ret_offset)
{
    if (take_char(s, 'Z') || take_char(s, 'z')) {
        *ret_offset = 0;
        return true;
    }
    bool west = **s == '-';
    int hour, minute;
    if (!west && **s != '+')
        return false;
    (*s)++;
    if (!take_number(s, 2, 23, &hour) || !take_char(s, ':') || !take_number(s, 2, 59, &minute))
        return false;
    usec_t offset = hour * USEC_HOUR + minute * USEC_MINUTE;
    *ret_offset = west ? -offset : offset;
    return true;
}

bool rfc3339_parse(const char *s, usec_t *ret_wall)
{
    struct date date;
    usec_t time, offset;
    if (!s || !take_date(&s, &date) || (!take_char(&s, 'T') && !take_char(&s, 't')) || !take_time(&s, &time) ||
        !take_offset(&s, &offset) || *s)
        return false;
    *ret_wall = calendar_days(date) * USEC_DAY + time - offset;
    return true;
}

static const char *format(usec_t wall, bool micro, char dest[RFC3339_SIZE])
{
    wall = usec_min(usec_max(wall, WALL_FIRST), WALL_LAST);
    int64_t days = calendar_floor_div(wall, USEC_DAY);
    struct date date = calendar_date(days);
    usec_t time = wall - days * USEC_DAY;
    unsigned second = (unsigned)(time / USEC_SEC);
    int n = snprintf(dest, RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u", (unsigned)date.year % 10000, (unsigned)date.month % 100,
                     (unsigned)date.day % 100, second / 3600 % 100, second / 60 % 60, second % 60);
    if (micro)
        snprintf(dest + n, RFC3339_SIZE - (size_t)n, ".%06uZ", (unsigned)(time % USEC_SEC));
    else
        snprintf(dest + n, RFC3339_SIZE - (size_t)n, "Z");
    return dest;
}

const char *rfc3339_format(usec_t wall, char dest[RFC3339_SIZE])
{
    return format(wall, false, dest);
}

const char *rfc3339_format_micro(usec_t wall, char dest[RFC3339_SIZE])
{
    return format(wall, true, dest);
}

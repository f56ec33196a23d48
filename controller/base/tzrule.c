#include "base/tzrule.h"

#include "base/calendar.h"

#define DAY_SECONDS 86400

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool take_char(const char **s, char c)
{
    if (**s != c)
        return false;
    (*s)++;
    return true;
}

static bool take_number(const char **s, int min, int max, int *ret_value)
{
    int value = 0, count = 0;
    for (; is_digit(**s) && count < 4; (*s)++, count++)
        value = value * 10 + (**s - '0');
    *ret_value = value;
    return count > 0 && value >= min && value <= max;
}

/* "CET" or "<+0330>": three characters at least; the name itself is of no use here. */
static bool take_name(const char **s)
{
    int count = 0;
    if (take_char(s, '<')) {
        for (; is_letter(**s) || is_digit(**s) || **s == '+' || **s == '-'; (*s)++)
            count++;
        return count >= 3 && take_char(s, '>');
    }
    for (; is_letter(**s); (*s)++)
        count++;
    return count >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(const char **s, int max_hours, int *ret_seconds)
{
    bool negative = take_char(s, '-');
    if (!negative)
        take_char(s, '+');
    int hours, minutes = 0, seconds = 0;
    if (!take_number(s, 0, max_hours, &hours))
        return false;
    if (take_char(s, ':') && (!take_number(s, 0, 59, &minutes) || (take_char(s, ':') && !take_number(s, 0, 59, &seconds))))
        return false;
    int sum = hours * 3600 + minutes * 60 + seconds;
    *ret_seconds = negative ? -sum : sum;
    return true;
}

static bool take_date(const char **s, struct tzrule_date *ret_date)
{
    struct tzrule_date date = {.time = 2 * 3600};
    if (!take_char(s, ','))
        return false;
    if (take_char(s, 'M')) {
        date.form = TZRULE_WEEK;
        if (!take_number(s, 1, 12, &date.month) || !take_char(s, '.') || !take_number(s, 1, 5, &date.week) || !take_char(s, '.') ||
            !take_number(s, 0, 6, &date.day))
            return false;
    } else if (take_char(s, 'J')) {
        date.form = TZRULE_JULIAN;
        if (!take_number(s, 1, 365, &date.day))
            return false;
    } else {
        date.form = TZRULE_DAY;
        if (!take_number(s, 0, 365, &date.day))
            return false;
    }
    if (take_char(s, '/') && !take_time(s, 167, &date.time))
        return false;
    *ret_date = date;
    return true;
}

bool tzrule_parse(const char *s, struct tzrule *ret_rule)
{
    struct tzrule rule = {0};
    if (!s || !take_name(&s) || !take_time(&s, 24, &rule.standard_offset))
        return false;
    rule.standard_offset = -rule.standard_offset;
    if (*s) {
        rule.has_daylight = true;
        rule.daylight_offset = rule.standard_offset + 3600;
        if (!take_name(&s))
            return false;
        if (*s != ',') {
            if (!take_time(&s, 24, &rule.daylight_offset))
                return false;
            rule.daylight_offset = -rule.daylight_offset;
        }
        /* POSIX leaves it open what a daylight name without dates means; the tz database never writes one. */
        if (!take_date(&s, &rule.start) || !take_date(&s, &rule.end) || *s)
            return false;
    }
    *ret_rule = rule;
    return true;
}

/* Local seconds since 1970 at which the rule falls due in a year. */
static int64_t date_in_year(const struct tzrule_date *date, int64_t year)
{
    int64_t days = calendar_days((struct date){.year = year, .month = 1, .day = 1});
    switch (date->form) {
    case TZRULE_JULIAN:
        days += date->day - 1 + (calendar_leap(year) && date->day >= 60);
        break;
    case TZRULE_DAY:
        days += date->day;
        break;
    case TZRULE_WEEK: {
        days = calendar_days((struct date){.year = year, .month = date->month, .day = 1});
        int first = (date->day - calendar_weekday(days) + 7) % 7 + 7 * (date->week - 1); /* 0 is the first of the month */
        days += first < calendar_month_days(year, date->month) ? first : first - 7;
        break;
    }
    }
    return days * DAY_SECONDS + date->time;
}

struct change {
    int64_t at;
    int offset;
};

/* Keeps the order of equal times: daylight saving that ends and begins anew in the same second goes on. */
static void insert(struct change *changes, size_t count, struct change change)
{
    size_t i = count;
    for (; i > 0 && changes[i - 1].at > change.at; i--)
        changes[i] = changes[i - 1];
    changes[i] = change;
}

int tzrule_offset(const struct tzrule *rule, int64_t second, int64_t *ret_until)
{
    int offset = rule->standard_offset;
    int64_t until = INT64_MAX;
    if (rule->has_daylight) {
        int64_t year = calendar_date(calendar_floor_div(second, DAY_SECONDS)).year;
        struct change changes[8];
        size_t count = 0;
        for (int64_t y = year - 2; y <= year + 1; y++) { /* a time of -167 hours may reach back into the year before */
            struct change start = {date_in_year(&rule->start, y) - rule->standard_offset, rule->daylight_offset};
            struct change end = {date_in_year(&rule->end, y) - rule->daylight_offset, rule->standard_offset};
            insert(changes, count++, start);
            insert(changes, count++, end);
        }
        for (size_t i = 0; i < count; i++) {
            if (changes[i].at > second) {
                until = changes[i].at;
                break;
            }
            offset = changes[i].offset;
        }
    }
    if (ret_until)
        *ret_until = until;
    return offset;
}

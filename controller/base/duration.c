#include "base/duration.h"

#include "base/str.h"

#include <stdio.h>

#define DURATION_MAX (3650 * USEC_DAY)

static const struct unit {
    const char *name;
    usec_t usec;
} units[] = {{"d", USEC_DAY}, {"h", USEC_HOUR}, {"m", USEC_MINUTE}, {"s", USEC_SEC}, {"ms", USEC_MSEC}};

/* The unit that s begins with ("ms" is not "m"); array_len(units): none. */
static size_t find_unit(const char *s, size_t *ret_length)
{
    size_t length = strspn(s, "dhms");
    *ret_length = length;
    size_t i = 0;
    while (i < array_len(units) && (strlen(units[i].name) != length || memcmp(units[i].name, s, length) != 0))
        i++;
    return i;
}

static int refuse(const char *s, const char *what, const char *why, struct error *err)
{
    char quoted[64];
    str_quote(quoted, sizeof(quoted), s);
    return error_set(err, ERROR_INVALID, "%s%s\"%s\" %s", what ? what : "", what ? ": " : "", quoted, why);
}

int duration_parse(const char *s, const char *what, usec_t *ret_usec, struct error *err)
{
    static const char shape[] = "is not a duration; write for example \"5m\", \"90s\" or \"1h30m\"";
    if (str_empty(s))
        return refuse("", what, shape, err);
    usec_t sum = 0;
    size_t next = 0; /* the largest unit that may follow */
    for (const char *p = s; *p;) {
        usec_t number = 0;
        if (*p < '0' || *p > '9')
            return refuse(s, what, shape, err);
        for (; *p >= '0' && *p <= '9'; p++)
            number = usec_min(number * 10 + (*p - '0'), DURATION_MAX);
        size_t length, unit = find_unit(p, &length);
        if (unit < next || unit == array_len(units))
            return refuse(s, what, shape, err);
        p += length;
        next = unit + 1;
        if (number > (DURATION_MAX - sum) / units[unit].usec)
            return refuse(s, what, "is longer than 10 years (3650d)", err);
        sum += number * units[unit].usec;
    }
    *ret_usec = sum;
    return 0;
}

/* "4d2h": the second part is left out where it is zero. */
static void two_units(usec_t count, usec_t per, const char *large, const char *small, char *dest, size_t size)
{
    if (count % per)
        snprintf(dest, size, "%lld%s%lld%s", (long long)(count / per), large, (long long)(count % per), small);
    else
        snprintf(dest, size, "%lld%s", (long long)(count / per), large);
}

static usec_t round_to(usec_t d, usec_t unit)
{
    return d / unit + (d % unit >= (unit + 1) / 2);
}

const char *duration_format(usec_t d, char *dest, size_t size)
{
    if (d == USEC_NEVER) {
        snprintf(dest, size, "never");
        return dest;
    }
    char text[32];
    bool negative = d < 0;
    if (negative)
        d = d == INT64_MIN ? INT64_MAX : -d;
    /* Each bound lies half a unit before the next larger form, so that rounding never gives "1000ms" or "60s". */
    if (d == 0)
        snprintf(text, sizeof(text), "0s");
    else if (d < USEC_MSEC)
        snprintf(text, sizeof(text), "%lldus", (long long)d);
    else if (d < USEC_SEC - USEC_MSEC / 2)
        snprintf(text, sizeof(text), "%lldms", (long long)round_to(d, USEC_MSEC));
    else if (d < USEC_MINUTE - USEC_SEC / 20) {
        usec_t tenths = round_to(d, USEC_SEC / 10);
        if (tenths % 10)
            snprintf(text, sizeof(text), "%lld.%llds", (long long)(tenths / 10), (long long)(tenths % 10));
        else
            snprintf(text, sizeof(text), "%llds", (long long)(tenths / 10));
    } else if (d < USEC_HOUR - USEC_SEC / 2)
        two_units(round_to(d, USEC_SEC), 60, "m", "s", text, sizeof(text));
    else if (d < USEC_DAY - USEC_MINUTE / 2)
        two_units(round_to(d, USEC_MINUTE), 60, "h", "m", text, sizeof(text));
    else
        two_units(round_to(d, USEC_HOUR), 24, "d", "h", text, sizeof(text));
    snprintf(dest, size, "%s%s", negative ? "-" : "", text);
    return dest;
}

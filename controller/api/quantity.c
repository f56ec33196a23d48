#include "api/quantity.h"

#include "base/mem.h"
#include "base/str.h"

#define DIGITS_KEPT  19 /* times 2^60 they still fit into 128 bits */
#define EXPONENT_MAX 1000
#define NANO         1000000000

struct decimal {
    unsigned __int128 digits;
    int exponent; /* of ten */
    bool more;    /* digits other than 0 were dropped at the end */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const struct suffix {
    const char *text;
    int ten, two; /* powers */
} suffixes[] = {
    {"", 0, 0},   {"n", -9, 0}, {"u", -6, 0},  {"m", -3, 0},  {"k", 3, 0},   {"M", 6, 0},   {"G", 9, 0},   {"T", 12, 0},
    {"P", 15, 0}, {"E", 18, 0}, {"Ki", 0, 10}, {"Mi", 0, 20}, {"Gi", 0, 30}, {"Ti", 0, 40}, {"Pi", 0, 50}, {"Ei", 0, 60},
};

static void add_digit(struct decimal *d, char c, bool fraction)
{
    static const unsigned __int128 full = (unsigned __int128)1000000000000000000; /* has DIGITS_KEPT digits */
    _Static_assert(DIGITS_KEPT == 19, "the constant above goes with it");
    if (d->digits >= full) {
        d->more |= c != '0';
        d->exponent += !fraction;
        return;
    }
    d->digits = d->digits * 10 + (unsigned)(c - '0');
    d->exponent -= fraction;
}

/* digits [ "." digits ]; NULL: there is no digit at all. */
static const char *read_number(const char *s, struct decimal *d)
{
    bool any = false;
    for (; is_digit(*s); s++, any = true)
        if (d->exponent < EXPONENT_MAX)
            add_digit(d, *s, false);
    if (*s == '.')
        s++;
    else
        return any ? s : NULL;
    for (; is_digit(*s); s++, any = true) {
        if (d->exponent > -EXPONENT_MAX)
            add_digit(d, *s, true);
        else
            d->more |= *s != '0';
    }
    return any ? s : NULL;
}

static bool read_suffix(const char *s, struct decimal *d, int *ret_two)
{
    for (size_t i = 0; i < array_len(suffixes); i++) {
        if (!str_equal(s, suffixes[i].text))
            continue;
        d->exponent += suffixes[i].ten;
        *ret_two = suffixes[i].two;
        return true;
    }
    if (*s != 'e' && *s != 'E')
        return false;
    const char *digits = s + 1 + (s[1] == '+' || s[1] == '-');
    int64_t exponent;
    if (!is_digit(*digits) || !str_to_i64(s[1] == '+' ? s + 2 : s + 1, -EXPONENT_MAX, EXPONENT_MAX, &exponent))
        return false;
    d->exponent += (int)exponent;
    *ret_two = 0;
    return true;
}

/* In nanos, rounded up, at most INT64_MAX units. */
static __int128 to_nanos(const struct decimal *d, int two)
{
    static const unsigned __int128 most = (unsigned __int128)INT64_MAX * NANO;
    if (!d->digits)
        return d->more;
    unsigned __int128 value = d->digits << two; /* at most 2^64 · 2^60 */
    bool more = d->more;
    int ten = d->exponent + 9;
    for (; ten < 0 && value; ten++) {
        more |= value % 10 != 0;
        value /= 10;
    }
    for (; ten > 0 && value <= most; ten--)
        value *= 10;
    value += more;
    return (__int128)(value < most ? value : most);
}

static bool parse(const char *s, __int128 *ret_nanos)
{
    struct decimal d = {0};
    int two;
    bool negative = *s == '-';
    const char *suffix = read_number(s + (*s == '-' || *s == '+'), &d);
    if (!suffix || !read_suffix(suffix, &d, &two))
        return false;
    __int128 nanos = to_nanos(&d, two);
    *ret_nanos = negative ? -nanos : nanos;
    return true;
}

static __int128 divide_away_from_zero(__int128 value, int by)
{
    __int128 quotient = value / by;
    if (value % by)
        quotient += value < 0 ? -1 : 1;
    return quotient;
}

bool quantity_to_i64(const char *s, int64_t *ret_value)
{
    __int128 nanos;
    if (!parse(s, &nanos))
        return false;
    *ret_value = (int64_t)divide_away_from_zero(nanos, NANO);
    return true;
}

bool quantity_to_milli(const char *s, int64_t *ret_value)
{
    __int128 nanos;
    if (!parse(s, &nanos))
        return false;
    __int128 milli = divide_away_from_zero(nanos, NANO / 1000);
    *ret_value = milli > INT64_MAX ? INT64_MAX : milli < -INT64_MAX ? -INT64_MAX : (int64_t)milli;
    return true;
}

bool quantity_to_double(const char *s, double *ret_value)
{
    __int128 nanos;
    if (!parse(s, &nanos))
        return false;
    *ret_value = (double)nanos / NANO;
    return true;
}

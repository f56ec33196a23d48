#include "api/bound.h"

#include "api/quantity.h"
#include "base/str.h"

/* Tried before quantities: "5m" is minutes here. */
static const struct {
    const char *suffix;
    enum bound_unit unit;
    double factor;
} suffixes[] = {
    {"%", BOUND_PERCENT, 1},     {"ms", BOUND_DURATION, 1},     {"s", BOUND_DURATION, 1e3},
    {"m", BOUND_DURATION, 60e3}, {"h", BOUND_DURATION, 3600e3}, {"d", BOUND_DURATION, 86400e3},
};

bool bound_parse(const json_t *value, struct bound *ret_bound)
{
    if (json_is_number(value)) {
        *ret_bound = (struct bound){BOUND_PLAIN, json_number_value(value)};
        return true;
    }
    const char *text = json_string_value(value);
    if (!text)
        return false;
    size_t digits = strspn(text, "-0123456789.");
    for (size_t i = 0; i < array_len(suffixes); i++) {
        char number[32];
        double parsed;
        if (!str_equal(text + digits, suffixes[i].suffix))
            continue;
        if (!str_format(number, sizeof(number), "%.*s", (int)digits, text) || !str_to_double(number, &parsed))
            return false;
        *ret_bound = (struct bound){suffixes[i].unit, parsed * suffixes[i].factor};
        return true;
    }
    struct bound plain = {BOUND_PLAIN, 0};
    if (!quantity_to_double(text, &plain.number))
        return false;
    *ret_bound = plain;
    return true;
}

bool bounds_hold(const json_t *bounds, double value, double whole, double per_second)
{
    static const char *const words[] = {"above", "below", "atLeast", "atMost", "equals"};
    for (size_t i = 0; i < array_len(words); i++) {
        const json_t *written = json_at(bounds, words[i]);
        struct bound bound;
        if (!written)
            continue;
        if (!bound_parse(written, &bound))
            return false;
        double limit = bound.number;
        if (bound.unit == BOUND_PERCENT && whole > 0)
            limit = bound.number / 100 * whole;
        else if (bound.unit == BOUND_DURATION)
            limit = bound.number / 1000 * per_second;
        bool holds[] = {value > limit, value < limit, value >= limit, value <= limit, !(value < limit) && !(value > limit)};
        if (!holds[i])
            return false;
    }
    return true;
}

/* api/bound.h — the bounds of a comparison as people write them: 30, "80%", "64Mi", "0.5", "500ms".
 *
 * A quantity is a plain number (bytes), a duration a number of milliseconds; "5m" is minutes, never thousandths. */
#pragma once

#include "api/json.h"

enum bound_unit { BOUND_PLAIN, BOUND_PERCENT, BOUND_DURATION };
struct bound {
    enum bound_unit unit;
    double number; /* PERCENT: 80 for "80%"; DURATION: milliseconds */
};
bool bound_parse(const json_t *value, struct bound *ret_bound);

/* {above, below, atLeast, atMost, equals}: true where each that is there holds and each can be read. A percentage is of `whole` where
 * that is > 0, else the value is itself in percent. `per_second` is how much of the value's unit a second is (1000: milliseconds). */
bool bounds_hold(const json_t *bounds, double value, double whole, double per_second);

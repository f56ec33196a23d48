/* api/quantity.h — Kubernetes quantities ("250m", "1.5Gi", "2e3") as numbers, by the rules of apimachinery's resource.Quantity.
 *
 * Suffixes n u m (none) k M G T P E, Ki Mi Gi Ti Pi Ei, or an exponent e3 / E-3; "1E" is exa. What is smaller than a nano is rounded up
 * to one, what is beyond ±(2^63−1) is taken for that; rounding is away from zero, so that a limit is never taken for less than it is.
 * Exact up to 19 significant digits. False: malformed; ret_value is not written. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

bool quantity_to_i64(const char *s, int64_t *ret_value);   /* Quantity.Value(): "1500m" is 2 */
bool quantity_to_milli(const char *s, int64_t *ret_value); /* Quantity.MilliValue(): "1.5" is 1500; saturates */
bool quantity_to_double(const char *s, double *ret_value);

#include "api/bound.h"

#include "fuzz.h"

#include <math.h>

/* A bound as JSON; one that was read compares with any number. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *text = fuzz_string(data, size);
    json_auto_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    struct bound bound = {.number = 7};
    if (!bound_parse(value, &bound))
        FUZZ_CHECK(bound.number == 7);
    else
        FUZZ_CHECK(isfinite(bound.number) && bound.unit <= BOUND_DURATION);
    json_auto_t *bounds = json_object();
    json_object_set(bounds, "above", value);
    json_object_set(bounds, "atMost", value);
    static const double numbers[] = {-1e300, -1, 0, 0.5, 80, 1e300};
    for (size_t i = 0; value && !json_is_null(value) && i < array_len(numbers); i++) /* it cannot be above and not above */
        FUZZ_CHECK(!bounds_hold(bounds, numbers[i], 100, 1000));
    return 0;
}

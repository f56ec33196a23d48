#include "base/zone.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zone *z = NULL;
    struct error err = {0};
    if (zone_parse("fuzz", data, size, &z, &err) < 0) {
        FUZZ_CHECK(err.class == ERROR_INVALID && !z);
        return 0;
    }
    for (int64_t local = -3000000000; local < 5000000000; local += 199999999) {
        int64_t second;
        FUZZ_CHECK(zone_offset(z, local * USEC_SEC) > -26 * 3600 && zone_offset(z, local * USEC_SEC) < 26 * 3600);
        if (zone_first(z, local, &second))
            FUZZ_CHECK(second + zone_offset(z, second * USEC_SEC) == local);
    }
    zone_offset(z, INT64_MIN);
    zone_offset(z, INT64_MAX);
    zone_free(z);
    return 0;
}

#include "base/duration.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *text = fuzz_string(data, size);
    usec_t d = -1;
    struct error err = {0};
    if (duration_parse(text, "field", &d, &err) == 0) {
        char dest[32];
        FUZZ_CHECK(err.class == ERROR_NONE && d >= 0 && d <= 3650 * USEC_DAY);
        FUZZ_CHECK(duration_format(d, dest, sizeof(dest)) == dest && dest[0]);
    } else {
        FUZZ_CHECK(err.class == ERROR_INVALID && err.text[0] && d == -1);
    }
    return 0;
}

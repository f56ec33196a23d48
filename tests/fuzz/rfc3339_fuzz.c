#include "base/rfc3339.h"

#include "fuzz.h"

/* 0000-01-01 and 9999-12-31: an offset may lead beyond, where there is no way back. */
#define FIRST ((usec_t)-62167219200 * USEC_SEC)
#define LAST  ((usec_t)253402300800 * USEC_SEC)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *text = fuzz_string(data, size);
    usec_t wall, back;
    if (rfc3339_parse(text, &wall)) {
        char dest[RFC3339_SIZE];
        FUZZ_CHECK(rfc3339_parse(rfc3339_format_micro(wall, dest), &back));
        FUZZ_CHECK(back == wall || wall < FIRST || wall >= LAST);
        FUZZ_CHECK(rfc3339_parse(rfc3339_format(wall, dest), &back));
    }
    return 0;
}

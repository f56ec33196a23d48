#include "base/str.h"
#include "core/windows.h"

#include "fuzz.h"

#define START ((usec_t)1767225600 * USEC_SEC) /* 2026-01-01 */

/* JSON of the rows. Windows that were read are open and closed at whatever time without a surprise. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *text = fuzz_string(data, size);
    json_auto_t *rows = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    auto_windows struct windows windows = {0};
    struct error err = {0};
    if (windows_init(&windows, rows, "spec.windows", &err) < 0) {
        FUZZ_CHECK(err.class == ERROR_INVALID || err.class == ERROR_NOT_FOUND);
        FUZZ_CHECK(str_starts(err.text, "spec.windows"));
        return 0;
    }
    FUZZ_CHECK(windows.count <= WINDOWS_MAX);
    for (usec_t wall = START; wall < START + 14 * USEC_DAY; wall += 7 * USEC_HOUR)
        FUZZ_CHECK(windows_contain(&windows, wall) || windows.count);
    return 0;
}

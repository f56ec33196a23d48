#include "base/cron.h"

#include "fuzz.h"

#define START ((usec_t)1767225600 * USEC_SEC) /* 2026-01-01 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *text = fuzz_string(data, size);
    struct cron *c = NULL;
    struct error err = {0};
    if (cron_parse(text, &c, &err) < 0) {
        FUZZ_CHECK(err.class == ERROR_INVALID && err.text[0] && !c);
        return 0;
    }
    usec_t wall = START;
    for (int i = 0; i < 5 && wall != USEC_NEVER; i++) {
        usec_t next = cron_next(c, NULL, wall);
        FUZZ_CHECK(next > wall && (next == USEC_NEVER || next % USEC_MINUTE == 0));
        /* Nothing is due in between, so from any moment in between it is the same. */
        if (next != USEC_NEVER)
            FUZZ_CHECK(cron_next(c, NULL, next - 1) == next && cron_next(c, NULL, wall + (next - wall) / 2) == next);
        wall = next;
    }
    cron_free(c);
    return 0;
}

#include "base/str.h"
#include "kube/status.h"

#include "fuzz.h"

/* The first two bytes are the HTTP status, what stands before the first line break the Retry-After header, the rest the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    int http = (data[0] << 8 | data[1]) % 600;
    auto_free char *header = fuzz_string(data + 2, size - 2);
    char *body = strchr(header, '\n');
    size_t n = 0;
    if (body) {
        n = size - 2 - (size_t)(body + 1 - header);
        *body++ = '\0';
    }
    struct error err = {0};
    FUZZ_CHECK(status_error(http, header, body ? body : "", body ? strlen(body) : n, &err) == -1);
    FUZZ_CHECK(err.class != ERROR_NONE && err.class != ERROR_INTERNAL && err.class != ERROR_CANCELLED);
    FUZZ_CHECK(err.text[0] && strlen(err.text) < ERROR_TEXT_MAX);
    FUZZ_CHECK(err.retry_after_ms >= 0 && err.retry_after_ms <= 3600000);
    for (const char *p = err.text; *p; p++)
        FUZZ_CHECK((unsigned char)*p >= ' ' && *p != 0x7f);
    return 0;
}

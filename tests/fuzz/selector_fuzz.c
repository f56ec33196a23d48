#include "api/selector.h"
#include "base/str.h"

#include "fuzz.h"

/* A line with a selector, a line with labels. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *text = fuzz_string(data, size);
    char *second = strchr(text, '\n');
    if (second)
        *second++ = '\0';
    json_t *selector = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    json_t *labels = second ? json_loads(second, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
    struct error err = {0};
    auto_buf struct buf query;
    buf_init(&query, 4096);
    bool valid = selector_validate(selector, "spec.selector", &err) == 0;
    FUZZ_CHECK(valid ? err.class == ERROR_NONE : err.class == ERROR_INVALID && str_starts(err.text, "spec.selector"));
    bool matches = selector_matches(selector, labels), written = selector_append_query(&query, selector);
    FUZZ_CHECK(valid || (!matches && !written));
    FUZZ_CHECK(!matches || json_is_object(selector));
    FUZZ_CHECK(!written || !strpbrk(buf_str(&query), "\n&#%\"\\"));
    json_decref(selector);
    json_decref(labels);
    return 0;
}

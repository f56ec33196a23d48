#include "base/str.h"
#include "core/jsonpath.h"

#include "fuzz.h"

/* A line with a path, and JSON that it is looked up in. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *path = fuzz_string(data, size);
    char *rest = strchr(path, '\n');
    if (rest)
        *rest++ = '\0';
    json_auto_t *root = rest ? json_loads(rest, JSON_DECODE_ANY, NULL) : NULL;
    const json_t *value = root;
    struct error err = {0};
    if (jsonpath_find(root, path, &value, &err) < 0)
        FUZZ_CHECK(err.class == ERROR_INVALID && err.text[0]);
    else
        FUZZ_CHECK(err.class == ERROR_NONE);
    return 0;
}

#include "kube/json_reader.h"

#include <string.h>

#include "fuzz.h"

/* Whatever was read can be written, and read again as the same without being changed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *text = fuzz_string(data, size);
    json_auto_t *plain = json_loadb(text, strlen(text), JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    json_auto_t *value = json_reader_load(text, strlen(text));
    FUZZ_CHECK(!plain || json_equal(plain, value));
    if (!value)
        return 0;
    auto_free char *written = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_auto_t *again = written ? json_loads(written, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL) : NULL;
    FUZZ_CHECK(again && json_equal(again, value));
    return 0;
}

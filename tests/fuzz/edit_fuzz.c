/* One edit of a configuration: the first byte is the format and the operation, then a line with the key, a line with the value as JSON, and
 * the text. What is edited means what was asked for: the same edit again is refused, for it would change nothing; only of a list there may be
 * another item to take off. */
#include "edit.h"

#include "base/str.h"

#include "fuzz.h"

static void check_refusal(const struct refusal *r)
{
    json_t *o = refusal_to_json(r);
    FUZZ_CHECK(o && json_string_value(json_object_get(o, "message")));
    json_decref(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4 || size > 65536)
        return 0;
    auto_free char *all = fuzz_string(data + 1, size - 1);
    char *value_text = strchr(all, '\n'), *text = value_text ? strchr(value_text + 1, '\n') : NULL;
    if (!text)
        return 0;
    *value_text++ = '\0';
    *text++ = '\0';
    json_auto_t *value = json_loads(value_text, JSON_DECODE_ANY, NULL);
    struct edit edit = {.format = data[0] % 5, .operation = data[0] / 5 % 3, .key = all, .value = value};
    if (edit.operation == EDIT_DELETE)
        edit.value = NULL;
    else if (!value)
        return 0;
    struct refusal r = {0}, again = {0};
    auto_free char *after = NULL, *twice = NULL;
    size_t length = 0, length_twice = 0;
    if (edit_text(&edit, text, strlen(text), &after, &length, &r) < 0) {
        check_refusal(&r);
        return 0;
    }
    FUZZ_CHECK(after && strlen(after) == length);
    if (edit_text(&edit, after, length, &twice, &length_twice, &again) < 0)
        check_refusal(&again);
    else
        FUZZ_CHECK(edit.operation == EDIT_DELETE && length_twice < length);
    return 0;
}

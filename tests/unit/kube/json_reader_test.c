#include "check.h"
#include "kube/json_reader.h"

#include "base/buf.h"

TEST(what_go_writes_is_read)
{
    static const struct {
        const char *sentence, *text, *want; /* want NULL: it is not JSON */
    } rows[] = {
        {"plain JSON as it is", "{\"a\":[1,-2.5,true,null,\"x\"]}", "{\"a\":[1,-2.5,true,null,\"x\"]}"},
        {"a bare value", "\"x\"", "\"x\""},
        {"NUL in a text stays", "{\"a\":\"x\\u0000y\"}", "{\"a\":\"x\\u0000y\"}"},
        {"NUL in a key is replaced", "{\"a\\u0000b\" : {\"c\\u0000\":1}}", "{\"a\\uFFFDb\":{\"c\\uFFFD\":1}}"},
        {"and the text beside it stays", "{\"a\\u0000\":\"\\u0000\",\"b\":[\"\\u0000\",\"\\u0000\"]}",
         "{\"a\\uFFFD\":\"\\u0000\",\"b\":[\"\\u0000\",\"\\u0000\"]}"},
        {"a key that only looks like it", "{\"a\\\\u0000\":9223372036854775808}", "{\"a\\\\u0000\":9.2233720368547758e18}"},
        {"the largest integer", "[9223372036854775807]", "[9223372036854775807]"},
        {"integers beyond 64 bits are reals", "[9223372036854775808, -9223372036854775809 ,100000000000000000000]",
         "[9.2233720368547758e18,-9.2233720368547758e18,1e20]"},
        {"and those that fit are not, but for the longest", "[9223372036854775808,17,123456789012345678]",
         "[9.2233720368547758e18,17,123456789012345678]"},
        {"quotes in keys", "{\"\\\"\\u0000\\\\\":\"}\"}", "{\"\\\"\\uFFFD\\\\\":\"}\"}"},
        {"cut off", "{\"a\\u0000\":", NULL},
        {"cut off in an escape", "{\"a\\u0000\\", NULL},
        {"two values", "{} 9223372036854775808", NULL},
        {"nothing", "", NULL},
        {"words", "{\"a\\u0000\":nonsense}", NULL},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        json_t *value = json_reader_load(rows[i].text, strlen(rows[i].text));
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
        CHECK_STR(text ? text : "(none)", rows[i].want ? rows[i].want : "(none)");
        free(text);
        json_decref(value);
    }
    CHECK_ROW(NULL);
}

/* A list of two: one nested so deep, and one that anybody can read. */
static json_t *read_nested(size_t levels, char opens, char closes)
{
    auto_buf struct buf b;
    buf_init(&b, 1 << 20);
    buf_append_str(&b, "{\"items\":[");
    for (size_t i = 0; i < levels; i++) {
        buf_append_char(&b, opens);
        if (opens == '{')
            buf_append_str(&b, "\"a\":");
    }
    buf_append_str(&b, "\"deep\"");
    for (size_t i = 0; i < levels; i++)
        buf_append_char(&b, closes);
    buf_append_str(&b, ",{\"name\":\"other\"}]}");
    return json_reader_load(buf_str(&b), b.len);
}

TEST(what_lies_too_deep_is_null_and_the_rest_is_read)
{
    static const size_t levels[] = {3, 997, 998, 999, 1000, 2046, 2048, 9000};
    for (size_t i = 0; i < array_len(levels); i++)
        for (int object = 0; object < 2; object++) {
            json_t *list = read_nested(levels[i], object ? '{' : '[', object ? '}' : ']');
            json_t *items = json_object_get(list, "items"), *other = json_array_get(items, 1);
            CHECK_INT(json_array_size(items), 2);
            CHECK_STR(json_string_value(json_object_get(other, "name")) ?: "(none)", "other");
            json_decref(list);
        }
}

int main(void)
{
    return check_run();
}

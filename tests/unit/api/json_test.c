#include "api/json.h"
#include "check.h"
#include "fixture.h"

TEST(getters_follow_paths_and_fall_back)
{
    auto_fixture json_t *v =
        fixture("{'a': {'s': 'x', 'i': 7, 'r': 2.5, 'b': true, 'n': null, 'd': '90s', 't': '1970-01-01T00:00:02Z'}}");
    CHECK_STR(json_str(v, "a.s", "-"), "x");
    CHECK_STR(json_str(v, "a.i", "-"), "-");
    CHECK_STR(json_str(v, "a.s.deeper", "-"), "-");
    CHECK_STR(json_str(NULL, "a.s", "-"), "-");
    CHECK_INT(json_int(v, "a.i", -1), 7);
    CHECK_INT(json_int(v, "a.r", -1), 2);
    CHECK_INT(json_int(v, "a.s", -1), -1);
    CHECK(json_num(v, "a.r", 0) > 2.4 && json_num(v, "a.i", 0) > 6.9);
    CHECK(json_flag(v, "a.b", false));
    CHECK(json_flag(v, "a.x", true));
    CHECK_INT(json_duration(v, "a.d", 1), 90 * USEC_SEC);
    CHECK_INT(json_duration(v, "a.s", 1), 1);
    CHECK_INT(json_time(v, "a.t", 1), 2 * USEC_SEC);
    CHECK(json_at(v, "a.n") == NULL);
    CHECK(json_at(v, "a") != NULL);
}

TEST(a_real_out_of_range_is_not_cut_to_nonsense)
{
    auto_fixture json_t *v = fixture("{'big': 1e300}");
    CHECK_INT(json_int(v, "big", -1), -1);
}

TEST(setters_leave_out_what_is_empty)
{
    auto_fixture json_t *v = json_object();
    json_put_str(v, "null", NULL);
    json_put_time(v, "never", 0);
    json_put_duration(v, "negative", -1);
    json_put_num(v, "nan", __builtin_nan(""));
    json_put(v, "none", NULL);
    CHECK_INT(json_object_size(v), 0);
    json_put_time(v, "time", 1500000);
    CHECK_STR(json_str(v, "time", ""), "1970-01-01T00:00:01.500000Z");
    json_put_str(v, "bytes", "\xff\xfe");
    CHECK_STR(json_str(v, "bytes", ""), "(not UTF-8)");
}

TEST(make_descends_and_keeps_what_is_there)
{
    auto_fixture json_t *v = fixture("{'a': {'x': 1}, 's': 'text'}");
    json_put_int(json_make(v, "a.b.c"), "n", 3);
    CHECK_INT(json_int(v, "a.b.c.n", 0), 3);
    CHECK_INT(json_int(v, "a.x", 0), 1);
    json_put_int(json_make(v, "s"), "n", 4);
    CHECK_INT(json_int(v, "s.n", 0), 4);
}

TEST(a_counter_counts_on_and_stays_at_its_end)
{
    auto_fixture json_t *v = fixture("{'n': 4, 'full': 9223372036854775806, 'text': 'x'}");
    json_add_int(v, "n", 3);
    json_add_int(v, "full", 2);
    json_add_int(v, "text", 1);
    json_add_int(v, "none", 1);
    CHECK_INT(json_int(v, "n", 0), 7);
    CHECK_INT(json_int(v, "full", 0), INT64_MAX);
    CHECK_INT(json_int(v, "text", 0), 1);
    CHECK_INT(json_int(v, "none", 0), 1);
}

TEST(the_canonical_form_does_not_depend_on_the_order_of_keys)
{
    auto_fixture json_t *a = fixture("{'b': [1, 2.5, null], 'a': 'x'}"), *b = fixture("{'a': 'x', 'b': [1, 2.5, null]}");
    auto_free char *text = json_text(a);
    CHECK_STR(text, "{\"a\":\"x\",\"b\":[1,2.5,null]}");
    char first[65], second[65];
    json_sha256(a, first);
    json_sha256(b, second);
    CHECK_STR(first, second);
    auto_buf struct buf out;
    buf_init(&out, 100);
    CHECK(json_append_canonical(&out, b));
    CHECK_STR(buf_str(&out), text);
    auto_buf struct buf small;
    buf_init(&small, 5);
    CHECK(!json_append_canonical(&small, b));
}

int main(void)
{
    return check_run();
}

#include "base/buf.h"

#include "check.h"

TEST(an_empty_buffer_reads_as_an_empty_string)
{
    auto_buf struct buf b;
    buf_init(&b, 10);
    CHECK_STR(buf_str(&b), "");
    CHECK(!b.data);
    auto_free char *taken = buf_take(&b);
    CHECK_STR(taken, "");
}

TEST(appends_of_every_kind_follow_each_other)
{
    auto_buf struct buf b;
    buf_init(&b, 1000);
    CHECK(buf_append(&b, "ab\0c", 4));
    CHECK(buf_append_char(&b, 'd'));
    CHECK(buf_append_str(&b, "ef"));
    CHECK(buf_printf(&b, "%d-%s", 12, "x"));
    CHECK(buf_printf(&b, "%s", ""));
    CHECK(buf_append_str(&b, NULL));
    CHECK(buf_append(&b, NULL, 0));
    CHECK_INT(b.len, 11);
    CHECK(memcmp(b.data, "ab\0cdef12-x", 12) == 0);
}

TEST(a_buffer_grows_up_to_its_maximum_and_no_further)
{
    auto_buf struct buf b;
    buf_init(&b, 1000);
    for (int i = 0; i < 1000; i++)
        CHECK(buf_append_char(&b, 'x'));
    CHECK_INT(b.len, 1000);
    CHECK_INT(b.data[1000], 0);
    CHECK(b.cap <= 1001);
    CHECK(!buf_append_char(&b, 'y'));
    CHECK(b.overflowed);
    CHECK_INT(b.len, 1000);
}

TEST(after_a_refusal_nothing_goes_in_until_reset)
{
    auto_buf struct buf b;
    buf_init(&b, 4);
    CHECK(buf_append_str(&b, "abc"));
    CHECK(!buf_append_str(&b, "de"));
    CHECK(!buf_append_str(&b, "f")); /* would fit, but there would be a hole before it */
    CHECK(!buf_printf(&b, "g"));
    CHECK(!buf_append(&b, "", 0));
    CHECK_STR(buf_str(&b), "abc");
    buf_consume(&b, 2);
    CHECK_STR(buf_str(&b), "c");
    CHECK(b.overflowed);
    buf_reset(&b);
    CHECK(buf_append_str(&b, "wxyz"));
    CHECK_STR(buf_str(&b), "wxyz");
}

TEST(printf_of_too_much_is_refused_whole)
{
    auto_buf struct buf b;
    buf_init(&b, 8);
    CHECK(buf_printf(&b, "%s", "12345678"));
    buf_reset(&b);
    CHECK(!buf_printf(&b, "%s", "123456789"));
    CHECK_STR(buf_str(&b), "");
}

TEST(consume_drops_from_the_front)
{
    auto_buf struct buf b;
    buf_init(&b, 100);
    buf_consume(&b, 0);
    buf_append_str(&b, "hello world");
    buf_consume(&b, 6);
    CHECK_STR(buf_str(&b), "world");
    CHECK_INT(b.len, 5);
    buf_consume(&b, 5);
    CHECK_STR(buf_str(&b), "");
}

TEST(shrink_gives_memory_back_and_keeps_the_bytes)
{
    auto_buf struct buf b;
    buf_init(&b, 10000);
    for (int i = 0; i < 5000; i++)
        buf_append_char(&b, 'x');
    buf_consume(&b, 4990);
    buf_shrink(&b);
    CHECK_INT(b.cap, 11);
    CHECK_STR(buf_str(&b), "xxxxxxxxxx");
    buf_reset(&b);
    buf_shrink(&b);
    CHECK(!b.data);
    CHECK(buf_append_str(&b, "again"));
}

TEST(take_hands_the_string_over_and_the_buffer_can_be_used_again)
{
    auto_buf struct buf b;
    buf_init(&b, 100);
    buf_append_str(&b, "one");
    auto_free char *one = buf_take(&b);
    CHECK(buf_append_str(&b, "two"));
    CHECK_STR(one, "one");
    CHECK_STR(buf_str(&b), "two");
}

TEST(a_zeroed_buffer_holds_nothing_and_may_be_done_twice)
{
    struct buf b = {0};
    CHECK(!buf_append_char(&b, 'x'));
    buf_done(&b);
    buf_done(&b);
}

int main(void)
{
    return check_run();
}

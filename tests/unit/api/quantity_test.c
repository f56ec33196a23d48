#include "api/quantity.h"
#include "check.h"

#include "base/mem.h"

TEST(quantities_that_are)
{
    static const struct {
        const char *s;
        int64_t whole, milli;
        double number;
    } rows[] = {
        {"0", 0, 0, 0},
        {"1", 1, 1000, 1},
        {"+1", 1, 1000, 1},
        {"-1", -1, -1000, -1},
        {"250m", 1, 250, 0.25},
        {"-250m", -1, -250, -0.25},
        {"1500m", 2, 1500, 1.5},
        {"1.5", 2, 1500, 1.5},
        {"1.", 1, 1000, 1},
        {".5", 1, 500, 0.5},
        {"0.5Gi", 536870912, 536870912000, 536870912},
        {"1Ki", 1024, 1024000, 1024},
        {"1.5Mi", 1572864, 1572864000, 1572864},
        {"1k", 1000, 1000000, 1000},
        {"1M", 1000000, 1000000000, 1e6},
        {"100u", 1, 1, 1e-4},
        {"1n", 1, 1, 1e-9},
        {"0.1n", 1, 1, 1e-9},
        {"-0.1n", -1, -1, -1e-9},
        {"1E", 1000000000000000000, INT64_MAX, 1e18},
        {"1E3", 1000, 1000000, 1000},
        {"1e3", 1000, 1000000, 1000},
        {"1e+3", 1000, 1000000, 1000},
        {"1.5E-3", 1, 2, 0.0015},
        {"1e-400", 1, 1, 1e-9},
        {"0e400", 0, 0, 0},
        {"7Ei", 8070450532247928832, INT64_MAX, 8070450532247928832.0},
        {"8Ei", INT64_MAX, INT64_MAX, 9223372036854775807.0},
        {"-8Ei", -INT64_MAX, -INT64_MAX, -9223372036854775807.0},
        {"1e999", INT64_MAX, INT64_MAX, 9223372036854775807.0},
        {"9223372036854775807", INT64_MAX, INT64_MAX, 9223372036854775807.0},
        {"9223372036854775808", INT64_MAX, INT64_MAX, 9223372036854775807.0},
        {"100000000000000000000000000000000000000000", INT64_MAX, INT64_MAX, 9223372036854775807.0},
        {"00000000000000000000000000000000000000000001", 1, 1000, 1},
        {"0.00000000000000000000000000000000000000000000", 0, 0, 0},
        {"1.0000000000000000000000000000000000000000001", 2, 1001, 1.000000001},
        {"123456789012345678.9", 123456789012345679, INT64_MAX, 123456789012345678.9},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].s);
        int64_t whole = -7, milli = -7;
        double number = -7;
        CHECK(quantity_to_i64(rows[i].s, &whole));
        CHECK(quantity_to_milli(rows[i].s, &milli));
        CHECK(quantity_to_double(rows[i].s, &number));
        CHECK_INT(whole, rows[i].whole);
        CHECK_INT(milli, rows[i].milli);
        double scale = rows[i].number < 0 ? -rows[i].number : rows[i].number;
        CHECK(number - rows[i].number <= scale * 1e-15 && rows[i].number - number <= scale * 1e-15);
    }
    CHECK_ROW(NULL);
}

TEST(and_those_that_are_not)
{
    static const char *const rows[] = {
        "",    " 1",   "1 ",  "m",   ".",   "+",   "-",     "1e",  "1e+", "1E+",           "1e1.5", "1ki",  "1K",    "1MI",
        "1mi", "1Kii", "1,5", "--1", "+-1", "0x1", "1_000", "nan", "inf", "1e99999999999", "1 Gi",  "1Gi ", "1.5.5", "\xc2\xb5"};
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i]);
        int64_t whole = -7;
        double number = -7;
        CHECK(!quantity_to_i64(rows[i], &whole));
        CHECK(!quantity_to_double(rows[i], &number));
        CHECK_INT(whole, -7);
        CHECK(number < -6);
    }
    CHECK_ROW(NULL);
}

int main(void)
{
    return check_run();
}

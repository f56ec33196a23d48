#include "base/str.h"

#include "check.h"

#include <locale.h>

TEST(equality_with_null)
{
    CHECK(str_equal(NULL, NULL));
    CHECK(!str_equal(NULL, ""));
    CHECK(!str_equal("", NULL));
    CHECK(str_equal("a", "a"));
    CHECK(!str_equal("a", "ab"));
    CHECK(str_empty(NULL));
    CHECK(str_empty(""));
    CHECK(!str_empty(" "));
}

TEST(beginnings_and_ends)
{
    CHECK(str_starts("abc", "ab"));
    CHECK(str_starts("abc", ""));
    CHECK(!str_starts("ab", "abc"));
    CHECK(!str_starts(NULL, "a"));
    CHECK(str_ends("abc", "bc"));
    CHECK(str_ends("abc", "abc"));
    CHECK(str_ends("abc", ""));
    CHECK(!str_ends("bc", "abc"));
    CHECK(!str_ends("abd", "bc"));
    CHECK(!str_ends(NULL, "c"));
}

TEST(a_copy_that_does_not_fit_is_cut_and_says_so)
{
    char dest[4] = "zzz";
    CHECK(str_copy(dest, sizeof(dest), "abc"));
    CHECK_STR(dest, "abc");
    CHECK(!str_copy(dest, sizeof(dest), "wxyz"));
    CHECK_STR(dest, "wxy");
    CHECK(!str_copy(dest, 1, "a"));
    CHECK_STR(dest, "");
    CHECK(str_copy(dest, sizeof(dest), NULL));
    CHECK_STR(dest, "");
    CHECK(str_format(dest, sizeof(dest), "%d", 123));
    CHECK(!str_format(dest, sizeof(dest), "%d", 1234));
    CHECK_STR(dest, "123");
}

static const struct {
    const char *sentence, *text;
    int64_t min, max;
    bool good;
    int64_t want;
} integers[] = {
    {"zero", "0", 0, 0, true, 0},
    {"the smallest", "-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
    {"the largest", "9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
    {"leading zeros are digits", "007", 0, 9, true, 7},
    {"one above the largest is out of range", "9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
    {"one below the smallest is out of range", "-9223372036854775809", INT64_MIN, INT64_MAX, false, 0},
    {"many digits are out of range", "99999999999999999999999999", INT64_MIN, INT64_MAX, false, 0},
    {"below the minimum is refused", "4", 5, 9, false, 0},
    {"above the maximum is refused", "10", 5, 9, false, 0},
    {"the ends belong to the range", "9", 5, 9, true, 9},
    {"empty is no number", "", 0, 9, false, 0},
    {"NULL is no number", NULL, 0, 9, false, 0},
    {"a sign alone is no number", "-", -9, 9, false, 0},
    {"a plus is refused", "+1", -9, 9, false, 0},
    {"a blank before is refused", " 1", 0, 9, false, 0},
    {"a blank behind is refused", "1 ", 0, 9, false, 0},
    {"hexadecimal is refused", "0x1", 0, 9, false, 0},
    {"a fraction is refused", "1.0", 0, 9, false, 0},
};

TEST(parts_are_joined_and_what_does_not_fit_is_cut_and_said)
{
    static const struct {
        const char *parts[3];
        size_t count, size;
        const char *want;
        bool fits;
    } rows[] = {
        {{"a", "bc", "d"}, 3, 16, "a/bc/d", true},
        {{"a", "bc", "d"}, 3, 7, "a/bc/d", true},
        {{"a", "bc", "d"}, 3, 6, "a/bc/", false},
        {{"a", "bc", "d"}, 3, 5, "a/bc", false},
        {{"a", "", ""}, 3, 4, "a//", true},
        {{"a", "", ""}, 3, 3, "a/", false},
        {{"a"}, 1, 2, "a", true},
        {{"a"}, 1, 1, "", false},
        {{NULL}, 0, 4, "", true},
        {{"a", "\xc3\xa4"}, 2, 4, "a/", false},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].want);
        char dest[17];
        memset(dest, 'x', sizeof(dest));
        CHECK_INT(str_join(dest, rows[i].size, '/', rows[i].count, rows[i].parts), rows[i].fits);
        CHECK_STR(dest, rows[i].want);
        CHECK(dest[rows[i].size] == 'x');
    }
}

TEST(whole_string_integers)
{
    for (size_t i = 0; i < array_len(integers); i++) {
        CHECK_ROW(integers[i].sentence);
        int64_t value = 77;
        CHECK_INT(str_to_i64(integers[i].text, integers[i].min, integers[i].max, &value), integers[i].good);
        CHECK_INT(value, integers[i].good ? integers[i].want : 77);
    }
}

static const struct {
    const char *sentence, *text;
    bool good;
    double want;
} doubles[] = {
    {"an integer", "12", true, 12},
    {"a fraction", "1.5", true, 1.5},
    {"a fraction without a zero before it", ".5", true, 0.5},
    {"a point at the end", "5.", true, 5},
    {"a negative number", "-0.25", true, -0.25},
    {"an exponent as Prometheus writes it", "1e+06", true, 1e6},
    {"a negative exponent", "1E-2", true, 0.01},
    {"too small becomes zero", "1e-999", true, 0},
    {"too large is refused", "1e999", false, 0},
    {"infinity is refused", "+Inf", false, 0},
    {"inf is refused", "inf", false, 0},
    {"NaN is refused", "NaN", false, 0},
    {"hexadecimal is refused", "0x10", false, 0},
    {"a comma is not the point", "1,5", false, 0},
    {"a point alone is refused", ".", false, 0},
    {"an exponent without digits is refused", "1e", false, 0},
    {"an exponent without a number is refused", "e5", false, 0},
    {"a blank before is refused", " 1", false, 0},
    {"trailing bytes are refused", "1x", false, 0},
    {"empty is refused", "", false, 0},
    {"NULL is refused", NULL, false, 0},
};

static void check_doubles(void)
{
    for (size_t i = 0; i < array_len(doubles); i++) {
        CHECK_ROW(doubles[i].sentence);
        double value = 77;
        CHECK_INT(str_to_double(doubles[i].text, &value), doubles[i].good);
        CHECK(value == (doubles[i].good ? doubles[i].want : 77));
    }
}

TEST(whole_string_doubles)
{
    check_doubles();
}

TEST(the_locale_does_not_matter)
{
    static const char *const comma_locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "ru_RU.UTF-8"};
    for (size_t i = 0; i < array_len(comma_locales); i++) {
        if (setlocale(LC_NUMERIC, comma_locales[i])) { /* not every machine has one */
            check_doubles();
            setlocale(LC_NUMERIC, "C");
        }
    }
}

#define TEN   "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN

static const struct {
    const char *sentence, *name;
    bool label, subdomain;
} names[] = {
    {"a letter", "a", true, true},
    {"a digit first", "1a", true, true},
    {"a hyphen inside", "a-b", true, true},
    {"a hyphen first", "-a", false, false},
    {"a hyphen last", "a-", false, false},
    {"a hyphen alone", "-", false, false},
    {"upper case", "A", false, false},
    {"an underscore", "a_b", false, false},
    {"a byte above ASCII", "\xC3\xA9", false, false},
    {"empty", "", false, false},
    {"NULL", NULL, false, false},
    {"two parts", "a.b", false, true},
    {"a point first", ".a", false, false},
    {"a point last", "a.", false, false},
    {"two points", "a..b", false, false},
    {"a part that ends in a hyphen", "a-.b", false, false},
    {"63 bytes", SIXTY "abc", true, true},
    {"64 bytes are too long for a label only", SIXTY "abcd", false, true},
};

TEST(kubernetes_names)
{
    for (size_t i = 0; i < array_len(names); i++) {
        CHECK_ROW(names[i].sentence);
        CHECK_INT(str_is_dns_label(names[i].name), names[i].label);
        CHECK_INT(str_is_dns_subdomain(names[i].name), names[i].subdomain);
    }
    char name[260];
    memset(name, 'a', sizeof(name));
    CHECK_ROW("253 bytes are the longest subdomain");
    name[253] = '\0';
    CHECK(str_is_dns_subdomain(name));
    CHECK_ROW("254 bytes are too long");
    name[253] = 'a';
    name[254] = '\0';
    CHECK(!str_is_dns_subdomain(name));
}

/* Known answers: http://www.isthe.com/chongo/tech/comp/fnv/ */
TEST(hashes_are_fnv_1a)
{
    char hex[9];
    str_hash8("", hex);
    CHECK_STR(hex, "811c9dc5");
    str_hash8("a", hex);
    CHECK_STR(hex, "e40c292c");
    str_hash8("foobar", hex);
    CHECK_STR(hex, "bf9cf968");
    CHECK(str_hash64("", 0, 0) == 0xcbf29ce484222325u);
    CHECK(str_hash64("a", 1, 0) == 0xaf63dc4c8601ec8cu);
    CHECK(str_hash64("foobar", 6, 0) == 0x85944171f73967e8u);
    CHECK(str_hash64("foobar", 6, 1) != 0x85944171f73967e8u);
}

static const struct {
    const char *sentence;
    size_t size;
    const char *text, *want;
} quotes[] = {
    {"plain text stays", 32, "abc def", "abc def"},
    {"control characters are visible", 32, "a\nb\tc\rd\x01", "a\\nb\\tc\\rd\\x01"},
    {"quotes and backslashes are visible", 32, "a\"b\\", "a\\\"b\\\\"},
    {"bytes above ASCII are visible", 32, "\xC3\xA9\x7F", "\\xc3\\xa9\\x7f"},
    {"what fits exactly is not cut", 8, "1234567", "1234567"},
    {"what does not fit is cut", 8, "12345678", "1234..."},
    {"an escape is never cut in two", 8, "123\n56789", "123..."},
    {"an escape that fits exactly is whole", 8, "12345\n", "12345\\n"},
    {"a small size leaves dots only", 3, "abcdef", ".."},
    {"size 1 leaves nothing", 1, "abc", ""},
    {"NULL is empty", 8, NULL, ""},
};

TEST(quoting_what_a_stranger_wrote)
{
    for (size_t i = 0; i < array_len(quotes); i++) {
        CHECK_ROW(quotes[i].sentence);
        char dest[40];
        memset(dest, 'Z', sizeof(dest));
        CHECK(str_quote(dest, quotes[i].size, quotes[i].text) == dest);
        CHECK_STR(dest, quotes[i].want);
        CHECK_INT(dest[quotes[i].size], 'Z');
    }
    CHECK_ROW("size 0 writes nothing");
    char untouched = 'Z';
    str_quote(&untouched, 0, "abc");
    CHECK_INT(untouched, 'Z');
}

TEST(what_is_cut_is_cut_between_characters)
{
    static const struct {
        const char *row, *text;
        size_t size;
        const char *want;
    } rows[] = {
        {"it fits", "a\u00e9", 4, "a\u00e9"},
        {"two bytes, one has room", "a\u00e9", 3, "a"},
        {"three bytes, two have room", "\u20ac", 3, ""},
        {"four bytes, three have room", "ab\U0001f600", 6, "ab"},
        {"right after a character", "\u20acb", 4, "\u20ac"},
        {"plain text", "abc", 3, "ab"},
        {"nothing has room", "\u00e9", 1, ""},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        char dest[16];
        bool fits = strlen(rows[i].text) < rows[i].size;
        CHECK_ROW(rows[i].row);
        CHECK_INT(str_copy(dest, rows[i].size, rows[i].text), fits);
        CHECK_STR(dest, rows[i].want);
        CHECK_INT(str_format(dest, rows[i].size, "%s", rows[i].text), fits);
        CHECK_STR(dest, rows[i].want);
    }
}

int main(void)
{
    return check_run();
}

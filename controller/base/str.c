#include "base/str.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>

bool str_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_empty(const char *s)
{
    return !s || !*s;
}

bool str_starts(const char *s, const char *prefix)
{
    return s && prefix && strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
    if (!s || !suffix)
        return false;
    size_t len = strlen(s), tail = strlen(suffix);
    return tail <= len && memcmp(s + len - tail, suffix, tail) == 0;
}

/* Of the first n bytes of s, those that end with a whole UTF-8 character; s goes on after them. */
static size_t whole_characters(const char *s, size_t n)
{
    while (n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80)
        n--;
    return n;
}

bool str_copy(char *dest, size_t size, const char *src)
{
    size_t len = src ? strlen(src) : 0;
    size_t n = len < size ? len : whole_characters(src, size - 1);
    if (n > 0)
        memmove(dest, src, n);
    dest[n] = '\0';
    return n == len;
}

bool str_join(char *dest, size_t size, char between, size_t count, const char *const parts[])
{
    size_t used = 0;
    dest[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && used + 1 == size)
            return false;
        if (i > 0)
            dest[used++] = between;
        if (!str_copy(dest + used, size - used, parts[i]))
            return false;
        used += strlen(parts[i]);
    }
    return true;
}

bool str_vformat(char *dest, size_t size, const char *format, va_list args)
{
    int n = vsnprintf(dest, size, format, args);
    if (n >= 0 && (size_t)n < size)
        return true;
    /* The byte that did not fit is gone, so the last character is judged by what its first byte announces. */
    size_t end = n < 0 ? 0 : size - 1, first = end;
    while (first > 0 && end - first < 4 && ((unsigned char)dest[first - 1] & 0xC0) == 0x80)
        first--;
    if (first > 0) {
        unsigned char lead = (unsigned char)dest[first - 1];
        size_t announced = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
        if (announced > end - first + 1)
            end = first - 1;
    }
    dest[end] = '\0';
    return false;
}

bool str_format(char *dest, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool whole = str_vformat(dest, size, format, args);
    va_end(args);
    return whole;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool str_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret_value)
{
    if (str_empty(s))
        return false;
    bool negative = *s == '-';
    if (negative)
        s++;
    if (!*s)
        return false;
    /* Counted downwards, since INT64_MIN has no positive counterpart. */
    int64_t value = 0;
    for (; *s; s++) {
        if (!is_digit(*s) || __builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, *s - '0', &value))
            return false;
    }
    if (!negative && __builtin_sub_overflow(0, value, &value))
        return false;
    if (value < min || value > max)
        return false;
    *ret_value = value;
    return true;
}

static size_t digits(const char *s)
{
    size_t n = 0;
    while (is_digit(s[n]))
        n++;
    return n;
}

/* -?(digits)(.digits)?(e[+-]?digits)? with a digit somewhere before the e: no blanks, hexadecimal, infinity or NaN. */
static bool is_decimal(const char *s)
{
    if (*s == '-')
        s++;
    size_t n = digits(s);
    s += n;
    if (*s == '.') {
        size_t fraction = digits(++s);
        s += fraction;
        n += fraction;
    }
    if (n == 0)
        return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        if (*s == '+' || *s == '-')
            s++;
        n = digits(s);
        s += n;
    }
    return n > 0 && !*s;
}

bool str_to_double(const char *s, double *ret_value)
{
    if (!s || !is_decimal(s))
        return false;
    /* The "C" locale is a constant in glibc and musl: nothing is allocated. */
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0)
        return false;
    double value = strtod_l(s, NULL, c_locale);
    freelocale(c_locale);
    if (!isfinite(value))
        return false;
    *ret_value = value;
    return true;
}

static bool is_label_char(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
}

/* The length of the label that s begins with; 0: none. A label neither begins nor ends with "-". */
static size_t label_length(const char *s)
{
    size_t n = 0;
    while (is_label_char(s[n]))
        n++;
    return n > 0 && s[0] != '-' && s[n - 1] != '-' ? n : 0;
}

bool str_is_dns_label(const char *s)
{
    if (!s)
        return false;
    size_t n = label_length(s);
    return n > 0 && n <= 63 && !s[n];
}

/* As IsDNS1123Subdomain, which bounds the whole name only: a part may be longer than 63. */
bool str_is_dns_subdomain(const char *s)
{
    if (!s || strnlen(s, 254) > 253)
        return false;
    for (;;) {
        size_t n = label_length(s);
        if (n == 0)
            return false;
        s += n;
        if (!*s)
            return true;
        if (*s++ != '.')
            return false;
    }
}

void str_hash8(const char *s, char ret_hex[9])
{
    uint32_t h = 0x811c9dc5u;
    for (; s && *s; s++)
        h = (h ^ (unsigned char)*s) * 0x01000193u;
    snprintf(ret_hex, 9, "%08x", h);
}

uint64_t str_hash64(const void *bytes, size_t n, uint64_t seed)
{
    const unsigned char *p = bytes;
    uint64_t h = 0xcbf29ce484222325u ^ seed;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

/* One byte made visible; the longest is \xNN. */
static size_t visible(char dest[8], unsigned char c)
{
    const char *names = "\nn\tt\rr\"\"\\\\"; /* pairs: the byte, and the letter behind the backslash */
    for (const char *p = names; *p; p += 2)
        if (c == (unsigned char)*p)
            return (size_t)snprintf(dest, 8, "\\%c", p[1]);
    if (c < 0x20 || c >= 0x7f)
        return (size_t)snprintf(dest, 8, "\\x%02x", c);
    dest[0] = (char)c;
    return 1;
}

const char *str_quote(char *dest, size_t size, const char *s)
{
    if (size == 0)
        return dest;
    size_t used = 0, cut = 0; /* cut: the last place where "..." still fits */
    for (; s && *s; s++) {
        char part[8];
        size_t n = visible(part, (unsigned char)*s);
        if (used + 3 < size)
            cut = used;
        if (used + n >= size) {
            size_t dots = size - 1 - cut < 3 ? size - 1 - cut : 3;
            memcpy(dest + cut, "...", dots);
            used = cut + dots;
            break;
        }
        memcpy(dest + used, part, n);
        used += n;
    }
    dest[used] = '\0';
    return dest;
}

#include "base/log.h"

#include "check.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2]; /* of a packet socket: one read gives one write */

static usec_t fixed_wall(void)
{
    return 1795599000123456;
}

/* What the last event wrote; NULL: nothing, or more than one write. */
static const char *line(void)
{
    static char text[65536];
    ssize_t n = read(ends[0], text, sizeof(text) - 1);
    char more;
    if (n <= 0 || read(ends[0], &more, 1) > 0)
        return NULL;
    text[n] = '\0';
    return text;
}

TEST(an_event_is_one_json_line)
{
    log_event(LOG_INFO, "drill injected", "drill", "shop", "card", "kill", NULL);
    CHECK_STR(line(), "{\"level\":\"info\",\"message\":\"drill injected\",\"drill\":\"shop\",\"card\":\"kill\"}\n");
}

TEST(the_clock_gives_the_time_stamp)
{
    log_set_output(ends[1], fixed_wall);
    log_event(LOG_ERROR, "x", NULL);
    CHECK_STR(line(), "{\"time\":\"2026-11-25T09:30:00.123456Z\",\"level\":\"error\",\"message\":\"x\"}\n");
    log_set_output(ends[1], NULL);
}

TEST(a_value_that_is_null_is_left_out)
{
    log_event(LOG_WARNING, "x", "a", NULL, "b", "1", NULL);
    CHECK_STR(line(), "{\"level\":\"warning\",\"message\":\"x\",\"b\":\"1\"}\n");
}

TEST(below_the_level_nothing_is_written)
{
    log_event(LOG_DEBUG, "x", NULL);
    CHECK(!line());
    log_set_level(LOG_DEBUG);
    log_event(LOG_DEBUG, "x", NULL);
    CHECK_CONTAINS(line(), "\"debug\"");
    log_set_level(LOG_ERROR);
    log_event(LOG_WARNING, "x", NULL);
    CHECK(!line());
    log_set_level(LOG_INFO);
}

static const struct {
    const char *sentence, *value, *want;
} values[] = {
    {"quotes and backslashes", "a\"b\\c", "a\\\"b\\\\c"},
    {"line ends and tabs", "a\nb\rc\td", "a\\nb\\rc\\td"},
    {"other controls", "\x01\x1b[31m\x7f", "\\u0001\\u001b[31m\\u007f"},
    {"controls of ISO 8859-1 as UTF-8", "\xC2\x9B", "\\u009b"},
    {"the first character after them stays", "\xC2\xA0", "\xC2\xA0"},
    {"two bytes", "é", "é"},
    {"three bytes", "€", "€"},
    {"four bytes", "🔥", "🔥"},
    {"the last code point", "\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"},
    {"beyond the last code point", "\xF4\x90\x80\x80", "����"},
    {"a byte that begins nothing",
     "a\xFF"
     "b",
     "a�b"},
    {"a continuation alone", "\x80", "�"},
    {"a character that breaks off", "\xE2\x82", "��"},
    {"a character that is broken off", "\xE2\x82x", "��x"},
    {"a longer form than needed", "\xC0\xAF", "��"},
    {"a longer form of three bytes", "\xE0\x80\xAF", "���"},
    {"a longer form of four bytes", "\xF0\x80\x80\xAF", "����"},
    {"half of a surrogate pair", "\xED\xA0\x80", "���"},
    {"the last before the surrogates", "\xED\x9F\xBF", "\xED\x9F\xBF"},
    {"empty", "", ""},
};

TEST(values_are_escaped)
{
    for (size_t i = 0; i < array_len(values); i++) {
        CHECK_ROW(values[i].sentence);
        char want[256];
        snprintf(want, sizeof(want), "{\"level\":\"info\",\"message\":\"x\",\"k\":\"%s\"}\n", values[i].want);
        log_event(LOG_INFO, "x", "k", values[i].value, NULL);
        CHECK_STR(line(), want);
    }
}

static size_t cut_lines;

/* Every line, however long its parts: one write of at most 8 KiB, whole JSON, and it says so where something is missing. */
static void check_bounds(const char *text)
{
    CHECK(text);
    size_t n = text ? strlen(text) : 0;
    CHECK(n > 0 && n <= 8192);
    if (n < 3)
        return;
    CHECK_STR(text + n - 2, "}\n");
    bool escaped = false;
    int quotes = 0;
    for (size_t i = 0; i < n - 1; i++) {
        CHECK(text[i] != '\n');
        quotes += text[i] == '"' && !escaped;
        escaped = text[i] == '\\' && !escaped;
    }
    CHECK_INT(quotes % 2, 0);
    cut_lines += strstr(text, ",\"truncated\":true}") != NULL;
}

TEST(a_line_is_bounded_and_a_cut_is_visible)
{
    static char value[20000];
    for (size_t n = 7900; n < 8300; n++) { /* past every place where the limit can fall */
        memset(value, 'x', n);
        value[n] = '\0';
        log_event(LOG_INFO, "message", "key", value, "next", "1", "last", "2", NULL);
        const char *text = line();
        check_bounds(text);
        CHECK(text && (strstr(text, "\"last\":\"2\"") || strstr(text, "\"truncated\":true")));
    }
    CHECK(cut_lines > 100 && cut_lines < 399);
    cut_lines = 0;
    for (size_t n = 1300; n < 1400; n++) { /* a cut never falls into an escape */
        memset(value, '\x01', n);
        value[n] = '\0';
        log_event(LOG_INFO, "message", "key", value, NULL);
        check_bounds(line());
    }
    for (size_t n = 2600; n < 2800; n++) { /* nor into a character */
        for (size_t i = 0; i < n; i++)
            memcpy(value + 3 * i, "€", 3);
        value[3 * n] = '\0';
        log_event(LOG_INFO, "message", "key", value, NULL);
        check_bounds(line());
    }
    CHECK(cut_lines > 100);
    log_event(LOG_INFO, value, NULL);
    CHECK_CONTAINS(line(), "€…\",\"truncated\":true}\n");
}

TEST(errno_survives)
{
    log_set_output(-1, NULL); /* write fails with EBADF */
    errno = EDOM;
    log_event(LOG_INFO, "x", NULL);
    CHECK_INT(errno, EDOM);
    log_set_output(ends[1], NULL);
}

int main(void)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
        return 1;
    log_set_output(ends[1], NULL);
    return check_run();
}

#include "base/cron.h"

#include "base/rfc3339.h"
#include "check.h"

static usec_t at(const char *text)
{
    usec_t wall = 0;
    if (!rfc3339_parse(text, &wall))
        CHECK_FAIL("not a time: %s", text);
    return wall;
}

static const struct {
    const char *sentence, *line, *zone, *from, *want; /* want NULL: never */
} rows[] = {
    {"every minute", "* * * * *", NULL, "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"},
    {"the time itself is not after itself", "0 12 * * *", NULL, "2026-01-01T12:00:00Z", "2026-01-02T12:00:00Z"},
    {"a microsecond before it is", "0 12 * * *", NULL, "2026-01-01T11:59:59.999999Z", "2026-01-01T12:00:00Z"},
    {"a microsecond after it is not", "0 12 * * *", NULL, "2026-01-01T12:00:00.000001Z", "2026-01-02T12:00:00Z"},
    {"every seven minutes", "*/7 * * * *", NULL, "2026-01-01T00:50:00Z", "2026-01-01T00:56:00Z"},
    {"starts again with each hour", "*/7 * * * *", NULL, "2026-01-01T00:56:00Z", "2026-01-01T01:00:00Z"},
    {"a list", "5,50 * * * *", NULL, "2026-01-01T00:05:00Z", "2026-01-01T00:50:00Z"},
    {"a range", "0 9-17 * * *", NULL, "2026-01-01T17:00:00Z", "2026-01-02T09:00:00Z"},
    {"a range with a step", "10-30/10 * * * *", NULL, "2026-01-01T00:30:00Z", "2026-01-01T01:10:00Z"},
    {"a value with a step goes to the end", "20/15 * * * *", NULL, "2026-01-01T00:35:00Z", "2026-01-01T00:50:00Z"},
    {"and there begins anew", "20/15 * * * *", NULL, "2026-01-01T00:50:00Z", "2026-01-01T01:20:00Z"},
    {"a list of ranges and values", "0 0-2,22-23,12 * * *", NULL, "2026-01-01T02:00:00Z", "2026-01-01T12:00:00Z"},
    {"names of months", "0 0 1 feb,NOV *", NULL, "2026-02-02T00:00:00Z", "2026-11-01T00:00:00Z"},
    {"a range of names", "0 0 * * mon-fri", NULL, "2026-01-03T00:00:00Z", "2026-01-05T00:00:00Z"},
    {"Sunday is 0", "0 0 * * 0", NULL, "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"},
    {"Sunday is 7", "0 0 * * 7", NULL, "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"},
    {"Friday to Sunday", "0 0 * * 5-7", NULL, "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z"},
    {"a step from a weekday ends on Saturday", "0 0 * * 5/1", NULL, "2026-01-03T00:00:00Z", "2026-01-09T00:00:00Z"},
    {"a question mark is a star", "0 0 ? * mon", NULL, "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z"},
    {"both days restricted: the day of the month", "0 0 13 * fri", NULL, "2026-01-10T00:00:00Z", "2026-01-13T00:00:00Z"},
    {"both days restricted: or the day of the week", "0 0 13 * fri", NULL, "2026-01-13T00:00:00Z", "2026-01-16T00:00:00Z"},
    {"only the day of the month", "0 0 13 * *", NULL, "2026-01-13T00:00:00Z", "2026-02-13T00:00:00Z"},
    {"only the day of the week", "0 0 * * fri", NULL, "2026-01-10T00:00:00Z", "2026-01-16T00:00:00Z"},
    {"a star with a step restricts", "0 0 */10 * mon", NULL, "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z"},
    {"a star with the step 1 does not", "0 0 */1 * mon", NULL, "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z"},
    {"a star in a list does not restrict", "0 0 *,13 * mon", NULL, "2026-01-12T00:00:00Z", "2026-01-19T00:00:00Z"},
    {"the month counts in either case", "0 0 13 mar fri", NULL, "2026-01-01T00:00:00Z", "2026-03-06T00:00:00Z"},
    {"the last day of a long month", "0 0 31 * *", NULL, "2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"},
    {"29 February waits for a leap year", "0 0 29 2 *", NULL, "2025-03-01T00:00:00Z", "2028-02-29T00:00:00Z"},
    {"but not over five years", "0 0 29 2 *", NULL, "2096-03-01T00:00:00Z", NULL},
    {"30 February never comes", "0 0 30 2 *", NULL, "2026-01-01T00:00:00Z", NULL},
    {"the turn of the year", "59 23 31 12 *", NULL, "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"},
    {"before 1970", "0 0 * * *", NULL, "1969-12-30T12:00:00Z", "1969-12-31T00:00:00Z"},
    {"hourly", "@hourly", NULL, "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"},
    {"daily", "@daily", NULL, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"},
    {"midnight", "@midnight", NULL, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"},
    {"weekly", "@weekly", NULL, "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"},
    {"monthly", "@monthly", NULL, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"},
    {"yearly", "@yearly", NULL, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
    {"annually", "@annually", NULL, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
    {"blanks and tabs between and around", " \t0  0\t1 1 * ", NULL, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},

    {"local time", "0 9 * * *", "Europe/Berlin", "2026-07-01T00:00:00Z", "2026-07-01T09:00:00+02:00"},
    {"the local day, not UTC's", "0 0 1 * *", "Europe/Berlin", "2026-06-30T21:59:00Z", "2026-06-30T22:00:00Z"},
    {"the local weekday", "30 20 * * sun", "America/New_York", "2026-01-01T00:00:00Z", "2026-01-05T01:30:00Z"},
    {"Berlin: a skipped time does not happen", "30 2 * * *", "Europe/Berlin", "2026-03-28T02:30:00+01:00",
     "2026-03-30T02:30:00+02:00"},
    {"Berlin: what is due each hour goes on after the gap", "0 * * * *", "Europe/Berlin", "2026-03-29T01:00:00+01:00",
     "2026-03-29T03:00:00+02:00"},
    {"Berlin: a repeated time happens the first time", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
     "2026-10-25T02:30:00+02:00"},
    {"Berlin: and not the second time", "30 2 * * *", "Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"},
    {"Berlin: nor when asked in between", "30 2 * * *", "Europe/Berlin", "2026-10-25T02:10:00+01:00", "2026-10-26T02:30:00+01:00"},
    {"Berlin: every minute pauses in the repeated hour", "* * * * *", "Europe/Berlin", "2026-10-25T02:59:00+02:00",
     "2026-10-25T03:00:00+01:00"},
    {"New York: a skipped time does not happen", "15 2 * * *", "America/New_York", "2026-03-07T12:00:00Z",
     "2026-03-09T02:15:00-04:00"},
    {"New York: a repeated time happens the first time", "30 1 * * *", "America/New_York", "2026-11-01T00:00:00-04:00",
     "2026-11-01T01:30:00-04:00"},
    {"New York: and only then", "30 1 * * *", "America/New_York", "2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"},
    {"Lord Howe: half an hour is skipped", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00+10:30",
     "2026-10-05T02:15:00+11:00"},
    {"Lord Howe: the other half is not", "45 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00+10:30",
     "2026-10-04T02:45:00+11:00"},
    {"Lord Howe: half an hour is repeated", "45 1 * * *", "Australia/Lord_Howe", "2026-04-05T00:00:00+11:00",
     "2026-04-05T01:45:00+11:00"},
    {"Lord Howe: and does not count again", "45 1 * * *", "Australia/Lord_Howe", "2026-04-05T01:45:00+11:00",
     "2026-04-06T01:45:00+10:30"},
    {"by the rule beyond the file", "30 2 * * *", "Europe/Berlin", "2091-03-24T12:00:00Z", "2091-03-26T02:30:00+02:00"},
};

TEST(the_next_time)
{
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct zone *z = NULL;
        struct cron *c = NULL;
        struct error err = {0};
        CHECK_INT(zone_load(rows[i].zone, TEST_DATA "/zoneinfo", &z, &err), 0);
        CHECK_INT(cron_parse(rows[i].line, &c, &err), 0);
        CHECK_STR(err.text, "");
        if (c) {
            usec_t got = cron_next(c, rows[i].zone ? z : NULL, at(rows[i].from));
            char got_text[RFC3339_SIZE], want_text[RFC3339_SIZE];
            CHECK_STR(rfc3339_format_micro(got, got_text),
                      rfc3339_format_micro(rows[i].want ? at(rows[i].want) : USEC_NEVER, want_text));
        }
        cron_free(c);
        zone_free(z);
    }
    cron_free(NULL);
}

TEST(the_ends_of_time_are_no_trap)
{
    struct cron *c = NULL;
    CHECK_INT(cron_parse("* * * * *", &c, NULL), 0);
    CHECK_INT(cron_next(c, NULL, USEC_NEVER), USEC_NEVER);
    CHECK_INT(cron_next(c, NULL, USEC_NEVER - 1), USEC_NEVER);
    CHECK(cron_next(c, NULL, INT64_MIN) < INT64_MIN + 3 * USEC_DAY);
    cron_free(c);
}

/* Each due time found by stepping is what a look at every minute of three years finds, with every local time at most once. */
TEST(stepping_agrees_with_looking_at_every_minute)
{
    struct zone *z = NULL;
    struct cron *c = NULL;
    CHECK_INT(zone_load("Europe/Berlin", TEST_DATA "/zoneinfo", &z, NULL), 0);
    CHECK_INT(cron_parse("*/20 1-3 * * *", &c, NULL), 0);
    usec_t from = at("2025-01-01T00:00:00Z"), next = cron_next(c, z, from);
    bool seen[3][3] = {0};
    int day = 0;
    for (usec_t wall = from + USEC_MINUTE; wall < from + 3 * 365 * USEC_DAY; wall += USEC_MINUTE) {
        struct civil civil = civil_from_wall(z, wall);
        if (civil.day != day)
            memset(seen, 0, sizeof(seen));
        day = civil.day;
        bool due = civil.hour >= 1 && civil.hour <= 3 && civil.minute % 20 == 0;
        if (due && !seen[civil.hour - 1][civil.minute / 20]) {
            CHECK_INT(next, wall);
            seen[civil.hour - 1][civil.minute / 20] = true;
            next = cron_next(c, z, next);
        }
    }
    cron_free(c);
    zone_free(z);
}

static const struct {
    const char *sentence, *line, *want;
} refused[] = {
    {"a minute that is not", "60 * * * *", "cron: field 1 (minute): \"60\" is not possible; write 0 to 59"},
    {"an hour that is not", "0 24 * * *", "cron: field 2 (hour): \"24\" is not possible; write 0 to 23"},
    {"the day 0", "0 0 0 * *", "cron: field 3 (day of month): \"0\" is not possible; write 1 to 31"},
    {"the day 32", "0 0 32 * *", "cron: field 3 (day of month): \"32\""},
    {"the month 13", "0 0 1 13 *", "cron: field 4 (month): \"13\" is not possible; write 1 to 12 or jan to dec"},
    {"the weekday 8", "0 0 * * 8",
     "cron: field 5 (day of week): \"8\" is not possible; write 0 to 7 (0 and 7 are Sunday) or sun to sat"},
    {"a name in the wrong field", "0 0 mon * *", "field 3 (day of month): \"mon\""},
    {"a long name", "0 0 * * monday", "field 5 (day of week): \"monday\""},
    {"a range that wraps", "0 22-2 * * *",
     "cron: field 2 (hour): \"22-2\" runs backwards; write the smaller value first, or two ranges with a comma"},
    {"a range of names that wraps", "0 0 * * fri-mon", "field 5 (day of week): \"fri-mon\" runs backwards"},
    {"half a range", "5- * * * *", "field 1 (minute): \"5-\" is not possible"},
    {"a negative number", "-5 * * * *", "field 1 (minute): \"-5\" is not possible"},
    {"a range of three", "1-2-3 * * * *", "field 1 (minute): \"1-2-3\" is not possible"},
    {"a star with a number", "*5 * * * *", "field 1 (minute): \"*5\" is not possible"},
    {"a range from a star", "*-5 * * * *", "field 1 (minute): \"*-5\" is not possible"},
    {"the step 0", "*/0 * * * *", "cron: field 1 (minute): \"*/0\" has a bad step; write 1 to 59 behind the \"/\""},
    {"no step", "*/ * * * *", "field 1 (minute): \"*/\" has a bad step"},
    {"a step larger than the field", "0 */24 * * *", "field 2 (hour): \"*/24\" has a bad step"},
    {"two steps", "*/2/3 * * * *", "field 1 (minute): \"*/2/3\" has a bad step"},
    {"an empty part of a list", "1,,2 * * * *", "field 1 (minute): \"\" is not possible"},
    {"a comma at the end", "1, * * * *", "field 1 (minute): \"\" is not possible"},
    {"the bad part of a list is named", "0 1,2,99 * * *", "field 2 (hour): \"99\" is not possible"},
    {"four fields", "* * * *", "cron: \"* * * *\" has 4 fields; write five fields: minute hour day-of-month month day-of-week"},
    {"one field", "5", "has 1 field; write"},
    {"seconds", "0 * * * * *", "has 6 fields"},
    {"nothing", "", "has 0 fields"},
    {"NULL", NULL, "has 0 fields"},
    {"an interval", "@every 5m", "cron: \"@every 5m\" is not known; write @hourly,"},
    {"an unknown macro", "@reboot", "\"@reboot\" is not known"},
    {"something behind a macro", "@daily 5", "\"@daily 5\" is not known"},
    {"a time zone in the line", "TZ=Europe/Berlin 0 0 * * *", "names a time zone, which does not belong into the line"},
    {"a time zone as robfig/cron has it", "CRON_TZ=UTC 0 0 * * *", "names a time zone"},
    {"an end of line", "0 0 * * *\n", "field 5 (day of week): \"*\\n\" is not possible"},
};

TEST(lines_that_are_refused)
{
    for (size_t i = 0; i < array_len(refused); i++) {
        CHECK_ROW(refused[i].sentence);
        struct cron *c = NULL;
        struct error err = {0};
        CHECK_INT(cron_parse(refused[i].line, &c, &err), -1);
        CHECK(!c);
        CHECK_INT(err.class, ERROR_INVALID);
        CHECK_CONTAINS(err.text, refused[i].want);
        CHECK_INT(cron_parse(refused[i].line, &c, NULL), -1);
    }
    char line[400];
    memset(line, ' ', sizeof(line));
    line[sizeof(line) - 1] = '\0';
    struct cron *c = NULL;
    struct error err = {0};
    CHECK_ROW("over 256 bytes");
    CHECK_INT(cron_parse(line, &c, &err), -1);
    CHECK_CONTAINS(err.text, "is longer than 256 bytes");
}

int main(void)
{
    return check_run();
}

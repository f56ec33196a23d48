#include "base/rfc3339.h"
#include "base/str.h"
#include "check.h"
#include "core/schedule.h"
#include "core/slot.h"
#include "core/target.h"
#include "fixture.h"

static usec_t at(const char *time)
{
    usec_t wall = -1;
    if (!rfc3339_parse(time, &wall))
        CHECK_FAIL("no time: %s", time);
    return wall;
}

TEST(a_slot_is_the_newest_since_the_last)
{
    static const struct {
        const char *sentence, *when, *zone, *created, *last, *now, *slot, *next;
    } rows[] = {
        {"the first comes one interval after creation", "5m", NULL, "2026-01-01T00:00:03Z", NULL, "2026-01-01T00:05:02Z", NULL,
         "2026-01-01T00:05:03Z"},
        {"and is due to the second", "5m", NULL, "2026-01-01T00:00:03Z", NULL, "2026-01-01T00:05:03Z", "2026-01-01T00:05:03Z",
         "2026-01-01T00:10:03Z"},
        {"a slot that was taken is not due again", "5m", NULL, "2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z",
         "2026-01-01T00:06:00Z", NULL, "2026-01-01T00:10:00Z"},
        {"of many missed ones the newest", "5m", NULL, "2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z", "2026-01-08T00:07:00Z",
         "2026-01-08T00:05:00Z", "2026-01-08T00:10:00Z"},
        {"the clock went back: nothing is due twice", "5m", NULL, "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z",
         "2026-01-01T00:31:00Z", NULL, "2026-01-01T01:05:00Z"},
        {"before its own creation", "5m", NULL, "2026-01-01T00:00:00Z", NULL, "2025-12-31T00:00:00Z", NULL, "2026-01-01T00:05:00Z"},
        {"by cron", "30 9 * * 1-5", NULL, "2026-01-01T00:00:00Z", NULL, "2026-01-05T09:31:00Z", "2026-01-05T09:30:00Z",
         "2026-01-06T09:30:00Z"},
        {"by cron over a weekend", "30 9 * * 1-5", NULL, "2026-01-01T00:00:00Z", "2026-01-02T09:30:00Z", "2026-01-05T09:29:00Z",
         NULL, "2026-01-05T09:30:00Z"},
        {"by cron after a long time away", "0 0 1 1 *", NULL, "2020-06-01T00:00:00Z", NULL, "2026-05-01T00:00:00Z",
         "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
        {"by cron in a zone, in winter", "30 9 * * *", "Europe/Berlin", "2026-01-01T00:00:00Z", NULL, "2026-01-05T08:31:00Z",
         "2026-01-05T08:30:00Z", "2026-01-06T08:30:00Z"},
        {"and in summer", "30 9 * * *", "Europe/Berlin", "2026-01-01T00:00:00Z", NULL, "2026-07-05T07:31:00Z",
         "2026-07-05T07:30:00Z", "2026-07-06T07:30:00Z"},
        {"a time that daylight saving skips does not happen", "30 2 29 3 *", "Europe/Berlin", "2026-03-28T00:00:00Z", NULL,
         "2026-03-29T12:00:00Z", NULL, "2027-03-29T00:30:00Z"},
        {"one that it repeats happens once", "30 2 25 10 *", "Europe/Berlin", "2026-10-24T00:00:00Z", "2026-10-25T00:30:00Z",
         "2026-10-25T12:00:00Z", NULL, "2027-10-25T00:30:00Z"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct schedule s = {
            .meta.created_at = at(rows[i].created), .last_slot = rows[i].last ? at(rows[i].last) : 0, .time_zone = rows[i].zone};
        if (strchr(rows[i].when, ' '))
            s.cron = rows[i].when;
        else
            s.every = 5 * USEC_MINUTE;
        usec_t slot = 0, next = 0;
        struct error err = {0};
        CHECK_INT(schedule_slot(&s, at(rows[i].now), &slot, &next, &err), rows[i].slot != NULL);
        CHECK_STR(err.text, "");
        char text[RFC3339_SIZE];
        CHECK_STR(slot ? rfc3339_format(slot, text) : NULL, rows[i].slot);
        CHECK_STR(rfc3339_format(next, text), rows[i].next);
    }
}

TEST(a_zone_nobody_knows_is_named)
{
    struct schedule s = {.cron = "@daily", .time_zone = "Middle/Earth"};
    usec_t slot, next;
    struct error err = {0};
    CHECK(!schedule_slot(&s, 0, &slot, &next, &err));
    CHECK_CONTAINS(err.text, "spec.timeZone");
    CHECK_CONTAINS(err.text, "Middle/Earth");
}

TEST(windows_open_and_close)
{
    static const struct {
        const char *sentence, *windows, *now;
        bool open;
        const char *error;
    } rows[] = {
        {"none: always", "null", "2026-01-05T12:00:00Z", true, NULL},
        {"an empty list: always", "[]", "2026-01-05T12:00:00Z", true, NULL},
        {"in it", "[{'from': '09:00', 'to': '17:00'}]", "2026-01-05T09:00:00Z", true, NULL},
        {"before it", "[{'from': '09:00', 'to': '17:00'}]", "2026-01-05T08:59:59Z", false, NULL},
        {"its end is outside", "[{'from': '09:00', 'to': '17:00'}]", "2026-01-05T17:00:00Z", false, NULL},
        {"on another day", "[{'days': ['Mon', 'Tue'], 'from': '09:00', 'to': '17:00'}]", "2026-01-04T12:00:00Z", false, NULL},
        {"on that day", "[{'days': ['Mon', 'Tue'], 'from': '09:00', 'to': '17:00'}]", "2026-01-05T12:00:00Z", true, NULL},
        {"over midnight, before it", "[{'days': ['Sat'], 'from': '22:00', 'to': '04:00'}]", "2026-01-03T23:00:00Z", true, NULL},
        {"over midnight, after it", "[{'days': ['Sat'], 'from': '22:00', 'to': '04:00'}]", "2026-01-04T03:59:00Z", true, NULL},
        {"over midnight, not the day before", "[{'days': ['Sat'], 'from': '22:00', 'to': '04:00'}]", "2026-01-03T03:00:00Z", false,
         NULL},
        {"the whole day", "[{'from': '00:00', 'to': '24:00'}]", "2026-01-04T23:59:59Z", true, NULL},
        {"the second of two", "[{'from': '00:00', 'to': '01:00'}, {'from': '12:00', 'to': '13:00'}]", "2026-01-04T12:30:00Z", true,
         NULL},
        {"in a zone, in winter", "[{'from': '09:00', 'to': '17:00', 'timeZone': 'Europe/Berlin'}]", "2026-01-05T08:00:00Z", true,
         NULL},
        {"in a zone, in summer", "[{'from': '09:00', 'to': '17:00', 'timeZone': 'Europe/Berlin'}]", "2026-07-06T15:00:00Z", false,
         NULL},
        {"a time that is none", "[{'from': '9:00', 'to': '17:00'}]", "2026-01-05T12:00:00Z", false,
         "spec.safety.windows[0].from: \"9:00\" is not a time of day"},
        {"24:00 begins nothing", "[{'from': '24:00', 'to': '17:00'}]", "2026-01-05T12:00:00Z", false, "windows[0].from: \"24:00\""},
        {"a day that is none", "[{'days': ['Caturday'], 'from': '09:00', 'to': '17:00'}]", "2026-01-05T12:00:00Z", false,
         "windows[0].days: \"Caturday\""},
        {"a zone that is none", "[{'from': '09:00', 'to': '17:00', 'timeZone': '../etc'}]", "2026-01-05T12:00:00Z", false,
         "windows[0].timeZone"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_fixture json_t *windows = fixture(rows[i].windows);
        struct error err = {0};
        CHECK_INT(windows_open(windows, at(rows[i].now), &err), rows[i].open);
        CHECK_CONTAINS(err.text, rows[i].error ? rows[i].error : "");
        CHECK(rows[i].error || err.class == ERROR_NONE);
    }
}

int main(void)
{
    return check_run();
}

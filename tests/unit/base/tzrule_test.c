#include "base/tzrule.h"

#include "base/rfc3339.h"
#include "check.h"

static const struct {
    const char *sentence, *text;
    bool good;
} forms[] = {
    {"no daylight saving", "EST5", true},
    {"a name in brackets", "<-03>3", true},
    {"weeks", "CET-1CEST,M3.5.0,M10.5.0/3", true},
    {"half hours on both sides", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", true},
    {"seconds", "LMT-0:53:28", true},
    {"days of the year", "ABC3DEF,J60/0,300/24", true},
    {"negative and long times", "<-02>2<-01>,M3.4.4/-50,M10.5.0/167:59:59", true},
    {"empty", "", false},
    {"NULL", NULL, false},
    {"no offset", "CET", false},
    {"a name of two letters", "AB5", false},
    {"a name in brackets of two characters", "<+1>-1", false},
    {"a bracket that stays open", "<+01-1", false},
    {"a name with other characters", "<+0_>5", false},
    {"a file name, which POSIX leaves to the system", ":Europe/Berlin", false},
    {"a daylight name without dates", "CET-1CEST", false},
    {"one date only", "CET-1CEST,M3.5.0", false},
    {"trailing bytes", "CET-1CEST,M3.5.0,M10.5.0/3x", false},
    {"trailing bytes behind the offset", "CET-1,", false},
    {"the month 0", "CET-1CEST,M0.5.0,M10.5.0", false},
    {"the month 13", "CET-1CEST,M13.5.0,M10.5.0", false},
    {"the week 6", "CET-1CEST,M3.6.0,M10.5.0", false},
    {"the weekday 7", "CET-1CEST,M3.5.7,M10.5.0", false},
    {"the Julian day 0", "CET-1CEST,J0,J100", false},
    {"the day 366 counted from 0", "CET-1CEST,366,1", false},
    {"minute 60", "CET-1:60", false},
    {"hour 25 as an offset", "CET-25", false},
    {"hour 168 as a time", "CET-1CEST,M3.5.0/168,M10.5.0", false},
};

TEST(parsing)
{
    for (size_t i = 0; i < array_len(forms); i++) {
        CHECK_ROW(forms[i].sentence);
        struct tzrule rule;
        CHECK_INT(tzrule_parse(forms[i].text, &rule), forms[i].good);
    }
}

#define BERLIN    "CET-1CEST,M3.5.0,M10.5.0/3"
#define NEW_YORK  "EST5EDT,M3.2.0,M11.1.0"
#define LORD_HOWE "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"
#define DUBLIN    "IST-1GMT0,M10.5.0,M3.5.0/1"
#define JULIAN    "AAA0BBB,J60/0,J61/0"
#define DAYS      "AAA0BBB,59/0,60/0"
#define ALWAYS    "AAA5BBB,0/0,J365/25"

static const struct {
    const char *sentence, *rule, *time;
    int offset;
    const char *until; /* NULL: not asked; "": never */
} offsets[] = {
    {"no daylight saving never changes", "EST5", "2026-07-01T00:00:00Z", -18000, ""},
    {"winter lasts until the last Sunday of March", BERLIN, "2040-01-01T00:00:00Z", 3600, "2040-03-25T01:00:00Z"},
    {"the second before", BERLIN, "2040-03-25T00:59:59Z", 3600, "2040-03-25T01:00:00Z"},
    {"the change itself is summer", BERLIN, "2040-03-25T01:00:00Z", 7200, "2040-10-28T01:00:00Z"},
    {"summer's last second", BERLIN, "2040-10-28T00:59:59Z", 7200, "2040-10-28T01:00:00Z"},
    {"winter lasts over the new year", BERLIN, "2040-10-28T01:00:00Z", 3600, "2041-03-31T01:00:00Z"},
    {"west of Greenwich", NEW_YORK, "2040-03-11T07:00:00Z", -14400, "2040-11-04T06:00:00Z"},
    {"in the south the new year is summer", LORD_HOWE, "2040-12-31T23:59:59Z", 39600, "2041-04-06T15:00:00Z"},
    {"and half an hour is all it shifts", LORD_HOWE, "2040-05-01T00:00:00Z", 37800, "2040-10-06T15:30:00Z"},
    {"daylight saving below standard time is Ireland's winter", DUBLIN, "2040-01-01T00:00:00Z", 0, "2040-03-25T01:00:00Z"},
    {"and its summer is standard", DUBLIN, "2040-07-01T00:00:00Z", 3600, "2040-10-28T01:00:00Z"},
    {"J60 is 1 March in a leap year", JULIAN, "2024-02-29T12:00:00Z", 0, "2024-03-01T00:00:00Z"},
    {"J60 is 1 March in another year", JULIAN, "2025-03-01T12:00:00Z", 3600, "2025-03-01T23:00:00Z"},
    {"59 is 29 February in a leap year", DAYS, "2024-02-29T12:00:00Z", 3600, "2024-02-29T23:00:00Z"},
    {"59 is 1 March in another year", DAYS, "2025-03-01T12:00:00Z", 3600, NULL},
    {"daylight saving all the year in its first hour", ALWAYS, "2026-01-01T05:30:00Z", -14400, NULL},
    {"daylight saving all the year in its last", ALWAYS, "2027-01-01T04:30:00Z", -14400, NULL},
    {"daylight saving all the year in between", ALWAYS, "2026-07-01T00:00:00Z", -14400, NULL},
};

TEST(the_offset_and_how_long_it_holds)
{
    for (size_t i = 0; i < array_len(offsets); i++) {
        CHECK_ROW(offsets[i].sentence);
        struct tzrule rule;
        usec_t time = 0, until = 0;
        int64_t got;
        CHECK(tzrule_parse(offsets[i].rule, &rule));
        CHECK(rfc3339_parse(offsets[i].time, &time));
        CHECK_INT(tzrule_offset(&rule, time / USEC_SEC, &got), offsets[i].offset);
        CHECK_INT(tzrule_offset(&rule, time / USEC_SEC, NULL), offsets[i].offset);
        if (offsets[i].until && !*offsets[i].until)
            CHECK_INT(got, INT64_MAX);
        else if (offsets[i].until && rfc3339_parse(offsets[i].until, &until))
            CHECK_INT(got, until / USEC_SEC);
    }
}

int main(void)
{
    return check_run();
}

#include "base/zone.h"

#include "base/buf.h"
#include "base/rfc3339.h"
#include "check.h"

#include <stdint.h>

#define ZONES TEST_DATA "/zoneinfo"

static usec_t at(const char *text)
{
    usec_t wall = 0;
    if (!rfc3339_parse(text, &wall))
        CHECK_FAIL("not a time: %s", text);
    return wall;
}

/* The wanted values come from another reader of the same files (Python's zoneinfo). */
static const struct {
    const char *sentence, *zone, *time;
    int want;
} offsets[] = {
    {"UTC needs no file", "UTC", "2026-07-01T00:00:00Z", 0},
    {"nor by its other name", "Etc/UTC", "2026-07-01T00:00:00Z", 0},
    {"nor without a name", "", "2026-07-01T00:00:00Z", 0},
    {"nor as NULL", NULL, "2026-07-01T00:00:00Z", 0},
    {"Berlin in winter", "Europe/Berlin", "2026-01-01T00:00:00Z", 3600},
    {"the last second of winter", "Europe/Berlin", "2026-03-29T00:59:59Z", 3600},
    {"the first of summer", "Europe/Berlin", "2026-03-29T01:00:00Z", 7200},
    {"the last second of summer", "Europe/Berlin", "2026-10-25T00:59:59Z", 7200},
    {"the first of winter", "Europe/Berlin", "2026-10-25T01:00:00Z", 3600},
    {"beyond the file its rule goes on", "Europe/Berlin", "2091-07-01T00:00:00Z", 7200},
    {"before the first change local mean time", "Europe/Berlin", "1880-01-01T00:00:00Z", 3208},
    {"double summer time of 1945", "Europe/Berlin", "1945-06-01T00:00:00Z", 10800},
    {"New York before the change", "America/New_York", "2026-03-08T06:59:59Z", -18000},
    {"New York after it", "America/New_York", "2026-03-08T07:00:00Z", -14400},
    {"New York by the rule", "America/New_York", "2060-11-07T05:59:59Z", -14400},
    {"New York by the rule after the change", "America/New_York", "2060-11-07T06:00:00Z", -18000},
    {"Lord Howe shifts by half an hour", "Australia/Lord_Howe", "2026-04-04T14:59:59Z", 39600},
    {"back", "Australia/Lord_Howe", "2026-04-04T15:00:00Z", 37800},
    {"and forth", "Australia/Lord_Howe", "2026-10-03T15:30:00Z", 39600},
    {"in the south January is summer", "Australia/Lord_Howe", "2050-01-01T00:00:00Z", 39600},
};

TEST(offsets_of_real_zones)
{
    for (size_t i = 0; i < array_len(offsets); i++) {
        CHECK_ROW(offsets[i].sentence);
        struct zone *z = NULL;
        struct error err = {0};
        CHECK_INT(zone_load(offsets[i].zone, ZONES, &z, &err), 0);
        CHECK_STR(err.text, "");
        CHECK_INT(zone_offset(z, at(offsets[i].time)), offsets[i].want);
        zone_free(z);
    }
    CHECK_INT(zone_offset(NULL, 0), 0);
    zone_free(NULL);
}

TEST(a_microsecond_before_a_change_is_before_it)
{
    struct zone *z = NULL;
    CHECK_INT(zone_load("Europe/Berlin", ZONES, &z, NULL), 0);
    CHECK_INT(zone_offset(z, at("2026-03-29T00:59:59.999999Z")), 3600);
    CHECK_INT(zone_offset(z, INT64_MIN), 3208);
    CHECK_INT(zone_offset(z, USEC_NEVER - 1) % 3600, 0);
    zone_free(z);
}

static const struct {
    const char *sentence, *name, *want;
} refused[] = {
    {"an unknown zone", "Europe/Berln", "time zone \"Europe/Berln\" is not known; write for example \"Europe/Berlin\""},
    {"a folder", "Europe", "time zone \"Europe\" is not known; it is a folder, not a zone"},
    {"a zone below a zone", "Europe/Berlin/Mitte", "is not known"},
    {"a way out of the folder", "../zoneinfo/Europe/Berlin", "is not the name of a time zone"},
    {"two points anywhere", "Europe/..Berlin", "is not the name of a time zone"},
    {"an absolute path", "/etc/localtime", "is not the name of a time zone"},
    {"over 64 bytes", "Europe/Berlin/Europe/Berlin/Europe/Berlin/Europe/Berlin/Europe/Ber", "is not the name of a time zone"},
    {"a blank", "Europe/ Berlin", "is not the name of a time zone"},
    {"a control character", "Europe\n", "\"Europe\\n\" is not the name of a time zone"},
};

TEST(names_that_are_refused)
{
    for (size_t i = 0; i < array_len(refused); i++) {
        CHECK_ROW(refused[i].sentence);
        struct zone *z = NULL;
        struct error err = {0};
        CHECK_INT(zone_load(refused[i].name, ZONES, &z, &err), -1);
        CHECK(!z);
        CHECK_INT(err.class, ERROR_INVALID);
        CHECK_CONTAINS(err.text, refused[i].want);
    }
    struct error err = {0};
    struct zone *z = NULL;
    CHECK_ROW("a file that is no zone");
    CHECK_INT(zone_load("zone_test.c", SOURCE_ROOT "/tests/unit/base", &z, &err), -1);
    CHECK_CONTAINS(err.text, "not a file of the tz database");
}

static const struct {
    const char *sentence, *zone, *local, *want; /* local: as if it were UTC; want NULL: skipped */
} firsts[] = {
    {"an ordinary time", "Europe/Berlin", "2026-07-01T12:00:00Z", "2026-07-01T12:00:00+02:00"},
    {"the last minute before the gap", "Europe/Berlin", "2026-03-29T01:59:00Z", "2026-03-29T00:59:00Z"},
    {"the first of the gap", "Europe/Berlin", "2026-03-29T02:00:00Z", NULL},
    {"the last of the gap", "Europe/Berlin", "2026-03-29T02:59:59Z", NULL},
    {"the first after the gap", "Europe/Berlin", "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z"},
    {"a repeated time is the first one", "Europe/Berlin", "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z"},
    {"the hour after it", "Europe/Berlin", "2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z"},
    {"the gap in New York", "America/New_York", "2026-03-08T02:30:00Z", NULL},
    {"the repetition in New York", "America/New_York", "2026-11-01T01:30:00Z", "2026-11-01T01:30:00-04:00"},
    {"a gap of half an hour", "Australia/Lord_Howe", "2026-10-04T02:29:59Z", NULL},
    {"is over after it", "Australia/Lord_Howe", "2026-10-04T02:30:00Z", "2026-10-04T02:30:00+11:00"},
    {"a repetition of half an hour", "Australia/Lord_Howe", "2026-04-05T01:45:00Z", "2026-04-05T01:45:00+11:00"},
    {"a gap by the rule", "Europe/Berlin", "2091-03-25T02:30:00Z", NULL},
    {"a repetition by the rule", "Europe/Berlin", "2091-10-28T02:30:00Z", "2091-10-28T02:30:00+02:00"},
    {"UTC has neither", "UTC", "2026-03-29T02:30:00Z", "2026-03-29T02:30:00Z"},
};

TEST(from_local_time_to_utc)
{
    for (size_t i = 0; i < array_len(firsts); i++) {
        CHECK_ROW(firsts[i].sentence);
        struct zone *z = NULL;
        int64_t second = 77;
        CHECK_INT(zone_load(firsts[i].zone, ZONES, &z, NULL), 0);
        CHECK_INT(zone_first(z, at(firsts[i].local) / USEC_SEC, &second), firsts[i].want != NULL);
        CHECK_INT(second, firsts[i].want ? at(firsts[i].want) / USEC_SEC : 77);
        zone_free(z);
    }
}

TEST(civil_time)
{
    struct zone *z = NULL;
    CHECK_INT(zone_load("Europe/Berlin", ZONES, &z, NULL), 0);
    struct civil c = civil_from_wall(z, at("2026-12-31T23:30:15.5Z"));
    CHECK(c.year == 2027 && c.month == 1 && c.day == 1 && c.hour == 0 && c.minute == 30 && c.second == 15 && c.weekday == 5);
    c = civil_from_wall(NULL, -1);
    CHECK(c.year == 1969 && c.month == 12 && c.day == 31 && c.hour == 23 && c.minute == 59 && c.second == 59 && c.weekday == 3);
    zone_free(z);
}

/* A small TZif file: the block for old readers (empty but for one type), then `count` changes every 1000 s between +1 h and +2 h. */
struct file {
    char version;
    uint32_t count, leap_seconds, types;
    int second_offset;
    const char *footer;
};

static void put(struct buf *b, int64_t value, int size)
{
    for (int i = size - 1; i >= 0; i--)
        buf_append_char(b, (char)(value >> 8 * i));
}

static void put_block(struct buf *b, const struct file *f, uint32_t count, int time_size)
{
    buf_append_str(b, "TZif");
    buf_append_char(b, f->version);
    for (int i = 0; i < 15; i++)
        buf_append_char(b, 0);
    put(b, 0, 4);
    put(b, 0, 4);
    put(b, f->leap_seconds, 4);
    put(b, count, 4);
    put(b, f->types, 4);
    put(b, 4, 4);
    for (uint32_t i = 0; i < count; i++)
        put(b, 1000 * (int64_t)(i + 1), time_size);
    for (uint32_t i = 0; i < count; i++)
        buf_append_char(b, (char)((i + 1) % 2));
    for (uint32_t i = 0; i < f->types; i++) {
        put(b, i ? f->second_offset : 3600, 4);
        put(b, 0, 2);
    }
    put(b, 0, 4); /* the names, which could pass for an offset of 0 */
    for (uint32_t i = 0; i < f->leap_seconds; i++) {
        put(b, 1, time_size);
        put(b, 1, 4);
    }
}

static void put_file(struct buf *b, const struct file *f)
{
    put_block(b, f, f->version ? 0 : f->count, 4);
    if (f->version) {
        put_block(b, f, f->count, 8);
        buf_append_str(b, f->footer);
    }
}

TEST(a_file_of_the_first_version_keeps_its_last_offset)
{
    auto_buf struct buf b;
    buf_init(&b, 4096);
    put_file(&b, &(struct file){.count = 3, .types = 2, .second_offset = 7200});
    struct zone *z = NULL;
    struct error err = {0};
    CHECK_INT(zone_parse("v1", b.data, b.len, &z, &err), 0);
    CHECK_STR(err.text, "");
    CHECK_INT(zone_offset(z, 999 * USEC_SEC), 3600);
    CHECK_INT(zone_offset(z, 1000 * USEC_SEC), 7200);
    CHECK_INT(zone_offset(z, 2000 * USEC_SEC), 3600);
    CHECK_INT(zone_offset(z, 3000 * USEC_SEC), 7200);
    CHECK_INT(zone_offset(z, USEC_NEVER), 7200);
    zone_free(z);
}

static const struct {
    const char *sentence;
    struct file file;
    const char *want; /* part of the error; NULL: good */
} files[] = {
    {"an empty footer", {'2', 3, 0, 2, 7200, "\n\n"}, NULL},
    {"a footer with a rule", {'3', 3, 0, 2, 7200, "\n<+01>-1\n"}, NULL},
    {"a rule alone", {'2', 0, 0, 1, 0, "\nCET-1CEST,M3.5.0,M10.5.0/3\n"}, NULL},
    {"no footer", {'2', 3, 0, 2, 7200, ""}, "not a file of the tz database"},
    {"a footer that breaks off", {'2', 3, 0, 2, 7200, "\nCET-1"}, "not a file of the tz database"},
    {"a footer that is no rule", {'2', 3, 0, 2, 7200, "\nBerlin\n"}, "not a file of the tz database"},
    {"no type", {'2', 0, 0, 0, 7200, "\n\n"}, "not a file of the tz database"},
    {"a change to a type that is not there", {'2', 3, 0, 1, 7200, "\n\n"}, "not a file of the tz database"},
    {"an offset of two days", {'2', 3, 0, 2, 172800, "\n\n"}, "not a file of the tz database"},
    {"leap seconds", {'2', 3, 2, 2, 7200, "\n\n"}, "counts leap seconds"},
};

TEST(files_good_and_bad)
{
    for (size_t i = 0; i < array_len(files); i++) {
        CHECK_ROW(files[i].sentence);
        auto_buf struct buf b;
        buf_init(&b, 4096);
        put_file(&b, &files[i].file);
        struct zone *z = NULL;
        struct error err = {0};
        CHECK_INT(zone_parse("x", b.data, b.len, &z, &err), files[i].want ? -1 : 0);
        if (files[i].want)
            CHECK_CONTAINS(err.text, files[i].want);
        else
            CHECK_STR(err.text, "");
        zone_free(z);
    }
}

TEST(every_way_to_break_off_is_an_error)
{
    auto_buf struct buf b;
    buf_init(&b, 4096);
    put_file(&b, &(struct file){'2', 3, 0, 2, 7200, "\n<+01>-1\n"});
    for (size_t n = 0; n < b.len; n++) {
        auto_free char *copy = mem_alloc(n); /* of its own, so that the sanitizer sees a read beyond */
        memcpy(copy, b.data, n);
        struct zone *z = NULL;
        CHECK_INT(zone_parse("x", copy, n, &z, NULL), -1);
        CHECK(!z);
        zone_free(z);
    }
}

int main(void)
{
    return check_run();
}

#include "base/zone.h"

#include "base/buf.h"
#include "base/calendar.h"
#include "base/str.h"
#include "base/tzrule.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZONE_DIR         "/usr/share/zoneinfo"
#define ZONE_NAME_MAX    64
#define ZONE_FILE_MAX    65536 /* the largest file of the tz database has about 4 KiB */
#define HEADER_SIZE      44
#define OFFSET_REACH     (26 * 3600) /* offsets lie between -25 and +26 hours: RFC 8536 3.2 */
#define TYPE_RECORD_SIZE 6

struct change {
    int64_t at; /* seconds since 1970 UTC */
    int offset; /* from then on */
};

struct zone {
    int first_offset; /* before the first change */
    struct change *changes;
    size_t count;
    bool has_rule; /* for times after the last change */
    struct tzrule rule;
};

/* RFC 8536 3.1: numbers of records in the block that follows. */
struct header {
    char version;
    uint32_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt;
};

struct reader {
    const unsigned char *at, *end;
};

static size_t left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

static int64_t take_be(struct reader *r, size_t size)
{
    uint64_t value = *r->at & 0x80 ? UINT64_MAX : 0; /* two's complement, sign extended */
    for (size_t i = 0; i < size; i++)
        value = value << 8 | *r->at++;
    return (int64_t)value;
}

static bool take_header(struct reader *r, struct header *ret_header)
{
    if (left(r) < HEADER_SIZE || memcmp(r->at, "TZif", 4) != 0)
        return false;
    struct header h = {.version = (char)r->at[4]};
    r->at += 20;
    uint32_t *counts[] = {&h.isutcnt, &h.isstdcnt, &h.leapcnt, &h.timecnt, &h.typecnt, &h.charcnt};
    for (size_t i = 0; i < array_len(counts); i++) {
        *counts[i] = (uint32_t)take_be(r, 4);
        if (*counts[i] > ZONE_FILE_MAX)
            return false;
    }
    *ret_header = h;
    return true;
}

static size_t block_size(const struct header *h, size_t time_size)
{
    return h->timecnt * (time_size + 1) + h->typecnt * TYPE_RECORD_SIZE + h->charcnt + h->leapcnt * (time_size + 4) + h->isstdcnt +
           h->isutcnt;
}

/* RFC 8536 3.2. Names and the standard/UT indicators serve other purposes. */
static bool take_block(struct reader *r, const struct header *h, size_t time_size, struct zone *z)
{
    size_t size = block_size(h, time_size);
    if (left(r) < size || h->typecnt == 0)
        return false;
    const unsigned char *types = r->at + h->timecnt * (time_size + 1);
    struct reader times = {r->at, r->end}, indices = {r->at + h->timecnt * time_size, r->end};
    r->at += size;

    struct reader first = {types, r->end};
    z->first_offset = (int)take_be(&first, 4);
    z->changes = mem_array(h->timecnt, sizeof(*z->changes));
    z->count = h->timecnt;
    for (size_t i = 0; i < h->timecnt; i++) {
        unsigned char type = *indices.at++;
        if (type >= h->typecnt)
            return false;
        struct reader record = {types + type * TYPE_RECORD_SIZE, r->end};
        z->changes[i] = (struct change){.at = take_be(&times, time_size), .offset = (int)take_be(&record, 4)};
        if (i > 0 && z->changes[i].at <= z->changes[i - 1].at)
            return false;
    }
    return true;
}

static bool offsets_in_range(const struct zone *z)
{
    bool good = z->first_offset > -OFFSET_REACH && z->first_offset < OFFSET_REACH;
    for (size_t i = 0; i < z->count; i++)
        good = good && z->changes[i].offset > -OFFSET_REACH && z->changes[i].offset < OFFSET_REACH;
    return good;
}

/* RFC 8536 3.3: a TZ string between two newlines; empty: nothing is known after the last change. */
static bool take_footer(struct reader *r, struct zone *z)
{
    if (left(r) < 2 || *r->at != '\n')
        return false;
    const unsigned char *newline = memchr(r->at + 1, '\n', left(r) - 1);
    if (!newline)
        return false;
    char text[128];
    size_t length = (size_t)(newline - r->at) - 1;
    if (length == 0)
        return true;
    if (length >= sizeof(text))
        return false;
    memcpy(text, r->at + 1, length);
    text[length] = '\0';
    z->has_rule = tzrule_parse(text, &z->rule);
    return z->has_rule;
}

int zone_parse(const char *name, const void *bytes, size_t n, struct zone **ret_zone, struct error *err)
{
    char quoted[2 * ZONE_NAME_MAX];
    str_quote(quoted, sizeof(quoted), name);
    struct zone *z = mem_new(struct zone);
    struct reader r = {bytes, (const unsigned char *)bytes + n};
    struct header h;
    bool good = take_header(&r, &h);
    if (good && h.version >= '2') {
        /* The first block, with 32-bit times, is for readers of before 2005. */
        good = left(&r) >= block_size(&h, 4);
        if (good) {
            r.at += block_size(&h, 4);
            good = take_header(&r, &h) && take_block(&r, &h, 8, z) && take_footer(&r, z);
        }
    } else if (good) {
        good = take_block(&r, &h, 4, z);
    }
    if (!good || !offsets_in_range(z)) {
        zone_free(z);
        return error_set(err, ERROR_INVALID, "time zone \"%s\": not a file of the tz database", quoted);
    }
    if (h.leapcnt > 0) {
        zone_free(z);
        return error_set(err, ERROR_INVALID, "time zone \"%s\" counts leap seconds; take the one without \"right/\"", quoted);
    }
    *ret_zone = z;
    return 0;
}

static bool is_name(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("_+-/.", *p)))
            return false;
    return strlen(name) <= ZONE_NAME_MAX && name[0] != '/' && !strstr(name, "..");
}

static int read_file(int fd, struct buf *b)
{
    for (;;) {
        char part[4096];
        ssize_t n = read(fd, part, sizeof(part));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        if (!buf_append(b, part, (size_t)n))
            return -EFBIG;
    }
}

int zone_load(const char *name, const char *dir, struct zone **ret_zone, struct error *err)
{
    if (str_empty(name) || str_equal(name, "UTC") || str_equal(name, "Etc/UTC")) {
        *ret_zone = mem_new(struct zone);
        return 0;
    }
    char quoted[2 * ZONE_NAME_MAX];
    str_quote(quoted, sizeof(quoted), name);
    if (!is_name(name))
        return error_set(err, ERROR_INVALID, "\"%s\" is not the name of a time zone; write for example \"Europe/Berlin\"", quoted);
    auto_free char *path = mem_printf("%s/%s", dir ? dir : ZONE_DIR, name);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return error_set(err, ERROR_INVALID, "time zone \"%s\" is not known; write for example \"Europe/Berlin\"", quoted);
    if (fd < 0)
        return error_errno(err, errno, "time zone \"%s\"", quoted);
    struct stat status;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return error_set(err, ERROR_INVALID, "time zone \"%s\" is not known; it is a folder, not a zone", quoted);
    auto_buf struct buf b;
    buf_init(&b, ZONE_FILE_MAX);
    int result = read_file(fd, &b);
    if (result == -EFBIG)
        return error_set(err, ERROR_INVALID, "time zone \"%s\": not a file of the tz database", quoted);
    if (result < 0)
        return error_errno(err, -result, "time zone \"%s\"", quoted);
    return zone_parse(name, buf_str(&b), b.len, ret_zone, err);
}

void zone_free(struct zone *z)
{
    if (!z)
        return;
    free(z->changes);
    free(z);
}

/* The offset at a second, and when it changes next (INT64_MAX: never). */
static int offset_at(const struct zone *z, int64_t second, int64_t *ret_until)
{
    *ret_until = INT64_MAX;
    if (!z)
        return 0;
    if (z->has_rule && (z->count == 0 || second >= z->changes[z->count - 1].at))
        return tzrule_offset(&z->rule, second, ret_until);
    size_t low = 0, high = z->count; /* the number of changes up to `second` */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (z->changes[middle].at <= second)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < z->count)
        *ret_until = z->changes[low].at;
    return low > 0 ? z->changes[low - 1].offset : z->first_offset;
}

int zone_offset(const struct zone *z, usec_t wall)
{
    int64_t until;
    return offset_at(z, calendar_floor_div(wall, USEC_SEC), &until);
}

bool zone_first(const struct zone *z, int64_t local, int64_t *ret_second)
{
    for (int64_t from = local - OFFSET_REACH, until; from <= local + OFFSET_REACH; from = until) {
        int64_t second = local - offset_at(z, from, &until);
        if (second >= from && second < until) {
            *ret_second = second;
            return true;
        }
        if (until == INT64_MAX)
            return false;
    }
    return false;
}

struct civil civil_from_wall(const struct zone *z, usec_t wall)
{
    int64_t local = calendar_floor_div(wall, USEC_SEC) + zone_offset(z, wall);
    int64_t days = calendar_floor_div(local, 86400);
    int time = (int)(local - days * 86400);
    struct date date = calendar_date(days);
    return (struct civil){
        .year = (int)date.year,
        .month = date.month,
        .day = date.day,
        .hour = time / 3600,
        .minute = time / 60 % 60,
        .second = time % 60,
        .weekday = calendar_weekday(days),
    };
}

#include "base/cron.h"

#include "base/calendar.h"
#include "base/str.h"

#include <strings.h>

#define LINE_MAX_BYTES 256
#define SEARCH_DAYS    (5 * 366)

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

struct cron {
    uint64_t bits[FIELDS]; /* bit n: the value n is due */
    bool any[FIELDS];      /* the field leaves everything open */
};

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const struct field {
    const char *noun;
    int min, max, end;        /* end: where "*" and "5/2" stop */
    const char *const *names; /* of min, min + 1, …; NULL: numbers only */
    const char *right;
} fields[FIELDS] = {
    [MINUTE] = {"minute", 0, 59, 59, NULL, "0 to 59"},
    [HOUR] = {"hour", 0, 23, 23, NULL, "0 to 23"},
    [DAY] = {"day of month", 1, 31, 31, NULL, "1 to 31"},
    [MONTH] = {"month", 1, 12, 12, month_names, "1 to 12 or jan to dec"},
    [WEEKDAY] = {"day of week", 0, 7, 6, weekday_names, "0 to 7 (0 and 7 are Sunday) or sun to sat"},
};

static const struct {
    const char *name, *line;
} macros[] = {
    {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
};

static const char fields_right[] =
    "write five fields: minute hour day-of-month month day-of-week, for example \"30 4 * * mon-fri\"";

static bool parse_value(const struct field *field, const char *s, int *ret_value)
{
    int64_t value;
    if (str_to_i64(s, field->min, field->max, &value)) {
        *ret_value = (int)value;
        return true;
    }
    for (int i = 0; field->names && field->names[i]; i++) {
        if (strcasecmp(s, field->names[i]) == 0) {
            *ret_value = field->min + i;
            return true;
        }
    }
    return false;
}

/* One part of a list: "*", "5" or "1-5", each with or without "/step"; "5/10" goes on to the end (robfig/cron parser.go, getRange).
 * There "*" with a step above 1 restricts the field, too. */
static int parse_part(struct cron *c, int number, char *part, struct error *err)
{
    const struct field *field = &fields[number];
    char quoted[64];
    str_quote(quoted, sizeof(quoted), part);
    char *step_text = strchr(part, '/');
    if (step_text)
        *step_text++ = '\0';
    char *last_text = strchr(part, '-');
    if (last_text)
        *last_text++ = '\0';

    int64_t step = 1;
    if (step_text && !str_to_i64(step_text, 1, field->max, &step))
        return error_set(err, ERROR_INVALID, "cron: field %d (%s): \"%s\" has a bad step; write 1 to %d behind the \"/\"",
                         number + 1, field->noun, quoted, field->max);
    int first = field->min, last = field->end;
    bool star = !last_text && (str_equal(part, "*") || str_equal(part, "?"));
    if (!star && (!parse_value(field, part, &first) || (last_text && !parse_value(field, last_text, &last))))
        return error_set(err, ERROR_INVALID, "cron: field %d (%s): \"%s\" is not possible; write %s", number + 1, field->noun,
                         quoted, field->right);
    if (!star && !last_text && (!step_text || first > last))
        last = first;
    if (first > last)
        return error_set(err, ERROR_INVALID,
                         "cron: field %d (%s): \"%s\" runs backwards; write the smaller value first, or two ranges with a comma",
                         number + 1, field->noun, quoted);
    if (star && step == 1)
        c->any[number] = true;
    for (int value = first; value <= last; value += (int)step)
        c->bits[number] |= (uint64_t)1 << value;
    return 0;
}

static int parse_field(struct cron *c, int number, char *text, struct error *err)
{
    for (char *part; (part = strsep(&text, ","));)
        if (parse_part(c, number, part, err) < 0)
            return -1;
    if (number == WEEKDAY && c->bits[WEEKDAY] >> 7 & 1)
        c->bits[WEEKDAY] |= 1;
    return 0;
}

/* Cuts the line at its blanks; returns how many fields there are, of which the first FIELDS are stored. */
static int split(char *line, char *ret_fields[FIELDS])
{
    int count = 0;
    for (char *field; (field = strsep(&line, " \t"));) {
        if (!*field)
            continue;
        if (count < FIELDS)
            ret_fields[count] = field;
        count++;
    }
    return count;
}

int cron_parse(const char *line, struct cron **ret_cron, struct error *err)
{
    char quoted[64], copy[LINE_MAX_BYTES + 1];
    str_quote(quoted, sizeof(quoted), line);
    if (!str_copy(copy, sizeof(copy), line))
        return error_set(err, ERROR_INVALID, "cron: \"%s\" is longer than %d bytes; %s", quoted, LINE_MAX_BYTES, fields_right);
    char *texts[FIELDS];
    int count = split(copy, texts);
    if (count > 0 && texts[0][0] == '@') {
        size_t i = 0;
        while (i < array_len(macros) && (count > 1 || strcasecmp(texts[0], macros[i].name) != 0))
            i++;
        if (i == array_len(macros))
            return error_set(err, ERROR_INVALID,
                             "cron: \"%s\" is not known; write @hourly, @daily, @midnight, @weekly, @monthly, @yearly or @annually",
                             quoted);
        str_copy(copy, sizeof(copy), macros[i].line);
        count = split(copy, texts);
    }
    if (count > 0 && (str_starts(texts[0], "TZ=") || str_starts(texts[0], "CRON_TZ=")))
        return error_set(err, ERROR_INVALID, "cron: \"%s\" names a time zone, which does not belong into the line; %s", quoted,
                         fields_right);
    if (count != FIELDS)
        return error_set(err, ERROR_INVALID, "cron: \"%s\" has %d field%s; %s", quoted, count, count == 1 ? "" : "s", fields_right);
    struct cron parsed = {0};
    for (int number = 0; number < FIELDS; number++)
        if (parse_field(&parsed, number, texts[number], err) < 0)
            return -1;
    struct cron *c = mem_new(struct cron);
    *c = parsed;
    *ret_cron = c;
    return 0;
}

void cron_free(struct cron *c)
{
    free(c);
}

static bool is_due(const struct cron *c, int field, int value)
{
    return c->bits[field] >> value & 1;
}

static bool is_due_day(const struct cron *c, int64_t days)
{
    struct date date = calendar_date(days);
    if (!is_due(c, MONTH, date.month))
        return false;
    bool day = is_due(c, DAY, date.day), weekday = is_due(c, WEEKDAY, calendar_weekday(days));
    return c->any[DAY] || c->any[WEEKDAY] ? day && weekday : day || weekday;
}

usec_t cron_next(const struct cron *c, const struct zone *z, usec_t wall)
{
    if (wall > USEC_NEVER - (SEARCH_DAYS + 2) * USEC_DAY)
        return USEC_NEVER;
    wall = usec_max(wall, INT64_MIN + 2 * USEC_DAY); /* so that a candidate just before it is still a number */
    int64_t local = calendar_floor_div(wall, USEC_SEC) + zone_offset(z, wall);
    int64_t today = calendar_floor_div(local, 86400);
    int from = (int)((local - today * 86400) / 60); /* minute of the day; whether it is past is asked below */
    for (int64_t days = today; days <= today + SEARCH_DAYS; days++, from = 0) {
        if (!is_due_day(c, days))
            continue;
        for (int minute = from; minute < 24 * 60; minute++) {
            int64_t second;
            if (is_due(c, HOUR, minute / 60) && is_due(c, MINUTE, minute % 60) &&
                zone_first(z, days * 86400 + minute * 60, &second) && second * USEC_SEC > wall)
                return second * USEC_SEC;
        }
    }
    return USEC_NEVER;
}

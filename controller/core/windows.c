#include "core/windows.h"

#include "base/str.h"
#include "core/target.h"

/* "09:00"; "24:00" where `end`. */
static int time_of_day(const json_t *row, const char *key, const char *where, bool end, int *ret_minutes, struct error *err)
{
    const char *s = json_str(row, key, "");
    int64_t hours, minutes;
    char part[3] = {0};
    if (strlen(s) == 5 && s[2] == ':' && s[0] != '-' && s[3] != '-') {
        memcpy(part, s, 2);
        bool ok = str_to_i64(part, 0, 24, &hours);
        memcpy(part, s + 3, 2);
        if (ok && str_to_i64(part, 0, 59, &minutes) && hours * 60 + minutes <= (end ? 1440 : 1439)) {
            *ret_minutes = (int)(hours * 60 + minutes);
            return 0;
        }
    }
    char quoted[64];
    return error_set(err, ERROR_INVALID, "%s.%s: \"%s\" is not a time of day; write for example \"09:00\"", where, key,
                     str_quote(quoted, sizeof(quoted), s));
}

static int days_of(const json_t *row, const char *where, uint8_t *ret_days, struct error *err)
{
    static const char *const names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    const json_t *days = json_at(row, "days");
    *ret_days = days ? 0 : 0x7f;
    for (size_t n = 0; n < json_array_size(days); n++) {
        const char *name = json_string_value(json_array_get(days, n));
        size_t day = 0;
        while (day < array_len(names) && !str_equal(names[day], name))
            day++;
        char quoted[64];
        if (day == array_len(names))
            return error_set(err, ERROR_INVALID, "%s.days: \"%s\" is no day; write Mon, Tue, Wed, Thu, Fri, Sat or Sun", where,
                             str_quote(quoted, sizeof(quoted), name ? name : ""));
        *ret_days |= (uint8_t)(1u << day);
    }
    return 0;
}

int windows_init(struct windows *w, const json_t *rows, const char *field, struct error *err)
{
    *w = (struct windows){0};
    if (json_array_size(rows) > WINDOWS_MAX)
        return error_set(err, ERROR_INVALID, "%s has %zu entries; at most %d are allowed", field, json_array_size(rows),
                         WINDOWS_MAX);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        struct window *window = &w->rows[w->count++];
        char where[96];
        str_format(where, sizeof(where), "%s[%zu]", field, i);
        bool ok = time_of_day(row, "from", where, false, &window->from, err) == 0 &&
                  time_of_day(row, "to", where, true, &window->to, err) == 0 && days_of(row, where, &window->days, err) == 0;
        if (ok && zone_load(json_str(row, "timeZone", "UTC"), NULL, &window->zone, err) < 0) {
            error_wrap(err, "%s.timeZone", where);
            ok = false;
        }
        if (!ok) {
            windows_done(w);
            return -1;
        }
    }
    return 0;
}

void windows_done(struct windows *w)
{
    for (size_t i = 0; i < w->count; i++)
        zone_free(w->rows[i].zone);
    *w = (struct windows){0};
}

static bool window_contains(const struct window *w, usec_t wall)
{
    struct civil local = civil_from_wall(w->zone, wall);
    int minute = local.hour * 60 + local.minute;
    bool today = w->days >> local.weekday & 1, yesterday = w->days >> (local.weekday + 6) % 7 & 1;
    if (w->from < w->to)
        return today && minute >= w->from && minute < w->to;
    return (today && minute >= w->from) || (yesterday && minute < w->to);
}

bool windows_contain(const struct windows *w, usec_t wall)
{
    for (size_t i = 0; i < w->count; i++)
        if (window_contains(&w->rows[i], wall))
            return true;
    return w->count == 0;
}

bool windows_open(const json_t *windows, usec_t now, struct error *err)
{
    auto_windows struct windows read = {0};
    return windows_init(&read, windows, TARGET_WINDOWS, err) == 0 && windows_contain(&read, now);
}

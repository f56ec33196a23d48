/* core/windows.h — the windows of a target or a schedule ({days, from, to, timeZone}), read once and asked often. Pure, but for the time
 * zones, which come from the system's database. */
#pragma once

#include "api/json.h"
#include "base/zone.h"

#define WINDOWS_MAX    32
#define TARGET_WINDOWS "spec.safety.windows" /* where a target has them */

struct window {
    uint8_t days; /* bit 0 Sunday */
    int from, to; /* minutes of the day; to <= 1440; from > to: it reaches over midnight and belongs to the day it began on */
    struct zone *zone;
};
struct windows {
    struct window rows[WINDOWS_MAX];
    size_t count; /* 0: always open */
};
/* NULL and [] are always open. INVALID: names the window, the field and what would be right; `field` is where the rows stand. */
int windows_init(struct windows *w, const json_t *rows, const char *field, struct error *err);
void windows_done(struct windows *w); /* a zeroed struct is fine */
#define auto_windows __attribute__((cleanup(windows_done)))
bool windows_contain(const struct windows *w, usec_t wall);

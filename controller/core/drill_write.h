/* core/drill_write.h — the two ways in which a drill's object is written: its status, and its finalizer. Pure. */
#pragma once

#include "core/drill.h"

struct key drill_key(const struct drill_view *v);
/* Takes status; no effect where it is what the API server has already. */
void drill_write_status(const struct drill_view *v, json_t *status, struct decision *d);
void drill_write_finalizer(const struct drill_view *v, bool present, struct decision *d);

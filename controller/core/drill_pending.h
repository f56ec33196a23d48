/* core/drill_pending.h — may this drill begin, and where? Everything that forbids it is said in words. Pure. */
#pragma once

#include "core/drill.h"

/* Ends it as Skipped or Aborted, waits, or writes the finalizer and then the intent. */
void drill_decide_pending(const struct drill_view *v, usec_t now, struct decision *d);

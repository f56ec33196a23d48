/* base/rfc3339.h — UTC times as the API server writes them: "2026-11-25T09:30:00Z", MicroTime "…:00.123456Z". */
#pragma once

#include "base/error.h"
#include "base/time.h"

#define RFC3339_SIZE 32
/* Accepts offsets (+01:00), lower-case t/z, 1–9 fraction digits (cut to microseconds). */
bool rfc3339_parse(const char *s, usec_t *ret_wall);
const char *rfc3339_format(usec_t wall, char dest[RFC3339_SIZE]);       /* whole seconds; returns dest */
const char *rfc3339_format_micro(usec_t wall, char dest[RFC3339_SIZE]); /* always six fraction digits */

/* kube/base64.h — the *-data fields of kubeconfigs (RFC 4648 section 4). */
#pragma once

#include "base/mem.h"

/* The text that is coded; the caller owns it. Line breaks and blanks inside are passed over; else strict: NULL for what is no base64, empty,
 * or codes a NUL. */
char *base64_decode_text(const char *coded);

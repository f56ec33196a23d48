/* base/log.h — one JSON line an event on standard error, a constant message and key/value pairs.
 *
 * log_event(LOG_INFO, "drill injected", "drill", name, "card", id, NULL). Keys are constants; values are strings (NULL is left out).
 * Never a secret. Only main, the executor and the reconcilers log; everything else returns errors. */
#pragma once

#include "base/mem.h"
#include "base/time.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

void log_set_level(enum log_level level); /* default INFO */
/* Writes to `fd` instead of 2; `wall` gives the time stamp (NULL: none, for the simulator). */
void log_set_output(int fd, usec_t (*wall)(void));
void log_event(enum log_level level, const char *message, ...) __attribute__((sentinel));

/* sim_trace.h — what happened, line by line: a digest of all lines, which two runs of one seed must share, and the last ones to read. */
#pragma once

#include "sim_clock.h"

#define SIM_TRACE_KEPT 400

struct sim_trace;
struct sim_trace *sim_trace_new(const struct sim_clock *clock, bool print); /* print: every line goes to standard output as well */
void sim_trace_free(struct sim_trace *t);                                   /* NULL is fine */

void sim_trace_say(struct sim_trace *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint64_t sim_trace_digest(const struct sim_trace *t);
/* The last `count` lines, oldest first, each with its virtual time, to standard output. */
void sim_trace_show(const struct sim_trace *t, size_t count);

/* crash.h — numbered places at which a test build dies as if by SIGKILL.
 *
 * Only the program `drill-injector-crashing` (tests) is compiled with DRILLYARD_CRASH_POINTS; in the shipped one this is nothing. The
 * environment variable DRILLYARD_CRASH_AT=N ends the process at the N-th passage of any point, counted from its start, so a test
 * walks N = 1, 2, 3 … until a run gets through. A point stands before and after each change that somebody else can see. */
#pragma once

#ifdef DRILLYARD_CRASH_POINTS
void crash_point(void);
/* Writes are cut into pieces of this size, with a point between them, so that a torn write is met too. */
#define CRASH_WRITE_PIECE 7
#else
static inline void crash_point(void)
{
}
#endif

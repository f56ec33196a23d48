#include "crash.h"

#ifdef DRILLYARD_CRASH_POINTS
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

void crash_point(void)
{
    static long passed;
    const char *at = getenv("DRILLYARD_CRASH_AT");
    if (at && ++passed == strtol(at, NULL, 10))
        kill(getpid(), SIGKILL);
}
#else
/* ISO C wants something in a file. */
extern int crash_points_are_not_compiled_in;
#endif

/* serve.h — what pods/exec runs: a session on standard input and output.
 *
 * In the sidecar it is a bridge to the guard and adds nothing. In the target container (told by its directory being read-only there) it
 * answers by itself, and only what has to be started there: see serve_target.h. Ends with 0 at the end of input, with 1, after
 * {"event":"bye","reason":…}, where the guard went away. */
#pragma once

#include <stdbool.h>

enum serve_place { SERVE_DETECT, SERVE_SIDECAR, SERVE_TARGET };
int serve_run(const char *dir, enum serve_place place);

/* A connection to the guard in `dir`; -1 where there is none. */
int serve_connect(const char *dir);

/* serve_target.h — a session in the target's own container: exec, and exec probes.
 *
 * What runs inside the target's mount namespace and cgroup has to be started there. Epochs and effects are kept by the guard, which is
 * asked over its socket (the mount is read-only here, a socket on it is not): without a guard nothing is run. */
#pragma once

int serve_target_run(const char *dir);

/* usage.h — what the target container uses of processor and memory: from its cgroup (v2 or v1) as its own /sys/fs/cgroup shows it, else
 * summed over its processes. */
#pragma once

#include "base/time.h"
#include "target.h"

struct usage {
    usec_t at;            /* monotonic */
    int64_t cpu_usec;     /* used since the cgroup or the processes began */
    int64_t memory;       /* bytes; of a cgroup without the page cache that can be dropped, as the kubelet counts */
    double cores;         /* its limit, or what the node has */
    int64_t memory_limit; /* its limit, or what the node has */
    const char *source;   /* "cgroup v2", "cgroup v1", "processes" */
};
int usage_read(const struct target *t, struct usage *ret_usage, struct error *err);

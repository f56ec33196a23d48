/* sim_run.h — one seed, from nothing to the end. */
#pragma once

#include "sim.h"

struct sim_result {
    struct sim_stats stats;
    uint64_t digest, steps;
    usec_t lasted; /* virtual */
    int broken;    /* a promise's number; 0: all held */
};
/* Prints what broke, the last steps, and the command that shows it again. trace: prints every step. */
void sim_run(uint64_t seed, bool calm, bool trace, struct sim_result *ret_result);

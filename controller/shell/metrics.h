/* shell/metrics.h — the numbers of this process that serve/ shows: plain values, counted since its start. */
#pragma once

#include "api/drill.h"
#include "core/decision.h"

#define HISTOGRAM_BUCKETS 11
extern const double histogram_bounds[HISTOGRAM_BUCKETS]; /* seconds: 0.1 … 300 */
struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS + 1]; /* each: at most its bound and over the one before; the last: over all */
    uint64_t count;
    double sum;
};
void histogram_add(struct histogram *h, double seconds);

enum { METRICS_RESULTS = DRILL_SKIPPED - DRILL_SUCCEEDED + 1, METRICS_WRITES = EFFECT_API + 1 };
struct metrics {
    uint64_t drills[METRICS_RESULTS];                  /* by terminal phase, from DRILL_SUCCEEDED on */
    uint64_t gates[GATE_COUNT][GATE_NOT_REQUIRED + 1]; /* by result, of drills that ended */
    struct histogram detect, heal;                     /* of drills where it happened */
    uint64_t writes[METRICS_WRITES];                   /* by enum effect_type, answered well */
    uint64_t write_errors;
    uint64_t agent_operations, agent_errors;
    uint64_t reconciles, leader_changes;
};
/* A drill's terminal status was written. */
void metrics_drill_ended(struct metrics *m, const json_t *status);

#include "shell/metrics.h"

const double histogram_bounds[HISTOGRAM_BUCKETS] = {0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300};

void histogram_add(struct histogram *h, double seconds)
{
    size_t i = 0;
    while (i < HISTOGRAM_BUCKETS && seconds > histogram_bounds[i])
        i++;
    h->buckets[i]++;
    h->count++;
    h->sum += seconds;
}

static void add_span(struct histogram *h, const json_t *status, const char *to)
{
    usec_t from = json_time(status, "injectedAt", 0), until = json_time(status, to, 0);
    if (from && until >= from)
        histogram_add(h, (double)(until - from) / (double)USEC_SEC);
}

void metrics_drill_ended(struct metrics *m, const json_t *status)
{
    enum drill_phase phase;
    if (!drill_phase_parse(json_str(status, "phase", ""), &phase) || !drill_phase_terminal(phase))
        return;
    m->drills[phase - DRILL_SUCCEEDED]++;
    const json_t *gates = json_object_get(status, "gates");
    for (size_t i = 0; i < json_array_size(gates) && i < GATE_COUNT; i++) {
        enum gate_result result;
        if (gate_result_parse(json_str(json_array_get(gates, i), "result", ""), &result))
            m->gates[i][result]++;
    }
    add_span(&m->detect, status, "detectedAt");
    add_span(&m->heal, status, "healedAt");
}

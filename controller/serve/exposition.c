#include "serve/exposition.h"

#include "api/json.h"
#include "base/str.h"
#include "shell/store.h"

#include <stdio.h>
#include <unistd.h>

static void head(struct buf *text, const char *name, const char *type, const char *help)
{
    buf_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(struct buf *text, const char *name, const char *type, const char *help, uint64_t value)
{
    head(text, name, type, help);
    buf_printf(text, "%s %llu\n", name, (unsigned long long)value);
}

static void histogram_write(struct buf *text, const char *name, const char *help, const struct histogram *h)
{
    head(text, name, "histogram", help);
    uint64_t below = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        below += h->buckets[i];
        buf_printf(text, "%s_bucket{le=\"%g\"} %llu\n", name, histogram_bounds[i], (unsigned long long)below);
    }
    buf_printf(text, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.6f\n%s_count %llu\n", name, (unsigned long long)h->count, name, h->sum,
               name, (unsigned long long)h->count);
}

static void drills_write(struct buf *text, const struct metrics *m)
{
    head(text, "drillyard_drills_total", "counter", "Drills that ended, by result.");
    for (int r = 0; r < METRICS_RESULTS; r++)
        buf_printf(text, "drillyard_drills_total{result=\"%s\"} %llu\n", drill_phase_name((enum drill_phase)(DRILL_SUCCEEDED + r)),
                   (unsigned long long)m->drills[r]);
    head(text, "drillyard_gates_total", "counter", "Gates of drills that ended, by gate and result.");
    for (int g = 0; g < GATE_COUNT; g++)
        for (int r = GATE_PASSED; r <= GATE_NOT_REQUIRED; r++)
            buf_printf(text, "drillyard_gates_total{gate=\"%s\",result=\"%s\"} %llu\n", gate_name_text((enum gate_name)g),
                       gate_result_text((enum gate_result)r), (unsigned long long)m->gates[g][r]);
    histogram_write(text, "drillyard_time_to_detect_seconds",
                    "From the fault in force to the expected trigger, of drills that were detected.", &m->detect);
    histogram_write(text, "drillyard_time_to_heal_seconds",
                    "From the fault in force to the service level met, of drills that were healed.", &m->heal);
}

static void writes_write(struct buf *text, const struct metrics *m)
{
    static const char *const names[METRICS_WRITES] = {
        [EFFECT_STATUS] = "status", [EFFECT_METADATA] = "metadata", [EFFECT_PATCH] = "patch", [EFFECT_CREATE] = "create",
        [EFFECT_DELETE] = "delete", [EFFECT_EVENT] = "event",       [EFFECT_API] = "action",
    };
    head(text, "drillyard_api_writes_total", "counter", "Writes that the API server accepted, by what they were for.");
    for (size_t i = 0; i < METRICS_WRITES; i++)
        if (names[i])
            buf_printf(text, "drillyard_api_writes_total{kind=\"%s\"} %llu\n", names[i], (unsigned long long)m->writes[i]);
    single(text, "drillyard_api_write_errors_total", "counter", "Writes that the API server refused or that got no answer.",
           m->write_errors);
    single(text, "drillyard_agent_operations_total", "counter", "Operations asked of agents.", m->agent_operations);
    single(text, "drillyard_agent_errors_total", "counter", "Operations that agents refused or that got no answer.",
           m->agent_errors);
    single(text, "drillyard_reconciles_total", "counter", "Decisions taken.", m->reconciles);
    single(text, "drillyard_leader_changes_total", "counter", "How often this process began or ceased to lead.", m->leader_changes);
}

/* How many cards of each target are in each state of coverage, as DrillTarget.status.coverage says. */
static void coverage_write(struct buf *text, struct shell *shell)
{
    static const char *const states[] = {"Covered", "Due", "Overdue", "Never", "NotApplicable"};
    struct store *store = shell_store(shell);
    struct store_cursor cursor = {0};
    const struct summary *summary;
    head(text, "drillyard_coverage_cards", "gauge", "Cards of a target by state of coverage.");
    while ((summary = store_next(store, KIND_TARGET, NULL, &cursor))) {
        struct key key = key_of(KIND_TARGET, summary->ns, summary->name);
        json_auto_t *target = store_get(store, &key);
        size_t i, counts[array_len(states)] = {0};
        json_t *row;
        json_array_foreach(json_at(target, "status.coverage"), i, row) for (size_t state = 0; state < array_len(states); state++)
            counts[state] += str_equal(json_str(row, "state", ""), states[state]);
        for (size_t state = 0; state < array_len(states); state++)
            buf_printf(text, "drillyard_coverage_cards{namespace=\"%s\",target=\"%s\",state=\"%s\"} %zu\n", key.ns, key.name,
                       states[state], counts[state]);
    }
}

static void memory_write(struct buf *text)
{
    FILE *statm = fopen("/proc/self/statm", "re");
    unsigned long total, resident;
    if (statm && fscanf(statm, "%lu %lu", &total, &resident) == 2)
        single(text, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
               resident * (uint64_t)sysconf(_SC_PAGESIZE));
    if (statm)
        fclose(statm);
}

void exposition_write(struct shell *shell, struct buf *text)
{
    const struct metrics *m = shell_metrics(shell);
    struct shell_gauges g = shell_gauges(shell);
    head(text, "drillyard_build_info", "gauge", "The version that runs.");
    buf_printf(text, "drillyard_build_info{version=\"%s\"} 1\n", DRILLYARD_VERSION);
    drills_write(text, m);
    single(text, "drillyard_drills_active", "gauge", "Drills that have begun and not ended.", g.drills_active);
    single(text, "drillyard_faults_in_force", "gauge", "Faults that agents say are in force now.", g.faults_in_force);
    coverage_write(text, shell);
    writes_write(text, m);
    single(text, "drillyard_leader", "gauge", "1 where this process leads.", shell_leads(shell));
    single(text, "drillyard_synced", "gauge", "1 when every kind was listed once.", shell_synced(shell));
    single(text, "drillyard_sessions", "gauge", "Open sessions to agents.", g.sessions_up);
    single(text, "drillyard_watches", "gauge", "Probes that are watched.", g.watches);
    single(text, "drillyard_triggers_firing", "gauge", "Triggers that fire now, by place.", g.triggers_firing);
    single(text, "drillyard_queue_length", "gauge", "Objects that wait for a decision.", g.queue_length);
    single(text, "drillyard_watch_problems_total", "counter", "Watch streams that ended with an error.", g.watch_problems);
    memory_write(text);
}

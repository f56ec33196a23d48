/* What playbooks and targets ask of an agent: snapshots, restores, signals, restarts. Healing works, fails, comes late, or lies. */
#include "base/rfc3339.h"
#include "sim_agent.h"

#define LATE_MAX (25 * USEC_SEC)

static const char *digest(uint64_t content, char dest[65])
{
    str_format(dest, 65, "%064llx", (unsigned long long)content);
    return dest;
}

static enum sim_file file_of(const struct sim_request *q)
{
    return str_equal(json_str(q->body, "facet", ""), "model") ? SIM_MODEL : SIM_CONFIG;
}

/* ── effects ── */

/* The answer is kept: whoever asks for the same effect again gets it. Takes line. */
static void effect_ends(const struct sim_request *q, json_t *line)
{
    json_t *known = map_get(q->pod->effects, json_str(q->body, "effect", ""));
    if (known)
        json_object_set(known, "answer", line);
    if (q->link)
        sim_link_tell(q->link, line);
    else
        json_decref(line);
}

static void effect_done(const struct sim_request *q, json_t *result)
{
    json_put_int(result, "at", sim_pod_mono(q->pod));
    effect_ends(
        q, json_pack("{s:s, s:b, s:I, s:o}", "id", q->id, "ok", 1, "mono", (json_int_t)sim_pod_mono(q->pod), "result", result));
}

static void effect_failed(const struct sim_request *q, const char *class, const char *message)
{
    effect_ends(q, json_pack("{s:s, s:b, s:I, s:{s:s, s:s}}", "id", q->id, "ok", 0, "mono", (json_int_t)sim_pod_mono(q->pod),
                             "error", "class", class, "message", message));
}

static void fails(const struct sim_request *q)
{
    effect_failed(q, "INTERNAL", "it could not be done");
}

/* When it is done; NEVER: it fails instead. */
static usec_t when(const struct sim_request *q, usec_t usually)
{
    struct sim *s = q->pod->sim;
    usec_t at = sim_now(s) + sim_between(s, 100, usually);
    if (sim_strikes(s, s->weather.agent_late))
        at += sim_between(s, USEC_SEC, LATE_MAX);
    return at;
}

static bool lies(const struct sim_request *q, const char *what)
{
    struct sim *s = q->pod->sim;
    if (!sim_strikes(s, s->weather.agent_lies))
        return false;
    sim_trace_say(s->trace, "%s: it will say that %s was done, and does nothing", q->pod->name, what);
    return true;
}

static void begin(const struct sim_request *q, usec_t usually, void (*fire)(const struct sim_request *q))
{
    struct sim *s = q->pod->sim;
    sim_agent_later(q, when(q, usually), sim_strikes(s, s->weather.agent_fails) ? fails : fire);
}

/* ── files ── */

static bool touched(const struct sim_request *q)
{
    const char *method = file_of(q) == SIM_MODEL ? "FileCorrupt" : "ConfigModify";
    for (struct list *n = q->pod->faults.next; n != &q->pod->faults; n = n->next) {
        const struct sim_fault *f = list_entry(n, struct sim_fault, node);
        if (sim_fault_open(f) && str_equal(f->method, method))
            return true;
    }
    return false;
}

static void snapshot_now(const struct sim_request *q)
{
    char sha256[65], at[RFC3339_SIZE];
    enum sim_file file = file_of(q);
    if (touched(q)) {
        if (q->link)
            sim_agent_refuse(q, "CONFLICT", "an open fault touches the file");
        return;
    }
    bool changed = q->pod->snapshots[file] != q->pod->files[file];
    q->pod->snapshots[file] = q->pod->files[file];
    sim_trace_say(q->pod->sim->trace, "%s: snapshot of %s: %llu", q->pod->name, json_str(q->body, "facet", ""),
                  (unsigned long long)q->pod->files[file]);
    if (q->link)
        sim_agent_answer(q, json_pack("{s:s, s:s, s:i, s:s, s:I, s:b}", "facet", json_str(q->body, "facet", ""), "sha256",
                                      digest(q->pod->files[file], sha256), "bytes", 100, "takenAt",
                                      rfc3339_format_micro(sim_wall(q->pod->sim), at), "mono", (json_int_t)sim_pod_mono(q->pod),
                                      "changed", changed));
    sim_agent_poke(q->pod);
}

void sim_agent_snapshot(const struct sim_request *q)
{
    sim_agent_later(q, when(q, 3 * USEC_MSEC), snapshot_now);
}

static void restore_now(const struct sim_request *q)
{
    char sha256[65], was[65];
    enum sim_file file = file_of(q);
    uint64_t before = q->pod->files[file], wanted = q->pod->snapshots[file];
    if (!wanted) {
        effect_failed(q, "NOT_FOUND", "there is no snapshot of it");
        return;
    }
    if (!lies(q, "restore"))
        sim_pod_write(q->pod, file, wanted);
    effect_done(q, json_pack("{s:s, s:s, s:b, s:i}", "sha256", digest(wanted, sha256), "was", digest(before, was), "changed",
                             before != wanted, "bytes", 100));
}

void sim_agent_restore(const struct sim_request *q)
{
    begin(q, 5 * USEC_MSEC, restore_now);
}

/* ── the process ── */

static void signal_now(const struct sim_request *q)
{
    const char *signal = json_str(q->body, "signal", "");
    if (!q->pod->runs) {
        effect_failed(q, "NOT_FOUND", "no process of the target matches");
        return;
    }
    if (!lies(q, "signal") && (str_equal(signal, "CONT") || str_equal(signal, "STOP")))
        sim_pod_freeze(q->pod, str_equal(signal, "STOP"));
    effect_done(q, json_pack("{s:[i]}", "pids", q->pod->pid));
}

void sim_agent_signal(const struct sim_request *q)
{
    begin(q, 2 * USEC_MSEC, signal_now);
}

static void restarted(const struct sim_request *q)
{
    if (!q->pod->runs)
        sim_pod_start_process(q->pod);
    effect_done(q, json_pack("{s:[i], s:[i], s:b}", "ended", q->pod->pid - 1, "started", q->pod->pid, "killed", 0));
}

static void restart_now(const struct sim_request *q)
{
    struct sim *s = q->pod->sim;
    if (lies(q, "restart")) {
        effect_done(q, json_pack("{s:[i], s:[i], s:b}", "ended", q->pod->pid, "started", q->pod->pid, "killed", 0));
        return;
    }
    if (q->pod->runs)
        sim_pod_stop_process(q->pod);
    sim_agent_later(q, sim_now(s) + sim_between(s, 20, 400) * USEC_MSEC, restarted);
}

void sim_agent_restart(const struct sim_request *q)
{
    begin(q, 500 * USEC_MSEC, restart_now);
}

void sim_agent_done(struct sim_pod *pod)
{
    sim_agent_watches_end(pod, NULL);
    sim_links_forget(pod);
    while (!list_empty(&pod->faults)) {
        struct sim_fault *f = list_entry(pod->faults.next, struct sim_fault, node);
        list_remove(&f->node);
        json_decref(f->params);
        free(f);
    }
    map_free(pod->effects);
}

/* The probe "process" {match, min, stableForMs}: at least `min` matching processes run, and each has run for that long. */
#include "probe.h"

#include "base/str.h"

#include <time.h>
#include <unistd.h>

struct process_state {
    struct match match;
    int64_t min, stable_ms;
    char ended[120]; /* the last one that was seen to end */
};

static int init(struct probe *p, json_t *spec, struct refusal *r)
{
    struct process_state *s = mem_new(struct process_state);
    const char *text = NULL;
    s->min = 1;
    if (param_text(spec, "probe.process.match", PARAM_REQUIRED, &text, r) < 0 ||
        param_integer(spec, "probe.process.min", PARAM_OPTIONAL, 0, PROCESS_SET_MAX, &s->min, r) < 0 ||
        param_integer(spec, "probe.process.stableForMs", PARAM_OPTIONAL, 0, USEC_DAY / USEC_MSEC, &s->stable_ms, r) < 0 ||
        match_init(&s->match, "probe.process.match", text, r) < 0) {
        free(s);
        return -1;
    }
    p->state = s;
    p->sees_processes = true;
    return 0;
}

/* For how long it has run; start times count from boot, suspended time included (proc(5)). */
static usec_t process_age(const struct process *p)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    usec_t boot = now.tv_sec * USEC_SEC + now.tv_nsec / 1000;
    return usec_max(boot - (usec_t)(p->start * (uint64_t)USEC_SEC / (uint64_t)sysconf(_SC_CLK_TCK)), 0);
}

static void look(struct probe *p)
{
    struct process_state *s = p->state;
    struct process_set found = {0};
    struct error err = {0};
    if (target_processes(p->site.target, &s->match, &found, &err) < 0) {
        probe_finish(p, HOLDS_UNKNOWN, NULL, "%s", err.text);
        return;
    }
    for (size_t i = 0; i < p->processes.count; i++) {
        const struct process *old = &p->processes.items[i];
        if (!process_set_find(&found, old->pid, old->start))
            str_format(s->ended, sizeof s->ended, "process %d ended", (int)old->pid);
    }
    process_set_done(&p->processes);
    p->processes = found;
    usec_t youngest = USEC_NEVER;
    json_t *list = json_array();
    for (size_t i = 0; i < found.count; i++) {
        youngest = usec_min(youngest, process_age(&found.items[i]));
        if (i < 32)
            json_array_append_new(list, json_pack("{s:i, s:I, s:s#}", "pid", (int)found.items[i].pid, "start",
                                                  (json_int_t)found.items[i].start, "state", &found.items[i].state, 1));
    }
    p->result.has_value = true;
    p->result.value = (double)found.count;
    json_t *evidence = json_pack("{s:I, s:o}", "running", (json_int_t)found.count, "processes", list);
    if (s->ended[0])
        json_object_set_new(evidence, "ended", json_string(s->ended));
    if ((int64_t)found.count < s->min) {
        probe_finish(p, HOLDS_NOT, evidence, "%zu of %lld processes run%s%s", found.count, (long long)s->min, s->ended[0] ? "; " : "",
                     s->ended);
        return;
    }
    usec_t missing = found.count ? s->stable_ms * USEC_MSEC - youngest : 0;
    if (missing > 0) {
        p->result.again = time_monotonic() + missing;
        probe_finish(p, HOLDS_NOT, evidence, "%zu run, the youngest for %lld ms%s%s", found.count, (long long)(youngest / USEC_MSEC),
                     s->ended[0] ? "; " : "", s->ended);
        return;
    }
    probe_finish(p, HOLDS, evidence, "%zu run", found.count);
}

static void free_state(struct probe *p)
{
    struct process_state *s = p->state;
    match_done(&s->match);
    free(s);
}

const struct probe_kind probe_process = {"process", init, look, free_state};

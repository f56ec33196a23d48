/* The probe "process" {match, min, stableForMs}: at least `min` matching processes run, and none has ended during that time. The value is
 * how many run. At the first look nobody has seen one end: there a process that is younger than that counts as a replacement, where
 * the container itself was up long before it. */
#include "probe.h"

#include "base/str.h"

#include <unistd.h>

struct process_state {
    struct match match;
    int64_t min, stable_ms;
    usec_t ended_at; /* monotonic, of the last one that was seen to end; 0: none */
    bool looked;
    char ended[120];
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

static void note_end(struct process_state *s, usec_t when, int pid)
{
    s->ended_at = when;
    str_format(s->ended, sizeof s->ended, "process %d ended", pid);
}

static void suspect_replacement(struct probe *p, const struct process_set *found)
{
    struct process_state *s = p->state;
    struct process first;
    usec_t stable = s->stable_ms * USEC_MSEC;
    if (!stable || target_is_local(p->site.target) || target_first(p->site.target, &first, NULL) < 0)
        return;
    for (size_t i = 0; i < found->count; i++) {
        usec_t age = process_age(&found->items[i]);
        if (age < stable && process_age(&first) > age + stable) {
            s->ended_at = time_monotonic() - age;
            str_format(s->ended, sizeof s->ended, "process %d began while the container was up", (int)found->items[i].pid);
        }
    }
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
            note_end(s, time_monotonic(), (int)old->pid);
    }
    if (!s->looked)
        suspect_replacement(p, &found);
    s->looked = true;
    process_set_done(&p->processes);
    p->processes = found;
    json_t *list = json_array();
    for (size_t i = 0; i < found.count && i < 32; i++)
        json_array_append_new(list, json_pack("{s:i, s:I, s:s#}", "pid", (int)found.items[i].pid, "start",
                                              (json_int_t)found.items[i].start, "state", &found.items[i].state, 1));
    p->result.has_value = true;
    p->result.value = (double)found.count;
    json_t *evidence = json_pack("{s:I, s:o}", "running", (json_int_t)found.count, "processes", list);
    if (s->ended[0])
        json_object_set_new(evidence, "ended", json_string(s->ended));
    if ((int64_t)found.count < s->min) {
        probe_finish(p, HOLDS_NOT, evidence, "%zu of %lld processes run%s%s", found.count, (long long)s->min,
                     s->ended[0] ? "; " : "", s->ended);
        return;
    }
    usec_t now = time_monotonic(), stable_at = s->ended_at + s->stable_ms * USEC_MSEC;
    if (s->ended_at && now < stable_at) {
        p->result.again = stable_at;
        probe_finish(p, HOLDS_NOT, evidence, "%zu run; %s %lld ms ago", found.count, s->ended,
                     (long long)((now - s->ended_at) / USEC_MSEC));
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

#include "methods/freeze.h"

#include "base/str.h"
#include "crash.h"

#include <sched.h>
#include <signal.h>

int freeze_validate_match(const json_t *params, enum param_need need, struct refusal *r)
{
    const char *text = NULL;
    struct match m;
    if (param_text(params, "params.match", need, &text, r) < 0 || (text && match_init(&m, "params.match", text, r) < 0))
        return -1;
    if (text)
        match_done(&m);
    return 0;
}

int freeze_select(const struct site *site, const json_t *params, struct process_set *ret_set, struct refusal *r)
{
    const char *text = json_string_value(json_object_get(params, "match"));
    struct match m;
    if (match_init(&m, "params.match", text, r) < 0)
        return -1;
    int rc = target_processes(site->target, &m, ret_set, &r->error);
    match_done(&m);
    if (rc == 0 && ret_set->count == 0) {
        refusal_text(r, "params.match", text, "no running process of the target has a command line that matches");
        r->error.class = ERROR_NOT_FOUND;
        return -1;
    }
    return rc;
}

json_t *freeze_list(const struct process_set *set)
{
    json_t *list = json_array();
    for (size_t i = 0; i < set->count; i++)
        json_array_append_new(list,
                              json_pack("{s:i, s:I}", "pid", (int)set->items[i].pid, "start", (json_int_t)set->items[i].start));
    return list;
}

json_t *freeze_describe(const struct process_set *set)
{
    json_t *list = json_array();
    auto_buf struct buf command;
    buf_init(&command, PROCESS_COMMAND_MAX);
    for (size_t i = 0; i < set->count && i < FREEZE_TOLD; i++) {
        const struct process *p = &set->items[i];
        buf_reset(&command);
        process_command(p->pid, &command);
        json_t *one = json_pack("{s:i, s:I}", "pid", (int)p->pid, "start", (json_int_t)p->start);
        json_object_set_new(one, "command", text_to_json(buf_str(&command), command.len, 200));
        json_array_append_new(list, one);
    }
    return list;
}

json_t *freeze_touches(const struct process_set *set)
{
    json_t *list = json_array();
    for (size_t i = 0; i < set->count; i++) {
        auto_free char *name = mem_printf("process:%d:%llu", (int)set->items[i].pid, (unsigned long long)set->items[i].start);
        json_array_append_new(list, json_string(name));
    }
    return list;
}

bool freeze_process_at(const json_t *processes, size_t index, pid_t *ret_pid, uint64_t *ret_start)
{
    const json_t *one = json_array_get(processes, index);
    *ret_pid = (pid_t)json_integer_value(json_object_get(one, "pid"));
    *ret_start = (uint64_t)json_integer_value(json_object_get(one, "start"));
    return one != NULL && *ret_pid > 1;
}

int freeze_plan(const struct site *site, const struct process_set *set, json_t **ret_undo, json_t **ret_detail, struct refusal *r)
{
    auto_process_set struct process_set running = {0};
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].state != 'T')
            process_set_add(&running, &set->items[i]);
    if (running.count == 0)
        return refusal_conflict(r, "params.match", "", "every process that matches is stopped already, and not by this fault");
    *ret_undo = json_pack("{s:o, s:s, s:o}", "processes", freeze_list(&running), "node_boot", site->node_boot, "touches",
                          freeze_touches(&running));
    *ret_detail = json_pack("{s:s, s:I, s:o}", "does", "SIGSTOP; undone by SIGCONT", "count", (json_int_t)running.count,
                            "processes", freeze_describe(&running));
    return 0;
}

int freeze_apply(const struct site *site, const json_t *undo, struct error *err)
{
    (void)site;
    const json_t *processes = json_object_get(undo, "processes");
    size_t stopped = 0;
    pid_t pid;
    uint64_t start;
    for (size_t i = 0; freeze_process_at(processes, i, &pid, &start); i++) {
        struct error why = {0};
        crash_point();
        if (process_signal(pid, start, SIGSTOP, &why) == 0)
            stopped++;
        else if (why.class != ERROR_NOT_FOUND) {
            *err = why;
            return -1;
        }
        crash_point();
    }
    return stopped ? 0 : error_set(err, ERROR_NOT_FOUND, "the processes ended before they could be stopped");
}

static char state_of(pid_t pid, uint64_t start)
{
    struct process p;
    return process_read(pid, &p) && p.start == start && p.state != 'Z' && p.state != 'X' ? p.state : 0;
}

int freeze_seen(const struct site *site, const json_t *undo, struct error *err)
{
    (void)site, (void)err;
    const json_t *processes = json_object_get(undo, "processes");
    size_t stopped = 0, running = 0;
    pid_t pid;
    uint64_t start;
    for (size_t i = 0; freeze_process_at(processes, i, &pid, &start); i++) {
        char state = state_of(pid, start);
        stopped += state == 'T';
        running += state && state != 'T';
    }
    return stopped > 0 && running == 0;
}

/* The kernel wakes a stopped process within kill(2); /proc shows it as soon as it was scheduled. */
static bool goes_on(pid_t pid, uint64_t start)
{
    for (int i = 0; i < 1000; i++) {
        if (state_of(pid, start) != 'T')
            return true;
        sched_yield();
    }
    return false;
}

int freeze_revert(const struct site *site, const json_t *undo, bool resumed, enum revert_outcome *ret_outcome, json_t *detail,
                  struct error *err)
{
    (void)resumed;
    const json_t *processes = json_object_get(undo, "processes");
    *ret_outcome = REVERT_NOT_NEEDED;
    if (!str_equal(json_string_value(json_object_get(undo, "node_boot")), site->node_boot)) {
        json_object_set_new(detail, "note", json_string("the node was booted since: none of the processes is left"));
        return 0;
    }
    json_t *continued = json_array(), *ended = json_array(), *running = json_array();
    json_object_set_new(detail, "continued", continued);
    json_object_set_new(detail, "ended", ended);
    json_object_set_new(detail, "running", running);
    int rc = 0;
    pid_t pid;
    uint64_t start;
    for (size_t i = 0; freeze_process_at(processes, i, &pid, &start); i++) {
        char state = state_of(pid, start);
        struct error why = {0};
        crash_point();
        /* Sent even where it runs: a SIGSTOP that is still on its way is cancelled by it (signal(7)). */
        if (state && process_signal(pid, start, SIGCONT, &why) < 0 && why.class != ERROR_NOT_FOUND) {
            if (err)
                *err = why;
            rc = -1; /* the others are let go all the same */
            continue;
        }
        crash_point();
        json_array_append_new(state == 'T' ? continued : state ? running : ended, json_integer(pid));
        if (state == 'T')
            *ret_outcome = REVERT_DONE;
    }
    /* Looked at only now: a crowd is let go at once, and not one by one as each is scheduled. */
    for (size_t i = 0; rc == 0 && freeze_process_at(processes, i, &pid, &start); i++)
        if (!goes_on(pid, start))
            rc = error_set(err, ERROR_INTERNAL, "process %d is still stopped after SIGCONT", (int)pid);
    return rc;
}

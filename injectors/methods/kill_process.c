/* KillProcess: a signal to the processes that match, or to the container's first one. Nothing to undo, but for STOP: that one is
 * continued. In force: the process has ended, where the signal is one that ends; else: it was sent. */
#include "methods/freeze.h"

#include "base/str.h"
#include "crash.h"

#include <signal.h>

static int signal_of(const json_t *params)
{
    const char *name = json_string_value(json_object_get(params, "signal"));
    return name ? signal_from_name(name) : SIGKILL;
}

static bool ends(int signal_number)
{
    switch (signal_number) {
    case SIGTERM:
    case SIGKILL:
    case SIGINT:
    case SIGQUIT:
    case SIGABRT:
    case SIGSEGV:
        return true;
    default:
        return false;
    }
}

static int validate(const json_t *params, struct refusal *r)
{
    bool container = false;
    int64_t count = 0;
    int number = SIGKILL;
    if (param_flag(params, "params.container", &container, r) < 0 ||
        freeze_validate_match(params, container ? PARAM_OPTIONAL : PARAM_REQUIRED, r) < 0 ||
        param_signal(params, "params.signal", PARAM_OPTIONAL, &number, r) < 0 ||
        param_integer(params, "params.count", PARAM_OPTIONAL, 0, PROCESS_SET_MAX, &count, r) < 0)
        return -1;
    const json_t *match = json_object_get(params, "match");
    if (container && match && !json_is_null(match))
        return refusal_field(r, "params.match", match, "give params.match or params.container, not both");
    return 0;
}

static int plan(const struct site *site, const json_t *params, json_t **ret_undo, json_t **ret_detail, struct refusal *r)
{
    auto_process_set struct process_set set = {0};
    int number = signal_of(params);
    if (json_is_true(json_object_get(params, "container"))) {
        struct process first;
        if (target_is_local(site->target))
            return refusal_text(r, "params.container", "true", "there is no container here; use params.match");
        if (target_first(site->target, &first, &r->error) < 0)
            return -1;
        process_set_add(&set, &first);
    } else if (freeze_select(site, params, &set, r) < 0) {
        return -1;
    }
    int64_t count = json_integer_value(json_object_get(params, "count"));
    if (count > 0 && (size_t)count < set.count)
        set.count = (size_t)count; /* the oldest */
    if (number == SIGSTOP) {
        if (freeze_plan(site, &set, ret_undo, ret_detail, r) < 0)
            return -1;
    } else {
        *ret_undo = json_pack("{s:o, s:s, s:o}", "processes", freeze_list(&set), "node_boot", site->node_boot, "touches",
                              freeze_touches(&set));
        *ret_detail = json_pack("{s:s+, s:I, s:o}", "does", "SIG", signal_to_name(number), "count", (json_int_t)set.count,
                                "processes", freeze_describe(&set));
    }
    json_object_set_new(*ret_undo, "signal", json_string(signal_to_name(number)));
    return 0;
}

static int apply(const struct site *site, const json_t *undo, struct error *err)
{
    int number = signal_of(undo);
    if (number == SIGSTOP)
        return freeze_apply(site, undo, err);
    const json_t *processes = json_object_get(undo, "processes");
    size_t sent = 0;
    pid_t pid;
    uint64_t start;
    for (size_t i = 0; freeze_process_at(processes, i, &pid, &start); i++) {
        struct error why = {0};
        crash_point();
        if (process_signal(pid, start, number, &why) == 0)
            sent++;
        else if (why.class != ERROR_NOT_FOUND) {
            *err = why;
            return -1;
        }
    }
    return sent ? 0 : error_set(err, ERROR_NOT_FOUND, "the processes ended by themselves before the signal");
}

static int seen(const struct site *site, const json_t *undo, struct error *err)
{
    int number = signal_of(undo);
    if (number == SIGSTOP)
        return freeze_seen(site, undo, err);
    if (!ends(number))
        return 1;
    const json_t *processes = json_object_get(undo, "processes");
    pid_t pid;
    uint64_t start;
    for (size_t i = 0; freeze_process_at(processes, i, &pid, &start); i++)
        if (process_alive(pid, start))
            return 0;
    return 1;
}

static int revert(const struct site *site, const json_t *undo, bool resumed, enum revert_outcome *ret_outcome, json_t *detail,
                  struct error *err)
{
    if (signal_of(undo) == SIGSTOP)
        return freeze_revert(site, undo, resumed, ret_outcome, detail, err);
    *ret_outcome = REVERT_NOT_NEEDED;
    json_object_set_new(detail, "note", json_string("a signal cannot be taken back; what it ended is for healing to start again"));
    return 0;
}

static const struct method_option options[] = {
    {"--match", "match", OPTION_TEXT, "a part of the command line, or \"/extended regular expression/\""},
    {"--signal", "signal", OPTION_TEXT, "TERM, KILL (default), STOP, INT, QUIT, HUP, USR1, USR2, ABRT or SEGV"},
    {"--count", "count", OPTION_INTEGER, "at most so many, the oldest first (default: all)"},
    {0},
};

const struct method method_kill_process = {
    .name = "KillProcess",
    .command = "kill-process",
    .summary = "send a signal to the processes that match",
    .options = options,
    .validate = validate,
    .plan = plan,
    .apply = apply,
    .seen = seen,
    .revert = revert,
};

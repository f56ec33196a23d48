/* A PlaybookRun: struct run of playbook.h. */
#include "api/playbook.h"

#include "api/field.h"
#include "base/str.h"

static const char *const phases[] = {
    [RUN_NEW] = "",
    [RUN_PENDING] = "Pending",
    [RUN_RUNNING] = "Running",
    [RUN_VERIFYING] = "Verifying",
    [RUN_SUCCEEDED] = "Succeeded",
    [RUN_FAILED] = "Failed",
};

const char *run_phase_name(enum run_phase phase)
{
    return phases[phase];
}

bool run_phase_parse(const char *s, enum run_phase *ret_phase)
{
    for (size_t i = 0; i < array_len(phases); i++)
        if (str_equal(phases[i], s)) {
            *ret_phase = (enum run_phase)i;
            return true;
        }
    return false;
}

static int run_decode_into(json_t *root, struct run *r, struct error *err)
{
    meta_decode(root, &r->meta);
    if (field_texts(json_at(root, "spec"), "spec", err) < 0 ||
        field_str(root, "spec.playbook", "playbook: kernel-heartbeat-gap", &r->playbook, err) < 0 ||
        field_str(root, "spec.target", "target: shop", &r->target, err) < 0)
        return -1;
    r->trigger = json_str(root, "spec.trigger", "");
    r->pod = json_str(root, "spec.pod", "");
    r->incident = json_str(root, "spec.incident", "");
    r->reporter = json_str(root, "spec.reporter", "");
    char quoted[FIELD_QUOTE_SIZE];
    const char *severity = json_str(root, "spec.severity", "Moderate");
    if (!severity_parse(severity, &r->severity))
        return error_set(err, ERROR_INVALID, "spec.severity: %s is no severity; write Minor, Moderate, Major or Critical",
                         field_quote(json_at(root, "spec.severity"), quoted));
    if (field_time(root, "spec.firedAt", 0, &r->fired_at, err) < 0)
        return -1;

    r->status = json_at(root, "status") ?: json_make(root, "status");
    const char *phase = json_str(r->status, "phase", "");
    if (!run_phase_parse(phase, &r->phase))
        return error_set(err, ERROR_INVALID, "status.phase: %s is no phase; write Pending, Running, Verifying, Succeeded or Failed",
                         field_quote(json_at(r->status, "phase"), quoted));
    r->started_at = json_time(r->status, "startedAt", 0);
    r->ended_at = json_time(r->status, "endedAt", 0);
    r->branch = (int)json_int(r->status, "branch", -1);
    r->current_step = (int)json_int(r->status, "currentStep", 0);
    r->steps = json_at(r->status, "steps");
    r->message = json_str(r->status, "message", "");
    return 0;
}

int run_decode(json_t *object, struct run *ret_run, struct error *err)
{
    struct run run = {0};
    if (run_decode_into(object, &run, err) < 0)
        return -1;
    run.root = json_incref(object);
    *ret_run = run;
    return 0;
}

void run_done(struct run *r)
{
    json_decref(r->root);
    *r = (struct run){0};
}

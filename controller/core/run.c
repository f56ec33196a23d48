#include "core/run.h"

#include "base/duration.h"
#include "base/str.h"
#include "core/action.h"

#define STEP_ATTEMPTS_MAX  11             /* of the CRD */
#define RUN_PROGRESS_AFTER (3 * USEC_SEC) /* a verification that lasts longer is written as phase Verifying */

static void write_status(const struct run_view *v, json_t *status, struct decision *d)
{
    if (json_equal(status, v->run->status)) {
        json_decref(status);
        return;
    }
    struct key key = meta_key(&v->run->meta, KIND_RUN);
    decision_status(d, &key, v->run->meta.rv, status);
}

static json_t *status_begin(const struct run_view *v, enum run_phase phase)
{
    json_t *status = json_deep_copy(v->run->status);
    json_put_str(status, "phase", run_phase_name(phase));
    return status;
}

static void end_run(const struct run_view *v, json_t *status, enum run_phase phase, const char *reason, const char *message,
                    usec_t at, struct decision *d)
{
    json_put_str(status, "phase", run_phase_name(phase));
    json_put_str(status, "reason", reason);
    json_put_str(status, "message", message);
    json_put_time(status, "endedAt", at);
    condition_set(status, "Succeeded", phase == RUN_SUCCEEDED ? CONDITION_TRUE : CONDITION_FALSE, reason, message,
                  v->run->meta.generation, at);
    write_status(v, status, d);
    struct key target = key_of(KIND_TARGET, v->run->meta.ns, v->run->target);
    char note[512];
    str_format(note, sizeof(note), "playbook %s, run %s: %.300s", v->run->playbook, v->run->meta.name, message);
    decision_event(d, &target, "ended", phase != RUN_SUCCEEDED, phase == RUN_SUCCEEDED ? "PlaybookSucceeded" : "PlaybookFailed",
                   "Heal", note);
}

static void fail(const struct run_view *v, const char *reason, const char *message, usec_t now, struct decision *d)
{
    end_run(v, status_begin(v, RUN_FAILED), RUN_FAILED, reason, message, now, d);
}

/* ── steps as rows of status.steps ── */

static json_t *row_at(json_t *status, int index)
{
    return json_array_get(json_at(status, "steps"), (size_t)index);
}

/* The pod that the trigger fired for, else any ready one of the target. */
static ssize_t pod_of(const struct run_view *v)
{
    ssize_t ready = -1;
    for (size_t i = 0; i < v->pod_count; i++) {
        if (str_equal(v->pods[i].meta.name, v->run->pod) && !v->pods[i].meta.deleting)
            return (ssize_t)i;
        if (v->pods[i].ready && ready < 0)
            ready = (ssize_t)i;
    }
    return ready;
}

/* The pod that a step was begun in stands in its row, so that whoever goes on with it asks there and nowhere else. -1: it is gone. */
#define STEP_POD "in pod "
static ssize_t pod_of_step(const struct run_view *v, const json_t *row)
{
    const char *text = json_str(row, "message", "");
    if (!str_starts(text, STEP_POD))
        return pod_of(v);
    size_t n = strcspn(text + strlen(STEP_POD), ";");
    usec_t begun = json_time(row, "startedAt", 0);
    for (size_t i = 0; i < v->pod_count; i++) {
        const struct meta *pod = &v->pods[i].meta;
        if (strlen(pod->name) == n && strncmp(pod->name, text + strlen(STEP_POD), n) == 0)
            return pod->created_at <= begun ? (ssize_t)i : -1; /* a younger one is another one of that name */
    }
    return -1;
}

/* The write-ahead: with this in the API server the step's effect may happen. `why`: how the attempt before failed; NULL: there was none. */
static void begin_step(const struct run_view *v, json_t *status, int index, int attempt, const char *why, usec_t at)
{
    json_t *row = row_at(status, index);
    json_put_str(row, "state", "Running");
    json_put_int(row, "attempt", attempt);
    json_put_time(row, "startedAt", at);
    json_object_del(row, "endedAt");
    json_object_del(row, "output");
    char message[700];
    ssize_t pod = pod_of(v);
    str_format(message, sizeof(message), "%s%s%s%s", pod < 0 ? "no pod of the target is ready" : STEP_POD,
               pod < 0 ? "" : v->pods[pod].meta.name, why ? "; the attempt before failed: " : "", why ? why : "");
    json_put_str(row, "message", message);
    json_put_int(status, "currentStep", index);
}

static void decide_new(const struct run_view *v, usec_t now, struct decision *d)
{
    int branch;
    const json_t *steps = playbook_steps(v->playbook, v->run->severity, &branch);
    if (!steps || !json_array_size(steps)) {
        char message[160];
        str_format(message, sizeof(message), "playbook %.60s has no branch for severity %s", v->run->playbook,
                   severity_name(v->run->severity));
        fail(v, "NoBranch", message, now, d);
        return;
    }
    json_t *status = status_begin(v, RUN_RUNNING);
    json_put_time(status, "startedAt", now);
    json_put_int(status, "branch", branch);
    json_t *rows = json_array();
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)steps, i, item)
    {
        struct step step;
        step_decode(item, &step);
        json_t *row = json_object();
        json_put_str(row, "name", step.name);
        json_put_str(row, "action", step.action);
        json_put_str(row, "state", "Pending");
        json_array_append_new(rows, row);
    }
    json_put(status, "steps", rows);
    begin_step(v, status, 0, 1, NULL, now);
    write_status(v, status, d);
}

/* ── verification of the whole run ── */

static void decide_verifying(const struct run_view *v, json_t *status, usec_t from, usec_t now, struct decision *d)
{
    usec_t deadline = from, met = from;
    const char *open = NULL;
    char message[512] = "";
    ssize_t at = pod_of(v);
    struct key pod = at < 0 ? key_of(KIND_POD, v->run->meta.ns, "") : meta_key(&v->pods[at].meta, KIND_POD);
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)v->playbook->verify, i, item)
    {
        struct error err = {0};
        char key[EFFECT_ID_SIZE];
        str_format(key, sizeof(key), "verify/%zu", i);
        json_t *probe = target_resolve(v->target, json_object_get(item, "probe"), "spec.verify", &err);
        if (!probe) {
            end_run(v, status, RUN_FAILED, "VerifyNotPossible", err.text, now, d);
            return;
        }
        json_put_str(probe, "look", "run"); /* a watch of its own: its first look comes after the last step */
        decision_want(d, key, &pod, probe, 250 * USEC_MSEC, 0, USEC_SEC);
        deadline = usec_max(deadline, usec_add(from, json_duration(item, "within", 30 * USEC_SEC)));
        const struct evidence *seen = evidences_get(v->evidences, key);
        if (seen->holds == HOLDS_TRUE)
            met = usec_max(met, seen->since);
        else if (!open) {
            open = json_str(item, "name", "verify");
            str_copy(message, sizeof(message), seen->message);
        }
    }
    if (!open) {
        bool verified = json_array_size(v->playbook->verify) > 0;
        end_run(v, status, RUN_SUCCEEDED, verified ? "Healed" : "Done",
                verified ? "the steps were done and the verification holds"
                         : "the steps were done; the playbook has no verification of what came of them",
                met, d);
        return;
    }
    if (now > deadline) {
        char text[700], limit[32];
        duration_format(deadline - from, limit, sizeof(limit));
        str_format(text, sizeof(text), "the steps were done, but %s does not hold after %s: %s", open, limit, message);
        end_run(v, status, RUN_FAILED, "NotHealed", text, now, d);
        return;
    }
    decision_again(d, deadline + 1);
    if (now >= from + RUN_PROGRESS_AFTER || v->run->phase == RUN_VERIFYING) {
        json_put_str(status, "phase", run_phase_name(RUN_VERIFYING));
        write_status(v, status, d);
        return;
    }
    decision_again(d, from + RUN_PROGRESS_AFTER);
    json_decref(status);
}

/* ── one step ── */

static void end_row(json_t *row, const char *state, const struct step_outcome *o)
{
    json_put_str(row, "state", state);
    json_put_time(row, "endedAt", o->at);
    json_put_str(row, "output", o->message);
}

static void skip_after(json_t *status, int index)
{
    for (size_t i = (size_t)index + 1; i < json_array_size(json_at(status, "steps")); i++)
        json_put_str(row_at(status, (int)i), "state", "Skipped");
}

/* The step is over: the next one's write-ahead goes into the same write. */
static void after_step(const struct run_view *v, int index, const struct step *step, const struct step_outcome *o, usec_t now,
                       struct decision *d)
{
    json_t *status = status_begin(v, RUN_RUNNING);
    json_t *row = row_at(status, index);
    int attempt = (int)json_int(row, "attempt", 1);
    bool failed = o->state == STEP_FAILED;
    /* What may have been done is done again only where that does no harm, and then once more than asked for. */
    int retries = !o->unknown ? step->retries : step->repeatable ? step->retries + 1 : 0;
    if (failed && attempt <= retries && attempt < STEP_ATTEMPTS_MAX) {
        /* What fails whenever it is looked at has failed since it was begun. */
        usec_t due = usec_add(o->at < now ? o->at : json_time(row, "startedAt", now), step->retry_delay);
        if (now < due) {
            decision_again(d, due);
            json_decref(status);
            return;
        }
        begin_step(v, status, index, attempt + 1, o->message, now);
        write_status(v, status, d);
        return;
    }
    end_row(row, failed ? "Failed" : "Succeeded", o);
    if (failed && !step->go_on) {
        skip_after(status, index);
        char message[700];
        str_format(message, sizeof(message), "step %s (%s) failed: %s", step->name, step->action, o->message);
        end_run(v, status, RUN_FAILED, "StepFailed", message, now, d);
        return;
    }
    if ((size_t)index + 1 < json_array_size(v->run->steps)) {
        begin_step(v, status, index + 1, 1, NULL, now);
        write_status(v, status, d);
        return;
    }
    json_put_int(status, "currentStep", index + 1);
    if (o->looked && json_array_size(v->playbook->verify) > 0) {
        /* It would be over anew at each look, and the verification begin anew with it: written down, its time stands. */
        json_put_str(status, "phase", run_phase_name(RUN_VERIFYING));
        write_status(v, status, d);
        return;
    }
    decide_verifying(v, status, o->at, now, d);
}

static void decide_step(const struct run_view *v, int index, usec_t now, struct decision *d)
{
    json_t *row = json_array_get(v->run->steps, (size_t)index);
    int branch;
    const json_t *steps = playbook_steps(v->playbook, v->run->severity, &branch);
    json_t *spec = json_array_get(steps, (size_t)index);
    if (branch != v->run->branch || !spec || !str_equal(json_str(spec, "action", ""), json_str(row, "action", ""))) {
        fail(v, "PlaybookChanged", "the playbook was changed while this run was at work: it starts again at the next firing", now,
             d);
        return;
    }
    struct step_view s = {
        .run = v,
        .status = row,
        .index = index,
        .attempt = (int)json_int(row, "attempt", 1),
        .started_at = json_time(row, "startedAt", now),
    };
    step_decode(spec, &s.step);
    ssize_t pod = pod_of_step(v, row);
    s.pod_gone = pod < 0 && str_starts(json_str(row, "message", ""), STEP_POD);
    if (s.pod_gone)
        pod = pod_of(v);
    if (pod >= 0) {
        s.pod = &v->pods[pod];
        s.agent = &v->agents[pod];
    }
    struct step_outcome o = {0};
    struct error err = {0};
    json_auto_t *params = s.step.params ? target_resolve(v->target, s.step.params, s.step.action, &err) : NULL;
    if (s.step.params && !params) {
        o = (struct step_outcome){.state = STEP_FAILED, .at = now};
        str_copy(o.message, sizeof(o.message), err.text);
    } else {
        s.step.params = params;
        action_step(&s, now, d, &o);
    }
    usec_t deadline = usec_add(s.started_at, s.step.timeout);
    if (o.plan[0]) {
        json_t *status = status_begin(v, RUN_RUNNING);
        json_put_str(row_at(status, index), "output", o.plan);
        write_status(v, status, d);
        return;
    }
    if (o.state == STEP_RUNNING && now > usec_add(deadline, USEC_SEC)) {
        char limit[32], why[512];
        duration_format(s.step.timeout, limit, sizeof(limit));
        decision_done(d); /* too late: what would be begun now would be begun after its failure was written down */
        str_copy(why, sizeof(why), o.message);
        str_format(o.message, sizeof(o.message), "not done within %s%s%.300s", limit, why[0] ? ": " : "", why);
        o.state = STEP_FAILED;
        o.at = usec_add(deadline, USEC_SEC);
    }
    if (o.state == STEP_RUNNING)
        decision_again(d, usec_add(deadline, USEC_SEC + 1));
    else
        after_step(v, index, &s.step, &o, now, d);
}

void run_decide(const struct run_view *v, usec_t now, struct decision *d)
{
    const struct run *run = v->run;
    decision_init(d);
    if (run->phase == RUN_SUCCEEDED || run->phase == RUN_FAILED || run->meta.deleting)
        return;
    if (!str_empty(run->reporter) && !str_equal(run->reporter, "drillyard"))
        return; /* an outside healer's own record: ours to read only */
    if (!v->namespace_enabled) {
        fail(v, "NamespaceNotEnabled", "the namespace lacks the label " LABEL_DRILLS "=enabled", now, d);
        return;
    }
    if (!v->playbook || !v->target) {
        char message[512];
        str_format(message, sizeof(message), "%s: %.440s", v->playbook ? "spec.target" : "spec.playbook",
                   v->playbook ? v->target_error.text : v->playbook_error.text);
        fail(v, v->playbook ? "TargetNotUsable" : "PlaybookNotUsable", message, now, d);
        return;
    }
    size_t count = json_array_size(run->steps);
    if (run->phase == RUN_NEW || run->phase == RUN_PENDING || !count)
        decide_new(v, now, d);
    else if (run->phase == RUN_VERIFYING || (size_t)run->current_step >= count)
        decide_verifying(v, status_begin(v, RUN_VERIFYING), json_time(json_array_get(run->steps, count - 1), "endedAt", now), now,
                         d);
    else
        decide_step(v, run->current_step, now, d);
}

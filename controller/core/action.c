#include "core/action_parts.h"

#include "base/rfc3339.h"
#include "base/str.h"

/* A pod of the target that says whose it is; while its pods are being replaced there may be none for a moment. */
static const struct pod *owned_pod(const struct step_view *s)
{
    if (s->pod && !str_empty(s->pod->owner_name))
        return s->pod;
    for (size_t i = 0; i < s->run->pod_count; i++)
        if (!str_empty(s->run->pods[i].owner_name))
            return &s->run->pods[i];
    return s->pod;
}

/* The workload behind the target: named, else found from the pod's owner. A ReplicaSet of a Deployment is named <deployment>-<hash>.
 * False: it cannot be known (o says so), or not now. */
static bool workload_path(const struct step_view *s, char path[512], struct step_outcome *o, usec_t now)
{
    const json_t *named = s->run->target->workload;
    const char *kind = json_str(named, "kind", NULL), *name = json_str(named, "name", NULL);
    char owner[254] = "";
    const struct pod *pod = named ? NULL : owned_pod(s);
    if (pod) {
        kind = pod->owner_kind;
        str_copy(owner, sizeof(owner), pod->owner_name);
        char *dash = strrchr(owner, '-');
        if (str_equal(kind, "ReplicaSet") && dash) {
            kind = "Deployment";
            *dash = '\0';
        }
        name = owner;
    } else if (!named) {
        str_copy(o->message, sizeof(o->message), "the target has no pod at present that says whose it is, and no spec.workload");
        return false;
    }
    static const struct {
        const char *kind, *plural;
    } workloads[] = {{"Deployment", "deployments"}, {"StatefulSet", "statefulsets"}, {"DaemonSet", "daemonsets"}};
    for (size_t i = 0; i < array_len(workloads); i++)
        if (str_equal(kind, workloads[i].kind) && str_is_dns_subdomain(name)) {
            str_format(path, 512, "/apis/apps/v1/namespaces/%s/%s/%s", s->run->run->meta.ns, workloads[i].plural, name);
            return true;
        }
    action_outcome(
        o, STEP_FAILED, now,
        "the target's workload is not known: set spec.workload to its Deployment, StatefulSet or DaemonSet ({apiVersion, kind, "
        "name})");
    return false;
}

/* Every pod that stays is of the template that this step has set, and at least one is ready. The API server's clock is another one, so
 * their ages say nothing. */
static bool rolled_out(const struct step_view *s, const char *at)
{
    bool fresh = false;
    for (size_t i = 0; i < s->run->pod_count; i++) {
        const struct pod *p = &s->run->pods[i];
        bool of_this = str_equal(json_string_value(json_object_get(p->meta.annotations, POD_RESTARTED_AT)), at);
        if (!of_this && !p->meta.deleting)
            return false;
        fresh |= p->ready && of_this;
    }
    return fresh;
}

static void rollout_restart(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
{
    char path[512], at[RFC3339_SIZE];
    decision_again(d, now + USEC_SEC); /* pods come and go without telling a run */
    if (!workload_path(s, path, o, now))
        return;
    json_t *patch = json_object();
    /* The same annotation and a value fixed by the step, so that a repeated patch changes nothing: kubectl rollout restart. */
    json_put_str(json_make(patch, "spec.template.metadata.annotations"), "kubectl.kubernetes.io/restartedAt",
                 rfc3339_format(s->started_at, at));
    const struct observation *done =
        action_api(s, "restart", "PATCH", path, "application/strategic-merge-patch+json", patch, now, d, o);
    if (done && rolled_out(s, at)) {
        action_outcome(o, STEP_OK, now, "the workload's pods were replaced, and one is ready");
        o->looked = true;
    }
}

static void restart_kernel(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
{
    const char *how = json_str(s->run->target->facets, "process.restart", "Supervisor");
    if (str_equal(how, "Workload")) {
        rollout_restart(s, now, d, o);
        return;
    }
    const char *match = json_str(s->step.params, "match", action_facet_str(s, "process.match"));
    if (!match) {
        action_outcome(o, STEP_FAILED, now, "the target has no facets.process.match: what to restart is not known");
        return;
    }
    json_t *body = json_object();
    if (str_equal(how, "Command")) {
        json_put_str(body, "op", "exec");
        json_t *command = action_facet(s, "process.restartCommand");
        json_put(body, "command", json_incref(command));
        json_put_int(body, "timeoutMs", s->step.timeout / USEC_MSEC);
    } else {
        json_put_str(body, "op", "restart");
        json_put_str(body, "match", match);
        json_put_str(body, "how", how);
        json_put_int(body, "graceMs", json_duration(s->step.params, "grace", 2 * USEC_SEC) / USEC_MSEC);
        json_put_int(body, "timeoutMs", s->step.timeout / USEC_MSEC);
    }
    action_agent(s, body, now, d, o);
}

static void restart_service(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
{
    rollout_restart(s, now, d, o);
}

static void restore(const struct step_view *s, const char *which, usec_t now, struct decision *d, struct step_outcome *o)
{
    const json_t *f = json_object_get(s->run->target->facets, which);
    const char *path = json_str(f, "path", NULL);
    if (!path) {
        char message[128];
        str_format(message, sizeof(message), "the target has no facets.%s.path to restore", which);
        action_outcome(o, STEP_FAILED, now, message);
        return;
    }
    json_t *body = json_object();
    json_put_str(body, "op", "restore");
    json_put_str(body, "facet", which);
    json_put_str(body, "path", path);
    json_t *reload = json_object_get(f, "reload");
    if (reload && json_flag(s->step.params, "reload", true)) {
        struct error err = {0};
        json_t *resolved = target_resolve(s->run->target, reload, "facets.config.reload", &err);
        if (!resolved) {
            json_decref(body);
            action_outcome(o, STEP_FAILED, now, err.text);
            return;
        }
        json_put(body, "reload", resolved);
    }
    action_agent(s, body, now, d, o);
}

static void restore_model_weights(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
{
    restore(s, "model", now, d, o);
}

static void restore_config(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
{
    restore(s, json_str(s->step.params, "facet", "config"), now, d, o);
}

static void signal_kernel(const struct step_view *s, const char *signal, usec_t now, struct decision *d, struct step_outcome *o)
{
    const char *match = json_str(s->step.params, "match", action_facet_str(s, "process.match"));
    if (!match) {
        action_outcome(o, STEP_FAILED, now, "the target has no facets.process.match: what to signal is not known");
        return;
    }
    json_t *body = json_object();
    json_put_str(body, "op", "signal");
    json_put_str(body, "match", match);
    json_put_str(body, "signal", signal);
    action_agent(s, body, now, d, o);
}

static void pause_kernel(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
{
    signal_kernel(s, "STOP", now, d, o);
}

static void resume_kernel(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
{
    signal_kernel(s, "CONT", now, d, o);
}

static bool plan_parse(const char *plan, int *ret_from, int *ret_to)
{
    char from[16];
    const char *to = strstr(plan, " to ");
    int64_t a, b;
    if (!str_starts(plan, "scale ") || !to || !str_format(from, sizeof(from), "%.*s", (int)(to - plan - 6), plan + 6) ||
        !str_to_i64(from, 0, INT32_MAX, &a) || !str_to_i64(to + 4, 0, INT32_MAX, &b))
        return false;
    *ret_from = (int)a;
    *ret_to = (int)b;
    return true;
}

/* "by 1" depends on what there is, so the number is read, then written down with the step (the plan), and only then set: a crash in
 * between sets the same number again instead of adding once more. */
static void scale_workers(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
{
    const json_t *workers = json_object_get(s->run->target->facets, "workers");
    const char *kind = json_str(workers, "kind", "Deployment"), *name = json_str(workers, "name", NULL);
    char path[512];
    if (!str_is_dns_subdomain(name) || !(str_equal(kind, "Deployment") || str_equal(kind, "StatefulSet"))) {
        action_outcome(o, STEP_FAILED, now,
                       "facets.workers must name a Deployment or StatefulSet to scale ({apiVersion, kind, name, min, max})");
        return;
    }
    str_format(path, sizeof(path), "/apis/apps/v1/namespaces/%s/%s/%s/scale", s->run->run->meta.ns,
               str_equal(kind, "Deployment") ? "deployments" : "statefulsets", name);
    int from, to;
    if (plan_parse(json_str(s->status, "output", ""), &from, &to)) {
        json_t *patch = json_object();
        json_put_int(json_make(patch, "spec"), "replicas", to);
        const struct observation *set = action_api(s, "scale", "PATCH", path, "application/merge-patch+json", patch, now, d, o);
        if (set) {
            char message[128];
            str_format(message, sizeof(message), "scale %d to %d", from, to);
            action_outcome(o, STEP_OK, set->answered_at, message);
        }
        return;
    }
    const struct observation *read = action_api(s, "read", "GET", path, NULL, NULL, now, d, o);
    if (!read)
        return;
    from = (int)json_int(read->result, "spec.replicas", 1);
    to = (int)json_int(s->step.params, "to", from + json_int(s->step.params, "by", 1));
    int min = (int)json_int(workers, "min", 1), max = (int)json_int(workers, "max", to > from ? to : from);
    to = to < min ? min : to > max ? max : to;
    str_format(o->plan, sizeof(o->plan), "scale %d to %d", from, to);
}

static const struct {
    const char *name;
    void (*act)(const struct step_view *, usec_t now, struct decision *, struct step_outcome *);
} actions[] = {
    {"RestartKernel", restart_kernel},
    {"RestartService", restart_service},
    {"RestoreModelWeights", restore_model_weights},
    {"RestoreConfig", restore_config},
    {"PauseKernel", pause_kernel},
    {"ResumeKernel", resume_kernel},
    {"ScaleWorkers", scale_workers},
    {"CheckResources", action_check_resources},
    {"ValidateModel", action_validate_model},
    {"RunSmokeTests", action_run_smoke_tests},
    {"VerifySLO", action_verify_slo},
};

bool action_known(const char *action)
{
    for (size_t i = 0; i < array_len(actions); i++)
        if (str_equal(actions[i].name, action))
            return true;
    return false;
}

void action_step(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
{
    *o = (struct step_outcome){.state = STEP_RUNNING};
    for (size_t i = 0; i < array_len(actions); i++)
        if (str_equal(actions[i].name, s->step.action)) {
            actions[i].act(s, now, d, o);
            return;
        }
    char message[160];
    str_format(message, sizeof(message), "action %.40s is not available in this version", s->step.action);
    action_outcome(o, STEP_FAILED, now, message);
}

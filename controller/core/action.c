#include "core/action.h"

#include "base/rfc3339.h"
#include "base/str.h"

static void outcome(struct step_outcome *o, enum step_state state, usec_t at, const char *message)
{
    o->state = state;
    o->at = at;
    str_copy(o->message, sizeof(o->message), message);
}

static void observation_id(const struct step_view *s, const char *suffix, char dest[EFFECT_ID_SIZE])
{
    str_format(dest, EFFECT_ID_SIZE, "step/%d/%d%s", s->index, s->attempt, suffix);
}

static json_t *facet(const struct step_view *s, const char *path)
{
    return json_at(s->run->target->facets, path);
}

static const char *facet_str(const struct step_view *s, const char *path)
{
    return json_str(s->run->target->facets, path, NULL);
}

/* ── one operation of the agent, until it is answered ── */

/* Whether this process was there when the step began, and could not ask: else another may have asked, and died. */
static bool never_asked(const struct step_view *s, usec_t now, struct decision *d)
{
    char id[EFFECT_ID_SIZE];
    str_format(id, sizeof(id), "away/%d/%d", s->index, s->attempt);
    if (observations_get(s->run->observations, id)->state == OBSERVATION_OK)
        return true;
    bool just_begun = now <= usec_add(s->started_at, 2 * USEC_SEC);
    if (just_begun)
        decision_note(d, id, NULL);
    return just_begun;
}

/* Takes body. Asked again while its outcome is unknown: the agent knows the effect id and does nothing twice. */
static void agent_op(const struct step_view *s, json_t *body, usec_t now, struct decision *d, struct step_outcome *o)
{
    char first[EFFECT_ID_SIZE];
    observation_id(s, "", first);
    enum observation_state asked = observations_get(s->run->observations, first)->state;
    bool answered = asked == OBSERVATION_OK || asked == OBSERVATION_FAILED;
    o->unknown = asked == OBSERVATION_NONE ? !never_asked(s, now, d) : !answered;
    if (s->pod_gone && !answered) {
        json_decref(body);
        outcome(o, STEP_FAILED, now, "the pod that the step was begun in is gone");
        return;
    }
    if (!answered && (!s->pod || !s->agent || s->agent->link != AGENT_UP)) {
        json_decref(body);
        decision_again(d, now + USEC_SEC);
        str_format(o->message, sizeof(o->message), "the agent is away: %.200s",
                   s->agent ? s->agent->message : "no pod of the target");
        return;
    }
    for (int ask = 0;; ask++) {
        char id[EFFECT_ID_SIZE], suffix[16] = "";
        if (ask)
            str_format(suffix, sizeof(suffix), "/%d", ask);
        observation_id(s, suffix, id);
        const struct observation *seen = observations_get(s->run->observations, id);
        switch (seen->state) {
        case OBSERVATION_NONE: {
            char effect[96]; /* the agent takes at most so much; a uid has 36 */
            str_format(effect, sizeof(effect), "%.60s/%d/%d", s->run->run->meta.uid, s->index, s->attempt);
            json_put_str(body, "effect", effect);
            struct key pod = meta_key(&s->pod->meta, KIND_POD);
            usec_t left = usec_max(0, usec_add(s->started_at, s->step.timeout) - now);
            decision_agent(d, id, &pod, body, left + USEC_SEC);
            return;
        }
        case OBSERVATION_IN_FLIGHT:
            json_decref(body);
            return;
        case OBSERVATION_OK: {
            json_decref(body);
            auto_free char *text = seen->result ? json_text(seen->result) : NULL;
            o->unknown = str_equal(json_str(seen->result, "state", ""), "Unknown");
            if (o->unknown)
                outcome(o, STEP_FAILED, seen->answered_at,
                        "the agent was interrupted in the middle of it: whether it took effect is unknown");
            else if (json_int(seen->result, "exitCode", 0) != 0)
                outcome(o, STEP_FAILED, seen->answered_at, text);
            else
                outcome(o, STEP_OK, seen->answered_at, text ? text : "done");
            return;
        }
        case OBSERVATION_FAILED:
            json_decref(body);
            o->unknown = false;
            outcome(o, STEP_FAILED, seen->answered_at, seen->err.text);
            return;
        case OBSERVATION_UNKNOWN:
            continue;
        }
    }
}

/* ── one idempotent request to the API server, until it is answered ── */

/* NULL: not answered yet (o says what it waits for) or failed (o->state). Takes body. */
static const struct observation *api_request(const struct step_view *s, const char *suffix, const char *method, const char *path,
                                             const char *content_type, json_t *body, struct decision *d, struct step_outcome *o)
{
    for (int ask = 0;; ask++) {
        char id[EFFECT_ID_SIZE], tail[32];
        str_format(tail, sizeof(tail), ask ? "/%s/%d" : "/%s", suffix, ask);
        observation_id(s, tail, id);
        const struct observation *seen = observations_get(s->run->observations, id);
        switch (seen->state) {
        case OBSERVATION_NONE:
            decision_api(d, id, method, path, content_type, body, 10 * USEC_SEC);
            return NULL;
        case OBSERVATION_IN_FLIGHT:
            o->unknown = body != NULL;
            json_decref(body);
            return NULL;
        case OBSERVATION_OK:
            json_decref(body);
            o->unknown = false;
            return seen;
        case OBSERVATION_FAILED:
            json_decref(body);
            outcome(o, STEP_FAILED, seen->answered_at, seen->err.text);
            return NULL;
        case OBSERVATION_UNKNOWN:
            o->unknown = body != NULL; /* what only reads does nothing */
            continue;                  /* the request says an end state, so asking again is safe */
        }
    }
}

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
    outcome(o, STEP_FAILED, now,
            "the target's workload is not known: set spec.workload to its Deployment, StatefulSet or DaemonSet ({apiVersion, kind, "
            "name})");
    return false;
}

/* Begun when every pod that is ready was created after the step and at least one is. */
static bool rolled_out(const struct step_view *s)
{
    bool fresh = false;
    usec_t floor = s->started_at - s->started_at % USEC_SEC; /* creationTimestamp has whole seconds */
    for (size_t i = 0; i < s->run->pod_count; i++) {
        const struct pod *p = &s->run->pods[i];
        if (p->meta.created_at < floor && !p->meta.deleting)
            return false;
        fresh |= p->ready && p->meta.created_at >= floor;
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
        api_request(s, "restart", "PATCH", path, "application/strategic-merge-patch+json", patch, d, o);
    if (done && rolled_out(s))
        outcome(o, STEP_OK, now, "the workload's pods were replaced, and one is ready");
}

static void restart_kernel(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
{
    const char *how = json_str(s->run->target->facets, "process.restart", "Supervisor");
    if (str_equal(how, "Workload")) {
        rollout_restart(s, now, d, o);
        return;
    }
    const char *match = json_str(s->step.params, "match", facet_str(s, "process.match"));
    if (!match) {
        outcome(o, STEP_FAILED, now, "the target has no facets.process.match: what to restart is not known");
        return;
    }
    json_t *body = json_object();
    if (str_equal(how, "Command")) {
        json_put_str(body, "op", "exec");
        json_t *command = facet(s, "process.restartCommand");
        json_put(body, "command", json_incref(command));
        json_put_int(body, "timeoutMs", s->step.timeout / USEC_MSEC);
    } else {
        json_put_str(body, "op", "restart");
        json_put_str(body, "match", match);
        json_put_str(body, "how", how);
        json_put_int(body, "graceMs", json_duration(s->step.params, "grace", 2 * USEC_SEC) / USEC_MSEC);
        json_put_int(body, "timeoutMs", s->step.timeout / USEC_MSEC);
    }
    agent_op(s, body, now, d, o);
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
        outcome(o, STEP_FAILED, now, message);
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
            outcome(o, STEP_FAILED, now, err.text);
            return;
        }
        json_put(body, "reload", resolved);
    }
    agent_op(s, body, now, d, o);
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
    const char *match = json_str(s->step.params, "match", facet_str(s, "process.match"));
    if (!match) {
        outcome(o, STEP_FAILED, now, "the target has no facets.process.match: what to signal is not known");
        return;
    }
    json_t *body = json_object();
    json_put_str(body, "op", "signal");
    json_put_str(body, "match", match);
    json_put_str(body, "signal", signal);
    agent_op(s, body, now, d, o);
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
        outcome(o, STEP_FAILED, now,
                "facets.workers must name a Deployment or StatefulSet to scale ({apiVersion, kind, name, min, max})");
        return;
    }
    str_format(path, sizeof(path), "/apis/apps/v1/namespaces/%s/%s/%s/scale", s->run->run->meta.ns,
               str_equal(kind, "Deployment") ? "deployments" : "statefulsets", name);
    int from, to;
    if (plan_parse(json_str(s->status, "output", ""), &from, &to)) {
        json_t *patch = json_object();
        json_put_int(json_make(patch, "spec"), "replicas", to);
        if (api_request(s, "scale", "PATCH", path, "application/merge-patch+json", patch, d, o)) {
            char message[128];
            str_format(message, sizeof(message), "scale %d to %d", from, to);
            outcome(o, STEP_OK, now, message);
        }
        return;
    }
    const struct observation *read = api_request(s, "read", "GET", path, NULL, NULL, d, o);
    if (!read)
        return;
    from = (int)json_int(read->result, "spec.replicas", 1);
    to = (int)json_int(s->step.params, "to", from + json_int(s->step.params, "by", 1));
    int min = (int)json_int(workers, "min", 1), max = (int)json_int(workers, "max", to > from ? to : from);
    to = to < min ? min : to > max ? max : to;
    str_format(o->plan, sizeof(o->plan), "scale %d to %d", from, to);
}

/* ── actions that only look ── */

/* All of `probes` (named probes or {probe}) must be seen to hold, looked at since the step began. */
static void look(const struct step_view *s, const json_t *probes, usec_t now, struct decision *d, struct step_outcome *o)
{
    size_t i, open = 0;
    json_t *item;
    usec_t last = s->started_at;
    if (!json_array_size(probes)) {
        outcome(o, STEP_FAILED, now, "there is nothing to look at: the step names no probes");
        return;
    }
    struct key pod = s->pod ? meta_key(&s->pod->meta, KIND_POD) : key_of(KIND_POD, s->run->run->meta.ns, "");
    json_array_foreach((json_t *)probes, i, item)
    {
        struct error err = {0};
        json_t *probe =
            target_resolve(s->run->target, json_object_get(item, "probe") ? json_object_get(item, "probe") : item, "probe", &err);
        if (!probe) {
            outcome(o, STEP_FAILED, now, err.text);
            return;
        }
        char key[EFFECT_ID_SIZE], mark[EFFECT_ID_SIZE];
        str_format(key, sizeof(key), "look/%d/%d/%zu", s->index, s->attempt, i);
        observation_id(s, "", mark);
        json_put_str(probe, "look", mark); /* a watch of its own: the first look is a fresh one */
        decision_want(d, key, &pod, probe, 500 * USEC_MSEC, 0, USEC_SEC);
        const struct evidence *seen = evidences_get(s->run->evidences, key);
        if (seen->holds == HOLDS_TRUE) {
            last = usec_max(last, seen->since);
            continue;
        }
        if (!open++)
            str_format(o->message, sizeof(o->message), "%s: %.300s", json_str(item, "name", "probe"), seen->message);
    }
    if (!open) {
        char message[64];
        str_format(message, sizeof(message), "%zu probe%s hold%s", i, i == 1 ? "" : "s", i == 1 ? "s" : "");
        outcome(o, STEP_OK, last, message);
    }
}

/* One probe that is not in any object, as a list of its own. Takes probe. */
static void look_at(const struct step_view *s, const char *name, json_t *probe, usec_t now, struct decision *d,
                    struct step_outcome *o)
{
    json_t *item = json_object();
    json_put_str(item, "name", name);
    json_put(item, "probe", probe);
    json_t *probes = json_array();
    json_array_append_new(probes, item);
    look(s, probes, now, d, o);
    json_decref(probes);
}

static void run_smoke_tests(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
{
    const json_t *probes = json_at(s->step.params, "probes");
    if (!probes)
        probes = s->run->target->health;
    if (json_array_size(probes)) {
        look(s, probes, now, d, o);
        return;
    }
    json_t *ready = json_object(); /* a target without health probes is well while its pods are ready */
    json_put_int(json_make(ready, "pods.ready"), "atLeast", 1);
    look_at(s, "ready", ready, now, d, o);
}

static void validate_model(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
{
    json_t *probe = json_object();
    json_t *file = json_make(probe, "file");
    json_put_str(file, "path", "$(target.model.path)");
    json_put_bool(file, "exists", true);
    const char *format = facet_str(s, "model.format");
    if (str_equal(format, "SafeTensors"))
        json_put_str(file, "parses", format);
    json_put_str(file, "sha256", facet_str(s, "model.sha256"));
    look_at(s, "model", probe, now, d, o);
}

static void verify_slo(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
{
    json_t *probe = json_object();
    json_put_str(json_make(probe, "slo"), "ref", json_str(s->step.params, "ref", "$(target.slo)"));
    look_at(s, "slo", probe, now, d, o);
}

static void check_resources(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
{
    static const struct {
        const char *param, *member;
    } limits[] = {{"cpuBelow", "cpu"}, {"memoryBelow", "memory"}};
    json_t *resource = json_object();
    for (size_t i = 0; i < array_len(limits); i++) {
        json_t *limit = json_at(s->step.params, limits[i].param);
        json_t *comparison = json_object();
        json_put(comparison, "below", limit ? json_incref(limit) : json_string("95%"));
        json_put(resource, limits[i].member, comparison);
    }
    json_t *probe = json_object();
    json_put(probe, "resource", resource);
    look_at(s, "resources", probe, now, d, o);
}

static const struct {
    const char *name;
    void (*act)(const struct step_view *, usec_t now, struct decision *, struct step_outcome *);
} actions[] = {
    {"RestartKernel", restart_kernel},  {"RestartService", restart_service}, {"RestoreModelWeights", restore_model_weights},
    {"RestoreConfig", restore_config},  {"PauseKernel", pause_kernel},       {"ResumeKernel", resume_kernel},
    {"ScaleWorkers", scale_workers},    {"CheckResources", check_resources}, {"ValidateModel", validate_model},
    {"RunSmokeTests", run_smoke_tests}, {"VerifySLO", verify_slo},
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
    outcome(o, STEP_FAILED, now, message);
}

#include "core/action_parts.h"

#include "base/str.h"

/* All of `probes` (named probes or {probe}) must be seen to hold, looked at since the step began. */
static void look(const struct step_view *s, const json_t *probes, usec_t now, struct decision *d, struct step_outcome *o)
{
    size_t i, open = 0;
    json_t *item;
    usec_t last = s->started_at;
    if (!json_array_size(probes)) {
        action_outcome(o, STEP_FAILED, now, "there is nothing to look at: the step names no probes");
        return;
    }
    struct key pod = s->pod ? meta_key(&s->pod->meta, KIND_POD) : key_of(KIND_POD, s->run->run->meta.ns, "");
    json_array_foreach((json_t *)probes, i, item)
    {
        struct error err = {0};
        json_t *probe =
            target_resolve(s->run->target, json_object_get(item, "probe") ? json_object_get(item, "probe") : item, "probe", &err);
        if (!probe) {
            action_outcome(o, STEP_FAILED, now, err.text);
            return;
        }
        char key[EFFECT_ID_SIZE], mark[EFFECT_ID_SIZE];
        str_format(key, sizeof(key), "look/%d/%d/%zu", s->index, s->attempt, i);
        action_observation_id(s, "", mark);
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
        action_outcome(o, STEP_OK, last, message);
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

void action_run_smoke_tests(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
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

void action_validate_model(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
{
    json_t *probe = json_object();
    json_t *file = json_make(probe, "file");
    json_put_str(file, "path", "$(target.model.path)");
    json_put_bool(file, "exists", true);
    const char *format = action_facet_str(s, "model.format");
    if (str_equal(format, "SafeTensors"))
        json_put_str(file, "parses", format);
    json_put_str(file, "sha256", action_facet_str(s, "model.sha256"));
    look_at(s, "model", probe, now, d, o);
}

void action_verify_slo(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
{
    json_t *probe = json_object();
    json_put_str(json_make(probe, "slo"), "ref", json_str(s->step.params, "ref", "$(target.slo)"));
    look_at(s, "slo", probe, now, d, o);
}

void action_check_resources(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o)
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

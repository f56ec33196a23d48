#include "core/drill_inject.h"

#include "base/str.h"

/* What a method needs of the target when the card does not say: the CRD's defaults, here for cards that reach us without them. */
static const struct {
    const char *method, *param, *fallback;
} param_defaults[] = {
    {"HeartbeatBlock", "heartbeat", "$(target.heartbeat)"}, {"HeartbeatBlock", "match", "$(target.process.match)"},
    {"KillProcess", "match", "$(target.process.match)"},    {"ProcessFreeze", "match", "$(target.process.match)"},
    {"ConfigModify", "path", "$(target.config.path)"},      {"ConfigModify", "format", "$(target.config.format)"},
    {"ConfigModify", "key", "$(target.config.key)"},        {"FileCorrupt", "path", "$(target.model.path)"},
};

/* The card's value is text, read as a YAML scalar (YAML 1.2 core schema): "0" is the number, "true" the truth value. */
static json_t *scalar_of(const char *text)
{
    int64_t integer;
    double real;
    if (str_equal(text, "true") || str_equal(text, "false"))
        return json_boolean(str_equal(text, "true"));
    if (str_equal(text, "null") || str_equal(text, "~"))
        return json_null();
    if (str_to_i64(text, INT64_MIN, INT64_MAX, &integer))
        return json_integer(integer);
    if (str_to_double(text, &real))
        return json_real(real);
    return json_string(text);
}

json_t *drill_params(const struct drill_view *v, struct error *err)
{
    json_t *params = v->card->params ? json_deep_copy(v->card->params) : json_object();
    json_t *process = json_object_get(params, "process"); /* the card's word for what the agent calls match */
    if (process) {
        json_object_set(params, "match", process);
        json_object_del(params, "process");
    }
    for (size_t i = 0; i < array_len(param_defaults); i++)
        if (str_equal(param_defaults[i].method, v->card->method) && !json_object_get(params, param_defaults[i].param))
            json_put_str(params, param_defaults[i].param, param_defaults[i].fallback);
    const char *value = json_string_value(json_object_get(params, "value"));
    if (value && str_equal(v->card->method, "ConfigModify"))
        json_put(params, "value", scalar_of(value));
    if (v->drill->seed >= 0)
        json_put_int(params, "seed", v->drill->seed);
    json_t *resolved = target_resolve(v->target, params, "spec.injection", err);
    json_decref(params);
    return resolved;
}

json_t *drill_inject_body(const struct drill_view *v, struct error *err)
{
    if (!v->card || !v->target) {
        error_set(err, ERROR_NOT_FOUND, "the %s was taken away before the injection", v->card ? "target" : "card");
        return NULL;
    }
    json_t *params = drill_params(v, err);
    if (!params)
        return NULL;
    json_t *body = json_object();
    json_put_str(body, "op", "inject");
    json_t *fault = json_make(body, "fault");
    json_put_str(fault, "id", v->drill->fault_id);
    json_put_str(fault, "method", v->card->method);
    json_put(fault, "params", params);
    usec_t duration = v->drill->duration ? v->drill->duration : v->card->duration;
    usec_t lease = drill_lease(v);
    json_put_int(body, "durationMs", duration / USEC_MSEC);
    json_put_int(body, "leaseMs", lease / USEC_MSEC);
    return body;
}

#include "api/target.h"

#include "api/field.h"
#include "api/selector.h"
#include "base/str.h"

/* A number from 1, or "30%". */
static int target_decode_max_pods(const json_t *root, struct target *t, struct error *err)
{
    const json_t *value = json_at(root, "spec.safety.maxPods");
    t->max_pods = 1;
    if (!value)
        return 0;
    if (json_is_integer(value) && json_integer_value(value) >= 1 && json_integer_value(value) <= 100000) {
        t->max_pods = (int)json_integer_value(value);
        return 0;
    }
    const char *text = json_string_value(value);
    char number[8];
    int64_t percent;
    if (str_ends(text, "%") && str_format(number, sizeof(number), "%.*s", (int)strlen(text) - 1, text) &&
        str_to_i64(number, 1, 100, &percent)) {
        t->max_pods_percent = (double)percent;
        return 0;
    }
    char quoted[FIELD_QUOTE_SIZE];
    return error_set(err, ERROR_INVALID,
                     "spec.safety.maxPods: %s is neither a number from 1 nor a percentage; write for example 1 or \"30%%\"",
                     field_quote(value, quoted));
}

static int target_decode_snapshots(const json_t *root, struct target *t, struct error *err)
{
    if (field_duration(root, "spec.snapshots.every", 10 * USEC_MINUTE, &t->snapshot_every, err) < 0 ||
        field_int(root, "spec.snapshots.keep", 1, 10, 3, &t->snapshot_keep, err) < 0)
        return -1;
    t->snapshot_facets = json_at(root, "spec.snapshots.facets");
    return 0;
}

/* logs: the word Stdout, or {path: FILE}; the schema can only preserve it. */
static int target_decode_logs(const json_t *root, struct error *err)
{
    const json_t *logs = json_at(root, "spec.facets.logs");
    if (!logs || str_equal(json_string_value(logs), "Stdout") || str_starts(json_str(logs, "path", NULL), "/"))
        return 0;
    char quoted[FIELD_QUOTE_SIZE];
    return error_set(err, ERROR_INVALID, "spec.facets.logs: %s is neither; write Stdout, or {path: /var/log/shop.log}",
                     field_quote(logs, quoted));
}

static int target_decode_health(const struct target *t, struct error *err)
{
    for (size_t i = 0; i < json_array_size(t->health); i++) {
        char field[64];
        str_format(field, sizeof(field), "spec.facets.health[%zu]", i);
        if (field_probe(json_array_get(t->health, i), field, err) < 0)
            return -1;
    }
    return field_probes(t->stop_when, "spec.safety.stopWhen", err);
}

static int target_decode_into(json_t *root, struct target *t, struct error *err)
{
    static const char *const agents[] = {"Sidecar", "Ephemeral", NULL};
    size_t agent;
    meta_decode(root, &t->meta);
    if (field_texts(json_at(root, "spec"), "spec", err) < 0)
        return -1;
    t->selector = json_at(root, "spec.selector");
    if (json_object_size(json_at(t->selector, "matchLabels")) == 0 &&
        json_array_size(json_at(t->selector, "matchExpressions")) == 0)
        return error_set(err, ERROR_INVALID,
                         "spec.selector is empty, which would select every pod of the namespace; write for example "
                         "{matchLabels: {app: shop}}");
    if (selector_validate(t->selector, "spec.selector", err) < 0)
        return -1;
    t->container = json_str(root, "spec.container", NULL);
    if (field_choice(root, "spec.agent", agents, &agent, err) < 0)
        return -1;
    t->agent = agents[agent];
    t->workload = json_at(root, "spec.workload");
    t->facets = json_at(root, "spec.facets") ?: json_make(root, "spec.facets");
    t->health = json_at(t->facets, "health");
    t->stop_when = json_at(root, "spec.safety.stopWhen");
    t->windows = json_at(root, "spec.safety.windows");
    t->allowed_methods = json_at(root, "spec.safety.allowedMethods");
    if (target_decode_snapshots(root, t, err) < 0 || target_decode_max_pods(root, t, err) < 0 ||
        target_decode_logs(root, err) < 0 || field_int(root, "spec.watchPods", 0, 100, 10, &t->watch_pods, err) < 0)
        return -1;
    return target_decode_health(t, err);
}

int target_decode(json_t *object, struct target *ret_target, struct error *err)
{
    struct target target = {0};
    if (target_decode_into(object, &target, err) < 0)
        return -1;
    target.root = json_incref(object);
    *ret_target = target;
    return 0;
}

void target_done(struct target *t)
{
    json_decref(t->root);
    *t = (struct target){0};
}

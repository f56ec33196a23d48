/* Conditions as metav1.Condition has them (apimachinery pkg/apis/meta/v1/types.go): a list with one entry a type. */
#include "api/meta.h"

#include "base/rfc3339.h"
#include "base/str.h"

static const char *const status_text[] = {[CONDITION_FALSE] = "False", [CONDITION_TRUE] = "True", [CONDITION_UNKNOWN] = "Unknown"};

static json_t *condition_find(const json_t *conditions, const char *type)
{
    for (size_t i = 0; i < json_array_size(conditions); i++) {
        json_t *condition = json_array_get(conditions, i);
        if (str_equal(json_str(condition, "type", NULL), type))
            return condition;
    }
    return NULL;
}

void condition_set(json_t *status, const char *type, enum condition_status value, const char *reason, const char *message,
                   int64_t generation, usec_t wall)
{
    json_t *conditions = json_object_get(status, "conditions");
    if (!json_is_array(conditions)) {
        conditions = json_array();
        json_put(status, "conditions", conditions);
    }
    json_t *condition = condition_find(conditions, type);
    if (!condition) {
        condition = json_object();
        json_array_append_new(conditions, condition);
        json_put_str(condition, "type", type);
    }
    if (!str_equal(json_str(condition, "status", NULL), status_text[value])) {
        char text[RFC3339_SIZE];
        json_put_str(condition, "status", status_text[value]);
        json_put_str(condition, "lastTransitionTime", rfc3339_format(wall, text));
    }
    json_put_str(condition, "reason", reason);
    json_put_str(condition, "message", message ? message : "");
    json_put_int(condition, "observedGeneration", generation);
}

enum condition_status condition_get(const json_t *root, const char *type, const char **ret_reason, const char **ret_message)
{
    const json_t *condition = condition_find(json_at(root, "status.conditions"), type);
    if (ret_reason)
        *ret_reason = json_str(condition, "reason", "");
    if (ret_message)
        *ret_message = json_str(condition, "message", "");
    const char *status = json_str(condition, "status", "");
    return str_equal(status, "True") ? CONDITION_TRUE : str_equal(status, "False") ? CONDITION_FALSE : CONDITION_UNKNOWN;
}

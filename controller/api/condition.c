/* Conditions as metav1.Condition has them (apimachinery pkg/apis/meta/v1/types.go): a list with one entry a type. */
#include "api/meta.h"

#include "base/rfc3339.h"
#include "base/str.h"

static const char *const status_text[] = {[CONDITION_FALSE] = "False", [CONDITION_TRUE] = "True", [CONDITION_UNKNOWN] = "Unknown"};

static const json_t *condition_find(const json_t *conditions, const char *type, size_t *ret_index)
{
    for (*ret_index = 0; *ret_index < json_array_size(conditions); ++*ret_index) {
        const json_t *condition = json_array_get(conditions, *ret_index);
        if (str_equal(json_str(condition, "type", NULL), type))
            return condition;
    }
    return NULL;
}

json_t *status_copy(const json_t *object)
{
    json_t *status = json_at(object, "status");
    return status ? json_copy(status) : json_object();
}

static bool says_so(const json_t *condition, enum condition_status value, const char *reason, const char *message,
                    int64_t generation)
{
    return condition && str_equal(json_str(condition, "status", NULL), status_text[value]) &&
           str_equal(json_str(condition, "reason", NULL), reason) && str_equal(json_str(condition, "message", NULL), message) &&
           json_int(condition, "observedGeneration", -1) == generation;
}

void condition_set(json_t *status, const char *type, enum condition_status value, const char *reason, const char *message,
                   int64_t generation, usec_t wall)
{
    json_t *old = json_object_get(status, "conditions");
    size_t at;
    const json_t *before = condition_find(old, type, &at);
    message = message ? message : "";
    if (says_so(before, value, reason, message, generation))
        return;
    json_t *conditions = json_is_array(old) ? json_copy(old) : json_array();
    json_t *condition = before ? json_copy((json_t *)(uintptr_t)before) : json_object();
    if (before)
        json_array_set_new(conditions, at, condition);
    else {
        json_array_append_new(conditions, condition);
        json_put_str(condition, "type", type);
    }
    json_put(status, "conditions", conditions);
    if (!str_equal(json_str(condition, "status", NULL), status_text[value])) {
        char text[RFC3339_SIZE];
        json_put_str(condition, "status", status_text[value]);
        json_put_str(condition, "lastTransitionTime", rfc3339_format(wall, text));
    }
    json_put_str(condition, "reason", reason);
    json_put_str(condition, "message", message);
    json_put_int(condition, "observedGeneration", generation);
}

enum condition_status condition_get(const json_t *root, const char *type, const char **ret_reason, const char **ret_message)
{
    size_t ignored;
    const json_t *condition = condition_find(json_at(root, "status.conditions"), type, &ignored);
    if (ret_reason)
        *ret_reason = json_str(condition, "reason", "");
    if (ret_message)
        *ret_message = json_str(condition, "message", "");
    const char *status = json_str(condition, "status", "");
    return str_equal(status, "True") ? CONDITION_TRUE : str_equal(status, "False") ? CONDITION_FALSE : CONDITION_UNKNOWN;
}

#include "api/step.h"

#include "api/field.h"
#include "base/str.h"

/* `again`: ends in the same state however often it runs, or only looks. */
static const struct {
    const char *action, *member;
    bool again;
} actions[] = {
    {"ScaleWorkers", "scaleWorkers", false}, /* true with `to` */
    {"ShedLoad", "shedLoad", true},
    {"RestoreModelWeights", "restoreModelWeights", true},
    {"PauseKernel", "pauseKernel", true},
    {"ResumeKernel", "resumeKernel", true},
    {"RestartKernel", "restartKernel", false},
    {"GeneratePatch", "generatePatch", true},
    {"AddTests", "addTests", true},
    {"RunLint", "runLint", true},
    {"RunTests", "runTests", true},
    {"RunTypeCheck", "runTypeCheck", true},
    {"ApplyPatch", "applyPatch", false},
    {"CreatePR", "createPR", false},
    {"CheckResources", "checkResources", true},
    {"ValidateSchema", "validateSchema", true},
    {"ValidateModel", "validateModel", true},
    {"ClearCaches", "clearCaches", true},
    {"RestartService", "restartService", false},
    {"RunSmokeTests", "runSmokeTests", true},
    {"VerifySLO", "verifySLO", true},
    {"RestoreConfig", "restoreConfig", true},
};

static int action_find(const char *action)
{
    for (size_t i = 0; i < array_len(actions); i++)
        if (str_equal(actions[i].action, action))
            return (int)i;
    return -1;
}

void step_decode(const json_t *step, struct step *ret_step)
{
    const char *action = json_str(step, "action", "");
    int row = action_find(action);
    const json_t *params = row < 0 ? NULL : json_at(step, actions[row].member);
    bool again = row >= 0 && (actions[row].again || (str_equal(action, "ScaleWorkers") && json_at(params, "to")));
    *ret_step = (struct step){
        .name = json_str(step, "name", ""),
        .action = action,
        .timeout = json_duration(step, "timeout", 30 * USEC_SEC),
        .retry_delay = json_duration(step, "retryDelay", USEC_SEC),
        .retries = (int)json_int(step, "retries", 0),
        .go_on = str_equal(json_str(step, "onFailure", "Stop"), "Continue"),
        .repeatable = json_flag(step, "repeatable", again),
        .params = params,
    };
}

static int step_check(const json_t *step, const char *field, struct error *err)
{
    static const char *const on_failure[] = {"Stop", "Continue", NULL};
    const char *name, *action;
    size_t index;
    usec_t duration;
    int retries;
    if (field_str(step, "name", "{name: restart, action: RestartKernel}", &name, err) < 0 ||
        field_str(step, "action", "{name: restart, action: RestartKernel}", &action, err) < 0 ||
        field_duration(step, "timeout", 0, &duration, err) < 0 || field_duration(step, "retryDelay", 0, &duration, err) < 0 ||
        field_int(step, "retries", 0, 10, 0, &retries, err) < 0 || field_choice(step, "onFailure", on_failure, &index, err) < 0)
        return field_within(err, "%s", field);
    int row = action_find(action);
    char quoted[FIELD_QUOTE_SIZE];
    if (row < 0)
        return error_set(err, ERROR_INVALID, "%s.action: %s is not an action; write for example RestartKernel", field,
                         field_quote(json_at(step, "action"), quoted));
    for (size_t i = 0; i < array_len(actions); i++)
        if ((int)i != row && json_at(step, actions[i].member))
            return error_set(err, ERROR_INVALID, "%s.%s does not go with action %s; write %s, or nothing for its defaults", field,
                             actions[i].member, action, actions[row].member);
    return field_references(json_at(step, actions[row].member), field, err);
}

int steps_check(const json_t *steps, const char *field, struct error *err)
{
    if (json_array_size(steps) == 0)
        return error_set(err, ERROR_INVALID, "%s is empty; write for example [{name: restart, action: RestartKernel}]", field);
    for (size_t i = 0; i < json_array_size(steps); i++) {
        char path[128];
        str_format(path, sizeof(path), "%s[%zu]", field, i);
        if (step_check(json_array_get(steps, i), path, err) < 0)
            return -1;
    }
    return 0;
}

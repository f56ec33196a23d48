/* ProcessFreeze: the process lives and does nothing. */
#include "methods/freeze.h"

static int validate(const json_t *params, struct refusal *r)
{
    return freeze_validate_match(params, PARAM_REQUIRED, r);
}

static int plan(const struct site *site, const json_t *params, json_t **ret_undo, json_t **ret_detail, struct refusal *r)
{
    auto_process_set struct process_set set = {0};
    return freeze_select(site, params, &set, r) < 0 ? -1 : freeze_plan(site, &set, ret_undo, ret_detail, r);
}

static const struct method_option options[] = {
    {"--match", "match", OPTION_TEXT, "a part of the command line, or \"/extended regular expression/\""},
    {0},
};

const struct method method_process_freeze = {
    .name = "ProcessFreeze",
    .command = "process-freeze",
    .summary = "stop the processes that match (SIGSTOP); undone by SIGCONT",
    .options = options,
    .validate = validate,
    .plan = plan,
    .apply = freeze_apply,
    .seen = freeze_seen,
    .revert = freeze_revert,
};

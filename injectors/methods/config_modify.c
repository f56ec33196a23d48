/* ConfigModify: sets, replaces or deletes one key of a configuration file, by the smallest edit of its text. */
#include "edit.h"
#include "methods/overwrite.h"
#include "param.h"

#include "file.h"

static int validate(const json_t *params, struct refusal *r)
{
    const char *path, *key;
    int format, operation = EDIT_SET;
    if (param_path(params, "params.path", PARAM_REQUIRED, &path, r) < 0 ||
        param_choice(params, "params.format", PARAM_REQUIRED, edit_formats, &format, r) < 0 ||
        param_text(params, "params.key", PARAM_REQUIRED, &key, r) < 0 ||
        param_choice(params, "params.operation", PARAM_OPTIONAL, edit_operations, &operation, r) < 0)
        return -1;
    const json_t *value = json_object_get(params, "value");
    if (operation == EDIT_DELETE && value)
        return refusal_field(r, "params.value", value, "Delete takes no value");
    if (operation != EDIT_DELETE && !value)
        return refusal_field(r, "params.value", NULL, "params.value is missing; Set and Replace want the new value");
    return 0;
}

static int plan(const struct site *site, const json_t *params, json_t **ret_undo, json_t **ret_detail, struct refusal *r)
{
    const char *path = json_string_value(json_object_get(params, "path")), *key;
    int format, operation = EDIT_SET;
    auto_fd int fd = -1;
    auto_free char *old_bytes = NULL;
    auto_free char *new_bytes = NULL;
    size_t old_length, new_length;
    if (param_choice(params, "params.format", PARAM_REQUIRED, edit_formats, &format, r) < 0 ||
        param_text(params, "params.key", PARAM_REQUIRED, &key, r) < 0 ||
        param_choice(params, "params.operation", PARAM_OPTIONAL, edit_operations, &operation, r) < 0 ||
        overwrite_open(site, path, &fd, NULL, r) < 0)
        return -1;
    if (file_read_all(fd, EDIT_TEXT_MAX, &old_bytes, &old_length, &r->error) < 0)
        return error_wrap(&r->error, "%s", path);
    struct edit edit = {format, operation, key, json_object_get(params, "value")};
    if (edit_text(&edit, old_bytes, old_length, &new_bytes, &new_length, r) < 0)
        return error_wrap(&r->error, "%s", path);
    struct overwrite o = {path, 0, old_bytes, new_bytes, old_length, new_length};
    if (overwrite_plan(site, &o, fd, ret_undo, ret_detail, r) < 0)
        return -1;
    json_object_set_new(*ret_detail, "key", json_string(key));
    return 0;
}

static const struct method_option options[] = {
    {"--file", "path", OPTION_TEXT, "the file, by its path in the target"},
    {"--format", "format", OPTION_TEXT, "YAML, JSON, INI, Env or Directives (nginx)"},
    {"--key", "key", OPTION_TEXT, "dotted: db.pool, servers.0.port; \"\\.\" for a dot in a name"},
    {"--operation", "operation", OPTION_TEXT, "Set (default; adds it where it is missing), Replace (must be there) or Delete"},
    {"--value", "value", OPTION_JSON, "as JSON; what is not JSON is taken as a string"},
    {0},
};

const struct method method_config_modify = {
    .name = "ConfigModify",
    .command = "config-modify",
    .summary = "set, replace or delete one key of a YAML, JSON, INI, .env or nginx file",
    .options = options,
    .validate = validate,
    .plan = plan,
    .apply = overwrite_apply,
    .seen = overwrite_seen,
    .hold = overwrite_hold,
    .revert = overwrite_revert,
};

#include "api/playbook.h"

#include "api/field.h"
#include "api/step.h"
#include "base/str.h"

static int branches_check(const json_t *branches, struct error *err)
{
    if (json_array_size(branches) == 0)
        return error_set(err, ERROR_INVALID,
                         "spec.branches is empty; write for example [{steps: [{name: restart, action: RestartKernel}]}]");
    for (size_t i = 0; i < json_array_size(branches); i++) {
        const json_t *branch = json_array_get(branches, i), *listed = json_at(branch, "severity");
        for (size_t s = 0; s < json_array_size(listed); s++) {
            const json_t *text = json_array_get(listed, s);
            char quoted[FIELD_QUOTE_SIZE];
            enum severity severity;
            if (!severity_parse(json_string_value(text), &severity))
                return error_set(err, ERROR_INVALID,
                                 "spec.branches[%zu].severity: %s is no severity; write Minor, Moderate, Major or Critical", i,
                                 field_quote(text, quoted));
        }
        char field[64];
        str_format(field, sizeof(field), "spec.branches[%zu].steps", i);
        if (steps_check(json_at(branch, "steps"), field, err) < 0)
            return -1;
    }
    return 0;
}

static int playbook_decode_into(json_t *root, struct playbook *p, struct error *err)
{
    meta_decode(root, &p->meta);
    p->triggers = json_at(root, "spec.triggers");
    p->branches = json_at(root, "spec.branches");
    p->verify = json_at(root, "spec.verify");
    p->learn = json_flag(root, "spec.learn", true);
    if (field_texts(json_at(root, "spec"), "spec", err) < 0 || branches_check(p->branches, err) < 0 ||
        field_duration(root, "spec.cooldown", USEC_MINUTE, &p->cooldown, err) < 0)
        return -1;
    return field_probes(p->verify, "spec.verify", err);
}

int playbook_decode(json_t *object, struct playbook *ret_playbook, struct error *err)
{
    struct playbook playbook = {0};
    if (playbook_decode_into(object, &playbook, err) < 0)
        return -1;
    playbook.root = json_incref(object);
    *ret_playbook = playbook;
    return 0;
}

void playbook_done(struct playbook *p)
{
    json_decref(p->root);
    *p = (struct playbook){0};
}

const json_t *playbook_steps(const struct playbook *p, enum severity severity, int *ret_branch)
{
    for (size_t i = 0; i < json_array_size(p->branches); i++) {
        const json_t *branch = json_array_get(p->branches, i), *listed = json_at(branch, "severity");
        bool mine = json_array_size(listed) == 0;
        for (size_t s = 0; s < json_array_size(listed); s++)
            mine |= str_equal(json_string_value(json_array_get(listed, s)), severity_name(severity));
        if (!mine)
            continue;
        if (ret_branch)
            *ret_branch = (int)i;
        return json_at(branch, "steps");
    }
    return NULL;
}

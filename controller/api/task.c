#include "api/task.h"

#include "base/str.h"

void task_decode(json_t *object, struct task *ret_task)
{
    struct task t = {.root = json_incref(object)};
    meta_decode(object, &t.meta);
    t.type = json_str(object, "spec.type", "");
    t.incident = json_str(object, "spec.incident", "");
    t.drill = json_str(object, "spec.drill", "");
    t.card = json_str(object, "spec.card", "");
    t.target = json_str(object, "spec.target", "");
    t.gap = json_str(object, "spec.gap", "");
    t.priority = (int)json_int(object, "spec.priority", 50);
    t.status = json_at(object, "status") ?: json_make(object, "status");
    t.phase = json_str(t.status, "phase", "");
    t.occurrences = (int)json_int(t.status, "occurrences", 0);
    *ret_task = t;
}

void task_done(struct task *t)
{
    json_decref(t->root);
    *t = (struct task){0};
}

bool task_open(const struct task *t)
{
    return str_empty(t->phase) || str_equal(t->phase, "Open") || str_equal(t->phase, "InProgress");
}

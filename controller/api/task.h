/* api/task.h — a CodingTask. Borrowed from `root`, which the struct holds. */
#pragma once

#include "api/meta.h"

struct task {
    json_t *root;
    struct meta meta;
    const char *type, *incident, *drill, *card, *target, *gap; /* "" where absent */
    int priority;                                              /* 1–100; higher is more urgent */
    const char *phase;                                         /* "" before the first status */
    int occurrences;
    const json_t *status;
};
void task_decode(json_t *object, struct task *ret_task);
void task_done(struct task *t);
#define auto_task __attribute__((cleanup(task_done)))
bool task_open(const struct task *t); /* Open or InProgress, or no phase yet */

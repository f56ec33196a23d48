/* api/step.h — checking the steps of a playbook or a template; struct step and step_decode() are in playbook.h. */
#pragma once

#include "api/playbook.h"

/* INVALID: names the step, what is wrong in it and what would be right. `field` is where the array stands: "spec.branches[0].steps". */
int steps_check(const json_t *steps, const char *field, struct error *err);

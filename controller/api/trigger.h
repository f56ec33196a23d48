/* api/trigger.h — a Trigger: one detector. Borrowed from `root`, which the struct holds. */
#pragma once

#include "api/meta.h"

enum severity { SEVERITY_MINOR, SEVERITY_MODERATE, SEVERITY_MAJOR, SEVERITY_CRITICAL };
const char *severity_name(enum severity s);
bool severity_parse(const char *s, enum severity *ret_severity);

struct trigger {
    json_t *root;
    struct meta meta;
    const json_t *probe; /* unresolved */
    bool fires_when;     /* the value of holds that fires: WhenFalse → false */
    usec_t hold_for;     /* spec.for */
    usec_t every;
    const json_t *severity;  /* array of {above|below…, is}; NULL: always Moderate */
    const json_t *playbooks; /* array of names; NULL: none named here */
};
int trigger_decode(json_t *object, struct trigger *ret_trigger, struct error *err);
void trigger_done(struct trigger *t);
#define auto_trigger __attribute__((cleanup(trigger_done)))
enum severity trigger_severity(const struct trigger *t, bool has_value,
                               double value); /* the first row that matches; else Moderate */

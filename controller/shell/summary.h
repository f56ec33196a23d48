/* shell/summary.h — the few facts about an object by which it is looked for, so that looking does not parse ten thousand objects. */
#pragma once

#include "api/drill.h"
#include "api/playbook.h"

/* Strings are borrowed from the store's entry and never NULL; "" where the kind has none. */
struct summary {
    enum kind kind;
    const char *ns, *name, *uid, *rv;
    const char *target;    /* Drill, PlaybookRun, CodingTask: spec.target; DrillTarget: its own name */
    const char *card;      /* Drill: spec.card (a name); CodingTask: spec.card (an id); ChaosCard: spec.id */
    const char *reference; /* Drill: the schedule of its label; PlaybookRun: spec.playbook; CodingTask: spec.incident */
    const char *pod;       /* Drill: status.pod */
    const char *labels;    /* Pod: its labels, DrillTarget: selector.matchLabels; "key=value" each ended by NUL, the last by two */
    int64_t generation;
    usec_t created_at, ended_at; /* UTC; 0 unknown or not ended */
    short phase;                 /* Drill: enum drill_phase; PlaybookRun: enum run_phase; CodingTask: 1 while open */
    bool deleting;
    bool
        live; /* something is still to be done: a Drill without verdict or with our finalizer, an unfinished run, an open task; a Pod
                  whose containers have not ended for good */
    bool flag;      /* DrillTarget: selector.matchExpressions are set, so labels alone do not decide; ConfigMap: immutable;
                       PlaybookRun: somebody else's (reporter is not drillyard) */
    bool succeeded; /* Drill, PlaybookRun: ended so */
};

/* Reads it off an object. The strings are borrowed from `object` and from `scratch`. */
#define SUMMARY_SCRATCH_SIZE ((size_t)8192)
void summary_read(enum kind kind, const json_t *object, char scratch[SUMMARY_SCRATCH_SIZE], struct summary *ret_summary);

bool summary_has_label(const struct summary *s, const char *pair); /* "app=shop" */
/* Whether a pod carries all of a target's matchLabels (expressions aside). */
bool summary_selects(const struct summary *target, const struct summary *pod);
size_t summary_labels_length(const char *labels); /* with the ending NULs */

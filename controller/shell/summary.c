#include "shell/summary.h"

#include "base/str.h"

static const char *pack_labels(const json_t *labels, char *scratch)
{
    size_t used = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)labels, key, value)
    {
        const char *text = json_string_value(value);
        if (!text || used + strlen(key) + strlen(text) + 3 > SUMMARY_SCRATCH_SIZE)
            continue;
        str_format(scratch + used, SUMMARY_SCRATCH_SIZE - used, "%s=%s", key, text);
        used += strlen(scratch + used) + 1;
    }
    scratch[used] = '\0';
    return scratch;
}

/* The condition that tells of a bounded object's end moves last. */
static usec_t ended_by_condition(const json_t *object, const char *type)
{
    size_t i;
    json_t *condition;
    json_array_foreach(json_at(object, "status.conditions"), i,
                       condition) if (str_equal(json_str(condition, "type", ""), type)) return json_time(condition,
                                                                                                         "lastTransitionTime", 0);
    return 0;
}

static void read_drill(const json_t *object, struct summary *s)
{
    enum drill_phase phase = DRILL_NEW;
    drill_phase_parse(json_str(object, "status.phase", ""), &phase);
    s->phase = (short)phase;
    s->target = json_str(object, "spec.target", "");
    s->card = json_str(object, "spec.card", "");
    s->pod = json_str(object, "status.pod", "");
    const json_t *labels = json_at(object, "metadata.labels");
    const char *schedule = json_string_value(json_object_get(labels, LABEL_SCHEDULE));
    s->reference = schedule ? schedule : "";
    s->live = !drill_phase_terminal(phase) || meta_has_finalizer(object, FINALIZER);
    s->succeeded = phase == DRILL_SUCCEEDED;
    if (drill_phase_terminal(phase)) {
        s->ended_at = json_time(object, "status.revertedAt", 0);
        s->ended_at = usec_max(s->ended_at, ended_by_condition(object, "Succeeded"));
        if (!s->ended_at)
            s->ended_at = s->created_at;
    }
}

static void read_run(const json_t *object, struct summary *s)
{
    enum run_phase phase = RUN_NEW;
    run_phase_parse(json_str(object, "status.phase", ""), &phase);
    s->phase = (short)phase;
    s->target = json_str(object, "spec.target", "");
    s->reference = json_str(object, "spec.playbook", "");
    s->live = phase != RUN_SUCCEEDED && phase != RUN_FAILED;
    s->succeeded = phase == RUN_SUCCEEDED;
    s->flag = !str_equal(json_str(object, "spec.reporter", "drillyard"), "drillyard");
    s->ended_at = s->live ? 0 : json_time(object, "status.endedAt", s->created_at);
}

static void read_task(const json_t *object, struct summary *s)
{
    const char *phase = json_str(object, "status.phase", "");
    s->live = str_empty(phase) || str_equal(phase, "Open") || str_equal(phase, "InProgress");
    s->phase = s->live;
    s->target = json_str(object, "spec.target", "");
    s->card = json_str(object, "spec.card", "");
    s->reference = json_str(object, "spec.incident", "");
}

void summary_read(enum kind kind, const json_t *object, char scratch[SUMMARY_SCRATCH_SIZE], struct summary *s)
{
    const json_t *metadata = json_object_get(object, "metadata");
    *s = (struct summary){
        .kind = kind,
        .ns = json_str(metadata, "namespace", ""),
        .name = json_str(metadata, "name", ""),
        .uid = json_str(metadata, "uid", ""),
        .rv = json_str(metadata, "resourceVersion", ""),
        .target = "",
        .card = "",
        .reference = "",
        .pod = "",
        .labels = "",
        .generation = json_int(metadata, "generation", 0),
        .created_at = json_time(metadata, "creationTimestamp", 0),
        .deleting = json_object_get(metadata, "deletionTimestamp") != NULL,
    };
    switch (kind) {
    case KIND_DRILL:
        read_drill(object, s);
        break;
    case KIND_RUN:
        read_run(object, s);
        break;
    case KIND_TASK:
        read_task(object, s);
        break;
    case KIND_CARD:
        s->card = json_str(object, "spec.id", "");
        break;
    case KIND_TARGET:
        s->target = s->name;
        s->labels = pack_labels(json_at(object, "spec.selector.matchLabels"), scratch);
        s->flag = json_array_size(json_at(object, "spec.selector.matchExpressions")) > 0;
        break;
    case KIND_POD:
        s->labels = pack_labels(json_object_get(metadata, "labels"), scratch);
        s->live = !str_equal(json_str(object, "status.phase", ""), "Failed") &&
                  !str_equal(json_str(object, "status.phase", ""), "Succeeded");
        break;
    case KIND_LEDGER:
        s->flag = json_flag(object, "immutable", false);
        break;
    case KIND_SCHEDULE:
    case KIND_TRIGGER:
    case KIND_PLAYBOOK:
    case KIND_TEMPLATE:
    case KIND_NAMESPACE:
    case KIND_STOP:
    case KIND_COUNT:
        break;
    }
}

size_t summary_labels_length(const char *labels)
{
    const char *at = labels;
    while (*at)
        at += strlen(at) + 1;
    return (size_t)(at - labels) + 1;
}

bool summary_has_label(const struct summary *s, const char *pair)
{
    for (const char *at = s->labels; *at; at += strlen(at) + 1)
        if (str_equal(at, pair))
            return true;
    return false;
}

bool summary_selects(const struct summary *target, const struct summary *pod)
{
    if (!str_equal(target->ns, pod->ns))
        return false;
    for (const char *pair = target->labels; *pair; pair += strlen(pair) + 1)
        if (!summary_has_label(pod, pair))
            return false;
    return true;
}

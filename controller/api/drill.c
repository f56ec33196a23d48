#include "api/drill.h"

#include "api/field.h"
#include "base/str.h"

static const char *const phases[] = {
    [DRILL_NEW] = "",
    [DRILL_PENDING] = "Pending",
    [DRILL_INJECTING] = "Injecting",
    [DRILL_DETECTING] = "Detecting",
    [DRILL_HEALING] = "Healing",
    [DRILL_VERIFYING] = "Verifying",
    [DRILL_REVERTING] = "Reverting",
    [DRILL_SUCCEEDED] = "Succeeded",
    [DRILL_FAILED] = "Failed",
    [DRILL_INCONCLUSIVE] = "Inconclusive",
    [DRILL_ABORTED] = "Aborted",
    [DRILL_SKIPPED] = "Skipped",
};
static const char *const gate_names[] = {
    [GATE_TRIGGER_FIRED] = "TriggerFired",
    [GATE_PLAYBOOK_EXECUTED] = "PlaybookExecuted",
    [GATE_CODING_TASK_CREATED] = "CodingTaskCreated",
    [GATE_SLO_MET] = "SLOMet",
};
static const char *const gate_results[] = {
    [GATE_PENDING] = "Pending",          [GATE_PASSED] = "Passed", [GATE_FAILED] = "Failed", [GATE_INCONCLUSIVE] = "Inconclusive",
    [GATE_NOT_REQUIRED] = "NotRequired",
};
static const char *const fault_states[] = {
    [FAULT_NONE] = "",     [FAULT_INTENDED] = "Intended", [FAULT_IN_FORCE] = "InForce", [FAULT_REVERTED] = "Reverted",
    [FAULT_LOST] = "Lost",
};

/* The index of s; -1: not in the table. */
static int find_word(const char *const *words, size_t count, const char *s)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(words[i], s))
            return (int)i;
    return -1;
}

const char *drill_phase_name(enum drill_phase phase)
{
    return phases[phase];
}

bool drill_phase_parse(const char *s, enum drill_phase *ret_phase)
{
    int found = find_word(phases, array_len(phases), s);
    if (found >= 0)
        *ret_phase = (enum drill_phase)found;
    return found >= 0;
}

bool drill_phase_terminal(enum drill_phase phase)
{
    return phase >= DRILL_SUCCEEDED;
}

bool drill_phase_active(enum drill_phase phase)
{
    return phase >= DRILL_INJECTING && !drill_phase_terminal(phase);
}

const char *gate_name_text(enum gate_name g)
{
    return gate_names[g];
}

const char *gate_result_text(enum gate_result r)
{
    return gate_results[r];
}

bool gate_result_parse(const char *s, enum gate_result *ret_result)
{
    int found = find_word(gate_results, array_len(gate_results), s);
    if (found >= 0)
        *ret_result = (enum gate_result)found;
    return found >= 0;
}

static void gates_decode(const json_t *array, struct gate gates[GATE_COUNT])
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *entry = json_array_get(array, i);
        int name = find_word(gate_names, array_len(gate_names), json_str(entry, "name", ""));
        if (name < 0)
            continue;
        struct gate *gate = &gates[name];
        if (!gate_result_parse(json_str(entry, "result", ""), &gate->result))
            gate->result = GATE_PENDING;
        gate->at = json_time(entry, "at", 0);
        str_copy(gate->message, sizeof(gate->message), json_str(entry, "message", ""));
        str_copy(gate->evidence_kind, sizeof(gate->evidence_kind), json_str(entry, "evidence.kind", ""));
        str_copy(gate->evidence_name, sizeof(gate->evidence_name), json_str(entry, "evidence.name", ""));
    }
}

json_t *gates_encode(const struct gate gates[GATE_COUNT])
{
    json_t *array = json_array();
    for (size_t i = 0; i < GATE_COUNT; i++) {
        const struct gate *gate = &gates[i];
        json_t *entry = json_object();
        json_put_str(entry, "name", gate_names[i]);
        json_put_str(entry, "result", gate_results[gate->result]);
        json_put_time(entry, "at", gate->at);
        if (*gate->message)
            json_put_str(entry, "message", gate->message);
        if (*gate->evidence_kind) {
            json_t *evidence = json_make(entry, "evidence");
            json_put_str(evidence, "kind", gate->evidence_kind);
            json_put_str(evidence, "name", gate->evidence_name);
        }
        json_array_append_new(array, entry);
    }
    return array;
}

void gates_count_text(const struct gate gates[GATE_COUNT], char dest[4])
{
    int passed = 0;
    for (size_t i = 0; i < GATE_COUNT; i++)
        passed += gates[i].result == GATE_PASSED || gates[i].result == GATE_NOT_REQUIRED;
    str_copy(dest, 4, "0/4");
    dest[0] = (char)('0' + passed);
}

static int drill_decode_spec(const json_t *root, struct drill *d, struct error *err)
{
    if (field_texts(json_at(root, "spec"), "spec", err) < 0 ||
        field_str(root, "spec.card", "card: kh001-heartbeat-stops", &d->card, err) < 0 ||
        field_str(root, "spec.target", "target: shop", &d->target, err) < 0)
        return -1;
    d->pod = json_str(root, "spec.pod", "");
    d->dry_run = json_flag(root, "spec.dryRun", false);
    d->abort = json_flag(root, "spec.abort", false);
    if (field_duration(root, "spec.overrides.duration", 0, &d->duration, err) < 0 ||
        field_duration(root, "spec.overrides.lease", 0, &d->lease, err) < 0)
        return -1;
    d->seed = json_int(root, "spec.overrides.seed", -1);
    return 0;
}

static int drill_decode_status(const json_t *root, struct drill *d, struct error *err)
{
    const json_t *status = d->status;
    char quoted[FIELD_QUOTE_SIZE];
    const char *phase = json_str(status, "phase", "");
    if (!drill_phase_parse(phase, &d->phase))
        return error_set(err, ERROR_INVALID, "status.phase: %s is none that this version knows",
                         field_quote(json_at(status, "phase"), quoted));
    const char *fault = json_str(status, "fault.state", "");
    int state = find_word(fault_states, array_len(fault_states), fault);
    if (state < 0)
        return error_set(err, ERROR_INVALID, "status.fault.state: %s is none that this version knows",
                         field_quote(json_at(status, "fault.state"), quoted));
    d->fault = (enum fault_state)state;
    d->incident = json_str(status, "incident", "");
    d->status_pod = json_str(status, "pod", json_str(status, "fault.pod", ""));
    d->pod_uid = json_str(status, "fault.podUID", "");
    d->node = json_str(status, "node", "");
    d->fault_id = json_str(status, "fault.id", "");
    d->epoch = json_int(status, "fault.epoch", 0);
    d->started_at = json_time(status, "startedAt", 0);
    d->injected_at = json_time(status, "injectedAt", 0);
    d->detected_at = json_time(status, "detectedAt", 0);
    d->healed_at = json_time(status, "healedAt", 0);
    d->reverted_at = json_time(status, "revertedAt", 0);
    d->clock_error = json_int(status, "fault.clockErrorMicros", 0);
    gates_decode(json_at(status, "gates"), d->gates);
    d->finalizer = meta_has_finalizer(root, FINALIZER);
    return 0;
}

int drill_decode(json_t *object, struct drill *ret_drill, struct error *err)
{
    struct drill drill = {0};
    meta_decode(object, &drill.meta);
    drill.status = json_at(object, "status") ?: json_make(object, "status");
    if (drill_decode_spec(object, &drill, err) < 0 || drill_decode_status(object, &drill, err) < 0)
        return -1;
    drill.root = json_incref(object);
    *ret_drill = drill;
    return 0;
}

void drill_done(struct drill *d)
{
    json_decref(d->root);
    *d = (struct drill){0};
}

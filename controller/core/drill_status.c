#include "core/drill_status.h"

#include "base/duration.h"
#include "base/rfc3339.h"
#include "base/str.h"

/* ── gates and verdict as JSON ── */

static bool gate_name_parse(const char *s, enum gate_name *ret_name)
{
    for (int g = 0; g < GATE_COUNT; g++)
        if (str_equal(s, gate_name_text((enum gate_name)g))) {
            *ret_name = (enum gate_name)g;
            return true;
        }
    return false;
}

void gates_decode(const json_t *array, struct gate gates[GATE_COUNT])
{
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)array, i, row)
    {
        enum gate_name name;
        enum gate_result result;
        if (!gate_name_parse(json_str(row, "name", ""), &name) || !gate_result_parse(json_str(row, "result", ""), &result))
            continue;
        struct gate *g = &gates[name];
        g->result = result;
        g->at = json_time(row, "at", 0);
        str_copy(g->message, sizeof(g->message), json_str(row, "message", ""));
        str_copy(g->evidence_kind, sizeof(g->evidence_kind), json_str(row, "evidence.kind", ""));
        str_copy(g->evidence_name, sizeof(g->evidence_name), json_str(row, "evidence.name", ""));
    }
}

json_t *verdict_encode(const struct verdict *v)
{
    json_t *note = json_object();
    json_put_str(note, "phase", drill_phase_name(v->phase));
    json_put_str(note, "reason", v->reason);
    json_put_str(note, "message", v->message);
    json_put_time(note, "at", v->at);
    json_put(note, "gates", gates_encode(v->gates));
    return note;
}

bool verdict_decode(const json_t *note, struct verdict *ret_verdict)
{
    *ret_verdict = (struct verdict){.at = json_time(note, "at", 0)};
    if (!drill_phase_parse(json_str(note, "phase", ""), &ret_verdict->phase) || !drill_phase_terminal(ret_verdict->phase))
        return false;
    str_copy(ret_verdict->reason, sizeof(ret_verdict->reason), json_str(note, "reason", ""));
    str_copy(ret_verdict->message, sizeof(ret_verdict->message), json_str(note, "message", ""));
    gates_decode(json_at(note, "gates"), ret_verdict->gates);
    return true;
}

/* The reason recorded while reverting says which terminal phase is to come. */
void verdict_from_status(const struct drill *drill, struct verdict *ret_verdict)
{
    *ret_verdict = (struct verdict){.phase = DRILL_INCONCLUSIVE, .at = json_time(drill->status, "verdictAt", drill->started_at)};
    str_copy(ret_verdict->reason, sizeof(ret_verdict->reason), json_str(drill->status, "reason", "Unknown"));
    str_copy(ret_verdict->message, sizeof(ret_verdict->message), json_str(drill->status, "verdictMessage", ""));
    memcpy(ret_verdict->gates, drill->gates, sizeof(ret_verdict->gates));
    enum drill_phase phase;
    if (drill_phase_parse(json_str(drill->status, "verdict", ""), &phase) && drill_phase_terminal(phase))
        ret_verdict->phase = phase;
    for (int g = 0; g < GATE_COUNT; g++) /* a process that wrote less left it open: it was not proved */
        if (ret_verdict->gates[g].result == GATE_PENDING) {
            ret_verdict->gates[g].result = GATE_INCONCLUSIVE;
            ret_verdict->gates[g].at = ret_verdict->at;
            str_copy(ret_verdict->gates[g].message, sizeof(ret_verdict->gates[g].message), "not judged");
            if (ret_verdict->phase == DRILL_SUCCEEDED)
                ret_verdict->phase = DRILL_INCONCLUSIVE;
        }
}

void drill_verdict_message(const struct gate gates[GATE_COUNT], enum drill_phase phase, char message[512])
{
    enum gate_result wanted = phase == DRILL_FAILED ? GATE_FAILED : GATE_INCONCLUSIVE;
    for (int g = 0; g < GATE_COUNT; g++)
        if (phase != DRILL_SUCCEEDED && gates[g].result == wanted) {
            str_format(message, 512, "%s: %s", gate_name_text((enum gate_name)g), gates[g].message);
            return;
        }
    str_copy(message, 512, "detected, healed, and back to its service level before the fault was reverted");
}

/* ── statuses ── */

static json_t *status_begin(const struct drill_view *v, enum drill_phase phase)
{
    json_t *status = json_deep_copy(v->drill->status);
    json_put_str(status, "phase", drill_phase_name(phase));
    json_put_int(status, "observedGeneration", v->drill->meta.generation);
    return status;
}

static void put_gates(json_t *status, const struct gate gates[GATE_COUNT])
{
    char count[4];
    gates_count_text(gates, count);
    json_put(status, "gates", gates_encode(gates));
    json_put_str(status, "gatesPassed", count);
}

static void put_card(json_t *status, const struct card *card)
{
    if (!card)
        return;
    json_t *c = json_make(status, "card");
    json_put_str(c, "id", card->id);
    json_put_str(c, "category", card->category);
    json_put_num(c, "risk", card->risk);
}

static void put_condition(const struct drill_view *v, json_t *status, const char *type, bool is, const char *reason,
                          const char *message, usec_t wall)
{
    condition_set(status, type, is ? CONDITION_TRUE : CONDITION_FALSE, reason, message, v->drill->meta.generation, wall);
}

json_t *drill_status_pending(const struct drill_view *v, const char *reason, const char *message)
{
    json_t *status = status_begin(v, DRILL_PENDING);
    put_card(status, v->card);
    json_put_str(status, "reason", reason);
    json_put_str(status, "message", message);
    return status;
}

json_t *drill_status_intent(const struct drill_view *v, const struct pod *pod, usec_t now)
{
    const struct drill *drill = v->drill;
    json_t *status = status_begin(v, DRILL_INJECTING);
    char hex[9], incident[64];
    str_hash8(drill->meta.uid, hex);
    str_format(incident, sizeof(incident), "chaos-%lld-%s", (long long)(drill->meta.created_at / USEC_SEC), hex);
    json_put_str(status, "incident", incident);
    json_put_str(status, "pod", pod->meta.name);
    json_put_str(status, "node", str_empty(pod->node) ? NULL : pod->node);
    json_put_time(status, "startedAt", now);
    json_object_del(status, "reason");
    json_object_del(status, "message");
    put_card(status, v->card);
    json_t *fault = json_make(status, "fault");
    json_put_str(fault, "id", incident);
    json_put_int(fault, "attempt", 1);
    json_put_str(fault, "pod", pod->meta.name);
    json_put_str(fault, "podUID", pod->meta.uid);
    json_put_str(fault, "method", v->card->method);
    json_put_str(fault, "state", "Intended");
    json_put_int(fault, "epoch", v->epoch);
    json_put_str(json_make(status, "revert"), "state", "Pending");
    const struct gate pending[GATE_COUNT] = {0};
    put_gates(status, pending);
    return status;
}

/* The bound of the error of times that the agent stamped, for people and for programs. */
static void put_clock_error(const struct drill_view *v, json_t *status)
{
    if (!v->agent)
        return;
    json_put_int(json_make(status, "fault"), "clockErrorMicros", v->agent->clock_error);
    char text[32];
    if (v->agent->clock_error < USEC_MSEC)
        str_format(text, sizeof(text), "%lldus", (long long)v->agent->clock_error);
    else
        duration_format(v->agent->clock_error, text, sizeof(text));
    json_put_str(status, "clockError", text);
}

json_t *drill_status_in_force(const struct drill_view *v, const struct observation *injected, usec_t now)
{
    json_t *status = status_begin(v, DRILL_DETECTING);
    usec_t at = json_time(injected->result, "at", injected->answered_at);
    /* Where the agent did not say when it began, the asking is the earliest that it can have been. */
    usec_t began = json_time(injected->result, "began", injected->asked_at);
    json_t *fault = json_make(status, "fault");
    json_put_str(fault, "state", "InForce");
    json_put_time(fault, "beganAt", usec_min(began, at));
    json_put_time(status, "injectedAt", at);
    put_clock_error(v, status);
    const char *sha256 = json_str(injected->result, "backup.sha256", "");
    if (strlen(sha256) == 64 && strspn(sha256, "0123456789abcdef") == 64) {
        json_t *artifact = json_object();
        json_put_str(artifact, "name", "backup");
        json_put_str(artifact, "ref", "agent:backups");
        json_put_str(artifact, "sha256", sha256);
        json_t *artifacts = json_array();
        json_array_append_new(artifacts, artifact);
        json_put(status, "artifacts", artifacts);
    }
    char message[128];
    str_format(message, sizeof(message), "%s is in force", json_str(status, "fault.method", "the fault"));
    put_condition(v, status, "Injected", true, "InForce", message, now);
    return status;
}

json_t *drill_status_progress(const struct drill_view *v, enum drill_phase phase, const struct gate gates[GATE_COUNT])
{
    json_t *status = status_begin(v, phase);
    put_gates(status, gates);
    if (gates[GATE_TRIGGER_FIRED].result == GATE_PASSED)
        json_put_time(status, "detectedAt", gates[GATE_TRIGGER_FIRED].at);
    return status;
}

json_t *drill_status_reverting(const struct drill_view *v, const struct verdict *verdict, const char *why)
{
    json_t *status = status_begin(v, DRILL_REVERTING);
    put_gates(status, verdict->gates);
    json_put_str(status, "verdict", drill_phase_name(verdict->phase));
    json_put_str(status, "verdictMessage", verdict->message);
    json_put_time(status, "verdictAt", verdict->at);
    json_put_str(status, "reason", verdict->reason);
    json_put_str(status, "message", why);
    json_put_str(json_make(status, "revert"), "state", "Failed");
    return status;
}

static void put_times(json_t *status, const struct gate gates[GATE_COUNT], usec_t injected_at)
{
    const struct gate *detected = &gates[GATE_TRIGGER_FIRED], *met = &gates[GATE_SLO_MET];
    if (injected_at && detected->result == GATE_PASSED) {
        json_put_time(status, "detectedAt", detected->at);
        json_put_duration(status, "timeToDetect", usec_max(0, detected->at - injected_at));
    }
    if (injected_at && met->result == GATE_PASSED) {
        json_put_time(status, "healedAt", met->at);
        json_put_duration(status, "timeToHeal", usec_max(0, met->at - injected_at));
    }
}

static void put_failed_gates(json_t *status, const struct gate gates[GATE_COUNT])
{
    json_t *failed = json_array();
    for (int g = 0; g < GATE_COUNT; g++)
        if (gates[g].result == GATE_FAILED)
            json_array_append_new(failed, json_string(gate_name_text((enum gate_name)g)));
    json_put(status, "failedGates", failed);
}

static void put_outcome_conditions(const struct drill_view *v, json_t *status, const struct verdict *verdict,
                                   const struct revert *revert, usec_t now)
{
    static const struct {
        const char *type;
        enum gate_name gate;
    } by_gate[] = {{"Detected", GATE_TRIGGER_FIRED}, {"Healed", GATE_SLO_MET}};
    for (size_t i = 0; i < array_len(by_gate); i++) {
        const struct gate *g = &verdict->gates[by_gate[i].gate];
        put_condition(v, status, by_gate[i].type, g->result == GATE_PASSED, gate_result_text(g->result), g->message, now);
    }
    char message[128];
    str_format(message, sizeof(message), "by %s", revert->by);
    put_condition(v, status, "Reverted", true, revert->state, message, now);
    put_condition(v, status, "Succeeded", verdict->phase == DRILL_SUCCEEDED, verdict->reason, verdict->message, now);
}

json_t *drill_status_verdict(const struct drill_view *v, const struct verdict *verdict, const struct revert *revert, usec_t now)
{
    json_t *status = status_begin(v, verdict->phase);
    put_card(status, v->card);
    put_gates(status, verdict->gates);
    put_failed_gates(status, verdict->gates);
    put_times(status, verdict->gates, v->drill->injected_at);
    json_put_str(status, "reason", verdict->reason);
    json_put_str(status, "message", verdict->message);
    static const char *const only_while_reverting[] = {"verdict", "verdictMessage", "verdictAt"};
    for (size_t i = 0; i < array_len(only_while_reverting); i++)
        json_object_del(status, only_while_reverting[i]);
    json_put_time(status, "revertedAt", revert->at);
    json_t *r = json_make(status, "revert");
    json_put_str(r, "state", revert->state);
    json_put_str(r, "by", revert->by);
    json_put_time(r, "at", revert->at);
    json_put_str(json_make(status, "fault"), "state", str_equal(revert->by, "PodGone") ? "Lost" : "Reverted");
    put_outcome_conditions(v, status, verdict, revert, now);
    return status;
}

json_t *drill_status_ended(const struct drill_view *v, enum drill_phase phase, const char *reason, const char *message,
                           const struct gate *gates, usec_t now)
{
    json_t *status = status_begin(v, phase);
    put_card(status, v->card);
    const struct gate none[GATE_COUNT] = {0};
    put_gates(status, gates ? gates : none);
    json_put_str(status, "reason", reason);
    json_put_str(status, "message", message);
    json_put_str(json_make(status, "revert"), "state", "NotNeeded");
    put_condition(v, status, "Succeeded", false, reason, message, now);
    return status;
}

/* ── the ledger's record ── */

static void put_seconds(json_t *record, const char *key, usec_t from, usec_t to)
{
    if (from && to)
        json_put_num(record, key, (double)usec_max(0, to - from) / (double)USEC_SEC);
    else
        json_object_set_new(record, key, json_null());
}

static void put_gate_names(json_t *record, const char *key, const struct drill *drill, enum gate_result result)
{
    json_t *names = json_array();
    for (int g = 0; g < GATE_COUNT; g++)
        if (drill->gates[g].result == result)
            json_array_append_new(names, json_string(gate_name_text((enum gate_name)g)));
    json_put(record, key, names);
}

json_t *drill_record(const struct drill_view *v)
{
    const struct drill *drill = v->drill;
    const json_t *status = drill->status;
    json_t *record = json_object();
    json_put_time(record, "timestamp", drill->started_at);
    json_put_str(record, "incident_id", drill->incident);
    json_put_str(record, "card_id", json_str(status, "card.id", ""));
    json_put_str(record, "category", card_ledger_category(json_str(status, "card.category", "")));
    json_put_bool(record, "success", drill->phase == DRILL_SUCCEEDED);
    put_seconds(record, "mean_time_to_detect", drill->injected_at, drill->detected_at);
    put_seconds(record, "mean_time_to_heal", drill->injected_at, drill->healed_at);
    put_gate_names(record, "gates_passed", drill, GATE_PASSED);
    put_gate_names(record, "gates_failed", drill, GATE_FAILED);
    put_gate_names(record, "gates_inconclusive", drill, GATE_INCONCLUSIVE);
    put_gate_names(record, "gates_not_required", drill, GATE_NOT_REQUIRED);
    json_t *artifacts = json_at(status, "artifacts");
    json_put(record, "artifacts", artifacts ? json_incref(artifacts) : json_array());
    json_put_str(record, "result", drill_phase_name(drill->phase));
    json_put_str(record, "reason", json_str(status, "reason", NULL));
    json_put_str(record, "message", json_str(status, "message", NULL));
    json_put_str(record, "drill", drill->meta.name);
    json_put_str(record, "target", drill->target);
    json_put_str(record, "pod", drill->status_pod);
    json_put_str(record, "method", json_str(status, "fault.method", NULL));
    json_put_str(record, "reverted_by", json_str(status, "revert.by", NULL));
    json_put_num(record, "risk", json_num(status, "card.risk", 0));
    json_put_num(record, "clock_error", (double)drill->clock_error / (double)USEC_SEC);
    return record;
}

#include "api/drill.h"
#include "base/str.h"
#include "check.h"
#include "fixture.h"

TEST(a_new_drill_has_defaults)
{
    auto_fixture json_t *object = fixture("{'metadata': {'name': 'd'}, 'spec': {'card': 'kh001', 'target': 'shop'}}");
    auto_drill struct drill d = {0};
    CHECK_INT(drill_decode(object, &d, NULL), 0);
    CHECK_INT(d.phase, DRILL_NEW);
    CHECK_INT(d.fault, FAULT_NONE);
    CHECK_STR(d.incident, "");
    CHECK_INT(d.seed, -1);
    CHECK(!d.finalizer && json_is_object(d.status));
}

TEST(a_status_survives_decoding)
{
    auto_fixture json_t *object = fixture("{'metadata': {'name': 'd', 'finalizers': ['drillyard.dev/revert']}, 'spec': {'card': "
                                          "'kh001', 'target': 'shop', 'abort': true,"
                                          "'overrides': {'duration': '30s', 'lease': '4s', 'seed': 9}}, 'status': {'phase': "
                                          "'Healing', 'incident': 'chaos-1', 'pod': 'p', 'injectedAt':"
                                          "'1970-01-01T00:00:01.5Z', 'fault': {'id': 'f1', 'state': 'InForce', 'podUID': 'u', "
                                          "'epoch': 4, 'clockErrorMicros': 250}, 'gates': ["
                                          "{'name': 'SLOMet', 'result': 'Failed', 'message': 'm'}, {'name': 'PlaybookExecuted', "
                                          "'result': 'Passed'}, {'name': 'TriggerFired', "
                                          "'result': 'Passed', 'at': '1970-01-01T00:00:02Z',"
                                          "'evidence': {'kind': 'Trigger', 'name': 'gap'}}]}}");
    auto_drill struct drill d = {0};
    struct error err = {0};
    CHECK_INT(drill_decode(object, &d, &err), 0);
    CHECK_INT(d.phase, DRILL_HEALING);
    CHECK_INT(d.fault, FAULT_IN_FORCE);
    CHECK_INT(d.injected_at, 1500000);
    CHECK_INT(d.clock_error, 250);
    CHECK_INT(d.lease, 4 * USEC_SEC);
    CHECK_INT(d.seed, 9);
    CHECK(d.finalizer && d.abort);
    CHECK_INT(d.gates[GATE_TRIGGER_FIRED].result, GATE_PASSED);
    CHECK_INT(d.gates[GATE_SLO_MET].result, GATE_FAILED);
    CHECK_STR(d.gates[GATE_TRIGGER_FIRED].evidence_name, "gap");

    char count[4];
    gates_count_text(d.gates, count);
    CHECK_STR(count, "2/4");
    d.gates[GATE_CODING_TASK_CREATED].result = GATE_NOT_REQUIRED;
    gates_count_text(d.gates, count);
    CHECK_STR(count, "3/4");
    auto_fixture json_t *gates = gates_encode(d.gates);
    CHECK_INT(json_array_size(gates), 4);
    CHECK_STR(json_str(json_array_get(gates, 0), "at", ""), "1970-01-01T00:00:02.000000Z");
    CHECK_STR(json_str(json_array_get(gates, 3), "result", ""), "Failed");
    CHECK(json_at(json_array_get(gates, 3), "evidence") == NULL);
}

TEST(what_is_not_understood_is_refused)
{
    static const struct {
        const char *sentence, *object, *want;
    } rows[] = {
        {"no card", "{'spec': {'target': 'shop'}}", "spec.card is missing"},
        {"no target", "{'spec': {'card': 'c', 'target': ''}}", "spec.target"},
        {"a bad override", "{'spec': {'card': 'c', 'target': 't', 'overrides': {'duration': '1w'}}}",
         "spec.overrides.duration: \"1w\""},
        {"a phase of another version", "{'spec': {'card': 'c', 'target': 't'}, 'status': {'phase': 'Dancing'}}",
         "status.phase: \"Dancing\""},
        {"a fault of another version", "{'spec': {'card': 'c', 'target': 't'}, 'status': {'fault': {'state': 'Odd'}}}",
         "status.fault.state: \"Odd\""},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        auto_fixture json_t *object = fixture(rows[i].object);
        auto_drill struct drill d = {0};
        struct error err = {0};
        CHECK_ROW(rows[i].sentence);
        CHECK_INT(drill_decode(object, &d, &err), -1);
        CHECK_CONTAINS(err.text, rows[i].want);
    }
}

TEST(names_of_phases_and_results_come_back)
{
    for (enum drill_phase p = DRILL_NEW; p <= DRILL_SKIPPED; p++) {
        enum drill_phase back = DRILL_NEW;
        CHECK(drill_phase_parse(drill_phase_name(p), &back));
        CHECK_INT(back, p);
        CHECK_INT(drill_phase_terminal(p),
                  p == DRILL_SUCCEEDED || p == DRILL_FAILED || p == DRILL_INCONCLUSIVE || p == DRILL_ABORTED || p == DRILL_SKIPPED);
    }
    for (enum gate_result r = GATE_PENDING; r <= GATE_NOT_REQUIRED; r++) {
        enum gate_result back = GATE_PENDING;
        CHECK(gate_result_parse(gate_result_text(r), &back));
        CHECK_INT(back, r);
    }
}

int main(void)
{
    return check_run();
}

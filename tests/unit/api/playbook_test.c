#include "api/playbook.h"
#include "api/task.h"
#include "check.h"
#include "fixture.h"

TEST(triggers_are_read_or_refused)
{
    static const struct {
        const char *sentence, *spec, *want;
    } rows[] = {
        {"the least", "{'probe': {'slo': {}}}", NULL},
        {"no probe", "{}", "spec.probe is missing"},
        {"a probe of two kinds", "{'probe': {'slo': {}, 'log': {}}}", "spec.probe has both log and slo"},
        {"fires when it likes", "{'probe': {'slo': {}}, 'fires': 'Sometimes'}",
         "spec.fires: \"Sometimes\" is not known; write WhenFalse or WhenTrue"},
        {"too often", "{'probe': {'slo': {}}, 'every': '10ms'}", "spec.every: \"10ms\" is too often"},
        {"a severity nobody knows", "{'probe': {'slo': {}}, 'severity': [{'is': 'Bad'}]}", "spec.severity[0].is: \"Bad\""},
        {"a bound nobody can read", "{'probe': {'slo': {}}, 'severity': [{'above': '5x', 'is': 'Major'}]}",
         "spec.severity[0].above: \"5x\""},
        {"a bad time to hold", "{'probe': {'slo': {}}, 'for': '1w'}", "spec.for: \"1w\""},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        auto_fixture json_t *object = json_object();
        json_object_set_new(object, "spec", fixture(rows[i].spec));
        auto_trigger struct trigger t = {0};
        struct error err = {0};
        CHECK_ROW(rows[i].sentence);
        CHECK_INT(trigger_decode(object, &t, &err), rows[i].want ? -1 : 0);
        if (rows[i].want)
            CHECK_CONTAINS(err.text, rows[i].want);
        else
            CHECK(!t.fires_when && t.every == USEC_SEC && t.hold_for == 0);
    }
}

TEST(the_first_row_that_matches_says_how_severe)
{
    auto_fixture json_t *object = fixture(
        "{'spec': {'probe': {'heartbeat': {'maxAge': '10s'}}, 'fires': 'WhenTrue', 'severity': [{'above': '1m', 'is': 'Critical'},"
        "{'above': 30, 'is': 'Major'}, {'is': 'Minor'}]}}");
    auto_trigger struct trigger t = {0};
    CHECK_INT(trigger_decode(object, &t, NULL), 0);
    CHECK(t.fires_when);
    CHECK_INT(trigger_severity(&t, true, 61), SEVERITY_CRITICAL); /* the age of a heartbeat is in seconds */
    CHECK_INT(trigger_severity(&t, true, 31), SEVERITY_MAJOR);
    CHECK_INT(trigger_severity(&t, true, 30), SEVERITY_MINOR);
    CHECK_INT(trigger_severity(&t, false, 99), SEVERITY_MINOR);
    struct trigger none = {0};
    CHECK_INT(trigger_severity(&none, true, 1), SEVERITY_MODERATE);
}

#define STEP "{'name': 's', 'action': 'RestartKernel'}"

TEST(playbooks_are_read_or_refused)
{
    static const struct {
        const char *sentence, *spec, *want;
    } rows[] = {
        {"the least", "{'branches': [{'steps': [" STEP "]}]}", NULL},
        {"no branches", "{}", "spec.branches is empty"},
        {"no steps", "{'branches': [{'steps': []}]}", "spec.branches[0].steps is empty"},
        {"a severity nobody knows", "{'branches': [{'severity': ['Bad'], 'steps': [" STEP "]}]}",
         "spec.branches[0].severity: \"Bad\""},
        {"an action nobody knows", "{'branches': [{'steps': [{'name': 's', 'action': 'Pray'}]}]}",
         "spec.branches[0].steps[0].action: \"Pray\""},
        {"another action's member", "{'branches': [{'steps': [{'name': 's', 'action': 'RestartKernel', 'shedLoad': {}}]}]}",
         "steps[0].shedLoad does not go with action RestartKernel"},
        {"a step without a name", "{'branches': [{'steps': [{'action': 'RestartKernel'}]}]}",
         "spec.branches[0].steps[0].name is missing"},
        {"a step's bad time", "{'branches': [{'steps': [{'name': 's', 'action': 'RestartKernel', 'timeout': 'x'}]}]}",
         "steps[0].timeout: \"x\""},
        {"too many retries", "{'branches': [{'steps': [{'name': 's', 'action': 'RestartKernel', 'retries': 11}]}]}",
         "steps[0].retries: 11"},
        {"a bad reference",
         "{'branches': [{'steps': [{'name': 's', 'action': 'RestartKernel', 'restartKernel': {'match': '$(x)'}}]}]}",
         "is not a reference"},
        {"U+0000 in a text", "{'branches': [{'steps': [{'name': 's\\u0000', 'action': 'RestartKernel'}]}]}",
         "spec.branches[0].steps[0].name: \"s\\u0000\" holds the character U+0000"},
        {"a bad probe", "{'branches': [{'steps': [" STEP "]}], 'verify': [{'probe': {}}]}", "spec.verify[0].probe has no kind"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        auto_fixture json_t *object = json_object();
        json_object_set_new(object, "spec", fixture(rows[i].spec));
        auto_playbook struct playbook p = {0};
        struct error err = {0};
        CHECK_ROW(rows[i].sentence);
        CHECK_INT(playbook_decode(object, &p, &err), rows[i].want ? -1 : 0);
        if (rows[i].want)
            CHECK_CONTAINS(err.text, rows[i].want);
        else
            CHECK(p.cooldown == USEC_MINUTE && p.learn);
    }
}

TEST(the_branch_that_lists_the_severity_or_none_is_taken)
{
    auto_fixture json_t *object = fixture("{'spec': {'branches': [{'severity': ['Major', 'Critical'], 'steps': [" STEP
                                          "]}, {'severity': ['Minor'], 'steps': [" STEP "," STEP "]}]}}");
    auto_playbook struct playbook p = {0};
    CHECK_INT(playbook_decode(object, &p, NULL), 0);
    int branch = -1;
    CHECK_INT(json_array_size(playbook_steps(&p, SEVERITY_MINOR, &branch)), 2);
    CHECK_INT(branch, 1);
    CHECK(playbook_steps(&p, SEVERITY_CRITICAL, &branch) != NULL);
    CHECK_INT(branch, 0);
    CHECK(playbook_steps(&p, SEVERITY_MODERATE, &branch) == NULL);
}

TEST(a_step_knows_whether_it_may_run_twice)
{
    static const struct {
        const char *sentence, *step;
        bool repeatable;
    } rows[] = {
        {"looking only", "{'action': 'RunTests'}", true},
        {"the same end state", "{'action': 'RestoreConfig'}", true},
        {"one more worker each time", "{'action': 'ScaleWorkers', 'scaleWorkers': {'by': 1}}", false},
        {"a number of workers", "{'action': 'ScaleWorkers', 'scaleWorkers': {'to': 3}}", true},
        {"a restart", "{'action': 'RestartKernel'}", false},
        {"a restart that says so", "{'action': 'RestartKernel', 'repeatable': true}", true},
        {"a pull request", "{'action': 'CreatePR'}", false},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        auto_fixture json_t *object = fixture(rows[i].step);
        struct step step;
        step_decode(object, &step);
        CHECK_ROW(rows[i].sentence);
        CHECK_INT(step.repeatable, rows[i].repeatable);
        CHECK_INT(step.timeout, 30 * USEC_SEC);
    }
}

TEST(runs_and_tasks_are_read)
{
    auto_fixture json_t *object =
        fixture("{'spec': {'playbook': 'p', 'target': 't', 'severity': 'Major', 'firedAt': '1970-01-01T00:00:03Z'},"
                "'status': {'phase': 'Running', 'currentStep': 2, 'steps': [{}]}}");
    auto_run struct run r = {0};
    struct error err = {0};
    CHECK_INT(run_decode(object, &r, &err), 0);
    CHECK_INT(r.phase, RUN_RUNNING);
    CHECK_INT(r.severity, SEVERITY_MAJOR);
    CHECK_INT(r.fired_at, 3 * USEC_SEC);
    CHECK_INT(r.branch, -1);
    CHECK_INT(r.current_step, 2);
    CHECK_STR(r.incident, "");

    auto_fixture json_t *bad = fixture("{'spec': {'playbook': 'p', 'target': 't', 'severity': 'Dire'}}");
    struct run none = {0};
    CHECK_INT(run_decode(bad, &none, &err), -1);
    CHECK_CONTAINS(err.text, "spec.severity: \"Dire\"");
    auto_fixture json_t *untimely = fixture("{'spec': {'playbook': 'p', 'target': 't', 'firedAt': ['noon']}}");
    CHECK_INT(run_decode(untimely, &none, &err), -1);
    CHECK_CONTAINS(err.text, "spec.firedAt: [\"noon\"] is not a time");

    static const struct {
        const char *phase;
        bool open;
    } rows[] = {{"", true}, {"Open", true}, {"InProgress", true}, {"Resolved", false}, {"Cancelled", false}};
    for (size_t i = 0; i < array_len(rows); i++) {
        auto_fixture json_t *task = fixture("{'spec': {'type': 'CloseGap', 'gap': 'g'}}");
        json_put_str(json_make(task, "status"), "phase", rows[i].phase);
        auto_task struct task t = {0};
        task_decode(task, &t);
        CHECK_ROW(rows[i].phase);
        CHECK_INT(task_open(&t), rows[i].open);
        CHECK_INT(t.priority, 50);
    }
}

int main(void)
{
    return check_run();
}

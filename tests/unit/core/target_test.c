#include "target_bench.h"

TEST(triggers_and_health_are_watched_where_there_is_something_to_see)
{
    auto_bench struct bench b;
    bench_init(&b,
               "'watchPods': 2, 'facets': {'config': {'path': '/c.yaml'}, 'api': {'port': 80, 'service': 'shop'}, 'slo': "
               "{'latencyP95': '1s'},"
               "'health': [{'name': 'ready', 'via': 'Local', 'http': {'port': 80}}, {'name': 'outside', 'http': {'port': 80}}]}");
    bench_pod(&b, "p0", true, false, AGENT_ABSENT);
    for (int i = 1; i < 5; i++) {
        char name[8];
        str_format(name, sizeof(name), "p%d", i);
        bench_pod(&b, name, true, true, AGENT_UP);
    }
    bench_trigger(&b, "config-drift", "{'file': {'ref': '$(target.config)', 'equalsSnapshot': true}}");
    bench_trigger(&b, "queue-backlog", "{'exec': {'command': ['depth', '$(target.queue.redis.key)']}}"); /* no such facet */
    bench_trigger(&b, "latency-spike", "{'slo': {'ref': '$(target.slo)'}}");
    bench_trigger(&b, "model-gone", "{'process': {'min': 1}}"); /* facet process is missing, found out by the plan */
    bench_trigger(&b, "later", "{'promQL': {}}");
    run(&b, T0);
    CHECK(wanted(&b, "trigger/cat/config-drift/p1") && wanted(&b, "trigger/cat/config-drift/p2"));
    CHECK(!wanted(&b, "trigger/cat/config-drift/p0"));
    CHECK(!wanted(&b, "trigger/cat/config-drift/p3"));
    CHECK(!wanted(&b, "trigger/cat/queue-backlog/p1"));
    CHECK(!wanted(&b, "trigger/cat/model-gone/p1"));
    CHECK(wanted(&b, "trigger/cat/later/") != NULL); /* its evidence says why nothing is seen */
    const struct want *slo = wanted(&b, "trigger/cat/latency-spike/");
    CHECK(slo && !*slo->pod.name && slo->every == 3 * USEC_SEC);
    CHECK(wanted(&b, "health/ready/p1") && wanted(&b, "health/ready/p2") && !wanted(&b, "health/ready/p3"));
    CHECK(wanted(&b, "health/outside/") != NULL);
    CHECK_INT(b.d.want_count, 2 + 1 + 1 + 2 + 1);
    const struct want *drift = wanted(&b, "trigger/cat/config-drift/p1");
    CHECK(drift && str_equal(drift->pod.name, "p1") && str_equal(json_str(drift->probe, "file.ref.path", ""), "/c.yaml"));
    CHECK(json_at(wanted(&b, "health/ready/p1")->probe, "name") == NULL);

    bench_drill(&b, "d1", "p4", "Detecting", "");
    run(&b, T0);
    CHECK(wanted(&b, "trigger/cat/config-drift/p4") != NULL); /* a drilled one always */
    CHECK(wanted(&b, "health/ready/p4") != NULL);
    CHECK(wanted(&b, "trigger/cat/latency-spike/p4") && !wanted(&b, "trigger/cat/latency-spike/"));
    CHECK(!*wanted(&b, "trigger/cat/latency-spike/p4")->pod.name);

    b.disabled = true;
    run(&b, T0);
    CHECK_INT(b.d.want_count, 0);
}

TEST(what_is_looked_at_at_a_pods_address_names_the_pod)
{
    auto_bench struct bench b;
    bench_init(&b, "'facets': {'api': {'port': 80}, 'health': [{'name': 'ready', 'via': 'Pod', 'http': {'port': 80}}]}");
    bench_pod(&b, "p0", true, true, AGENT_UP);
    bench_trigger(&b, "port-closed", "{'via': 'Pod', 'tcp': {'port': 80}}");
    run(&b, T0);
    const struct want *ready = wanted(&b, "health/ready/p0"), *port = wanted(&b, "trigger/cat/port-closed/p0");
    CHECK(ready && str_equal(ready->pod.name, "p0"));
    CHECK(port && str_equal(port->pod.name, "p0"));
    CHECK_INT(b.d.want_count, 2);
    see(&b, "health/ready/p0", HOLDS_TRUE, "answered 200");
    char message[160];
    usec_t since;
    struct target target = {0};
    CHECK(target_decode(b.object, &target, NULL) == 0);
    CHECK_INT(target_steady(&target, b.pods, b.pod_count, b.evidences, T0, &since, message), HOLDS_TRUE);
    target_done(&target);
}

TEST(the_steady_state_is_what_all_health_probes_say)
{
    static const struct {
        const char *sentence, *facets, *pods; /* r ready, n not ready, d ready without an agent */
        enum holds one, two, outside;
        enum holds want;
        const char *message;
    } rows[] = {
        {"no pod", "{}", "", 0, 0, 0, HOLDS_FALSE, "pods: spec.selector matches no pod"},
        {"none ready", "{}", "nn", 0, 0, 0, HOLDS_FALSE, "pods: none is ready"},
        {"without probes, all ready", "{}", "rd", 0, 0, 0, HOLDS_TRUE, ""},
        {"without probes, one not ready", "{}", "rn", 0, 0, 0, HOLDS_FALSE, "p1: the pod is not ready"},
        {"all hold", "H", "rr", HOLDS_TRUE, HOLDS_TRUE, HOLDS_TRUE, HOLDS_TRUE, ""},
        {"one does not", "H", "rr", HOLDS_TRUE, HOLDS_FALSE, HOLDS_TRUE, HOLDS_FALSE, "ready: seen two"},
        {"false wins over unknown", "H", "rr", HOLDS_UNKNOWN, HOLDS_TRUE, HOLDS_FALSE, HOLDS_FALSE, "outside: seen outside"},
        {"one is unknown", "H", "rr", HOLDS_TRUE, HOLDS_UNKNOWN, HOLDS_TRUE, HOLDS_UNKNOWN, "ready: seen two"},
        {"a pod that is not ready is not asked", "H", "rn", HOLDS_TRUE, HOLDS_FALSE, HOLDS_TRUE, HOLDS_TRUE, ""},
        {"a pod without an agent cannot be", "H", "rd", HOLDS_TRUE, -1, HOLDS_TRUE, HOLDS_TRUE, ""},
        {"nobody can look", "H", "d", -1, -1, HOLDS_TRUE, HOLDS_UNKNOWN, "ready: no ready pod has an agent"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_bench struct bench b;
        auto_free char *spec =
            mem_printf("'facets': %s", strcmp(rows[i].facets, "H")
                                           ? rows[i].facets
                                           : "{'api': {'port': 80, 'service': 's'}, 'health': [{'name': 'ready', 'exec': "
                                             "{'command': ['x']}}, {'name': 'outside', 'http': {'port': 80}}]}");
        bench_init(&b, spec);
        for (size_t p = 0; rows[i].pods[p]; p++) {
            char name[8];
            str_format(name, sizeof(name), "p%zu", p);
            bench_pod(&b, name, rows[i].pods[p] != 'n', rows[i].pods[p] != 'd', AGENT_UP);
        }
        if ((int)rows[i].one >= 0)
            see(&b, "health/ready/p0", rows[i].one, "seen one");
        if ((int)rows[i].two >= 0)
            see(&b, "health/ready/p1", rows[i].two, "seen two");
        see(&b, "health/outside/", rows[i].outside, "seen outside");
        auto_target struct target t = {0};
        CHECK_INT(target_decode(b.object, &t, NULL), 0);
        usec_t since;
        char message[160];
        CHECK_INT(target_steady(&t, b.pods, b.pod_count, b.evidences, T0, &since, message), rows[i].want);
        CHECK_CONTAINS(message, rows[i].message);
        CHECK(*rows[i].message || !*message);
        if (rows[i].want == HOLDS_TRUE)
            CHECK_INT(since, strcmp(rows[i].facets, "H") ? T0 - USEC_DAY : T0 - USEC_MINUTE);
    }
}

TEST(conditions_say_what_is_missing_and_what_to_do)
{
    static const struct {
        const char *sentence, *spec, *pods; /* u up, h up and blind, l lost, o opening of late, a no sidecar */
        bool disabled;
        const char *agent, *ready;
    } rows[] = {
        {"an agent in every pod", "'facets': {}", "uu", false, "True AgentsUp", "True Ready: it can be drilled"},
        {"an agent of another user than the target's", "'facets': {}", "uh", false,
         "True AgentsUp: an agent answers in 2 of 2 pods; in pod p1 it runs as user 65532, and processes of user 0 are hidden from "
         "it: "
         "set runAsUser in the pod",
         "True Ready"},
        {"no pod", "'facets': {}", "", false,
         "False NoPods: no running pod matches spec.selector and carries the label drillyard.dev/agent=enabled; add the label to "
         "the pod template",
         "False NoPods"},
        {"no sidecar", "'facets': {}", "aa", false, "False NoAgent: none of 2 pods has a running container drill-injector",
         "False NoAgent"},
        {"one is lost", "'facets': {}", "ul", false, "False SomeAgentsDown: the agent in pod p1 does not answer: exec refused",
         "True Ready"},
        {"all are lost", "'facets': {}", "ll", false, "False AgentsDown: the agent in pod p1 does not answer", "False AgentsDown"},
        {"being opened", "'facets': {}", "o", false, "Unknown Opening", "Unknown Opening"},
        {"nobody is watched", "'watchPods': 0, 'facets': {}", "l", false, "True OnDemand", "True Ready"},
        {"ephemeral", "'agent': 'Ephemeral', 'facets': {}", "a", false,
         "False NotSupported: spec.agent: Ephemeral is not supported in this version; write Sidecar", "False NotSupported"},
        {"not opted in", "'facets': {}", "u", true, "True AgentsUp", "False NamespaceNotEnabled: namespace a is not opted in"},
        {"a bad window", "'safety': {'windows': [{'from': 'x', 'to': '10:00'}]}, 'facets': {}", "u", false, "True AgentsUp",
         "False Invalid: spec.safety.windows[0].from"},
        {"a bad field", "'watchPods': 1000, 'facets': {}", "u", false, "Unknown ", "False Invalid: spec.watchPods: 1000"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_bench struct bench b;
        bench_init(&b, rows[i].spec);
        b.disabled = rows[i].disabled;
        for (size_t p = 0; rows[i].pods[p]; p++) {
            char name[8], kind = rows[i].pods[p];
            str_format(name, sizeof(name), "p%zu", p);
            bench_pod(&b, name, true, kind != 'a',
                      kind == 'u'   ? AGENT_UP
                      : kind == 'h' ? AGENT_UP
                      : kind == 'l' ? AGENT_LOST
                      : kind == 'o' ? AGENT_OPENING
                                    : AGENT_ABSENT);
            if (kind == 'h') {
                b.agents[p].target_found = false;
                b.agents[p].target_hidden = true;
                b.agents[p].user = 65532;
            }
            if (kind == 'o')
                b.agents[p].since = T0 - USEC_SEC;
        }
        run(&b, T0);
        CHECK_CONTAINS(condition(&b, "AgentReady"), rows[i].agent);
        CHECK_CONTAINS(condition(&b, "Ready"), rows[i].ready);
        CHECK_INT(b.statuses, 1);
        run(&b, T0 + 3 * USEC_SEC);
        CHECK_INT(b.statuses, 1);
    }
}

TEST(a_restart_of_the_controller_flips_nothing)
{
    auto_bench struct bench b;
    bench_init(&b, "'facets': {'health': [{'name': 'ready', 'exec': {'command': ['x']}}]}");
    bench_pod(&b, "p0", true, true, AGENT_UP);
    see(&b, "health/ready/p0", HOLDS_TRUE, "fine");
    run(&b, T0);
    CHECK_CONTAINS(condition(&b, "SteadyState"), "True Steady");
    CHECK_INT(b.statuses, 1);
    evidences_remove(b.evidences, "health/ready/p0");
    b.agents[0].link = AGENT_OPENING;
    b.agents[0].since = T0 + USEC_MINUTE;
    run(&b, T0 + USEC_MINUTE);
    CHECK_CONTAINS(condition(&b, "SteadyState"), "True Steady");
    CHECK_CONTAINS(condition(&b, "AgentReady"), "True AgentsUp");
    CHECK_CONTAINS(condition(&b, "Ready"), "True Ready");
    CHECK(b.d.again_at <= T0 + USEC_MINUTE + 30 * USEC_SEC);
    run(&b, T0 + USEC_MINUTE + 31 * USEC_SEC);
    CHECK_CONTAINS(condition(&b, "AgentReady"), "False AgentsDown");
    CHECK_CONTAINS(condition(&b, "Ready"), "False AgentsDown");
}

TEST(the_status_is_written_only_for_what_matters)
{
    auto_bench struct bench b;
    bench_init(&b, "'facets': {'health': [{'name': 'ready', 'exec': {'command': ['x']}}]}");
    bench_pod(&b, "p0", true, true, AGENT_UP);
    see(&b, "health/ready/p0", HOLDS_TRUE, "in 3 ms");
    run(&b, T0);
    CHECK_INT(b.statuses, 1);
    CHECK_STR(json_str(b.object, "status.steadyState.since", ""), "2025-12-31T23:59:00.000000Z");
    see(&b, "health/ready/p0", HOLDS_TRUE, "in 4 ms");
    run(&b, T0 + 10 * USEC_SEC);
    CHECK_INT(b.statuses, 1);
    see(&b, "health/ready/p0", HOLDS_FALSE, "exit 1 after 3 ms");
    run(&b, T0 + 20 * USEC_SEC);
    CHECK_INT(b.statuses, 2);
    CHECK(!json_flag(b.object, "status.steadyState.healthy", true));
    see(&b, "health/ready/p0", HOLDS_FALSE, "exit 1 after 4 ms"); /* another value of the same */
    run(&b, T0 + 30 * USEC_SEC);
    CHECK_INT(b.statuses, 2);

    /* Counts wait for two seconds after a write, a condition does not. */
    see(&b, "health/ready/p0", HOLDS_TRUE, "fine");
    run(&b, T0 + 40 * USEC_SEC);
    CHECK_INT(b.statuses, 3);
    bench_pod(&b, "p1", true, false, AGENT_ABSENT);
    run(&b, T0 + 41 * USEC_SEC);
    CHECK_INT(b.statuses, 3);
    CHECK_INT(b.d.again_at, T0 + 42 * USEC_SEC);
    see(&b, "health/ready/p0", HOLDS_FALSE, "broken");
    run(&b, T0 + 41 * USEC_SEC + 1);
    CHECK_INT(b.statuses, 4);
    CHECK_INT(json_int(b.object, "status.pods.selected", 0), 2);
}

TEST(a_steady_state_that_only_one_look_saw_lost_costs_no_write)
{
    auto_bench struct bench b;
    bench_init(&b, "'facets': {'health': [{'name': 'ready', 'exec': {'command': ['x']}}]}");
    bench_pod(&b, "p0", true, true, AGENT_UP);
    see(&b, "health/ready/p0", HOLDS_TRUE, "fine");
    run(&b, T0);
    usec_t lost = T0 + 20 * USEC_SEC, back = lost + 15 * USEC_SEC;
    for (int round = 0; round < 2; round++) { /* the second lasts */
        see_since(&b, "health/ready/p0", HOLDS_FALSE, "exit 1", lost);
        run(&b, lost + 2499 * USEC_MSEC);
        CHECK_CONTAINS(condition(&b, "SteadyState"), "True Steady");
        CHECK_INT(b.d.again_at, lost + 2500 * USEC_MSEC);
        if (!round)
            see(&b, "health/ready/p0", HOLDS_TRUE, "fine");
        run(&b, lost + 2500 * USEC_MSEC);
        CHECK_INT(b.statuses, 1 + round);
        lost += 5 * USEC_SEC;
    }
    CHECK_CONTAINS(condition(&b, "SteadyState"), "False NotSteady");
    see_since(&b, "health/ready/p0", HOLDS_TRUE, "fine", back);
    run(&b, back + 10 * USEC_MSEC);
    CHECK_CONTAINS(condition(&b, "SteadyState"), "False NotSteady");
    run(&b, back + 2500 * USEC_MSEC);
    CHECK_CONTAINS(condition(&b, "SteadyState"), "True Steady");
    CHECK_INT(b.statuses, 3);
}

TEST(a_fault_that_stays_quarantines_the_target_until_it_is_gone)
{
    auto_bench struct bench b;
    bench_init(&b, "'facets': {}");
    bench_pod(&b, "p0", true, true, AGENT_UP);
    bench_drill(&b, "d1", "p0", "Reverting", ", 'verdictAt': '2026-01-01T00:00:10Z', 'message': 'file is busy'");
    run(&b, T0 + 39 * USEC_SEC);
    CHECK_CONTAINS(condition(&b, "Quarantined"), "False NothingLeft");
    CHECK_INT(b.d.again_at, T0 + 40 * USEC_SEC);
    run(&b, T0 + 40 * USEC_SEC);
    CHECK_CONTAINS(condition(&b, "Quarantined"),
                   "True FaultNotReverted: the fault of drill d1 could not be reverted: file is busy");
    CHECK_CONTAINS(condition(&b, "Ready"), "False Quarantined");
    CHECK_INT(effects_of(&b, EFFECT_EVENT), 1);

    /* Another drill that reverts just now keeps it, however short. */
    drill_done(&b.drills[0]);
    b.drill_count = 0;
    bench_drill(&b, "d2", "p0", "Reverting", ", 'verdictAt': '2026-01-01T00:00:50Z'");
    run(&b, T0 + 51 * USEC_SEC);
    CHECK_CONTAINS(condition(&b, "Quarantined"), "True");
    drill_done(&b.drills[0]);
    b.drill_count = 0;
    run(&b, T0 + 60 * USEC_SEC);
    CHECK_CONTAINS(condition(&b, "Quarantined"), "False");
    CHECK_CONTAINS(condition(&b, "Ready"), "True");
}

TEST(coverage_is_told_for_at_most_a_hundred_cards)
{
    auto_bench struct bench b;
    bench_init(&b, "'facets': {}");
    bench_pod(&b, "p0", true, true, AGENT_UP);
    bench_card(&b, "RE001");
    bench_card(&b, "RE002");
    b.object = (json_object_set_new(b.object, "status",
                                    fixture("{'coverage': [{'card': 'RE002', 'state': 'Covered', 'lastDrill': "
                                            "'2025-12-31T00:00:00Z'}, {'card': 'XX001', 'state': 'Never'}]}")),
                b.object);
    run(&b, T0);
    const json_t *all = json_at(b.object, "status.coverage");
    CHECK_INT(json_array_size(all), 2);
    CHECK_STR(json_str(json_array_get(all, 0), "state", ""), "Never");
    CHECK_STR(json_str(json_array_get(all, 1), "state", ""), "Covered");
    CHECK_STR(json_str(json_array_get(all, 1), "due", ""), "2026-01-03T00:00:00.000000Z");
    CHECK_INT(b.d.again_at, T0 + 2 * USEC_DAY);
    run(&b, T0 + 2 * USEC_DAY);
    CHECK_STR(json_str(json_array_get(json_at(b.object, "status.coverage"), 1), "state", ""), "Due");
    for (int i = 100; i < 205; i++) {
        char id[8];
        str_format(id, sizeof(id), "XX%d", i);
        bench_card(&b, id);
    }
    run(&b, T0 + 3 * USEC_DAY);
    CHECK_INT(json_array_size(json_at(b.object, "status.coverage")), 100);
}

int main(void)
{
    return check_run();
}

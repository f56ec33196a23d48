#include "base/str.h"
#include "check.h"
#include "core/probe.h"
#include "fixture.h"

#define TARGET                                                                                                                     \
    "{'metadata': {'name': 'shop', 'namespace': 'a'}, 'spec': {'selector': {'matchLabels': {'app': 'shop'}}, 'facets': {%s"        \
    "'config': {'path': '/etc/c.yaml'}, 'model': {'path': '/m.bin'}, 'source': {'root': '/app', 'entrypoint': 'main.py'},"         \
    "'slo': {'latencyP95': '500ms', 'errorRate': 0.01, 'samples': 7}, 'api': {'port': 8080, 'path': '/items'%s}}}}"

static struct target target_with(const char *first, const char *api)
{
    auto_free char *text = mem_printf(TARGET, first, api);
    auto_fixture json_t *object = fixture(text);
    struct target t = {0};
    struct error err = {0};
    if (target_decode(object, &t, &err) < 0)
        CHECK_FAIL("%s", err.text);
    return t;
}

TEST(a_probe_is_planned_where_it_can_be_looked_at)
{
    static const struct {
        const char *sentence, *probe, *api;
        enum probe_place place;
        const char *agent, *error;
    } rows[] = {
        {"http goes to the agent",
         "{'http': {'port': 9, 'path': '/x', 'latency': {'percentile': 90, 'below': '1s', 'samples': 3}}, 'timeout': '2s'}", "",
         PROBE_AGENT,
         "{\"http\":{\"latency\":{\"belowMs\":1000,\"percentile\":90,\"samples\":3},\"path\":\"/"
         "x\",\"port\":9,\"timeoutMs\":2000}}",
         NULL},
        {"http of the API goes to its Service", "{'http': {'port': 8080}}", ", 'service': 'shop'", PROBE_HTTP, NULL, NULL},
        {"http of another port does not", "{'http': {'port': 9}}", ", 'service': 'shop'", PROBE_AGENT,
         "{\"http\":{\"port\":9,\"timeoutMs\":5000}}", NULL},
        {"http to a host is seen from the pod", "{'http': {'port': 8080, 'host': 'db'}}", ", 'service': 'shop'", PROBE_AGENT,
         "{\"http\":{\"host\":\"db\",\"port\":8080,\"timeoutMs\":5000}}", NULL},
        {"via Local wins over the Service", "{'via': 'Local', 'tcp': {'port': 8080}}", ", 'service': 'shop'", PROBE_AGENT,
         "{\"tcp\":{\"port\":8080,\"timeoutMs\":5000}}", NULL},
        {"via Pod goes to the pod's address", "{'via': 'Pod', 'http': {'port': 9}}", "", PROBE_HTTP, NULL, NULL},
        {"a port that is missing", "{'via': 'Pod', 'http': {'path': '/'}}", "", PROBE_UNSUPPORTED, NULL,
         "http.port: null is not a port"},
        {"a port that is none", "{'via': 'Pod', 'tcp': {'port': 70000}}", "", PROBE_UNSUPPORTED, NULL,
         "tcp.port: 70000 is not a port"},
        {"tcp via Pod", "{'via': 'Pod', 'tcp': {'port': 9}}", "", PROBE_TCP, NULL, NULL},
        {"via Service without a Service", "{'via': 'Service', 'http': {'port': 9}}", "", PROBE_UNSUPPORTED, NULL,
         "set spec.facets.api.service of target shop"},
        {"slo goes to the agent with what it asks of the API",
         "{'slo': {'ref': {'latencyP95': '500ms', 'errorRate': 0.01, 'samples': 7}}}", "", PROBE_AGENT,
         "{\"slo\":{\"errorRate\":0.01,\"http\":{\"path\":\"/"
         "items\",\"port\":8080},\"latencyP95Ms\":500,\"samples\":7,\"timeoutMs\":5000}}",
         NULL},
        {"slo with a Service goes there", "{'slo': {}}", ", 'service': 'shop'", PROBE_HTTP, NULL, NULL},
        {"a heartbeat's facet is flattened", "{'heartbeat': {'ref': {'file': {'path': '/hb', 'maxAge': '3s'}}}}", "", PROBE_AGENT,
         "{\"heartbeat\":{\"file\":{\"path\":\"/hb\"},\"maxAgeMs\":3000,\"timeoutMs\":5000}}", NULL},
        {"the probe's own age wins", "{'heartbeat': {'ref': {'file': {'path': '/hb', 'maxAge': '3s'}}, 'maxAge': '9s'}}", "",
         PROBE_AGENT, "{\"heartbeat\":{\"file\":{\"path\":\"/hb\"},\"maxAgeMs\":9000,\"timeoutMs\":5000}}", NULL},
        {"a heartbeat by page", "{'heartbeat': {'http': {'port': 1, 'path': '/b'}, 'maxAge': '1s'}}", ", 'service': 'shop'",
         PROBE_AGENT, "{\"heartbeat\":{\"http\":{\"path\":\"/b\",\"port\":1},\"maxAgeMs\":1000,\"timeoutMs\":5000}}", NULL},
        {"a heartbeat by Lease is said to be unsupported", "{'heartbeat': {'ref': {'lease': {'name': 'x'}}}}", "",
         PROBE_UNSUPPORTED, NULL, "a heartbeat by Lease is not looked at in this version"},
        {"a process by facet", "{'process': {'ref': {'match': 'python3 main.py'}, 'min': 2, 'stableFor': '5s'}}", "", PROBE_AGENT,
         "{\"process\":{\"match\":\"python3 main.py\",\"min\":2,\"stableForMs\":5000,\"timeoutMs\":5000}}", NULL},
        {"a process facet that is missing", "{'process': {'min': 2}}", "", PROBE_UNSUPPORTED, NULL, "no facet process"},
        {"exec runs in the target", "{'exec': {'command': ['true'], 'exitCode': 0}}", "", PROBE_AGENT_TARGET,
         "{\"exec\":{\"command\":[\"true\"],\"exitCode\":0,\"timeoutMs\":5000}}", NULL},
        {"exec in the sidecar is said to be unsupported", "{'exec': {'command': ['true'], 'in': 'Sidecar'}}", "", PROBE_UNSUPPORTED,
         NULL, "write in: Target"},
        {"a file by facet, compared with its snapshot",
         "{'file': {'ref': {'path': '/etc/c.yaml'}, 'equalsSnapshot': true, 'parses': 'YAML'}}", "", PROBE_AGENT,
         "{\"file\":{\"equalsSnapshot\":\"config\",\"parses\":\"YAML\",\"path\":\"/etc/c.yaml\",\"timeoutMs\":5000}}", NULL},
        {"the source is its entrypoint", "{'file': {'ref': {'root': '/app', 'entrypoint': 'main.py'}, 'equalsSnapshot': true}}", "",
         PROBE_AGENT, "{\"file\":{\"equalsSnapshot\":\"source\",\"path\":\"/app/main.py\",\"timeoutMs\":5000}}", NULL},
        {"a file without snapshots", "{'file': {'path': '/other', 'equalsSnapshot': true}}", "", PROBE_UNSUPPORTED, NULL,
         "no snapshots are taken of /other"},
        {"Python is parsed by the target's python3", "{'file': {'path': '/app/main.py', 'parses': 'Python'}}", "",
         PROBE_AGENT_TARGET,
         "{\"exec\":{\"command\":[\"python3\",\"-c\",\"import ast, sys; ast.parse(open(sys.argv[1], 'rb').read(), "
         "sys.argv[1])\",\"/app/main.py\"],\"timeoutMs\":5000}}",
         NULL},
        {"must differ is said to be unsupported", "{'file': {'path': '/m.bin', 'equalsSnapshot': false}}", "", PROBE_UNSUPPORTED,
         NULL, "file.equalsSnapshot: false"},
        {"resources as numbers", "{'resource': {'cpu': {'above': '80%'}, 'growth': {'above': '64Mi'}, 'over': '5s'}}", "",
         PROBE_AGENT, "{\"resource\":{\"cpu\":{\"above\":80},\"growth\":{\"above\":67108864},\"overMs\":5000,\"timeoutMs\":5000}}",
         NULL},
        {"memory in percent of its limit", "{'resource': {'memory': {'below': '95%'}}}", "", PROBE_AGENT,
         "{\"resource\":{\"memory\":{\"below\":95},\"memoryUnit\":\"Percent\",\"timeoutMs\":5000}}", NULL},
        {"memory in bytes", "{'resource': {'memory': {'below': '64Mi'}}}", "", PROBE_AGENT,
         "{\"resource\":{\"memory\":{\"below\":67108864},\"memoryUnit\":\"Bytes\",\"timeoutMs\":5000}}", NULL},
        {"resources via Pod", "{'via': 'Pod', 'resource': {'cpu': {'above': 1}}}", "", PROBE_UNSUPPORTED, NULL,
         "by the agent in the pod"},
        {"pods need no agent", "{'pods': {'ready': {'above': 1}}}", "", PROBE_PODS, NULL, NULL},
        {"an object needs no agent", "{'object': {'kind': 'Deployment'}}", "", PROBE_OBJECT, NULL, NULL},
        {"promQL", "{'promQL': {}}", "", PROBE_UNSUPPORTED, NULL, "promQL"},
        {"alert", "{'alert': {}}", "", PROBE_UNSUPPORTED, NULL, "alert"},
        {"event", "{'event': {}}", "", PROBE_UNSUPPORTED, NULL, "event"},
        {"log", "{'log': {}}", "", PROBE_UNSUPPORTED, NULL, "log"},
        {"queue", "{'queue': {}}", "", PROBE_UNSUPPORTED, NULL, "queue"},
        {"nothing", "{}", "", PROBE_UNSUPPORTED, NULL, "no kind"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_target struct target t = target_with("", rows[i].api);
        auto_fixture json_t *probe = fixture(rows[i].probe), *agent = NULL;
        struct error err = {0};
        CHECK_INT(probe_plan(probe, &t, &agent, &err), rows[i].place);
        auto_free char *text = agent ? json_text(agent) : NULL;
        CHECK_STR(text, rows[i].agent);
        if (rows[i].error)
            CHECK_CONTAINS(err.text, rows[i].error);
        else
            CHECK_STR(err.text, "");
    }
}

TEST(an_endpoint_is_the_services_or_the_pods)
{
    auto_target struct target t = target_with("", ", 'service': 'shop'");
    auto_fixture json_t *slo = fixture("{'slo': {}, 'timeout': '1s'}"),
                        *http = fixture("{'via': 'Pod', 'http': {'port': 9, 'path': '/x', 'method': 'POST', 'body': 'b'}}");
    struct probe_endpoint e;
    CHECK_INT(probe_endpoint(slo, &t, &e, NULL), 0);
    CHECK_STR(e.service, "shop");
    CHECK_INT(e.port, 8080);
    CHECK_STR(e.path, "/items");
    CHECK_INT(e.timeout, USEC_SEC);
    CHECK_INT(probe_endpoint(http, &t, &e, NULL), 0);
    CHECK(e.service == NULL);
    CHECK_STR(e.method, "POST");
    CHECK_STR(e.body, "b");
    CHECK_INT(probe_http_samples(slo), 20);
    CHECK_INT(probe_http_samples(http), 1);
}

/* ── judges ── */

#define OK(ms, text)                                                                                                               \
    {                                                                                                                              \
        .status = 200, .latency = (ms)*USEC_MSEC, .body = text                                                                     \
    }
#define STATUS(s)                                                                                                                  \
    {                                                                                                                              \
        .status = (s), .latency = USEC_MSEC                                                                                        \
    }
#define BROKEN(c)                                                                                                                  \
    {                                                                                                                              \
        .err = {.class = (c), .text = "it broke" }                                                                                 \
    }

TEST(http_answers_are_judged)
{
    static const struct {
        const char *sentence, *probe;
        struct http_sample samples[4];
        size_t count;
        enum holds want;
        const char *message;
    } rows[] = {
        {"a good answer", "{'http': {}}", {OK(1, NULL)}, 1, HOLDS_TRUE, "answered 200"},
        {"an error status", "{'http': {}}", {STATUS(503)}, 1, HOLDS_FALSE, "answered 503, not 200 to 399"},
        {"a status that was asked for", "{'http': {'status': {'min': 500, 'max': 599}}}", {STATUS(503)}, 1, HOLDS_TRUE, NULL},
        {"no answer is an answer", "{'http': {}}", {BROKEN(ERROR_TIMEOUT)}, 1, HOLDS_FALSE, "no answer: it broke"},
        {"what we broke ourselves is none", "{'http': {}}", {BROKEN(ERROR_CANCELLED)}, 1, HOLDS_UNKNOWN, "could not ask"},
        {"nothing asked", "{'http': {}}", {STATUS(200)}, 0, HOLDS_UNKNOWN, "nothing was asked"},
        {"the last answer counts", "{'http': {}}", {STATUS(503), OK(1, NULL)}, 2, HOLDS_TRUE, NULL},
        {"a field that is there",
         "{'http': {'jsonField': 'data.1.id'}}",
         {OK(1, "{\"data\":[{},{\"id\":0}]}")},
         1,
         HOLDS_TRUE,
         NULL},
        {"a field that is not",
         "{'http': {'jsonField': 'data.1.id'}}",
         {OK(1, "{\"data\":[{}]}")},
         1,
         HOLDS_FALSE,
         "without the field data.1.id"},
        {"a body that is no JSON", "{'http': {'jsonField': 'a'}}", {OK(1, "<html>")}, 1, HOLDS_FALSE, "without the field"},
        {"a body that matches", "{'http': {'bodyMatches': 'o+k'}}", {OK(1, "xook")}, 1, HOLDS_TRUE, NULL},
        {"a body that does not", "{'http': {'bodyMatches': '^ok'}}", {OK(1, "xok")}, 1, HOLDS_FALSE, "does not match"},
        {"a pattern that is none is our affair",
         "{'http': {'bodyMatches': '('}}",
         {OK(1, "x")},
         1,
         HOLDS_UNKNOWN,
         "not an extended regular expression"},
        {"failure expected and seen", "{'http': {'expectFailure': true}}", {BROKEN(ERROR_UNAVAILABLE)}, 1, HOLDS_TRUE, NULL},
        {"failure expected and not seen", "{'http': {'expectFailure': true}}", {OK(1, NULL)}, 1, HOLDS_FALSE, NULL},
        {"fast enough",
         "{'http': {'latency': {'percentile': 50, 'below': '20ms'}}}",
         {OK(10, NULL), OK(30, NULL), OK(10, NULL)},
         3,
         HOLDS_TRUE,
         "up to 10.0 ms"},
        {"too slow",
         "{'http': {'latency': {'percentile': 95, 'below': '20ms'}}}",
         {OK(10, NULL), OK(30, NULL), OK(10, NULL)},
         3,
         HOLDS_FALSE,
         "up to 30.0 ms"},
        {"a percentile that no schema lets pass is one nevertheless",
         "{'http': {'latency': {'percentile': -895, 'below': '20ms'}}}",
         {OK(10, NULL), OK(30, NULL)},
         2,
         HOLDS_TRUE,
         "1 % of 2 requests took up to 10.0 ms"},
        {"nor can it be too large",
         "{'http': {'latency': {'percentile': 4294967391, 'below': '20ms'}}}",
         {OK(10, NULL), OK(30, NULL)},
         2,
         HOLDS_FALSE,
         "100 % of 2 requests took up to 30.0 ms"},
        {"below is strict", "{'http': {'latency': {'percentile': 95, 'below': '30ms'}}}", {OK(30, NULL)}, 1, HOLDS_FALSE, NULL},
        {"what was never answered took for ever",
         "{'http': {'latency': {'percentile': 95, 'below': '20ms'}}}",
         {BROKEN(ERROR_TIMEOUT), OK(1, NULL)},
         2,
         HOLDS_FALSE,
         "not answered"},
        {"the service level is met",
         "{'slo': {'ref': {'latencyP95': '20ms', 'errorRate': 0.5}}}",
         {OK(10, NULL), STATUS(500)},
         2,
         HOLDS_TRUE,
         NULL},
        {"too many errors",
         "{'slo': {'ref': {'latencyP95': '20ms', 'errorRate': 0.4}}}",
         {OK(10, NULL), STATUS(500)},
         2,
         HOLDS_FALSE,
         "1 of 2 requests failed, more than 40 %"},
        {"too slow for the service level",
         "{'slo': {'ref': {'latencyP95': '20ms'}}}",
         {OK(10, NULL), OK(21, NULL)},
         2,
         HOLDS_FALSE,
         "up to 21.0 ms, not below 20 ms"},
        {"a service level that asks for nothing", "{'slo': {'ref': {}}}", {OK(10, NULL)}, 1, HOLDS_UNKNOWN, "asks for nothing"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_fixture json_t *probe = fixture(rows[i].probe);
        struct evidence e;
        probe_http_judge(probe, rows[i].samples, rows[i].count, 77, &e);
        CHECK_INT(e.holds, rows[i].want);
        CHECK_INT(e.seen_at, 77);
        CHECK_INT(e.known_since, rows[i].want == HOLDS_UNKNOWN ? 0 : 77);
        if (rows[i].message)
            CHECK_CONTAINS(e.message, rows[i].message);
        json_decref(e.data);
    }
}

static struct pod pod_in(const char *phase, bool ready, int restarts, const char *ended)
{
    auto_free char *text = mem_printf(
        "{'metadata': {'name': 'p'}, 'spec': {'containers': [{'name': 'app'}]}, 'status': {'phase': '%s', 'containers': ["
        "{'name': 'app', 'ready': %s, 'restarts': %d %s}]}}",
        phase, ready ? "true" : "false", restarts, ended);
    auto_fixture json_t *reduced = fixture(text);
    struct pod p;
    pod_decode(reduced, &p);
    return p;
}

TEST(pods_are_judged_as_the_api_server_has_them)
{
    static const struct {
        const char *sentence, *probe;
        size_t count;
        enum holds want;
        double value;
    } rows[] = {
        {"ready ones", "{'pods': {'ready': {'atLeast': 2}}}", 3, HOLDS_TRUE, 2},
        {"a share of them", "{'pods': {'notReady': {'above': '50%'}}}", 3, HOLDS_FALSE, 1},
        {"a smaller share", "{'pods': {'notReady': {'above': '30%'}}}", 3, HOLDS_TRUE, 1},
        {"a share of none is unknown", "{'pods': {'notReady': {'above': '50%'}}}", 0, HOLDS_UNKNOWN, 0},
        {"none ready is known", "{'pods': {'ready': {'atLeast': 1}}}", 0, HOLDS_FALSE, 0},
        {"restarts", "{'pods': {'restarts': {'above': 2}}}", 3, HOLDS_TRUE, 3},
        {"restarts of late", "{'pods': {'restarts': {'above': 0}, 'within': '10s'}}", 3, HOLDS_TRUE, 1},
        {"no restarts of very late", "{'pods': {'restarts': {'above': 0}, 'within': '1s'}}", 3, HOLDS_FALSE, 0},
        {"a phase", "{'pods': {'phase': 'Pending'}}", 3, HOLDS_TRUE, 1},
        {"how it ended", "{'pods': {'terminatedReason': 'OOMKilled'}}", 3, HOLDS_TRUE, 1},
        {"how it did not end", "{'pods': {'terminatedReason': 'Error'}}", 3, HOLDS_FALSE, 0},
        {"both must be so", "{'pods': {'ready': {'atLeast': 2}, 'phase': 'Failed'}}", 3, HOLDS_FALSE, 2},
    };
    struct pod pods[3] = {pod_in("Running", true, 0, ""),
                          pod_in("Running", true, 3, ", 'terminated': {'reason': 'OOMKilled', 'at': '1970-01-01T00:00:55Z'}"),
                          pod_in("Pending", false, 0, "")};
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_fixture json_t *probe = fixture(rows[i].probe);
        struct evidence e;
        probe_pods_judge(probe, pods, rows[i].count, NULL, 60 * USEC_SEC, &e);
        CHECK_INT(e.holds, rows[i].want);
        CHECK_INT(e.value, rows[i].value);
        CHECK(*e.message);
    }
    for (size_t i = 0; i < 3; i++)
        pod_done(&pods[i]);
}

TEST(restarts_are_of_the_targets_container_and_not_of_a_pod_that_is_left_out)
{
    static const struct {
        const char *sentence, *probe, *container;
        double most;
    } rows[] = {
        {"the default container", "{'pods': {'restarts': {'above': 0}}}", NULL, 5},
        {"the target's own", "{'pods': {'restarts': {'above': 0}}}", "app", 2},
        {"of the others", "{'pods': {'restarts': {'above': 0}, 'except': 'a'}}", NULL, 0},
    };
    struct pod pods[2];
    for (size_t i = 0; i < 2; i++) {
        auto_free char *text =
            mem_printf("{'metadata': {'name': '%s'}, 'spec': {'containers': [{'name': 'log'}, {'name': 'app'}]}, "
                       "'status': {'containers': [{'name': 'log', 'restarts': %d}, {'name': 'app', 'restarts': %d}]}}",
                       i ? "b" : "a", i ? 0 : 5, i ? 2 : 1);
        auto_fixture json_t *reduced = fixture(text);
        pod_decode(reduced, &pods[i]);
    }
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_fixture json_t *probe = fixture(rows[i].probe);
        struct evidence e;
        probe_pods_judge(probe, pods, 2, rows[i].container, 60 * USEC_SEC, &e);
        CHECK_INT(e.value, rows[i].most);
    }
    for (size_t i = 0; i < 2; i++)
        pod_done(&pods[i]);
}

TEST(objects_are_judged_by_jsonpath)
{
    static const struct {
        const char *sentence, *probe, *object;
        enum holds want;
        const char *message;
    } rows[] = {
        {"a number", "{'object': {'jsonPath': '.status.readyReplicas', 'compare': {'atLeast': 2}}}",
         "{'status': {'readyReplicas': 2}}", HOLDS_TRUE, NULL},
        {"a number too small", "{'object': {'jsonPath': '.status.readyReplicas', 'compare': {'atLeast': 2}}}",
         "{'status': {'readyReplicas': 1}}", HOLDS_FALSE, "is 1"},
        {"a number that is absent", "{'object': {'jsonPath': '.status.readyReplicas', 'compare': {'atLeast': 2}}}",
         "{'status': {}}", HOLDS_FALSE, "not there"},
        {"a condition by filter", "{'object': {'jsonPath': '.status.conditions[?(@.type==\\'Ready\\')].status', 'equals': 'True'}}",
         "{'status': {'conditions': [{'type': 'A', 'status': 'False'}, {'type': 'Ready', 'status': 'True'}]}}", HOLDS_TRUE, NULL},
        {"braces, an index and a name with dots", "{'object': {'jsonPath': '{.a[1].x\\\\.y/z}', 'equals': '3'}}",
         "{'a': [0, {'x.y/z': 3}]}", HOLDS_TRUE, NULL},
        {"the last one", "{'object': {'jsonPath': '.a[-1]', 'equals': 'z'}}", "{'a': ['x', 'z']}", HOLDS_TRUE, NULL},
        {"no such object", "{'object': {'jsonPath': '.a', 'equals': 'z'}}", NULL, HOLDS_FALSE, "no such object"},
        {"it must not be there and is not", "{'object': {'exists': false}}", NULL, HOLDS_TRUE, NULL},
        {"it must not be there and is", "{'object': {'exists': false}}", "{}", HOLDS_FALSE, NULL},
        {"a member must be there", "{'object': {'exists': true, 'jsonPath': '.a.b'}}", "{'a': {}}", HOLDS_FALSE, NULL},
        {"a quantity is a number", "{'object': {'jsonPath': '.q', 'compare': {'above': '1Gi'}}}", "{'q': '2Gi'}", HOLDS_TRUE, NULL},
        {"a text is no number", "{'object': {'jsonPath': '.q', 'compare': {'above': 1}}}", "{'q': 'much'}", HOLDS_UNKNOWN,
         "no number"},
        {"a path that is none", "{'object': {'jsonPath': '.a[', 'equals': '1'}}", "{'a': 1}", HOLDS_UNKNOWN,
         "is not a path to one value"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_fixture json_t *probe = fixture(rows[i].probe), *object = rows[i].object ? fixture(rows[i].object) : NULL;
        struct evidence e;
        probe_object_judge(probe, object, 5, &e);
        CHECK_INT(e.holds, rows[i].want);
        if (rows[i].message)
            CHECK_CONTAINS(e.message, rows[i].message);
    }
}

TEST(a_comparison_holds)
{
    auto_fixture json_t *c = fixture("{'above': '80%', 'atMost': 9}");
    CHECK(comparison_holds(c, 9, 10));
    CHECK(!comparison_holds(c, 8, 10));
    CHECK(!comparison_holds(c, 10, 10));
}

int main(void)
{
    return check_run();
}

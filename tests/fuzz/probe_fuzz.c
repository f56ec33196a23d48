/* A line with a resolved probe, and what was seen: planned, and judged by whoever judges its kind. The answer says something, always. */
#include "base/str.h"
#include "core/probe.h"

#include "fuzz.h"

static void check_evidence(const struct evidence *e)
{
    json_decref((json_t *)(uintptr_t)e->data);
    FUZZ_CHECK(e->holds == HOLDS_TRUE || e->holds == HOLDS_FALSE || e->holds == HOLDS_UNKNOWN);
    FUZZ_CHECK(e->message[0] && strlen(e->message) < sizeof(e->message));
}

static void judge_http(const json_t *probe, const char *body)
{
    struct http_sample samples[3] = {{.status = 200, .latency = 1500, .body = body},
                                     {.err.class = ERROR_TIMEOUT, .err.text = "late"},
                                     {.status = 503, .latency = USEC_SEC}};
    int count = probe_http_samples(probe);
    FUZZ_CHECK(count >= 1 && count <= 200);
    for (size_t n = 1; n <= array_len(samples); n++) {
        struct evidence e = {0};
        probe_http_judge(probe, samples, n, USEC_SEC, &e);
        check_evidence(&e);
    }
}

static void plan(const json_t *probe, const struct target *target)
{
    struct error err = {0};
    json_t *agent = NULL;
    enum probe_place place = probe_plan(probe, target, &agent, &err);
    FUZZ_CHECK((place == PROBE_UNSUPPORTED) == (err.class != ERROR_NONE));
    FUZZ_CHECK((place == PROBE_AGENT || place == PROBE_AGENT_TARGET) == (agent != NULL));
    json_decref(agent);
    struct probe_endpoint endpoint;
    struct error why = {0};
    if ((place == PROBE_HTTP || place == PROBE_TCP) && probe_endpoint(probe, target, &endpoint, &why) == 0)
        FUZZ_CHECK(endpoint.port >= 1 && endpoint.port <= 65535);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *text = fuzz_string(data, size);
    char *body = strchr(text, '\n');
    if (body)
        *body++ = '\0';
    json_auto_t *probe = json_loads(text, JSON_ALLOW_NUL, NULL);
    if (!json_is_object(probe))
        return 0;
    json_auto_t *shop =
        json_pack("{s:{s:s,s:s}, s:{s:{s:{s:s}}, s:{s:{s:i,s:s}}}}", "metadata", "name", "shop", "namespace", "a", "spec",
                  "selector", "matchLabels", "app", "shop", "facets", "api", "port", 8080, "path", "/items");
    auto_target struct target target = {0};
    FUZZ_CHECK(target_decode(shop, &target, NULL) == 0);
    plan(probe, &target);
    struct evidence e = {0};
    if (json_at(probe, "http") || json_at(probe, "slo"))
        judge_http(probe, body);
    if (json_at(probe, "pods")) {
        json_auto_t *raw = body ? json_loads(body, JSON_ALLOW_NUL, NULL) : NULL;
        json_auto_t *reduced = pod_reduce(raw);
        auto_pod struct pod pod = {0};
        pod_decode(reduced, &pod);
        probe_pods_judge(probe, &pod, 1, "app", USEC_SEC, &e);
        check_evidence(&e);
    }
    if (json_at(probe, "object")) {
        json_auto_t *object = body ? json_loads(body, JSON_ALLOW_NUL, NULL) : NULL;
        probe_object_judge(probe, object, USEC_SEC, &e);
        check_evidence(&e);
    }
    return 0;
}

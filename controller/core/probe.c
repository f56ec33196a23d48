#include "core/probe.h"

#include "api/field.h"
#include "base/str.h"
#include "core/probe_agent.h"

static enum probe_place place_unsupported(enum error_class class, const char *why, struct error *err)
{
    error_set(err, class, "%s", why);
    return PROBE_UNSUPPORTED;
}

/* What only a later version looks at: it holds UNKNOWN, so nothing fires and no gate is passed by it. */
static const struct {
    const char *kind, *why;
} unsupported[] = {
    {"promQL", "a promQL probe is not looked at in this version; look with http, slo, pods or object instead"},
    {"alert", "an alert probe is not looked at in this version; look with http, slo, pods or object instead"},
    {"event", "an event probe is not looked at in this version; look with pods or object instead"},
    {"log", "a log probe is not looked at in this version; look with exec, or with file where the log is one"},
    {"queue", "a queue probe is not looked at in this version; look with exec, or with http where the depth has a page"},
};

static const struct {
    const char *kind;
    json_t *(*translate)(const json_t *probe, const struct target *target, struct error *err);
    enum probe_place local, remote; /* remote UNSUPPORTED: only the agent can look */
} kinds[] = {
    {"http", probe_agent_http, PROBE_AGENT, PROBE_HTTP},
    {"slo", probe_agent_slo, PROBE_AGENT, PROBE_HTTP},
    {"tcp", probe_agent_tcp, PROBE_AGENT, PROBE_TCP},
    {"exec", probe_agent_exec, PROBE_AGENT_TARGET, PROBE_UNSUPPORTED},
    {"heartbeat", probe_agent_heartbeat, PROBE_AGENT, PROBE_UNSUPPORTED},
    {"process", probe_agent_process, PROBE_AGENT, PROBE_UNSUPPORTED},
    {"file", probe_agent_file, PROBE_AGENT, PROBE_UNSUPPORTED},
    {"resource", probe_agent_resource, PROBE_AGENT, PROBE_UNSUPPORTED},
};

/* "Local", "Pod" or "Service": as written; else callers' view where the target names its Service and the probe is of its API. */
static const char *probe_via(const json_t *probe, const char *kind, const struct target *target)
{
    const char *via = json_str(probe, "via", NULL), *service = json_str(target->facets, "api.service", NULL);
    if (via)
        return via;
    const json_t *member = json_at(probe, kind);
    if (!service || json_at(member, "host"))
        return "Local";
    const json_t *request =
        str_equal(kind, "slo") ? json_at(json_at(member, "ref") ?: json_at(target->facets, "slo"), "http") : member;
    bool api = !request || json_int(request, "port", -1) == json_int(target->facets, "api.port", 0);
    return api ? "Service" : "Local";
}

enum probe_place probe_plan(const json_t *probe, const struct target *target, json_t **ret_agent, struct error *err)
{
    *ret_agent = NULL;
    if (json_at(probe, "pods"))
        return PROBE_PODS;
    if (json_at(probe, "object"))
        return PROBE_OBJECT;
    for (size_t i = 0; i < array_len(unsupported); i++)
        if (json_at(probe, unsupported[i].kind))
            return place_unsupported(ERROR_INVALID, unsupported[i].why, err);
    for (size_t i = 0; i < array_len(kinds); i++) {
        if (!json_at(probe, kinds[i].kind))
            continue;
        const char *via = probe_via(probe, kinds[i].kind, target);
        if (!str_equal(via, "Local") && kinds[i].remote == PROBE_UNSUPPORTED && !str_equal(kinds[i].kind, "heartbeat") &&
            json_at(probe, "via"))
            return place_unsupported(ERROR_INVALID,
                                     "this probe is looked at by the agent in the pod; leave out via, or write via: Local", err);
        if (!str_equal(via, "Local") && kinds[i].remote != PROBE_UNSUPPORTED) {
            struct probe_endpoint ignored;
            return probe_endpoint(probe, target, &ignored, err) < 0 ? PROBE_UNSUPPORTED : kinds[i].remote;
        }
        *ret_agent = kinds[i].translate(probe, target, err);
        if (!*ret_agent)
            return PROBE_UNSUPPORTED;
        return json_at(*ret_agent, "exec") ? PROBE_AGENT_TARGET : kinds[i].local;
    }
    return place_unsupported(ERROR_INVALID, "the probe has no kind; write for example {http: {port: 8080, path: /healthz}}", err);
}

int probe_endpoint(const json_t *probe, const struct target *target, struct probe_endpoint *ret_endpoint, struct error *err)
{
    const char *kind = json_at(probe, "tcp") ? "tcp" : json_at(probe, "slo") ? "slo" : "http";
    const json_t *request = json_at(probe, kind);
    if (str_equal(kind, "slo")) {
        const json_t *slo = json_at(request, "ref") ?: json_at(target->facets, "slo");
        request = json_at(slo, "http") ?: json_at(target->facets, "api");
        if (!slo || !request)
            return error_set(err, ERROR_NOT_FOUND, "target %s has no facet %s; set spec.facets.%s there", target->meta.name,
                             slo ? "api" : "slo", slo ? "api" : "slo");
    }
    int64_t port = json_int(request, "port", 0);
    char quoted[FIELD_QUOTE_SIZE];
    if (port < 1 || port > 65535)
        return error_set(err, ERROR_INVALID, "%s.port: %s is not a port; write a number from 1 to 65535",
                         str_equal(kind, "slo") ? "spec.facets.api" : kind, field_quote(json_at(request, "port"), quoted));
    const char *service = NULL;
    if (str_equal(probe_via(probe, kind, target), "Service")) {
        service = json_str(target->facets, "api.service", NULL);
        if (!service)
            return error_set(err, ERROR_NOT_FOUND,
                             "via: Service needs the name of the Service; set spec.facets.api.service of target %s",
                             target->meta.name);
    }
    bool http = str_equal(kind, "http");
    *ret_endpoint = (struct probe_endpoint){
        .service = service,
        .port = (int)port,
        .scheme = json_str(request, "scheme", "http"),
        .path = json_str(request, "path", "/"),
        .method = http ? json_str(request, "method", "GET") : "GET",
        .body = http ? json_str(request, "body", NULL) : NULL,
        .headers = http ? json_at(request, "headers") : NULL,
        .timeout = json_duration(probe, "timeout", 5 * USEC_SEC),
    };
    return 0;
}

int probe_http_samples(const json_t *probe)
{
    int64_t samples = 1;
    if (json_at(probe, "slo"))
        samples = json_int(probe, "slo.ref.samples", json_int(probe, "slo.samples", 20));
    else if (json_at(probe, "http.latency"))
        samples = json_int(probe, "http.latency.samples", 20);
    return (int)(samples < 1 ? 1 : samples > 200 ? 200 : samples);
}

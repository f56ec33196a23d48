#include "core/probe_agent.h"

#include "api/bound.h"
#include "base/str.h"

static void copy(json_t *to, const json_t *from, const char *key)
{
    json_t *value = json_object_get(from, key);
    if (value && !json_is_null(value))
        json_object_set(to, key, value);
}

static void put_ms(json_t *to, const char *key, const json_t *from, const char *path)
{
    usec_t duration = json_duration(from, path, -1);
    if (duration >= 0)
        json_put_int(to, key, duration / USEC_MSEC);
}

static json_t *only_member(const char *key, json_t *value, const json_t *probe)
{
    json_put_int(value, "timeoutMs", json_duration(probe, "timeout", 5 * USEC_SEC) / USEC_MSEC);
    json_t *out = json_object();
    json_put(out, key, value);
    return out;
}

/* The facet a probe refers to: {ref: object}, resolved; else the target's own. NULL: not there. */
static const json_t *referred(const json_t *member, const struct target *target, const char *facet)
{
    const json_t *ref = json_at(member, "ref");
    return json_is_object(ref) ? ref : json_at(target->facets, facet);
}

json_t *probe_agent_http(const json_t *probe, const struct target *target, struct error *err)
{
    (void)target;
    (void)err;
    static const char *const same[] = {"port", "path",        "scheme",    "host",          "headers", "method",
                                       "body", "bodyMatches", "jsonField", "expectFailure", "status"};
    const json_t *http = json_at(probe, "http");
    json_t *out = json_object();
    for (size_t i = 0; i < array_len(same); i++)
        copy(out, http, same[i]);
    if (json_at(http, "latency")) {
        json_t *latency = json_make(out, "latency");
        copy(latency, json_at(http, "latency"), "percentile");
        copy(latency, json_at(http, "latency"), "samples");
        put_ms(latency, "belowMs", http, "latency.below");
    }
    return only_member("http", out, probe);
}

json_t *probe_agent_tcp(const json_t *probe, const struct target *target, struct error *err)
{
    (void)target;
    (void)err;
    json_t *out = json_object();
    copy(out, json_at(probe, "tcp"), "port");
    copy(out, json_at(probe, "tcp"), "host");
    return only_member("tcp", out, probe);
}

json_t *probe_agent_slo(const json_t *probe, const struct target *target, struct error *err)
{
    const json_t *slo = referred(json_at(probe, "slo"), target, "slo");
    const json_t *http = json_at(slo, "http") ?: json_at(target->facets, "api");
    if (!slo || !http) {
        error_set(err, ERROR_NOT_FOUND, "target %s has no facet %s; set spec.facets.%s there", target->meta.name,
                  slo ? "api" : "slo", slo ? "api" : "slo");
        return NULL;
    }
    json_t *out = json_object();
    put_ms(out, "latencyP95Ms", slo, "latencyP95");
    copy(out, slo, "errorRate");
    json_put_int(out, "samples", json_int(slo, "samples", 20));
    json_t *request = json_make(out, "http");
    copy(request, http, "port");
    json_put_str(request, "path", json_str(http, "path", "/"));
    copy(request, http, "scheme");
    return only_member("slo", out, probe);
}

json_t *probe_agent_exec(const json_t *probe, const struct target *target, struct error *err)
{
    (void)target;
    const json_t *exec = json_at(probe, "exec");
    if (str_equal(json_str(exec, "in", "Target"), "Sidecar")) {
        error_set(err, ERROR_INVALID, "exec.in: Sidecar is not looked at in this version; write in: Target");
        return NULL;
    }
    json_t *out = json_object();
    copy(out, exec, "command");
    copy(out, exec, "exitCode");
    copy(out, exec, "stdoutMatches");
    return only_member("exec", out, probe);
}

json_t *probe_agent_heartbeat(const json_t *probe, const struct target *target, struct error *err)
{
    const json_t *member = json_at(probe, "heartbeat");
    const json_t *beat = json_at(member, "ref") ? referred(member, target, "heartbeat") : member;
    json_t *out = json_object();
    if (json_at(beat, "file"))
        json_put_str(json_make(out, "file"), "path", json_str(beat, "file.path", ""));
    else if (json_at(beat, "http"))
        json_put(out, "http", json_deep_copy(json_at(beat, "http")));
    else {
        error_set(err, ERROR_INVALID,
                  json_at(beat, "lease")
                      ? "a heartbeat by Lease is not looked at in this version; give the heartbeat facet a file or an http page"
                      : "the heartbeat is neither a file nor an http page; set spec.facets.heartbeat of the target");
        json_decref(out);
        return NULL;
    }
    usec_t facet_age = json_duration(beat, "file.maxAge", json_duration(beat, "maxAge", 10 * USEC_SEC));
    json_put_int(out, "maxAgeMs", json_duration(member, "maxAge", facet_age) / USEC_MSEC);
    return only_member("heartbeat", out, probe);
}

json_t *probe_agent_process(const json_t *probe, const struct target *target, struct error *err)
{
    const json_t *member = json_at(probe, "process");
    const char *match = json_str(member, "match", json_str(referred(member, target, "process"), "match", NULL));
    if (!match) {
        error_set(err, ERROR_NOT_FOUND, "target %s has no facet process; set spec.facets.process.match there", target->meta.name);
        return NULL;
    }
    json_t *out = json_object();
    json_put_str(out, "match", match);
    copy(out, member, "min");
    put_ms(out, "stableForMs", member, "stableFor");
    return only_member("process", out, probe);
}

/* ── files ── */

bool facet_path(const json_t *facet, char dest[2048])
{
    const char *path = json_str(facet, "path", NULL), *root = json_str(facet, "root", NULL);
    const char *entrypoint = json_str(facet, "entrypoint", NULL);
    if (path)
        return str_copy(dest, 2048, path);
    if (!root || !entrypoint)
        return false;
    return str_format(dest, 2048, "%s%s%s", root, str_ends(root, "/") ? "" : "/", entrypoint);
}

/* The facet whose snapshot a file is compared with: the one that lies at that path. NULL: none does. */
static const char *facet_at(const struct target *target, const char *path)
{
    static const char *const facets[] = {"config", "model", "source"};
    for (size_t i = 0; i < array_len(facets); i++) {
        char own[2048];
        const json_t *facet = json_at(target->facets, facets[i]);
        if (facet && facet_path(facet, own) && str_equal(own, path))
            return facets[i];
    }
    return NULL;
}

/* The agent has no Python parser; the target's own python3 has. It reads and writes nothing else (py_compile would leave a cache). */
static json_t *python_exec(const json_t *probe, const char *path)
{
    json_t *out = json_object();
    json_put(out, "command",
             json_pack("[s, s, s, s]", "python3", "-c", "import ast, sys; ast.parse(open(sys.argv[1], 'rb').read(), sys.argv[1])",
                       path));
    return only_member("exec", out, probe);
}

json_t *probe_agent_file(const json_t *probe, const struct target *target, struct error *err)
{
    const json_t *file = json_at(probe, "file");
    char path[2048];
    if (!facet_path(json_is_object(json_at(file, "ref")) ? json_at(file, "ref") : file, path)) {
        error_set(err, ERROR_INVALID, "file.ref is no facet with a file; write for example {ref: $(target.config)}");
        return NULL;
    }
    const json_t *equals = json_at(file, "equalsSnapshot");
    if (json_is_false(equals)) {
        error_set(err, ERROR_INVALID,
                  "file.equalsSnapshot: false is not looked at in this version; write true, with fires: WhenFalse");
        return NULL;
    }
    if (str_equal(json_str(file, "parses", NULL), "Python")) {
        if (!equals && !json_at(file, "sha256"))
            return python_exec(probe, path);
        error_set(err, ERROR_INVALID,
                  "file.parses: Python goes with neither equalsSnapshot nor sha256 in this version; write two probes");
        return NULL;
    }
    json_t *out = json_object();
    json_put_str(out, "path", path);
    copy(out, file, "exists");
    copy(out, file, "sha256");
    copy(out, file, "parses");
    if (json_is_true(equals)) {
        const char *facet = facet_at(target, path);
        if (!facet) {
            error_set(err, ERROR_INVALID,
                      "file.equalsSnapshot: no snapshots are taken of %.200s, only of the facets config, model and source", path);
            json_decref(out);
            return NULL;
        }
        json_put_str(out, "equalsSnapshot", facet);
    }
    return only_member("file", out, probe);
}

/* ── resources ── */

/* Numbers for the agent: percent of the limit, or bytes; *ret_percent: what one of them was. */
static json_t *comparison_for_agent(const json_t *comparison, bool *ret_percent)
{
    json_t *out = json_object();
    const char *key;
    json_t *written;
    *ret_percent = false;
    json_object_foreach((json_t *)(uintptr_t)comparison, key, written)
    {
        struct bound bound;
        if (!bound_parse(written, &bound))
            continue; /* the schema takes none of these */
        *ret_percent |= bound.unit == BOUND_PERCENT;
        if (bound.number >= 0 && bound.number < 9e15 && (double)(int64_t)bound.number >= bound.number)
            json_put_int(out, key, (int64_t)bound.number);
        else
            json_put_num(out, key, bound.number);
    }
    return out;
}

json_t *probe_agent_resource(const json_t *probe, const struct target *target, struct error *err)
{
    (void)target;
    (void)err;
    static const char *const uses[] = {"cpu", "memory", "growth"};
    const json_t *resource = json_at(probe, "resource");
    json_t *out = json_object();
    for (size_t i = 0; i < array_len(uses); i++) {
        bool percent;
        if (!json_at(resource, uses[i]))
            continue;
        json_put(out, uses[i], comparison_for_agent(json_at(resource, uses[i]), &percent));
        if (str_equal(uses[i], "memory"))
            json_put_str(out, "memoryUnit", percent ? "Percent" : "Bytes");
    }
    put_ms(out, "overMs", resource, "over");
    return only_member("resource", out, probe);
}

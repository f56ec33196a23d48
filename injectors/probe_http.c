/* The probes that ask a port: "http" {port, path, method, host, headers, body, status{min,max}, bodyMatches, jsonField,
 * latency{percentile, belowMs, samples}, expectFailure, timeoutMs}, "slo" {latencyP95Ms, errorRate, samples, http:{port, path, …},
 * timeoutMs} and "tcp" {port, host, timeoutMs}.
 *
 * Samples are taken one after the other, and no further than the verdict needs: as soon as too many were too slow or failed, it is
 * known. */
#include "http.h"
#include "probe.h"

#include "base/str.h"

#define SAMPLES_MAX 200

struct port_state {
    struct http_order order;
    struct http_call *call;
    const char *json_field;
    regex_t matches;
    bool has_matches, expect_failure, is_slo;
    int64_t status_min, status_max;
    int64_t samples, percentile; /* 0: the latency does not count */
    double below_ms, error_rate;
    int64_t taken, failed;
    double latencies[SAMPLES_MAX];
    int last_status;
    char last_failure[160];
};

static void free_port(struct probe *p)
{
    struct port_state *s = p->state;
    http_cancel(s->call);
    if (s->has_matches)
        regfree(&s->matches);
    free(s);
}

static bool is_header_text(const char *s)
{
    return s && !strpbrk(s, "\r\n");
}

static int check_headers(const json_t *headers, const char *field, struct refusal *r)
{
    const char *name;
    json_t *one;
    size_t at;
    bool good = !headers || json_is_object(headers) || json_is_array(headers);
    json_object_foreach((json_t *)(uintptr_t)headers, name, one) good &=
        is_header_text(name) && is_header_text(json_string_value(one));
    json_array_foreach(headers, at, one) good &= is_header_text(json_string_value(json_object_get(one, "name"))) &&
                                                 is_header_text(json_string_value(json_object_get(one, "value")));
    return good ? 0 : refusal_field(r, field, headers, "%s wants a list of {name, value}, without line ends", field);
}

/* What http and slo.http have in common. */
static int read_request(struct port_state *s, json_t *spec, struct refusal *r)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", NULL};
    int64_t port;
    int method = 0;
    const char *scheme = "http";
    s->order.path = "/";
    if (param_integer(spec, "probe.http.port", PARAM_REQUIRED, 1, 65535, &port, r) < 0 ||
        param_text(spec, "probe.http.path", PARAM_OPTIONAL, &s->order.path, r) < 0 ||
        param_text(spec, "probe.http.host", PARAM_OPTIONAL, &s->order.address, r) < 0 ||
        param_text(spec, "probe.http.scheme", PARAM_OPTIONAL, &scheme, r) < 0 ||
        param_text(spec, "probe.http.body", PARAM_OPTIONAL, &s->order.body, r) < 0 ||
        param_choice(spec, "probe.http.method", PARAM_OPTIONAL, methods, &method, r) < 0)
        return -1;
    s->order.port = (int)port;
    s->order.method = methods[method];
    s->order.headers = json_object_get(spec, "headers");
    if (s->order.path[0] != '/' || strpbrk(s->order.path, " \r\n"))
        return refusal_text(r, "probe.http.path", s->order.path,
                            "probe.http.path wants a path that begins with \"/\", without blanks");
    if (!str_equal(scheme, "http"))
        return refusal_text(r, "probe.http.scheme", scheme,
                            "the agent speaks http only; https is asked from the controller (via: Pod)");
    if (s->order.address && str_equal(s->order.address, "localhost"))
        s->order.address = NULL;
    if (s->order.address && !http_is_address(s->order.address))
        return refusal_text(r, "probe.http.host", s->order.address, "the agent resolves no names: write a numeric address");
    return check_headers(s->order.headers, "probe.http.headers", r);
}

static int read_timeout(struct port_state *s, const json_t *spec, struct refusal *r)
{
    int64_t timeout = 5000;
    if (param_integer(spec, "probe.timeoutMs", PARAM_OPTIONAL, 1, 5 * USEC_MINUTE / USEC_MSEC, &timeout, r) < 0)
        return -1;
    s->order.timeout = timeout * USEC_MSEC;
    return 0;
}

static int init_http(struct probe *p, json_t *spec, struct refusal *r)
{
    struct port_state *s = mem_new(struct port_state);
    json_t *status = NULL, *latency = NULL;
    const char *matches = NULL;
    p->state = s;
    s->status_min = 200;
    s->status_max = 399;
    s->samples = 1;
    if (read_request(s, spec, r) < 0 || read_timeout(s, spec, r) < 0 ||
        param_object(spec, "probe.http.status", PARAM_OPTIONAL, &status, r) < 0 ||
        param_integer(status, "probe.http.status.min", PARAM_OPTIONAL, 100, 599, &s->status_min, r) < 0 ||
        param_integer(status, "probe.http.status.max", PARAM_OPTIONAL, 100, 599, &s->status_max, r) < 0 ||
        param_text(spec, "probe.http.bodyMatches", PARAM_OPTIONAL, &matches, r) < 0 ||
        param_text(spec, "probe.http.jsonField", PARAM_OPTIONAL, &s->json_field, r) < 0 ||
        param_flag(spec, "probe.http.expectFailure", &s->expect_failure, r) < 0 ||
        param_object(spec, "probe.http.latency", PARAM_OPTIONAL, &latency, r) < 0)
        goto fail;
    if (latency) {
        s->percentile = 95;
        s->samples = 20;
        if (param_integer(latency, "probe.http.latency.percentile", PARAM_OPTIONAL, 1, 100, &s->percentile, r) < 0 ||
            param_integer(latency, "probe.http.latency.samples", PARAM_OPTIONAL, 1, SAMPLES_MAX, &s->samples, r) < 0 ||
            param_number(latency, "probe.http.latency.belowMs", PARAM_REQUIRED, &s->below_ms, r) < 0)
            goto fail;
    }
    s->has_matches = matches && regcomp(&s->matches, matches, REG_EXTENDED | REG_NOSUB) == 0;
    if (matches && !s->has_matches) {
        refusal_text(r, "probe.http.bodyMatches", matches, "probe.http.bodyMatches is no extended regular expression");
        goto fail;
    }
    return 0;
fail:
    free_port(p);
    return -1;
}

static int init_slo(struct probe *p, json_t *spec, struct refusal *r)
{
    struct port_state *s = mem_new(struct port_state);
    json_t *http = NULL;
    p->state = s;
    s->is_slo = true;
    s->status_min = 100;
    s->status_max = 499; /* the service level counts the server's own failures */
    s->samples = 20;
    s->percentile = 95;
    s->error_rate = 0.01;
    if (param_object(spec, "probe.slo.http", PARAM_REQUIRED, &http, r) < 0 || read_request(s, http, r) < 0 ||
        read_timeout(s, spec, r) < 0 || param_number(spec, "probe.slo.latencyP95Ms", PARAM_REQUIRED, &s->below_ms, r) < 0 ||
        param_number(spec, "probe.slo.errorRate", PARAM_OPTIONAL, &s->error_rate, r) < 0 ||
        param_integer(spec, "probe.slo.samples", PARAM_OPTIONAL, 1, SAMPLES_MAX, &s->samples, r) < 0) {
        free_port(p);
        return -1;
    }
    return 0;
}

static int init_tcp(struct probe *p, json_t *spec, struct refusal *r)
{
    struct port_state *s = mem_new(struct port_state);
    int64_t port;
    p->state = s;
    if (param_integer(spec, "probe.tcp.port", PARAM_REQUIRED, 1, 65535, &port, r) < 0 ||
        param_text(spec, "probe.tcp.host", PARAM_OPTIONAL, &s->order.address, r) < 0 || read_timeout(s, spec, r) < 0 ||
        (s->order.address && !http_is_address(s->order.address) &&
         refusal_text(r, "probe.tcp.host", s->order.address, "the agent resolves no names: write a numeric address"))) {
        free_port(p);
        return -1;
    }
    s->order.port = (int)port;
    return 0;
}

static bool has_field(const struct http_reply *reply, const char *field)
{
    json_t *body = json_loadb(reply->body, reply->body_length, JSON_DECODE_ANY, NULL), *node = body;
    auto_free char *copy = mem_strdup(field);
    char *rest = copy;
    for (char *part; node && (part = strsep(&rest, "."));) {
        int64_t index;
        node = json_is_array(node) && str_to_i64(part, 0, INT32_MAX, &index) ? json_array_get(node, (size_t)index)
                                                                             : json_object_get(node, part);
    }
    bool there = node != NULL;
    json_decref(body);
    return there;
}

/* "": the answer is good; else what is wrong with it. */
static void judge_reply(struct port_state *s, const struct http_reply *reply, char *why, size_t size)
{
    why[0] = '\0';
    if (reply->err.class != ERROR_NONE)
        str_copy(why, size, reply->err.text);
    else if (reply->status < s->status_min || reply->status > s->status_max)
        str_format(why, size, "status %d", reply->status);
    else if (s->has_matches && regexec(&s->matches, reply->body, 0, NULL, 0) != 0)
        str_copy(why, size, "the body does not match");
    else if (s->json_field && !has_field(reply, s->json_field))
        str_format(why, size, "the body has no field %.100s", s->json_field);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The nearest-rank percentile of what was taken so far. */
static double percentile_of(struct port_state *s)
{
    qsort(s->latencies, (size_t)s->taken, sizeof s->latencies[0], by_size);
    int64_t rank = (s->percentile * s->taken + 99) / 100;
    return s->latencies[(rank > 0 ? rank : 1) - 1];
}

static void finish(struct probe *p)
{
    struct port_state *s = p->state;
    double allowed = s->is_slo ? s->error_rate : 0;
    bool good = (double)s->failed <= allowed * (double)s->taken;
    json_t *evidence = json_pack("{s:i, s:I, s:I, s:i}", "port", s->order.port, "samples", (json_int_t)s->taken, "failed",
                                 (json_int_t)s->failed, "status", s->last_status);
    p->result.has_value = true;
    p->result.value = s->last_status;
    char latency[64] = "";
    if (s->percentile) {
        p->result.value = percentile_of(s);
        good = good && p->result.value < s->below_ms + (s->is_slo ? 1e-9 : 0);
        str_format(latency, sizeof latency, "p%d %.1f ms (want %.0f)", (int)s->percentile, p->result.value, s->below_ms);
        json_object_set_new(evidence, "latencyMs", json_real(p->result.value));
        json_object_set_new(evidence, "errorRate", json_real((double)s->failed / (double)s->taken));
    }
    if (s->last_failure[0])
        json_object_set_new(evidence, "failure", text_to_json(s->last_failure, strlen(s->last_failure), sizeof s->last_failure));
    const char *what = s->failed ? s->last_failure : s->percentile ? "" : "good answer";
    probe_finish(p, good != s->expect_failure ? HOLDS : HOLDS_NOT, evidence, "%s%s%s", latency, latency[0] && what[0] ? "; " : "",
                 what);
}

static void next_sample(struct probe *p);

static bool verdict_is_known(const struct port_state *s)
{
    double allowed = s->is_slo ? s->error_rate * (double)s->samples : 0;
    int64_t slow = 0, allowed_slow = s->samples - (s->percentile * s->samples + 99) / 100;
    for (int64_t i = 0; i < s->taken && s->percentile; i++)
        slow += s->latencies[i] >= s->below_ms;
    return s->taken >= s->samples || (double)s->failed > allowed || (s->percentile && slow > allowed_slow);
}

static void answered(void *userdata, const struct http_reply *reply)
{
    struct probe *p = userdata;
    struct port_state *s = p->state;
    char why[160];
    s->call = NULL;
    s->last_status = reply->status;
    judge_reply(s, reply, why, sizeof why);
    if (why[0]) {
        s->failed++;
        str_copy(s->last_failure, sizeof s->last_failure, why);
    }
    s->latencies[s->taken++] = (double)reply->latency / (double)USEC_MSEC;
    if (verdict_is_known(s))
        finish(p);
    else
        next_sample(p);
}

static void next_sample(struct probe *p)
{
    struct port_state *s = p->state;
    s->call = http_begin(p->site.loop, &s->order, answered, p);
}

static void look_http(struct probe *p)
{
    struct port_state *s = p->state;
    s->taken = s->failed = 0;
    s->last_failure[0] = '\0';
    next_sample(p);
}

static void opened(void *userdata, const struct http_reply *reply)
{
    struct probe *p = userdata;
    struct port_state *s = p->state;
    s->call = NULL;
    p->result.has_value = true;
    p->result.value = (double)reply->latency / (double)USEC_MSEC;
    bool good = reply->err.class == ERROR_NONE;
    probe_finish(p, good ? HOLDS : HOLDS_NOT, json_pack("{s:i, s:f}", "port", s->order.port, "ms", p->result.value), "port %d: %s",
                 s->order.port, good ? "open" : reply->err.text);
}

static void look_tcp(struct probe *p)
{
    struct port_state *s = p->state;
    s->call = http_begin(p->site.loop, &s->order, opened, p);
}

const struct probe_kind probe_http = {"http", init_http, look_http, free_port};
const struct probe_kind probe_slo = {"slo", init_slo, look_http, free_port};
const struct probe_kind probe_tcp = {"tcp", init_tcp, look_tcp, free_port};

/* What an answer means: the judges of core/probe.h for http, slo and pods. */
#include "core/probe.h"

#include "api/bound.h"
#include "base/rfc3339.h"
#include "base/str.h"

#include <math.h>
#include <regex.h>
#include <stdarg.h>

#define HTTP_SAMPLES_MAX 200

bool comparison_holds(const json_t *comparison, double value, double whole)
{
    return bounds_hold(comparison, value, whole, 1000);
}

static void evidence_say(struct evidence *e, enum holds holds, usec_t now, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void evidence_say(struct evidence *e, enum holds holds, usec_t now, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_vformat(e->message, sizeof(e->message), format, args);
    va_end(args);
    e->holds = holds;
    e->since = e->seen_at = e->known_since = now;
    if (holds == HOLDS_UNKNOWN)
        e->known_since = 0;
}

/* ── http and slo ── */

/* No answer is an answer; but what went wrong on our side says nothing about the target. */
static bool sample_is_ours(const struct http_sample *s)
{
    return s->err.class == ERROR_CANCELLED || s->err.class == ERROR_INTERNAL || s->err.class == ERROR_INVALID;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Nearest rank, in milliseconds; what was never answered took for ever. `percentile`: 1 to 100. */
static double latency_percentile(const struct http_sample *samples, size_t count, int percentile)
{
    double sorted[HTTP_SAMPLES_MAX];
    count = count < HTTP_SAMPLES_MAX ? count : HTTP_SAMPLES_MAX;
    for (size_t i = 0; i < count; i++)
        sorted[i] = samples[i].err.class == ERROR_NONE ? (double)samples[i].latency / USEC_MSEC : INFINITY;
    qsort(sorted, count, sizeof(*sorted), compare_doubles);
    size_t rank = (count * (size_t)percentile + 99) / 100;
    return sorted[rank ? rank - 1 : 0];
}

/* "items", "data.0.id": numbers index arrays. */
static bool body_has_field(const char *body, const char *field)
{
    json_t *root = body ? json_loads(body, JSON_DECODE_ANY, NULL) : NULL;
    const json_t *at = root;
    while (at && *field) {
        char part[257];
        size_t length = strcspn(field, ".");
        int64_t index;
        str_format(part, sizeof(part), "%.*s", (int)length, field);
        if (json_is_array(at))
            at = str_to_i64(part, 0, 1 << 20, &index) ? json_array_get(at, (size_t)index) : NULL;
        else
            at = json_object_get(at, part);
        field += length + (field[length] == '.');
    }
    bool found = at != NULL;
    json_decref(root);
    return found;
}

/* An answer that is good in every way asked for. UNKNOWN: the probe itself is at fault. */
static enum holds http_answer_good(const json_t *http, const struct http_sample *s, char message[200])
{
    int64_t min = json_int(http, "status.min", 200), max = json_int(http, "status.max", 399);
    const char *pattern = json_str(http, "bodyMatches", NULL), *field = json_str(http, "jsonField", NULL);
    if (s->err.class != ERROR_NONE) {
        str_format(message, 200, "no answer: %.150s", s->err.text);
        return HOLDS_FALSE;
    }
    str_format(message, 200, "answered %d", s->status);
    if (s->status < min || s->status > max) {
        str_format(message, 200, "answered %d, not %d to %d", s->status, (int)min, (int)max);
        return HOLDS_FALSE;
    }
    if (field && !body_has_field(s->body, field)) {
        str_format(message, 200, "answered %d without the field %.100s", s->status, field);
        return HOLDS_FALSE;
    }
    if (pattern) {
        regex_t regex;
        if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
            str_format(message, 200, "http.bodyMatches: \"%.100s\" is not an extended regular expression", pattern);
            return HOLDS_UNKNOWN;
        }
        bool matches = regexec(&regex, s->body ? s->body : "", 0, NULL, 0) == 0;
        regfree(&regex);
        if (!matches) {
            str_format(message, 200, "answered %d with a body that does not match %.100s", s->status, pattern);
            return HOLDS_FALSE;
        }
    }
    return HOLDS_TRUE;
}

static void http_judge(const json_t *http, const struct http_sample *samples, size_t count, usec_t now, struct evidence *e)
{
    const struct http_sample *last = &samples[count - 1];
    char message[200];
    enum holds good = http_answer_good(http, last, message);
    e->has_value = last->err.class == ERROR_NONE;
    e->value = last->status;
    usec_t below = json_duration(http, "latency.below", -1);
    if (good == HOLDS_TRUE && below >= 0) {
        int64_t asked = json_int(http, "latency.percentile", 95); /* by the schema 1 to 100, which an object need not have met */
        int percentile = (int)(asked < 1 ? 1 : asked > 100 ? 100 : asked);
        double latency = latency_percentile(samples, count, percentile);
        double limit = (double)below / USEC_MSEC;
        e->has_value = isfinite(latency);
        e->value = latency;
        good = latency < limit ? HOLDS_TRUE : HOLDS_FALSE;
        if (isfinite(latency))
            str_format(message, sizeof(message), "%d %% of %zu requests took up to %.1f ms (below %.0f ms asked)", percentile,
                       count, latency, limit);
        else
            str_format(message, sizeof(message), "more than %d %% of %zu requests were not answered", 100 - percentile, count);
    }
    if (good != HOLDS_UNKNOWN && json_flag(http, "expectFailure", false))
        good = good == HOLDS_TRUE ? HOLDS_FALSE : HOLDS_TRUE;
    evidence_say(e, good, now, "%s", message);
}

static void slo_judge(const json_t *slo, const struct http_sample *samples, size_t count, usec_t now, struct evidence *e)
{
    size_t failed = 0;
    for (size_t i = 0; i < count; i++)
        failed += samples[i].err.class != ERROR_NONE || samples[i].status < 200 || samples[i].status >= 400;
    double p95 = latency_percentile(samples, count, 95), rate = (double)failed / (double)count;
    usec_t limit = json_duration(slo, "latencyP95", -1);
    double error_rate = json_num(slo, "errorRate", -1);
    e->has_value = isfinite(p95);
    e->value = p95;
    e->data = json_object();
    json_put_num(e->data, "latencyP95Ms", p95);
    json_put_num(e->data, "errorRate", rate);
    json_put_int(e->data, "samples", (int64_t)count);
    if (limit < 0 && error_rate < 0)
        evidence_say(e, HOLDS_UNKNOWN, now, "the service level asks for nothing; set latencyP95 or errorRate in spec.facets.slo");
    else if (error_rate >= 0 && rate > error_rate)
        evidence_say(e, HOLDS_FALSE, now, "%zu of %zu requests failed, more than %g %%", failed, count, error_rate * 100);
    else if (limit >= 0 && !(p95 < (double)limit / USEC_MSEC))
        evidence_say(e, HOLDS_FALSE, now, "95 %% of %zu requests took up to %.1f ms, not below %.0f ms", count, p95,
                     (double)limit / USEC_MSEC);
    else
        evidence_say(e, HOLDS_TRUE, now, "95 %% of %zu requests took up to %.1f ms, %zu failed", count, p95, failed);
}

void probe_http_judge(const json_t *probe, const struct http_sample *samples, size_t count, usec_t now,
                      struct evidence *ret_evidence)
{
    *ret_evidence = (struct evidence){.holds = HOLDS_UNKNOWN};
    for (size_t i = 0; i < count; i++)
        if (sample_is_ours(&samples[i])) {
            evidence_say(ret_evidence, HOLDS_UNKNOWN, now, "could not ask: %.200s", samples[i].err.text);
            return;
        }
    if (count == 0)
        evidence_say(ret_evidence, HOLDS_UNKNOWN, now, "nothing was asked");
    else if (json_at(probe, "slo"))
        slo_judge(json_at(probe, "slo.ref") ?: json_at(probe, "slo"), samples, count, now, ret_evidence);
    else
        http_judge(json_at(probe, "http"), samples, count, now, ret_evidence);
}

/* ── pods ── */

static bool has_percentage(const json_t *comparison)
{
    const char *key;
    json_t *written;
    json_object_foreach((json_t *)(uintptr_t)comparison, key, written) if (str_ends(json_string_value(written), "%")) return true;
    return false;
}

/* How the target container of a pod last ended, since `from`; NULL: it did not. */
static const char *pod_ended(const struct pod *pod, const char *wanted, usec_t from)
{
    const char *container = pod_container(pod, wanted);
    const json_t *states = json_at(pod->root, "status.containers");
    for (size_t i = 0; i < json_array_size(states); i++) {
        const json_t *state = json_array_get(states, i);
        if (str_equal(json_str(state, "name", ""), container) && json_at(state, "terminated") &&
            json_time(state, "terminated.at", USEC_NEVER) >= from)
            return json_str(state, "terminated.reason", "");
    }
    return NULL;
}

/* During `within` only the last end of each pod is known: one that ended then has restarted at least once. */
static int pods_restarts(const struct pod *pods, size_t count, const char *except, const char *container, usec_t from)
{
    int most = 0;
    for (size_t i = 0; i < count; i++) {
        if (except && str_equal(pods[i].meta.name, except))
            continue;
        int restarts = pod_restarts(&pods[i], pod_container(&pods[i], container));
        if (from > 0)
            restarts = restarts > 0 && pod_ended(&pods[i], container, from) ? 1 : 0;
        most = restarts > most ? restarts : most;
    }
    return most;
}

struct pods_check {
    bool asked, holds;
    double value;
    char message[120];
};

static void check_count(const json_t *comparison, double value, double whole, const char *what, struct pods_check *c)
{
    *c = (struct pods_check){.asked = comparison != NULL, .holds = comparison_holds(comparison, value, whole), .value = value};
    str_format(c->message, sizeof(c->message), "%g of %g %s", value, whole, what);
}

void probe_pods_judge(const json_t *probe, const struct pod *pods, size_t count, const char *container, usec_t now,
                      struct evidence *ret_evidence)
{
    const json_t *asked = json_at(probe, "pods");
    usec_t within = json_duration(asked, "within", -1), from = within >= 0 ? now - within : 0;
    *ret_evidence = (struct evidence){.holds = HOLDS_UNKNOWN};
    /* Set by the core for rollback rules, which ask about the others: the drilled pod is expected to be unwell. */
    const char *except = json_str(asked, "except", NULL);
    size_t all = count;
    for (size_t i = 0; i < all; i++)
        count -= except && str_equal(pods[i].meta.name, except);
    if (count == 0 && (has_percentage(json_at(asked, "ready")) || has_percentage(json_at(asked, "notReady")))) {
        evidence_say(ret_evidence, HOLDS_UNKNOWN, now, "the target selects no pod, so there is no share of them");
        return;
    }
    size_t ready = 0, in_phase = 0, ended = 0;
    const char *phase = json_str(asked, "phase", NULL), *reason = json_str(asked, "terminatedReason", NULL);
    for (size_t i = 0; i < all; i++) {
        if (except && str_equal(pods[i].meta.name, except))
            continue;
        ready += pods[i].ready;
        in_phase += phase && str_equal(pods[i].phase, phase);
        const char *why = pod_ended(&pods[i], container, from);
        ended += reason && why && str_equal(why, reason);
    }
    struct pods_check checks[5];
    check_count(json_at(asked, "ready"), (double)ready, (double)count, "pods are ready", &checks[0]);
    check_count(json_at(asked, "notReady"), (double)(count - ready), (double)count, "pods are not ready", &checks[1]);
    int restarts = pods_restarts(pods, all, except, container, from);
    check_count(json_at(asked, "restarts"), restarts, 0, "", &checks[2]);
    str_format(checks[2].message, sizeof(checks[2].message), "the most restarts of a pod are %d", restarts);
    checks[3] = (struct pods_check){.asked = phase != NULL, .holds = in_phase > 0, .value = (double)in_phase};
    str_format(checks[3].message, sizeof(checks[3].message), "%zu of %zu pods are in phase %.40s", in_phase, count,
               phase ? phase : "");
    checks[4] = (struct pods_check){.asked = reason != NULL, .holds = ended > 0, .value = (double)ended};
    str_format(checks[4].message, sizeof(checks[4].message), "%zu of %zu pods ended last by %.40s", ended, count,
               reason ? reason : "");

    const struct pods_check *shown = NULL;
    for (size_t i = 0; i < array_len(checks); i++) {
        if (!checks[i].asked)
            continue;
        if (!ret_evidence->has_value) {
            ret_evidence->has_value = true;
            ret_evidence->value = checks[i].value;
        }
        if (!shown || (shown->holds && !checks[i].holds))
            shown = &checks[i];
    }
    if (!shown)
        evidence_say(ret_evidence, HOLDS_UNKNOWN, now, "the pods probe asks for nothing; write for example {ready: {atLeast: 1}}");
    else
        evidence_say(ret_evidence, shown->holds ? HOLDS_TRUE : HOLDS_FALSE, now, "%s", shown->message);
}

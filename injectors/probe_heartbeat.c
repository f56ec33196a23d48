/* The probe "heartbeat" {file:{path} | http:{port, path, jsonField}, maxAgeMs}: the last beat is not older than that. The value is its
 * age in seconds. Of a page: a status below 400 is a beat now, or its field says when the beat was (RFC 3339, or seconds since 1970).
 * Before the first beat its age is that of the target: what has just been started is not late yet. */
#include "http.h"
#include "probe.h"

#include "base/rfc3339.h"
#include "base/str.h"

struct heartbeat_state {
    int64_t max_age_ms;
    struct http_order order;
    struct http_call *call;
    const char *json_field;
    usec_t last_beat; /* wall; 0: none seen yet */
};

static int init_page(struct heartbeat_state *s, json_t *http, struct refusal *r)
{
    int64_t port;
    s->order.path = "/";
    if (param_integer(http, "probe.heartbeat.http.port", PARAM_REQUIRED, 1, 65535, &port, r) < 0 ||
        param_text(http, "probe.heartbeat.http.path", PARAM_OPTIONAL, &s->order.path, r) < 0 ||
        param_text(http, "probe.heartbeat.http.jsonField", PARAM_OPTIONAL, &s->json_field, r) < 0)
        return -1;
    if (s->order.path[0] != '/' || strpbrk(s->order.path, " \r\n"))
        return refusal_text(r, "probe.heartbeat.http.path", s->order.path,
                            "it wants a path that begins with \"/\", without blanks");
    s->order.port = (int)port;
    s->order.timeout = usec_min(s->max_age_ms * USEC_MSEC, 5 * USEC_SEC);
    return 0;
}

static int init(struct probe *p, json_t *spec, struct refusal *r)
{
    struct heartbeat_state *s = mem_new(struct heartbeat_state);
    json_t *file = NULL, *http = NULL;
    s->max_age_ms = 10000;
    int rc = param_integer(spec, "probe.heartbeat.maxAgeMs", PARAM_OPTIONAL, 1, USEC_DAY / USEC_MSEC, &s->max_age_ms, r);
    rc = rc < 0 ? rc : param_object(spec, "probe.heartbeat.file", PARAM_OPTIONAL, &file, r);
    rc = rc < 0 ? rc : param_object(spec, "probe.heartbeat.http", PARAM_OPTIONAL, &http, r);
    if (rc == 0 && !file == !http)
        rc = refusal_field(r, "probe.heartbeat", spec, "a heartbeat is looked at here by file or by http, one of them");
    else if (rc == 0)
        rc = http ? init_page(s, http, r) : param_path(file, "probe.heartbeat.file.path", PARAM_REQUIRED, &p->path, r);
    if (rc < 0) {
        free(s);
        return -1;
    }
    p->state = s;
    return 0;
}

static void judge(struct probe *p, usec_t beat_wall)
{
    struct heartbeat_state *s = p->state;
    usec_t age = usec_max(time_wall() - beat_wall, 0), limit = s->max_age_ms * USEC_MSEC;
    p->result.has_value = true;
    p->result.value = (double)age / (double)USEC_SEC;
    if (age <= limit)
        p->result.again = time_monotonic() + limit - age;
    probe_finish(
        p, age <= limit ? HOLDS : HOLDS_NOT,
        json_pack("{s:f, s:f}", "ageSeconds", (double)age / (double)USEC_SEC, "beatAt", (double)beat_wall / (double)USEC_SEC),
        "the last beat is %.3f s old; %.3f s are allowed", (double)age / (double)USEC_SEC, (double)limit / (double)USEC_SEC);
}

static void judge_unseen(struct probe *p, const char *why)
{
    const struct heartbeat_state *s = p->state;
    struct process first;
    usec_t left = target_first(p->site.target, &first, NULL) == 0 ? s->max_age_ms * USEC_MSEC - process_age(&first) : 0;
    if (left > 0)
        p->result.again = time_monotonic() + left;
    probe_finish(p, left > 0 ? HOLDS : HOLDS_NOT, NULL, "no heartbeat yet%s: %s",
                 left > 0 ? ", but the target has just been started" : "", why);
}

static bool time_in_body(const struct http_reply *reply, const char *field, usec_t *ret_wall)
{
    json_t *body = json_loadb(reply->body, reply->body_length, JSON_DECODE_ANY, NULL), *node = body;
    auto_free char *copy = mem_strdup(field);
    char *rest = copy;
    for (char *part; node && (part = strsep(&rest, "."));)
        node = json_object_get(node, part);
    bool good = json_is_number(node) || (json_is_string(node) && rfc3339_parse(json_string_value(node), ret_wall));
    if (json_is_number(node))
        *ret_wall = (usec_t)(json_number_value(node) * (double)USEC_SEC);
    json_decref(body);
    return good;
}

static void answered(void *userdata, const struct http_reply *reply)
{
    struct probe *p = userdata;
    struct heartbeat_state *s = p->state;
    s->call = NULL;
    bool good = reply->err.class == ERROR_NONE && reply->status < 400;
    if (good && !s->json_field)
        s->last_beat = time_wall();
    else if (good && !time_in_body(reply, s->json_field, &s->last_beat)) {
        probe_finish(p, HOLDS_UNKNOWN, NULL, "the page has no time in %s", s->json_field);
        return;
    }
    if (s->last_beat) /* without an answer the last beat that was seen goes on ageing */
        judge(p, s->last_beat);
    else
        judge_unseen(p, reply->err.class ? reply->err.text : "the page answers with an error");
}

static void look(struct probe *p)
{
    struct heartbeat_state *s = p->state;
    struct error err = {0};
    struct stat st;
    if (!p->path) {
        s->call = http_begin(p->site.loop, &s->order, answered, p);
        return;
    }
    auto_fd int root = target_root(p->site.target, &err);
    if (root < 0)
        probe_finish(p, HOLDS_UNKNOWN, NULL, "%s", err.text);
    else if (rootfs_stat(root, p->path, &st, &err) == 0)
        judge(p, (usec_t)st.st_mtim.tv_sec * USEC_SEC + st.st_mtim.tv_nsec / 1000);
    else if (err.class == ERROR_NOT_FOUND)
        judge_unseen(p, err.text);
    else
        probe_finish(p, HOLDS_UNKNOWN, NULL, "no heartbeat: %s", err.text);
}

static void free_state(struct probe *p)
{
    struct heartbeat_state *s = p->state;
    http_cancel(s->call);
    free(s);
}

const struct probe_kind probe_heartbeat = {"heartbeat", init, look, free_state};

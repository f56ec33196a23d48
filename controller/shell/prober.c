#include "shell/prober.h"

#include "base/str.h"
#include "shell/hold.h"
#include "shell/path.h"

#define SAMPLE_BODY_MAX ((size_t)64 * 1024)

/* One request of a look. It outlives the look when that is stopped meanwhile. */
struct ask {
    struct prober_look *look; /* NULL: stopped */
};

struct prober_look {
    struct prober *prober;
    enum probe_place place;
    json_t *probe;
    struct target target;
    struct key pod;
    usec_t every;
    struct hold hold;
    prober_report_fn *report;
    void *userdata;
    struct alarm alarm;
    struct ask *ask; /* what is open */
    usec_t began;    /* monotonic, of this look */
    /* HTTP */
    char host[400];
    int port;
    struct http_sample *samples;
    size_t wanted, taken;
    char *body; /* of the newest sample */
};

static usec_t now_of(const struct prober_look *l)
{
    return world_now(l->prober->world);
}

static void sample_clear(struct prober_look *l)
{
    free(l->body);
    l->body = NULL;
    l->taken = 0;
}

/* The look is over: what it showed is told, and the next one is due `every` after this one began. */
static void conclude(struct prober_look *l, struct evidence *e)
{
    bool news = hold_look(&l->hold, e, clock_now(l->prober->clock));
    json_decref(e->data);
    sample_clear(l);
    alarm_set(&l->alarm, usec_max(l->began + l->every, now_of(l) + 10 * USEC_MSEC));
    l->report(l->userdata, &l->hold.shown, news);
}

static void conclude_unknown(struct prober_look *l, const char *why)
{
    struct evidence e = {.holds = HOLDS_UNKNOWN};
    str_copy(e.message, sizeof(e.message), why);
    conclude(l, &e);
}

static struct ask *ask_begin(struct prober_look *l)
{
    l->ask = mem_new(struct ask);
    l->ask->look = l;
    return l->ask;
}

/* The look whose request was answered; NULL: it was stopped. */
static struct prober_look *ask_end(void *userdata)
{
    struct ask *ask = userdata;
    struct prober_look *l = ask->look;
    free(ask);
    if (l)
        l->ask = NULL;
    return l;
}

/* ── HTTP: samples, one after another ── */

static void take_sample(struct prober_look *l);

static void on_http(void *userdata, const struct world_http_reply *reply)
{
    struct prober_look *l = ask_end(userdata);
    if (!l || reply->err.class == ERROR_CANCELLED)
        return;
    free(l->body);
    l->body = mem_strdup(reply->body);
    for (size_t i = 0; i < l->taken; i++)
        l->samples[i].body = NULL; /* only the last one's is kept */
    l->samples[l->taken++] =
        (struct http_sample){.err = reply->err, .status = reply->status, .latency = reply->latency, .body = l->body};
    if (l->taken < l->wanted) {
        take_sample(l);
        return;
    }
    struct evidence e;
    probe_http_judge(l->probe, l->samples, l->taken, clock_now(l->prober->clock), &e);
    conclude(l, &e);
}

static void take_sample(struct prober_look *l)
{
    struct probe_endpoint at;
    struct error err = {0};
    if (probe_endpoint(l->probe, &l->target, &at, &err) < 0) {
        conclude_unknown(l, err.text);
        return;
    }
    auto_free char *url = mem_printf("%s://%s:%d%s", at.scheme, l->host, l->port, at.path);
    json_auto_t *headers = json_object();
    size_t i;
    json_t *header;
    json_array_foreach((json_t *)at.headers, i, header)
        json_put_str(headers, json_str(header, "name", "X"), json_str(header, "value", ""));
    struct world_http request = {
        .url = url, .method = at.method, .headers = headers, .body = at.body, .timeout = at.timeout, .max_body = SAMPLE_BODY_MAX};
    world_http(l->prober->world, &request, on_http, ask_begin(l));
}

static void on_tcp(void *userdata, const struct error *err, usec_t latency)
{
    struct prober_look *l = ask_end(userdata);
    if (!l || err->class == ERROR_CANCELLED)
        return;
    struct evidence e = {.holds = err->class == ERROR_NONE ? HOLDS_TRUE : HOLDS_FALSE,
                         .has_value = true,
                         .value = (double)latency / (double)USEC_MSEC};
    str_copy(e.message, sizeof(e.message), err->class == ERROR_NONE ? "the connection opened" : err->text);
    conclude(l, &e);
}

static void connect_to(struct prober_look *l, const char *host, int port)
{
    bool bare = l->place == PROBE_TCP && host[0] == '['; /* brackets are of URLs */
    str_format(l->host, sizeof(l->host), "%.*s", (int)(strlen(host) - (bare ? 2 : 0)), host + bare);
    l->port = port;
    if (l->place == PROBE_TCP) {
        struct probe_endpoint at = {.timeout = 5 * USEC_SEC};
        probe_endpoint(l->probe, &l->target, &at, NULL);
        world_tcp(l->prober->world, l->host, port, at.timeout, on_tcp, ask_begin(l));
        return;
    }
    l->wanted = (size_t)probe_http_samples(l->probe);
    l->samples = mem_resize(l->samples, l->wanted, sizeof(*l->samples));
    take_sample(l);
}

static void on_service(void *userdata, const char *host, int port, const struct error *err)
{
    struct prober_look *l = userdata;
    if (err->class == ERROR_NONE)
        connect_to(l, host, port);
    else if (err->class != ERROR_CANCELLED)
        conclude_unknown(l, err->text);
}

static void look_by_network(struct prober_look *l)
{
    struct probe_endpoint at;
    struct error err = {0};
    if (probe_endpoint(l->probe, &l->target, &at, &err) < 0) {
        conclude_unknown(l, err.text);
        return;
    }
    if (at.service) {
        services_find(l->prober->services, l->target.meta.ns, at.service, at.port, on_service, l);
        return;
    }
    json_auto_t *object = store_get(l->prober->lookup.store, &l->pod);
    const char *ip = json_str(object, "status.podIP", "");
    if (str_empty(ip)) {
        conclude_unknown(l, object ? "the pod has no address yet" : "the pod is gone");
        return;
    }
    char host[80];
    str_format(host, sizeof(host), strchr(ip, ':') ? "[%s]" : "%s", ip);
    connect_to(l, host, at.port);
}

/* ── from the cache, and by one GET ── */

static void look_at_pods(struct prober_look *l)
{
    size_t count;
    struct pod *pods = lookup_pods(&l->prober->lookup, &l->target, &count);
    struct evidence e;
    probe_pods_judge(l->probe, pods, count, l->target.container, clock_now(l->prober->clock), &e);
    conclude(l, &e);
    pods_free(pods, count);
}

static void on_object(void *userdata, const struct world_reply *reply)
{
    struct prober_look *l = ask_end(userdata);
    if (!l || reply->err.class == ERROR_CANCELLED)
        return;
    if (reply->err.class != ERROR_NONE && reply->err.class != ERROR_NOT_FOUND) {
        conclude_unknown(l, reply->err.text);
        return;
    }
    struct evidence e;
    probe_object_judge(l->probe, reply->err.class == ERROR_NONE ? reply->body : NULL, clock_now(l->prober->clock), &e);
    conclude(l, &e);
}

/* The kind's plural as the built-in kinds and nearly all others form it; asking the API's discovery would cost a request a kind. */
static void append_plural(struct buf *b, const char *kind)
{
    char word[64];
    size_t n = 0;
    for (; kind[n] && n < sizeof(word) - 1; n++)
        word[n] = kind[n] >= 'A' && kind[n] <= 'Z' ? (char)(kind[n] + 'a' - 'A') : kind[n];
    word[n] = '\0';
    if (str_ends(word, "s") || str_ends(word, "x") || str_ends(word, "ch"))
        buf_printf(b, "%ses", word);
    else if (n > 1 && str_ends(word, "y") && !strchr("aeiou", word[n - 2]))
        buf_printf(b, "%.*sies", (int)n - 1, word);
    else
        buf_printf(b, "%ss", word);
}

static void look_at_object(struct prober_look *l)
{
    const json_t *object = json_object_get(l->probe, "object");
    const char *version = json_str(object, "apiVersion", "v1"), *kind = json_str(object, "kind", "");
    if (str_equal(kind, "Secret")) {
        conclude_unknown(l, "Secrets are never read");
        return;
    }
    auto_buf struct buf path;
    buf_init(&path, PATH_MAX_SIZE);
    buf_printf(&path, strchr(version, '/') ? "/apis/%s/namespaces/" : "/api/%s/namespaces/", version);
    path_append_escaped(&path, l->target.meta.ns);
    buf_append_char(&path, '/');
    append_plural(&path, kind);
    buf_append_char(&path, '/');
    path_append_escaped(&path, json_str(object, "name", ""));
    struct world_request request = {.method = "GET", .path = buf_str(&path), .timeout = 5 * USEC_SEC};
    world_api(l->prober->world, &request, on_object, ask_begin(l));
}

/* ── life ── */

static void look(void *userdata)
{
    struct prober_look *l = userdata;
    l->began = now_of(l);
    switch (l->place) {
    case PROBE_HTTP:
    case PROBE_TCP:
        look_by_network(l);
        return;
    case PROBE_PODS:
        look_at_pods(l);
        return;
    case PROBE_OBJECT:
        look_at_object(l);
        return;
    case PROBE_AGENT:
    case PROBE_AGENT_TARGET:
    case PROBE_UNSUPPORTED:
        return;
    }
}

struct prober_look *prober_start(struct prober *p, const struct prober_want *want, prober_report_fn *report, void *userdata)
{
    struct prober_look *l = mem_new(struct prober_look);
    *l = (struct prober_look){
        .prober = p,
        .place = want->place,
        .probe = json_incref((json_t *)want->probe),
        .pod = want->pod,
        .every = want->every ? want->every : USEC_SEC,
        .report = report,
        .userdata = userdata,
    };
    target_decode(want->target->root, &l->target, NULL);
    hold_init(&l->hold, want->hold_for, want->refresh);
    alarm_init(&l->alarm, p->alarms, look, l);
    alarm_set(&l->alarm, now_of(l));
    return l;
}

void prober_stop(struct prober_look *l)
{
    if (!l)
        return;
    alarm_clear(&l->alarm);
    services_forget(l->prober->services, l);
    if (l->ask)
        l->ask->look = NULL;
    hold_done(&l->hold);
    sample_clear(l);
    free(l->samples);
    target_done(&l->target);
    json_decref(l->probe);
    free(l);
}

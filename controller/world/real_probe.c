#include "base/str.h"
#include "net/tcp.h"
#include "world/real_internal.h"

#define PROBE_TIMEOUT  (5 * USEC_SEC)
#define PROBE_BODY_MAX ((size_t)64 << 10)

/* ── HTTP ── */

struct http_probe {
    struct list node;
    struct http_call *call;
    world_http_fn *done;
    void *userdata;
};

static void http_answer(struct http_probe *p, const struct world_http_reply *reply)
{
    list_remove(&p->node);
    p->done(p->userdata, reply);
    free(p);
}

static void on_http(void *userdata, const struct http_reply *r)
{
    bool answered = r->err.class == ERROR_NONE;
    http_answer(userdata, &(struct world_http_reply){
                              .err = r->err,
                              .status = r->status,
                              .latency = r->latency,
                              .body = answered || r->body_length ? r->body : NULL,
                              .body_length = r->body_length,
                          });
}

static void add_headers(struct strlist *to, json_t *from)
{
    const char *name;
    json_t *value;
    json_object_foreach(from, name, value)
    {
        if (!json_is_string(value))
            continue;
        auto_free char *line = mem_printf("%s: %s", name, json_string_value(value));
        strlist_add(to, line);
    }
}

void real_http(struct world *w, const struct world_http *request, world_http_fn *done, void *userdata)
{
    static const struct http_handlers handlers = {.on_done = on_http};
    static const struct tls unverified = {.insecure = true};
    struct real *r = real_of(w);
    struct http_probe *p = mem_new(struct http_probe);
    p->done = done;
    p->userdata = userdata;
    list_append(&r->http_probes, &p->node);
    if (r->freeing)
        return;
    auto_strlist struct strlist headers = {0};
    strlist_add(&headers, "User-Agent: " CLIENT_USER_AGENT);
    add_headers(&headers, request->headers);
    usec_t timeout = request->timeout ? request->timeout : PROBE_TIMEOUT;
    struct http_request h = {
        .method = request->method,
        .url = request->url,
        .headers = &headers,
        .body = request->body,
        .body_length = request->body ? strlen(request->body) : 0,
        .tls = &unverified,
        .proxy = "",
        .timeout = timeout,
        .connect_timeout = timeout,
        .max_body = request->max_body ? request->max_body : PROBE_BODY_MAX,
        .cut_body = true,
        .own_connection = true,
    };
    p->call = http_start(r->probes, &h, &handlers, p);
}

/* ── TCP ── */

struct tcp_ask {
    struct list node;
    struct tcp_probe *probe;
    world_tcp_fn *done;
    void *userdata;
};

static void on_tcp(void *userdata, const struct error *err, usec_t latency)
{
    struct tcp_ask *a = userdata;
    list_remove(&a->node);
    a->done(a->userdata, err, latency);
    free(a);
}

void real_tcp(struct world *w, const char *host, int port, usec_t timeout, world_tcp_fn *done, void *userdata)
{
    struct real *r = real_of(w);
    struct tcp_ask *a = mem_new(struct tcp_ask);
    a->done = done;
    a->userdata = userdata;
    list_append(&r->tcp_probes, &a->node);
    if (!r->freeing)
        a->probe = tcp_probe_start(r->loop, host, port, timeout ? timeout : PROBE_TIMEOUT, on_tcp, a);
}

void real_probe_cancel_all(struct real *r, const struct error *err)
{
    while (!list_empty(&r->http_probes)) {
        struct http_probe *p = list_entry(r->http_probes.next, struct http_probe, node);
        http_cancel(p->call);
        http_answer(p, &(struct world_http_reply){.err = *err});
    }
    while (!list_empty(&r->tcp_probes)) {
        struct tcp_ask *a = list_entry(r->tcp_probes.next, struct tcp_ask, node);
        tcp_probe_cancel(a->probe);
        on_tcp(a, err, 0);
    }
}

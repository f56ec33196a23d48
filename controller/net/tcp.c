#include "net/tcp.h"

#include "base/str.h"

#include <uv.h>

/* A look-up cannot be called off once its thread works on it, so it outlives its probe. */
struct lookup {
    uv_getaddrinfo_t request;
    struct tcp_probe *probe; /* NULL: nobody waits for it */
};

struct attempt {
    uv_tcp_t tcp;
    uv_connect_t connect;
    struct tcp_probe *probe; /* NULL: given up */
};

struct tcp_probe {
    struct loop *loop;
    char where[300];
    int port;
    usec_t started;
    struct timer *limit;
    struct lookup *lookup;
    struct addrinfo *addresses, *next;
    struct attempt *attempt;
    struct error err; /* of the last attempt, or why there is none */
    bool failed;
    void (*done)(void *userdata, const struct error *err, usec_t latency);
    void *userdata;
};

static void attempt_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void drop_attempt(struct tcp_probe *p)
{
    if (!p->attempt)
        return;
    p->attempt->probe = NULL;
    uv_close((uv_handle_t *)&p->attempt->tcp, attempt_closed);
    p->attempt = NULL;
}

void tcp_probe_cancel(struct tcp_probe *p)
{
    if (!p)
        return;
    drop_attempt(p);
    if (p->lookup) {
        p->lookup->probe = NULL;
        uv_cancel((uv_req_t *)&p->lookup->request);
    }
    uv_freeaddrinfo(p->addresses);
    timer_free(p->limit);
    free(p);
}

static void finish(struct tcp_probe *p, const struct error *err)
{
    struct error copy = *err;
    p->done(p->userdata, &copy, time_monotonic() - p->started);
    tcp_probe_cancel(p);
}

static void limit_reached(void *userdata)
{
    struct tcp_probe *p = userdata;
    if (!p->failed)
        error_set(&p->err, ERROR_TIMEOUT, "connect to %s: no answer in time", p->where);
    finish(p, &p->err);
}

/* Comes to `done` from the loop, not from here. */
static void fail_soon(struct tcp_probe *p)
{
    p->failed = true;
    timer_at(p->limit, 0);
}

static void try_next(struct tcp_probe *p);

static void connected(uv_connect_t *request, int status)
{
    struct attempt *a = request->data;
    struct tcp_probe *p = a->probe;
    if (!p)
        return;
    drop_attempt(p);
    if (status == 0) {
        finish(p, &(struct error){0});
        return;
    }
    error_set(&p->err, status == UV_ETIMEDOUT ? ERROR_TIMEOUT : ERROR_UNAVAILABLE, "connect to %s: %s", p->where,
              uv_strerror(status));
    try_next(p);
}

static void try_address(struct tcp_probe *p, const struct sockaddr *address)
{
    struct attempt *a = p->attempt = mem_new(struct attempt);
    a->probe = p;
    a->tcp.data = a->connect.data = a;
    uv_tcp_init(loop_uv(p->loop), &a->tcp);
    int r = uv_tcp_connect(&a->connect, &a->tcp, address, connected);
    if (r == 0)
        return;
    drop_attempt(p);
    error_set(&p->err, ERROR_UNAVAILABLE, "connect to %s: %s", p->where, uv_strerror(r));
    fail_soon(p);
}

static void try_next(struct tcp_probe *p)
{
    const struct addrinfo *at = p->next;
    if (!at) {
        fail_soon(p);
        return;
    }
    p->next = at->ai_next;
    try_address(p, at->ai_addr);
}

static void looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct lookup *l = request->data;
    struct tcp_probe *p = l->probe;
    free(l);
    if (!p) {
        uv_freeaddrinfo(found);
        return;
    }
    p->lookup = NULL;
    p->addresses = p->next = found;
    if (status < 0)
        error_set(&p->err, ERROR_UNAVAILABLE, "look up %s: %s", p->where, uv_strerror(status));
    try_next(p);
}

static void look_up(struct tcp_probe *p, const char *host)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    char service[8];
    str_format(service, sizeof service, "%d", p->port);
    p->lookup = mem_new(struct lookup);
    p->lookup->probe = p;
    p->lookup->request.data = p->lookup;
    int r = uv_getaddrinfo(loop_uv(p->loop), &p->lookup->request, looked_up, host, service, &hints);
    if (r == 0)
        return;
    free(mem_take(p->lookup));
    error_set(&p->err, ERROR_INVALID, "look up %s: %s", p->where, uv_strerror(r));
    fail_soon(p);
}

struct tcp_probe *tcp_probe_start(struct loop *l, const char *host, int port, usec_t timeout,
                                  void (*done)(void *userdata, const struct error *err, usec_t latency), void *userdata)
{
    struct tcp_probe *p = mem_new(struct tcp_probe);
    p->loop = l;
    p->port = port;
    p->started = time_monotonic();
    p->done = done;
    p->userdata = userdata;
    p->limit = timer_new(l, limit_reached, p);
    timer_at(p->limit, usec_add(p->started, timeout));
    char quoted[260];
    str_format(p->where, sizeof p->where, "%s port %d", str_quote(quoted, sizeof quoted, host), port);
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    if (port < 1 || port > 65535) {
        error_set(&p->err, ERROR_INVALID, "connect to %s: a port is in 1–65535", p->where);
        fail_soon(p);
    } else if (uv_ip4_addr(host, port, &four) == 0) {
        try_address(p, (const struct sockaddr *)&four);
    } else if (uv_ip6_addr(host, port, &six) == 0) {
        try_address(p, (const struct sockaddr *)&six);
    } else {
        look_up(p, host);
    }
    return p;
}

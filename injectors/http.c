#include "http.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

struct http_call {
    struct loop *loop;
    int fd;
    struct source source;
    struct timer timer;
    struct buf request;
    struct http_response response;
    usec_t begun;
    bool tcp_only, connected;
    struct error err;
    void (*done)(void *userdata, const struct http_reply *reply);
    void *userdata;
};

static void call_free(struct http_call *c)
{
    source_remove(&c->source);
    timer_stop(&c->timer);
    fd_close_cleanup(&c->fd);
    buf_done(&c->request);
    http_response_done(&c->response);
    free(c);
}

void http_cancel(struct http_call *call)
{
    if (call)
        call_free(call);
}

static void finish(struct http_call *c)
{
    struct http_reply reply = {.err = c->err,
                               .status = c->response.status,
                               .latency = time_monotonic() - c->begun,
                               .body = buf_str(&c->response.body),
                               .body_length = c->response.body.len};
    c->done(c->userdata, &reply);
    call_free(c);
}

static void timed_out(void *userdata)
{
    struct http_call *c = userdata;
    if (c->err.class == ERROR_NONE)
        error_set(&c->err, ERROR_TIMEOUT, "no answer within %lld ms", (long long)((time_monotonic() - c->begun) / USEC_MSEC));
    finish(c);
}

static void give_up_soon(struct http_call *c)
{
    source_remove(&c->source);
    timer_set(c->loop, &c->timer, 0, timed_out, c);
}

/* False: the call is over and freed. */
static bool connected(struct http_call *c)
{
    int failure = 0;
    socklen_t size = sizeof failure;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &failure, &size);
    if (failure) {
        error_errno(&c->err, failure, "connect");
        finish(c);
        return false;
    }
    c->connected = true;
    if (!c->tcp_only)
        return true;
    finish(c);
    return false;
}

/* False: the call is over and freed. */
static bool send_request(struct http_call *c)
{
    ssize_t n = send(c->fd, c->request.data, c->request.len, MSG_NOSIGNAL);
    if (n > 0)
        buf_consume(&c->request, (size_t)n);
    else if (n < 0 && errno != EAGAIN && errno != EINTR) {
        error_errno(&c->err, errno, "send");
        finish(c);
        return false;
    }
    source_set(&c->source, c->request.len ? EPOLLOUT : EPOLLIN);
    return true;
}

static void ready(void *userdata, uint32_t events)
{
    struct http_call *c = userdata;
    (void)events;
    if (!c->connected && !connected(c))
        return;
    if (c->request.len) {
        send_request(c);
        return;
    }
    char piece[16384];
    ssize_t n = recv(c->fd, piece, sizeof piece, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0)
        error_errno(&c->err, errno, "receive");
    else if (n == 0)
        http_response_end(&c->response, &c->err);
    else if (http_response_feed(&c->response, piece, (size_t)n, &c->err) == 0 && c->response.step != HTTP_DONE)
        return;
    finish(c);
}

bool http_is_address(const char *text)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static socklen_t address_of(const char *text, int port, struct sockaddr_storage *ret)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret;
    *ret = (struct sockaddr_storage){0};
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        return sizeof *v4;
    }
    inet_pton(AF_INET6, text, &v6->sin6_addr);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    return sizeof *v6;
}

static void add_headers(struct http_call *c, const struct http_order *o, const char *address)
{
    const char *name;
    json_t *one;
    size_t at;
    bool host = false;
    if (json_is_object(o->headers)) {
        const json_t *headers = o->headers;
        json_object_foreach((json_t *)(uintptr_t)headers, name, one)
        {
            buf_printf(&c->request, "%s: %s\r\n", name, json_string_value(one));
            host |= strcasecmp(name, "host") == 0;
        }
    }
    json_array_foreach(o->headers, at, one)
    {
        name = json_string_value(json_object_get(one, "name"));
        buf_printf(&c->request, "%s: %s\r\n", name, json_string_value(json_object_get(one, "value")));
        host |= strcasecmp(name, "host") == 0;
    }
    if (!host)
        buf_printf(&c->request, strchr(address, ':') ? "Host: [%s]:%d\r\n" : "Host: %s:%d\r\n", address, o->port);
}

struct http_call *http_begin(struct loop *loop, const struct http_order *order,
                             void (*done)(void *userdata, const struct http_reply *reply), void *userdata)
{
    struct http_call *c = mem_new(struct http_call);
    const char *address = order->address ? order->address : "127.0.0.1", *method = order->method ? order->method : "GET";
    struct sockaddr_storage socket_address;
    socklen_t size = address_of(address, order->port, &socket_address);
    c->loop = loop;
    c->done = done;
    c->userdata = userdata;
    c->begun = time_monotonic();
    c->tcp_only = order->path == NULL;
    http_response_init(&c->response, str_equal(method, "HEAD"));
    buf_init(&c->request, 65536);
    if (order->path) {
        buf_printf(&c->request, "%s %s HTTP/1.1\r\n", method, order->path);
        add_headers(c, order, address);
        buf_append_str(&c->request, "User-Agent: drill-injector\r\nConnection: close\r\n");
        if (order->body)
            buf_printf(&c->request, "Content-Length: %zu\r\n", strlen(order->body));
        buf_append_str(&c->request, "\r\n");
        buf_append_str(&c->request, order->body ? order->body : "");
    }
    timer_set(loop, &c->timer, c->begun + order->timeout, timed_out, c);
    c->fd = socket(socket_address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    if (c->fd < 0 || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0 ||
        (connect(c->fd, (const struct sockaddr *)&socket_address, size) < 0 && errno != EINPROGRESS)) {
        error_errno(&c->err, errno, "connect");
        give_up_soon(c);
    } else if (source_add(loop, &c->source, c->fd, EPOLLOUT, ready, c, &c->err) < 0)
        give_up_soon(c);
    return c;
}

#include "net/http_server.h"

#include "base/buf.h"
#include "base/str.h"
#include "net/lws_events.h"
#include "net/lws_life.h"

#include <arpa/inet.h>
#include <sys/resource.h>

#define BODY_MAX     ((size_t)8 << 20)
#define WRITE_PIECE  ((size_t)16 * 1024)
#define FD_TABLE_MAX 256 /* callers at once; each has 16 bytes in a table that is made at the start */

struct http_server {
    struct loop *loop;
    struct lws_context *lws;
    struct lws_vhost *vhost;
    http_handler_fn *handler;
    void *userdata;
    int event_number;
    bool closing;
};

/* Shared by the connection and whoever answers: freed by the last of them. */
struct http_answer {
    struct lws *wsi; /* NULL: the client went away */
    bool sent, headers_done, head_only;
    int status;
    char content_type[96];
    char *body;
    size_t length, written;
};

struct connection { /* libwebsockets' memory per connection */
    struct http_answer *answer;
};

static void answer_free(struct http_answer *a)
{
    free(a->body);
    free(a);
}

void http_answer_send(struct http_answer *a, int status, const char *content_type, const char *body, size_t length)
{
    if (!a->wsi) {
        answer_free(a);
        return;
    }
    a->sent = true;
    a->status = status;
    str_copy(a->content_type, sizeof(a->content_type), content_type);
    a->body = mem_alloc(LWS_PRE + length + 1);
    memcpy(a->body + LWS_PRE, body, length);
    a->length = length;
    lws_callback_on_writable(a->wsi);
}

static int begin_request(struct http_server *s, struct lws *wsi, struct connection *c, const char *path)
{
    bool head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    if (!head && lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0) {
        if (lws_return_http_status(wsi, HTTP_STATUS_METHOD_NOT_ALLOWED, "only GET and HEAD"))
            return -1;
        return lws_http_transaction_completed(wsi) ? -1 : 0;
    }
    auto_free char *token = mem_alloc(HTTP_SERVER_TOKEN_MAX);
    if (lws_hdr_copy(wsi, token, HTTP_SERVER_TOKEN_MAX, WSI_TOKEN_HTTP_AUTHORIZATION) < 0)
        token[0] = '\0';
    struct http_answer *a = mem_new(struct http_answer);
    a->wsi = wsi;
    a->head_only = head;
    c->answer = a;
    if (strlen(path) >= HTTP_SERVER_PATH_MAX) {
        http_answer_send(a, 414, "text/plain", "path too long\n", 14);
        return 0;
    }
    const struct http_query query = {.path = path, .authorization = token};
    s->handler(s->userdata, &query, a);
    return 0;
}

static int write_headers(struct lws *wsi, struct http_answer *a)
{
    unsigned char room[LWS_PRE + 1024], *start = room + LWS_PRE, *at = start, *end = room + sizeof(room);
    if (lws_add_http_common_headers(wsi, (unsigned)a->status, a->content_type, a->length, &at, end) ||
        lws_add_http_header_by_name(wsi, (const unsigned char *)"cache-control:", (const unsigned char *)"no-store", 8, &at, end) ||
        lws_finalize_write_http_header(wsi, start, &at, end))
        return -1;
    a->headers_done = true;
    return 0;
}

static int end_request(struct lws *wsi, struct connection *c)
{
    answer_free(c->answer);
    c->answer = NULL;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int write_answer(struct lws *wsi, struct connection *c)
{
    struct http_answer *a = c->answer;
    if (!a || !a->sent)
        return 0;
    if (!a->headers_done) {
        if (write_headers(wsi, a))
            return -1;
        if (a->head_only || !a->length)
            return end_request(wsi, c);
        lws_callback_on_writable(wsi);
        return 0;
    }
    size_t piece = a->length - a->written < WRITE_PIECE ? a->length - a->written : WRITE_PIECE;
    bool last = a->written + piece == a->length;
    /* libwebsockets may use the LWS_PRE bytes before what it is given; what lies there has been written already. */
    unsigned char *from = (unsigned char *)a->body + LWS_PRE + a->written;
    if (lws_write(wsi, from, piece, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < (int)piece)
        return -1;
    a->written += piece;
    if (last)
        return end_request(wsi, c);
    lws_callback_on_writable(wsi);
    return 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct connection *c = user;
    (void)len;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wswitch-enum" /* some hundred reasons, of which these matter */
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return begin_request(lws_context_user(lws_get_context(wsi)), wsi, c, in);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return write_answer(wsi, c);
    case LWS_CALLBACK_CLOSED_HTTP:
        if (c && c->answer) {
            if (c->answer->sent)
                answer_free(c->answer);
            else
                c->answer->wsi = NULL; /* whoever still owes the answer frees it */
            c->answer = NULL;
        }
        return 0;
    default:
        return 0;
    }
#pragma GCC diagnostic pop
}

static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = on_event, .per_session_data_size = sizeof(struct connection)},
    {0},
};

static int parse_address(const char *address, char host[64], int *ret_port, struct error *err)
{
    const char *colon = strrchr(address, ':');
    int64_t port;
    size_t length = colon ? (size_t)(colon - address) : 0;
    if (!colon || !length || length >= 63 || !str_to_i64(colon + 1, 0, 65535, &port))
        return error_set(err, ERROR_INVALID, "listen address \"%.100s\" is not HOST:PORT; write for example \"0.0.0.0:8080\"",
                         address);
    bool bracket = address[0] == '[' && colon[-1] == ']';
    str_format(host, 64, "%.*s", (int)(bracket ? length - 2 : length), bracket ? address + 1 : address);
    struct in6_addr any;
    if (inet_pton(AF_INET, host, &any) != 1 && inet_pton(AF_INET6, host, &any) != 1)
        return error_set(err, ERROR_INVALID, "listen address \"%.100s\": \"%s\" is not an IP address", address, host);
    *ret_port = (int)port;
    return 0;
}

static void server_gone(void *userdata)
{
    free(userdata);
}

int http_server_new(struct loop *loop, const char *address, http_handler_fn *handler, void *userdata,
                    struct http_server **ret_server, struct error *err)
{
    char host[64];
    int port = 0;
    if (parse_address(address, host, &port, err))
        return -1;
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    struct http_server *s = mem_new(struct http_server);
    *s = (struct http_server){.loop = loop, .handler = handler, .userdata = userdata};
    void *loops[1];
    lws_set_log_level(0, NULL);
    struct lws_context_creation_info info = {
        .port = port,
        .iface = str_equal(host, "0.0.0.0") || str_equal(host, "::") ? NULL : host,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
        .pcontext = &s->lws,
        .user = s,
        .keepalive_timeout = 30,
        .timeout_secs = 10,
        .pt_serv_buf_size = 16 * 1024,
        .max_http_header_data2 = 16 * 1024,
        .fd_limit_per_thread = files.rlim_cur > FD_TABLE_MAX ? FD_TABLE_MAX : 0,
    };
    lws_events_use(&info, loop, loops);
    s->lws = lws_life_begin(&info, &s->event_number);
    if (!s->lws) {
        free(s);
        return error_set(err, ERROR_INTERNAL,
                         "libwebsockets does not start; is its libuv plugin (libwebsockets-evlib-uv) installed?");
    }
    s->vhost = lws_create_vhost(s->lws, &info);
    if (!s->vhost) {
        error_set(err, ERROR_UNAVAILABLE, "cannot listen on %s: is the address in use?", address);
        lws_life_end(loop, &s->lws, s->event_number, server_gone, s);
        return -1;
    }
    *ret_server = s;
    return 0;
}

int http_server_port(const struct http_server *s)
{
    return lws_get_vhost_listen_port(s->vhost);
}

void http_server_free(struct http_server *s)
{
    if (!s || s->closing)
        return;
    s->closing = true;
    lws_life_end(s->loop, &s->lws, s->event_number, server_gone, s);
}

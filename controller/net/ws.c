#include "net/ws.h"

#include "base/buf.h"
#include "base/str.h"
#include "net/url.h"
#include "net/ws_context.h"

#include <openssl/x509.h>
#include <uv.h>

#define CONNECT_TIMEOUT (10 * USEC_SEC)
#define PING_EVERY (5 * USEC_SEC)
#define DEAD_AFTER (10 * USEC_SEC)
#define PING_LEAST (50 * USEC_MSEC)
#define SIZE_DEFAULT ((size_t)1 << 20)
#define KEEP_BUFFER ((size_t)64 << 10) /* memory that an idle connection may keep from a long message */
#define ADDRESSES_MAX 8
#define ADDRESS_SIZE 64

enum ws_state { WS_RESOLVING, WS_CONNECTING, WS_OPEN, WS_CLOSED };

struct message {
    struct message *next;
    size_t length;
    unsigned char bytes[]; /* LWS_PRE bytes for libwebsockets' header, then `length` */
};

/* Outlives the connection when that is freed first: a lookup in a thread cannot be called back. */
struct lookup {
    uv_getaddrinfo_t request;
    struct ws *ws; /* NULL: nobody waits any more */
};

struct ws {
    struct loop *loop;
    struct ws_handlers handlers;
    void *userdata;
    struct url url;
    char *target; /* path and query */
    char *protocol;
    struct strlist headers;
    struct tls tls;
    struct proxy proxy;
    usec_t ping_every, dead_after;
    size_t queue_max;

    enum ws_state state;
    struct timer *timer; /* the state's own: the deadline, the next ping, or the report of the end */
    usec_t deadline;
    struct lookup *lookup;
    char addresses[ADDRESSES_MAX][ADDRESS_SIZE];
    size_t address_count, address_next;

    struct ws_context *context;
    struct lws *wsi; /* NULL: none, or libwebsockets has let go of it */
    usec_t last_sign, next_ping;
    bool ping_due;
    struct message *first, **last;
    size_t queued;
    struct buf message;
    int inside; /* depth of our callbacks under libwebsockets */
    bool freed; /* ws_free() was called inside */
    struct ws_close close;
};

/* ── ending ── */

/* Lets go of libwebsockets' half. Inside a callback of it, that callback's return value ends it. */
static void detach(struct ws *w)
{
    struct lws *wsi = w->wsi;
    if (!wsi)
        return;
    w->wsi = NULL;
    lws_set_opaque_user_data(wsi, NULL);
    if (w->inside == 0)
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
}

static void drop_queue(struct ws *w)
{
    while (w->first) {
        struct message *m = w->first;
        w->first = m->next;
        free(m);
    }
    w->last = &w->first;
    w->queued = 0;
}

/* The end is told by the timer, so that on_close never runs under libwebsockets or under a call of ours. */
static void end(struct ws *w)
{
    if (w->state == WS_CLOSED)
        return;
    w->state = WS_CLOSED;
    detach(w);
    drop_queue(w);
    timer_at(w->timer, 0);
}

static void release(struct ws *w)
{
    ws_context_unref(w->context);
    drop_queue(w);
    buf_done(&w->message);
    strlist_done(&w->headers);
    tls_done(&w->tls);
    free(w->target);
    free(w->protocol);
    free(w);
}

void ws_free(struct ws *w)
{
    if (!w)
        return;
    w->state = WS_CLOSED;
    detach(w);
    timer_free(w->timer);
    if (w->lookup) {
        w->lookup->ws = NULL;
        uv_cancel((uv_req_t *)&w->lookup->request); /* it may be under way: then its callback frees it later */
        w->lookup = NULL;
    }
    if (w->inside > 0)
        w->freed = true;
    else
        release(w);
}

static void enter(struct ws *w)
{
    w->inside++;
}

/* What the callback returns to libwebsockets: -1 closes the connection. */
static int leave(struct ws *w)
{
    w->inside--;
    int r = w->state == WS_CLOSED ? -1 : 0;
    if (w->freed && w->inside == 0)
        release(w);
    return r;
}

/* ── connecting ── */

static enum error_class class_of_status(int status)
{
    if (status == 401 || status == 403)
        return ERROR_FORBIDDEN;
    if (status == 404)
        return ERROR_NOT_FOUND;
    if (status == 429)
        return ERROR_TOO_MANY;
    return status >= 500 ? ERROR_UNAVAILABLE : ERROR_INVALID;
}

static void connect_next(struct ws *w)
{
    usec_t now = time_monotonic();
    char authority[320];
    while (w->address_next < w->address_count) {
        const char *address = w->addresses[w->address_next++];
        bool proxied = w->proxy.host[0] != '\0';
        const char *name = w->tls.server_name ? w->tls.server_name : w->url.host;
        struct ws_context *context = ws_context_get(w->loop, &w->tls, w->url.https ? name : NULL, proxied ? &w->proxy : NULL,
                                                    proxied ? address : NULL, &w->close.err);
        if (!context) {
            end(w);
            return;
        }
        ws_context_unref(w->context);
        w->context = context;
        url_authority(&w->url, authority, sizeof(authority));
        static const lws_retry_bo_t no_pings = {0}; /* libwebsockets' own count whole seconds and only pongs; ours is in timer_due() */
        struct lws_client_connect_info info = {
            .context = context->lws,
            .address = proxied ? w->url.host : address,
            .port = w->url.port,
            .path = w->target,
            .host = w->tls.server_name ? w->tls.server_name : authority,
            .protocol = w->protocol,
            .local_protocol_name = "drillyard",
            .alpn = "http/1.1",
            .opaque_user_data = w,
            .pwsi = &w->wsi,
            .retry_and_idle_policy = &no_pings,
            .ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
        };
        if (w->url.https)
            info.ssl_connection |= LCCSCF_USE_SSL | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK; /* the SSL_CTX has the name */
        /* An even share of the time that is left for each address: a dead one must not use it all up. */
        usec_t share = (w->deadline - now) / (usec_t)(w->address_count - w->address_next + 1);
        timer_at(w->timer, now + share);
        enter(w);
        struct lws *wsi = lws_client_connect_via_info(&info);
        w->inside--;
        if (wsi || w->state != WS_CONNECTING)
            return;
        w->wsi = NULL;
        if (w->close.err.class == ERROR_NONE)
            error_set(&w->close.err, ERROR_UNAVAILABLE, "connect to %s port %d: refused or no route", address, w->url.port);
    }
    if (w->close.err.class == ERROR_NONE)
        error_set(&w->close.err, ERROR_TIMEOUT, "no WebSocket connection to %s within the time allowed", w->url.host);
    end(w);
}

static void lookup_done(uv_getaddrinfo_t *request, int status, struct addrinfo *result)
{
    struct lookup *lookup = request->data;
    struct ws *w = lookup->ws;
    free(lookup);
    if (w) {
        w->lookup = NULL;
        for (struct addrinfo *a = result; a && w->address_count < ADDRESSES_MAX; a = a->ai_next) {
            char *address = w->addresses[w->address_count];
            if (a->ai_family == AF_INET && uv_ip4_name((struct sockaddr_in *)(void *)a->ai_addr, address, ADDRESS_SIZE) == 0)
                w->address_count++;
            if (a->ai_family == AF_INET6 && uv_ip6_name((struct sockaddr_in6 *)(void *)a->ai_addr, address, ADDRESS_SIZE) == 0)
                w->address_count++;
        }
        const char *host = w->proxy.host[0] ? w->proxy.host : w->url.host;
        if (w->proxy.host[0] && w->address_count > 1)
            w->address_count = 1; /* the proxy is a property of the context: one address */
        if (w->state == WS_RESOLVING) {
            if (w->address_count == 0) {
                error_set(&w->close.err, ERROR_UNAVAILABLE, "look up %s: %s", host, status < 0 ? uv_strerror(status) : "no address");
                end(w);
            } else {
                w->state = WS_CONNECTING;
                connect_next(w);
            }
        }
    }
    uv_freeaddrinfo(result);
}

static void resolve(struct ws *w)
{
    struct lookup *lookup = mem_new(struct lookup);
    lookup->ws = w;
    lookup->request.data = lookup;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    const char *host = w->proxy.host[0] ? w->proxy.host : w->url.host;
    struct in6_addr numeric;
    if (inet_pton(AF_INET, host, &numeric) == 1 || inet_pton(AF_INET6, host, &numeric) == 1)
        hints.ai_flags = AI_NUMERICHOST; /* ADDRCONFIG would refuse ::1 on a host without another IPv6 address */
    int r = uv_getaddrinfo(loop_uv(w->loop), &lookup->request, lookup_done, host, NULL, &hints);
    if (r < 0) {
        free(lookup);
        error_set(&w->close.err, ERROR_UNAVAILABLE, "look up %s: %s", host, uv_strerror(r));
        end(w);
        return;
    }
    w->lookup = lookup;
}

/* ── the state's timer ── */

static void ping_or_give_up(struct ws *w)
{
    usec_t now = time_monotonic();
    if (now - w->last_sign >= w->dead_after) {
        error_set(&w->close.err, ERROR_UNAVAILABLE, "%s gave no sign of life for %lld ms, pings included", w->url.host,
                  (long long)((now - w->last_sign) / USEC_MSEC));
        end(w);
        return;
    }
    if (now >= w->next_ping) {
        w->ping_due = true;
        w->next_ping = now + w->ping_every;
        lws_callback_on_writable(w->wsi);
    }
    timer_at(w->timer, usec_min(w->next_ping, w->last_sign + w->dead_after));
}

static void timer_due(void *userdata)
{
    struct ws *w = userdata;
    switch (w->state) {
    case WS_RESOLVING:
        error_set(&w->close.err, ERROR_TIMEOUT, "look up %s: no answer within the time allowed",
                  w->proxy.host[0] ? w->proxy.host : w->url.host);
        end(w);
        break;
    case WS_CONNECTING:
        if (w->wsi) {
            detach(w);
            error_clear(&w->close.err);
        }
        connect_next(w);
        break;
    case WS_OPEN:
        ping_or_give_up(w);
        break;
    case WS_CLOSED: {
        struct ws_close close = w->close;
        if (w->handlers.on_close)
            w->handlers.on_close(w->userdata, &close);
        break;
    }
    }
}

/* ── what libwebsockets calls ── */

static int append_headers(struct ws *w, struct lws *wsi, unsigned char **at, unsigned char *end_of_room)
{
    for (size_t i = 0; i < w->headers.count; i++) {
        const char *line = w->headers.items[i], *value = strchr(line, ':') + 1;
        char name[128];
        snprintf(name, sizeof(name), "%.*s", (int)(value - line), line);
        value += strspn(value, " ");
        if (lws_add_http_header_by_name(wsi, (const unsigned char *)name, (const unsigned char *)value, (int)strlen(value), at,
                                        end_of_room)) {
            error_set(&w->close.err, ERROR_INVALID, "the request's headers are too long");
            return -1;
        }
    }
    return 0;
}

/* The server's answer is 101; libwebsockets has checked the rest, but takes a missing subprotocol for agreement. */
static int check_protocol(struct ws *w, struct lws *wsi)
{
    char chosen[128] = "";
    lws_hdr_copy(wsi, chosen, sizeof(chosen), WSI_TOKEN_PROTOCOL);
    if (str_equal(chosen, w->protocol ? w->protocol : ""))
        return 0;
    char quoted[64];
    error_set(&w->close.err, ERROR_INVALID, "the server chose the WebSocket subprotocol \"%s\"; only \"%s\" was offered",
              str_quote(quoted, sizeof(quoted), chosen), w->protocol ? w->protocol : "");
    return -1;
}

static int refused(struct ws *w, struct lws *wsi, const char *why, size_t length)
{
    int status = (int)lws_http_client_http_response(wsi);
    bool answered = status >= 200 || w->close.err.class == ERROR_INVALID;
    if (status >= 200) {
        w->close.http_status = status;
        error_set(&w->close.err, class_of_status(status), "%s refused the WebSocket upgrade: HTTP %d", w->url.host, status);
        w->close.err.http_status = status;
    } else if (w->close.err.class == ERROR_NONE) {
        char text[160], quoted[200];
        snprintf(text, sizeof(text), "%.*s", (int)usec_min((usec_t)length, sizeof(text) - 1), why ? why : "closed");
        error_set(&w->close.err, ERROR_UNAVAILABLE, "connect to %s port %d: %s", w->url.host, w->url.port,
                  str_quote(quoted, sizeof(quoted), text));
    }
    detach(w);
    if (answered || w->address_next >= w->address_count)
        end(w);
    else
        timer_at(w->timer, 0); /* the next address, once libwebsockets is done with this one */
    return 0;
}

static void ended(struct ws *w)
{
    int code = w->close.code;
    if (w->close.err.class == ERROR_NONE && code == 0)
        error_set(&w->close.err, ERROR_UNAVAILABLE, "%s broke the connection off", w->url.host);
    else if (w->close.err.class == ERROR_NONE && code != LWS_CLOSE_STATUS_NORMAL)
        error_set(&w->close.err, ERROR_UNAVAILABLE, "%s closed the WebSocket with code %d", w->url.host, code);
    end(w);
}

static void note_close_frame(struct ws *w, const unsigned char *in, size_t length)
{
    w->close.code = length >= 2 ? in[0] << 8 | in[1] : LWS_CLOSE_STATUS_NO_STATUS;
    if (length <= 2 || w->close.code == LWS_CLOSE_STATUS_NORMAL)
        return;
    char text[128], quoted[160];
    snprintf(text, sizeof(text), "%.*s", (int)(length - 2), (const char *)in + 2);
    error_set(&w->close.err, ERROR_UNAVAILABLE, "%s closed the WebSocket with code %d: %s", w->url.host, w->close.code,
              str_quote(quoted, sizeof(quoted), text));
}

static int protocol_error(struct ws *w, struct lws *wsi, enum lws_close_status code, const char *what)
{
    error_set(&w->close.err, ERROR_UNAVAILABLE, "%s sent %s", w->url.host, what);
    lws_close_reason(wsi, code, NULL, 0);
    lws_set_opaque_user_data(wsi, NULL); /* libwebsockets says goodbye on its own; we are done */
    w->wsi = NULL;
    end(w);
    return -1;
}

static void deliver(struct ws *w, const void *bytes, size_t n)
{
    if (w->handlers.on_message)
        w->handlers.on_message(w->userdata, bytes, n);
}

/* A message comes in pieces of the receive buffer or of TLS records, whatever its frames were. */
static int receive(struct ws *w, struct lws *wsi, const void *in, size_t length)
{
    w->last_sign = time_monotonic();
    if (!lws_frame_is_binary(wsi))
        return protocol_error(w, wsi, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, "a text message where only binary ones are due");
    bool first = lws_is_first_fragment(wsi), final = lws_is_final_fragment(wsi);
    enter(w);
    if (first && final) {
        deliver(w, in, length);
        return leave(w);
    }
    if (first)
        buf_reset(&w->message);
    if (!buf_append(&w->message, in, length)) {
        w->inside--;
        return protocol_error(w, wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "a message longer than is taken");
    }
    if (final) {
        deliver(w, w->message.data, w->message.len);
        buf_reset(&w->message);
        if (w->message.cap > KEEP_BUFFER)
            buf_shrink(&w->message);
    }
    return leave(w);
}

/* libwebsockets takes one write each time it says the socket is writable, and keeps what the kernel did not take. */
static int write_next(struct ws *w, struct lws *wsi)
{
    unsigned char ping[LWS_PRE];
    if (w->ping_due) {
        w->ping_due = false;
        if (lws_write(wsi, ping + LWS_PRE, 0, LWS_WRITE_PING) < 0)
            return -1;
        if (w->first)
            lws_callback_on_writable(wsi);
        return 0;
    }
    struct message *m = w->first;
    if (!m)
        return 0;
    int n = lws_write(wsi, m->bytes + LWS_PRE, m->length, LWS_WRITE_BINARY);
    if (n < 0)
        return -1;
    w->queued -= m->length;
    w->first = m->next;
    free(m);
    if (w->first) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    w->last = &w->first;
    enter(w);
    if (w->handlers.on_drain)
        w->handlers.on_drain(w->userdata);
    return leave(w);
}

static int opened(struct ws *w)
{
    w->state = WS_OPEN;
    w->close.opened = true;
    error_clear(&w->close.err); /* of an address tried before */
    w->last_sign = time_monotonic();
    w->next_ping = w->last_sign + w->ping_every;
    timer_at(w->timer, w->next_ping);
    enter(w);
    if (w->handlers.on_open)
        w->handlers.on_open(w->userdata);
    return leave(w);
}

/* The certificate is not what it should be: with `insecure` that is overruled, else the reason is kept for the error text. */
static int judge_certificate(struct ws *w, X509_STORE_CTX *x509)
{
    int problem = X509_STORE_CTX_get_error(x509);
    if (w->tls.insecure)
        X509_STORE_CTX_set_error(x509, X509_V_OK);
    else
        error_set(&w->close.err, ERROR_UNAVAILABLE, "the certificate of %s is not trusted: %s", w->url.host,
                  X509_verify_cert_error_string(problem));
    return 0;
}

int ws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    switch ((int)reason) { /* -Wswitch-enum would want a hundred of them */
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
        break;
    default:
        return 0; /* the others may come without a connection */
    }
    struct ws *w = lws_get_opaque_user_data(wsi);
    if (!w)
        return 0;
    int r = 0;
    switch ((int)reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: {
        unsigned char **at = in;
        return append_headers(w, wsi, at, *at + len);
    }
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
        return len ? 0 : judge_certificate(w, user); /* len: whether OpenSSL is content */
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
        return check_protocol(w, wsi);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        return opened(w);
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return receive(w, wsi, in, len);
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        w->last_sign = time_monotonic();
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write_next(w, wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        note_close_frame(w, in, len);
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        enter(w);
        r = refused(w, wsi, in, len);
        w->inside--;
        return r;
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY: /* some handshakes end with nothing but this */
        enter(w);
        if (w->state == WS_CONNECTING)
            refused(w, wsi, NULL, 0);
        else
            ended(w);
        w->inside--;
        return 0;
    default:
        return 0;
    }
}

/* ── the outside ── */

static int headers_copy(struct ws *w, const struct strlist *headers, struct error *err)
{
    size_t total = 0;
    for (size_t i = 0; headers && i < headers->count; i++) {
        const char *line = headers->items[i], *colon = strchr(line, ':');
        if (!colon || colon == line || colon - line > 100 || strpbrk(line, "\r\n"))
            return error_set(err, ERROR_INVALID, "a request header is malformed");
        total += strlen(line) + 4;
        strlist_add(&w->headers, line);
    }
    if (total > WS_HEADERS_MAX)
        return error_set(err, ERROR_INVALID, "the request's headers have %zu bytes; at most %zu can be sent", total, WS_HEADERS_MAX);
    return 0;
}

static int options_take(struct ws *w, const struct ws_options *o, struct error *err)
{
    if (url_parse(o->url, &w->url, err) < 0)
        return -1;
    if (strlen(w->url.rest) > WS_TARGET_MAX)
        return error_set(err, ERROR_INVALID, "the request's path and query have %zu bytes; at most %zu can be sent", strlen(w->url.rest),
                         WS_TARGET_MAX);
    w->target = mem_printf("%s%s", w->url.rest[0] == '/' ? "" : "/", w->url.rest);
    w->url.rest = w->target;
    if (headers_copy(w, o->headers, err) < 0 || proxy_decide(o->proxy, w->url.https, w->url.host, &w->proxy, err) < 0)
        return -1;
    w->protocol = mem_strdup(o->protocol);
    if (o->tls)
        tls_copy(&w->tls, o->tls);
    w->ping_every = o->ping_every ? usec_max(o->ping_every, PING_LEAST) : PING_EVERY;
    w->dead_after = o->dead_after ? usec_max(o->dead_after, w->ping_every + PING_LEAST) : DEAD_AFTER;
    w->queue_max = o->queue_max ? o->queue_max : SIZE_DEFAULT;
    buf_init(&w->message, o->message_max ? o->message_max : SIZE_DEFAULT);
    return 0;
}

struct ws *ws_open(struct loop *loop, const struct ws_options *options, const struct ws_handlers *handlers, void *userdata,
                   struct error *err)
{
    struct ws *w = mem_new(struct ws);
    w->loop = loop;
    w->handlers = *handlers;
    w->userdata = userdata;
    w->last = &w->first;
    if (options_take(w, options, err) < 0) {
        release(w);
        return NULL;
    }
    w->deadline = time_monotonic() + (options->connect_timeout ? options->connect_timeout : CONNECT_TIMEOUT);
    w->timer = timer_new(loop, timer_due, w);
    timer_at(w->timer, w->deadline);
    resolve(w);
    return w;
}

bool ws_send(struct ws *w, const void *head, size_t head_length, const void *body, size_t body_length)
{
    size_t length = head_length + body_length;
    if (w->state != WS_OPEN || length > w->queue_max || w->queued > w->queue_max - length)
        return false;
    struct message *m = mem_alloc(sizeof(*m) + LWS_PRE + length);
    m->length = length;
    if (head_length)
        memcpy(m->bytes + LWS_PRE, head, head_length);
    if (body_length)
        memcpy(m->bytes + LWS_PRE + head_length, body, body_length);
    *w->last = m;
    w->last = &m->next;
    w->queued += length;
    lws_callback_on_writable(w->wsi);
    return true;
}

size_t ws_queued(const struct ws *w)
{
    return w->queued;
}

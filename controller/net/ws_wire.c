#include "net/ws_private.h"

#include "base/str.h"

#include <openssl/x509.h>

#define KEEP_BUFFER ((size_t)64 << 10) /* memory that an idle connection may keep from a long message */

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
        if (length > 0)
            snprintf(text, sizeof(text), "%.*s", (int)length, why);
        else
            str_copy(text, sizeof(text), "closed before the answer");
        error_set(&w->close.err, ERROR_UNAVAILABLE, "connect to %s port %d: %s", w->url.host, w->url.port,
                  str_quote(quoted, sizeof(quoted), text));
    }
    ws_detach(w);
    if (answered || w->address_next >= w->address_count)
        ws_end(w);
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
    ws_end(w);
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
    ws_end(w);
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
    ws_enter(w);
    if (first && final) {
        deliver(w, in, length);
        return ws_leave(w);
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
    return ws_leave(w);
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
    struct ws_message *m = w->first;
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
    ws_enter(w);
    if (w->handlers.on_drain)
        w->handlers.on_drain(w->userdata);
    return ws_leave(w);
}

static int opened(struct ws *w)
{
    w->state = WS_OPEN;
    w->close.opened = true;
    error_clear(&w->close.err); /* of an address tried before */
    w->last_sign = time_monotonic();
    w->next_ping = w->last_sign + w->ping_every;
    timer_at(w->timer, w->next_ping);
    ws_enter(w);
    if (w->handlers.on_open)
        w->handlers.on_open(w->userdata);
    return ws_leave(w);
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
        ws_enter(w);
        r = refused(w, wsi, in, len);
        w->inside--;
        return r;
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY: /* some handshakes end with nothing but this */
        ws_enter(w);
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

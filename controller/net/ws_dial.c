#include "net/ws_private.h"

#include <arpa/inet.h>

void ws_connect_next(struct ws *w)
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
            ws_end(w);
            return;
        }
        ws_context_unref(w->context);
        w->context = context;
        url_authority(&w->url, authority, sizeof(authority));
        static const lws_retry_bo_t no_pings = {
            0}; /* libwebsockets' own count whole seconds and only pongs; ours is in timer_due() */
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
        ws_enter(w);
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
    ws_end(w);
}

static void lookup_done(uv_getaddrinfo_t *request, int status, struct addrinfo *result)
{
    struct ws_lookup *lookup = request->data;
    struct ws *w = lookup->ws;
    free(lookup);
    if (w) {
        w->lookup = NULL;
        for (struct addrinfo *a = result; a && w->address_count < WS_ADDRESSES_MAX; a = a->ai_next) {
            char *address = w->addresses[w->address_count];
            if (a->ai_family == AF_INET && uv_ip4_name((struct sockaddr_in *)(void *)a->ai_addr, address, WS_ADDRESS_SIZE) == 0)
                w->address_count++;
            if (a->ai_family == AF_INET6 && uv_ip6_name((struct sockaddr_in6 *)(void *)a->ai_addr, address, WS_ADDRESS_SIZE) == 0)
                w->address_count++;
        }
        const char *host = w->proxy.host[0] ? w->proxy.host : w->url.host;
        if (w->proxy.host[0] && w->address_count > 1)
            w->address_count = 1; /* the proxy is a property of the context: one address */
        if (w->state == WS_RESOLVING) {
            if (w->address_count == 0) {
                error_set(&w->close.err, ERROR_UNAVAILABLE, "look up %s: %s", host,
                          status < 0 ? uv_strerror(status) : "no address");
                ws_end(w);
            } else {
                w->state = WS_CONNECTING;
                ws_connect_next(w);
            }
        }
    }
    uv_freeaddrinfo(result);
}

void ws_resolve(struct ws *w)
{
    struct ws_lookup *lookup = mem_new(struct ws_lookup);
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
        ws_end(w);
        return;
    }
    w->lookup = lookup;
}

/* net/ws_context.h — the libwebsockets context that connections of one loop, one trust and one way share. For net/ws.c only.
 *
 * One for each (loop, struct tls, verified name, proxy), counted: in practice one for the program, and for a moment two when a CA or a
 * certificate is rotated. libwebsockets keeps trust and proxy by "vhost"; a context of its own for each is simpler than vhosts that
 * come and go under a foreign loop.
 *
 * The TLS context is made here and not by libwebsockets, which (4.1.6, tls/openssl/openssl-client.c) reads only the first
 * certificate of a CA bundle in memory and no chain of ours, trusts the system's store besides the CA given, and cuts an IPv6 name at
 * its first colon when it checks it. */
#pragma once

#include "base/error.h"
#include "net/loop.h"
#include "net/proxy.h"
#include "net/tls.h"

#include <libwebsockets.h>

struct ws_context {
    struct ws_context *next;
    struct loop *loop;
    struct tls tls;
    char *name;  /* that the certificate must carry; NULL: no TLS */
    char *proxy; /* "user:password@host:port" as libwebsockets wants it; "": none */
    unsigned refs;
    struct ssl_ctx_st *ssl;
    int event_number;        /* net/lws_life.h */
    struct lws_context *lws; /* libwebsockets sets it to NULL when it has finished destroying it */
};

/* `tls` NULL: plain, or the system's trust. `name` NULL: no TLS. `proxy_address`: numeric, NULL: none. NULL with err: INVALID (PEM that
 * cannot be read, key and certificate that do not match) or INTERNAL. */
struct ws_context *ws_context_get(struct loop *loop, const struct tls *tls, const char *name, const struct proxy *proxy,
                                  const char *proxy_address, struct error *err);
/* Safe from any callback. An unused one is kept for the next connection, and goes with the loop; of several the oldest goes sooner. */
void ws_context_unref(struct ws_context *c);

/* Called by libwebsockets for every event of a connection; implemented in ws.c. */
int ws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);

/* net/proxy.h — whether a host is to be reached through a proxy, by the environment, as curl and Go's http.ProxyFromEnvironment do.
 *
 * For net/ws.c; libcurl does it by itself. HTTPS_PROXY/https_proxy or http_proxy (lower case only: HTTP_PROXY may be a CGI client's
 * header), then ALL_PROXY; NO_PROXY/no_proxy is a list of names (a name covers its subdomains), addresses, address/prefix and "*".
 * Loopback hosts are never proxied by the environment (as in Go). */
#pragma once

#include "base/error.h"

struct proxy {
    char host[256]; /* "": none */
    int port;
    char userinfo[256]; /* "user:password", decoded; "": none */
};

/* `configured`: of a kubeconfig, goes before the environment; NULL: the environment; "": none.
 * INVALID: a scheme that libwebsockets cannot do (anything but http), or malformed; the text never has the user information in it. */
int proxy_decide(const char *configured, bool https, const char *host, struct proxy *ret_proxy, struct error *err);

/* The pure half: does this NO_PROXY list cover the host ("10.0.0.1", "::1", "api.example")? */
bool proxy_excepts(const char *no_proxy, const char *host);

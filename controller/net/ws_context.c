#include "net/ws_context.h"

#include "base/str.h"
#include "net/lws_events.h"
#include "net/lws_life.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/resource.h>

#define HEADER_ROOM    32768 /* bearer tokens of many kB are normal; libwebsockets' default of 4,096 refuses them */
#define FD_TABLE_MAX   4096  /* libwebsockets sizes its tables by RLIMIT_NOFILE, in a container perhaps a billion; 16 bytes each */
#define LINGER_SECONDS 5     /* a connection closed with bytes unsent */
#define IDLE_MAX       2     /* destroying one is so full of traps (net/lws_life.c) that it is kept for the next connection */

static struct ws_context *contexts; /* of all loops; net/ has no place on struct loop to keep them */

/* ── the TLS context ── */

static int ssl_error(struct error *err, const char *what)
{
    char reason[160];
    unsigned long code = ERR_peek_last_error();
    ERR_error_string_n(code, reason, sizeof(reason));
    ERR_clear_error();
    return error_set(err, ERROR_INVALID, "%s%s%s", what, code ? ": " : "", code ? reason : "");
}

static int no_passphrase(char *buf, int size, int writing, void *userdata)
{
    (void)buf, (void)size, (void)writing, (void)userdata;
    return 0; /* OpenSSL's default would ask the terminal */
}

static int ssl_add_ca(SSL_CTX *ssl, const char *pem, struct error *err)
{
    if (!pem) {
        SSL_CTX_set_default_verify_paths(ssl);
        return 0;
    }
    BIO *bio = BIO_new_mem_buf(pem, -1);
    int count = 0;
    X509 *x;
    while ((x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL))) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), x); /* takes its own reference; one that is there already is no matter */
        X509_free(x);
        count++;
    }
    BIO_free(bio);
    ERR_clear_error(); /* "no start line" at the end of the bundle */
    return count > 0 ? 0 : error_set(err, ERROR_INVALID, "the CA data has no PEM certificate in it");
}

static int ssl_add_identity(SSL_CTX *ssl, const struct tls *tls, struct error *err)
{
    if (!tls->cert_pem)
        return 0;
    if (!tls->key_pem)
        return error_set(err, ERROR_INVALID, "there is a client certificate but no key for it");
    int r = 0;
    BIO *bio = BIO_new_mem_buf(tls->cert_pem, -1);
    X509 *x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
    if (!x || SSL_CTX_use_certificate(ssl, x) != 1)
        r = ssl_error(err, "the client certificate cannot be read");
    X509_free(x);
    while (r == 0 && (x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)))
        if (SSL_CTX_add0_chain_cert(ssl, x) != 1)
            X509_free(x);
    BIO_free(bio);
    ERR_clear_error();
    if (r < 0)
        return r;
    bio = BIO_new_mem_buf(tls->key_pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    if (!key)
        return ssl_error(err, "the client key cannot be read (a key with a passphrase cannot be used)");
    if (SSL_CTX_use_PrivateKey(ssl, key) != 1 || SSL_CTX_check_private_key(ssl) != 1)
        r = ssl_error(err, "the client key does not belong to the client certificate");
    EVP_PKEY_free(key);
    return r;
}

/* `name` NULL: no TLS. */
static SSL_CTX *ssl_new(const struct tls *tls, const char *name, struct error *err)
{
    SSL_CTX *ssl = SSL_CTX_new(TLS_client_method());
    if (!ssl) {
        ssl_error(err, "TLS");
        return NULL;
    }
    SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
    SSL_CTX_set_mode(ssl, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    /* Every SSL made from it inherits these; libwebsockets is told to leave the name alone. */
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ssl);
    if (!name) /* plain; but without one given, libwebsockets makes its own, loads the system's store into it, and loses it */
        return ssl;
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN); /* an intermediate may be the anchor, as with libcurl and Go */
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, name) != 1)
        X509_VERIFY_PARAM_set1_host(param, name, 0);
    ERR_clear_error();
    if (tls->insecure || (ssl_add_ca(ssl, tls->ca_pem, err) == 0))
        if (ssl_add_identity(ssl, tls, err) == 0)
            return ssl;
    SSL_CTX_free(ssl);
    return NULL;
}

/* ── the context ── */

static bool same_way(const struct ws_context *c, const struct loop *loop, const struct tls *tls, const char *name,
                     const char *proxy)
{
    return c->loop == loop && str_equal(c->name, name) && str_equal(c->proxy, proxy) && c->tls.insecure == tls->insecure &&
           str_equal(c->tls.ca_pem, tls->ca_pem) && str_equal(c->tls.cert_pem, tls->cert_pem) &&
           str_equal(c->tls.key_pem, tls->key_pem);
}

static const struct lws_protocols protocols[] = {
    {.name = "drillyard", .callback = ws_callback, .rx_buffer_size = 0}, /* 0: pt_serv_buf_size */
    {0},
};

static struct lws_context *lws_make(struct ws_context *c)
{
    lws_set_log_level(0, NULL); /* what it has to say comes to us in callbacks */
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    void *loops[1];
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .provided_client_ssl_ctx = c->ssl,
        .pcontext = &c->lws,
        .http_proxy_address = c->proxy, /* "" and not NULL: NULL makes it read the environment by rules of its own */
        .pt_serv_buf_size = HEADER_ROOM,
        .max_http_header_data2 = HEADER_ROOM,
        .timeout_secs = LINGER_SECONDS,
        .fd_limit_per_thread = files.rlim_cur > FD_TABLE_MAX ? FD_TABLE_MAX : 0,
    };
    lws_events_use(&info, c->loop, loops);
    return lws_life_begin(&info, &c->event_number);
}

static void context_release(void *userdata)
{
    struct ws_context *c = userdata;
    SSL_CTX_free(c->ssl);
    tls_done(&c->tls);
    free(c->name);
    free(c->proxy);
    free(c);
}

static char *proxy_text(const struct proxy *proxy, const char *address)
{
    if (!proxy || !address)
        return mem_strdup("");
    bool v6 = strchr(address, ':') != NULL;
    return mem_printf("%s%s%s%s%s:%d", proxy->userinfo, proxy->userinfo[0] ? "@" : "", v6 ? "[" : "", address, v6 ? "]" : "",
                      proxy->port);
}

static void context_close(struct ws_context *c)
{
    struct ws_context **at = &contexts;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    lws_life_end(c->loop, &c->lws, c->event_number, context_release, c);
}

/* The one that has been idle for longest, more or less: new ones stand first in the list. NULL: not more idle ones than may be. */
static struct ws_context *one_idle_too_many(const struct loop *loop)
{
    struct ws_context *oldest = NULL;
    int idle = 0;
    for (struct ws_context *c = contexts; c; c = c->next)
        if (c->loop == loop && c->refs == 0) {
            idle++;
            oldest = c;
        }
    return idle > IDLE_MAX ? oldest : NULL;
}

static void contexts_close(struct loop *loop, void *unused)
{
    (void)unused;
    for (struct ws_context *c = contexts, *next; c; c = next) {
        next = c->next;
        if (c->loop == loop && c->refs == 0)
            context_close(c);
    }
}

struct ws_context *ws_context_get(struct loop *loop, const struct tls *tls, const char *name, const struct proxy *proxy,
                                  const char *proxy_address, struct error *err)
{
    static const struct tls nothing = {0};
    if (!tls || !name)
        tls = &nothing;
    auto_free char *way = proxy_text(proxy, proxy_address);
    for (struct ws_context *c = contexts; c; c = c->next)
        if (same_way(c, loop, tls, name, way)) {
            c->refs++;
            return c;
        }
    SSL_CTX *ssl = ssl_new(tls, name, err);
    if (!ssl)
        return NULL;
    struct ws_context *c = mem_new(struct ws_context);
    c->loop = loop;
    c->ssl = ssl;
    c->refs = 1;
    c->name = mem_strdup(name);
    c->proxy = mem_take(way);
    tls_copy(&c->tls, tls);
    c->lws = lws_make(c);
    if (!c->lws) {
        context_release(c);
        error_set(err, ERROR_INTERNAL, "libwebsockets does not start; is its libuv plugin (libwebsockets-evlib-uv) installed?");
        return NULL;
    }
    c->next = contexts;
    contexts = c;
    loop_at_free(loop, contexts_close, NULL);
    return c;
}

void ws_context_unref(struct ws_context *c)
{
    if (!c || --c->refs > 0)
        return;
    struct ws_context *old = one_idle_too_many(c->loop);
    if (old)
        context_close(old);
}

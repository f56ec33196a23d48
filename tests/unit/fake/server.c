#include "fake/server.h"

#include "base/str.h"
#include "fake/conn.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MUST(x)                                                                                                                    \
    do {                                                                                                                           \
        if (!(x)) {                                                                                                                \
            perror("fake server: " #x);                                                                                            \
            abort();                                                                                                               \
        }                                                                                                                          \
    } while (0)

/* ── TLS ── */

static X509 *cert_from(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    MUST(cert);
    return cert;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_length, const unsigned char *in, unsigned length,
                       void *arg)
{
    (void)ssl;
    (void)arg;
    static const unsigned char http11[] = "\x08http/1.1";
    if (SSL_select_next_proto((unsigned char **)out, out_length, http11, 9, in, length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *tls_new(const struct fake_options *o)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    MUST(ctx);
    X509 *cert = cert_from(o->tls->cert_pem);
    BIO *bio = BIO_new_mem_buf(o->tls->key_pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    MUST(SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1);
    X509_free(cert);
    EVP_PKEY_free(key);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
    if (o->client_ca_pem) {
        X509 *ca = cert_from(o->client_ca_pem);
        MUST(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca) == 1);
        X509_free(ca);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    return ctx;
}

/* ── accepting ── */

static const struct fake_step *next_script(const struct fake_options *o, int number)
{
    int count = 0;
    while (count < FAKE_SCRIPTS_MAX && o->scripts[count])
        count++;
    if (number < count)
        return o->scripts[number];
    return o->repeat_last && count ? o->scripts[count - 1] : NULL;
}

static void take_connection(struct fake_server *s, int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    pthread_mutex_lock(&s->lock);
    struct fake_conn *c = mem_new(struct fake_conn);
    c->server = s;
    c->fd = fd;
    c->number = s->connections++;
    c->script = next_script(&s->options, c->number);
    list_init(&c->node);
    if (c->script) {
        list_append(&s->threads, &c->node);
        MUST(pthread_create(&c->thread, NULL, fake_conn_run, c) == 0);
    }
    pthread_mutex_unlock(&s->lock);
    if (!c->script) {
        fake_conn_complain(c, "nobody had been expected any more");
        close(fd);
        free(c);
    }
}

static void *accept_all(void *server)
{
    struct fake_server *s = server;
    struct pollfd fds[] = {{.fd = s->stop, .events = POLLIN}, {.fd = s->listener, .events = POLLIN}};
    while (poll(fds, 2, -1) >= 0 && !fds[0].revents) {
        int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
            take_connection(s, fd);
    }
    return NULL;
}

static int listen_on_loopback(bool ipv6, int *ret_port)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *address = ipv6 ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    socklen_t size = ipv6 ? sizeof six : sizeof four;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    MUST(fd >= 0 && bind(fd, address, size) == 0 && listen(fd, 64) == 0 && getsockname(fd, address, &size) == 0);
    *ret_port = ntohs(ipv6 ? six.sin6_port : four.sin_port);
    return fd;
}

struct fake_server *fake_server_start(const struct fake_options *options)
{
    signal(SIGPIPE, SIG_IGN);
    struct fake_server *s = mem_new(struct fake_server);
    s->options = *options;
    s->listener = listen_on_loopback(options->ipv6, &s->port);
    s->stop = eventfd(0, EFD_CLOEXEC);
    MUST(s->stop >= 0);
    str_format(s->url, sizeof s->url, "http%s://%s:%d", options->tls ? "s" : "", options->ipv6 ? "[::1]" : "127.0.0.1", s->port);
    if (options->tls)
        s->tls = tls_new(options);
    pthread_mutex_init(&s->lock, NULL);
    list_init(&s->threads);
    sigset_t all, before; /* signals are for the test's own thread: a child's end must not interrupt a poll here */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    MUST(pthread_create(&s->acceptor, NULL, accept_all, s) == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return s;
}

void fake_server_stop(struct fake_server *s)
{
    if (!s)
        return;
    MUST(eventfd_write(s->stop, 1) == 0);
    pthread_join(s->acceptor, NULL);
    while (!list_empty(&s->threads)) {
        struct fake_conn *c = list_entry(s->threads.next, struct fake_conn, node);
        pthread_join(c->thread, NULL);
        list_remove(&c->node);
        free(c);
    }
    close(s->listener);
    close(s->stop);
    SSL_CTX_free(s->tls);
    for (int i = 0; i < s->request_count; i++)
        free(s->requests[i].text);
    free(s->sni);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* ── what happened ── */

int fake_server_port(const struct fake_server *s)
{
    return s->port;
}

const char *fake_server_url(const struct fake_server *s)
{
    return s->url;
}

int fake_server_connections(struct fake_server *s)
{
    pthread_mutex_lock(&s->lock);
    int n = s->connections;
    pthread_mutex_unlock(&s->lock);
    return n;
}

int fake_server_requests(struct fake_server *s)
{
    pthread_mutex_lock(&s->lock);
    int n = s->request_count;
    pthread_mutex_unlock(&s->lock);
    return n;
}

char *fake_server_request(struct fake_server *s, int index)
{
    pthread_mutex_lock(&s->lock);
    char *text = index >= 0 && index < s->request_count ? mem_strdup(s->requests[index].text) : NULL;
    pthread_mutex_unlock(&s->lock);
    return text;
}

int fake_server_request_connection(struct fake_server *s, int index)
{
    pthread_mutex_lock(&s->lock);
    int connection = index >= 0 && index < s->request_count ? s->requests[index].connection : -1;
    pthread_mutex_unlock(&s->lock);
    return connection;
}

char *fake_server_sni(struct fake_server *s)
{
    pthread_mutex_lock(&s->lock);
    char *name = mem_strdup(s->sni);
    pthread_mutex_unlock(&s->lock);
    return name;
}

const char *fake_server_complaint(struct fake_server *s)
{
    pthread_mutex_lock(&s->lock);
    const char *complaint = *s->complaint ? s->complaint : NULL;
    pthread_mutex_unlock(&s->lock);
    return complaint;
}

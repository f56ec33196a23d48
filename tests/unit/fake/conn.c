#include "fake/conn.h"

#include "base/str.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

void fake_conn_complain(struct fake_conn *c, const char *format, ...)
{
    struct fake_server *s = c->server;
    pthread_mutex_lock(&s->lock);
    if (!*s->complaint) {
        int n = snprintf(s->complaint, sizeof s->complaint, "connection %d: ", c->number);
        va_list args;
        va_start(args, format);
        vsnprintf(s->complaint + n, sizeof s->complaint - (size_t)n, format, args);
        va_end(args);
    }
    pthread_mutex_unlock(&s->lock);
}

/* False: being stopped. */
static bool wait_for(struct fake_conn *c, short events, int ms)
{
    struct pollfd fds[] = {{.fd = c->server->stop, .events = POLLIN}, {.fd = events ? c->fd : -1, .events = events}};
    while (poll(fds, 2, ms) < 0 && errno == EINTR)
        ;
    return !fds[0].revents;
}

bool fake_conn_sleep(struct fake_conn *c, int ms)
{
    return wait_for(c, 0, ms);
}

/* The event that a call on the non-blocking socket waits for; 0: it failed for good. */
static short wanted(struct fake_conn *c, int result, short otherwise)
{
    if (!c->ssl)
        return errno == EAGAIN || errno == EINTR ? otherwise : 0;
    int why = SSL_get_error(c->ssl, result);
    return why == SSL_ERROR_WANT_READ ? POLLIN : why == SSL_ERROR_WANT_WRITE ? POLLOUT : 0;
}

bool fake_conn_write(struct fake_conn *c, const void *bytes, size_t n)
{
    for (size_t sent = 0; sent < n;) {
        const char *from = (const char *)bytes + sent;
        int r = c->ssl ? SSL_write(c->ssl, from, (int)(n - sent)) : (int)send(c->fd, from, n - sent, MSG_NOSIGNAL);
        if (r > 0) {
            sent += (size_t)r;
            continue;
        }
        short events = wanted(c, r, POLLOUT);
        if (!events || !wait_for(c, events, -1))
            return false;
    }
    return true;
}

static bool read_some(struct fake_conn *c)
{
    char chunk[16384];
    for (;;) {
        int r = c->ssl ? SSL_read(c->ssl, chunk, sizeof chunk) : (int)recv(c->fd, chunk, sizeof chunk, 0);
        if (r > 0)
            return buf_append(&c->in, chunk, (size_t)r);
        short events = r == 0 && !c->ssl ? 0 : wanted(c, r, POLLIN);
        if (!events || !wait_for(c, events, -1))
            return false;
    }
}

bool fake_conn_read(struct fake_conn *c, void *bytes, size_t n)
{
    while (c->in.len < n)
        if (!read_some(c))
            return false;
    memcpy(bytes, c->in.data, n);
    buf_consume(&c->in, n);
    return true;
}

const char *fake_conn_request(const struct fake_conn *c)
{
    return c->request.len ? c->request.data : NULL;
}

static void keep_request(struct fake_conn *c)
{
    struct fake_server *s = c->server;
    pthread_mutex_lock(&s->lock);
    if ((size_t)s->request_count < array_len(s->requests))
        s->requests[s->request_count++] = (struct fake_request){mem_strdup(buf_str(&c->request)), c->number};
    pthread_mutex_unlock(&s->lock);
}

static size_t content_length(const char *head, const char *end)
{
    for (const char *line = strstr(head, "\r\n"); line && line < end; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, "content-length:", 15) == 0)
            return strtoul(line + 17, NULL, 10);
    return 0;
}

static bool expect(struct fake_conn *c, const char *begin)
{
    const char *end;
    while (!(end = strstr(buf_str(&c->in), "\r\n\r\n"))) {
        if (read_some(c))
            continue;
        if ((!c->repeated || c->in.len) && wait_for(c, 0, 0))
            fake_conn_complain(c, "closed by the peer where \"%s\" was expected", begin);
        return false;
    }
    size_t head = (size_t)(end - c->in.data) + 4, whole = head + content_length(c->in.data, end);
    while (c->in.len < whole)
        if (!read_some(c))
            return false;
    buf_reset(&c->request);
    buf_append(&c->request, c->in.data, whole);
    buf_consume(&c->in, whole);
    keep_request(c);
    if (c->in.len)
        fake_conn_complain(c, "%zu bytes came after a request that was not yet answered", c->in.len);
    if (str_starts(c->request.data, begin))
        return true;
    fake_conn_complain(c, "\"%s\" was expected, and \"%.*s\" came", begin, (int)strcspn(c->request.data, "\r"), c->request.data);
    return false;
}

static bool send_cut(struct fake_conn *c, const char *bytes, size_t n, size_t cut, int ms)
{
    if (!cut)
        return fake_conn_write(c, bytes, n);
    for (size_t at = 0; at < n; at += cut) {
        if (at && ms && !fake_conn_sleep(c, ms))
            return false;
        if (!fake_conn_write(c, bytes + at, n - at < cut ? n - at : cut))
            return false;
    }
    return true;
}

static bool answer(struct fake_conn *c, const struct fake_step *step)
{
    size_t n = strlen(step->body ? step->body : "");
    auto_free char *head = mem_printf("HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", step->text, n, step->more ? step->more : "");
    return fake_conn_write(c, head, strlen(head)) && fake_conn_write(c, step->body ? step->body : "", n);
}

static bool chunk(struct fake_conn *c, const struct fake_step *step)
{
    size_t n = step->length ? step->length : strlen(step->text);
    auto_buf struct buf b;
    buf_init(&b, FAKE_BYTES_MAX);
    buf_printf(&b, "%zx\r\n", n);
    buf_append(&b, step->text, n);
    buf_append_str(&b, "\r\n");
    return send_cut(c, b.data, b.len, step->cut, step->ms);
}

static bool read_raw(struct fake_conn *c, size_t n)
{
    while (c->in.len < n)
        if (!read_some(c))
            return false;
    buf_reset(&c->request);
    buf_append(&c->request, c->in.data, n);
    buf_consume(&c->in, n);
    keep_request(c);
    return true;
}

/* False: this connection is over. */
static bool step_run(struct fake_conn *c, const struct fake_step *step)
{
    switch (step->verb) {
    case FAKE_VERB_END:
        if (c->ssl)
            SSL_shutdown(c->ssl);
        return false;
    case FAKE_VERB_EXPECT:
        return expect(c, step->text);
    case FAKE_VERB_READ:
        return read_raw(c, step->length);
    case FAKE_VERB_SEND:
        return send_cut(c, step->text, step->length ? step->length : strlen(step->text), step->cut, step->ms);
    case FAKE_VERB_ANSWER:
        return answer(c, step);
    case FAKE_VERB_CHUNK:
        return chunk(c, step);
    case FAKE_VERB_SLEEP:
        return fake_conn_sleep(c, step->ms);
    case FAKE_VERB_RESET:
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
        return false;
    case FAKE_VERB_HANG:
        wait_for(c, 0, -1);
        return false;
    case FAKE_VERB_DRAIN:
        while (read_some(c))
            buf_reset(&c->in);
        return false;
    case FAKE_VERB_CALL:
        return step->call(c, c->server->options.userdata);
    case FAKE_VERB_REPEAT:
        c->repeated = true;
        return true;
    }
    return false;
}

static bool shake_hands(struct fake_conn *c)
{
    if (!c->server->tls)
        return true;
    c->ssl = SSL_new(c->server->tls);
    SSL_set_fd(c->ssl, c->fd);
    int r;
    while ((r = SSL_accept(c->ssl)) != 1) {
        short events = wanted(c, r, POLLIN);
        if (!events || !wait_for(c, events, -1))
            return false; /* no complaint: to refuse our certificate is what some tests are about */
    }
    const char *name = SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name);
    pthread_mutex_lock(&c->server->lock);
    free(c->server->sni);
    c->server->sni = mem_strdup(name);
    pthread_mutex_unlock(&c->server->lock);
    return true;
}

void *fake_conn_run(void *conn)
{
    struct fake_conn *c = conn;
    buf_init(&c->in, FAKE_BYTES_MAX);
    buf_init(&c->request, FAKE_BYTES_MAX);
    const struct fake_step *step = c->script;
    if (shake_hands(c))
        while (step_run(c, step))
            step = step->verb == FAKE_VERB_REPEAT ? c->script : step + 1;
    SSL_free(c->ssl);
    close(c->fd);
    buf_done(&c->in);
    buf_done(&c->request);
    return NULL;
}

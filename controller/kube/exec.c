#include "kube/exec.h"

#include "base/buf.h"
#include "base/str.h"
#include "kube/auth.h"
#include "kube/config.h"
#include "kube/exec_frame.h"
#include "kube/status.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/url.h"
#include "net/ws.h"

#define PROTOCOL     "v5.channel.k8s.io"
#define NEEDS        "exec sessions need Kubernetes 1.30 or newer (WebSocket subprotocol " PROTOCOL ")"
#define FRAME_MAX    ((size_t)32 << 10) /* client-go's piece; the server takes 32 MiB */
#define QUEUE_SLACK  ((size_t)4 << 10)  /* for channel bytes and the CLOSE frame, which is never refused */
#define URL_MAX      ((size_t)8 << 10)
#define DRAIN_TIME   (5 * USEC_SEC) /* after the Status, without a word, until the connection counts as over */
#define EXPLAIN_TIME (5 * USEC_SEC)

struct exec {
    struct loop *loop;
    struct exec_handlers handlers;
    void *userdata;
    struct ws *ws;
    bool open, stdin_open, has_status, told;
    struct exec_result result;
    struct timer *timer; /* drains, then reports */
    int inside;          /* depth of our callbacks */
    bool freed;
    /* To ask again in plain HTTP why an upgrade was refused; dropped when it was not. */
    char *url, *proxy;
    struct strlist headers;
    struct tls tls;
    struct http *http;
};

/* ── life ── */

static void forget_request(struct exec *e)
{
    free(mem_take(e->url));
    free(mem_take(e->proxy));
    strlist_done(&e->headers);
    tls_done(&e->tls);
}

static void release(struct exec *e)
{
    forget_request(e);
    free(e);
}

static void enter(struct exec *e)
{
    e->inside++;
}

static void leave(struct exec *e)
{
    if (--e->inside == 0 && e->freed)
        release(e);
}

void exec_free(struct exec *e)
{
    if (!e)
        return;
    e->open = false;
    e->told = true;
    ws_free(mem_take(e->ws));
    http_free(mem_take(e->http));
    timer_free(mem_take(e->timer));
    if (e->inside > 0)
        e->freed = true;
    else
        release(e);
}

static void report(void *userdata)
{
    struct exec *e = userdata;
    ws_free(mem_take(e->ws));
    http_free(mem_take(e->http));
    e->open = false;
    if (e->told)
        return;
    e->told = true;
    struct exec_result result = e->result;
    enter(e);
    if (e->handlers.on_close)
        e->handlers.on_close(e->userdata, &result);
    leave(e);
}

/* ── a refused upgrade: libwebsockets keeps the body to itself, so the server is asked again in plain HTTP ── */

/* Authorization, existence and the request's form are checked before the upgrade, so the answer is the same; where all is well
 * meanwhile it is 400 "Upgrade request required", and nothing has been run. */
static void explained(void *userdata, const struct http_reply *reply)
{
    struct exec *e = userdata;
    struct error again = {0};
    char retry_after[32];
    bool wait = http_reply_header(reply, "Retry-After", retry_after, sizeof retry_after);
    if (reply->status >= 300 && status_error(reply->status, wait ? retry_after : NULL, reply->body, reply->body_length, &again)) {
        if (strcasestr(again.text, "upgrade request required"))
            error_set(&e->result.err, ERROR_INVALID, "the server refused the WebSocket upgrade (HTTP %d); " NEEDS,
                      e->result.err.http_status);
        else
            e->result.err = again;
    }
    timer_at(e->timer, 0); /* http_free() must not be called here */
}

static void explain(struct exec *e)
{
    static const struct http_handlers handlers = {.on_done = explained};
    e->http = http_new(e->loop);
    struct http_request request = {
        .url = e->url,
        .headers = &e->headers,
        .tls = &e->tls,
        .proxy = e->proxy,
        .timeout = EXPLAIN_TIME,
        .max_body = STATUS_BODY_MAX,
        .cut_body = true,
    };
    http_start(e->http, &request, &handlers, e);
}

/* ── the connection ── */

static void opened(void *userdata)
{
    struct exec *e = userdata;
    e->open = true;
    forget_request(e);
    enter(e);
    if (e->handlers.on_open)
        e->handlers.on_open(e->userdata);
    leave(e);
}

static void took_message(void *userdata, const void *bytes, size_t n)
{
    struct exec *e = userdata;
    struct exec_frame frame;
    exec_frame_decode(bytes, n, &frame);
    if (e->has_status)
        timer_at(e->timer, time_monotonic() + DRAIN_TIME); /* output may trail the Status */
    enter(e);
    switch (frame.kind) {
    case EXEC_FRAME_STDOUT:
        if (e->handlers.on_stdout)
            e->handlers.on_stdout(e->userdata, frame.bytes, frame.n);
        break;
    case EXEC_FRAME_STDERR:
        if (e->handlers.on_stderr)
            e->handlers.on_stderr(e->userdata, frame.bytes, frame.n);
        break;
    case EXEC_FRAME_STATUS:
        if (e->has_status)
            break; /* the first one counts */
        e->has_status = true;
        exec_status_decode(frame.bytes, frame.n, &e->result);
        timer_at(e->timer, time_monotonic() + DRAIN_TIME);
        break;
    case EXEC_FRAME_CLOSE:
    case EXEC_FRAME_NOTHING:
        break;
    }
    leave(e);
}

static void drained(void *userdata)
{
    struct exec *e = userdata;
    enter(e);
    if (e->handlers.on_drain)
        e->handlers.on_drain(e->userdata);
    leave(e);
}

static void closed(void *userdata, const struct ws_close *close)
{
    struct exec *e = userdata;
    e->open = false;
    if (e->has_status) {
        report(e);
        return;
    }
    /* Once a request may have reached the server, a program may run there. Only a refusal says that it does not. */
    e->result = (struct exec_result){.outcome = EXEC_UNKNOWN, .exit_code = -1, .err = close->err};
    if (close->opened) {
        if (close->err.class == ERROR_NONE)
            error_set(&e->result.err, ERROR_UNAVAILABLE, "the server closed the exec without a status");
        report(e);
    } else if (close->http_status >= 300) {
        e->result.outcome = EXEC_FAILED;
        explain(e);
    } else {
        if (close->err.class == ERROR_INVALID)
            error_wrap(&e->result.err, NEEDS);
        report(e);
    }
}

/* ── the outside ── */

static int url_of(const struct config *config, const struct exec_request *r, char **ret_url, struct error *err)
{
    if (!r->command || !r->command[0] || str_empty(r->ns) || str_empty(r->pod))
        return error_set(err, ERROR_INVALID, "an exec needs a namespace, a pod and a command");
    auto_buf struct buf b;
    buf_init(&b, URL_MAX);
    buf_append_str(&b, config->server);
    buf_append_str(&b, "/api/v1/namespaces");
    url_add_segment(&b, r->ns);
    buf_append_str(&b, "/pods");
    url_add_segment(&b, r->pod);
    buf_append_str(&b, "/exec");
    for (const char *const *word = r->command; *word; word++)
        url_add_query(&b, "command", *word);
    url_add_query(&b, "container", r->container);
    if (r->stdin_open)
        url_add_query(&b, "stdin", "true");
    url_add_query(&b, "stdout", "true");
    if (!url_add_query(&b, "stderr", "true") || b.overflowed)
        return error_set(err, ERROR_INVALID, "the exec's command is too long; send what is long over stdin");
    *ret_url = buf_take(&b);
    return 0;
}

struct exec *exec_start(struct loop *loop, const struct config *config, const struct exec_request *request,
                        const struct exec_handlers *handlers, void *userdata, struct error *err)
{
    auto_free char *url = NULL;
    if (url_of(config, request, &url, err) < 0)
        return NULL;
    struct exec *e = mem_new(struct exec);
    e->loop = loop;
    e->handlers = *handlers;
    e->userdata = userdata;
    e->stdin_open = request->stdin_open;
    e->url = mem_take(url);
    e->proxy = mem_strdup(config->proxy_url);
    tls_copy(&e->tls, &config->tls);
    auth_add_headers(config, &e->headers);
    strlist_add(&e->headers, "User-Agent: drillyard/" DRILLYARD_VERSION);
    struct ws_options options = {
        .url = e->url,
        .protocol = PROTOCOL,
        .headers = &e->headers,
        .tls = &e->tls,
        .proxy = e->proxy,
        .connect_timeout = request->connect_timeout,
        .ping_every = EXEC_PING_EVERY,
        .dead_after = EXEC_DEAD_AFTER,
        .message_max = EXEC_MESSAGE_MAX,
        .queue_max = EXEC_QUEUE_MAX + QUEUE_SLACK,
    };
    static const struct ws_handlers ws_handlers = {
        .on_open = opened, .on_message = took_message, .on_drain = drained, .on_close = closed};
    e->ws = ws_open(loop, &options, &ws_handlers, e, err);
    if (!e->ws) {
        release(e);
        return NULL;
    }
    e->timer = timer_new(loop, report, e);
    return e;
}

size_t exec_queued(const struct exec *e)
{
    return e->ws ? ws_queued(e->ws) : 0;
}

bool exec_write(struct exec *e, const void *bytes, size_t n)
{
    static const unsigned char channel = EXEC_STDIN;
    size_t queued = exec_queued(e);
    if (!e->open || !e->stdin_open || n > EXEC_QUEUE_MAX || queued > EXEC_QUEUE_MAX - n)
        return false;
    for (const char *at = bytes; n > 0;) {
        size_t piece = n < FRAME_MAX ? n : FRAME_MAX;
        if (!ws_send(e->ws, &channel, 1, at, piece))
            return false; /* cannot be: the channel bytes fit into QUEUE_SLACK */
        at += piece;
        n -= piece;
    }
    return true;
}

void exec_close_stdin(struct exec *e)
{
    static const unsigned char close_stdin[] = {EXEC_CLOSE, EXEC_STDIN};
    if (!e->open || !e->stdin_open)
        return;
    e->stdin_open = false;
    ws_send(e->ws, close_stdin, sizeof(close_stdin), NULL, 0);
}

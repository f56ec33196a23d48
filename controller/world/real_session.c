#include "base/buf.h"
#include "base/str.h"
#include "kube/exec.h"
#include "world/real_internal.h"

#include <jansson.h>
#include <string.h>

#define LINE_MAX_BYTES ((size_t)256 << 10)
#define STDERR_KEPT    ((size_t)300) /* its last bytes, for the error */

static const char *const command[] = {"/drillyard/bin/drill-injector", "serve", NULL};

struct session {
    struct world_session base;
    struct list node;
    struct exec *exec;     /* NULL: none (any more) */
    struct timer *failing; /* tells of an exec that could not even be asked for */
    struct buf line;       /* the beginning of a line of stdout */
    struct buf last_words; /* of stderr */
    struct error err;      /* of `failing` */
    struct world_session_handlers handlers;
    void *userdata;
    bool busy, closed; /* lines are being delivered; closed meanwhile */
};

static struct session *session_of(struct world_session *s)
{
    return (struct session *)s; /* base is its first member */
}

static void session_free(struct session *s)
{
    exec_free(s->exec);
    timer_free(s->failing);
    list_remove(&s->node);
    buf_done(&s->line);
    buf_done(&s->last_words);
    free(s);
}

void real_session_close(struct world_session *session)
{
    struct session *s = session_of(session);
    if (s->busy)
        s->closed = true;
    else
        session_free(s);
}

static void finish(struct session *s, const struct error *err)
{
    struct error copy = *err;
    s->busy = true; /* closing it in on_close is allowed, and does nothing more */
    exec_free(s->exec);
    s->exec = NULL;
    if (s->handlers.on_close)
        s->handlers.on_close(s->userdata, &copy);
    session_free(s);
}

/* ── lines in ── */

/* Negative: it is no JSON object. */
static int deliver_line(struct session *s, const char *bytes, size_t n, struct error *err)
{
    json_error_t why;
    json_t *line = json_loadb(bytes, n, JSON_ALLOW_NUL, &why);
    if (json_is_object(line)) {
        s->handlers.on_line(s->userdata, line);
        json_decref(line);
        return 0;
    }
    json_decref(line);
    auto_free char *text = mem_strndup(bytes, n < 80 ? n : 80);
    char quoted[128];
    return error_set(err, ERROR_INVALID, "the agent wrote a line that is no JSON object: %s",
                     str_quote(quoted, sizeof quoted, text));
}

static int feed(struct session *s, const char *at, size_t n, struct error *err)
{
    const char *end = at + n, *newline;
    while (!s->closed && at < end && (newline = memchr(at, '\n', (size_t)(end - at)))) {
        int r;
        if (!buf_append(&s->line, at, (size_t)(newline - at)))
            return error_set(err, ERROR_INVALID, "the agent wrote a line of more than %zu bytes", LINE_MAX_BYTES);
        r = s->line.len ? deliver_line(s, s->line.data, s->line.len, err) : 0;
        buf_reset(&s->line);
        if (r < 0)
            return -1;
        at = newline + 1;
    }
    if (!s->closed && at < end && !buf_append(&s->line, at, (size_t)(end - at)))
        return error_set(err, ERROR_INVALID, "the agent wrote a line of more than %zu bytes", LINE_MAX_BYTES);
    return 0;
}

static void on_stdout(void *userdata, const void *bytes, size_t n)
{
    struct session *s = userdata;
    struct error err = {0};
    s->busy = true;
    int r = feed(s, bytes, n, &err);
    s->busy = false;
    if (s->closed)
        session_free(s);
    else if (r < 0)
        finish(s, &err);
}

static void on_stderr(void *userdata, const void *bytes, size_t n)
{
    struct session *s = userdata;
    const char *from = bytes;
    if (n > STDERR_KEPT) {
        from += n - STDERR_KEPT;
        n = STDERR_KEPT;
    }
    if (s->last_words.len + n > STDERR_KEPT)
        buf_consume(&s->last_words, s->last_words.len + n - STDERR_KEPT);
    buf_append(&s->last_words, from, n);
}

/* ── its life ── */

static void on_open(void *userdata)
{
    struct session *s = userdata;
    if (s->handlers.on_open)
        s->handlers.on_open(s->userdata);
}

static void add_last_words(const struct session *s, struct error *err)
{
    const char *text = buf_str(&s->last_words);
    size_t n = s->last_words.len;
    while (n && (text[n - 1] == '\n' || text[n - 1] == ' '))
        n--;
    if (!n)
        return;
    auto_free char *words = mem_strndup(text, n);
    char quoted[STDERR_KEPT + 64];
    str_quote(quoted, sizeof quoted, words);
    struct error longer = *err;
    error_set(&longer, err->class, "%s; on stderr: %s", err->text, quoted);
    longer.http_status = err->http_status;
    longer.retry_after_ms = err->retry_after_ms;
    *err = longer;
}

static void on_close(void *userdata, const struct exec_result *result)
{
    struct session *s = userdata;
    struct error err = result->err;
    if (result->outcome == EXEC_EXITED && result->exit_code != 0)
        error_set(&err, ERROR_UNAVAILABLE, "%s %s ended with exit code %d", command[0], command[1], result->exit_code);
    if (err.http_status == 401)
        client_refused(real_of(s->base.world)->client); /* the next session has read the token anew */
    if (err.class != ERROR_NONE)
        add_last_words(s, &err);
    finish(s, &err);
}

static void fail_late(void *userdata)
{
    struct session *s = userdata;
    finish(s, &s->err);
}

struct world_session *real_session_open(struct world *w, const char *ns, const char *pod, const char *container,
                                        const struct world_session_handlers *handlers, void *userdata)
{
    static const struct exec_handlers exec_handlers = {
        .on_open = on_open, .on_stdout = on_stdout, .on_stderr = on_stderr, .on_close = on_close};
    struct real *r = real_of(w);
    struct session *s = mem_new(struct session);
    s->base.world = w;
    s->handlers = *handlers;
    s->userdata = userdata;
    buf_init(&s->line, LINE_MAX_BYTES);
    buf_init(&s->last_words, STDERR_KEPT);
    list_append(&r->sessions, &s->node);
    if (r->freeing)
        return &s->base;
    struct exec_request request = {.ns = ns, .pod = pod, .container = container, .command = command, .stdin_open = true};
    config_refresh(&r->config, time_monotonic(), false);
    s->exec = exec_start(r->loop, &r->config, &request, &exec_handlers, s, &s->err);
    if (!s->exec) {
        s->failing = timer_new(r->loop, fail_late, s);
        timer_at(s->failing, 0);
    }
    return &s->base;
}

bool real_session_send(struct world_session *session, json_t *line)
{
    struct session *s = session_of(session);
    if (!s->exec || s->closed)
        return false;
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(15));
    if (!text)
        return false;
    size_t n = strlen(text);
    text[n] = '\n'; /* in the place of the NUL: one message, one write */
    bool sent = exec_write(s->exec, text, n + 1);
    free(text);
    return sent;
}

void real_session_cancel_all(struct real *r, const struct error *err)
{
    while (!list_empty(&r->sessions))
        finish(list_entry(r->sessions.next, struct session, node), err);
}

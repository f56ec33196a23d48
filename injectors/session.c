#include "session.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct session {
    struct loop *loop;
    uint64_t number;
    int in, out;
    struct source source_in, source_out; /* one descriptor: only source_in is used */
    struct buf input, output;
    bool skipping; /* inside a line that is too long */
    bool ended;    /* no more input */
    bool dead;
    int owed;
    struct timer end; /* the linger, or "call closed now" */
    struct session_handlers handlers;
};

static void end_now(void *userdata)
{
    struct session *s = userdata;
    s->handlers.closed(s->handlers.userdata, s);
}

static void die(struct session *s)
{
    if (s->dead)
        return;
    s->dead = true;
    source_remove(&s->source_in);
    source_remove(&s->source_out);
    timer_set(s->loop, &s->end, 0, end_now, s);
}

static void linger_over(void *userdata)
{
    die(userdata);
}

static void maybe_end(struct session *s)
{
    if (!s->ended || s->dead)
        return;
    if (s->owed == 0 && s->output.len == 0)
        die(s);
    else if (!s->end.loop || s->end.when == USEC_NEVER)
        timer_set(s->loop, &s->end, time_monotonic() + SESSION_LINGER, linger_over, s);
}

static void interest(struct session *s)
{
    uint32_t in = s->ended ? 0 : EPOLLIN, out = s->output.len ? EPOLLOUT : 0;
    if (s->in == s->out)
        source_set(&s->source_in, in | out);
    else {
        source_set(&s->source_in, in);
        source_set(&s->source_out, out);
    }
}

static void flush(struct session *s)
{
    while (s->output.len > 0 && !s->dead) {
        ssize_t n = write(s->out, s->output.data, s->output.len);
        if (n > 0)
            buf_consume(&s->output, (size_t)n);
        else if (n < 0 && errno == EINTR)
            continue;
        else if (n < 0 && errno == EAGAIN)
            break;
        else
            die(s);
    }
    if (!s->dead)
        interest(s);
    maybe_end(s);
}

/* Hands out the complete lines that are there. A handler may close the session meanwhile. */
static void take_lines(struct session *s)
{
    size_t at = 0;
    while (!s->dead && at < s->input.len) {
        char *start = s->input.data + at;
        char *newline = memchr(start, '\n', s->input.len - at);
        if (!newline)
            break;
        *newline = '\0';
        size_t n = (size_t)(newline - start);
        at += n + 1;
        if (s->skipping)
            s->skipping = false;
        else if (n > 0)
            s->handlers.line(s->handlers.userdata, s, start, n);
    }
    buf_consume(&s->input, at);
    if (s->skipping)
        buf_reset(&s->input);
}

static void receive(struct session *s)
{
    char piece[16384];
    ssize_t n = read(s->in, piece, sizeof piece);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n < 0) {
        die(s);
        return;
    }
    if (n == 0) {
        s->ended = true;
        interest(s);
        maybe_end(s);
        return;
    }
    size_t taken = 0;
    while (taken < (size_t)n && !s->dead) {
        size_t room = s->input.max - s->input.len, rest = (size_t)n - taken;
        size_t part = rest < room ? rest : room;
        buf_append(&s->input, piece + taken, part);
        taken += part;
        take_lines(s);
        if (s->input.len == s->input.max) {
            s->skipping = true;
            buf_reset(&s->input);
            s->handlers.too_long(s->handlers.userdata, s);
        }
    }
}

static void ready(void *userdata, uint32_t events)
{
    struct session *s = userdata;
    if (events & EPOLLOUT)
        flush(s);
    if (!s->dead && !s->ended && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        receive(s);
    else if (!s->dead && s->ended && (events & (EPOLLHUP | EPOLLERR)))
        die(s); /* nobody is left to read the answers */
}

static void out_ready(void *userdata, uint32_t events)
{
    struct session *s = userdata;
    if (events & (EPOLLHUP | EPOLLERR))
        die(s);
    else
        flush(s);
}

struct session *session_new(struct loop *loop, int in, int out, uint64_t number, const struct session_handlers *handlers,
                            struct error *err)
{
    struct session *s = mem_new(struct session);
    s->loop = loop;
    s->number = number;
    s->in = in;
    s->out = out;
    s->handlers = *handlers;
    buf_init(&s->input, SESSION_LINE_MAX + 1);
    buf_init(&s->output, SESSION_QUEUE_MAX);
    fcntl(in, F_SETFL, fcntl(in, F_GETFL) | O_NONBLOCK);
    fcntl(out, F_SETFL, fcntl(out, F_GETFL) | O_NONBLOCK);
    if (source_add(loop, &s->source_in, in, EPOLLIN, ready, s, err) < 0 ||
        (in != out && source_add(loop, &s->source_out, out, 0, out_ready, s, err) < 0)) {
        session_free(s);
        return NULL;
    }
    return s;
}

void session_free(struct session *s)
{
    if (!s)
        return;
    source_remove(&s->source_in);
    source_remove(&s->source_out);
    timer_stop(&s->end);
    if (s->out != s->in)
        fd_close_cleanup(&s->out);
    fd_close_cleanup(&s->in);
    buf_done(&s->input);
    buf_done(&s->output);
    free(s);
}

uint64_t session_number(const struct session *s)
{
    return s->number;
}

bool session_send(struct session *s, const json_t *line)
{
    auto_free char *text = s->dead ? NULL : json_dumps(line, JSON_COMPACT);
    size_t n = text ? strlen(text) : 0;
    if (n == 0 || n > SESSION_LINE_OUT_MAX)
        return false;
    if (!buf_append(&s->output, text, n) || !buf_append_char(&s->output, '\n')) {
        die(s);
        return false;
    }
    flush(s);
    return true;
}

void session_owe(struct session *s, int answers)
{
    s->owed += answers;
    maybe_end(s);
}

void session_close(struct session *s)
{
    die(s);
}

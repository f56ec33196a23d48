#include "net/child.h"

#include "base/buf.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <uv.h>

#define HANDLES 4 /* that libuv has to close before the memory may go */
#define WAITS   3 /* the ends of both outputs, and its own */

struct child {
    void (*done)(void *userdata, const struct child_end *end);
    void *userdata;
    uv_process_t process;
    uv_pipe_t output_pipe, errors_pipe;
    uv_timer_t timer;
    unsigned handles, waits;
    size_t errors_kept;
    struct buf output, errors;
    struct child_end end;
    char piece[4096];
};

static void handle_closed(uv_handle_t *handle)
{
    struct child *c = handle->data;
    if (--c->handles > 0)
        return;
    if (c->output.data)
        explicit_bzero(c->output.data, c->output.len); /* a credential, perhaps */
    buf_done(&c->output);
    buf_done(&c->errors);
    explicit_bzero(c->piece, sizeof(c->piece));
    free(c);
}

/* libuv reaps only what its handle is still open for: so it is done here (a child that got SIGKILL ends at once). */
static void let_go(struct child *c)
{
    if (uv_is_active((uv_handle_t *)&c->process)) {
        uv_process_kill(&c->process, SIGKILL);
        waitpid(c->process.pid, NULL, 0);
    }
    uv_close((uv_handle_t *)&c->process, handle_closed);
    uv_close((uv_handle_t *)&c->output_pipe, handle_closed);
    uv_close((uv_handle_t *)&c->errors_pipe, handle_closed);
    uv_close((uv_handle_t *)&c->timer, handle_closed);
}

void child_free(struct child *c)
{
    if (c)
        let_go(c);
}

static void over(struct child *c)
{
    let_go(c);
    c->end.output = buf_str(&c->output);
    c->end.output_length = c->output.len;
    c->end.output_cut = c->output.overflowed;
    c->end.errors = buf_str(&c->errors);
    c->done(c->userdata, &c->end);
}

static void one_less(struct child *c)
{
    if (--c->waits == 0)
        over(c);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct child *c = handle->data;
    (void)suggested;
    *ret_buf = uv_buf_init(c->piece, sizeof(c->piece));
}

static void took_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *piece)
{
    struct child *c = stream->data;
    if (n < 0) {
        uv_read_stop(stream);
        one_less(c);
    } else if (n > 0 && stream == (uv_stream_t *)&c->output_pipe) {
        buf_append(&c->output, piece->base, (size_t)n);
    } else if (n > 0) {
        size_t room = c->errors_kept - c->errors.len;
        buf_append(&c->errors, piece->base, (size_t)n < room ? (size_t)n : room);
    }
}

static void exited(uv_process_t *process, int64_t status, int signal)
{
    struct child *c = process->data;
    c->end.exit_status = (int)status;
    c->end.signal = signal;
    one_less(c);
}

/* Also where it has ended but something that it started holds its output open. */
static void too_late(uv_timer_t *timer)
{
    struct child *c = timer->data;
    if (c->end.err.class == ERROR_NONE)
        error_set(&c->end.err, ERROR_TIMEOUT, "gave no answer within the time allowed");
    over(c);
}

struct child *child_start(struct loop *loop, const struct child_request *request,
                          void (*done)(void *userdata, const struct child_end *end), void *userdata)
{
    uv_loop_t *uv = loop_uv(loop);
    struct child *c = mem_new(struct child);
    c->done = done;
    c->userdata = userdata;
    c->handles = HANDLES;
    c->waits = WAITS;
    c->errors_kept = request->errors_kept;
    buf_init(&c->output, request->output_max);
    buf_init(&c->errors, request->errors_kept);
    uv_pipe_init(uv, &c->output_pipe, 0);
    uv_pipe_init(uv, &c->errors_pipe, 0);
    uv_timer_init(uv, &c->timer);
    c->process.data = c->output_pipe.data = c->errors_pipe.data = c->timer.data = c;
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&c->output_pipe},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&c->errors_pipe},
    };
    uv_process_options_t options = {
        .file = request->file,
        .args = (char **)(uintptr_t)request->argv,
        .env = (char **)(uintptr_t)request->env,
        .stdio = stdio,
        .stdio_count = array_len(stdio),
        .exit_cb = exited,
    };
    int r = uv_spawn(uv, &c->process, &options); /* initialises the handle even when it fails */
    if (r < 0) {
        error_set(&c->end.err, r == UV_ENOENT ? ERROR_NOT_FOUND : ERROR_FORBIDDEN, "%s",
                  r == UV_ENOENT ? "no such program" : uv_strerror(r));
        uv_timer_start(&c->timer, too_late, 0, 0);
        return c;
    }
    uv_read_start((uv_stream_t *)&c->output_pipe, give_room, took_output);
    uv_read_start((uv_stream_t *)&c->errors_pipe, give_room, took_output);
    uv_update_time(uv);
    uv_timer_start(&c->timer, too_late, (uint64_t)(request->timeout / USEC_MSEC), 0);
    return c;
}

#include "child.h"

#include "base/buf.h"
#include "param.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_EVERY (5 * USEC_MSEC) /* where the kernel or seccomp gives no pidfd */

struct child {
    struct loop *loop;
    pid_t pid;
    int pidfd, out, err;
    struct source source_pid, source_out, source_err;
    struct buf out_bytes, err_bytes;
    struct timer timer;
    usec_t begun, until;
    bool timed_out;
    void (*done)(void *userdata, const struct child_reply *reply);
    void *userdata;
};

static void child_free(struct child *c)
{
    source_remove(&c->source_pid);
    source_remove(&c->source_out);
    source_remove(&c->source_err);
    timer_stop(&c->timer);
    fd_close_cleanup(&c->pidfd);
    fd_close_cleanup(&c->out);
    fd_close_cleanup(&c->err);
    buf_done(&c->out_bytes);
    buf_done(&c->err_bytes);
    free(c);
}

/* False: nothing more is to come. */
static bool take(int fd, struct buf *bytes)
{
    char piece[16384];
    for (;;) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        size_t room = bytes->max - bytes->len;
        buf_append(bytes, piece, (size_t)n < room ? (size_t)n : room);
    }
}

static void out_ready(void *userdata, uint32_t events)
{
    (void)events;
    struct child *c = userdata;
    if (!take(c->out, &c->out_bytes))
        source_remove(&c->source_out);
}

static void err_ready(void *userdata, uint32_t events)
{
    (void)events;
    struct child *c = userdata;
    if (!take(c->err, &c->err_bytes))
        source_remove(&c->source_err);
}

/* False: it runs on. */
static bool reap(struct child *c)
{
    int status;
    if (waitpid(c->pid, &status, WNOHANG) != c->pid)
        return false;
    take(c->out, &c->out_bytes);
    take(c->err, &c->err_bytes);
    struct child_reply reply = {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                                .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                                .timed_out = c->timed_out,
                                .took = time_monotonic() - c->begun,
                                .out = buf_str(&c->out_bytes),
                                .out_length = c->out_bytes.len,
                                .err_out = buf_str(&c->err_bytes),
                                .err_length = c->err_bytes.len};
    c->done(c->userdata, &reply);
    child_free(c);
    return true;
}

static void pid_ready(void *userdata, uint32_t events)
{
    (void)events;
    reap(userdata);
}

static void tick(void *userdata)
{
    struct child *c = userdata;
    usec_t now = time_monotonic();
    if (now >= c->until && !c->timed_out) {
        c->timed_out = true;
        kill(-c->pid, SIGKILL);
    }
    if (reap(c))
        return;
    timer_set(c->loop, &c->timer, c->pidfd < 0 || c->timed_out ? now + LOOK_EVERY : c->until, tick, c);
}

void child_cancel(struct child *c)
{
    if (!c)
        return;
    kill(-c->pid, SIGKILL);
    waitpid(c->pid, NULL, 0); /* a killed process ends at once */
    child_free(c);
}

static char **argv_of(const json_t *command)
{
    size_t n = json_array_size(command);
    char **argv = mem_array(n + 1, sizeof *argv);
    for (size_t i = 0; i < n; i++)
        argv[i] = (char *)(uintptr_t)json_string_value(json_array_get(command, i));
    return argv;
}

/* In the child: never returns. Whatever goes wrong is told through `failure`, which exec closes. */
static _Noreturn void become(char **argv, const char *directory, int out, int err, int failure)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    int null = open("/dev/null", O_RDONLY);
    if ((!directory || chdir(directory) == 0) && dup2(null, 0) >= 0 && dup2(out, 1) >= 0 && dup2(err, 2) >= 0)
        execvp(argv[0], argv);
    int why = errno;
    ssize_t ignored = write(failure, &why, sizeof why);
    (void)ignored;
    _exit(127);
}

static int start(struct child *c, const struct child_order *order, struct error *err)
{
    int out[2], errors[2], failure[2];
    if (pipe2(out, O_CLOEXEC) < 0)
        return error_errno(err, errno, "make a pipe");
    c->out = out[0];
    auto_fd int out_end = out[1];
    if (pipe2(errors, O_CLOEXEC) < 0)
        return error_errno(err, errno, "make a pipe");
    c->err = errors[0];
    auto_fd int error_end = errors[1];
    if (pipe2(failure, O_CLOEXEC) < 0)
        return error_errno(err, errno, "make a pipe");
    auto_fd int failure_from = failure[0];
    auto_fd int failure_to = failure[1];
    fcntl(c->out, F_SETFL, O_NONBLOCK);
    fcntl(c->err, F_SETFL, O_NONBLOCK);
    auto_free char **argv = argv_of(order->command);
    c->pid = fork();
    if (c->pid < 0)
        return error_errno(err, errno, "fork");
    if (c->pid == 0)
        become(argv, order->directory, out_end, error_end, failure_to);
    setpgid(c->pid, c->pid); /* whichever of us is first */
    fd_close_cleanup(&failure_to);
    failure_to = -1;
    int why = 0;
    if (read(failure_from, &why, sizeof why) == sizeof why) {
        waitpid(c->pid, NULL, 0);
        return error_errno(err, why, "run %.200s", argv[0]);
    }
    return 0;
}

struct child *child_begin(struct loop *loop, const struct child_order *order,
                          void (*done)(void *userdata, const struct child_reply *reply), void *userdata, struct error *err)
{
    struct child *c = mem_new(struct child);
    c->loop = loop;
    c->pidfd = c->out = c->err = -1;
    c->begun = time_monotonic();
    c->until = usec_add(c->begun, order->timeout);
    c->done = done;
    c->userdata = userdata;
    buf_init(&c->out_bytes, order->max_output);
    buf_init(&c->err_bytes, order->max_output);
    if (start(c, order, err) < 0) {
        child_free(c);
        return NULL;
    }
    c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
    if (c->pidfd >= 0)
        source_add(loop, &c->source_pid, c->pidfd, EPOLLIN, pid_ready, c, NULL);
    source_add(loop, &c->source_out, c->out, EPOLLIN, out_ready, c, NULL);
    source_add(loop, &c->source_err, c->err, EPOLLIN, err_ready, c, NULL);
    timer_set(loop, &c->timer, c->pidfd < 0 ? c->begun + LOOK_EVERY : c->until, tick, c);
    return c;
}

json_t *child_reply_to_json(const struct child_reply *reply)
{
    json_t *o = json_pack("{s:o, s:o, s:b, s:I}", "exitCode", reply->exit_code < 0 ? json_null() : json_integer(reply->exit_code),
                          "signal", reply->signal ? json_string(signal_to_name(reply->signal)) : json_null(), "timedOut",
                          reply->timed_out, "tookMs", (json_int_t)(reply->took / USEC_MSEC));
    json_object_set_new(o, "stdout", text_to_json(reply->out, reply->out_length, CHILD_OUTPUT_MAX));
    json_object_set_new(o, "stderr", text_to_json(reply->err_out, reply->err_length, CHILD_OUTPUT_MAX));
    return o;
}

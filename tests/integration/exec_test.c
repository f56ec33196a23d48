/* tests/integration/exec_test.c — kube/exec.h against a real API server, kubelet and runtime. exec_test.sh prepares what it needs:
 * EXEC_NS, EXEC_POD and EXEC_VICTIM (two running pods with a busybox in /bin, container "main"), and for the last two tests
 * EXEC_APISERVER_KUBECONFIG and EXEC_APISERVER_PID of an API server of its own, to be stopped and killed. */
#include "base/buf.h"
#include "base/str.h"
#include "kube/config.h"
#include "kube/exec.h"
#include "net/loop.h"
#include "unit/check.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#define MEGABYTES 5
#define ROUNDS    500

extern char **environ;

struct session {
    struct loop *loop;
    struct exec *exec;
    struct buf out, errors;
    struct exec_result result;
    bool open, closed;
    const char *send; /* on open */
    bool close_stdin; /* after it */
    void (*opened)(struct session *s);
    void (*out_came)(struct session *s);
    struct timer *timer;
    usec_t begun, ended;
    size_t left, received; /* of the 5 MB */
    usec_t sent, trips[ROUNDS];
    int round;
};

static void feed(struct session *s)
{
    static const char block[8192] = {'x'};
    while (s->left > 0) {
        size_t n = s->left < sizeof(block) ? s->left : sizeof(block);
        if (!exec_write(s->exec, block, n))
            return;
        s->left -= n;
    }
    exec_close_stdin(s->exec);
}

static void on_open(void *userdata)
{
    struct session *s = userdata;
    s->open = true;
    if (s->send)
        CHECK(exec_write(s->exec, s->send, strlen(s->send)));
    if (s->close_stdin)
        exec_close_stdin(s->exec);
    if (s->opened)
        s->opened(s);
}

static void on_stdout(void *userdata, const void *bytes, size_t n)
{
    struct session *s = userdata;
    s->received += n;
    buf_append(&s->out, bytes, n);
    if (s->out_came)
        s->out_came(s);
}

static void on_stderr(void *userdata, const void *bytes, size_t n)
{
    struct session *s = userdata;
    buf_append(&s->errors, bytes, n);
}

static void on_drain(void *userdata)
{
    struct session *s = userdata;
    if (s->left > 0)
        feed(s);
}

static void on_close(void *userdata, const struct exec_result *result)
{
    struct session *s = userdata;
    s->result = *result;
    s->closed = true;
    s->ended = time_monotonic();
    loop_stop(s->loop);
}

static void too_long(void *userdata)
{
    struct session *s = userdata;
    loop_stop(s->loop);
}

static const struct exec_handlers handlers = {on_open, on_stdout, on_stderr, on_drain, on_close};

static void run_at(struct session *s, const char *kubeconfig, const char *pod, const char *container, const char *const *command,
                   usec_t limit)
{
    auto_config struct config config = {0};
    struct error err = {0};
    buf_init(&s->out, (size_t)16 << 20);
    buf_init(&s->errors, 1 << 16);
    CHECK_INT(config_load_kubeconfig(&config, kubeconfig, NULL, &err), 0);
    CHECK_STR(err.text, "");
    CHECK_INT(loop_new(&s->loop, &err), 0);
    s->timer = timer_new(s->loop, too_long, s);
    s->begun = time_monotonic();
    timer_at(s->timer, s->begun + limit);
    struct exec_request request = {
        .ns = getenv("EXEC_NS"), .pod = pod, .container = container, .command = command, .stdin_open = true};
    s->exec = exec_start(s->loop, &config, &request, &handlers, s, &err);
    CHECK(s->exec != NULL);
    if (s->exec)
        loop_run(s->loop);
    CHECK(s->closed);
    exec_free(s->exec);
    timer_free(s->timer);
    loop_free(s->loop);
    if (!s->closed || getenv("EXEC_VERBOSE"))
        printf("# outcome %d exit %d open %d: %s (%s), %lld ms\n", s->result.outcome, s->result.exit_code, s->open,
               s->result.err.text, error_class_name(s->result.err.class), (long long)(s->ended - s->begun) / 1000);
}

static void run(struct session *s, const char *const *command)
{
    run_at(s, NULL, getenv("EXEC_POD"), "main", command, 30 * USEC_SEC);
}

static void done(struct session *s)
{
    buf_done(&s->out);
    buf_done(&s->errors);
}

TEST(exit_0_is_exited_with_its_output)
{
    struct session s = {0};
    run(&s, (const char *const[]){"echo", "hello & \"100%\" + #?", NULL});
    CHECK_INT(s.result.outcome, EXEC_EXITED);
    CHECK_INT(s.result.exit_code, 0);
    CHECK_STR(buf_str(&s.out), "hello & \"100%\" + #?\n");
    done(&s);
}

TEST(exit_7_is_exited_and_stderr_comes_apart)
{
    struct session s = {0};
    run(&s, (const char *const[]){"sh", "-c", "echo out; echo err >&2; exit 7", NULL});
    CHECK_INT(s.result.outcome, EXEC_EXITED);
    CHECK_INT(s.result.exit_code, 7);
    CHECK_STR(buf_str(&s.out), "out\n");
    CHECK_STR(buf_str(&s.errors), "err\n");
    done(&s);
}

TEST(closing_stdin_ends_the_input_and_output_goes_on)
{
    struct session s = {.send = "one\ntwo\n", .close_stdin = true};
    run(&s, (const char *const[]){"sh", "-c", "n=$(wc -l); sleep 1; echo lines $n", NULL});
    CHECK_INT(s.result.outcome, EXEC_EXITED);
    CHECK_STR(buf_str(&s.out), "lines 2\n");
    done(&s);
}

TEST(five_megabytes_go_in_and_come_back)
{
    struct session s = {.left = MEGABYTES << 20, .opened = feed};
    run(&s, (const char *const[]){"cat", NULL});
    CHECK_INT(s.result.outcome, EXEC_EXITED);
    CHECK_INT(s.received, MEGABYTES << 20);
    printf("# %d MB in and out: %lld ms\n", MEGABYTES, (long long)(s.ended - s.begun) / 1000);
    done(&s);
}

TEST(a_container_that_is_not_there_fails_with_the_servers_words)
{
    struct session s = {0};
    run_at(&s, NULL, getenv("EXEC_POD"), "nobody", (const char *const[]){"true", NULL}, 30 * USEC_SEC);
    CHECK_INT(s.result.outcome, EXEC_FAILED);
    CHECK_INT(s.result.err.class, ERROR_INVALID);
    CHECK_CONTAINS(s.result.err.text, "nobody");
    CHECK(!s.open);
    done(&s);
}

TEST(a_pod_that_is_not_there_fails_as_not_found)
{
    struct session s = {0};
    run_at(&s, NULL, "nobody", "main", (const char *const[]){"true", NULL}, 30 * USEC_SEC);
    CHECK_INT(s.result.outcome, EXEC_FAILED);
    CHECK_INT(s.result.err.class, ERROR_NOT_FOUND);
    CHECK_CONTAINS(s.result.err.text, "\"nobody\" not found");
    done(&s);
}

TEST(a_program_that_is_not_there_fails)
{
    struct session s = {0};
    run(&s, (const char *const[]){"/bin/no-such-program", NULL});
    CHECK_INT(s.result.outcome, EXEC_FAILED);
    CHECK_CONTAINS(s.result.err.text, "no-such-program");
    done(&s);
}

static int by_size(const void *a, const void *b)
{
    usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;
    return x < y ? -1 : x > y;
}

static void next_round(struct session *s)
{
    if (s->round > 0)
        s->trips[s->round - 1] = time_monotonic() - s->sent;
    if (s->round++ == ROUNDS) {
        exec_close_stdin(s->exec);
        return;
    }
    s->sent = time_monotonic();
    exec_write(s->exec, "ping\n", 5);
}

TEST(a_line_there_and_back_is_fast)
{
    struct session s = {.opened = next_round, .out_came = next_round};
    run(&s, (const char *const[]){"cat", NULL});
    CHECK_INT(s.result.outcome, EXEC_EXITED);
    qsort(s.trips, ROUNDS, sizeof(s.trips[0]), by_size);
    printf("# line there and back: p50 %lld us, p99 %lld us\n", (long long)s.trips[ROUNDS / 2],
           (long long)s.trips[ROUNDS * 99 / 100]);
    CHECK(s.trips[ROUNDS / 2] < 50 * USEC_MSEC);
    done(&s);
}

static void delete_victim(struct session *s)
{
    (void)s;
    char pod[128], ns[128];
    snprintf(pod, sizeof(pod), "%s", getenv("EXEC_VICTIM"));
    snprintf(ns, sizeof(ns), "%s", getenv("EXEC_NS"));
    char *argv[] = {"kubectl", "-n", ns, "delete", "pod", pod, "--force", "--grace-period=0", "--wait=false", NULL};
    pid_t pid;
    CHECK_INT(posix_spawnp(&pid, "kubectl", NULL, NULL, argv, environ), 0);
    waitpid(pid, NULL, 0);
}

TEST(a_pod_killed_in_the_middle_is_never_a_success)
{
    struct session s = {.opened = delete_victim};
    run_at(&s, NULL, getenv("EXEC_VICTIM"), "main", (const char *const[]){"sleep", "1000", NULL}, 60 * USEC_SEC);
    /* The runtime may still say 137 for the program it killed; with nothing said it is unknown. */
    CHECK(s.result.outcome == EXEC_UNKNOWN || s.result.outcome == EXEC_FAILED ||
          (s.result.outcome == EXEC_EXITED && s.result.exit_code == 137));
    printf("# pod killed: outcome %d exit %d after %lld ms: %s\n", s.result.outcome, s.result.exit_code,
           (long long)(s.ended - s.begun) / 1000, s.result.err.text);
    done(&s);
}

static void signal_apiserver(int number)
{
    int64_t pid = 0;
    CHECK(str_to_i64(getenv("EXEC_APISERVER_PID"), 2, INT32_MAX, &pid));
    CHECK_INT(kill((pid_t)pid, number), 0);
}

static void stop_apiserver(struct session *s)
{
    (void)s;
    signal_apiserver(SIGSTOP);
}

static void kill_apiserver(struct session *s)
{
    (void)s;
    signal_apiserver(SIGKILL);
}

TEST(an_api_server_that_hangs_is_unknown_within_the_ping_limit)
{
    if (!getenv("EXEC_APISERVER_PID"))
        return;
    struct session s = {.opened = stop_apiserver};
    run_at(&s, getenv("EXEC_APISERVER_KUBECONFIG"), getenv("EXEC_POD"), "main", (const char *const[]){"cat", NULL},
           EXEC_DEAD_AFTER + EXEC_PING_EVERY + 5 * USEC_SEC);
    signal_apiserver(SIGCONT);
    CHECK_INT(s.result.outcome, EXEC_UNKNOWN);
    CHECK_INT(s.result.err.class, ERROR_UNAVAILABLE);
    CHECK(s.ended - s.begun < EXEC_DEAD_AFTER + 2 * USEC_SEC);
    printf("# API server hangs: unknown after %lld ms: %s\n", (long long)(s.ended - s.begun) / 1000, s.result.err.text);
    done(&s);
}

TEST(an_api_server_that_is_killed_is_unknown_at_once)
{
    if (!getenv("EXEC_APISERVER_PID"))
        return;
    struct session s = {.opened = kill_apiserver};
    run_at(&s, getenv("EXEC_APISERVER_KUBECONFIG"), getenv("EXEC_POD"), "main", (const char *const[]){"cat", NULL}, 30 * USEC_SEC);
    CHECK_INT(s.result.outcome, EXEC_UNKNOWN);
    CHECK_INT(s.result.err.class, ERROR_UNAVAILABLE);
    printf("# API server killed: unknown after %lld ms: %s\n", (long long)(s.ended - s.begun) / 1000, s.result.err.text);
    done(&s);
}

int main(void)
{
    if (!getenv("EXEC_NS") || !getenv("EXEC_POD") || !getenv("EXEC_VICTIM")) {
        fprintf(stderr, "run me by exec_test.sh\n");
        return 2;
    }
    return check_run();
}

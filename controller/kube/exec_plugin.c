#include "kube/exec_plugin.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/str.h"
#include "kube/config.h"
#include "net/loop.h"

#include <signal.h>
#include <sys/wait.h>
#include <uv.h>

#define STDERR_KEPT ((size_t)400)

extern char **environ;

struct waiter {
    struct list node;
    void (*done)(void *userdata, const struct error *err);
    void *userdata;
};

/* One run. It outlives the plugin where that is freed meanwhile: libuv closes its handles in later turns. */
struct run {
    struct exec_plugin *plugin; /* NULL: nobody wants to know any more */
    struct config *config;
    uv_process_t process;
    uv_pipe_t out, errors;
    uv_timer_t timer;
    unsigned handles; /* that libuv still has to close */
    unsigned waits;   /* of the two ends of output and the exit; 0: over */
    bool spawned, timed_out;
    int64_t exit_status;
    int signal;
    struct buf output, complaint;
    struct error err;
    char piece[4096];
};

struct exec_plugin {
    char *api_version, *command, *install_hint;
    struct strlist arguments; /* argv, the command first */
    struct strlist environment;
    char *info; /* KUBERNETES_EXEC_INFO */
    usec_t wall_expiry; /* 0: no credential yet */
    struct run *run;
    struct list waiters;
};

/* ── the stanza ── */

static int text_field(const json_t *stanza, const char *field, bool required, const char **ret_text, struct error *err)
{
    const json_t *value = json_object_get(stanza, field);
    *ret_text = NULL;
    if (value && !json_is_null(value) && !json_is_string(value))
        return error_set(err, ERROR_INVALID, "exec.%s: must be a text", field);
    if (!str_empty(json_string_value(value)))
        *ret_text = json_string_value(value);
    else if (required)
        return error_set(err, ERROR_INVALID, "exec.%s: is missing", field);
    return 0;
}

static int take_arguments(struct exec_plugin *p, const json_t *stanza, struct error *err)
{
    const json_t *args = json_object_get(stanza, "args"), *env = json_object_get(stanza, "env");
    size_t i;
    json_t *item;
    strlist_add(&p->arguments, p->command);
    json_array_foreach (args, i, item) {
        if (!json_is_string(item))
            return error_set(err, ERROR_INVALID, "exec.args[%zu]: must be a text", i);
        strlist_add(&p->arguments, json_string_value(item));
    }
    json_array_foreach (env, i, item) {
        const char *name = json_string_value(json_object_get(item, "name"));
        const char *value = json_string_value(json_object_get(item, "value"));
        if (str_empty(name) || strchr(name, '='))
            return error_set(err, ERROR_INVALID, "exec.env[%zu].name: must be the name of a variable", i);
        auto_free char *pair = mem_printf("%s=%s", name, value ? value : "");
        strlist_add(&p->environment, pair);
    }
    if ((args && !json_is_null(args) && !json_is_array(args)) || (env && !json_is_null(env) && !json_is_array(env)))
        return error_set(err, ERROR_INVALID, "exec.%s: must be a list", json_is_array(args) || !args ? "env" : "args");
    return 0;
}

static char *info_of(const char *api_version, json_t *cluster)
{
    json_auto_t *info = json_pack("{s:s, s:s, s:{s:b}}", "apiVersion", api_version, "kind", "ExecCredential", "spec", "interactive", 0);
    if (cluster)
        json_object_set(json_object_get(info, "spec"), "cluster", cluster);
    char *dumped = json_dumps(info, JSON_COMPACT), *text = mem_strdup(dumped);
    free(dumped);
    return text;
}

int exec_plugin_new(const json_t *stanza, const char *dir, json_t *cluster, struct exec_plugin **ret_plugin, struct error *err)
{
    const char *version, *command, *mode, *hint, *with_cluster;
    char quoted[96];
    if (!json_is_object(stanza))
        return error_set(err, ERROR_INVALID, "exec: must be a map with apiVersion and command");
    if (text_field(stanza, "apiVersion", true, &version, err) < 0 || text_field(stanza, "command", true, &command, err) < 0 ||
        text_field(stanza, "interactiveMode", false, &mode, err) < 0 || text_field(stanza, "installHint", false, &hint, err) < 0 ||
        text_field(stanza, "provideClusterInfo", false, &with_cluster, err) < 0)
        return -1;
    bool v1 = str_equal(version, "client.authentication.k8s.io/v1");
    if (!v1 && !str_equal(version, "client.authentication.k8s.io/v1beta1"))
        return error_set(err, ERROR_INVALID, "exec.apiVersion: \"%s\" is not known; client.authentication.k8s.io/v1 and v1beta1 are",
                         str_quote(quoted, sizeof(quoted), version));
    if (v1 && !mode)
        return error_set(err, ERROR_INVALID, "exec.interactiveMode: is missing; %s wants Never or IfAvailable", version);
    if (str_equal(mode, "Always"))
        return error_set(err, ERROR_INVALID, "exec.interactiveMode: Always needs a terminal, and there is none here; use another user");
    if (mode && !str_equal(mode, "Never") && !str_equal(mode, "IfAvailable"))
        return error_set(err, ERROR_INVALID, "exec.interactiveMode: \"%s\" is none of Never, IfAvailable, Always",
                         str_quote(quoted, sizeof(quoted), mode));
    struct exec_plugin *p = mem_new(struct exec_plugin);
    list_init(&p->waiters);
    p->api_version = mem_strdup(version);
    p->install_hint = mem_strdup(hint);
    p->command = strchr(command, '/') && command[0] != '/' ? mem_printf("%s/%s", dir, command) : mem_strdup(command);
    p->info = info_of(version, str_equal(with_cluster, "true") ? cluster : NULL);
    if (take_arguments(p, stanza, err) < 0) {
        exec_plugin_free(p);
        return -1;
    }
    *ret_plugin = p;
    return 0;
}

bool exec_plugin_due(const struct exec_plugin *p, usec_t wall)
{
    return p->wall_expiry == 0 || (p->wall_expiry != USEC_NEVER && wall >= p->wall_expiry - EXEC_PLUGIN_LEEWAY);
}

/* ── a run ── */

static int credential_take(struct exec_plugin *p, struct run *run)
{
    struct exec_credential credential;
    struct config *c = run->config;
    if (exec_credential_decode(buf_str(&run->output), run->output.len, p->api_version, &credential, &run->err) < 0)
        return error_wrap(&run->err, "credential plugin %s", p->command);
    if (credential.token) {
        free(c->token);
        c->token = mem_take(credential.token);
    }
    if (credential.cert_pem && (!str_equal(credential.cert_pem, c->tls.cert_pem) || !str_equal(credential.key_pem, c->tls.key_pem))) {
        free(c->tls.cert_pem);
        free(c->tls.key_pem);
        c->tls.cert_pem = mem_take(credential.cert_pem);
        c->tls.key_pem = mem_take(credential.key_pem);
        c->generation++;
    }
    p->wall_expiry = credential.wall_expiry;
    exec_credential_done(&credential);
    return 0;
}

static void judge(struct exec_plugin *p, struct run *run)
{
    char quoted[ERROR_TEXT_MAX];
    const char *said = str_quote(quoted, sizeof(quoted), buf_str(&run->complaint));
    if (run->err.class != ERROR_NONE)
        return;
    if (run->timed_out)
        error_set(&run->err, ERROR_TIMEOUT, "credential plugin %s: gave no answer within the time allowed: %s", p->command, said);
    else if (run->signal)
        error_set(&run->err, ERROR_FORBIDDEN, "credential plugin %s: ended by signal %d: %s", p->command, run->signal, said);
    else if (run->exit_status != 0)
        error_set(&run->err, ERROR_FORBIDDEN, "credential plugin %s: exit %lld: %s", p->command, (long long)run->exit_status, said);
    else if (run->output.overflowed)
        error_set(&run->err, ERROR_INVALID, "credential plugin %s: printed more than %zu bytes", p->command, EXEC_PLUGIN_OUTPUT_MAX);
    else
        credential_take(p, run);
}

static void handle_closed(uv_handle_t *handle)
{
    struct run *run = handle->data;
    if (--run->handles > 0)
        return;
    if (run->output.data)
        explicit_bzero(run->output.data, run->output.len);
    buf_done(&run->output);
    buf_done(&run->complaint);
    explicit_bzero(run->piece, sizeof(run->piece));
    free(run);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, handle_closed);
}

/* libuv reaps only what its handle is still open for: so it is done here (a child that got SIGKILL ends at once). */
static void kill_child(struct run *run)
{
    if (!run->spawned || !uv_is_active((uv_handle_t *)&run->process))
        return;
    uv_process_kill(&run->process, SIGKILL);
    waitpid(run->process.pid, NULL, 0);
}

static void run_close(struct run *run)
{
    kill_child(run);
    close_handle((uv_handle_t *)&run->out);
    close_handle((uv_handle_t *)&run->errors);
    close_handle((uv_handle_t *)&run->timer);
    close_handle((uv_handle_t *)&run->process);
}

static void run_over(struct run *run)
{
    struct exec_plugin *p = run->plugin;
    run_close(run);
    if (!p)
        return;
    judge(p, run);
    p->run = NULL;
    struct error err = run->err;
    struct list waiting; /* a waiter may free the plugin or start it again */
    list_init(&waiting);
    while (!list_empty(&p->waiters)) {
        struct list *node = p->waiters.next;
        list_remove(node);
        list_append(&waiting, node);
    }
    while (!list_empty(&waiting)) {
        struct waiter *waiter = list_entry(waiting.next, struct waiter, node);
        list_remove(&waiter->node);
        waiter->done(waiter->userdata, &err);
        free(waiter);
    }
}

static void one_less(struct run *run)
{
    if (--run->waits == 0)
        run_over(run);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct run *run = handle->data;
    (void)suggested;
    *ret_buf = uv_buf_init(run->piece, sizeof(run->piece));
}

static void took_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *piece)
{
    struct run *run = stream->data;
    if (n > 0 && stream == (uv_stream_t *)&run->out)
        buf_append(&run->output, piece->base, (size_t)n); /* its overflow is judged at the end */
    else if (n > 0 && run->complaint.len < STDERR_KEPT)
        buf_append(&run->complaint, piece->base, usec_min(n, (usec_t)(STDERR_KEPT - run->complaint.len)));
    else if (n < 0) {
        uv_read_stop(stream);
        one_less(run);
    }
}

static void exited(uv_process_t *process, int64_t status, int signal)
{
    struct run *run = process->data;
    run->exit_status = status;
    run->signal = signal;
    one_less(run);
}

/* Also where the program has ended but a grandchild holds its output open. */
static void too_late(uv_timer_t *timer)
{
    struct run *run = timer->data;
    run->timed_out = true;
    run_over(run);
}

static void not_spawned(uv_timer_t *timer)
{
    run_over(timer->data);
}

static char **environment_of(const struct exec_plugin *p, char **ret_info)
{
    size_t count = 0, n = 0;
    while (environ[count])
        count++;
    char **env = mem_array(count + p->environment.count + 2, sizeof(char *));
    *ret_info = mem_printf("KUBERNETES_EXEC_INFO=%s", p->info);
    env[n++] = *ret_info;
    for (size_t i = 0; i < p->environment.count; i++)
        env[n++] = p->environment.items[i];
    for (size_t i = 0; i < count; i++) { /* what is set above goes first; getenv() takes the first */
        bool there = str_starts(environ[i], "KUBERNETES_EXEC_INFO=");
        for (size_t k = 0; k < p->environment.count && !there; k++)
            there = strncmp(environ[i], p->environment.items[k], strcspn(p->environment.items[k], "=") + 1) == 0;
        if (!there)
            env[n++] = environ[i];
    }
    return env;
}

static int spawn(struct exec_plugin *p, struct run *run, uv_loop_t *uv)
{
    auto_free char *info = NULL;
    auto_free char **env = environment_of(p, &info);
    auto_free char **argv = mem_array(p->arguments.count + 1, sizeof(char *));
    memcpy(argv, p->arguments.items, p->arguments.count * sizeof(char *));
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&run->out},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&run->errors},
    };
    uv_process_options_t options = {
        .file = p->command, .args = argv, .env = env, .stdio = stdio, .stdio_count = array_len(stdio), .exit_cb = exited};
    return uv_spawn(uv, &run->process, &options);
}

void exec_plugin_start(struct exec_plugin *p, struct loop *loop, struct config *config,
                       void (*done)(void *userdata, const struct error *err), void *userdata)
{
    if (done) {
        struct waiter *waiter = mem_new(struct waiter);
        waiter->done = done;
        waiter->userdata = userdata;
        list_append(&p->waiters, &waiter->node);
    }
    if (p->run)
        return;
    uv_loop_t *uv = loop_uv(loop);
    struct run *run = p->run = mem_new(struct run);
    run->plugin = p;
    run->config = config;
    run->handles = 4;
    run->waits = 3;
    buf_init(&run->output, EXEC_PLUGIN_OUTPUT_MAX);
    buf_init(&run->complaint, STDERR_KEPT);
    uv_pipe_init(uv, &run->out, 0);
    uv_pipe_init(uv, &run->errors, 0);
    uv_timer_init(uv, &run->timer);
    run->out.data = run->errors.data = run->timer.data = run->process.data = run;
    int r = spawn(p, run, uv); /* initialises the process handle even when it fails */
    if (r < 0) {
        bool absent = r == UV_ENOENT;
        error_set(&run->err, absent ? ERROR_NOT_FOUND : ERROR_FORBIDDEN, "credential plugin %s: %s%s%s", p->command,
                  absent ? "no such program" : uv_strerror(r), p->install_hint ? "; " : "", p->install_hint ? p->install_hint : "");
        uv_timer_start(&run->timer, not_spawned, 0, 0);
        return;
    }
    run->spawned = true;
    uv_read_start((uv_stream_t *)&run->out, give_room, took_output);
    uv_read_start((uv_stream_t *)&run->errors, give_room, took_output);
    uv_timer_start(&run->timer, too_late, (uint64_t)(EXEC_PLUGIN_TIMEOUT / USEC_MSEC), 0);
}

void exec_plugin_free(struct exec_plugin *p)
{
    if (!p)
        return;
    if (p->run) {
        p->run->plugin = NULL;
        run_close(p->run);
    }
    while (!list_empty(&p->waiters)) {
        struct waiter *waiter = list_entry(p->waiters.next, struct waiter, node);
        list_remove(&waiter->node);
        free(waiter);
    }
    strlist_done(&p->arguments);
    strlist_done(&p->environment);
    free(p->api_version);
    free(p->command);
    free(p->install_hint);
    free(p->info);
    free(p);
}

/* ── the blocking form ── */

struct wait {
    struct loop *loop;
    struct error err;
    bool done;
};

static void wait_done(void *userdata, const struct error *err)
{
    struct wait *wait = userdata;
    wait->err = *err;
    wait->done = true;
    loop_stop(wait->loop);
}

static void wait_too_long(void *userdata)
{
    loop_stop(userdata);
}

int exec_plugin_wait(struct exec_plugin *p, struct config *config, usec_t timeout, struct error *err)
{
    struct wait wait = {0};
    if (loop_new(&wait.loop, err) < 0)
        return -1;
    struct timer *timer = timer_new(wait.loop, wait_too_long, wait.loop);
    timer_at(timer, usec_add(time_monotonic(), timeout));
    exec_plugin_start(p, wait.loop, config, wait_done, &wait);
    loop_run(wait.loop);
    if (!wait.done) {
        error_set(&wait.err, ERROR_TIMEOUT, "credential plugin %s: gave no answer within %lld s", p->command,
                  (long long)(timeout / USEC_SEC));
        struct run *run = mem_take(p->run);
        run->plugin = NULL;
        run_close(run);
        struct waiter *waiter = list_entry(p->waiters.next, struct waiter, node);
        list_remove(&waiter->node);
        free(waiter);
    }
    timer_free(timer);
    loop_free(wait.loop);
    if (wait.err.class == ERROR_NONE)
        return 0;
    if (err)
        *err = wait.err;
    return -1;
}

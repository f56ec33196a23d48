#include "kube/exec_plugin.h"

#include "base/list.h"
#include "base/str.h"
#include "kube/config.h"
#include "net/child.h"

#define STDERR_KEPT ((size_t)400)

extern char **environ;

struct waiter {
    struct list node;
    void (*done)(void *userdata, const struct error *err);
    void *userdata;
};

struct exec_plugin {
    char *api_version, *command, *install_hint;
    struct strlist arguments;   /* argv, the command first */
    struct strlist environment; /* what it gets beside ours, KUBERNETES_EXEC_INFO first */
    usec_t wall_expiry;         /* 0: no credential yet */
    struct child *child;        /* the run under way; NULL: none */
    struct config *config;      /* of that run */
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
    json_array_foreach(args, i, item)
    {
        if (!json_is_string(item))
            return error_set(err, ERROR_INVALID, "exec.args[%zu]: must be a text", i);
        strlist_add(&p->arguments, json_string_value(item));
    }
    json_array_foreach(env, i, item)
    {
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
    json_auto_t *info =
        json_pack("{s:s, s:s, s:{s:b}}", "apiVersion", api_version, "kind", "ExecCredential", "spec", "interactive", 0);
    if (cluster)
        json_object_set(json_object_get(info, "spec"), "cluster", cluster);
    char *dumped = json_dumps(info, JSON_COMPACT), *text = mem_printf("KUBERNETES_EXEC_INFO=%s", dumped);
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
        return error_set(err, ERROR_INVALID,
                         "exec.apiVersion: \"%s\" is not known; client.authentication.k8s.io/v1 and v1beta1 are",
                         str_quote(quoted, sizeof(quoted), version));
    if (v1 && !mode)
        return error_set(err, ERROR_INVALID, "exec.interactiveMode: is missing; %s wants Never or IfAvailable", version);
    if (str_equal(mode, "Always"))
        return error_set(err, ERROR_INVALID,
                         "exec.interactiveMode: Always needs a terminal, and there is none here; use another user");
    if (mode && !str_equal(mode, "Never") && !str_equal(mode, "IfAvailable"))
        return error_set(err, ERROR_INVALID, "exec.interactiveMode: \"%s\" is none of Never, IfAvailable, Always",
                         str_quote(quoted, sizeof(quoted), mode));
    struct exec_plugin *p = mem_new(struct exec_plugin);
    list_init(&p->waiters);
    p->api_version = mem_strdup(version);
    p->install_hint = mem_strdup(hint);
    p->command = strchr(command, '/') && command[0] != '/' ? mem_printf("%s/%s", dir, command) : mem_strdup(command);
    auto_free char *info = info_of(version, str_equal(with_cluster, "true") ? cluster : NULL);
    strlist_add(&p->environment, info);
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

static int credential_take(struct exec_plugin *p, const struct child_end *end, struct error *err)
{
    struct exec_credential credential;
    struct config *c = p->config;
    if (exec_credential_decode(end->output, end->output_length, p->api_version, &credential, err) < 0)
        return -1;
    if (credential.token) {
        free(c->token);
        c->token = mem_take(credential.token);
    }
    if (credential.cert_pem &&
        (!str_equal(credential.cert_pem, c->tls.cert_pem) || !str_equal(credential.key_pem, c->tls.key_pem))) {
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

static void judge(struct exec_plugin *p, const struct child_end *end, struct error *err)
{
    char quoted[ERROR_TEXT_MAX];
    const char *said = str_quote(quoted, sizeof(quoted), end->errors);
    *err = end->err;
    if (err->class == ERROR_TIMEOUT)
        error_set(err, ERROR_TIMEOUT, "%s: %s", end->err.text, said);
    else if (err->class == ERROR_NOT_FOUND && p->install_hint)
        error_set(err, ERROR_NOT_FOUND, "%s; %s", end->err.text, p->install_hint);
    else if (err->class != ERROR_NONE)
        ;
    else if (end->signal)
        error_set(err, ERROR_FORBIDDEN, "ended by signal %d: %s", end->signal, said);
    else if (end->exit_status != 0)
        error_set(err, ERROR_FORBIDDEN, "exit %d: %s", end->exit_status, said);
    else if (end->output_cut)
        error_set(err, ERROR_INVALID, "printed more than %zu bytes", EXEC_PLUGIN_OUTPUT_MAX);
    else
        credential_take(p, end, err);
    if (err->class != ERROR_NONE)
        error_wrap(err, "credential plugin %s", p->command);
}

static void run_over(void *userdata, const struct child_end *end)
{
    struct exec_plugin *p = userdata;
    struct error err;
    p->child = NULL;
    judge(p, end, &err);
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

/* Ours, with what is set here first and not twice: getenv() takes the first. */
static char **environment_of(const struct exec_plugin *p)
{
    size_t count = 0, n = 0;
    while (environ[count])
        count++;
    char **env = mem_array(count + p->environment.count + 1, sizeof(char *));
    for (size_t i = 0; i < p->environment.count; i++)
        env[n++] = p->environment.items[i];
    for (size_t i = 0; i < count; i++) {
        bool there = false;
        for (size_t k = 0; k < p->environment.count && !there; k++)
            there = strncmp(environ[i], p->environment.items[k], strcspn(p->environment.items[k], "=") + 1) == 0;
        if (!there)
            env[n++] = environ[i];
    }
    return env;
}

static void start(struct exec_plugin *p, struct loop *loop, struct config *config, usec_t timeout,
                  void (*done)(void *userdata, const struct error *err), void *userdata)
{
    if (done) {
        struct waiter *waiter = mem_new(struct waiter);
        waiter->done = done;
        waiter->userdata = userdata;
        list_append(&p->waiters, &waiter->node);
    }
    if (p->child)
        return;
    auto_free char **env = environment_of(p);
    auto_free char **argv = mem_array(p->arguments.count + 1, sizeof(char *));
    memcpy(argv, p->arguments.items, p->arguments.count * sizeof(char *));
    struct child_request request = {
        .file = p->command,
        .argv = argv,
        .env = env,
        .output_max = EXEC_PLUGIN_OUTPUT_MAX,
        .errors_kept = STDERR_KEPT,
        .timeout = timeout,
    };
    p->config = config;
    p->child = child_start(loop, &request, run_over, p);
}

void exec_plugin_start(struct exec_plugin *p, struct loop *loop, struct config *config,
                       void (*done)(void *userdata, const struct error *err), void *userdata)
{
    start(p, loop, config, EXEC_PLUGIN_TIMEOUT, done, userdata);
}

void exec_plugin_free(struct exec_plugin *p)
{
    if (!p)
        return;
    child_free(p->child);
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
    free(p);
}

/* ── the blocking form ── */

struct wait {
    struct loop *loop;
    struct error err;
};

static void wait_done(void *userdata, const struct error *err)
{
    struct wait *wait = userdata;
    wait->err = *err;
    loop_stop(wait->loop);
}

int exec_plugin_wait(struct exec_plugin *p, struct config *config, usec_t timeout, struct error *err)
{
    struct wait wait = {0};
    if (loop_new(&wait.loop, err) < 0)
        return -1;
    start(p, wait.loop, config, timeout, wait_done, &wait);
    loop_run(wait.loop); /* ends: the child has its deadline */
    loop_free(wait.loop);
    return wait.err.class == ERROR_NONE ? 0 : error_set(err, wait.err.class, "%s", wait.err.text);
}

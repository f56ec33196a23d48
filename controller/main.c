/* The controller's process: reads its options, reaches the cluster, runs until it is told to end. */
#include "base/log.h"
#include "base/random.h"
#include "base/str.h"
#include "net/loop.h"
#include "options.h"
#include "serve/serve.h"
#include "shell/drain.h"
#include "shell/shell.h"
#include "trim.h"
#include "world/real.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#define DESCRIPTORS_WANTED 65536

struct process {
    struct options options;
    struct loop *loop;
    struct config config;
    struct world *world;
    struct shell *shell;
    uv_signal_t terminate, interrupt;
    bool ending;
};

static void on_stopped(void *userdata)
{
    struct process *p = userdata;
    loop_stop(p->loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct process *p = handle->data;
    if (p->ending) {
        log_event(LOG_WARNING, "told to end again; ending at once", NULL);
        loop_stop(p->loop);
        return;
    }
    p->ending = true;
    log_event(LOG_INFO, "told to end", "signal", number == SIGTERM ? "TERM" : "INT", NULL);
    if (p->shell)
        shell_stop(p->shell, on_stopped, p);
    else
        loop_stop(p->loop);
}

/* In a container this is process 1, to which the kernel sends no signal that it neither catches nor blocks (pid_namespaces(7)): one that comes
 * while it starts would be lost, and it would go on until it is killed. */
static void mask_signals(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(how, &set, NULL);
}

static void catch_signals(struct process *p)
{
    uv_signal_t *handles[] = {&p->terminate, &p->interrupt};
    const int numbers[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < array_len(handles); i++) {
        uv_signal_init(loop_uv(p->loop), handles[i]);
        handles[i]->data = p;
        uv_signal_start(handles[i], on_signal, numbers[i]);
    }
    signal(SIGPIPE, SIG_IGN);
    mask_signals(SIG_UNBLOCK);
}

static void let_signals_go(struct process *p)
{
    uv_close((uv_handle_t *)&p->terminate, NULL);
    uv_close((uv_handle_t *)&p->interrupt, NULL);
}

static int reach_cluster(struct process *p, struct error *err)
{
    bool in_cluster = !p->options.kubeconfig && !p->options.context && getenv("KUBERNETES_SERVICE_HOST");
    if (in_cluster ? config_load_in_cluster(&p->config, NULL, err) < 0
                   : config_load_kubeconfig(&p->config, p->options.kubeconfig, p->options.context, err) < 0)
        return error_wrap(err, in_cluster ? "the pod's service account" : "the kubeconfig");
    log_event(LOG_INFO, "starting", "version", DRILLYARD_VERSION, "server", p->config.server, "namespace", p->config.ns, NULL);
    return 0;
}

/* ── drain ── */

struct draining {
    struct loop *loop;
    struct error outcome;
};

static void on_drained(void *userdata, const struct error *err)
{
    struct draining *d = userdata;
    d->outcome = *err;
    loop_stop(d->loop);
}

static int drain(struct process *p, struct error *err)
{
    if (reach_cluster(p, err) < 0 || loop_new(&p->loop, err) < 0)
        return -1;
    auto_free char *own = mem_strdup(p->config.ns);
    p->world = world_real_new(p->loop, &p->config, NULL);
    const struct drain_options o = {
        .namespaces = p->options.namespaces,
        .catalog_namespace = p->options.catalog_namespace ? p->options.catalog_namespace : own,
        .owner = p->options.owner,
        .within = p->options.within,
    };
    struct draining draining = {.loop = p->loop};
    error_set(&draining.outcome, ERROR_CANCELLED, "told to end before every drill was let go");
    struct drain *d = drain_new(p->world, &o, on_drained, &draining);
    catch_signals(p);
    loop_run(p->loop);
    let_signals_go(p);
    world_free(p->world);
    p->world = NULL;
    drain_free(d);
    if (draining.outcome.class != ERROR_NONE) {
        *err = draining.outcome;
        return -1;
    }
    log_event(LOG_INFO, "drained: no drill is left that waits for a controller", NULL);
    return 0;
}

/* Host name and a random part: a process that was restarted is another candidate. */
static char *make_identity(void)
{
    char host[128] = "controller";
    gethostname(host, sizeof(host) - 1);
    return mem_printf("%.64s_%016llx", host, (unsigned long long)random_seed_os());
}

static bool let_go(void *userdata)
{
    struct process *p = userdata;
    return shell_trim(p->shell);
}

static int run(struct process *p, struct error *err)
{
    if (reach_cluster(p, err) < 0 || loop_new(&p->loop, err) < 0)
        return -1;
    auto_free char *own = mem_strdup(p->options.own_namespace ? p->options.own_namespace : p->config.ns);
    auto_free char *identity = make_identity();
    p->world = world_real_new(p->loop, &p->config, NULL);
    struct shell_options o = {
        .namespaces = p->options.namespaces,
        .catalog_namespace = p->options.catalog_namespace ? p->options.catalog_namespace : own,
        .own_namespace = own,
        .identity = identity,
        .elect = p->options.elect,
        .lease = p->options.lease,
    };
    p->shell = shell_new(p->world, &o, err);
    if (!p->shell)
        return -1;
    catch_signals(p);
    struct serve *serve = NULL;
    if (serve_new(p->loop, p->shell, p->options.listen, &serve, err) < 0) {
        let_signals_go(p);
        return -1;
    }
    struct trim *trim = trim_new(p->loop, let_go, p);
    loop_run(p->loop);
    trim_free(trim);
    serve_free(serve);
    let_signals_go(p);
    return 0;
}

static void process_done(struct process *p)
{
    shell_free(p->shell);
    world_free(p->world);
    loop_free(p->loop);
    config_done(&p->config);
    options_done(&p->options);
}

/* A session is a descriptor, and so is a watch; what runs containers may leave a soft limit of 1,024 (systemd.exec(5), LimitNOFILE=). Not
 * more than is wanted: libraries make tables by it. */
static void allow_descriptors(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= DESCRIPTORS_WANTED)
        return;
    files.rlim_cur = files.rlim_max < DESCRIPTORS_WANTED ? files.rlim_max : DESCRIPTORS_WANTED;
    setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv)
{
    struct process p = {0};
    struct error err = {0};
    mask_signals(SIG_BLOCK);
    if (options_parse(argc, argv, &p.options, &err) < 0) {
        fprintf(stderr, "drillyard-controller: %s\n", err.text);
        return 2;
    }
    if (p.options.help || p.options.version) {
        fputs(p.options.help ? options_help : "drillyard-controller " DRILLYARD_VERSION "\n", stdout);
        options_done(&p.options);
        return 0;
    }
    trim_prepare();
    allow_descriptors();
    log_set_level(p.options.log_level);
    log_set_output(STDERR_FILENO, time_wall);
    int result = p.options.drain ? drain(&p, &err) : run(&p, &err);
    if (result < 0)
        log_event(LOG_ERROR, p.options.drain ? "cannot drain" : "cannot run", "error", err.text, NULL);
    process_done(&p);
    return result < 0 ? 1 : 0;
}

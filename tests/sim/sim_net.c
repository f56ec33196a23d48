/* Probes from the controller itself, to pods by their address. */
#include "sim_pod.h"
#include "sim_process.h"

struct probe {
    struct list node; /* while it is open */
    struct sim_process *process;
    char host[80];
    usec_t began;
    world_http_fn *http;
    world_tcp_fn *tcp;
    void *userdata;
    bool open;
};

static void conclude(struct probe *p, enum error_class class, int status)
{
    struct error err = {0};
    if (class != ERROR_NONE)
        error_set(&err, class, "%s does not answer", p->host);
    p->open = false;
    list_remove(&p->node);
    usec_t latency = sim_now(p->process->sim) - p->began;
    struct world_http_reply reply = {.err = err, .status = status, .latency = latency, .body = status ? "{\"items\":[]}" : NULL};
    reply.body_length = reply.body ? strlen(reply.body) : 0;
    if (p->http)
        p->http(p->userdata, &reply);
    else
        p->tcp(p->userdata, &err, latency);
    free(p);
}

static void answered(void *userdata)
{
    struct probe *p = userdata;
    if (!p->open) { /* cancelled meanwhile */
        free(p);
        return;
    }
    struct sim_pod *pod = sim_pod_at(p->process->sim, p->host);
    bool serves = pod && sim_pod_serves(pod, sim_now(p->process->sim));
    if (pod)
        sim_pod_looked(pod, SIM_LOOK_SERVES, serves, sim_now(p->process->sim));
    conclude(p, serves ? ERROR_NONE : ERROR_UNAVAILABLE, serves ? 200 : 0);
}

static void ask(struct world *w, const char *host, size_t length, struct probe probe)
{
    struct probe *p = mem_new(struct probe);
    *p = probe;
    p->process = sim_process_of(w);
    p->began = sim_now(p->process->sim);
    p->open = true;
    str_format(p->host, sizeof(p->host), "%.*s", (int)length, host);
    list_append(&p->process->probes, &p->node);
    sim_process_post(p->process, p->began + sim_delay(p->process->sim), answered, free, p);
}

void sim_net_http(struct world *w, const struct world_http *request, world_http_fn *done, void *userdata)
{
    const char *host = strstr(request->url, "://");
    host = host ? host + 3 : request->url;
    ask(w, host, strcspn(host, ":/"), (struct probe){.http = done, .userdata = userdata});
}

void sim_net_tcp(struct world *w, const char *host, int port, usec_t timeout, world_tcp_fn *done, void *userdata)
{
    (void)port, (void)timeout; /* a pod of the simulation has one port, and answers or refuses at once */
    ask(w, host, strlen(host), (struct probe){.tcp = done, .userdata = userdata});
}

/* Answers each once; what was posted is freed when its time comes, or with the clock. */
void sim_net_cancel(struct sim_process *process)
{
    while (!list_empty(&process->probes)) {
        struct probe *p = list_entry(process->probes.next, struct probe, node);
        struct error err = {0};
        error_set(&err, ERROR_CANCELLED, "the world ends");
        struct world_http_reply reply = {.err = err};
        p->open = false;
        list_remove(&p->node);
        if (p->http)
            p->http(p->userdata, &reply);
        else
            p->tcp(p->userdata, &err, 0);
    }
}

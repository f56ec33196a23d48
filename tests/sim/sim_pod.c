#include "sim_pod.h"

#include "base/rfc3339.h"
#include "sim_agent.h"
#include "sim_promise.h"
#include "sim_store.h"

/* ── what the API server is told ── */

static json_t *container(const struct sim_pod *pod, const char *name, bool up, int restarts)
{
    char at[RFC3339_SIZE];
    json_t *c = json_pack("{s:s, s:b, s:i}", "name", name, "ready", up, "restartCount", restarts);
    if (up)
        json_put_str(json_make(c, "state.running"), "startedAt", rfc3339_format(pod->created_at + SIM_WALL, at));
    else
        json_put_int(json_make(c, "state.terminated"), "exitCode", 137);
    return c;
}

static json_t *pod_object(const struct sim_pod *pod, const char *phase)
{
    bool running = str_equal(phase, "Running");
    char owner[80];
    str_format(owner, sizeof(owner), "%s-5d9c7b", pod->app->name);
    return json_pack("{s:{s:s, s:s, s:{s:s, s:s}, s:[{s:s, s:s, s:s, s:b}]}, s:{s:s, s:[{s:s}]}, s:{s:s, s:s, s:[o], s:[o]}}",
                     "metadata", "name", pod->name, "namespace", pod->app->ns, "labels", "app", pod->app->name,
                     "drillyard.dev/agent", pod->hidden ? "disabled" : "enabled", "ownerReferences", "kind", "ReplicaSet", "name",
                     owner, "uid", "rs", "controller", 1, "spec", "nodeName", pod->node_name, "containers", "name", "app", "status",
                     "phase", phase, "podIP", pod->ip, "initContainerStatuses",
                     container(pod, "drill-injector", running, pod->boot ? pod->boot - 1 : 0), "containerStatuses",
                     container(pod, "app", running, pod->restarts));
}

/* Says it anew, keeping what the server itself has written there. */
static void publish(struct sim_pod *pod, const char *phase)
{
    const struct sim_resource *r = sim_resource("pods");
    json_t *old = sim_store_get(pod->sim->store, r, pod->app->ns, pod->name);
    json_t *object = pod_object(pod, phase), *metadata = json_object_get(object, "metadata");
    if (old && !pod->listed) { /* another one of that name */
        json_decref(object);
        return;
    }
    static const char *const kept[] = {"uid", "creationTimestamp", "deletionTimestamp"};
    for (size_t i = 0; old && i < array_len(kept); i++)
        json_put_str(metadata, kept[i], json_str(json_object_get(old, "metadata"), kept[i], NULL));
    if (pod->leaving && !json_object_get(metadata, "deletionTimestamp")) {
        char at[RFC3339_SIZE];
        json_put_str(metadata, "deletionTimestamp", rfc3339_format(sim_wall(pod->sim), at));
    }
    json_t *stored = sim_store_put(pod->sim->store, r, object, NULL);
    str_copy(pod->uid, sizeof(pod->uid), json_str(stored, "metadata.uid", ""));
    pod->listed = true;
}

static void unlist(void *userdata)
{
    struct sim_pod *pod = userdata;
    if (!pod->listed)
        return;
    pod->listed = false;
    sim_store_remove(pod->sim->store, sim_resource("pods"), pod->app->ns, pod->name, NULL);
}

static void later(struct sim_pod *pod, usec_t after, void (*fire)(void *userdata))
{
    sim_clock_add(pod->sim->clock, sim_now(pod->sim) + after, fire, NULL, pod);
}

/* ── the target ── */

uint64_t sim_content(struct sim *s)
{
    return ++s->pods->contents;
}

void sim_pod_start_process(struct sim_pod *pod)
{
    pod->pid++;
    pod->runs = true;
    pod->frozen = false;
    pod->started_at = sim_now(pod->sim);
    sim_trace_say(pod->sim->trace, "%s: process %d runs", pod->name, pod->pid);
    sim_agent_poke(pod);
}

static void supervise(void *userdata)
{
    struct sim_pod *pod = userdata;
    if (pod->alive && !pod->runs)
        sim_pod_start_process(pod);
}

void sim_pod_stop_process(struct sim_pod *pod)
{
    pod->beat_at = sim_pod_beat(pod, sim_now(pod->sim));
    pod->runs = pod->frozen = false;
    sim_trace_say(pod->sim->trace, "%s: process %d has ended", pod->name, pod->pid);
    if (pod->app->supervisor != USEC_NEVER)
        later(pod, pod->app->supervisor, supervise);
    sim_agent_poke(pod);
}

void sim_pod_freeze(struct sim_pod *pod, bool frozen)
{
    if (!pod->runs || pod->frozen == frozen)
        return;
    pod->beat_at = sim_pod_beat(pod, sim_now(pod->sim));
    pod->frozen = frozen;
    sim_trace_say(pod->sim->trace, "%s: process %d is %s", pod->name, pod->pid, frozen ? "stopped" : "continued");
    sim_agent_poke(pod);
}

void sim_pod_write(struct sim_pod *pod, enum sim_file file, uint64_t content)
{
    if (pod->files[file] == content)
        return;
    pod->files[file] = content;
    sim_trace_say(pod->sim->trace, "%s: %s is %llu", pod->name, file == SIM_MODEL ? "model" : "config",
                  (unsigned long long)content);
    sim_agent_poke(pod);
}

/* ── beginning ── */

static void run(void *userdata)
{
    struct sim_pod *pod = userdata;
    if (pod->leaving || pod->ended_at)
        return;
    pod->alive = true;
    sim_pod_start_process(pod);
    sim_agent_start(pod);
    publish(pod, "Running");
}

static void effect_free(void *effect)
{
    json_decref(effect);
}

static void pod_new(struct sim *s, struct sim_app *app)
{
    struct sim_pod *pod = mem_new(struct sim_pod);
    int number = ++s->pods->made;
    *pod = (struct sim_pod){.sim = s, .app = app, .created_at = sim_now(s), .files = {1, 1}, .effects = map_new(effect_free)};
    str_format(pod->name, sizeof(pod->name), "%s-5d9c7b-%d", app->name, ++app->made);
    str_format(pod->ip, sizeof(pod->ip), "10.%d.%d.%d", number >> 16, number >> 8 & 255, number & 255);
    str_format(pod->node_name, sizeof(pod->node_name), "node-%d", (int)sim_below(s, 3));
    pod->mono_offset = sim_between(s, 0, USEC_DAY);
    list_init(&pod->links);
    list_init(&pod->watches);
    list_init(&pod->faults);
    list_append(&s->pods->all, &pod->node);
    publish(pod, "Pending");
    later(pod, sim_between(s, 200, 2000) * USEC_MSEC, run);
}

/* The Deployment's controller. */
static void replace(void *userdata)
{
    struct sim_pod *gone = userdata;
    struct sim *s = gone->sim;
    int have = 0;
    for (struct list *n = s->pods->all.next; n != &s->pods->all; n = n->next) {
        const struct sim_pod *pod = list_entry(n, struct sim_pod, node);
        have += pod->app == gone->app && !pod->ended_at && !pod->leaving;
    }
    if (have < gone->app->replicas && !gone->app->gone)
        pod_new(s, gone->app);
}

/* ── ending ── */

static void end_containers(struct sim_pod *pod, bool asked)
{
    if (pod->ended_at)
        return;
    pod->ended_at = sim_now(pod->sim);
    pod->left_at = pod->left_at ? pod->left_at : pod->ended_at;
    sim_agent_end(pod, asked);
    pod->alive = pod->runs = false;
    sim_promise_pod_ended(pod->sim->promise, pod);
    later(pod, sim_between(pod->sim, 100, 2000) * USEC_MSEC, replace);
}

static void die(void *userdata)
{
    struct sim_pod *pod = userdata;
    end_containers(pod, true);
    later(pod, sim_between(pod->sim, 1, 300) * USEC_MSEC, unlist);
}

void sim_pod_evict(struct sim_pod *pod)
{
    if (pod->leaving || pod->ended_at)
        return;
    sim_trace_say(pod->sim->trace, "%s is evicted", pod->name);
    pod->leaving = true;
    publish(pod, pod->alive ? "Running" : "Pending");
    later(pod, sim_between(pod->sim, 50, 1500) * USEC_MSEC, die);
}

void sim_pod_vanish(struct sim_pod *pod)
{
    if (pod->ended_at)
        return;
    sim_trace_say(pod->sim->trace, "%s is gone with its node", pod->name);
    end_containers(pod, false);
    later(pod, sim_between(pod->sim, 1, 20) * USEC_SEC, unlist);
}

void sim_pod_fail(struct sim_pod *pod)
{
    if (pod->ended_at || pod->leaving)
        return;
    sim_trace_say(pod->sim->trace, "%s has failed", pod->name);
    end_containers(pod, true);
    publish(pod, "Failed");
    later(pod, sim_between(pod->sim, 1, 60) * USEC_SEC, unlist);
}

/* Its API object goes at once; its node has not heard of it yet. */
void sim_pod_delete_by_force(struct sim_pod *pod)
{
    if (pod->leaving || pod->ended_at)
        return;
    sim_trace_say(pod->sim->trace, "%s is deleted by force, and runs on", pod->name);
    pod->leaving = true;
    pod->left_at = sim_now(pod->sim);
    unlist(pod);
    later(pod, 0, replace);
    later(pod, sim_between(pod->sim, 0, 60) * USEC_SEC, die);
}

static void show(void *userdata)
{
    struct sim_pod *pod = userdata;
    pod->hidden = false;
    if (pod->ended_at || !pod->listed)
        return;
    sim_trace_say(pod->sim->trace, "%s has its label again", pod->name);
    publish(pod, pod->alive ? "Running" : "Pending");
}

static void delete_by_force(void *userdata)
{
    sim_pod_delete_by_force(userdata);
}

void sim_pod_agent_started(struct sim_pod *pod)
{
    if (pod->listed && !pod->ended_at)
        publish(pod, "Running");
}

/* Kubelet waits 10 s before it starts a container again, then twice as long each time, five minutes at most: had it died again and again for
 * so long, the wait that is under way by then is over so long after the first death. */
static usec_t agent_back_by(const struct sim_pod *pod, usec_t dying_for)
{
    int restarts = pod->boot - 1;
    return usec_min(2 * dying_for + ((10 * USEC_SEC) << (restarts < 5 ? restarts : 5)), 300 * USEC_SEC);
}

/* Out of the controller's sight, whose watch is of pods with the label; by somebody to whom the agent is in the way, perhaps, which dies
 * again and again; and who deletes the pod by force in the end. */
void sim_pod_hide(struct sim_pod *pod)
{
    if (pod->hidden || pod->leaving || pod->ended_at)
        return;
    sim_trace_say(pod->sim->trace, "%s: its label is taken off", pod->name);
    pod->hidden = true;
    publish(pod, pod->alive ? "Running" : "Pending");
    bool for_good = sim_below(pod->sim, 3) == 0;
    usec_t until = sim_between(pod->sim, 1, 60) * USEC_SEC;
    if (pod->alive && (for_good || sim_below(pod->sim, 2)))
        sim_agent_kill(pod, sim_between(pod->sim, 1, agent_back_by(pod, until) / USEC_SEC) * USEC_SEC);
    later(pod, until, for_good ? delete_by_force : show);
}

/* ── finding ── */

#define EACH_POD(s, pod)                                                                                                           \
    for (struct sim_pod *pod = list_entry((s)->pods->all.prev, struct sim_pod, node); &pod->node != &(s)->pods->all;               \
         pod = list_entry(pod->node.prev, struct sim_pod, node))

struct sim_pod *sim_pod_find(struct sim *s, const char *ns, const char *name)
{
    EACH_POD(s, pod)
    if (str_equal(pod->name, name) && str_equal(pod->app->ns, ns))
        return pod;
    return NULL;
}

struct sim_pod *sim_pod_by_uid(struct sim *s, const char *uid)
{
    EACH_POD(s, pod)
    if (str_equal(pod->uid, uid))
        return pod;
    return NULL;
}

struct sim_pod *sim_pod_at(struct sim *s, const char *ip)
{
    EACH_POD(s, pod)
    if (pod->alive && str_equal(pod->ip, ip))
        return pod;
    return NULL;
}

struct sim_pod *sim_pod_any(struct sim *s)
{
    struct sim_pod *chosen = NULL;
    uint64_t seen = 0;
    EACH_POD(s, pod)
    if (pod->alive && sim_below(s, ++seen) == 0)
        chosen = pod;
    return chosen;
}

/* ── apps ── */

struct sim_app *sim_app_add(struct sim *s, const char *ns, const char *name, int replicas, usec_t supervisor)
{
    struct sim_app *app = mem_new(struct sim_app);
    *app = (struct sim_app){.replicas = replicas, .supervisor = supervisor};
    str_copy(app->ns, sizeof(app->ns), ns);
    str_copy(app->name, sizeof(app->name), name);
    list_append(&s->pods->apps, &app->node);
    for (int i = 0; i < replicas; i++)
        pod_new(s, app);
    return app;
}

struct sim_app *sim_app_find(struct sim *s, const char *ns, const char *name)
{
    for (struct list *n = s->pods->apps.next; n != &s->pods->apps; n = n->next) {
        struct sim_app *app = list_entry(n, struct sim_app, node);
        if (str_equal(app->ns, ns) && str_equal(app->name, name))
            return app;
    }
    return NULL;
}

static void roll_out(void *userdata)
{
    sim_pod_evict(userdata);
}

void sim_app_roll(struct sim *s, struct sim_app *app)
{
    usec_t after = 0;
    for (struct list *n = s->pods->all.next; n != &s->pods->all; n = n->next) {
        struct sim_pod *pod = list_entry(n, struct sim_pod, node);
        if (pod->app == app && !pod->ended_at && !pod->leaving)
            later(pod, after += sim_between(s, 100, 1000) * USEC_MSEC, roll_out);
    }
}

void sim_pods_init(struct sim *s)
{
    s->pods = mem_new(struct sim_pods);
    s->pods->contents = 1;
    list_init(&s->pods->all);
    list_init(&s->pods->apps);
}

void sim_pods_free(struct sim *s)
{
    while (!list_empty(&s->pods->all)) {
        struct sim_pod *pod = list_entry(s->pods->all.next, struct sim_pod, node);
        list_remove(&pod->node);
        sim_agent_done(pod);
        free(pod->reports);
        free(pod);
    }
    while (!list_empty(&s->pods->apps)) {
        struct sim_app *app = list_entry(s->pods->apps.next, struct sim_app, node);
        list_remove(&app->node);
        free(app);
    }
    free(s->pods);
}

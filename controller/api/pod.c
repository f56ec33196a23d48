#include "api/pod.h"

#include "base/str.h"

#define DEFAULT_CONTAINER "kubectl.kubernetes.io/default-container"

static void copy_member(json_t *to, const json_t *from, const char *key)
{
    json_t *value = json_object_get(from, key);
    if (value && !json_is_null(value))
        json_object_set(to, key, value);
}

/* The controller's owner reference, else the first. */
static json_t *pod_owner(const json_t *metadata)
{
    json_t *owners = json_object_get(metadata, "ownerReferences");
    for (size_t i = 0; i < json_array_size(owners); i++)
        if (json_flag(json_array_get(owners, i), "controller", false))
            return json_array_get(owners, i);
    return json_array_get(owners, 0);
}

static json_t *reduce_metadata(const json_t *pod)
{
    static const char *const kept[] = {
        "name", "namespace", "uid", "resourceVersion", "labels", "creationTimestamp", "deletionTimestamp"};
    const json_t *metadata = json_at(pod, "metadata");
    json_t *out = json_object();
    for (size_t i = 0; i < array_len(kept); i++)
        copy_member(out, metadata, kept[i]);
    json_t *owner = pod_owner(metadata);
    if (owner)
        json_put(out, "ownerReferences", json_pack("[O]", owner));
    const json_t *container = json_object_get(json_object_get(metadata, "annotations"), DEFAULT_CONTAINER);
    if (container)
        json_put_str(json_make(out, "annotations"), DEFAULT_CONTAINER, json_string_value(container));
    const char *restarted = json_string_value(json_object_get(json_object_get(metadata, "annotations"), POD_RESTARTED_AT));
    json_put_str(restarted ? json_make(out, "annotations") : out, POD_RESTARTED_AT, restarted);
    return out;
}

static json_t *reduce_container(const json_t *status)
{
    json_t *out = json_object();
    json_put_str(out, "name", json_str(status, "name", ""));
    json_put_str(out, "id", json_str(status, "containerID", NULL));
    json_put_bool(out, "ready", json_flag(status, "ready", false));
    json_put_int(out, "restarts", json_int(status, "restartCount", 0));
    json_put_str(out, "started", json_str(status, "state.running.startedAt", NULL));
    const json_t *ended = json_at(status, "state.terminated") ?: json_at(status, "lastState.terminated");
    if (ended) {
        json_t *terminated = json_make(out, "terminated");
        json_put_str(terminated, "reason", json_str(ended, "reason", ""));
        json_put_int(terminated, "exitCode", json_int(ended, "exitCode", 0));
        json_put_str(terminated, "at", json_str(ended, "finishedAt", NULL));
    }
    return out;
}

static void reduce_containers(json_t *out, const json_t *statuses)
{
    for (size_t i = 0; i < json_array_size(statuses); i++)
        json_array_append_new(out, reduce_container(json_array_get(statuses, i)));
}

json_t *pod_reduce(const json_t *pod)
{
    json_t *out = json_object();
    json_put(out, "metadata", reduce_metadata(pod));

    json_t *spec = json_make(out, "spec");
    json_put_str(spec, "nodeName", json_str(pod, "spec.nodeName", NULL));
    json_t *names = json_array();
    const json_t *containers = json_at(pod, "spec.containers");
    for (size_t i = 0; i < json_array_size(containers); i++) {
        json_t *container = json_object();
        json_put_str(container, "name", json_str(json_array_get(containers, i), "name", ""));
        json_array_append_new(names, container);
    }
    json_put(spec, "containers", names);

    json_t *status = json_make(out, "status");
    json_put_str(status, "phase", json_str(pod, "status.phase", NULL));
    json_put_str(status, "reason", json_str(pod, "status.reason", NULL));
    json_put_str(status, "podIP", json_str(pod, "status.podIP", NULL));
    json_t *states = json_array();
    reduce_containers(states, json_at(pod, "status.initContainerStatuses"));
    reduce_containers(states, json_at(pod, "status.containerStatuses"));
    json_put(status, "containers", states);
    return out;
}

static const json_t *pod_container_status(const struct pod *p, const char *container)
{
    const json_t *states = json_at(p->root, "status.containers");
    for (size_t i = 0; i < json_array_size(states); i++)
        if (str_equal(json_str(json_array_get(states, i), "name", ""), container))
            return json_array_get(states, i);
    return NULL;
}

void pod_decode(json_t *reduced, struct pod *ret_pod)
{
    struct pod p = {.root = json_incref(reduced)};
    meta_decode(reduced, &p.meta);
    p.phase = json_str(reduced, "status.phase", "");
    p.ip = json_str(reduced, "status.podIP", "");
    p.node = json_str(reduced, "spec.nodeName", "");
    const json_t *owner = json_array_get(json_at(reduced, "metadata.ownerReferences"), 0);
    p.owner_kind = json_str(owner, "kind", "");
    p.owner_name = json_str(owner, "name", "");

    const json_t *agent = pod_container_status(&p, INJECTOR_CONTAINER);
    p.has_agent = json_at(agent, "started") != NULL;
    p.agent_ready = p.has_agent && json_flag(agent, "ready", false);

    const json_t *containers = json_at(reduced, "spec.containers");
    p.ready = !p.meta.deleting && str_equal(p.phase, "Running");
    for (size_t i = 0; i < json_array_size(containers); i++)
        if (!json_flag(pod_container_status(&p, json_str(json_array_get(containers, i), "name", "")), "ready", false))
            p.ready = false;
    *ret_pod = p;
}

void pod_done(struct pod *p)
{
    json_decref(p->root);
    *p = (struct pod){0};
}

const char *pod_container(const struct pod *p, const char *wanted)
{
    const json_t *containers = json_at(p->root, "spec.containers");
    if (!wanted)
        wanted = json_string_value(json_object_get(p->meta.annotations, DEFAULT_CONTAINER));
    for (size_t i = 0; i < json_array_size(containers); i++) {
        const char *name = json_str(json_array_get(containers, i), "name", NULL);
        if (!wanted ? !str_equal(name, INJECTOR_CONTAINER) : str_equal(name, wanted))
            return name;
    }
    return NULL;
}

int pod_restarts(const struct pod *p, const char *container)
{
    const json_t *status = pod_container_status(p, container);
    return status ? (int)json_int(status, "restarts", 0) : -1;
}

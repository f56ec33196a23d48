#include "shell/sessions.h"

#include "api/pod.h"
#include "base/map.h"
#include "base/str.h"

#define SWEEP_EVERY (30 * USEC_SEC)

struct sessions {
    struct session_host host;
    struct store *store;
    struct map *by_name; /* "ns/pod/container" → session */
    struct alarm sweep;
};

static void session_free_value(void *value)
{
    session_free(value);
}

#define NAME_SIZE 400
static const char *name_of(char dest[NAME_SIZE], const struct key *pod, const char *container)
{
    const char *const parts[] = {pod->ns, pod->name, container ? container : INJECTOR_CONTAINER};
    str_join(dest, NAME_SIZE, '/', array_len(parts), parts);
    return dest;
}

/* Sessions that nobody wants any more go. */
static void sweep(void *userdata)
{
    struct sessions *s = userdata;
    size_t at = 0;
    const char *name;
    void *value;
    while (map_next(s->by_name, &at, &name, &value))
        if (!session_in_use(value)) {
            auto_free char *copy = mem_strdup(name);
            map_remove(s->by_name, copy);
        }
    alarm_set(&s->sweep, world_now(s->host.world) + SWEEP_EVERY);
}

struct sessions *sessions_new(struct world *world, struct alarms *alarms, const struct clock *clock, struct store *store,
                              void (*changed)(void *userdata, const struct key *pod), void *userdata)
{
    struct sessions *s = mem_new(struct sessions);
    s->host = (struct session_host){.world = world, .alarms = alarms, .clock = clock, .changed = changed, .userdata = userdata};
    s->store = store;
    s->by_name = map_new(session_free_value);
    alarm_init(&s->sweep, alarms, sweep, s);
    alarm_set(&s->sweep, world_now(world) + SWEEP_EVERY);
    return s;
}

void sessions_free(struct sessions *s)
{
    if (!s)
        return;
    s->host.changed = NULL;
    alarm_clear(&s->sweep);
    map_free(s->by_name);
    free(s);
}

void sessions_enable(struct sessions *s, int64_t epoch)
{
    s->host.epoch = epoch;
    s->host.enabled = true;
    size_t at = 0;
    void *value;
    while (map_next(s->by_name, &at, NULL, &value))
        session_nudge(value);
}

void sessions_disable(struct sessions *s)
{
    s->host.enabled = false;
    size_t at = 0;
    void *value;
    while (map_next(s->by_name, &at, NULL, &value))
        session_close(value, "this controller is not the leader");
}

/* Why no session can be had with that pod; NULL: it can. */
static const char *pod_lacks(struct sessions *s, const struct key *pod)
{
    auto_pod struct pod p = {0};
    if (store_decode(s->store, pod, &p, NULL) < 0)
        return "the pod is gone";
    return p.has_agent ? NULL : "the pod has no running container " INJECTOR_CONTAINER;
}

struct session *sessions_get(struct sessions *s, const struct key *pod, const char *container)
{
    char name[NAME_SIZE];
    struct session *session = map_get(s->by_name, name_of(name, pod, container));
    if (session)
        return session;
    session = session_new(&s->host, pod, container ? container : INJECTOR_CONTAINER);
    map_set(s->by_name, name, session);
    const char *lacks = pod_lacks(s, pod);
    session_set_pod(session, !lacks, lacks);
    return session;
}

const struct agent_state *sessions_state(struct sessions *s, const struct key *pod)
{
    static const struct agent_state unknown = {.link = AGENT_OPENING, .message = "no session yet"};
    static const struct agent_state absent = {.link = AGENT_ABSENT,
                                              .message = "the pod has no running container " INJECTOR_CONTAINER};
    char name[NAME_SIZE];
    const struct session *session = map_get(s->by_name, name_of(name, pod, NULL));
    if (session)
        return session_state(session);
    return pod_lacks(s, pod) ? &absent : &unknown;
}

void sessions_touch(struct sessions *s, const struct key *pod)
{
    session_touch(sessions_get(s, pod, NULL));
}

void sessions_lease(struct sessions *s, const char *owner, const struct key *pod, usec_t lease)
{
    session_lease(sessions_get(s, pod, NULL), owner, lease);
}

void sessions_pod_changed(struct sessions *s, const struct key *pod)
{
    char prefix[NAME_SIZE];
    str_format(prefix, sizeof(prefix), "%s/%s/", pod->ns, pod->name);
    const char *lacks = pod_lacks(s, pod), *name;
    size_t at = 0;
    void *value;
    while (map_next(s->by_name, &at, &name, &value)) {
        if (!str_starts(name, prefix))
            continue;
        session_set_pod(value, !lacks, lacks);
        if (!lacks)
            session_nudge(value);
    }
}

size_t sessions_count_up(const struct sessions *s)
{
    size_t count = 0, at = 0;
    void *value;
    while (map_next(s->by_name, &at, NULL, &value))
        count += session_state(value)->link == AGENT_UP;
    return count;
}

size_t sessions_count_faults(const struct sessions *s)
{
    size_t count = 0, at = 0;
    void *value;
    while (map_next(s->by_name, &at, NULL, &value)) {
        const struct agent_state *a = session_state(value);
        for (size_t i = 0; i < a->fault_count; i++)
            count += a->faults[i].state == FAULT_IN_FORCE || a->faults[i].state == FAULT_LOST;
    }
    return count;
}

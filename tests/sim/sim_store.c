#include "sim_store.h"

#include "base/map.h"
#include "base/rfc3339.h"

#define DRILLYARD(name, plural_name)                                                                                               \
    {                                                                                                                              \
        .kind = name, .api_version = "drillyard.dev/v1alpha1", .plural = plural_name, .prefix = "/apis/drillyard.dev/v1alpha1",    \
        .namespaced = true, .status = true                                                                                         \
    }

static const struct sim_resource resources[] = {
    DRILLYARD("DrillTarget", "drilltargets"),
    DRILLYARD("ChaosCard", "chaoscards"),
    DRILLYARD("DrillSchedule", "drillschedules"),
    DRILLYARD("Drill", "drills"),
    DRILLYARD("Trigger", "triggers"),
    DRILLYARD("Playbook", "playbooks"),
    DRILLYARD("PlaybookRun", "playbookruns"),
    DRILLYARD("CodingTask", "codingtasks"),
    DRILLYARD("RemediationTemplate", "remediationtemplates"),
    {.kind = "Pod", .api_version = "v1", .plural = "pods", .prefix = "/api/v1", .namespaced = true},
    {.kind = "Namespace", .api_version = "v1", .plural = "namespaces", .prefix = "/api/v1"},
    {.kind = "ConfigMap", .api_version = "v1", .plural = "configmaps", .prefix = "/api/v1", .namespaced = true},
    {.kind = "Deployment", .api_version = "apps/v1", .plural = "deployments", .prefix = "/apis/apps/v1", .namespaced = true},
    {.kind = "Lease",
     .api_version = "coordination.k8s.io/v1",
     .plural = "leases",
     .prefix = "/apis/coordination.k8s.io/v1",
     .namespaced = true},
    {.kind = "Event",
     .api_version = "events.k8s.io/v1",
     .plural = "events",
     .prefix = "/apis/events.k8s.io/v1",
     .namespaced = true},
};

struct shelf {
    struct map *objects; /* "ns/name" → json_t */
    struct sim_change *changes;
    size_t count, room;
};

struct sim_store {
    struct sim *sim;
    sim_changed_fn *changed;
    void *userdata;
    uint64_t rv, oldest;
    struct shelf shelves[array_len(resources)];
};

static void object_free(void *object)
{
    json_decref(object);
}

struct sim_store *sim_store_new(struct sim *sim, sim_changed_fn *changed, void *userdata)
{
    struct sim_store *s = mem_new(struct sim_store);
    *s = (struct sim_store){.sim = sim, .changed = changed, .userdata = userdata, .rv = 1000, .oldest = 1000};
    for (size_t i = 0; i < array_len(resources); i++)
        s->shelves[i].objects = map_new(object_free);
    return s;
}

void sim_store_free(struct sim_store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < array_len(resources); i++) {
        struct shelf *shelf = &s->shelves[i];
        for (size_t c = 0; c < shelf->count; c++) {
            json_decref(shelf->changes[c].before);
            json_decref(shelf->changes[c].after);
        }
        free(shelf->changes);
        map_free(shelf->objects);
    }
    free(s);
}

static bool same_text(const char *s, const char *bytes, size_t n)
{
    return strncmp(s, bytes, n) == 0 && s[n] == '\0';
}

const struct sim_resource *sim_resource_find(const char *prefix, size_t prefix_length, const char *plural, size_t plural_length)
{
    for (size_t i = 0; i < array_len(resources); i++)
        if (same_text(resources[i].plural, plural, plural_length) && same_text(resources[i].prefix, prefix, prefix_length))
            return &resources[i];
    return NULL;
}

const struct sim_resource *sim_resource(const char *plural)
{
    for (size_t i = 0; i < array_len(resources); i++)
        if (str_equal(resources[i].plural, plural))
            return &resources[i];
    abort();
}

static struct shelf *shelf_of(const struct sim_store *s, const struct sim_resource *r)
{
    return (struct shelf *)(uintptr_t)&s->shelves[r - resources];
}

uint64_t sim_store_rv(const struct sim_store *s)
{
    return s->rv;
}

uint64_t sim_store_oldest(const struct sim_store *s)
{
    return s->oldest;
}

void sim_store_compact(struct sim_store *s)
{
    s->oldest = ++s->rv; /* objects of others count it up too: a watch that saw everything is told 410 like one that did not */
}

#define NAME_SIZE 330
static const char *name_of(char dest[NAME_SIZE], const char *ns, const char *name)
{
    size_t n = strlen(ns);
    memcpy(dest, ns, n);
    dest[n] = '/';
    str_copy(dest + n + 1, NAME_SIZE - n - 1, name);
    return dest;
}

static const char *name_of_object(char dest[NAME_SIZE], const json_t *object)
{
    const json_t *metadata = json_object_get(object, "metadata");
    const char *ns = json_string_value(json_object_get(metadata, "namespace"));
    return name_of(dest, ns ? ns : "", json_string_value(json_object_get(metadata, "name")));
}

json_t *sim_store_get(const struct sim_store *s, const struct sim_resource *r, const char *ns, const char *name)
{
    char key[NAME_SIZE];
    return map_get(shelf_of(s, r)->objects, name_of(key, ns, name));
}

/* ── lists ── */

static int by_name(const void *a, const void *b)
{
    char left[NAME_SIZE], right[NAME_SIZE];
    return strcmp(name_of_object(left, *(json_t *const *)a), name_of_object(right, *(json_t *const *)b));
}

/* What there was at rv: what is there now, with the changes since taken back, newest first. */
static struct map *as_it_was(const struct shelf *shelf, uint64_t rv)
{
    struct map *was = map_new(NULL);
    char key[NAME_SIZE];
    const char *name;
    void *object;
    for (size_t at = 0; map_next(shelf->objects, &at, &name, &object);)
        map_set(was, name, object);
    for (size_t i = shelf->count; rv && i-- > 0 && shelf->changes[i].rv > rv;) {
        const struct sim_change *c = &shelf->changes[i];
        if (c->before)
            map_set(was, name_of_object(key, c->before), c->before);
        else
            map_remove(was, name_of_object(key, c->after));
    }
    return was;
}

json_t *sim_store_list(const struct sim_store *s, const struct sim_resource *r, const char *ns, uint64_t rv)
{
    auto_map struct map *was = as_it_was(shelf_of(s, r), rv);
    auto_free json_t **sorted = mem_array(map_count(was) + 1, sizeof(*sorted));
    size_t count = 0;
    void *object;
    for (size_t at = 0; map_next(was, &at, NULL, &object);)
        if (!ns || str_equal(json_str(object, "metadata.namespace", ""), ns))
            sorted[count++] = object;
    qsort(sorted, count, sizeof(json_t *), by_name);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append(list, sorted[i]);
    return list;
}

size_t sim_store_changes(const struct sim_store *s, const struct sim_resource *r)
{
    return shelf_of(s, r)->count;
}

const struct sim_change *sim_store_change(const struct sim_store *s, const struct sim_resource *r, size_t index)
{
    return &shelf_of(s, r)->changes[index];
}

/* ── changes ── */

static void put_version(struct sim_store *s, json_t *object)
{
    char rv[24];
    str_format(rv, sizeof(rv), "%llu", (unsigned long long)++s->rv);
    json_object_set_new(json_object_get(object, "metadata"), "resourceVersion", json_string(rv));
}

static void remember(struct sim_store *s, const struct sim_resource *r, struct sim_change change)
{
    struct shelf *shelf = shelf_of(s, r);
    if (shelf->count == shelf->room) {
        shelf->room = shelf->room ? 2 * shelf->room : 64;
        shelf->changes = mem_resize(shelf->changes, shelf->room, sizeof(*shelf->changes));
    }
    change.rv = s->rv;
    shelf->changes[shelf->count++] = change;
    s->changed(s->userdata, r, &change);
}

static void put_birth(struct sim_store *s, json_t *metadata)
{
    char uid[40], at[RFC3339_SIZE];
    str_format(uid, sizeof(uid), "%08llx-0000-4000-8000-%012llx", (unsigned long long)(s->sim->seed & 0xffffffff),
               (unsigned long long)++s->sim->last_uid);
    json_object_set_new(metadata, "uid", json_string(uid));
    json_object_set_new(metadata, "creationTimestamp", json_string(rfc3339_format(sim_wall(s->sim), at)));
}

json_t *sim_store_put(struct sim_store *s, const struct sim_resource *r, json_t *object, struct sim_process *by)
{
    char key[NAME_SIZE];
    struct shelf *shelf = shelf_of(s, r);
    name_of_object(key, object);
    json_t *before = json_incref(map_get(shelf->objects, key));
    json_t *metadata = json_object_get(object, "metadata");
    if (!before) {
        put_birth(s, metadata);
        if (r->status)
            json_object_set_new(metadata, "generation", json_integer(1));
        json_object_set_new(object, "apiVersion", json_string(r->api_version));
        json_object_set_new(object, "kind", json_string(r->kind));
    }
    put_version(s, object);
    map_set(shelf->objects, key, json_incref(object));
    struct sim_change change = {.type = before ? SIM_MODIFIED : SIM_ADDED, .before = before, .after = object /* taken */, .by = by};
    remember(s, r, change);
    return map_get(shelf->objects, key);
}

void sim_store_remove(struct sim_store *s, const struct sim_resource *r, const char *ns, const char *name, struct sim_process *by)
{
    char key[NAME_SIZE];
    struct shelf *shelf = shelf_of(s, r);
    json_t *before = json_incref(map_get(shelf->objects, name_of(key, ns, name)));
    if (!before)
        return;
    map_remove(shelf->objects, key);
    json_t *after = json_copy(before);
    json_object_set_new(after, "metadata", json_copy(json_object_get(before, "metadata")));
    put_version(s, after);
    remember(s, r, (struct sim_change){.type = SIM_DELETED, .before = before, .after = after, .by = by});
}

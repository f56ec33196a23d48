#include "sim_scene.h"

#include "sim_api.h"
#include "sim_pod.h"

static const char *path_of(char dest[400], const char *plural, const char *ns, const char *name)
{
    const struct sim_resource *r = sim_resource(plural);
    str_format(dest, 400, "%s%s%s/%s%s%s", r->prefix, r->namespaced ? "/namespaces/" : "", r->namespaced ? ns : "", plural,
               *name ? "/" : "", name);
    return dest;
}

bool sim_apply(struct sim *s, const char *plural, json_t *object)
{
    char path[400], ns[64];
    str_copy(ns, sizeof(ns), json_str(object, "metadata.namespace", ""));
    return sim_do(s, "POST", path_of(path, plural, ns, ""), object);
}

bool sim_edit(struct sim *s, const char *plural, const char *ns, const char *name, json_t *patch)
{
    char path[400];
    return sim_do(s, "PATCH", path_of(path, plural, ns, name), patch);
}

bool sim_delete(struct sim *s, const char *plural, const char *ns, const char *name)
{
    char path[400];
    return sim_do(s, "DELETE", path_of(path, plural, ns, name), NULL);
}

static void make_namespace(struct sim *s, const char *name, bool enabled)
{
    json_t *object = json_pack("{s:{s:s}}", "metadata", "name", name);
    if (enabled)
        json_object_set_new(json_make(object, "metadata.labels"), "drillyard.dev/drills", json_string("enabled"));
    sim_apply(s, "namespaces", object);
}

static void make_target(struct sim *s, int index)
{
    struct sim_scene *scene = s->scene;
    char *ns = scene->targets[index][0], *name = scene->targets[index][1];
    str_format(ns, 32, "team-%d", sim_below(s, 12) ? (int)sim_below(s, (uint64_t)scene->teams_used) : SIM_TEAMS - 1);
    str_format(name, 32, "shop-%d", index);
    static const char *const places[] = {"Local", "Local", "Pod"};
    json_t *health = json_pack("[{s:s, s:s, s:{s:i, s:s}}]", "name", "ready", "via", places[sim_below(s, 3)], "http", "port", 8080,
                               "path", "/healthz");
    json_t *facets = json_pack("{s:{s:s}, s:{s:{s:s, s:s}}, s:{s:i, s:s}, s:{s:s, s:s, s:s}, s:{s:s, s:s}, s:o, s:{s:s, s:f, s:i}}",
                               "process", "match", "worker.py", "heartbeat", "file", "path", "/run/shop/heartbeat", "maxAge", "1s",
                               "api", "port", 8080, "path", "/api/items", "config", "path", "/etc/shop/config.yaml", "format",
                               "YAML", "key", "db.pool", "model", "path", "/models/w.safetensors", "format", "SafeTensors",
                               "health", health, "slo", "latencyP95", "500ms", "errorRate", 0.01, "samples", 20);
    json_t *object = json_pack("{s:{s:s, s:s, s:{s:s}}, s:{s:{s:{s:s}}, s:s, s:{s:s, s:s, s:s}, s:o, s:{s:s, s:i, s:[s,s]}}}",
                               "metadata", "name", name, "namespace", ns, "labels", "app", name, "spec", "selector", "matchLabels",
                               "app", name, "container", "app", "workload", "apiVersion", "apps/v1", "kind", "Deployment", "name",
                               name, "facets", facets, "snapshots", "every", "10m", "keep", 3, "facets", "config", "model");
    sim_apply(s, "drilltargets", object);
    sim_apply(s, "deployments",
              json_pack("{s:{s:s, s:s}, s:{s:i}}", "metadata", "name", name, "namespace", ns, "spec", "replicas", 1));
    usec_t supervisor = sim_below(s, 3) ? sim_between(s, 100, 1500) * USEC_MSEC : USEC_NEVER;
    sim_app_add(s, ns, name, sim_below(s, 4) ? 2 : 1, supervisor);
}

static void make_schedule(struct sim *s, int index)
{
    static const char *const policies[] = {"Forbid", "Forbid", "Replace", "Allow"};
    char name[32], ns[32], every[16];
    bool stress = sim_below(s, 3) == 0;
    str_format(name, sizeof(name), "sched-%d", index);
    str_format(ns, sizeof(ns), "team-%d", (int)sim_below(s, (uint64_t)s->scene->teams_used));
    str_format(every, sizeof(every), "%ds", (int)sim_between(s, 5, 30));
    json_t *object =
        json_pack("{s:{s:s, s:s}, s:{s:s, s:s, s:{s:i, s:i}, s:{s:{}}, s:{s:s}, s:[{s:s}], s:s, s:s}}", "metadata", "name", name,
                  "namespace", ns, "spec", "every", every, "mode", stress ? "Stress" : "Normal", "stress", "min", 2, "max", 3,
                  "targets", "selector", "selection", "strategy", sim_below(s, 2) ? "WeightedRandom" : "RoundRobin", "frequency",
                  "every", "1s", "concurrencyPolicy", policies[sim_below(s, 4)], "startingDeadline", "20s");
    sim_apply(s, "drillschedules", object);
}

/* A ledger that is nearly full: its segment is sealed, and the next begun, before long. */
static void fill_ledger(struct sim *s, const char *ns)
{
    size_t length = (size_t)sim_between(s, 505, 511) << 10;
    auto_free char *filler = mem_alloc(length + 1);
    memset(filler, 'x', length);
    sim_apply(s, "configmaps",
              json_pack("{s:{s:s, s:s, s:{s:s}}, s:{s:s, s:s}}", "metadata", "name", "drill-ledger-000001", "namespace", ns,
                        "labels", "drillyard.dev/ledger", "segment", "data", ".chain", "{\"segment\":1}", "chaos-1-filler",
                        filler));
}

void sim_scene_init(struct sim *s)
{
    s->scene = mem_new(struct sim_scene);
    struct sim_scene *scene = s->scene;
    *scene = (struct sim_scene){.sim = s, .apps = 1 + (int)sim_below(s, 3), .teams_used = 1 + (int)sim_below(s, SIM_TEAMS - 1)};
    make_namespace(s, SIM_OWN, false);
    for (int i = 0; i < SIM_TEAMS; i++) {
        char name[16];
        str_format(name, sizeof(name), "team-%d", i);
        make_namespace(s, name, i < 2);
        if (sim_below(s, 30) == 0)
            fill_ledger(s, name);
    }
    const char *plural;
    json_t *object;
    for (size_t i = 0; (object = sim_catalog_object(s, i, &plural)); i++)
        sim_apply(s, plural, object);
    for (int i = 0; i < scene->apps; i++)
        make_target(s, i);
    for (int i = (int)sim_below(s, 3); i > 0; i--)
        make_schedule(s, i);
}

void sim_scene_free(struct sim *s)
{
    free(s->scene);
}

void sim_scene_settle(struct sim *s)
{
    size_t i;
    json_t *object;
    json_auto_t *schedules = sim_store_list(s->store, sim_resource("drillschedules"), NULL, 0);
    json_array_foreach(schedules, i, object)
        sim_edit(s, "drillschedules", json_str(object, "metadata.namespace", ""), json_str(object, "metadata.name", ""),
                 json_pack("{s:{s:b}}", "spec", "suspend", 1));
    for (int n = 0; n < SIM_TEAMS; n++) {
        char ns[16];
        str_format(ns, sizeof(ns), "team-%d", n);
        if (sim_store_get(s->store, sim_resource("configmaps"), ns, "drillyard-stop"))
            sim_delete(s, "configmaps", ns, "drillyard-stop");
        if (n < 2)
            sim_edit(s, "namespaces", "", ns, json_pack("{s:{s:{s:s}}}", "metadata", "labels", "drillyard.dev/drills", "enabled"));
    }
    if (sim_store_get(s->store, sim_resource("configmaps"), SIM_OWN, "drillyard-stop"))
        sim_delete(s, "configmaps", SIM_OWN, "drillyard-stop");
}

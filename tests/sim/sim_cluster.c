/* The cluster's own controllers: what belongs to something goes with it, and a Deployment whose template has changed is rolled out. */
#include "sim_pod.h"
#include "sim_scene.h"
#include "sim_store.h"

struct orphan {
    struct sim *sim;
    char uid[64];
};

static void collect(void *userdata)
{
    struct orphan *o = userdata;
    json_auto_t *drills = sim_store_list(o->sim->store, sim_resource("drills"), NULL, 0);
    size_t i;
    json_t *drill;
    json_array_foreach(drills, i, drill)
    {
        const json_t *owner = json_array_get(json_at(drill, "metadata.ownerReferences"), 0);
        if (str_equal(json_str(owner, "uid", ""), o->uid))
            sim_delete(o->sim, "drills", json_str(drill, "metadata.namespace", ""), json_str(drill, "metadata.name", ""));
    }
    free(o);
}

void sim_scene_changed(struct sim *s, const char *plural, const json_t *before, const json_t *after)
{
    const char *ns = json_str(after, "metadata.namespace", ""), *name = json_str(after, "metadata.name", "");
    if (str_equal(plural, "drillschedules") && !sim_store_get(s->store, sim_resource(plural), ns, name)) {
        struct orphan *o = mem_new(struct orphan);
        o->sim = s;
        str_copy(o->uid, sizeof(o->uid), json_str(after, "metadata.uid", ""));
        sim_clock_add(s->clock, sim_now(s) + sim_between(s, 10, 2000) * USEC_MSEC, collect, free, o);
    }
    const json_t *template = json_at(after, "spec.template");
    if (str_equal(plural, "deployments") && template && !json_equal(json_at(before, "spec.template"), template)) {
        struct sim_app *app = sim_app_find(s, ns, name);
        if (app)
            sim_app_roll(s, app);
    }
}

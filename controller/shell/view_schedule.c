#include "shell/views.h"

#include "base/str.h"

bool schedule_gather(const struct view_source *v, const struct key *key, struct schedule_gather *g)
{
    memset(g, 0, sizeof(*g));
    g->view.object = store_get(v->lookup.store, key);
    if (!g->view.object)
        return false;
    const char *uid = json_str(g->view.object, "metadata.uid", "");
    if (store_decode(v->lookup.store, key, &g->schedule, &g->view.error) == 0) {
        g->view.schedule = &g->schedule;
        g->view.cards = g->cards = gather_cards_of_schedule(&v->lookup, &g->schedule, &g->view.card_count);
    }
    g->view.namespace_enabled = lookup_namespace_enabled(&v->lookup, key->ns);
    g->view.stopped = lookup_stopped(&v->lookup, key->ns);
    g->view.targets = g->targets = gather_targets(&v->lookup, key->ns, &g->view.target_count);
    g->view.drills = g->drills = gather_drills_of_schedule(&v->lookup, key->ns, key->name, &g->view.drill_count);
    g->view.tasks = g->tasks = gather_tasks(&v->lookup, key->ns, NULL, "", &g->view.task_count);
    g->view.seed = str_hash64(uid, strlen(uid), 0);
    g->view.observations = executor_observations(v->executor, key);
    g->view.applies = v->applies;
    return true;
}

void schedule_gather_done(struct schedule_gather *g)
{
    schedule_done(&g->schedule);
    targets_free(g->targets, g->view.target_count);
    cards_free(g->cards, g->view.card_count);
    drills_free(g->drills, g->view.drill_count);
    tasks_free(g->tasks, g->view.task_count);
    json_decref(g->view.object);
}

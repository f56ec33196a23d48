#include "shell/views.h"

#include "base/str.h"

bool target_gather(const struct view_source *v, const struct key *key, struct target_gather *g)
{
    memset(g, 0, sizeof(*g));
    g->view.object = store_get(v->lookup.store, key);
    if (!g->view.object)
        return false;
    g->view.namespace_enabled = lookup_namespace_enabled(&v->lookup, key->ns);
    if (store_decode(v->lookup.store, key, &g->target, &g->view.error) == 0) {
        g->view.target = &g->target;
        pods_gather(v, &g->target, &g->pods);
    }
    g->view.pods = g->pods.pods;
    g->view.agents = g->pods.agents;
    g->view.pod_count = g->pods.count;
    g->view.triggers = g->triggers = gather_triggers(&v->lookup, key->ns, &g->view.trigger_count);
    g->view.cards = g->cards = gather_cards_of_target(&v->lookup, key->ns, &g->view.card_count);
    g->view.drills = g->drills =
        gather_drills_of_target(&v->lookup, key->ns, key->name, g->cards, g->view.card_count, &g->view.drill_count);
    g->view.observations = executor_observations(v->executor, key);
    g->view.evidences = watches_evidences(v->watches, key);
    g->view.epoch = v->epoch;
    g->view.applies = v->applies;
    return true;
}

void target_gather_done(struct target_gather *g)
{
    target_done(&g->target);
    pods_gather_done(&g->pods);
    triggers_free(g->triggers, g->view.trigger_count);
    cards_free(g->cards, g->view.card_count);
    drills_free(g->drills, g->view.drill_count);
    json_decref(g->view.object);
}

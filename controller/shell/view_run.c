#include "shell/views.h"

#include "base/str.h"

bool run_gather(const struct view_source *v, const struct key *key, struct run_gather *g)
{
    memset(g, 0, sizeof(*g));
    g->object = store_get(v->lookup.store, key);
    if (!g->object)
        return false;
    if (store_decode(v->lookup.store, key, &g->run, &g->error) < 0) {
        g->refused = true;
        return true;
    }
    g->view.run = &g->run;
    if (lookup_decode(&v->lookup, KIND_PLAYBOOK, key->ns, g->run.playbook, &g->playbook, &g->view.playbook_error) == 0)
        g->view.playbook = &g->playbook;
    if (lookup_target(&v->lookup, key->ns, g->run.target, &g->target, &g->view.target_error)) {
        g->view.target = &g->target;
        pods_gather(v, &g->target, &g->pods);
    }
    bool ended = g->run.phase == RUN_SUCCEEDED || g->run.phase == RUN_FAILED;
    for (size_t i = 0; i < g->pods.count && !ended; i++) {
        struct key pod = meta_key(&g->pods.pods[i].meta, KIND_POD);
        bool its_own = str_equal(g->run.pod, pod.name) || (str_empty(g->run.pod) && (int)i < g->target.watch_pods);
        if (its_own && g->pods.pods[i].has_agent)
            sessions_touch(v->sessions, &pod);
    }
    g->view.namespace_enabled = lookup_namespace_enabled(&v->lookup, key->ns);
    g->view.pods = g->pods.pods;
    g->view.agents = g->pods.agents;
    g->view.pod_count = g->pods.count;
    g->view.observations = executor_observations(v->executor, key);
    g->view.evidences = watches_evidences(v->watches, key);
    g->view.epoch = v->epoch;
    return true;
}

void run_gather_done(struct run_gather *g)
{
    run_done(&g->run);
    playbook_done(&g->playbook);
    target_done(&g->target);
    pods_gather_done(&g->pods);
    json_decref(g->object);
}

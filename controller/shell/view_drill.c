#include "shell/views.h"

#include "base/str.h"

/* A run for this drill cannot have been made earlier; creation times are in whole seconds. */
#define RUNS_SLACK (2 * USEC_SEC)

void pods_gather(const struct view_source *v, const struct target *target, struct pods_gather *g)
{
    *g = (struct pods_gather){0};
    g->pods = lookup_pods(&v->lookup, target, &g->count);
    g->agents = mem_array(g->count, sizeof(*g->agents));
    for (size_t i = 0; i < g->count; i++) {
        struct key pod = meta_key(&g->pods[i].meta, KIND_POD);
        g->agents[i] = *sessions_state(v->sessions, &pod);
    }
}

void pods_gather_done(struct pods_gather *g)
{
    pods_free(g->pods, g->count);
    free(g->agents);
}

/* The other drills of the namespace that have no verdict. */
static void gather_peers(const struct view_source *v, struct drill_gather *g)
{
    struct store_cursor cursor = {0};
    const struct summary *s;
    while ((s = store_next_live(v->lookup.store, KIND_DRILL, g->drill.meta.ns, &cursor))) {
        enum drill_phase phase = (enum drill_phase)s->phase;
        if (drill_phase_terminal(phase) || str_equal(s->name, g->drill.meta.name))
            continue;
        bool placed = drill_phase_active(phase) && !str_empty(s->pod); /* its status says all */
        struct key key = key_of(KIND_DRILL, s->ns, s->name);
        const struct observation *intent = observations_get(placed ? NULL : executor_observations(v->executor, &key), "intent");
        bool intends = intent->state == OBSERVATION_OK;
        g->peers = mem_room(g->peers, g->view.peer_count, sizeof(*g->peers));
        g->peers[g->view.peer_count++] = (struct drill_peer){
            .name = s->name,
            .target = s->target,
            .pod = intends && str_empty(s->pod) ? json_str(intent->result, "pod", "") : s->pod,
            .schedule = s->reference,
            .created_at = s->created_at,
            .active = drill_phase_active(phase) || intends,
        };
    }
    g->view.peers = g->peers;
}

static usec_t last_end(const struct view_source *v, const char *ns, const char *target)
{
    struct store_cursor cursor = {0};
    const struct summary *s;
    usec_t last = 0;
    while ((s = store_next_of_target(v->lookup.store, KIND_DRILL, ns, target, &cursor)))
        last = usec_max(last, s->ended_at);
    return last;
}

/* The schedule whose label the drill has; labels are cut, names are not. */
static void gather_schedule(const struct view_source *v, const struct key *drill, struct drill_view *view)
{
    const struct summary *own = store_summary(v->lookup.store, drill), *s;
    struct store_cursor cursor = {0};
    view->schedule = "";
    if (!own || str_empty(own->reference))
        return;
    while ((s = store_next(v->lookup.store, KIND_SCHEDULE, drill->ns, &cursor))) {
        char label[64];
        label_value(label, s->name);
        if (!str_equal(label, own->reference))
            continue;
        struct key key = key_of(KIND_SCHEDULE, s->ns, s->name);
        auto_schedule struct schedule schedule = {0};
        if (store_decode(v->lookup.store, &key, &schedule, NULL) < 0)
            continue;
        view->schedule = own->reference;
        view->schedule_allows = schedule_at_once(&schedule);
        return;
    }
}

/* Sessions are opened before they are needed: with the drilled pod, and before it is chosen with those that could be. */
static void touch_sessions(const struct view_source *v, const struct drill_gather *g)
{
    if (drill_phase_terminal(g->drill.phase))
        return;
    for (size_t i = 0, touched = 0; i < g->pods.count && touched < (size_t)usec_max(1, g->target.watch_pods); i++) {
        const struct pod *p = &g->pods.pods[i];
        const char *chosen = !str_empty(g->drill.status_pod) ? g->drill.status_pod : g->drill.pod;
        if (!p->has_agent || (!str_empty(chosen) && !str_equal(chosen, p->meta.name)))
            continue;
        struct key key = meta_key(&p->meta, KIND_POD);
        sessions_touch(v->sessions, &key);
        touched++;
    }
}

static void gather_pod(struct drill_gather *g)
{
    for (size_t i = 0; i < g->pods.count; i++) {
        const struct pod *p = &g->pods.pods[i];
        bool same = str_equal(p->meta.name, g->drill.status_pod) &&
                    (str_empty(g->drill.pod_uid) || str_equal(p->meta.uid, g->drill.pod_uid)); /* not another one of that name */
        if (!same)
            continue;
        g->view.pod = p;
        g->view.agent = &g->pods.agents[i];
    }
}

/* A drill goes on with its pod even when the target is gone or selects others now: the fault must be reverted there. */
static void gather_pod_alone(const struct view_source *v, struct drill_gather *g)
{
    struct key key = key_of(KIND_POD, g->drill.meta.ns, g->drill.status_pod);
    auto_pod struct pod pod = {0};
    if (g->view.pod || str_empty(g->drill.status_pod) || store_decode(v->lookup.store, &key, &pod, NULL) < 0 ||
        (!str_empty(g->drill.pod_uid) && !str_equal(pod.meta.uid, g->drill.pod_uid)))
        return;
    sessions_touch(v->sessions, &key);
    size_t at = g->pods.count++;
    g->pods.pods = mem_resize(g->pods.pods, g->pods.count, sizeof(*g->pods.pods));
    g->pods.agents = mem_resize(g->pods.agents, g->pods.count, sizeof(*g->pods.agents));
    g->pods.pods[at] = pod;
    pod = (struct pod){0}; /* moved */
    g->pods.agents[at] = *sessions_state(v->sessions, &key);
}

static void gather_target(const struct view_source *v, struct drill_gather *g, usec_t now)
{
    if (!lookup_target(&v->lookup, g->drill.meta.ns, g->drill.target, &g->target, &g->view.target_error)) {
        str_copy(g->view.steady_message, sizeof(g->view.steady_message), "the target cannot be used");
        gather_pod_alone(v, g);
        return;
    }
    g->view.target = &g->target;
    g->view.quarantined = condition_get(g->target.root, "Quarantined", NULL, NULL) == CONDITION_TRUE;
    g->view.in_window = windows_open(g->target.windows, now, NULL);
    pods_gather(v, &g->target, &g->pods);
    touch_sessions(v, g);
    struct key key = meta_key(&g->target.meta, KIND_TARGET);
    const struct evidences *seen = watches_evidences(v->watches, &key);
    g->view.steady =
        target_steady(&g->target, g->pods.pods, g->pods.count, seen, now, &g->view.steady_since, g->view.steady_message);
    bool among = false;
    for (size_t i = 0; i < g->pods.count; i++)
        among |= str_equal(g->pods.pods[i].meta.name, g->drill.status_pod);
    if (!among)
        gather_pod_alone(v, g);
}

/* Before a pod is chosen: whether the trigger's condition holds on any, since when at the earliest. */
static void gather_alarm(const struct drill_gather *g, const struct evidences *seen, const struct key *key,
                         const struct trigger *trigger, struct drill_view *view)
{
    for (size_t i = 0; i < g->pods.count; i++) {
        char want[EFFECT_ID_SIZE];
        str_format(want, sizeof(want), "trigger/%s/%s/%s", key->ns, key->name, g->pods.pods[i].meta.name);
        const struct evidence *e = evidences_get(seen, want);
        bool holds = e->holds == (trigger->fires_when ? HOLDS_TRUE : HOLDS_FALSE);
        if (!holds || (view->alarm_since && view->alarm_since <= e->since))
            continue;
        view->alarm_since = e->since;
        str_format(view->alarm_message, sizeof(view->alarm_message), "pod %.80s: %.160s", g->pods.pods[i].meta.name, e->message);
    }
}

static void gather_trigger(const struct view_source *v, struct drill_gather *g)
{
    if (!g->view.card)
        return;
    struct key key;
    struct error err = {0};
    g->view.trigger_exists = lookup_key(&v->lookup, KIND_TRIGGER, g->drill.meta.ns, g->card.trigger, &key, &err);
    str_copy(g->view.trigger_watch.message, sizeof(g->view.trigger_watch.message), err.text);
    if (!g->view.trigger_exists)
        return;
    char want[EFFECT_ID_SIZE];
    struct key target = key_of(KIND_TARGET, g->drill.meta.ns, g->drill.target);
    str_format(want, sizeof(want), "trigger/%s/%s/%s", key.ns, key.name, g->drill.status_pod);
    const struct evidences *seen = watches_evidences(v->watches, &target);
    g->view.trigger_watch = *evidences_get(seen, want);

    auto_trigger struct trigger trigger = {0};
    if (store_decode(v->lookup.store, &key, &trigger, NULL) < 0)
        return;
    if (g->drill.phase <= DRILL_PENDING) /* a new one has no phase yet */
        gather_alarm(g, seen, &key, &trigger, &g->view);
    const struct firing_set *set = firings_get(v->firings, &trigger);
    g->firings = mem_array(set->count, sizeof(*g->firings));
    for (size_t i = 0; i < set->count; i++)
        if (str_equal(set->items[i].ns, g->drill.meta.ns) && str_equal(set->items[i].target, g->drill.target))
            g->firings[g->view.firing_count++] = set->items[i];
    g->view.firings = g->firings;
}

/* The expected playbooks, and when each last ran for this target. */
static void gather_healers(const struct view_source *v, struct drill_view *view)
{
    for (size_t i = 0; view->card && i < view->card->playbook_count; i++) {
        auto_playbook struct playbook playbook = {0};
        const char *ns = view->drill->meta.ns, *name = view->card->playbooks[i].name;
        if (lookup_decode(&v->lookup, KIND_PLAYBOOK, ns, name, &playbook, NULL) < 0)
            continue;
        struct drill_healer healer = {.playbook = name};
        struct store_cursor cursor = {0};
        const struct summary *s;
        while ((s = store_next_of_target(v->lookup.store, KIND_RUN, ns, view->drill->target, &cursor))) {
            if (!str_equal(s->reference, name) || s->flag)
                continue; /* what somebody else reports holds ours up no more than it starts it */
            healer.running |= s->live;
            healer.ended_at = usec_max(healer.ended_at, s->ended_at);
        }
        healer.rested_at = healer.ended_at ? usec_add(healer.ended_at, playbook.cooldown) : 0;
        view->healers[view->healer_count++] = healer;
    }
}

bool drill_gather(const struct view_source *v, const struct key *key, struct drill_gather *g)
{
    memset(g, 0, sizeof(*g));
    g->object = store_get(v->lookup.store, key);
    if (!g->object)
        return false;
    if (store_decode(v->lookup.store, key, &g->drill, &g->error) < 0) {
        g->refused = true;
        return true;
    }
    const char *ns = g->drill.meta.ns;
    usec_t now = clock_now(v->clock);
    g->view.drill = &g->drill;
    if (lookup_decode(&v->lookup, KIND_CARD, ns, g->drill.card, &g->card, &g->view.card_error) == 0)
        g->view.card = &g->card;
    g->view.namespace_enabled = lookup_namespace_enabled(&v->lookup, ns);
    g->view.namespace_deleting = lookup_namespace_deleting(&v->lookup, ns);
    g->view.stopped = lookup_stopped(&v->lookup, ns);
    gather_target(v, g, now);
    gather_pod(g);
    g->view.pod_ended = !g->view.pod && store_ended(v->lookup.store, g->drill.pod_uid);
    g->view.pods = g->pods.pods;
    g->view.agents = g->pods.agents;
    g->view.pod_count = g->pods.count;
    if (g->drill.phase <= DRILL_PENDING) {
        gather_peers(v, g);
        gather_schedule(v, key, &g->view);
        if (g->view.steady != HOLDS_TRUE)
            g->view.target_free_since = last_end(v, ns, g->drill.target);
    }
    gather_trigger(v, g);
    g->view.runs = g->runs =
        gather_runs_of_target(&v->lookup, ns, g->drill.target, g->drill.meta.created_at - RUNS_SLACK, &g->view.run_count);
    if (g->drill.phase <= DRILL_PENDING)
        gather_healers(v, &g->view);
    g->view.tasks = g->tasks = gather_tasks(&v->lookup, ns, g->drill.target, g->drill.incident, &g->view.task_count);
    bool wants_record = drill_phase_terminal(g->drill.phase) && g->drill.finalizer;
    ledger_gather(v->ledger, ns, wants_record ? g->drill.incident : "", v->ledger_synced(v->userdata, ns), &g->ledger);
    g->view.ledger = &g->ledger.view;
    g->view.observations = executor_observations(v->executor, key);
    g->view.evidences = watches_evidences(v->watches, key);
    g->view.epoch = v->epoch;
    g->view.applies = v->applies;
    g->view.acting_since = v->acting_since;
    g->view.lease = v->lease;
    g->view.draw = str_hash64(g->drill.meta.uid, strlen(g->drill.meta.uid), g->drill.seed >= 0 ? (uint64_t)g->drill.seed : 0);
    return true;
}

void drill_gather_done(struct drill_gather *g)
{
    drill_done(&g->drill);
    card_done(&g->card);
    target_done(&g->target);
    pods_gather_done(&g->pods);
    free(g->peers);
    free(g->firings);
    runs_free(g->runs, g->view.run_count);
    tasks_free(g->tasks, g->view.task_count);
    ledger_gather_done(&g->ledger);
    json_decref(g->object);
}

#include "shell/views.h"

#include "base/str.h"

static void add_site(void *userdata, const struct watches_site *site)
{
    struct trigger_gather *g = userdata;
    g->sites = mem_room(g->sites, g->site_count, sizeof(*g->sites));
    g->sites[g->site_count++] = *site;
}

static bool has_site(const struct trigger_gather *g, const struct firing *f)
{
    for (size_t i = 0; i < g->site_count; i++)
        if (str_equal(g->sites[i].pod.name, f->pod) && str_equal(g->sites[i].owner.name, f->target) &&
            str_equal(g->sites[i].owner.ns, f->ns))
            return true;
    return false;
}

/* After a start or a change of leader the targets have not said yet where they look. A firing ends by what is seen, not by that: as
 * long as its target and its pod are there, its site is, with nothing seen. */
static void add_sites_of_firings(const struct view_source *v, struct trigger_gather *g)
{
    for (size_t i = 0; i < g->view.firing_count; i++) {
        const struct firing *f = &g->view.firings[i];
        struct watches_site site = {.owner = key_of(KIND_TARGET, f->ns, f->target), .pod = key_of(KIND_POD, f->ns, f->pod)};
        bool there =
            store_summary(v->lookup.store, &site.owner) && (str_empty(f->pod) || store_summary(v->lookup.store, &site.pod));
        if (f->cleared_at || has_site(g, f) || !there)
            continue;
        str_copy(site.seen.message, sizeof(site.seen.message), "not looked at yet");
        add_site(g, &site);
    }
}

/* The incident of the drill that is active on a target. */
static void incident_of(const struct view_source *v, const struct key *target, char dest[64])
{
    struct store_cursor cursor = {0};
    const struct summary *s;
    dest[0] = '\0';
    while ((s = store_next_live(v->lookup.store, KIND_DRILL, target->ns, &cursor))) {
        if (!str_equal(s->target, target->name) || !drill_phase_active((enum drill_phase)s->phase))
            continue;
        struct key key = key_of(KIND_DRILL, s->ns, s->name);
        json_auto_t *object = store_get(v->lookup.store, &key);
        str_copy(dest, 64, json_str(object, "status.incident", ""));
        return;
    }
}

/* Whether a run may be begun for it now: what that would be told is not looked up for each of hundreds of sites. */
static bool may_begin_run(const struct trigger_gather *g, const struct watches_site *site)
{
    if (trigger_fires(&g->trigger, &site->seen) == HOLDS_FALSE)
        return false;
    for (size_t i = 0; i < g->view.playbook_count; i++)
        if (!trigger_heals_already(&g->view, &g->view.playbooks[i], site->owner.ns, site->owner.name))
            return true;
    return false;
}

static void gather_sites(const struct view_source *v, const struct key *key, struct trigger_gather *g)
{
    watches_each_site(v->watches, key->ns, key->name, add_site, g);
    add_sites_of_firings(v, g);
    g->view_sites = mem_array(g->site_count, sizeof(*g->view_sites));
    g->incidents = mem_array(g->site_count, sizeof(*g->incidents));
    for (size_t i = 0; i < g->site_count; i++) {
        struct watches_site *site = &g->sites[i];
        bool known = i && *g->incidents[i - 1] && key_equal(&site->owner, &g->sites[i - 1].owner);
        if (known)
            memcpy(g->incidents[i], g->incidents[i - 1], sizeof(g->incidents[i]));
        else if (may_begin_run(g, site))
            incident_of(v, &site->owner, g->incidents[i]);
        g->view_sites[i] = (struct trigger_site){
            .ns = site->owner.ns,
            .target = site->owner.name,
            .pod = site->pod.name,
            .seen = site->seen,
            .incident = g->incidents[i],
        };
    }
    g->view.sites = g->view_sites;
    g->view.site_count = g->site_count;
}

bool trigger_gather(const struct view_source *v, const struct key *key, struct trigger_gather *g)
{
    memset(g, 0, sizeof(*g));
    g->object = store_get(v->lookup.store, key);
    if (!g->object)
        return false;
    if (store_decode(v->lookup.store, key, &g->trigger, &g->error) < 0) {
        g->refused = true;
        return true;
    }
    g->view.trigger = &g->trigger;
    const struct firing_set *set = firings_get(v->firings, &g->trigger);
    g->view.firings = set->items;
    g->view.firing_count = set->count;
    g->view.playbooks = g->playbooks = gather_playbooks(&v->lookup, &g->trigger, &g->view.playbook_count);
    g->view.runs = g->runs = gather_runs_of_playbooks(&v->lookup, g->playbooks, g->view.playbook_count, &g->view.run_count);
    gather_sites(v, key, g);
    return true;
}

void trigger_gather_done(struct trigger_gather *g)
{
    trigger_done(&g->trigger);
    free(g->sites);
    free(g->view_sites);
    free(g->incidents);
    playbooks_free(g->playbooks, g->view.playbook_count);
    runs_free(g->runs, g->view.run_count);
    json_decref(g->object);
}

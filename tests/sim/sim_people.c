/* People in the middle: they make drills, take them back, stop everything, edit, heal by other means; and real failures happen. */
#include "sim_api.h"
#include "sim_pod.h"
#include "sim_promise.h"
#include "sim_scene.h"

/* ── helpers ── */

static json_t *any(struct sim *s, const char *plural)
{
    json_auto_t *all = sim_store_list(s->store, sim_resource(plural), NULL, 0);
    size_t count = json_array_size(all);
    return count ? json_incref(json_array_get(all, sim_below(s, count))) : NULL;
}

/* A drill that is at work, mostly. */
static json_t *any_drill(struct sim *s)
{
    json_t *drill = NULL;
    for (int i = 0; i < 6; i++) {
        json_decref(drill);
        drill = any(s, "drills");
        const char *phase = json_str(drill, "status.phase", "");
        if (str_equal(phase, "Injecting") || str_equal(phase, "Detecting") || str_equal(phase, "Healing"))
            break;
    }
    return drill;
}

static const char *ns_of(const json_t *object)
{
    return json_str(object, "metadata.namespace", "");
}

static const char *name_of(const json_t *object)
{
    return json_str(object, "metadata.name", "");
}

/* ── real failures ── */

static void fail_pod(struct sim_pod *pod)
{
    struct sim *s = pod->sim;
    if (!pod->runs)
        return;
    sim_trace_say(s->trace, "%s fails for real", pod->name);
    switch (sim_below(s, 4)) {
    case 0:
        sim_pod_freeze(pod, true);
        return;
    case 1:
        sim_pod_stop_process(pod);
        return;
    case 2:
        sim_pod_write(pod, SIM_CONFIG, sim_content(s));
        return;
    default:
        sim_pod_write(pod, SIM_MODEL, sim_content(s));
        return;
    }
}

static void fail_for_real(struct sim *s)
{
    struct sim_pod *pod = sim_pod_any(s);
    if (pod)
        fail_pod(pod);
}

struct failure {
    struct sim *sim;
    const char *ns, *app;
};

static void strike(void *userdata)
{
    struct failure *f = userdata;
    struct sim_pod *pod = sim_pod_any(f->sim);
    for (int tries = 0; tries < 8 && pod && !(str_equal(pod->app->ns, f->ns) && str_equal(pod->app->name, f->app)); tries++)
        pod = sim_pod_any(f->sim);
    if (pod)
        fail_pod(pod);
    free(f);
}

/* Just when a drill begins, so that what is seen is not the drill's doing. */
static void fail_beside_drill(struct sim *s, uint64_t target)
{
    struct failure *f = mem_new(struct failure);
    *f = (struct failure){s, s->scene->targets[target][0], s->scene->targets[target][1]};
    sim_clock_add(s->clock, sim_now(s) + sim_between(s, 0, 40 * USEC_MSEC), strike, free, f);
}

/* ── drills ── */

/* One that nothing is done to, mostly: those that wait in line are few. False: not now. */
static bool choose_target(struct sim *s, uint64_t *ret_target)
{
    const struct sim_scene *scene = s->scene;
    json_auto_t *drills = sim_store_list(s->store, sim_resource("drills"), NULL, 0);
    for (int tries = 0; tries < 4; tries++) {
        bool busy = sim_below(s, 12) != 0;
        size_t i;
        json_t *drill;
        uint64_t target = *ret_target = sim_below(s, (uint64_t)scene->apps);
        if (!busy)
            return true;
        busy = false;
        json_array_foreach(drills, i, drill) busy |= str_equal(json_str(drill, "spec.target", ""), scene->targets[target][1]) &&
                                                     json_array_size(json_at(drill, "status.conditions")) == 0;
        if (!busy)
            return true;
    }
    return false;
}

/* Who has seen it takes it away. */
static void tidy(struct sim *s)
{
    static const char *const plurals[] = {"drills", "playbookruns", "codingtasks"};
    static const char *const ended[] = {"Succeeded", "Failed", "Inconclusive", "Aborted", "Skipped", "Done"};
    size_t i;
    json_t *object;
    for (size_t k = 0; k < array_len(plurals); k++) {
        json_auto_t *list = sim_store_list(s->store, sim_resource(plurals[k]), NULL, 0);
        json_array_foreach(list, i, object)
        {
            const char *phase = json_str(object, "status.phase", k == 2 ? "Done" : "");
            for (size_t e = 0; e < array_len(ended); e++)
                if (str_equal(phase, ended[e]) && sim_below(s, 8) && json_array_size(json_at(object, "metadata.finalizers")) == 0)
                    sim_delete(s, plurals[k], ns_of(object), name_of(object));
        }
    }
}

static void make_drill(struct sim *s)
{
    struct sim_scene *scene = s->scene;
    uint64_t target;
    char name[32], duration[16];
    if (!choose_target(s, &target))
        return;
    str_format(name, sizeof(name), "by-hand-%d", ++scene->drills_made);
    json_t *object = json_pack("{s:{s:s, s:s}, s:{s:s, s:s}}", "metadata", "name", name, "namespace", scene->targets[target][0],
                               "spec", "card", sim_cards[sim_below(s, SIM_CARDS)], "target", scene->targets[target][1]);
    if (sim_below(s, 8) == 0) {
        str_format(duration, sizeof(duration), "%ds", (int)sim_between(s, 2, 20));
        json_put_str(json_make(object, "spec.overrides"), "duration", duration);
    }
    if (sim_below(s, 20) == 0)
        json_put_bool(json_make(object, "spec"), "dryRun", true);
    sim_apply(s, "drills", object);
    if (!s->weather.calm && sim_below(s, 12) == 0)
        fail_beside_drill(s, target);
}

static void make_some_drills(struct sim *s)
{
    if (sim_below(s, 4) == 0)
        tidy(s);
    for (uint64_t i = sim_below(s, 6) ? 1 : 3; i > 0; i--)
        make_drill(s);
}

static void delete_drill(struct sim *s)
{
    json_auto_t *drill = any_drill(s);
    if (drill)
        sim_delete(s, "drills", ns_of(drill), name_of(drill));
}

static void abort_drill(struct sim *s)
{
    json_auto_t *drill = any_drill(s);
    if (drill)
        sim_edit(s, "drills", ns_of(drill), name_of(drill), json_pack("{s:{s:b}}", "spec", "abort", 1));
}

/* ── stops ── */

struct order { /* that is taken back after a while */
    struct sim *sim;
    char ns[16];
};

static void label(struct sim *s, const char *ns, const char *value)
{
    sim_edit(s, "namespaces", "", ns, json_pack("{s:{s:{s:s?}}}", "metadata", "labels", "drillyard.dev/drills", value));
}

static void go_on(void *userdata)
{
    struct order *o = userdata;
    sim_delete(o->sim, "configmaps", o->ns, "drillyard-stop");
    free(o);
}

static void opt_in(void *userdata)
{
    struct order *o = userdata;
    label(o->sim, o->ns, "enabled");
    free(o);
}

static void take_back_later(struct sim *s, const char *ns, void (*take_back)(void *userdata))
{
    struct order *o = mem_new(struct order);
    o->sim = s;
    str_copy(o->ns, sizeof(o->ns), ns);
    sim_clock_add(s->clock, sim_now(s) + sim_between(s, 1, sim_below(s, 3) ? 15 : 60) * USEC_SEC, take_back, free, o);
}

static void stop_all(struct sim *s)
{
    char ns[16] = SIM_OWN;
    uint64_t draw = sim_below(s, SIM_TEAMS);
    if (draw < SIM_TEAMS - 1)
        str_format(ns, sizeof(ns), "team-%d", (int)draw);
    if (sim_apply(s, "configmaps", json_pack("{s:{s:s, s:s}}", "metadata", "name", "drillyard-stop", "namespace", ns)))
        take_back_later(s, ns, go_on);
}

static void opt_out(struct sim *s)
{
    char ns[16];
    str_format(ns, sizeof(ns), "team-%d", (int)sim_below(s, 2));
    label(s, ns, NULL);
    take_back_later(s, ns, opt_in);
}

/* ── edits ── */

static void edit_card(struct sim *s)
{
    json_auto_t *card = any(s, "chaoscards");
    char text[16];
    usec_t heal = json_duration(card, "spec.slo.healWithin", 20 * USEC_SEC);
    str_format(text, sizeof(text), "%ds", (int)(heal / USEC_SEC) + (int)sim_between(s, 0, 10));
    if (card)
        sim_edit(s, "chaoscards", ns_of(card), name_of(card), json_pack("{s:{s:{s:s}}}", "spec", "injection", "duration", text));
}

static void edit_playbook(struct sim *s)
{
    json_auto_t *playbook = any(s, "playbooks");
    char text[16];
    str_format(text, sizeof(text), "%ds", (int)sim_between(s, 1, 15));
    if (playbook)
        sim_edit(s, "playbooks", ns_of(playbook), name_of(playbook), json_pack("{s:{s:s}}", "spec", "cooldown", text));
}

static void edit_target(struct sim *s)
{
    json_auto_t *target = any(s, "drilltargets");
    if (target)
        sim_edit(s, "drilltargets", ns_of(target), name_of(target),
                 json_pack("{s:{s:i}}", "spec", "watchPods", (int)sim_below(s, 4)));
}

/* Away and back: its coverage begins anew, what runs on it is aborted. */
static void replace_target(struct sim *s)
{
    json_auto_t *target = any(s, "drilltargets");
    if (!target)
        return;
    json_t *copy = json_pack("{s:{s:s, s:s, s:O}, s:O}", "metadata", "name", name_of(target), "namespace", ns_of(target), "labels",
                             json_at(target, "metadata.labels"), "spec", json_object_get(target, "spec"));
    sim_delete(s, "drilltargets", ns_of(target), name_of(target));
    sim_apply(s, "drilltargets", copy);
}

static void edit_schedule(struct sim *s)
{
    json_auto_t *schedule = any(s, "drillschedules");
    if (!schedule)
        return;
    if (sim_below(s, 3) == 0)
        sim_delete(s, "drillschedules", ns_of(schedule), name_of(schedule));
    else
        sim_edit(s, "drillschedules", ns_of(schedule), name_of(schedule),
                 json_pack("{s:{s:b}}", "spec", "suspend", !json_flag(schedule, "spec.suspend", false)));
}

/* ── healing by others ── */

static void heal_by_other_means(struct sim *s)
{
    struct sim_pod *pod = sim_pod_any(s);
    if (!pod)
        return;
    sim_trace_say(s->trace, "somebody mends %s", pod->name);
    sim_pod_freeze(pod, false);
    if (!pod->runs)
        sim_pod_start_process(pod);
    for (int file = 0; file < SIM_FILES; file++)
        if (pod->snapshots[file])
            sim_pod_write(pod, (enum sim_file)file, pod->snapshots[file]);
}

/* An outside healer's record, true or not. */
static void report_run(struct sim *s)
{
    json_auto_t *drill = any_drill(s), *playbook = any(s, "playbooks");
    const char *incident = json_str(drill, "status.incident", NULL);
    char name[40];
    if (!incident || !playbook)
        return;
    str_format(name, sizeof(name), "outside-%d", ++s->scene->drills_made);
    json_t *run = json_pack("{s:{s:s, s:s}, s:{s:s, s:s, s:s, s:s}, s:{s:s}}", "metadata", "name", name, "namespace", ns_of(drill),
                            "spec", "playbook", name_of(playbook), "target", json_str(drill, "spec.target", ""), "incident",
                            incident, "reporter", "operator", "status", "phase", "Succeeded");
    sim_apply(s, "playbookruns", run);
}

static void file_task(struct sim *s)
{
    json_auto_t *drill = any_drill(s);
    const char *incident = json_str(drill, "status.incident", NULL);
    char name[40];
    if (!incident)
        return;
    str_format(name, sizeof(name), "task-%d", ++s->scene->drills_made);
    sim_apply(s, "codingtasks",
              json_pack("{s:{s:s, s:s}, s:{s:s, s:s, s:s, s:s}}", "metadata", "name", name, "namespace", ns_of(drill), "spec",
                        "type", "FixBug", "description", "mend it", "incident", incident, "target",
                        json_str(drill, "spec.target", "")));
}

/* ── who does what ── */

static const struct {
    void (*act)(struct sim *s);
    int weight;
    bool kind; /* also in calm weather */
} acts[] = {
    {make_some_drills, 80, true}, {delete_drill, 5, false},  {abort_drill, 5, false},         {stop_all, 2, false},
    {opt_out, 2, false},          {edit_card, 2, false},     {edit_playbook, 1, false},       {edit_target, 2, false},
    {replace_target, 1, false},   {edit_schedule, 1, false}, {heal_by_other_means, 6, false}, {report_run, 4, false},
    {file_task, 8, true},         {fail_for_real, 6, false},
};

static void act(void *userdata)
{
    struct sim *s = userdata;
    if (sim_now(s) >= s->scene->ends)
        return;
    int total = 0;
    for (size_t i = 0; i < array_len(acts); i++)
        total += acts[i].weight;
    int draw = (int)sim_below(s, (uint64_t)total);
    for (size_t i = 0; i < array_len(acts); i++) {
        draw -= acts[i].weight;
        if (draw >= 0)
            continue;
        if (acts[i].kind || !s->weather.calm)
            acts[i].act(s);
        break;
    }
    sim_clock_add(s->clock, sim_now(s) + sim_between(s, 1, 2 * s->weather.user_every), act, NULL, s);
}

void sim_people_begin(struct sim *s)
{
    s->scene->ends = s->weather.until;
    sim_clock_add(s->clock, sim_now(s) + 3 * USEC_SEC, act, NULL, s);
}

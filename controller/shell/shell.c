#include "shell/shell.h"

#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "shell/elector.h"
#include "shell/reconcile.h"
#include "shell/reflectors.h"

/* So much is reconciled in one turn before the loop's other work is let through: a lease that is not renewed in time is lost, and then all
 * that is known of agents begins anew. */
#define KEYS_AT_ONCE     64
#define TURN_MAX         (20 * USEC_MSEC)
#define STOP_TIMEOUT     (5 * USEC_SEC)
#define STOP_LOOK_EVERY  (20 * USEC_MSEC)
#define CLOCK_LOOK_EVERY (10 * USEC_SEC)

struct shell {
    struct world *world;
    char *catalog, *own, *identity;
    struct alarms *alarms;
    struct clock clock;
    struct store *store;
    struct reflectors *reflectors;
    struct workqueue *queue;
    struct services *services;
    struct sessions *sessions;
    struct prober prober;
    struct watches *watches;
    struct metrics metrics;
    struct executor *executor;
    struct firings *firings;
    struct ledger_pages *ledger;
    struct applies *applies;
    struct elector *elector;
    struct wakes wakes;
    struct reconcile reconcile;
    struct alarm work, clock_look, stop_look;
    int64_t last_epoch; /* of our last term; 0: none yet */
    bool unsure;        /* whether all that was written in it is in the caches */
    bool elects;        /* else it is alone, and there was no leader before */
    bool acting;        /* leads, and the caches are complete and not older than its term */
    bool stopping, drained;
    usec_t stop_by;
    void (*stopped)(void *userdata);
    void *stopped_userdata;
};

/* ── working ── */

static void arm_work(void *userdata)
{
    struct shell *s = userdata;
    if (s->acting)
        alarm_set(&s->work, workqueue_next(s->queue));
}

static void work(void *userdata)
{
    struct shell *s = userdata;
    struct key key;
    usec_t until = world_now(s->world) + TURN_MAX;
    for (int i = 0; i < KEYS_AT_ONCE && (i == 0 || world_now(s->world) < until) && s->acting && workqueue_take(s->queue, &key);
         i++) {
        s->metrics.reconciles++;
        reconcile_key(&s->reconcile, &key);
        workqueue_done(s->queue, &key);
    }
    arm_work(s);
}

/* A drill's write that an earlier term of ours sent may still take effect, and begin the drill: it is waited for, so that none is begun
 * beside. It comes back within its own time limit. */
static void begin_or_end_acting(struct shell *s)
{
    bool ready = s->acting || !executor_writes_drill(s->executor);
    bool acts = elector_leads(s->elector) && reflectors_fresh(s->reflectors) && !s->stopping && ready;
    if (acts == s->acting)
        return;
    s->acting = acts;
    if (!acts) {
        s->unsure = executor_unsure(s->executor);
        executor_clear(s->executor);
        sessions_disable(s->sessions);
        firings_clear(s->firings);
        alarm_clear(&s->work);
        return;
    }
    char epoch[24];
    s->reconcile.source.epoch = elector_epoch(s->elector);
    s->reconcile.source.acting_since = clock_now(s->reconcile.source.clock);
    str_format(epoch, sizeof(epoch), "%lld", (long long)s->reconcile.source.epoch);
    log_event(LOG_INFO, "acting as the leader", "identity", s->identity, "epoch", epoch, NULL);
    sessions_enable(s->sessions, s->reconcile.source.epoch);
    wakes_all(&s->wakes);
    arm_work(s);
}

static void on_drill_written(void *userdata)
{
    struct shell *s = userdata;
    if (s->acting || executor_writes_drill(s->executor))
        return;
    if (executor_unsure(s->executor) && elector_leads(s->elector)) { /* what became of it is for the lists to say */
        executor_clear(s->executor);
        reflectors_refresh(s->reflectors);
    }
    begin_or_end_acting(s);
}

/* ── what is told to the shell ── */

static void on_object(void *userdata, const struct store_change *change)
{
    struct shell *s = userdata;
    if (change->key.kind == KIND_POD)
        sessions_pod_changed(s->sessions, &change->key);
    if (s->acting)
        wakes_object(&s->wakes, change);
}

static void on_agent(void *userdata, const struct key *pod)
{
    struct shell *s = userdata;
    if (s->acting)
        wakes_agent(&s->wakes, pod);
}

static void on_evidence(void *userdata, const struct key *owner, const char *want)
{
    struct shell *s = userdata;
    if (s->acting)
        wakes_evidence(&s->wakes, owner, want);
}

static void on_synced(void *userdata)
{
    struct shell *s = userdata;
    if (s->elector)
        begin_or_end_acting(s);
}

/* What the leader before wrote last may not have come through the watches yet: a drill that it began must not be begun beside. Where that
 * was ourselves, as the epoch tells, only writes whose outcome is unknown may have been missed: who lost a term for being busy must not list
 * ten thousand objects for it, and be busier. */
static void catch_up(struct shell *s)
{
    int64_t epoch = elector_epoch(s->elector);
    bool again = s->last_epoch && epoch == s->last_epoch + 1;
    if (!again || (s->unsure && reflectors_fresh(s->reflectors)))
        reflectors_refresh(s->reflectors);
    s->last_epoch = epoch;
    s->unsure = false;
}

static void on_leads(void *userdata, bool leads)
{
    struct shell *s = userdata;
    s->metrics.leader_changes++;
    log_event(LOG_INFO, leads ? "elected" : "no longer the leader", "identity", s->identity, NULL);
    if (leads && s->elects)
        catch_up(s);
    if (leads)
        reflectors_nudge(s->reflectors); /* the election asks twice a second, so it is the first to know */
    begin_or_end_acting(s);
}

static bool may_act(void *userdata)
{
    struct shell *s = userdata;
    return s->acting && elector_may_act(s->elector);
}

static bool ledger_synced(void *userdata, const char *ns)
{
    struct shell *s = userdata;
    return reflectors_kind_synced(s->reflectors, KIND_LEDGER, ns);
}

/* ── the clock ── */

static size_t drills_active(const struct shell *s)
{
    size_t active = 0;
    struct store_cursor cursor = {0};
    const struct summary *d;
    while ((d = store_next(s->store, KIND_DRILL, NULL, &cursor)))
        active += d->live;
    return active;
}

static void look_at_clock(void *userdata)
{
    struct shell *s = userdata;
    /* A jump of UTC is followed only while nothing is being measured. */
    if (!drills_active(s) && clock_refix(&s->clock))
        log_event(LOG_WARNING, "the clock was set; following it", NULL);
    alarm_set(&s->clock_look, world_now(s->world) + CLOCK_LOOK_EVERY);
}

/* ── life ── */

static void make_identity(struct shell *s, const char *identity)
{
    s->identity = identity ? mem_strdup(identity) : mem_printf("controller_%016llx", (unsigned long long)world_random(s->world));
}

static void make_parts(struct shell *s, const struct shell_options *o)
{
    struct lookup lookup = {.store = s->store, .catalog = s->catalog};
    s->services = services_new(s->world);
    s->sessions = sessions_new(s->world, s->alarms, &s->clock, s->store, on_agent, s);
    s->prober =
        (struct prober){.world = s->world, .alarms = s->alarms, .clock = &s->clock, .lookup = lookup, .services = s->services};
    s->watches = watches_new(&s->prober, s->sessions, on_evidence, s);
    s->firings = firings_new();
    s->ledger = ledger_pages_new(s->store);
    s->applies = applies_new();
    usec_t lease = o->lease ? o->lease : SHELL_LEASE;
    struct executor_options x = {
        .world = s->world,
        .clock = &s->clock,
        .lookup = lookup,
        .queue = s->queue,
        .sessions = s->sessions,
        .watches = s->watches,
        .metrics = &s->metrics,
        .identity = s->identity,
        .lease = lease,
        .may_act = may_act,
        .drill_written = on_drill_written,
        .userdata = s,
    };
    s->executor = executor_new(&x);
    s->wakes = (struct wakes){.world = s->world, .lookup = lookup, .queue = s->queue, .watches = s->watches};
    s->reconcile = (struct reconcile){
        .source = {.lookup = lookup,
                   .clock = &s->clock,
                   .sessions = s->sessions,
                   .watches = s->watches,
                   .executor = s->executor,
                   .firings = s->firings,
                   .ledger = s->ledger,
                   .applies = s->applies,
                   .ledger_synced = ledger_synced,
                   .userdata = s,
                   .lease = lease},
        .executor = s->executor,
        .firings = s->firings,
        .wakes = &s->wakes,
    };
}

struct shell *shell_new(struct world *world, const struct shell_options *o, struct error *err)
{
    struct shell *s = mem_new(struct shell);
    s->world = world;
    s->elects = o->elect;
    s->catalog = mem_strdup(o->catalog_namespace ? o->catalog_namespace : "");
    s->own = mem_strdup(o->own_namespace);
    make_identity(s, o->identity);
    s->alarms = alarms_new(world);
    clock_init(&s->clock, world);
    s->store = store_new(world);
    s->queue = workqueue_new(world);
    workqueue_set_alarm(s->queue, arm_work, s);
    alarm_init(&s->work, s->alarms, work, s);
    alarm_init(&s->clock_look, s->alarms, look_at_clock, s);
    alarm_init(&s->stop_look, s->alarms, NULL, s);
    make_parts(s, o);
    store_set_listener(s->store, on_object, s);
    s->reflectors = reflectors_new(world, s->alarms, s->store, &o->namespaces, s->catalog, on_synced, s);
    struct elector_options e = {.ns = s->own, .identity = s->identity, .elect = o->elect, .changed = on_leads, .userdata = s};
    s->elector = elector_new(world, s->alarms, &e, err);
    if (!s->elector) {
        shell_free(s);
        return NULL;
    }
    reflectors_run(s->reflectors, s->elects); /* who is elected lists anew */
    look_at_clock(s);
    return s;
}

void shell_free(struct shell *s)
{
    if (!s)
        return;
    s->acting = false;
    alarm_clear(&s->work);
    alarm_clear(&s->clock_look);
    alarm_clear(&s->stop_look);
    elector_free(s->elector);
    reflectors_free(s->reflectors);
    if (s->executor)
        executor_clear(s->executor);
    sessions_free(s->sessions);
    executor_free(s->executor);
    watches_free(s->watches);
    services_free(s->services);
    firings_free(s->firings);
    ledger_pages_free(s->ledger);
    applies_free(s->applies);
    workqueue_free(s->queue);
    store_free(s->store);
    alarms_free(s->alarms);
    free(s->catalog);
    free(s->own);
    free(s->identity);
    free(s);
}

/* ── a clean end ── */

static void look_whether_stopped(void *userdata)
{
    struct shell *s = userdata;
    usec_t now = world_now(s->world);
    if (!s->drained && (executor_in_flight(s->executor) == 0 || now >= s->stop_by - USEC_SEC)) {
        s->drained = true;
        elector_stop(s->elector);
    }
    if (!(s->drained && elector_stopped(s->elector)) && now < s->stop_by) {
        alarm_set(&s->stop_look, now + STOP_LOOK_EVERY);
        return;
    }
    log_event(LOG_INFO, "stopped", NULL);
    s->stopped(s->stopped_userdata);
}

void shell_stop(struct shell *s, void (*stopped)(void *userdata), void *userdata)
{
    if (s->stopping)
        return;
    log_event(LOG_INFO, "stopping", NULL);
    s->stopping = true;
    s->stopped = stopped;
    s->stopped_userdata = userdata;
    s->stop_by = world_now(s->world) + STOP_TIMEOUT;
    begin_or_end_acting(s);
    alarm_init(&s->stop_look, s->alarms, look_whether_stopped, s);
    alarm_set(&s->stop_look, world_now(s->world));
}

/* ── for serve/ ── */

bool shell_synced(const struct shell *s)
{
    return reflectors_synced(s->reflectors);
}

bool shell_leads(const struct shell *s)
{
    return elector_leads(s->elector);
}

const char *shell_leader(const struct shell *s)
{
    return elector_leads(s->elector) ? s->identity : elector_holder(s->elector);
}

const struct metrics *shell_metrics(const struct shell *s)
{
    return &s->metrics;
}

struct store *shell_store(struct shell *s)
{
    return s->store;
}

bool shell_trim(struct shell *s)
{
    if (drills_active(s))
        return false;
    store_trim(s->store);
    return true;
}

json_t *shell_problems(const struct shell *s)
{
    return reflectors_problems(s->reflectors);
}

struct shell_gauges shell_gauges(const struct shell *s)
{
    struct store_stats store = store_stats(s->store);
    struct watches_stats watches = watches_stats(s->watches);
    struct reflector_stats reflectors = reflectors_stats(s->reflectors);
    struct shell_gauges g = {
        .faults_in_force = sessions_count_faults(s->sessions),
        .sessions_up = sessions_count_up(s->sessions),
        .watches = watches.looks,
        .agent_watches = watches.agent_looks,
        .triggers_firing = firings_count_open(s->firings),
        .queue_length = workqueue_count(s->queue),
        .writes_in_flight = executor_in_flight(s->executor),
        .drills_active = drills_active(s),
        .store_bytes = store.text_bytes,
        .store_packed_bytes = store.packed_bytes,
        .lists = reflectors.lists,
        .watch_streams = reflectors.watches,
        .watch_events = reflectors.events,
        .watch_problems = reflectors.problems,
    };
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        g.objects[kind] = store_count(s->store, kind);
    return g;
}

#include "shell/elector.h"

#include "base/buf.h"
#include "base/str.h"
#include "core/lease.h"
#include "shell/path.h"

struct request { /* outlives an elector that is freed meanwhile */
    struct elector *elector;
};

struct elector {
    struct world *world;
    struct lease *lease; /* NULL: no election */
    char *ns;
    void (*changed)(void *userdata, bool leads);
    void *userdata;
    struct alarm alarm;
    struct request *open;
    bool leads, stopping;
    int64_t epoch;
};

static void step(void *userdata);

static void look_at_ourselves(struct elector *e)
{
    bool leads = !e->stopping && (e->lease ? lease_leads(e->lease, world_now(e->world)) : true);
    if (leads && e->lease && e->leads && lease_epoch(e->lease) != e->epoch) {
        /* Lost and won again between two looks: a new term, and what was begun in the old one is over. */
        e->leads = false;
        e->changed(e->userdata, false);
    }
    if (leads == e->leads)
        return;
    e->leads = leads;
    if (leads)
        /* Without a Lease it counts as for one that has to be made: switching the election on or off never lowers it. */
        e->epoch = e->lease ? lease_epoch(e->lease) : lease_first_epoch(world_wall(e->world));
    e->changed(e->userdata, leads);
}

static void on_reply(void *userdata, const struct world_reply *reply)
{
    struct request *request = userdata;
    struct elector *e = request->elector;
    free(request);
    if (!e)
        return;
    e->open = NULL;
    if (reply->err.class == ERROR_CANCELLED)
        return; /* the world ends */
    lease_answer(e->lease, &reply->err, reply->body, world_now(e->world));
    step(e);
}

static void ask(struct elector *e, const struct lease_decision *d)
{
    auto_buf struct buf path;
    buf_init(&path, PATH_MAX_SIZE);
    buf_printf(&path, "/apis/coordination.k8s.io/v1/namespaces/%s/leases", e->ns);
    if (d->action != LEASE_CREATE)
        buf_append_str(&path, "/" ELECTOR_LEASE);
    struct world_request request = {
        .method = d->action == LEASE_GET      ? "GET"
                  : d->action == LEASE_CREATE ? "POST"
                                              : "PUT",
        .path = buf_str(&path),
        .body = d->body,
        .timeout = d->timeout,
        .urgent = true,
    };
    e->open = mem_new(struct request);
    e->open->elector = e;
    world_api(e->world, &request, on_reply, e->open);
}

static void step(void *userdata)
{
    struct elector *e = userdata;
    usec_t now = world_now(e->world);
    look_at_ourselves(e);
    if (!e->lease)
        return;
    usec_t until = lease_until(e->lease), next = until > now ? until : USEC_NEVER;
    if (!e->open) {
        struct lease_decision d;
        double draw = (double)(world_random(e->world) >> 11) / (double)(1ULL << 53);
        lease_decide(e->lease, now, world_wall(e->world), draw, &d);
        if (d.action != LEASE_NOTHING)
            ask(e, &d);
        else
            next = usec_min(next, d.again);
        json_decref(d.body);
    }
    look_at_ourselves(e);
    alarm_set(&e->alarm, next);
}

struct elector *elector_new(struct world *world, struct alarms *alarms, const struct elector_options *options, struct error *err)
{
    struct lease *lease = NULL;
    struct lease_options asked = {.ns = options->ns, .name = ELECTOR_LEASE, .identity = options->identity};
    if (options->elect && lease_new(&asked, &lease, err) < 0)
        return NULL;
    struct elector *e = mem_new(struct elector);
    *e = (struct elector){
        .world = world,
        .lease = lease,
        .ns = mem_strdup(options->ns),
        .changed = options->changed,
        .userdata = options->userdata,
    };
    alarm_init(&e->alarm, alarms, step, e);
    alarm_set(&e->alarm, world_now(world));
    return e;
}

void elector_free(struct elector *e)
{
    if (!e)
        return;
    alarm_clear(&e->alarm);
    if (e->open)
        e->open->elector = NULL;
    lease_free(e->lease);
    free(e->ns);
    free(e);
}

bool elector_leads(const struct elector *e)
{
    return e->leads;
}

bool elector_may_act(const struct elector *e)
{
    return e->leads && (!e->lease || lease_may_act(e->lease, world_now(e->world)));
}

int64_t elector_epoch(const struct elector *e)
{
    return e->epoch;
}

const char *elector_holder(const struct elector *e)
{
    return e->lease ? lease_holder(e->lease) : "";
}

void elector_stop(struct elector *e)
{
    if (e->stopping)
        return;
    e->stopping = true;
    if (e->lease)
        lease_stop(e->lease);
    alarm_set(&e->alarm, world_now(e->world));
}

bool elector_stopped(const struct elector *e)
{
    return e->stopping && (!e->lease || lease_stopped(e->lease));
}

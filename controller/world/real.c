#include "world/real.h"

#include "world/real_internal.h"

static usec_t now(struct world *w)
{
    (void)w;
    return time_monotonic();
}

static usec_t wall(struct world *w)
{
    (void)w;
    return time_wall();
}

static uint64_t random_number(struct world *w)
{
    return random_u64(&real_of(w)->random);
}

static void alarm_rings(void *userdata)
{
    struct real *r = userdata;
    if (r->wake)
        r->wake(r->wake_userdata);
}

static void set_wake(struct world *w, void (*wake)(void *userdata), void *userdata)
{
    real_of(w)->wake = wake;
    real_of(w)->wake_userdata = userdata;
}

static void wake_at(struct world *w, usec_t when)
{
    struct real *r = real_of(w);
    if (!r->freeing)
        alarm_at(r->alarm, when);
}

static bool anything_open(const struct real *r)
{
    return !list_empty(&r->asks) || !list_empty(&r->streams) || !list_empty(&r->sessions) || !list_empty(&r->http_probes) ||
           !list_empty(&r->tcp_probes);
}

static void real_free(struct world *w)
{
    struct real *r = real_of(w);
    struct error err = {0};
    error_set(&err, ERROR_CANCELLED, "the program is ending");
    r->freeing = true;
    while (anything_open(r)) { /* an answer may make its asker ask again */
        real_api_cancel_all(r, &err);
        real_session_cancel_all(r, &err);
        real_probe_cancel_all(r, &err);
    }
    client_free(r->client);
    http_free(r->probes);
    alarm_free(r->alarm);
    config_done(&r->config);
    free(r);
}

static const struct world_ops ops = {
    .now = now,
    .wall = wall,
    .random = random_number,
    .set_wake = set_wake,
    .wake_at = wake_at,
    .api = real_api,
    .watch = real_watch,
    .stream_close = real_stream_close,
    .session_open = real_session_open,
    .session_send = real_session_send,
    .session_close = real_session_close,
    .http = real_http,
    .tcp = real_tcp,
    .free = real_free,
};

struct world *world_real_new(struct loop *loop, struct config *config, const struct world_real_options *options)
{
    struct real *r = mem_new(struct real);
    r->base.ops = &ops;
    r->loop = loop;
    r->config = *config;
    *config = (struct config){0};
    r->client = client_new(loop, &r->config);
    if (options && (options->rate_per_second > 0 || options->rate_burst > 0))
        client_set_rate(r->client, options->rate_per_second > 0 ? options->rate_per_second : CLIENT_RATE_PER_SECOND,
                        options->rate_burst > 0 ? options->rate_burst : CLIENT_RATE_BURST);
    r->probes = http_new(loop);
    random_init(&r->random, random_seed_os());
    r->alarm = alarm_new(loop, alarm_rings, r);
    list_init(&r->asks);
    list_init(&r->streams);
    list_init(&r->sessions);
    list_init(&r->http_probes);
    list_init(&r->tcp_probes);
    return &r->base;
}

unsigned long world_real_skipped_events(const struct world *w)
{
    return ((const struct real *)w)->skipped;
}

/* One request to the API server: there, answered, and back. */
#include "kube/status.h"
#include "sim_api.h"
#include "sim_process.h"
#include "sim_promise.h"

#define TIMEOUT_DEFAULT (30 * USEC_SEC)

struct ask {
    struct list node; /* while it is open */
    struct sim_process *process;
    char *method, *path;
    json_t *body;
    world_reply_fn *done;
    void *userdata;
    usec_t timeout_at;
    uint64_t step;
    bool open, unsent, answer_lost;
    int refused; /* HTTP status that the server gives without looking; 0: it looks */
    long retry_after;
    struct sim_answer answer;
    int holders;
};

static void release(void *userdata)
{
    struct ask *a = userdata;
    if (--a->holders)
        return;
    json_decref(a->body);
    json_decref(a->answer.body);
    free(a->method);
    free(a->path);
    free(a);
}

static void conclude(struct ask *a, const struct world_reply *reply)
{
    if (!a->open)
        return;
    a->open = false;
    list_remove(&a->node);
    a->done(a->userdata, reply);
}

static void fail(struct ask *a, enum error_class class, const char *text)
{
    struct world_reply reply = {0};
    error_set(&reply.err, class, "%s", text);
    conclude(a, &reply);
}

static void time_out(void *userdata)
{
    struct ask *a = userdata;
    fail(a, ERROR_TIMEOUT, "no answer in time");
    release(a);
}

static void broke(void *userdata)
{
    struct ask *a = userdata;
    fail(a, ERROR_UNAVAILABLE, "the connection broke");
    release(a);
}

/* A list says what there is, and by silence what there is not. */
static void teach(const struct ask *a)
{
    struct sim_promise *p = a->process->sim->promise;
    struct sim_query q;
    size_t i;
    json_t *item;
    sim_query_parse(a->path, &q);
    if (!str_equal(a->method, "GET") || !str_empty(q.name) || a->answer.status >= 300 ||
        sim_promise_outdated(p, a->process, q.resource, a->answer.body))
        return;
    sim_promise_lists(p, a->process, q.resource);
    json_array_foreach(json_object_get(a->answer.body, "items"), i, item)
        sim_promise_told(p, a->process, q.resource, "ADDED", item);
}

static void deliver(void *userdata)
{
    struct ask *a = userdata;
    if (a->open)
        teach(a);
    struct world_reply reply = {.status = a->answer.status, .body = a->answer.body};
    char retry[16];
    if (a->answer.status >= 300) {
        str_format(retry, sizeof(retry), "%ld", a->retry_after);
        status_error_json(a->answer.body, a->answer.status, a->retry_after ? retry : NULL, &reply.err);
        reply.body = NULL;
    }
    conclude(a, &reply);
    release(a);
}

/* A list need not be newer than it is asked for. */
static uint64_t list_version(struct sim *s, const char *path)
{
    char text[24];
    struct sim_query q;
    int64_t asked = 0;
    sim_query_parse(path, &q);
    if (!sim_query_get(&q, "resourceVersion", text, sizeof(text)) || !str_to_i64(text, 1, INT64_MAX, &asked) ||
        !sim_strikes(s, s->weather.list_stale))
        return 0;
    uint64_t newest = sim_store_rv(s->store), oldest = (uint64_t)asked;
    if (oldest < sim_store_oldest(s->store))
        oldest = sim_store_oldest(s->store);
    return oldest >= newest ? newest : oldest + sim_below(s, newest - oldest + 1);
}

static void arrive(void *userdata)
{
    struct ask *a = userdata;
    struct sim *s = a->process->sim;
    if (a->unsent) {
        release(a);
        return;
    }
    if (a->refused) {
        static const char *const reasons[] = {"TooManyRequests", "InternalError"};
        a->answer = (struct sim_answer){.status = a->refused,
                                        .body = sim_status(a->refused, reasons[a->refused == 500], "the server is not well")};
    } else {
        sim_promise_request(s->promise, a->process, a->method, a->path, a->body);
        sim_api(s, a->process, a->method, a->path, a->body, list_version(s, a->path), &a->answer);
        s->stats.writes += !str_equal(a->method, "GET") && a->answer.status < 300;
    }
    sim_trace_say(s->trace, "%s %s %.120s → %d", a->process->identity, a->method, a->path, a->answer.status);
    if (a->answer_lost) {
        release(a);
        return;
    }
    usec_t at = sim_now(s) + sim_delay(s);
    if (sim_strikes(s, s->weather.slow_request))
        at += sim_between(s, 0, 12 * USEC_SEC);
    if (at < a->timeout_at)
        sim_process_post(a->process, at, deliver, release, a);
    else
        sim_process_post(a->process, a->timeout_at, time_out, release, a);
}

/* What becomes of it, drawn when it is sent. */
static void draw_fate(struct ask *a, usec_t *ret_arrival)
{
    struct sim *s = a->process->sim;
    usec_t now = sim_now(s), notice = sim_below(s, 2) ? a->timeout_at : now + sim_between(s, USEC_MSEC, 3 * USEC_SEC);
    void (*noticed)(void *) = notice == a->timeout_at ? time_out : broke;
    *ret_arrival = now + sim_delay(s);
    if (sim_strikes(s, s->weather.slow_request))
        *ret_arrival += sim_between(s, 0, 12 * USEC_SEC);
    if (sim_strikes(s, s->weather.too_many)) {
        a->refused = 429;
        a->retry_after = (long)sim_below(s, 3);
    } else if (sim_strikes(s, s->weather.server_error))
        a->refused = 500;
    if (sim_strikes(s, s->weather.request_lost))
        a->unsent = true;
    else if (sim_strikes(s, s->weather.answer_lost))
        a->answer_lost = true;
    if (!a->unsent && !a->answer_lost && *ret_arrival < a->timeout_at)
        return;
    if (!a->unsent && !a->answer_lost)
        notice = a->timeout_at, noticed = time_out;
    a->holders++;
    sim_process_post(a->process, usec_min(notice, a->timeout_at), noticed, release, a);
}

void sim_request_api(struct world *w, const struct world_request *request, world_reply_fn *done, void *userdata)
{
    struct sim_process *p = sim_process_of(w);
    struct sim *s = p->sim;
    struct ask *a = mem_new(struct ask);
    *a = (struct ask){
        .process = p,
        .method = mem_strdup(request->method),
        .path = mem_strdup(request->path),
        .body = json_deep_copy(request->body),
        .done = done,
        .userdata = userdata,
        .timeout_at = sim_now(s) + (request->timeout ? request->timeout : TIMEOUT_DEFAULT),
        .step = sim_clock_steps(s->clock),
        .open = true,
        .holders = 1,
    };
    s->stats.requests++;
    list_append(&p->requests, &a->node);
    sim_promise_sent(s->promise, p, a->method, a->path);
    usec_t arrival;
    draw_fate(a, &arrival);
    sim_clock_add(s->clock, arrival, arrive, release, a);
}

void sim_requests_cancel(struct sim_process *p)
{
    while (!list_empty(&p->requests))
        fail(list_entry(p->requests.next, struct ask, node), ERROR_CANCELLED, "the world ends");
}

void sim_requests_unsend(struct sim_process *p, uint64_t step, uint64_t *kept)
{
    for (struct list *n = p->requests.next; n != &p->requests; n = n->next) {
        struct ask *a = list_entry(n, struct ask, node);
        if (a->step != step)
            continue;
        if (*kept)
            (*kept)--;
        else
            a->unsent = true;
    }
}

#include "kube/client.h"

#include "base/str.h"
#include "kube/auth.h"
#include "kube/exec_plugin.h"
#include "kube/json_reader.h"
#include "kube/status.h"

#define RENEW_AGAIN (10 * USEC_SEC) /* after a credential program has failed */
#define REAL_DIGITS 15              /* 0.1 stays 0.1; jansson's own 17 write 0.10000000000000001 */

struct client {
    struct loop *loop;
    struct config *config;
    unsigned generation;         /* of the config that the pooled connections were made with */
    struct http *http, *streams; /* apart, so that no list delays a write */

    double rate, burst, tokens;
    usec_t refilled;
    struct timer *pump; /* the next token, or the first deadline in the queue */
    struct list queue;  /* waiting calls, in order */
    struct list sent;
    unsigned in_flight;

    bool renewing; /* the credential program is running: the queue waits */
    usec_t renew_after;
    struct error renew_err; /* of its last run */
};

struct client_call {
    struct client *client;
    struct list node; /* in queue or sent */
    struct http_call *http;
    char *method, *path, *content_type, *accept, *body;
    usec_t deadline;
    bool behind;
    bool again;     /* sent for the second time, after a 401 */
    bool finishing; /* its `done` is running */
    bool (*may_send)(void *userdata);
    void (*done)(void *userdata, const struct client_reply *reply);
    void *userdata;
};

static void pump(void *client);

struct client *client_new(struct loop *l, struct config *config)
{
    struct client *c = mem_new(struct client);
    c->loop = l;
    c->config = config;
    c->generation = config->generation;
    c->http = http_new(l);
    c->streams = http_new(l);
    c->pump = timer_new(l, pump, c);
    list_init(&c->queue);
    list_init(&c->sent);
    c->refilled = time_monotonic();
    client_set_rate(c, CLIENT_RATE_PER_SECOND, CLIENT_RATE_BURST);
    return c;
}

void client_set_rate(struct client *c, double per_second, double burst)
{
    c->rate = per_second < 1 ? 1 : per_second;
    c->burst = c->tokens = burst < 1 ? 1 : burst;
}

static void call_free(struct client_call *call)
{
    list_remove(&call->node);
    free(call->method);
    free(call->path);
    free(call->content_type);
    free(call->accept);
    free(call->body);
    free(call);
}

/* Takes it off the queue or the wire. */
static void call_withdraw(struct client_call *call)
{
    if (call->http) {
        http_cancel(call->http);
        call->http = NULL;
        call->client->in_flight--;
    }
    list_remove(&call->node);
}

void client_cancel(struct client_call *call)
{
    if (!call || call->finishing)
        return;
    struct client *c = call->client;
    call_withdraw(call);
    call_free(call);
    if (!list_empty(&c->queue))
        timer_at(c->pump, 0);
}

void client_free(struct client *c)
{
    if (!c)
        return;
    while (!list_empty(&c->queue))
        call_free(list_entry(c->queue.next, struct client_call, node));
    while (!list_empty(&c->sent)) {
        struct client_call *call = list_entry(c->sent.next, struct client_call, node);
        call_withdraw(call);
        call_free(call);
    }
    timer_free(c->pump);
    http_free(c->http);
    http_free(c->streams);
    free(c);
}

/* ── credentials ── */

static void refresh(struct client *c, bool force)
{
    config_refresh(c->config, time_monotonic(), force);
    if (c->config->generation == c->generation)
        return;
    c->generation = c->config->generation;
    http_drop_connections(c->http);
    http_drop_connections(c->streams);
}

static void renewed(void *client, const struct error *err)
{
    struct client *c = client;
    c->renewing = false;
    c->renew_err = *err;
    c->renew_after = err->class == ERROR_NONE ? 0 : usec_add(time_monotonic(), RENEW_AGAIN);
    refresh(c, false);
    timer_at(c->pump, 0);
}

/* Whether the queue has to wait for new credentials. */
static bool renew(struct client *c, bool force)
{
    struct exec_plugin *plugin = c->config->exec;
    if (!plugin || c->renewing || time_monotonic() < c->renew_after || (!force && !exec_plugin_due(plugin, time_wall())))
        return c->renewing;
    c->renewing = true;
    exec_plugin_start(plugin, c->loop, c->config, renewed, c);
    return true;
}

bool client_refused(struct client *c)
{
    refresh(c, true);
    return !renew(c, true);
}

static void add_line(struct strlist *headers, const char *name, const char *value)
{
    auto_free char *line = mem_printf("%s: %s", name, value);
    strlist_add(headers, line);
}

struct http_call *client_stream(struct client *c, const char *path, usec_t silence, const struct http_handlers *handlers,
                                void *userdata)
{
    refresh(c, false);
    renew(c, false); /* with ten seconds' leeway: this stream starts with what there is */
    auto_strlist struct strlist headers = {0};
    add_line(&headers, "User-Agent", CLIENT_USER_AGENT);
    add_line(&headers, "Accept", "application/json");
    auth_add_headers(c->config, &headers);
    auto_free char *url = mem_printf("%s%s", c->config->server, path);
    struct http_request r = {
        .url = url,
        .headers = &headers,
        .tls = &c->config->tls,
        .proxy = c->config->proxy_url,
        .silence = silence,
        .shared = true,
    };
    return http_start(c->streams, &r, handlers, userdata);
}

/* ── replies ── */

static bool says_json(const struct http_reply *r)
{
    char type[128];
    return http_reply_header(r, "Content-Type", type, sizeof type) &&
           (str_starts(type, "application/json") || strstr(type, "+json"));
}

static void read_reply(const struct client_call *call, const struct http_reply *r, struct client_reply *reply)
{
    char retry_after[32];
    bool wait = http_reply_header(r, "Retry-After", retry_after, sizeof retry_after);
    reply->status = r->status;
    reply->err = r->err;
    if (r->err.class != ERROR_NONE) {
        error_wrap(&reply->err, "%s %.*s", call->method, (int)strcspn(call->path, "?"), call->path);
        return;
    }
    if (r->body_length)
        reply->body = json_reader_load(r->body, r->body_length);
    if (r->status < 200 || r->status > 299)
        status_error(r->status, wait ? retry_after : NULL, r->body, r->body_length, &reply->err);
    else if (r->body_length && !reply->body && says_json(r))
        error_set(&reply->err, ERROR_UNAVAILABLE, "%s %.*s: the answer is not the JSON that it says it is", call->method,
                  (int)strcspn(call->path, "?"), call->path);
}

/* The reason for a 401 may be that the credential program failed. */
static void add_renew_error(const struct client *c, struct error *err)
{
    if (err->http_status != 401 || c->renew_err.class == ERROR_NONE)
        return;
    struct error longer = {0};
    error_set(&longer, err->class, "%.200s; %s", err->text, c->renew_err.text);
    longer.http_status = err->http_status;
    *err = longer;
}

static void call_finish(struct client_call *call, struct client_reply *reply)
{
    struct client *c = call->client;
    list_remove(&call->node);
    call->finishing = true;
    call->done(call->userdata, reply);
    json_decref(reply->body);
    call_free(call);
    if (!list_empty(&c->queue))
        timer_at(c->pump, 0);
}

static void call_start(struct client_call *call);

static void on_done(void *userdata, const struct http_reply *r)
{
    struct client_call *call = userdata;
    call->http = NULL;
    call->client->in_flight--;
    if (r->err.class == ERROR_NONE && r->status == 401 && !call->again) {
        call->again = true;
        if (client_refused(call->client)) {
            call_start(call);
        } else { /* first in the queue, which waits for the program */
            list_remove(&call->node);
            list_append(call->client->queue.next, &call->node);
        }
        return;
    }
    struct client_reply reply = {0};
    read_reply(call, r, &reply);
    add_renew_error(call->client, &reply.err);
    call_finish(call, &reply);
}

/* ── sending ── */

static void call_start(struct client_call *call)
{
    struct client *c = call->client;
    auto_strlist struct strlist headers = {0};
    add_line(&headers, "User-Agent", CLIENT_USER_AGENT);
    add_line(&headers, "Accept", call->accept ? call->accept : "application/json");
    if (call->body)
        add_line(&headers, "Content-Type", call->content_type ? call->content_type : "application/json");
    auth_add_headers(c->config, &headers);
    auto_free char *url = mem_printf("%s%s", c->config->server, call->path);
    struct http_request r = {
        .method = call->method,
        .url = url,
        .headers = &headers,
        .body = call->body,
        .body_length = call->body ? strlen(call->body) : 0,
        .tls = &c->config->tls,
        .proxy = c->config->proxy_url,
        .timeout = usec_max(call->deadline - time_monotonic(), USEC_MSEC),
        .max_body = CLIENT_BODY_MAX,
        .compressed = str_equal(call->method, "GET"),
        .shared = true,
    };
    static const struct http_handlers handlers = {.on_done = on_done};
    list_remove(&call->node);
    list_append(&c->sent, &call->node);
    c->in_flight++;
    call->http = http_start(c->http, &r, &handlers, call);
}

static bool forbidden_by_now(const struct client_call *call)
{
    return call->may_send && !call->may_send(call->userdata);
}

static bool take_token(struct client *c, usec_t now)
{
    c->tokens += (double)(now - c->refilled) * c->rate / USEC_SEC;
    if (c->tokens > c->burst)
        c->tokens = c->burst;
    c->refilled = now;
    if (c->tokens < 1)
        return false;
    c->tokens -= 1;
    return true;
}

static void send_what_may_go(struct client *c)
{
    usec_t now = time_monotonic();
    bool wait = renew(c, false);
    while (!wait && !list_empty(&c->queue) && c->in_flight < CLIENT_IN_FLIGHT_MAX) {
        struct client_call *first = list_entry(c->queue.next, struct client_call, node);
        if (forbidden_by_now(first)) {
            timer_at(c->pump, 0); /* which ends it */
            return;
        }
        if (!take_token(c, now))
            break;
        refresh(c, false);
        call_start(first);
    }
    if (list_empty(&c->queue)) {
        timer_at(c->pump, USEC_NEVER);
        return;
    }
    /* With everything in flight, the end of a call pumps; with new credentials under way, their coming; with no token, its time does. */
    usec_t next = USEC_NEVER;
    if (!wait && c->in_flight < CLIENT_IN_FLIGHT_MAX)
        next = now + (usec_t)((1 - c->tokens) / c->rate * USEC_SEC) + 1;
    for (struct list *at = c->queue.next; at != &c->queue; at = at->next)
        next = usec_min(next, list_entry(at, struct client_call, node)->deadline);
    timer_at(c->pump, next);
}

static struct client_call *first_expired(struct client *c, usec_t now)
{
    for (struct list *at = c->queue.next; at != &c->queue; at = at->next) {
        struct client_call *call = list_entry(at, struct client_call, node);
        if (call->deadline <= now)
            return call;
    }
    return NULL;
}

static void pump(void *client)
{
    struct client *c = client;
    struct client_call *call = first_expired(c, time_monotonic());
    struct client_call *first = list_empty(&c->queue) ? NULL : list_entry(c->queue.next, struct client_call, node);
    bool expired = call != NULL;
    if (!call && first && forbidden_by_now(first))
        call = first;
    if (call) { /* one a turn: its callback may do anything to the others */
        struct client_reply reply = {0};
        error_set(&reply.err, expired ? ERROR_TIMEOUT : ERROR_UNAVAILABLE,
                  expired ? "%s %.*s: its time ran out in our own queue; it was never sent"
                          : "%s %.*s: it was not sent: whoever asked for it may not act any more",
                  call->method, (int)strcspn(call->path, "?"), call->path);
        call_finish(call, &reply);
        return;
    }
    send_what_may_go(c);
}

static void queue_add(struct client *c, struct client_call *call)
{
    struct list *before = call->behind ? &c->queue : c->queue.next;
    while (before != &c->queue && !list_entry(before, struct client_call, node)->behind)
        before = before->next;
    list_append(before, &call->node);
}

struct client_call *client_send(struct client *c, const struct client_request *r,
                                void (*done)(void *userdata, const struct client_reply *reply), void *userdata)
{
    struct client_call *call = mem_new(struct client_call);
    call->client = c;
    call->method = mem_strdup(r->method ? r->method : "GET");
    call->path = mem_strdup(r->path);
    call->content_type = mem_strdup(r->content_type);
    call->accept = mem_strdup(r->accept);
    if (r->body)
        call->body = json_dumps(r->body, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS));
    call->deadline = usec_add(time_monotonic(), r->timeout ? r->timeout : CLIENT_TIMEOUT);
    call->done = done;
    call->userdata = userdata;
    call->may_send = r->may_send;
    call->behind = r->behind;
    queue_add(c, call);
    if (r->urgent && !renew(c, false)) {
        refresh(c, false);
        call_start(call);
    } else
        send_what_may_go(c);
    return call;
}

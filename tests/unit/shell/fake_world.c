#include "fake_world.h"

#include "api/json.h"
#include "base/list.h"
#include "base/random.h"
#include "base/str.h"

struct fake {
    struct world world;
    usec_t now, wall_offset;
    struct random random;
    void (*wake)(void *userdata);
    void *wake_userdata;
    usec_t wake_at;
    struct fake_request **requests;
    size_t request_count;
    struct fake_stream **streams;
    size_t stream_count;
    struct fake_session **sessions;
    size_t session_count;
    struct fake_http **https;
    size_t http_count;
};

struct fake_stream {
    struct world_stream stream;
    char *path;
    struct world_stream_handlers handlers;
    void *userdata;
    bool open;
};

struct fake_session {
    struct world_session session;
    char *pod;
    struct world_session_handlers handlers;
    void *userdata;
    bool open;
    json_t *sent; /* array */
    size_t taken[512];
    size_t taken_count;
};

/* ── time ── */

static struct fake *fake_of(struct world *w)
{
    return (struct fake *)(void *)w;
}

static usec_t ops_now(struct world *w)
{
    return fake_of(w)->now;
}

static usec_t ops_wall(struct world *w)
{
    return fake_of(w)->now + fake_of(w)->wall_offset;
}

static uint64_t ops_random(struct world *w)
{
    return random_u64(&fake_of(w)->random);
}

static void ops_set_wake(struct world *w, void (*wake)(void *), void *userdata)
{
    fake_of(w)->wake = wake;
    fake_of(w)->wake_userdata = userdata;
}

static void ops_wake_at(struct world *w, usec_t when)
{
    fake_of(w)->wake_at = when;
}

usec_t fake_now(const struct fake *f)
{
    return f->now;
}

void fake_set_wall(struct fake *f, usec_t wall)
{
    f->wall_offset = wall - f->now;
}

void fake_run(struct fake *f)
{
    for (int turns = 0; f->wake && f->wake_at <= f->now && turns < 10000; turns++) {
        f->wake_at = USEC_NEVER;
        f->wake(f->wake_userdata);
    }
}

void fake_advance(struct fake *f, usec_t by)
{
    usec_t until = f->now + by;
    fake_run(f);
    while (f->wake && f->wake_at <= until) {
        f->now = f->wake_at > f->now ? f->wake_at : f->now;
        fake_run(f);
    }
    f->now = until;
}

/* ── requests ── */

static void ops_api(struct world *w, const struct world_request *request, world_reply_fn *done, void *userdata)
{
    struct fake *f = fake_of(w);
    struct fake_request *r = mem_new(struct fake_request);
    *r = (struct fake_request){
        .method = mem_strdup(request->method),
        .path = mem_strdup(request->path),
        .content_type = mem_strdup(request->content_type),
        .body = json_deep_copy(request->body),
        .done = done,
        .userdata = userdata,
        .fake = f,
        .open = true,
    };
    f->requests = mem_resize(f->requests, f->request_count + 1, sizeof(*f->requests));
    f->requests[f->request_count++] = r;
}

struct fake_request *fake_request(struct fake *f, const char *method, const char *part)
{
    for (size_t i = 0; i < f->request_count; i++)
        if (f->requests[i]->open && str_equal(f->requests[i]->method, method) && strstr(f->requests[i]->path, part))
            return f->requests[i];
    return NULL;
}

size_t fake_open_requests(const struct fake *f)
{
    size_t open = 0;
    for (size_t i = 0; i < f->request_count; i++)
        open += f->requests[i]->open;
    return open;
}

size_t fake_count_requests(const struct fake *f, const char *method, const char *part)
{
    size_t count = 0;
    for (size_t i = 0; i < f->request_count; i++)
        count += str_equal(f->requests[i]->method, method) && strstr(f->requests[i]->path, part);
    return count;
}

static void answer(struct fake_request *r, const struct world_reply *reply)
{
    r->open = false;
    r->done(r->userdata, reply);
}

void fake_reply(struct fake_request *r, int status, json_t *body)
{
    answer(r, &(struct world_reply){.status = status, .body = body});
    json_decref(body);
}

void fake_refuse(struct fake_request *r, enum error_class class, int status, long retry_after_ms)
{
    struct world_reply reply = {.status = status, .err = {.class = class, .http_status = status, .retry_after_ms = retry_after_ms}};
    str_format(reply.err.text, sizeof(reply.err.text), "the test says %s", error_class_name(class));
    answer(r, &reply);
}

/* ── streams ── */

static struct world_stream *ops_watch(struct world *w, const char *path, usec_t silent_after,
                                      const struct world_stream_handlers *handlers, void *userdata)
{
    (void)silent_after;
    struct fake *f = fake_of(w);
    struct fake_stream *s = mem_new(struct fake_stream);
    *s = (struct fake_stream){
        .stream.world = w, .path = mem_strdup(path), .handlers = *handlers, .userdata = userdata, .open = true};
    f->streams = mem_resize(f->streams, f->stream_count + 1, sizeof(*f->streams));
    f->streams[f->stream_count++] = s;
    return &s->stream;
}

static void ops_stream_close(struct world_stream *stream)
{
    ((struct fake_stream *)(void *)stream)->open = false;
}

struct fake_stream *fake_stream(struct fake *f, const char *part)
{
    for (size_t i = 0; i < f->stream_count; i++)
        if (f->streams[i]->open && strstr(f->streams[i]->path, part))
            return f->streams[i];
    return NULL;
}

const char *fake_stream_path(const struct fake_stream *s)
{
    return s->path;
}

size_t fake_count_streams(const struct fake *f, const char *part)
{
    size_t count = 0;
    for (size_t i = 0; i < f->stream_count; i++)
        count += strstr(f->streams[i]->path, part) != NULL;
    return count;
}

void fake_event(struct fake_stream *s, const char *type, json_t *object)
{
    s->handlers.on_event(s->userdata, type, object);
    json_decref(object);
}

void fake_bookmark(struct fake_stream *s, const char *rv, bool initial_end)
{
    json_t *object = json_object();
    json_put_str(json_make(object, "metadata"), "resourceVersion", rv);
    if (initial_end)
        json_object_set_new(json_make(object, "metadata.annotations"), "k8s.io/initial-events-end", json_string("true"));
    fake_event(s, "BOOKMARK", object);
}

void fake_end(struct fake_stream *s, enum error_class class, long retry_after_ms)
{
    fake_end_status(s, class, 0, retry_after_ms);
}

void fake_end_status(struct fake_stream *s, enum error_class class, int status, long retry_after_ms)
{
    struct error err = {.class = class, .http_status = status, .retry_after_ms = retry_after_ms};
    str_format(err.text, sizeof(err.text), "the test says %s", error_class_name(class));
    s->open = false;
    s->handlers.on_end(s->userdata, &err);
}

/* ── agents ── */

static struct world_session *ops_session_open(struct world *w, const char *ns, const char *pod, const char *container,
                                              const struct world_session_handlers *handlers, void *userdata)
{
    (void)ns;
    (void)container;
    struct fake *f = fake_of(w);
    struct fake_session *s = mem_new(struct fake_session);
    *s = (struct fake_session){.session.world = w,
                               .pod = mem_strdup(pod),
                               .handlers = *handlers,
                               .userdata = userdata,
                               .open = true,
                               .sent = json_array()};
    f->sessions = mem_resize(f->sessions, f->session_count + 1, sizeof(*f->sessions));
    f->sessions[f->session_count++] = s;
    return &s->session;
}

static bool ops_session_send(struct world_session *session, json_t *line)
{
    struct fake_session *s = (struct fake_session *)(void *)session;
    if (!s->open)
        return false;
    json_array_append_new(s->sent, json_deep_copy(line));
    return true;
}

static void ops_session_close(struct world_session *session)
{
    ((struct fake_session *)(void *)session)->open = false;
}

struct fake_session *fake_session(struct fake *f, const char *pod)
{
    for (size_t i = 0; i < f->session_count; i++)
        if (f->sessions[i]->open && str_equal(f->sessions[i]->pod, pod))
            return f->sessions[i];
    return NULL;
}

size_t fake_count_sessions(const struct fake *f, const char *pod)
{
    size_t count = 0;
    for (size_t i = 0; i < f->session_count; i++)
        count += str_equal(f->sessions[i]->pod, pod);
    return count;
}

void fake_line(struct fake_session *s, json_t *line)
{
    s->handlers.on_line(s->userdata, line);
    json_decref(line);
}

void fake_hello(struct fake_session *s, usec_t mono, json_t *faults)
{
    json_t *line = json_pack("{s:s, s:i, s:s, s:I, s:{s:b}}", "event", "hello", "protocol", 1, "boot", "b1", "mono",
                             (json_int_t)mono, "target", "found", 1);
    json_object_set_new(line, "faults", faults ? faults : json_array());
    fake_line(s, line);
}

json_t *fake_take(struct fake_session *s, const char *op)
{
    for (size_t i = 0; i < json_array_size(s->sent); i++) {
        bool taken = false;
        for (size_t t = 0; t < s->taken_count; t++)
            taken |= s->taken[t] == i;
        json_t *line = json_array_get(s->sent, i);
        if (taken || !str_equal(json_str(line, "op", ""), op))
            continue;
        if (s->taken_count < array_len(s->taken))
            s->taken[s->taken_count++] = i;
        return line;
    }
    return NULL;
}

void fake_answer(struct fake_session *s, const json_t *line, usec_t mono, json_t *result)
{
    json_t *answered = json_pack("{s:s, s:b, s:I}", "id", json_str(line, "id", ""), "ok", 1, "mono", (json_int_t)mono);
    json_object_set_new(answered, "result", result ? result : json_object());
    fake_line(s, answered);
}

void fake_answer_refused(struct fake_session *s, const json_t *line, usec_t mono, const char *class, const char *message)
{
    fake_line(s, json_pack("{s:s, s:b, s:I, s:{s:s, s:s}}", "id", json_str(line, "id", ""), "ok", 0, "mono", (json_int_t)mono,
                           "error", "class", class, "message", message));
}

void fake_hang_up(struct fake_session *s, enum error_class class)
{
    struct error err = {.class = class};
    str_format(err.text, sizeof(err.text), "the test says %s", error_class_name(class));
    s->open = false;
    s->handlers.on_close(s->userdata, &err);
}

void fake_agent_up(struct fake *f, const char *pod, usec_t agent_mono)
{
    struct fake_session *s = fake_session(f, pod);
    if (!s)
        return;
    fake_hello(s, agent_mono, NULL);
    json_t *status = fake_take(s, "status");
    fake_answer(s, status, agent_mono, NULL);
    fake_run(f);
}

/* ── probes ── */

static void ops_http(struct world *w, const struct world_http *request, world_http_fn *done, void *userdata)
{
    struct fake *f = fake_of(w);
    struct fake_http *h = mem_new(struct fake_http);
    *h = (struct fake_http){.url = mem_strdup(request->url), .done = done, .userdata = userdata, .open = true};
    f->https = mem_resize(f->https, f->http_count + 1, sizeof(*f->https));
    f->https[f->http_count++] = h;
}

static void ops_tcp(struct world *w, const char *host, int port, usec_t timeout, world_tcp_fn *done, void *userdata)
{
    (void)timeout;
    struct fake *f = fake_of(w);
    struct fake_http *h = mem_new(struct fake_http);
    *h = (struct fake_http){.url = mem_printf("tcp://%s:%d", host, port), .tcp_done = done, .userdata = userdata, .open = true};
    f->https = mem_resize(f->https, f->http_count + 1, sizeof(*f->https));
    f->https[f->http_count++] = h;
}

struct fake_http *fake_http(struct fake *f, const char *part)
{
    for (size_t i = 0; i < f->http_count; i++)
        if (f->https[i]->open && strstr(f->https[i]->url, part))
            return f->https[i];
    return NULL;
}

void fake_http_reply(struct fake_http *h, int status, usec_t latency, const char *body)
{
    struct world_http_reply reply = {.status = status, .latency = latency, .body = body, .body_length = body ? strlen(body) : 0};
    h->open = false;
    if (h->tcp_done)
        h->tcp_done(h->userdata, &reply.err, latency);
    else
        h->done(h->userdata, &reply);
}

/* ── life ── */

static void ops_free(struct world *w)
{
    (void)w;
}

static const struct world_ops ops = {
    .now = ops_now,
    .wall = ops_wall,
    .random = ops_random,
    .set_wake = ops_set_wake,
    .wake_at = ops_wake_at,
    .api = ops_api,
    .watch = ops_watch,
    .stream_close = ops_stream_close,
    .session_open = ops_session_open,
    .session_send = ops_session_send,
    .session_close = ops_session_close,
    .http = ops_http,
    .tcp = ops_tcp,
    .free = ops_free,
};

struct fake *fake_new(void)
{
    struct fake *f = mem_new(struct fake);
    f->world.ops = &ops;
    f->now = 1000 * USEC_SEC;
    f->wall_offset = (usec_t)1790000000 * USEC_SEC;
    f->wake_at = USEC_NEVER;
    random_init(&f->random, 7);
    return f;
}

struct world *fake_world(struct fake *f)
{
    return &f->world;
}

void fake_free(struct fake *f)
{
    for (size_t i = 0; i < f->request_count; i++) {
        if (f->requests[i]->open)
            fake_refuse(f->requests[i], ERROR_CANCELLED, 0, 0);
        free(f->requests[i]->method);
        free(f->requests[i]->path);
        free(f->requests[i]->content_type);
        json_decref(f->requests[i]->body);
        free(f->requests[i]);
    }
    for (size_t i = 0; i < f->stream_count; i++) {
        free(f->streams[i]->path);
        free(f->streams[i]);
    }
    for (size_t i = 0; i < f->session_count; i++) {
        free(f->sessions[i]->pod);
        json_decref(f->sessions[i]->sent);
        free(f->sessions[i]);
    }
    for (size_t i = 0; i < f->http_count; i++) {
        struct world_http_reply cancelled = {.err = {.class = ERROR_CANCELLED}};
        if (f->https[i]->open && f->https[i]->tcp_done)
            f->https[i]->tcp_done(f->https[i]->userdata, &cancelled.err, 0);
        else if (f->https[i]->open)
            f->https[i]->done(f->https[i]->userdata, &cancelled);
        free(f->https[i]->url);
        free(f->https[i]);
    }
    free(f->requests);
    free(f->streams);
    free(f->sessions);
    free(f->https);
    free(f);
}

json_t *fake_object(const char *kind, const char *ns, const char *name, const char *rv, const char *spec, const char *status)
{
    json_t *object = json_pack("{s:s, s:s, s:{s:s, s:s, s:s+, s:s, s:i, s:s}}", "apiVersion", "drillyard.dev/v1alpha1", "kind",
                               kind, "metadata", "namespace", ns, "name", name, "uid", "uid-", name, "resourceVersion", rv,
                               "generation", 1, "creationTimestamp", "2026-09-21T00:00:00Z");
    if (spec)
        json_object_set_new(object, "spec", json_loads(spec, 0, NULL));
    if (status)
        json_object_set_new(object, "status", json_loads(status, 0, NULL));
    return object;
}

#include "serve_target.h"

#include "child.h"
#include "guard.h"
#include "param.h"
#include "serve.h"

#include "base/list.h"
#include "base/str.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define GUARD_WAIT_MS 5000
#define RUNNING_MAX   16

struct bench {
    struct loop *loop;
    const char *dir;
    struct target target;
    struct session *session;
    struct watches *watches;
    struct list jobs; /* struct job */
};

/* A command that runs. */
struct job {
    struct list node;
    struct bench *bench;
    char id[65], effect[254];
    struct child *child;
};

/* Takes over result or error, and sends the answer. */
static void answer(struct bench *b, const char *id, json_t *outcome)
{
    json_object_set_new(outcome, "id", id[0] ? json_string(id) : json_null());
    json_object_set_new(outcome, "mono", json_integer(time_monotonic()));
    session_send(b->session, outcome);
    session_owe(b->session, -1);
    json_decref(outcome);
}

static json_t *refused(const struct refusal *r)
{
    return json_pack("{s:b, s:o}", "ok", 0, "error", refusal_to_json(r));
}

/* ── the guard, asked as anybody asks it ── */

static json_t *read_line(int fd, struct buf *held)
{
    for (;;) {
        char *newline = held->len ? memchr(held->data, '\n', held->len) : NULL;
        if (newline) {
            size_t n = (size_t)(newline - held->data);
            json_t *line = json_loadb(held->data, n, 0, NULL);
            buf_consume(held, n + 1);
            return line;
        }
        struct pollfd p = {fd, POLLIN, 0};
        char piece[8192];
        ssize_t n = poll(&p, 1, GUARD_WAIT_MS) > 0 ? read(fd, piece, sizeof piece) : 0;
        if (n <= 0 || !buf_append(held, piece, (size_t)n))
            return NULL;
    }
}

/* The guard's answer; NULL: there is none. Takes the request over. */
static json_t *ask_guard(const char *dir, json_t *request)
{
    auto_fd int fd = serve_connect(dir);
    auto_buf struct buf held;
    buf_init(&held, SESSION_QUEUE_MAX);
    json_object_set_new(request, "id", json_string("target"));
    auto_free char *text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    auto_free char *line = mem_printf("%s\n", text);
    if (fd < 0 || send(fd, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line))
        return NULL;
    for (json_t *got; (got = read_line(fd, &held));) {
        if (!json_object_get(got, "event"))
            return got;
        json_decref(got);
    }
    return NULL;
}

/* ── exec ── */

static void job_free(struct job *j)
{
    child_cancel(j->child);
    list_remove(&j->node);
    free(j);
}

static void ended(void *userdata, const struct child_reply *reply)
{
    struct job *j = userdata;
    j->child = NULL;
    json_t *outcome = json_pack("{s:b, s:o}", "ok", 1, "result", child_reply_to_json(reply));
    json_decref(
        ask_guard(j->bench->dir, json_pack("{s:s, s:s, s:O}", "op", "effect-end", "effect", j->effect, "outcome", outcome)));
    answer(j->bench, j->id, outcome);
    job_free(j);
}

/* 0 begun; 1: *ret_outcome is the answer; -1 refused. */
static int begin_effect(struct bench *b, json_t *body, const char *effect, int64_t epoch, json_t **ret_outcome, struct refusal *r)
{
    (void)body;
    json_t *got =
        ask_guard(b->dir, json_pack("{s:s, s:I, s:s}", "op", "effect-begin", "epoch", (json_int_t)epoch, "effect", effect));
    if (!got)
        return error_set(&r->error, ERROR_INTERNAL, "the guard does not answer; without it nothing is run here");
    if (json_is_true(json_object_get(got, "ok")) && !json_object_get(got, "replayed")) {
        json_decref(got);
        return 0;
    }
    *ret_outcome = got; /* what it was the first time, or why not */
    return 1;
}

static int run_exec(struct bench *b, json_t *body, const char *id, json_t **ret_outcome, struct refusal *r)
{
    const char *effect;
    int64_t epoch, timeout = 30000, max_output = (int64_t)CHILD_OUTPUT_MAX;
    struct child_order order = {.command = json_object_get(body, "command")};
    size_t at, jobs = 0;
    json_t *one;
    bool good = json_array_size(order.command) > 0 && json_array_size(order.command) <= 256;
    json_array_foreach(order.command, at, one) good &= json_is_string(one) && (at > 0 || json_string_length(one) > 0);
    if (!good)
        return refusal_field(r, "command", order.command, "command wants a list of strings, like [\"git\", \"status\"]");
    if (param_integer(body, "epoch", PARAM_REQUIRED, 0, INT64_MAX, &epoch, r) < 0 || param_id(body, "effect", &effect, r) < 0 ||
        param_integer(body, "timeoutMs", PARAM_OPTIONAL, 1, USEC_HOUR / USEC_MSEC, &timeout, r) < 0 ||
        param_integer(body, "maxOutput", PARAM_OPTIONAL, 0, (int64_t)CHILD_OUTPUT_MAX, &max_output, r) < 0 ||
        param_path(body, "directory", PARAM_OPTIONAL, &order.directory, r) < 0)
        return -1;
    for (struct list *n = b->jobs.next; n != &b->jobs; n = n->next)
        jobs++;
    if (jobs >= RUNNING_MAX)
        return refusal_conflict(r, "command", "", "%d commands run here already", RUNNING_MAX);
    int known = begin_effect(b, body, effect, epoch, ret_outcome, r);
    if (known)
        return known;
    struct job *j = mem_new(struct job);
    list_append(&b->jobs, &j->node);
    j->bench = b;
    str_copy(j->id, sizeof j->id, id);
    str_copy(j->effect, sizeof j->effect, effect);
    order.timeout = timeout * USEC_MSEC;
    order.max_output = (size_t)max_output;
    j->child = child_begin(b->loop, &order, ended, j, &r->error);
    if (j->child)
        return 0;
    *ret_outcome = refused(r);
    json_decref(ask_guard(b->dir, json_pack("{s:s, s:s, s:O}", "op", "effect-end", "effect", effect, "outcome", *ret_outcome)));
    job_free(j);
    return 1;
}

static void watch_answer(void *userdata, const struct reply_to *to, json_t *result, const struct refusal *refusal)
{
    answer(userdata, to->id, refusal ? refused(refusal) : json_pack("{s:b, s:O}", "ok", 1, "result", result));
}

static void watch_tell(void *userdata, uint64_t session, json_t *event)
{
    (void)session;
    struct bench *b = userdata;
    json_object_set_new(event, "mono", json_integer(time_monotonic()));
    session_send(b->session, event);
}

static int carry_out(struct bench *b, json_t *body, const char *id, json_t **ret_outcome, struct refusal *r)
{
    const char *op = NULL, *key;
    json_t *spec = NULL;
    struct reply_to to = {.session = 1};
    str_copy(to.id, sizeof to.id, id);
    if (param_text(body, "op", PARAM_REQUIRED, &op, r) < 0)
        return -1;
    if (str_equal(op, "exec"))
        return run_exec(b, body, id, ret_outcome, r);
    if (str_equal(op, "probe"))
        return param_object(body, "probe", PARAM_REQUIRED, &spec, r) < 0 ? -1 : watches_probe_once(b->watches, &to, spec, r);
    if (str_equal(op, "watch"))
        return watches_add(b->watches, &to, body, r);
    if (str_equal(op, "unwatch")) {
        if (param_id(body, "watch", &key, r) < 0)
            return -1;
        *ret_outcome = json_pack("{s:b, s:{s:b}}", "ok", 1, "result", "removed", watches_remove(b->watches, 1, key));
        return 1;
    }
    return refusal_text(r, "op", op, "in the target container there are exec, probe, watch and unwatch; the rest is the sidecar's");
}

static void on_line(void *userdata, struct session *s, const char *line, size_t n)
{
    struct bench *b = userdata;
    struct refusal r = {0};
    json_error_t where;
    json_t *body = json_loadb(line, n, JSON_REJECT_DUPLICATES, &where), *outcome = NULL;
    const char *id = json_string_value(json_object_get(body, "id"));
    char own_id[65] = "";
    int rc = -1;
    session_owe(s, 1);
    if (!json_is_object(body))
        refusal_text(&r, "", "", "a line wants one JSON object: %s", body ? "this is none" : where.text);
    else if (!id || !str_copy(own_id, sizeof own_id, id))
        refusal_field(&r, "id", json_object_get(body, "id"), "id wants a string of 1 to 64 bytes");
    else
        rc = carry_out(b, body, own_id, &outcome, &r);
    if (rc != 0)
        answer(b, own_id, rc > 0 ? outcome : refused(&r));
    json_decref(body);
}

static void on_too_long(void *userdata, struct session *s)
{
    struct refusal r = {0};
    refusal_text(&r, "", "", "a line has at most %zu bytes; this one is skipped", SESSION_LINE_MAX);
    session_owe(s, 1);
    answer(userdata, "", refused(&r));
}

static void on_closed(void *userdata, struct session *s)
{
    (void)s;
    struct bench *b = userdata;
    loop_stop(b->loop, 0);
}

static json_t *hello(const struct bench *b)
{
    (void)b;
    return json_pack("{s:s, s:i, s:s, s:s, s:I, s:i, s:[]}", "event", "hello", "protocol", PROTOCOL_VERSION, "version",
                     DRILLYARD_VERSION, "place", "Target", "mono", (json_int_t)time_monotonic(), "uid", (int)geteuid(), "methods");
}

int serve_target_run(const char *dir)
{
    struct bench b = {.dir = dir};
    struct error err = {0};
    signal(SIGPIPE, SIG_IGN);
    list_init(&b.jobs);
    b.loop = loop_new(&err);
    if (!b.loop || target_init(&b.target, dir, "/", &err) < 0)
        return 1;
    struct session_handlers handlers = {on_line, on_too_long, on_closed, &b};
    b.session = session_new(b.loop, STDIN_FILENO, STDOUT_FILENO, 1, &handlers, &err);
    if (!b.session)
        return 1;
    struct probe_site site = {.loop = b.loop, .target = &b.target, .in_target = true};
    b.watches = watches_new(&site, &(struct watches_handlers){watch_answer, watch_tell, NULL, &b});
    json_t *first = hello(&b);
    session_send(b.session, first);
    json_decref(first);
    int code = loop_run(b.loop);
    while (!list_empty(&b.jobs))
        job_free(list_entry(b.jobs.next, struct job, node));
    watches_free(b.watches);
    session_free(b.session);
    loop_free(b.loop);
    return code;
}

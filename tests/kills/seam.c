/* tests/kills/seam.c — a controller that dies, or stops, at a number.
 *
 * Linked with --wrap=world_real_new: the world that main.c gets is the real one, but that what a drill sends to the outside is counted,
 * from 1, and the process ends itself by SIGKILL at the number it was told. Two things count: writes to the API server, and lines to and
 * sessions with agents. The settings come from the environment:
 *
 *   DRILLYARD_SEAM=17:before   dies instead of sending the 17th
 *   DRILLYARD_SEAM=17:sent     dies a millisecond after it was handed on: as a rule the other side has it, and its answer is not here
 *   DRILLYARD_SEAM=17:after    dies when its answer has come, before anybody hears of it
 *   DRILLYARD_SEAM=17:stop     stops itself (SIGSTOP) before it sends the 17th; continued, it sends what it had decided to
 *   DRILLYARD_SEAM_LOG=FILE    a line for each that counted: its number and what it was; where it stopped, also the answer
 *
 * Counting begins with the first write to a drill or with the first line that has an effect in a pod. Not counted is what has its own
 * rhythm, so that the same drill has the same numbers as far as possible: the election, events, the statuses of targets, cards, triggers
 * and schedules, renewals of leases and pings. */
#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"
#include "world/real.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum point { POINT_NONE, POINT_BEFORE, POINT_STOP, POINT_SENT, POINT_AFTER };
static const char *const point_names[] = {
    [POINT_NONE] = "none", [POINT_BEFORE] = "before", [POINT_STOP] = "stop", [POINT_SENT] = "sent", [POINT_AFTER] = "after"};

#define SENT_AFTER_NS 1000000 /* a write takes about 2.5 ms to its answer, a line 0.4 ms to the agent */

static struct {
    const struct world_ops *real; /* the real world's own table */
    struct world_ops ops;         /* the same with ours in some places */
    int64_t at;
    enum point point;
    FILE *log;
    int64_t count;
    bool counting;
    struct list links;
    struct world_session *awaited; /* whose answer `awaited_id` is the end; NULL: none */
    char awaited_id[64];
} seam;

_Noreturn static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static void die_soon(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    struct itimerspec when = {.it_value.tv_nsec = SENT_AFTER_NS};
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 || timer_settime(timer, 0, &when, NULL) < 0)
        die();
}

/* Counts one; what is to happen here, POINT_NONE as a rule. */
static enum point count(const char *verb, const char *what)
{
    seam.count++;
    if (seam.log) {
        fprintf(seam.log, "%lld %s %s\n", (long long)seam.count, verb, what);
        fflush(seam.log);
    }
    if (seam.count != seam.at)
        return POINT_NONE;
    if (seam.point == POINT_BEFORE)
        die();
    if (seam.point == POINT_STOP)
        kill(getpid(), SIGSTOP); /* returns when it is continued */
    return seam.point;
}

/* What the one that it stopped at came to. */
static void tell_answer(const char *text)
{
    if (!seam.log)
        return;
    fprintf(seam.log, "%lld answered %s\n", (long long)seam.at, text);
    fflush(seam.log);
}

/* ── writes ── */

static bool is_of_a_drill(const struct world_request *request)
{
    static const char *const kinds[] = {"/drills", "/playbookruns", "/codingtasks",   "/configmaps",
                                        "/pods",   "/deployments/", "/statefulsets/", "/daemonsets/"};
    if (str_equal(request->method, "GET"))
        return false;
    for (size_t i = 0; i < array_len(kinds); i++)
        if (strstr(request->path, kinds[i]))
            return true;
    return false;
}

struct ask {
    world_reply_fn *done;
    void *userdata;
};

static void answered(void *userdata, const struct world_reply *reply)
{
    struct ask *ask = userdata;
    if (seam.point == POINT_AFTER)
        die();
    char text[64];
    str_format(text, sizeof(text), "%d %s", reply->status, error_class_name(reply->err.class));
    tell_answer(text);
    ask->done(ask->userdata, reply);
    free(ask);
}

static void seam_api(struct world *w, const struct world_request *request, world_reply_fn *done, void *userdata)
{
    enum point point = POINT_NONE;
    if (is_of_a_drill(request)) {
        seam.counting |= strstr(request->path, "/drills/") != NULL;
        if (seam.counting)
            point = count(request->method, request->path);
    }
    if (point == POINT_AFTER || point == POINT_STOP) {
        struct ask *ask = mem_new(struct ask);
        *ask = (struct ask){.done = done, .userdata = userdata};
        seam.real->api(w, request, answered, ask);
        return;
    }
    seam.real->api(w, request, done, userdata);
    if (point == POINT_SENT)
        die_soon();
}

/* ── sessions and their lines ── */

struct link {
    struct list node;
    struct world_session *session; /* NULL until it is opened */
    struct world_session_handlers handlers;
    void *userdata;
};

static void on_open(void *userdata)
{
    struct link *link = userdata;
    if (link->handlers.on_open)
        link->handlers.on_open(link->userdata);
}

static void on_line(void *userdata, json_t *line)
{
    struct link *link = userdata;
    const char *id = json_string_value(json_object_get(line, "id"));
    if (seam.awaited && seam.awaited == link->session && str_equal(id ? id : "", seam.awaited_id)) {
        if (seam.point == POINT_AFTER)
            die();
        const json_t *error = json_object_get(line, "error");
        tell_answer(error ? json_string_value(json_object_get(error, "class")) : "ok");
        seam.awaited = NULL;
    }
    link->handlers.on_line(link->userdata, line);
}

static void link_free(struct link *link)
{
    if (seam.awaited == link->session)
        seam.awaited = NULL;
    list_remove(&link->node);
    free(link);
}

static void on_close(void *userdata, const struct error *err)
{
    struct link *link = userdata;
    if (link->handlers.on_close)
        link->handlers.on_close(link->userdata, err);
    link_free(link);
}

static struct world_session *seam_session_open(struct world *w, const char *ns, const char *pod, const char *container,
                                               const struct world_session_handlers *handlers, void *userdata)
{
    static const struct world_session_handlers ours = {.on_open = on_open, .on_line = on_line, .on_close = on_close};
    enum point point = seam.counting ? count("open", pod) : POINT_NONE;
    struct link *link = mem_new(struct link);
    link->handlers = *handlers;
    link->userdata = userdata;
    list_append(&seam.links, &link->node);
    link->session = seam.real->session_open(w, ns, pod, container, &ours, link);
    if (point == POINT_SENT)
        die_soon();
    if (point == POINT_AFTER) { /* the first line without an id: the agent's hello */
        seam.awaited = link->session;
        seam.awaited_id[0] = '\0';
    }
    return link->session;
}

static void seam_session_close(struct world_session *session)
{
    for (struct list *node = seam.links.next; node != &seam.links; node = node->next) {
        struct link *link = list_entry(node, struct link, node);
        if (link->session == session) {
            link_free(link);
            break;
        }
    }
    seam.real->session_close(session);
}

static bool one_of(const char *op, const char *const *ops, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_equal(op, ops[i]))
            return true;
    return false;
}

static bool seam_session_send(struct world_session *session, json_t *line)
{
    static const char *const effects[] = {"inject", "revert", "restore", "signal", "restart", "exec"};
    static const char *const rhythm[] = {"renew", "status"};
    const char *op = json_string_value(json_object_get(line, "op")), *id = json_string_value(json_object_get(line, "id"));
    enum point point = POINT_NONE;
    seam.counting |= op && one_of(op, effects, array_len(effects));
    if (seam.counting && op && !one_of(op, rhythm, array_len(rhythm)))
        point = count("line", op);
    if ((point == POINT_AFTER || point == POINT_STOP) && id) {
        seam.awaited = session;
        str_copy(seam.awaited_id, sizeof(seam.awaited_id), id);
    }
    bool sent = seam.real->session_send(session, line);
    if (point == POINT_SENT)
        die_soon();
    return sent;
}

/* ── the world that main.c gets ── */

_Noreturn static void refuse(const char *name, const char *value)
{
    fprintf(stderr, "%s=%s: write a number and before, stop, sent or after, such as 17:before; or a file for the log\n", name,
            value);
    exit(2);
}

static void read_settings(void)
{
    const char *at = getenv("DRILLYARD_SEAM"), *log = getenv("DRILLYARD_SEAM_LOG");
    if (at) {
        const char *colon = strchr(at, ':');
        auto_free char *number = mem_strndup(at, colon ? (size_t)(colon - at) : 0);
        for (enum point p = POINT_BEFORE; colon && p <= POINT_AFTER; p++)
            if (str_equal(colon + 1, point_names[p]))
                seam.point = p;
        if (!seam.point || !str_to_i64(number, 1, 1000000, &seam.at))
            refuse("DRILLYARD_SEAM", at);
    }
    if (log && !(seam.log = fopen(log, "we")))
        refuse("DRILLYARD_SEAM_LOG", log);
}

struct world *__real_world_real_new(struct loop *loop, struct config *config, const struct world_real_options *options);
struct world *__wrap_world_real_new(struct loop *loop, struct config *config, const struct world_real_options *options);

struct world *__wrap_world_real_new(struct loop *loop, struct config *config, const struct world_real_options *options)
{
    struct world *w = __real_world_real_new(loop, config, options);
    read_settings();
    list_init(&seam.links);
    seam.real = w->ops;
    seam.ops = *w->ops;
    seam.ops.api = seam_api;
    seam.ops.session_open = seam_session_open;
    seam.ops.session_close = seam_session_close;
    seam.ops.session_send = seam_session_send;
    w->ops = &seam.ops;
    return w;
}

/* tests/unit/shell/sessions_bench.h — sessions with one agent, which a fake world answers for, and what came of their operations. */
#pragma once

#include "check.h"

#include "api/json.h"
#include "base/str.h"
#include "fake_world.h"
#include "shell/agent_wire.h"
#include "shell/session_clock.h"
#include "shell/session_faults.h"
#include "shell/sessions.h"

/* The agent's clock in these tests: AGENT_AHEAD in front of ours. */
#define AGENT_AHEAD (5000 * USEC_SEC)

struct bench {
    struct fake *fake;
    struct alarms *alarms;
    struct clock clock;
    struct store *store;
    struct sessions *sessions;
    struct key pod;
    int changes;
    /* what came of the last operation, and of how many */
    struct session_outcome outcome;
    int outcomes;
    struct evidence evidence;
    int reports;
};

static void on_changed(void *userdata, const struct key *pod)
{
    (void)pod;
    ((struct bench *)userdata)->changes++;
}

static void on_outcome(void *userdata, const struct session_outcome *outcome)
{
    struct bench *b = userdata;
    json_decref(b->outcome.result);
    b->outcome = *outcome;
    json_incref(b->outcome.result);
    b->outcomes++;
}

static void on_report(void *userdata, const struct evidence *e)
{
    struct bench *b = userdata;
    b->evidence = *e;
    b->reports++;
}

static json_t *pod_object(const char *name, const char *rv)
{
    json_t *pod = json_pack(
        "{s:s, s:s, s:{s:s, s:s, s:s, s:s, s:{s:s}}, s:{s:s, s:[{s:s}], s:[{s:s}]}, s:{s:s, s:s, s:[{s:s, s:b, s:{s:{s:s}}}], "
        "s:[{s:s, s:b, s:{s:{s:s}}}]}}",
        "apiVersion", "v1", "kind", "Pod", "metadata", "namespace", "team-a", "name", name, "uid", "pod-uid", "resourceVersion", rv,
        "labels", "app", "shop", "spec", "nodeName", "n1", "containers", "name", "app", "initContainers", "name", "drill-injector",
        "status", "phase", "Running", "podIP", "10.0.0.1", "containerStatuses", "name", "app", "ready", 1, "state", "running",
        "startedAt", "2026-11-25T00:00:00Z", "initContainerStatuses", "name", "drill-injector", "ready", 1, "state", "running",
        "startedAt", "2026-11-25T00:00:00Z");
    return pod;
}

static void bench_init(struct bench *b)
{
    *b = (struct bench){.fake = fake_new(), .pod = key_of(KIND_POD, "team-a", "shop-1")};
    struct world *w = fake_world(b->fake);
    b->alarms = alarms_new(w);
    clock_init(&b->clock, w);
    b->store = store_new(w);
    json_auto_t *pod = pod_object("shop-1", "10");
    store_put(b->store, KIND_POD, pod);
    b->sessions = sessions_new(w, b->alarms, &b->clock, b->store, on_changed, b);
    sessions_enable(b->sessions, 77);
}

static void bench_done(struct bench *b)
{
    sessions_free(b->sessions);
    store_free(b->store);
    alarms_free(b->alarms);
    json_decref(b->outcome.result);
    fake_free(b->fake);
}

static struct session *session(struct bench *b)
{
    return sessions_get(b->sessions, &b->pod, NULL);
}

static const struct agent_state *state(struct bench *b)
{
    return sessions_state(b->sessions, &b->pod);
}

static usec_t agent_now(struct bench *b)
{
    return fake_now(b->fake) + AGENT_AHEAD;
}

static struct fake_session *agent(struct bench *b)
{
    return fake_session(b->fake, "shop-1");
}

static void bring_up(struct bench *b)
{
    sessions_touch(b->sessions, &b->pod);
    fake_run(b->fake);
    fake_agent_up(b->fake, "shop-1", agent_now(b));
}

static void op(struct bench *b, const char *name, usec_t timeout)
{
    json_auto_t *body = json_object();
    json_put_str(body, "op", name);
    if (str_equal(name, "inject"))
        json_put_str(json_make(body, "fault"), "id", "f1");
    else
        json_put_str(body, "fault", "f1");
    session_op(session(b), body, timeout, on_outcome, b);
}

static void subscribe(struct bench *b)
{
    json_auto_t *body = json_pack("{s:s, s:s}", "op", "watch", "watch", "w1");
    session_subscribe(session(b), "w1", body, on_report, b);
    fake_run(b->fake);
}

static void report(struct bench *b, bool holds, usec_t since)
{
    fake_line(agent(b), json_pack("{s:s, s:s, s:b, s:I, s:f, s:s, s:I}", "event", "watch", "watch", "w1", "holds", holds, "since",
                                  (json_int_t)since, "value", 1.5, "message", "seen", "mono", (json_int_t)agent_now(b)));
}

#include "check.h"
#include "kube/cluster.h"

#include "kube/exec_plugin.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct got {
    bool inside, called_inside, done, cancel;
    struct error err;
    int status;
    char *body;
    int order;
    struct client_call *call;
};
static int order;

static void on_reply(void *userdata, const struct client_reply *r)
{
    struct got *g = userdata;
    g->called_inside |= g->inside;
    CHECK(!g->done);
    g->done = true;
    g->err = r->err;
    g->status = r->status;
    g->body = r->body ? json_dumps(r->body, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    g->order = ++order;
    if (g->cancel)
        client_cancel(g->call);
}

static void ask(struct cluster *c, struct got *g, const struct client_request *r)
{
    g->inside = true;
    g->call = client_send(c->client, r, on_reply, g);
    g->inside = false;
}

static void ask_and_wait(struct cluster *c, struct got *g, const struct client_request *r)
{
    *g = (struct got){0};
    ask(c, g, r);
    CHECK(run_until(c->loop, &g->done, 5000));
    CHECK(!g->called_inside);
}

static void got_done(struct got *g)
{
    free(g->body);
    *g = (struct got){0};
}

TEST(a_request_as_the_server_sees_it)
{
    static const struct fake_step script[] = {
        FAKE_EXPECT("PATCH /apis/x/v1/namespaces/a/drills/b/status?fieldManager=d HTTP/1.1\r\n"), JSON_OK("{\"a\":0.1}"),
        FAKE_EXPECT("GET /api"), JSON_OK("[1]"), FAKE_DRAIN};
    struct cluster c;
    cluster_init(&c, &(struct fake_options){.scripts = {script}});
    c.config.username = mem_strdup("jane");
    c.config.password = mem_strdup("p:w");
    strlist_add(&c.config.impersonate, "Impersonate-User: joe");
    json_t *body = json_pack("{s:f,s:s}", "n", 0.1, "s", "\xc3\xa9");
    struct got g;
    ask_and_wait(&c, &g,
                 &(struct client_request){.method = "PATCH",
                                          .path = "/apis/x/v1/namespaces/a/drills/b/status?fieldManager=d",
                                          .content_type = "application/merge-patch+json",
                                          .accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
                                          .body = body});
    json_decref(body);
    CHECK_INT(g.err.class, ERROR_NONE);
    CHECK_INT(g.status, 200);
    got_done(&g);
    c.config.token = mem_printf("%05000d", 7); /* longer than 4 KiB; and goes before the password */
    ask_and_wait(&c, &g, &(struct client_request){.path = "/api"});
    CHECK_STR(g.body, "[1]");
    got_done(&g);
    auto_free char *patch = fake_server_request(c.server, 0), *list = fake_server_request(c.server, 1);
    CHECK_CONTAINS(patch, "\r\nUser-Agent: drillyard/");
    CHECK_CONTAINS(patch, "\r\nAuthorization: Basic amFuZTpwOnc=\r\n");
    CHECK_CONTAINS(patch, "\r\nImpersonate-User: joe\r\n");
    CHECK_CONTAINS(patch, "\r\nContent-Type: application/merge-patch+json\r\n");
    CHECK_CONTAINS(patch, "\r\nAccept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1\r\n");
    CHECK_CONTAINS(patch, "\r\n\r\n{\"n\":0.1,\"s\":\"\xc3\xa9\"}");
    CHECK_CONTAINS(list, "\r\nAccept-Encoding: gzip\r\n");
    CHECK_CONTAINS(list, "\r\nAuthorization: Bearer 00000");
    CHECK(!strstr(list, "Basic"));
    CHECK(!strstr(list, "Content-Type"));
    cluster_done(&c);
}

TEST(what_an_answer_becomes)
{
    static const struct fake_step ok[] = {FAKE_EXPECT(""), JSON_OK("{\"kind\":\"Drill\"}"), FAKE_DRAIN};
    static const struct fake_step created[] = {FAKE_EXPECT(""),
                                               FAKE_ANSWER("201 Created", "Content-Type: application/json\r\n", "{}"), FAKE_DRAIN};
    static const struct fake_step text[] = {FAKE_EXPECT(""), FAKE_ANSWER("200 OK", "Content-Type: text/plain\r\n", "ok"),
                                            FAKE_DRAIN};
    static const struct fake_step empty[] = {FAKE_EXPECT(""), FAKE_ANSWER("200 OK", "", ""), FAKE_DRAIN};
    static const struct fake_step broken[] = {FAKE_EXPECT(""), JSON_OK("{\"items\":["), FAKE_DRAIN};
    static const struct fake_step nul[] = {FAKE_EXPECT(""), JSON_OK("{\"a\":\"\\u0000\"}"), FAKE_DRAIN};
    static const struct fake_step conflict[] = {FAKE_EXPECT(""), REFUSAL("409 Conflict", "", "Conflict", "changed"), FAKE_DRAIN};
    static const struct fake_step busy[] = {
        FAKE_EXPECT(""), REFUSAL("429 Too Many Requests", "Retry-After: 7\r\n", "TooManyRequests", "slow"), FAKE_DRAIN};
    static const struct fake_step lost[] = {FAKE_EXPECT(""), FAKE_RESET};
    static const struct fake_step redirect[] = {FAKE_EXPECT(""), FAKE_ANSWER("301 Moved Permanently", "Location: /x\r\n", ""),
                                                FAKE_DRAIN};
    static const struct {
        const char *sentence;
        const struct fake_step *script;
        enum error_class class;
        int status;
        long retry_ms;
        const char *body, *text;
    } rows[] = {
        {"200", ok, ERROR_NONE, 200, 0, "{\"kind\":\"Drill\"}", ""},
        {"201", created, ERROR_NONE, 201, 0, "{}", ""},
        {"no JSON, and does not say it is", text, ERROR_NONE, 200, 0, NULL, ""},
        {"an empty body", empty, ERROR_NONE, 200, 0, NULL, ""},
        {"says that it is JSON and is not", broken, ERROR_UNAVAILABLE, 200, 0, NULL, "POST /api: the answer is not the JSON"},
        {"a NUL in a string", nul, ERROR_NONE, 200, 0, "{\"a\":\"\\u0000\"}", ""},
        {"a conflict", conflict, ERROR_CONFLICT, 409, 0,
         "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Conflict\",\"message\":\"changed\"}", "changed"},
        {"429 with Retry-After is reported, not retried", busy, ERROR_TOO_MANY, 429, 7000,
         "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"TooManyRequests\",\"message\":\"slow\"}", "slow"},
        {"the answer to a write is lost: it may have happened, and is not repeated", lost, ERROR_UNAVAILABLE, 0, 0, NULL,
         "POST /api: "},
        {"a redirect is refused", redirect, ERROR_INVALID, 301, 0, NULL, "HTTP 301"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct cluster c;
        cluster_init(&c, &(struct fake_options){.scripts = {rows[i].script}});
        json_t *body = json_object();
        struct got g;
        ask_and_wait(&c, &g, &(struct client_request){.method = "POST", .path = "/api?secret=1", .body = body});
        json_decref(body);
        CHECK_INT(g.err.class, rows[i].class);
        CHECK_INT(g.status, rows[i].status);
        CHECK_INT(g.err.retry_after_ms, rows[i].retry_ms);
        CHECK_STR(g.body, rows[i].body);
        CHECK_CONTAINS(g.err.text, rows[i].text);
        CHECK_INT(fake_server_requests(c.server), 1);
        got_done(&g);
        cluster_done(&c);
    }
    CHECK_ROW(NULL);
}

/* ── credentials ── */

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

TEST(a_401_reads_the_token_anew_and_sends_once_more)
{
    static const struct fake_step then_ok[] = {FAKE_EXPECT("POST /api"), REFUSAL("401 Unauthorized", "", "Unauthorized", "no"),
                                               FAKE_EXPECT("POST /api"), JSON_OK("{}"), FAKE_DRAIN};
    static const struct fake_step again[] = {FAKE_EXPECT("POST /api"), REFUSAL("401 Unauthorized", "", "Unauthorized", "no"),
                                             FAKE_EXPECT("POST /api"), REFUSAL("401 Unauthorized", "", "Unauthorized", "no"),
                                             FAKE_DRAIN};
    static const struct {
        const char *sentence;
        const struct fake_step *script;
        enum error_class class;
    } rows[] = {{"which is then accepted", then_ok, ERROR_NONE}, {"but not a third time", again, ERROR_FORBIDDEN}};
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        char path[] = "/tmp/drillyard-token-XXXXXX";
        close(mkstemp(path));
        write_file(path, "fresh\n");
        struct cluster c;
        cluster_init(&c, &(struct fake_options){.scripts = {rows[i].script}});
        c.config.token = mem_strdup("stale");
        c.config.token_file = mem_strdup(path);
        c.config.token_read = time_monotonic();
        json_t *body = json_pack("{s:i}", "a", 1);
        struct got g;
        ask_and_wait(&c, &g, &(struct client_request){.method = "POST", .path = "/api", .body = body});
        json_decref(body);
        CHECK_INT(g.err.class, rows[i].class);
        auto_free char *first = fake_server_request(c.server, 0), *second = fake_server_request(c.server, 1);
        CHECK_CONTAINS(first, "Authorization: Bearer stale\r\n");
        CHECK_CONTAINS(second, "Authorization: Bearer fresh\r\n");
        CHECK_CONTAINS(second, "\r\n\r\n{\"a\":1}");
        CHECK_INT(fake_server_requests(c.server), 2);
        got_done(&g);
        cluster_done(&c);
        unlink(path);
    }
    CHECK_ROW(NULL);
}

TEST(a_CA_that_changes_on_disk_means_new_connections)
{
    static const struct fake_step answers[] = {FAKE_EXPECT("GET /api"), JSON_OK("{}"), FAKE_REPEAT};
    struct fake_ca *old = fake_ca_new("old"), *new = fake_ca_new("new");
    struct fake_identity *id = fake_identity_new(old, "server", "IP:127.0.0.1");
    char path[] = "/tmp/drillyard-ca-XXXXXX";
    close(mkstemp(path));
    auto_free char *both = mem_printf("%s%s", fake_ca_pem(new), fake_ca_pem(old));
    write_file(path, fake_ca_pem(old));
    struct cluster c;
    cluster_init(&c, &(struct fake_options){.scripts = {answers}, .repeat_last = true, .tls = id});
    c.config.tls.ca_pem = mem_strdup(fake_ca_pem(old));
    c.config.ca_file = mem_strdup(path);
    c.config.ca_read = time_monotonic();
    struct got g;
    for (int i = 0; i < 2; i++) {
        ask_and_wait(&c, &g, &(struct client_request){.path = "/api"});
        CHECK_INT(g.err.class, ERROR_NONE);
        got_done(&g);
    }
    CHECK_INT(fake_server_connections(c.server), 1);
    write_file(path, both);
    c.config.ca_read = time_monotonic() - 6 * USEC_MINUTE;
    ask_and_wait(&c, &g, &(struct client_request){.path = "/api"});
    CHECK_INT(g.err.class, ERROR_NONE);
    got_done(&g);
    CHECK_INT(fake_server_connections(c.server), 2);
    c.config.generation++; /* something else: the identity, the proxy */
    ask_and_wait(&c, &g, &(struct client_request){.path = "/api"});
    got_done(&g);
    CHECK_INT(fake_server_connections(c.server), 3);
    write_file(path, fake_ca_pem(new)); /* the server's own is no longer trusted: the kept connection must not help it */
    c.config.ca_read = time_monotonic() - 6 * USEC_MINUTE;
    ask_and_wait(&c, &g, &(struct client_request){.path = "/api"});
    CHECK_INT(g.err.class, ERROR_UNAVAILABLE);
    got_done(&g);
    CHECK_INT(fake_server_requests(c.server), 4);
    client_free(c.client);
    config_done(&c.config);
    loop_free(c.loop);
    fake_server_stop(c.server);
    fake_identity_free(id);
    fake_ca_free(old);
    fake_ca_free(new);
    unlink(path);
}

TEST(a_credential_program_is_waited_for_and_run_again_after_a_401)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET /api"), REFUSAL("401 Unauthorized", "", "Unauthorized", "no"),
                                              FAKE_EXPECT("GET /api"), JSON_OK("{}"), FAKE_DRAIN};
    char path[] = "/tmp/drillyard-plugin-XXXXXX";
    CHECK(mkdtemp(path) != NULL);
    auto_free char *program = mem_printf("%s/credentials", path);
    auto_free char *text =
        mem_printf("#!/bin/sh\necho x >>%s/runs\nn=$(wc -l <%s/runs)\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\","
                   "\"kind\":\"ExecCredential\",\"status\":{\"token\":\"run-'$n'\"}}'\n",
                   path, path);
    write_file(program, text);
    struct cluster c;
    cluster_init(&c, &(struct fake_options){.scripts = {script}});
    json_t *stanza =
        json_pack("{s:s,s:s,s:s}", "apiVersion", "client.authentication.k8s.io/v1", "command", program, "interactiveMode", "Never");
    struct error err = {0};
    CHECK_INT(exec_plugin_new(stanza, path, NULL, &c.config.exec, &err), 0);
    CHECK_STR(err.text, "");
    json_decref(stanza);
    struct got g;
    ask_and_wait(&c, &g, &(struct client_request){.path = "/api"});
    CHECK_INT(g.err.class, ERROR_NONE);
    CHECK_STR(g.err.text, "");
    auto_free char *first = fake_server_request(c.server, 0), *second = fake_server_request(c.server, 1);
    CHECK_CONTAINS(first, "Authorization: Bearer run-1\r\n");
    CHECK_CONTAINS(second, "Authorization: Bearer run-2\r\n");
    got_done(&g);
    cluster_done(&c);
    auto_free char *runs = mem_printf("%s/runs", path);
    unlink(runs);
    unlink(program);
    rmdir(path);
}

TEST(a_credential_program_that_fails_stands_in_the_401s_text)
{
    static const struct fake_step script[] = {FAKE_EXPECT("GET /api"), REFUSAL("401 Unauthorized", "", "Unauthorized", "not you"),
                                              FAKE_EXPECT("GET /api"), REFUSAL("401 Unauthorized", "", "Unauthorized", "not you"),
                                              FAKE_DRAIN};
    struct cluster c;
    cluster_init(&c, &(struct fake_options){.scripts = {script}});
    json_t *stanza = json_pack("{s:s,s:s,s:[s,s],s:s}", "apiVersion", "client.authentication.k8s.io/v1", "command", "sh", "args",
                               "-c", "echo token expired >&2; exit 3", "interactiveMode", "Never");
    CHECK_INT(exec_plugin_new(stanza, "/", NULL, &c.config.exec, NULL), 0);
    json_decref(stanza);
    struct got g;
    ask_and_wait(&c, &g, &(struct client_request){.path = "/api"});
    CHECK_INT(g.err.class, ERROR_FORBIDDEN);
    CHECK_CONTAINS(g.err.text, "not you; ");
    CHECK_CONTAINS(g.err.text, "token expired");
    got_done(&g);
    cluster_done(&c);
}

/* ── the queue ── */

TEST(the_rate_limit_queues_in_order_and_drops_nothing)
{
    static const struct fake_step answers[] = {FAKE_EXPECT("GET /api"), JSON_OK("{}"), FAKE_REPEAT};
    struct cluster c;
    cluster_init(&c, &(struct fake_options){.scripts = {answers}, .repeat_last = true});
    client_set_rate(c.client, 50, 5);
    struct got g[20] = {0};
    usec_t before = time_monotonic();
    for (size_t i = 0; i < array_len(g); i++)
        ask(&c, &g[i], &(struct client_request){.path = "/api"});
    for (size_t i = 0; i < array_len(g); i++) {
        CHECK(run_until(c.loop, &g[i].done, 3000));
        CHECK_INT(g[i].err.class, ERROR_NONE);
    }
    usec_t took = time_monotonic() - before;
    CHECK(took >= 290 * USEC_MSEC && took < 900 * USEC_MSEC); /* 15 beyond the burst at 50 a second */
    for (size_t i = 6; i < array_len(g); i++)
        CHECK(g[i].order > g[i - 1].order);
    CHECK_INT(fake_server_requests(c.server), 20);
    for (size_t i = 0; i < array_len(g); i++)
        got_done(&g[i]);
    cluster_done(&c);
}

TEST(time_in_the_queue_counts)
{
    static const struct fake_step answers[] = {FAKE_EXPECT("GET /api"), JSON_OK("{}"), FAKE_REPEAT};
    struct cluster c;
    cluster_init(&c, &(struct fake_options){.scripts = {answers}, .repeat_last = true});
    client_set_rate(c.client, 1, 1);
    struct got first = {0}, late = {0}, cancelled = {0};
    ask(&c, &first, &(struct client_request){.path = "/api"});
    ask(&c, &late, &(struct client_request){.path = "/api?x", .timeout = 100 * USEC_MSEC});
    ask(&c, &cancelled, &(struct client_request){.path = "/api"});
    usec_t before = time_monotonic();
    CHECK(run_until(c.loop, &late.done, 2000));
    CHECK(time_monotonic() - before < 500 * USEC_MSEC);
    CHECK_INT(late.err.class, ERROR_TIMEOUT);
    CHECK_CONTAINS(late.err.text, "GET /api: its time ran out in our own queue");
    CHECK(first.done);
    client_cancel(cancelled.call);
    run_for(c.loop, 50);
    CHECK(!cancelled.done);
    CHECK_INT(fake_server_requests(c.server), 1);
    got_done(&first);
    got_done(&late);
    cluster_done(&c);
}

static bool may_not(void *userdata)
{
    (void)userdata;
    return false;
}

/* A leader's term ends when its renewals do not get out; what it had asked for before must not get out after it. */
TEST(what_is_urgent_passes_the_queue_and_what_may_not_be_sent_any_more_is_not)
{
    static const struct fake_step answers[] = {FAKE_EXPECT("GET /api"), JSON_OK("{}"), FAKE_REPEAT};
    struct cluster c;
    cluster_init(&c, &(struct fake_options){.scripts = {answers}, .repeat_last = true});
    client_set_rate(c.client, 1, 1);
    struct got first = {0}, queued = {0}, forbidden = {0}, urgent = {0};
    ask(&c, &first, &(struct client_request){.path = "/api?first"});
    CHECK(run_until(c.loop, &first.done, 2000));
    ask(&c, &forbidden, &(struct client_request){.path = "/api?forbidden", .may_send = may_not});
    ask(&c, &queued, &(struct client_request){.path = "/api?queued"});
    ask(&c, &urgent, &(struct client_request){.path = "/api?urgent", .urgent = true});
    CHECK(run_until(c.loop, &urgent.done, 500));
    CHECK_INT(urgent.err.class, ERROR_NONE);
    CHECK(!queued.done);
    CHECK(forbidden.done);
    CHECK_INT(forbidden.err.class, ERROR_UNAVAILABLE);
    CHECK_CONTAINS(forbidden.err.text, "may not act any more");
    CHECK(run_until(c.loop, &queued.done, 3000));
    CHECK_INT(fake_server_requests(c.server), 3);
    got_done(&first);
    got_done(&queued);
    got_done(&forbidden);
    got_done(&urgent);
    cluster_done(&c);
}

/* Ten thousand objects that want their status written must not keep a drill from writing its own. */
TEST(what_is_behind_waits_for_all_others_and_both_keep_their_order)
{
    static const struct fake_step answers[] = {FAKE_EXPECT("GET /api"), JSON_OK("{}"), FAKE_REPEAT};
    struct cluster c;
    cluster_init(&c, &(struct fake_options){.scripts = {answers}, .repeat_last = true});
    client_set_rate(c.client, 50, 1);
    struct got first = {0}, behind[4] = {0}, others[2] = {0};
    ask(&c, &first, &(struct client_request){.path = "/api?first"});
    for (size_t i = 0; i < array_len(behind); i++)
        ask(&c, &behind[i], &(struct client_request){.path = "/api?behind", .behind = true});
    for (size_t i = 0; i < array_len(others); i++)
        ask(&c, &others[i], &(struct client_request){.path = "/api?other"});
    CHECK(run_until(c.loop, &behind[3].done, 3000));
    CHECK(first.order < others[0].order && others[0].order < others[1].order && others[1].order < behind[0].order);
    CHECK(behind[0].order < behind[1].order && behind[2].order < behind[3].order);
    got_done(&first);
    for (size_t i = 0; i < array_len(behind); i++)
        got_done(&behind[i]);
    for (size_t i = 0; i < array_len(others); i++)
        got_done(&others[i]);
    cluster_done(&c);
}

TEST(only_so_many_are_under_way_at_once)
{
    static const struct fake_step slow[] = {FAKE_EXPECT("GET /api"), FAKE_SLEEP(600), JSON_OK("{}"), FAKE_REPEAT};
    struct cluster c;
    cluster_init(&c, &(struct fake_options){.scripts = {slow}, .repeat_last = true});
    struct got g[CLIENT_IN_FLIGHT_MAX + 6] = {0};
    for (size_t i = 0; i < array_len(g); i++)
        ask(&c, &g[i], &(struct client_request){.path = "/api"});
    run_for(c.loop, 300); /* nothing is answered yet */
    CHECK_INT(fake_server_requests(c.server), CLIENT_IN_FLIGHT_MAX);
    for (size_t i = 0; i < array_len(g); i++) {
        CHECK(run_until(c.loop, &g[i].done, 5000));
        CHECK_INT(g[i].err.class, ERROR_NONE);
        got_done(&g[i]);
    }
    cluster_done(&c);
}

TEST(a_call_may_be_cancelled_anywhere_and_the_client_freed_with_calls_open)
{
    static const struct fake_step slow[] = {FAKE_EXPECT("GET /api"), FAKE_SLEEP(30), JSON_OK("{}"), FAKE_REPEAT};
    struct cluster c;
    cluster_init(&c, &(struct fake_options){.scripts = {slow}, .repeat_last = true});
    struct got at_once = {0}, own = {.cancel = true}, open = {0}, queued = {0};
    ask(&c, &at_once, &(struct client_request){.path = "/api"});
    client_cancel(at_once.call);
    ask(&c, &own, &(struct client_request){.path = "/api"});
    CHECK(run_until(c.loop, &own.done, 1000));
    client_set_rate(c.client, 1, 1);
    ask(&c, &open, &(struct client_request){.path = "/api"});
    ask(&c, &queued, &(struct client_request){.path = "/api"});
    run_for(c.loop, 10);
    got_done(&own);
    cluster_done(&c);
    CHECK(!at_once.done && !open.done && !queued.done);
}

int main(void)
{
    run_without_proxies();
    return check_run();
}

/* tests/integration/kube_test.c — kube/client and kube/watch against a real API server: KUBECONFIG=… integration-kube [REQUESTS].
 *
 * Works in a namespace of its own, which it deletes. Prints the latency of REQUESTS patches (200). Without KUBECONFIG it skips (77). */
#include "unit/check.h"

#include "base/str.h"
#include "kube/event.h"
#include "kube/resource.h"
#include "kube/watch.h"
#include "unit/fake/run.h"

#include <unistd.h>

#define STEP_MS 15000

static struct loop *loop;
static struct config config;
static struct client *client;
static char ns[64];
static int patches = 200;

static const struct resource namespaces = {NULL, "v1", "namespaces"}, configmaps = {NULL, "v1", "configmaps"},
                             events = {"events.k8s.io", "v1", "events"};

struct reply {
    bool done;
    struct error err;
    int status;
    json_t *body;
};

static void on_reply(void *userdata, const struct client_reply *r)
{
    struct reply *reply = userdata;
    reply->done = true;
    reply->err = r->err;
    reply->status = r->status;
    reply->body = json_incref(r->body);
}

static struct reply ask_of(struct client *c, const char *method, const char *path, json_t *body, const char *content_type)
{
    struct reply reply = {0};
    client_send(c, &(struct client_request){.method = method, .path = path, .body = body, .content_type = content_type}, on_reply,
                &reply);
    json_decref(body);
    CHECK(run_until(loop, &reply.done, STEP_MS));
    return reply;
}

/* Asks, checks the class, and forgets the body. */
static struct error expect(const char *method, const char *path, json_t *body, enum error_class class)
{
    struct reply reply = ask_of(client, method, path, body, str_equal(method, "PATCH") ? "application/merge-patch+json" : NULL);
    CHECK_STR(error_class_name(reply.err.class), error_class_name(class));
    if (reply.err.class != class)
        fprintf(stderr, "%s %s: %d %s\n", method, path, reply.status, reply.err.text);
    json_decref(reply.body);
    return reply.err;
}

static char *path_of(const struct resource *r, const char *name)
{
    struct buf b;
    buf_init(&b, RESOURCE_PATH_MAX);
    CHECK(resource_add_path(&b, r, ns, name, NULL));
    return buf_take(&b);
}

static json_t *configmap(const char *name, const char *key)
{
    return json_pack("{s:s,s:s,s:{s:s},s:{s:s}}", "apiVersion", "v1", "kind", "ConfigMap", "metadata", "name", name, "data", key,
                     "v");
}

/* ── a watch that notes ── */

struct seen {
    bool opened, synced, ended;
    int added, modified, deleted;
    struct error err;
};

static void on_open(void *userdata)
{
    ((struct seen *)userdata)->opened = true;
}

static void on_event(void *userdata, const char *type, json_t *object)
{
    struct seen *s = userdata;
    const json_t *metadata = json_object_get(object, "metadata");
    s->added += str_equal(type, "ADDED");
    s->modified += str_equal(type, "MODIFIED");
    s->deleted += str_equal(type, "DELETED");
    if (str_equal(type, "BOOKMARK"))
        s->synced |= json_object_get(json_object_get(metadata, "annotations"), "k8s.io/initial-events-end") != NULL;
}

static void on_end(void *userdata, const struct error *err)
{
    struct seen *s = userdata;
    s->ended = true;
    s->err = *err;
}

static const struct watch_handlers handlers = {.on_open = on_open, .on_event = on_event, .on_end = on_end};

/* Freed by its end. */
static struct watch *watch_configmaps(struct seen *s, const struct resource_watch *w)
{
    auto_buf struct buf path;
    buf_init(&path, RESOURCE_PATH_MAX);
    resource_add_path(&path, &configmaps, ns, NULL, NULL);
    resource_add_watch(&path, w);
    return watch_start(client, buf_str(&path), 150 * USEC_SEC, &handlers, s);
}

static void wait_for(const int *count, int want)
{
    for (int i = 0; i < 100 && *count < want; i++)
        run_for(loop, 50);
    CHECK_INT(*count, want);
}

/* ── the tests, in order ── */

TEST(a_list_in_pages_is_whole)
{
    struct reply whole = ask_of(client, "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles", NULL, NULL);
    size_t all = json_array_size(json_object_get(whole.body, "items")), paged = 0;
    CHECK(all > 10);
    json_decref(whole.body);
    char *continued = mem_strdup("");
    int pages = 0;
    do {
        auto_buf struct buf path;
        buf_init(&path, RESOURCE_PATH_MAX);
        buf_append_str(&path, "/apis/rbac.authorization.k8s.io/v1/clusterroles");
        resource_add_list(&path, &(struct resource_list){.limit = 7, .continued = continued});
        struct reply page = ask_of(client, "GET", buf_str(&path), NULL, NULL);
        CHECK_INT(page.err.class, ERROR_NONE);
        paged += json_array_size(json_object_get(page.body, "items"));
        free(continued);
        continued = mem_strdup(json_string_value(json_object_get(json_object_get(page.body, "metadata"), "continue")));
        json_decref(page.body);
    } while (!str_empty(continued) && ++pages < 100);
    free(continued);
    CHECK_INT(paged, all);
}

TEST(what_is_written_is_watched)
{
    struct seen s = {0};
    struct watch *w = watch_configmaps(&s, &(struct resource_watch){.initial_events = true, .timeout_seconds = 60});
    CHECK(run_until(loop, &s.synced, STEP_MS));
    int before = s.added;
    auto_free char *all = path_of(&configmaps, NULL), *one = path_of(&configmaps, "one");
    struct reply created = ask_of(client, "POST", all, configmap("one", "k"), NULL);
    CHECK_INT(created.status, 201);
    const char *rv = json_string_value(json_object_get(json_object_get(created.body, "metadata"), "resourceVersion"));
    wait_for(&s.added, before + 1);
    CHECK_ROW("again: it is there");
    expect("POST", all, configmap("one", "k"), ERROR_EXISTS);
    CHECK_ROW("a patch that has read what is there");
    expect("PATCH", one, json_pack("{s:{s:s},s:{s:s}}", "metadata", "resourceVersion", rv, "data", "k", "2"), ERROR_NONE);
    wait_for(&s.modified, 1);
    CHECK_ROW("a patch that has not");
    expect("PATCH", one, json_pack("{s:{s:s},s:{s:s}}", "metadata", "resourceVersion", rv, "data", "k", "3"), ERROR_CONFLICT);
    CHECK_ROW("a delete");
    expect("DELETE", one, NULL, ERROR_NONE);
    wait_for(&s.deleted, 1);
    CHECK_INT(s.ended, false);
    CHECK_INT(watch_skipped(w), 0);
    CHECK_ROW(NULL);
    watch_free(w);
    json_decref(created.body);
}

TEST(refusals)
{
    auto_free char *all = path_of(&configmaps, NULL), *none = path_of(&configmaps, "none");
    struct error err = expect("GET", none, NULL, ERROR_NOT_FOUND);
    CHECK_STR(err.text, "configmaps \"none\" not found");
    err = expect("POST", all, configmap("bad", "a key with blanks"), ERROR_INVALID);
    CHECK_INT(err.http_status, 422);
    CHECK_CONTAINS(err.text, "a key with blanks");
    err = expect("POST", all, json_string("not an object"), ERROR_INVALID);
    CHECK_INT(err.http_status, 400);
    err = expect("POST", none, configmap("none", "k"), ERROR_INVALID);
    CHECK_INT(err.http_status, 405);
    expect("GET", "/apis/no.such.group/v1/things", NULL, ERROR_NOT_FOUND);
    strlist_add(&config.impersonate, "Impersonate-User: nobody-in-particular");
    err = expect("GET", all, NULL, ERROR_FORBIDDEN);
    CHECK_INT(err.http_status, 403);
    CHECK_CONTAINS(err.text, "User \"nobody-in-particular\" cannot list resource \"configmaps\"");
    strlist_done(&config.impersonate);
    config.impersonate = (struct strlist){0};
}

TEST(a_token_that_nobody_gave_is_refused)
{
    struct config stranger = {.server = mem_strdup(config.server), .ns = mem_strdup("default"), .token = mem_strdup("wrong")};
    tls_copy(&stranger.tls, &config.tls);
    free(mem_take(stranger.tls.cert_pem));
    free(mem_take(stranger.tls.key_pem));
    struct client *c = client_new(loop, &stranger);
    struct reply reply = ask_of(c, "GET", "/api/v1/namespaces", NULL, NULL);
    CHECK_INT(reply.err.class, ERROR_FORBIDDEN);
    CHECK_INT(reply.status, 401);
    json_decref(reply.body);
    client_free(c);
    config_done(&stranger);
}

TEST(resource_versions_too_old_and_too_new)
{
    /* kube_test.sh had etcd compacted; of Events alone the API server keeps no cache that would still know the first revision. */
    static const char first[] = "/api/v1/events?resourceVersion=1&resourceVersionMatch=Exact";
    struct error err = expect("GET", first, NULL, ERROR_GONE);
    CHECK_INT(err.http_status, 410);
    auto_free char *all = path_of(&configmaps, NULL);
    auto_free char *ahead = mem_printf("%s?resourceVersion=999999999999&resourceVersionMatch=NotOlderThan", all);
    err = expect("GET", ahead, NULL, ERROR_UNAVAILABLE);
    CHECK_CONTAINS(err.text, "Too large resource version");
    CHECK_INT(err.retry_after_ms, 1000);
}

TEST(a_watch_ends_in_order_at_its_own_time)
{
    struct seen s = {0};
    struct watch *w = watch_configmaps(&s, &(struct resource_watch){.initial_events = true, .timeout_seconds = 2});
    if (!run_until(loop, &s.ended, STEP_MS)) {
        CHECK_FAIL("the watch has not ended");
        watch_free(w);
    }
    CHECK_INT(s.err.class, ERROR_NONE);
    CHECK_STR(s.err.text, "");
    CHECK(s.opened);
}

TEST(a_refused_watch_brings_the_servers_words)
{
    struct seen s = {0};
    strlist_add(&config.impersonate, "Impersonate-User: nobody-in-particular");
    struct watch *w = watch_configmaps(&s, &(struct resource_watch){.timeout_seconds = 2});
    if (!run_until(loop, &s.ended, STEP_MS)) {
        CHECK_FAIL("the watch has not ended");
        watch_free(w);
    }
    CHECK_INT(s.err.class, ERROR_FORBIDDEN);
    CHECK_CONTAINS(s.err.text, "cannot watch resource");
    strlist_done(&config.impersonate);
    config.impersonate = (struct strlist){0};
}

TEST(the_server_takes_our_events)
{
    auto_free char *all = path_of(&events, NULL);
    auto_free char *longest = mem_alloc(5001);
    memset(longest, 'x', 5000);
    struct event e = {.type = "Warning",
                      .reason = longest,
                      .action = "Revert",
                      .note = longest,
                      .wall = time_wall(),
                      .instance = longest,
                      .api_version = "v1",
                      .kind = "ConfigMap",
                      .ns = ns,
                      .name = "one"};
    json_t *body = event_body(&e);
    auto_free char *one = path_of(&events, json_string_value(json_object_get(json_object_get(body, "metadata"), "name")));
    expect("POST", all, json_incref(body), ERROR_NONE);
    expect("POST", all, body, ERROR_EXISTS);
    expect("PATCH", one, event_series_patch(2, time_wall()), ERROR_NONE);
}

static int by_size(const void *a, const void *b)
{
    usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;
    return (x > y) - (x < y);
}

TEST(latency_of_a_patch)
{
    auto_free char *all = path_of(&configmaps, NULL), *one = path_of(&configmaps, "fast");
    expect("POST", all, configmap("fast", "k"), ERROR_NONE);
    client_set_rate(client, 1e6, 1e6);
    auto_free usec_t *took = mem_array((size_t)patches, sizeof *took);
    for (int i = 0; i < patches; i++) {
        char value[16];
        str_format(value, sizeof value, "%d", i);
        usec_t before = time_monotonic();
        expect("PATCH", one, json_pack("{s:{s:s}}", "data", "k", value), ERROR_NONE);
        took[i] = time_monotonic() - before;
    }
    qsort(took, (size_t)patches, sizeof *took, by_size);
    printf("# %d patches: p50 %.2f ms, p99 %.2f ms\n", patches, (double)took[patches / 2] / 1000,
           (double)took[patches * 99 / 100] / 1000);
}

int main(int argc, char **argv)
{
    if (!getenv("KUBECONFIG")) {
        printf("1..0 # SKIP no KUBECONFIG\n");
        return 77;
    }
    int64_t n;
    if (argc > 1 && str_to_i64(argv[1], 1, 100000, &n))
        patches = (int)n;
    struct error err = {0};
    if (config_load_kubeconfig(&config, NULL, NULL, &err) < 0 || loop_new(&loop, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    client = client_new(loop, &config);
    str_format(ns, sizeof ns, "kube-test-%d", (int)getpid());
    auto_free char *all = mem_printf("/api/v1/%s", namespaces.plural), *own = mem_printf("%s/%s", all, ns);
    expect("POST", all, json_pack("{s:s,s:s,s:{s:s}}", "apiVersion", "v1", "kind", "Namespace", "metadata", "name", ns),
           ERROR_NONE);
    int r = check_run();
    expect("DELETE", own, NULL, ERROR_NONE);
    client_free(client);
    config_done(&config);
    loop_free(loop);
    return r;
}

#include "shell/drain.h"

#include "api/json.h"
#include "api/meta.h"
#include "base/str.h"

#define LOOK_EVERY  (500 * USEC_MSEC)
#define CLEAN_LOOKS 6 /* in a row: a drill whose creation was under way when the stop was set may appear after the first */

struct drain {
    struct world *world;
    struct drain_options options;
    char *catalog, *owner;
    void (*done)(void *userdata, const struct error *err);
    void *userdata;
    usec_t deadline;
    bool ended;
    size_t at;      /* which namespace is looked at */
    char left[256]; /* the first drill found that is not done; "": none */
    size_t left_count;
    int clean;    /* looks in a row that found none */
    bool stopped; /* the stop is set */
};

static void end(struct drain *d, const struct error *err)
{
    if (d->ended)
        return;
    d->ended = true;
    world_wake_at(d->world, USEC_NEVER);
    d->done(d->userdata, err);
}

static void ask(struct drain *d, const char *method, const char *path, json_t *body, world_reply_fn *answered)
{
    const struct world_request request = {.method = method, .path = path, .body = body};
    world_api(d->world, &request, answered, d);
}

/* ── waiting until nothing is left ── */

static void look(struct drain *d);

static void begin(struct drain *d);

static void on_wake(void *userdata)
{
    struct drain *d = userdata;
    if (d->ended)
        return;
    if (d->stopped)
        look(d);
    else
        begin(d);
}

static void look_later(struct drain *d, const char *why)
{
    if (world_now(d->world) >= d->deadline) {
        struct error err = {0};
        error_set(&err, ERROR_TIMEOUT, "not everything was reverted in time: %s", why);
        end(d, &err);
        return;
    }
    world_wake_at(d->world, world_now(d->world) + LOOK_EVERY);
}

static void after_look(struct drain *d)
{
    static const struct error none = {0};
    d->clean = d->left_count ? 0 : d->clean + 1;
    if (d->clean >= CLEAN_LOOKS) {
        end(d, &none);
        return;
    }
    if (!d->left_count) {
        look_later(d, "whether drills are left is still being looked at");
        return;
    }
    char why[400];
    str_format(why, sizeof(why), "%zu drill%s left, first %s", d->left_count, d->left_count == 1 ? " is" : "s are", d->left);
    look_later(d, why);
}

static void count_left(struct drain *d, const json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_at(list, "items"), i, item)
    {
        if (!meta_has_finalizer(item, FINALIZER))
            continue;
        if (!d->left_count++)
            str_format(d->left, sizeof(d->left), "%s/%s (%s: %.120s)", json_str(item, "metadata.namespace", ""),
                       json_str(item, "metadata.name", ""), json_str(item, "status.phase", "no phase"),
                       json_str(item, "status.message", "no message"));
    }
}

static void look_at(struct drain *d, const char *more);

static void on_list(void *userdata, const struct world_reply *reply)
{
    struct drain *d = userdata;
    if (d->ended)
        return;
    if (reply->err.class == ERROR_CANCELLED)
        return;
    if (reply->err.class != ERROR_NONE && reply->err.class != ERROR_NOT_FOUND) { /* no such kind: nothing was ever drilled */
        look_later(d, reply->err.text);
        return;
    }
    count_left(d, reply->body);
    const char *more = json_str(reply->body, "metadata.continue", "");
    if (*more) {
        look_at(d, more);
        return;
    }
    d->at++;
    if (d->at < d->options.namespaces.count)
        look_at(d, "");
    else
        after_look(d);
}

static void look_at(struct drain *d, const char *more)
{
    const struct strlist *namespaces = &d->options.namespaces;
    const char *prefix = kind_info(KIND_DRILL)->prefix;
    auto_free char *where = namespaces->count ? mem_printf("/namespaces/%s", namespaces->items[d->at]) : mem_strdup("");
    /* A continue token is base64url without padding: nothing in it needs escaping. */
    auto_free char *path = mem_printf("%s%s/drills?limit=500%s%s", prefix, where, *more ? "&continue=" : "", more);
    ask(d, "GET", path, NULL, on_list);
}

static void look(struct drain *d)
{
    d->at = 0;
    d->left_count = 0;
    d->left[0] = '\0';
    look_at(d, "");
}

/* ── the global stop ── */

/* The API server's trouble of the moment. */
static bool passes(const struct error *err)
{
    return err->class == ERROR_TOO_MANY || err->class == ERROR_UNAVAILABLE || err->class == ERROR_TIMEOUT;
}

static void on_stop_set(void *userdata, const struct world_reply *reply)
{
    struct drain *d = userdata;
    if (reply->err.class == ERROR_CANCELLED || d->ended)
        return;
    if (reply->err.class != ERROR_NONE && reply->err.class != ERROR_EXISTS) {
        struct error err = reply->err;
        if (passes(&err)) {
            look_later(d, err.text);
            return;
        }
        error_wrap(&err, "create ConfigMap %s/%s", d->catalog, STOP_NAME);
        end(d, &err);
        return;
    }
    d->stopped = true;
    look(d);
}

static void set_stop(struct drain *d, const char *owner_uid)
{
    json_auto_t *object = json_object();
    json_put_str(object, "apiVersion", "v1");
    json_put_str(object, "kind", "ConfigMap");
    json_t *meta = json_make(object, "metadata");
    json_put_str(meta, "name", STOP_NAME);
    json_put_str(meta, "namespace", d->catalog);
    json_put_str(json_make(object, "data"), "reason", "Drillyard is being uninstalled");
    if (owner_uid) {
        json_t *owner = json_object();
        json_put_str(owner, "apiVersion", "apps/v1");
        json_put_str(owner, "kind", "Deployment");
        json_put_str(owner, "name", d->owner);
        json_put_str(owner, "uid", owner_uid);
        json_t *owners = json_array();
        json_array_append_new(owners, owner);
        json_put(meta, "ownerReferences", owners);
    }
    auto_free char *path = mem_printf("/api/v1/namespaces/%s/configmaps", d->catalog);
    ask(d, "POST", path, object, on_stop_set);
}

static void on_owner(void *userdata, const struct world_reply *reply)
{
    struct drain *d = userdata;
    if (reply->err.class == ERROR_CANCELLED || d->ended)
        return;
    if (reply->err.class != ERROR_NONE) {
        struct error err = reply->err;
        if (passes(&err)) {
            look_later(d, err.text);
            return;
        }
        error_wrap(&err, "get Deployment %s/%s", d->catalog, d->owner);
        end(d, &err);
        return;
    }
    set_stop(d, json_str(reply->body, "metadata.uid", NULL));
}

static void begin(struct drain *d)
{
    if (!d->owner) {
        set_stop(d, NULL);
        return;
    }
    auto_free char *path = mem_printf("/apis/apps/v1/namespaces/%s/deployments/%s", d->catalog, d->owner);
    ask(d, "GET", path, NULL, on_owner);
}

struct drain *drain_new(struct world *world, const struct drain_options *options,
                        void (*done)(void *userdata, const struct error *err), void *userdata)
{
    struct drain *d = mem_new(struct drain);
    *d =
        (struct drain){.world = world, .done = done, .userdata = userdata, .deadline = usec_add(world_now(world), options->within)};
    for (size_t i = 0; i < options->namespaces.count; i++)
        strlist_add(&d->options.namespaces, options->namespaces.items[i]);
    d->catalog = mem_strdup(options->catalog_namespace);
    d->owner = mem_strdup(options->owner);
    world_set_wake(world, on_wake, d);
    begin(d);
    return d;
}

void drain_free(struct drain *d)
{
    if (!d)
        return;
    strlist_done(&d->options.namespaces);
    free(d->catalog);
    free(d->owner);
    free(d);
}

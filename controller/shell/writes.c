#include "shell/writes.h"

#include "base/str.h"
#include "shell/path.h"

#define MERGE_PATCH    "application/merge-patch+json"
#define EVENT_NOTE_MAX 1024 /* pkg/apis/core/validation/events.go */
#define REPORTER       "drillyard.dev/controller"

void write_done(struct write *w)
{
    buf_done(&w->path);
    json_decref(w->body);
}

static json_t *object_begin(const struct key *key)
{
    const struct kind_info *info = kind_info(key->kind);
    json_t *object = json_object();
    json_put_str(object, "apiVersion", info->api_version);
    json_put_str(object, "kind", info->kind);
    json_t *metadata = json_make(object, "metadata");
    json_put_str(metadata, "name", key->name);
    if (info->namespaced)
        json_put_str(metadata, "namespace", key->ns);
    return object;
}

static json_t *status_body(const struct effect *e, const struct summary *known)
{
    json_t *object = object_begin(&e->key), *metadata = json_object_get(object, "metadata");
    const char *uid = !str_empty(e->uid) ? e->uid : known ? known->uid : "";
    json_put_str(metadata, "resourceVersion", e->rv);
    if (!str_empty(uid))
        json_put_str(metadata, "uid", uid);
    json_object_set(object, "status", e->body);
    return object;
}

static json_t *patch_body(const struct effect *e)
{
    json_t *patch = json_copy(e->body);
    if (!str_empty(e->rv)) {
        json_t *metadata = json_object_get(patch, "metadata") ? json_copy(json_object_get(patch, "metadata")) : json_object();
        json_put_str(metadata, "resourceVersion", e->rv);
        json_object_set_new(patch, "metadata", metadata);
    }
    return patch;
}

static json_t *delete_body(const struct effect *e)
{
    json_t *options = json_object();
    json_put_str(options, "apiVersion", "v1");
    json_put_str(options, "kind", "DeleteOptions");
    if (!str_empty(e->uid))
        json_put_str(json_make(options, "preconditions"), "uid", e->uid);
    if (!str_empty(e->rv))
        json_put_str(json_make(options, "preconditions"), "resourceVersion", e->rv);
    return options;
}

void write_build(const struct effect *e, struct store *store, struct write *w)
{
    *w = (struct write){0};
    buf_init(&w->path, PATH_MAX_SIZE);
    struct key at = e->key;
    const char *sub = NULL;
    switch (e->type) {
    case EFFECT_STATUS:
        w->method = "PUT";
        sub = "status";
        w->body = status_body(e, store_summary(store, &e->key));
        break;
    case EFFECT_METADATA:
    case EFFECT_PATCH:
        w->method = "PATCH";
        w->content_type = MERGE_PATCH;
        w->body = patch_body(e);
        break;
    case EFFECT_CREATE:
        w->method = "POST";
        w->body = json_incref(e->body);
        at.name[0] = '\0';
        break;
    case EFFECT_DELETE:
        w->method = "DELETE";
        w->body = delete_body(e);
        break;
    case EFFECT_EVENT:
    case EFFECT_AGENT:
    case EFFECT_API:
    case EFFECT_NOTE:
        break;
    }
    path_append(&w->path, &at, sub);
}

void write_build_event(const struct effect *e, const struct key *owner, const json_t *regarding, const char *identity, usec_t wall,
                       struct write *w)
{
    *w = (struct write){.method = "POST"};
    const char *uid = json_str(regarding, "metadata.uid", ""), *ns = str_empty(e->key.ns) ? "default" : e->key.ns;
    buf_init(&w->path, PATH_MAX_SIZE);
    buf_printf(&w->path, "/apis/events.k8s.io/v1/namespaces/%s/events", ns);

    char owner_text[KEY_TEXT_SIZE];
    auto_free char *stable = mem_printf("%s/%s/%s/%s", key_text(owner, owner_text), uid, e->key.name, e->id);
    auto_free char *name = mem_printf("%.230s.%016llx", e->key.name, (unsigned long long)str_hash64(stable, strlen(stable), 0));
    auto_free char *note = mem_strndup(json_str(e->body, "note", ""), EVENT_NOTE_MAX);
    while (!json_is_string(json_object_get(w->body, "note"))) { /* a cut inside a character is no UTF-8 */
        json_decref(w->body);
        w->body = json_object();
        json_t *text = json_string(note);
        if (text)
            json_object_set_new(w->body, "note", text);
        else
            note[strlen(note) - 1] = '\0';
    }
    json_put_str(w->body, "apiVersion", "events.k8s.io/v1");
    json_put_str(w->body, "kind", "Event");
    json_put_str(json_make(w->body, "metadata"), "name", name);
    json_put_str(json_make(w->body, "metadata"), "namespace", ns);
    json_put_time(w->body, "eventTime", wall);
    json_put_str(w->body, "type", json_str(e->body, "type", "Normal"));
    json_put_str(w->body, "reason", json_str(e->body, "reason", "Unknown"));
    json_put_str(w->body, "action", json_str(e->body, "action", "Unknown"));
    json_put_str(w->body, "reportingController", REPORTER);
    auto_free char *instance = mem_strndup(identity, 128);
    json_put_str(w->body, "reportingInstance", instance);
    const struct kind_info *info = kind_info(e->key.kind);
    json_t *about = json_make(w->body, "regarding");
    json_put_str(about, "apiVersion", info->api_version);
    json_put_str(about, "kind", info->kind);
    json_put_str(about, "name", e->key.name);
    if (!str_empty(e->key.ns))
        json_put_str(about, "namespace", e->key.ns);
    if (!str_empty(uid))
        json_put_str(about, "uid", uid);
}

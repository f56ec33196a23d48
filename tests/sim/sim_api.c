#include "sim_api.h"

#include "base/rfc3339.h"

struct request {
    struct sim *sim;
    struct sim_process *by;
    const struct sim_query *query;
    const json_t *body;
    uint64_t list_rv;
    struct sim_answer *answer;
};

json_t *sim_status(int code, const char *reason, const char *message)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:s, s:s}", "kind", "Status", "apiVersion", "v1", "status",
                     code < 300 ? "Success" : "Failure", "code", code, "reason", reason, "message", message);
}

static void refuse(const struct request *q, int code, const char *reason, const char *message)
{
    *q->answer = (struct sim_answer){.status = code, .body = sim_status(code, reason, message)};
}

static void answer(const struct request *q, int code, json_t *object)
{
    *q->answer = (struct sim_answer){.status = code, .body = json_incref(object)};
}

static json_t *found(const struct request *q)
{
    json_t *object = sim_store_get(q->sim->store, q->query->resource, q->query->ns, q->query->name);
    if (!object)
        refuse(q, 404, "NotFound", "there is no such object");
    return object;
}

static const char *version_of(const json_t *object)
{
    return json_str(object, "metadata.resourceVersion", "");
}

/* A version or a uid that the writer decided from, where it says one. */
static bool outdated(const struct request *q, const json_t *object, const json_t *said)
{
    const char *rv = json_str(said, "resourceVersion", ""), *uid = json_str(said, "uid", "");
    if ((str_empty(rv) || str_equal(rv, version_of(object))) &&
        (str_empty(uid) || str_equal(uid, json_str(object, "metadata.uid", ""))))
        return false;
    refuse(q, 409, "Conflict", "the object has been modified; please apply your changes to the latest version and try again");
    return true;
}

/* ── reading ── */

static void get(const struct request *q)
{
    json_t *object = found(q);
    if (object && str_equal(q->query->sub, "scale"))
        *q->answer = (struct sim_answer){
            .status = 200,
            .body = json_pack("{s:s, s:{s:I}}", "kind", "Scale", "spec", "replicas", json_int(object, "spec.replicas", 1))};
    else if (object)
        answer(q, 200, object);
}

static void list(const struct request *q)
{
    char token[64], limit_text[16];
    int64_t limit = 500, start = 0;
    uint64_t rv = q->list_rv ? q->list_rv : sim_store_rv(q->sim->store);
    if (sim_query_get(q->query, "limit", limit_text, sizeof(limit_text)))
        str_to_i64(limit_text, 1, 100000, &limit);
    if (sim_query_get(q->query, "continue", token, sizeof(token)) && strchr(token, '.')) {
        int64_t from = 0;
        char *dot = strchr(token, '.');
        *dot = '\0';
        str_to_i64(token, 0, INT64_MAX, &from);
        str_to_i64(dot + 1, 0, INT64_MAX, &start);
        rv = (uint64_t)from;
        if (rv < sim_store_oldest(q->sim->store)) {
            refuse(q, 410, "Expired", "the provided continue parameter is too old");
            return;
        }
    }
    json_auto_t *all = sim_store_list(q->sim->store, q->query->resource, str_empty(q->query->ns) ? NULL : q->query->ns, rv);
    json_t *items = json_array(), *item;
    size_t i, taken = 0;
    char text[32], next[64] = "";
    json_array_foreach(all, i, item)
    {
        if (!sim_query_selects(q->query, item) || (int64_t)taken++ < start)
            continue;
        if ((int64_t)json_array_size(items) == limit) {
            str_format(next, sizeof(next), "%llu.%lld", (unsigned long long)rv, (long long)(start + limit));
            break;
        }
        json_array_append(items, item);
    }
    str_format(text, sizeof(text), "%llu", (unsigned long long)rv);
    json_t *body = json_pack("{s:s, s:{s:s}, s:o}", "kind", "List", "metadata", "resourceVersion", text, "items", items);
    if (*next)
        json_put_str(json_object_get(body, "metadata"), "continue", next);
    *q->answer = (struct sim_answer){.status = 200, .body = body};
}

/* ── writing ── */

static void create(const struct request *q)
{
    const struct sim_resource *r = q->query->resource;
    const char *name = json_str(q->body, "metadata.name", "");
    json_t *ns = r->namespaced ? sim_store_get(q->sim->store, sim_resource("namespaces"), "", q->query->ns) : NULL;
    if (r->namespaced && !ns)
        refuse(q, 404, "NotFound", "the namespace does not exist");
    else if (json_at(ns, "metadata.deletionTimestamp"))
        refuse(q, 403, "Forbidden", "the namespace is being terminated");
    else if (sim_store_get(q->sim->store, r, q->query->ns, name))
        refuse(q, 409, "AlreadyExists", "an object of that name exists");
    else if (str_equal(r->plural, "events")) { /* they are counted, not kept */
        q->sim->stats.events++;
        *q->answer = (struct sim_answer){.status = 201, .body = json_incref((json_t *)q->body)};
    } else {
        json_t *object = json_copy((json_t *)q->body);
        json_object_set_new(object, "metadata", json_copy(json_object_get(q->body, "metadata")));
        if (r->namespaced)
            json_put_str(json_object_get(object, "metadata"), "namespace", q->query->ns);
        if (r->status && q->by)
            json_object_del(object, "status");
        answer(q, 201, sim_store_put(q->sim->store, r, object, q->by));
    }
}

/* A new tree of an object: its metadata may be changed, all else is shared. */
static json_t *next_version(const json_t *object)
{
    json_t *next = json_copy((json_t *)object);
    json_object_set_new(next, "metadata", json_copy(json_object_get(object, "metadata")));
    return next;
}

/* Stores what differs; an object that was only held by its finalizers goes with the last of them. Takes next. */
static void store(const struct request *q, const json_t *old, json_t *next)
{
    const struct sim_resource *r = q->query->resource;
    if (json_equal(old, next)) {
        answer(q, 200, (json_t *)old);
        json_decref(next);
        return;
    }
    if (r->status && !json_equal(json_object_get(old, "spec"), json_object_get(next, "spec")))
        json_put_int(json_object_get(next, "metadata"), "generation", json_int(old, "metadata.generation", 1) + 1);
    bool over = json_at(next, "metadata.deletionTimestamp") && !json_array_size(json_at(next, "metadata.finalizers"));
    answer(q, 200, sim_store_put(q->sim->store, r, next, q->by));
    if (over)
        sim_store_remove(q->sim->store, r, q->query->ns, q->query->name, q->by);
}

static void put(const struct request *q)
{
    json_t *object = found(q);
    if (!object || outdated(q, object, json_object_get(q->body, "metadata")))
        return;
    json_t *next = next_version(object);
    const char *part = str_equal(q->query->sub, "status") ? "status" : "spec";
    json_object_set(next, part, json_object_get(q->body, part));
    store(q, object, next);
}

/* RFC 7386: a new tree, which shares what the patch leaves alone. */
static json_t *merged(const json_t *base, const json_t *patch)
{
    if (!json_is_object(patch))
        return json_incref((json_t *)patch);
    json_t *result = json_is_object(base) ? json_copy((json_t *)base) : json_object(), *value;
    const char *key;
    json_object_foreach((json_t *)patch, key, value)
    {
        if (json_is_null(value))
            json_object_del(result, key);
        else
            json_object_set_new(result, key, merged(json_object_get(base, key), value));
    }
    return result;
}

static void patch(const struct request *q)
{
    json_t *object = found(q);
    if (!object || outdated(q, object, json_object_get(q->body, "metadata")))
        return;
    json_t *next = merged(object, q->body);
    json_object_set_new(next, "metadata", json_copy(json_object_get(next, "metadata"))); /* it is given a version of its own */
    if (q->query->resource->status && q->by && json_object_get(object, "status"))
        json_object_set(next, "status", json_object_get(object, "status"));
    bool sealed = json_is_true(json_object_get(object, "immutable"));
    if (sealed && (!json_is_true(json_object_get(next, "immutable")) ||
                   !json_equal(json_object_get(object, "data"), json_object_get(next, "data")))) {
        json_decref(next);
        refuse(q, 422, "Invalid", "data: Forbidden: field is immutable when `immutable` is set");
        return;
    }
    store(q, object, next);
}

static void delete (const struct request *q)
{
    json_t *object = found(q);
    if (!object || outdated(q, object, json_object_get(q->body, "preconditions")))
        return;
    if (json_array_size(json_at(object, "metadata.finalizers")) == 0) {
        sim_store_remove(q->sim->store, q->query->resource, q->query->ns, q->query->name, q->by);
        *q->answer = (struct sim_answer){.status = 200, .body = sim_status(200, "", "")};
        return;
    }
    if (json_at(object, "metadata.deletionTimestamp")) {
        answer(q, 200, object);
        return;
    }
    json_t *next = next_version(object);
    char at[RFC3339_SIZE];
    json_put_str(json_object_get(next, "metadata"), "deletionTimestamp", rfc3339_format(sim_wall(q->sim), at));
    store(q, object, next);
}

void sim_api(struct sim *s, struct sim_process *by, const char *method, const char *path, const json_t *body, uint64_t list_rv,
             struct sim_answer *ret_answer)
{
    struct sim_query query;
    sim_query_parse(path, &query);
    struct request q = {s, by, &query, body, list_rv, ret_answer};
    *ret_answer = (struct sim_answer){0};
    if (!query.resource)
        refuse(&q, 404, "NotFound", "the server could not find the requested resource");
    else if (str_equal(method, "GET") && str_empty(query.name))
        list(&q);
    else if (str_equal(method, "GET"))
        get(&q);
    else if (str_equal(method, "POST"))
        create(&q);
    else if (str_equal(method, "PUT"))
        put(&q);
    else if (str_equal(method, "PATCH"))
        patch(&q);
    else
        delete (&q);
}

bool sim_do(struct sim *s, const char *method, const char *path, json_t *body)
{
    struct sim_answer answered;
    sim_api(s, NULL, method, path, body, 0, &answered);
    bool accepted = answered.status < 300;
    sim_trace_say(s->trace, "person %s %s → %d", method, path, answered.status);
    json_decref(answered.body);
    json_decref(body);
    return accepted;
}

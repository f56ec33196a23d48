#include "shell/services.h"

#include "api/json.h"
#include "base/list.h"
#include "base/map.h"
#include "base/str.h"
#include "shell/path.h"

struct question {
    struct list node;
    int port;
    services_found_fn *found;
    void *userdata;
};

struct service {
    struct services *all; /* NULL: they are gone; only the request holds this */
    char *ns, *name;
    json_t *object; /* NULL: not known */
    usec_t fetched_at;
    bool asking;
    struct list questions;
    json_t *ports; /* container port as text → the Service's */
};

struct services {
    struct world *world;
    struct map *by_name;
};

static void service_free(struct service *v)
{
    while (!list_empty(&v->questions)) {
        struct question *q = list_entry(v->questions.next, struct question, node);
        list_remove(&q->node);
        free(q);
    }
    json_decref(v->object);
    json_decref(v->ports);
    free(v->ns);
    free(v->name);
    free(v);
}

static void service_drop(void *value)
{
    struct service *v = value;
    v->all = NULL;
    if (!v->asking)
        service_free(v);
}

struct services *services_new(struct world *world)
{
    struct services *s = mem_new(struct services);
    *s = (struct services){.world = world, .by_name = map_new(service_drop)};
    return s;
}

void services_free(struct services *s)
{
    if (!s)
        return;
    map_free(s->by_name);
    free(s);
}

static int service_port(struct service *v, int container_port)
{
    char word[16];
    str_format(word, sizeof(word), "%d", container_port);
    int known = (int)json_int(v->ports, word, 0), own = 0, only = 0;
    size_t i;
    json_t *row;
    json_array_foreach(json_at(v->object, "spec.ports"), i, row)
    {
        int port = (int)json_int(row, "port", 0);
        if (port == known)
            return known;
        if (json_int(row, "targetPort", 0) == container_port)
            own = port;
        if (!own && port == container_port)
            only = port;
    }
    if (!own)
        own = only ? only
              : json_array_size(json_at(v->object, "spec.ports")) == 1
                  ? (int)json_int(json_array_get(json_at(v->object, "spec.ports"), 0), "port", 0)
                  : 0;
    if (own)
        json_put_int(v->ports, word, own);
    return own;
}

static void answer(struct service *v, const struct question *q, const struct error *failed)
{
    char host[400];
    struct error err = {0};
    const char *ip = json_str(v->object, "spec.clusterIP", "None");
    int port = v->object ? service_port(v, q->port) : 0;
    if (!v->object)
        err = *failed;
    else if (!port)
        error_set(&err, ERROR_NOT_FOUND, "Service %s has no port that leads to the container's port %d", v->name, q->port);
    if (str_equal(ip, "None") || str_empty(ip))
        str_format(host, sizeof(host), "%s.%s.svc", v->name, v->ns);
    else
        str_format(host, sizeof(host), strchr(ip, ':') ? "[%s]" : "%s", ip);
    q->found(q->userdata, host, port, &err);
}

static void on_reply(void *userdata, const struct world_reply *reply)
{
    struct service *v = userdata;
    v->asking = false;
    if (!v->all) {
        service_free(v);
        return;
    }
    v->fetched_at = world_now(v->all->world);
    if (reply->err.class == ERROR_NONE || reply->err.class == ERROR_NOT_FOUND) {
        json_decref(v->object);
        v->object = reply->err.class == ERROR_NONE ? json_incref(reply->body) : NULL;
    }
    while (!list_empty(&v->questions)) {
        struct question *q = list_entry(v->questions.next, struct question, node);
        list_remove(&q->node);
        answer(v, q, &reply->err);
        free(q);
    }
}

static void ask(struct services *s, struct service *v)
{
    auto_buf struct buf path;
    buf_init(&path, PATH_MAX_SIZE);
    buf_printf(&path, "/api/v1/namespaces/%s/services/", v->ns);
    path_append_escaped(&path, v->name);
    struct world_request request = {.method = "GET", .path = buf_str(&path), .timeout = 10 * USEC_SEC};
    v->asking = true;
    world_api(s->world, &request, on_reply, v);
}

bool services_find(struct services *s, const char *ns, const char *name, int container_port, services_found_fn *found,
                   void *userdata)
{
    auto_free char *key = mem_printf("%s/%s", ns, name);
    struct service *v = map_get(s->by_name, key);
    if (!v) {
        v = mem_new(struct service);
        *v = (struct service){.all = s, .ns = mem_strdup(ns), .name = mem_strdup(name), .ports = json_object()};
        list_init(&v->questions);
        map_set(s->by_name, key, v);
    }
    struct question asked = {.port = container_port, .found = found, .userdata = userdata};
    if (v->object && world_now(s->world) - v->fetched_at < SERVICES_KEPT) {
        answer(v, &asked, NULL);
        return true;
    }
    struct question *q = mem_new(struct question);
    *q = asked;
    list_append(&v->questions, &q->node);
    if (!v->asking)
        ask(s, v);
    return false;
}

void services_forget(struct services *s, void *userdata)
{
    size_t at = 0;
    void *value;
    while (map_next(s->by_name, &at, NULL, &value)) {
        struct service *v = value;
        for (struct list *node = v->questions.next, *next; node != &v->questions; node = next) {
            next = node->next;
            struct question *q = list_entry(node, struct question, node);
            if (q->userdata != userdata)
                continue;
            list_remove(&q->node);
            free(q);
        }
    }
}

#include "shell/reflectors.h"

#include "base/log.h"
#include "base/str.h"

struct scope {
    struct reflector *reflector;
    enum kind kind;
    char ns[64]; /* "": all */
};

struct reflectors {
    struct scope *scopes;
    size_t count;
    json_t *problems;
    void (*synced)(void *userdata);
    void *userdata;
};

/* What a person may have to mend: said when it begins and when it is over. */
static void on_problem(void *userdata, enum kind kind, const char *ns, const struct error *err)
{
    struct reflectors *r = userdata;
    char name[128];
    str_format(name, sizeof(name), str_empty(ns) ? "%s" : "%s/%s", kind_info(kind)->kind, ns);
    if (err->class == ERROR_NONE) {
        if (json_object_del(r->problems, name) != 0)
            return;
        log_event(LOG_INFO, "watching again", "kind", kind_info(kind)->plural, "namespace", ns, NULL);
        reflectors_nudge(r);
        return;
    }
    bool missing = err->class == ERROR_NOT_FOUND;
    json_put_str(r->problems, name, err->text);
    log_event(LOG_WARNING, missing ? "the kind is not installed; waiting for its CustomResourceDefinition" : "cannot list or watch",
              "kind", kind_info(kind)->plural, "namespace", ns, "class", error_class_name(err->class), "error", err->text, NULL);
}

static void on_synced(void *userdata)
{
    struct reflectors *r = userdata;
    if (r->synced && reflectors_synced(r))
        r->synced(r->userdata);
}

static void add(struct reflectors *r, struct world *world, struct alarms *alarms, struct store *store, enum kind kind,
                const char *ns)
{
    struct reflector_options o = {.kind = kind, .ns = ns, .problem = on_problem, .synced = on_synced, .userdata = r};
    r->scopes = mem_resize(r->scopes, r->count + 1, sizeof(*r->scopes));
    struct scope *scope = &r->scopes[r->count++];
    *scope = (struct scope){.reflector = reflector_new(world, alarms, store, &o), .kind = kind};
    str_copy(scope->ns, sizeof(scope->ns), ns);
}

/* What a catalog has, and what stops everything. */
static bool of_catalog(enum kind kind)
{
    return kind == KIND_CARD || kind == KIND_TRIGGER || kind == KIND_PLAYBOOK || kind == KIND_STOP;
}

struct reflectors *reflectors_new(struct world *world, struct alarms *alarms, struct store *store, const struct strlist *namespaces,
                                  const char *catalog, void (*synced)(void *userdata), void *userdata)
{
    struct reflectors *r = mem_new(struct reflectors);
    *r = (struct reflectors){.problems = json_object(), .synced = synced, .userdata = userdata};
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        /* One for all namespaces that opted in: they are few, and two lists of one kind and scope would sweep each other's objects. */
        if (!namespaces->count || !kind_info(kind)->namespaced) {
            add(r, world, alarms, store, kind, "");
            continue;
        }
        for (size_t i = 0; i < namespaces->count; i++)
            add(r, world, alarms, store, kind, namespaces->items[i]);
        if (of_catalog(kind) && !str_empty(catalog) && !strlist_has(namespaces, catalog))
            add(r, world, alarms, store, kind, catalog);
    }
    return r;
}

void reflectors_free(struct reflectors *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->count; i++)
        reflector_free(r->scopes[i].reflector);
    json_decref(r->problems);
    free(r->scopes);
    free(r);
}

void reflectors_run(struct reflectors *r, bool any_version)
{
    for (size_t i = 0; i < r->count; i++)
        reflector_run(r->scopes[i].reflector, any_version);
}

void reflectors_nudge(struct reflectors *r)
{
    for (size_t i = 0; i < r->count; i++)
        reflector_nudge(r->scopes[i].reflector);
}

bool reflectors_synced(const struct reflectors *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (!reflector_synced(r->scopes[i].reflector))
            return false;
    return true;
}

void reflectors_refresh(struct reflectors *r)
{
    for (size_t i = 0; i < r->count; i++)
        reflector_refresh(r->scopes[i].reflector);
}

bool reflectors_fresh(const struct reflectors *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (!reflector_fresh(r->scopes[i].reflector))
            return false;
    return true;
}

bool reflectors_kind_synced(const struct reflectors *r, enum kind kind, const char *ns)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->scopes[i].kind == kind && (str_empty(r->scopes[i].ns) || str_equal(r->scopes[i].ns, ns)))
            return reflector_synced(r->scopes[i].reflector);
    return false;
}

struct reflector_stats reflectors_stats(const struct reflectors *r)
{
    struct reflector_stats sum = {0};
    for (size_t i = 0; i < r->count; i++) {
        struct reflector_stats one = reflector_stats(r->scopes[i].reflector);
        sum.lists += one.lists;
        sum.watches += one.watches;
        sum.events += one.events;
        sum.bookmarks += one.bookmarks;
        sum.problems += one.problems;
    }
    return sum;
}

json_t *reflectors_problems(const struct reflectors *r)
{
    return json_copy(r->problems);
}

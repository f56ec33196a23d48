#include "shell/lookup.h"

#include "api/selector.h"
#include "base/str.h"

bool lookup_key(const struct lookup *l, enum kind kind, const char *ns, const char *name, struct key *ret_key, struct error *err)
{
    const char *places[] = {ns, l->catalog};
    for (size_t i = 0; i < array_len(places); i++) {
        if (str_empty(places[i]))
            continue;
        struct key key = key_of(kind, places[i], name);
        if (!store_summary(l->store, &key))
            continue;
        *ret_key = key;
        return true;
    }
    char quoted[300];
    error_set(err, ERROR_NOT_FOUND, "there is no %s %s in namespace %s%s%s", kind_info(kind)->kind,
              str_quote(quoted, sizeof(quoted), name), ns,
              str_empty(l->catalog) || str_equal(ns, l->catalog) ? "" : " nor in the catalog's, ",
              str_empty(l->catalog) || str_equal(ns, l->catalog) ? "" : l->catalog);
    return false;
}

int lookup_decode(const struct lookup *l, enum kind kind, const char *ns, const char *name, void *ret, struct error *err)
{
    struct key key;
    return lookup_key(l, kind, ns, name, &key, err) ? store_decode(l->store, &key, ret, err) : -1;
}

bool lookup_hidden(const struct lookup *l, enum kind kind, const char *ns, const struct summary *s)
{
    if (str_equal(s->ns, ns))
        return false;
    struct key own = key_of(kind, ns, s->name);
    return store_summary(l->store, &own) != NULL;
}

struct pod *lookup_pods(const struct lookup *l, const struct target *target, size_t *ret_count)
{
    struct pod *pods = NULL;
    size_t count = 0, cap = 0;
    struct key key = key_of(KIND_TARGET, target->meta.ns, target->meta.name);
    const struct summary *selects = store_summary(l->store, &key);
    struct store_cursor cursor = {0};
    const struct summary *s;
    while ((s = store_next(l->store, KIND_POD, target->meta.ns, &cursor))) {
        if (selects && !summary_selects(selects, s))
            continue;
        if (count == cap) {
            cap = cap ? 2 * cap : 8;
            pods = mem_resize(pods, cap, sizeof(*pods));
        }
        struct key key_of_pod = key_of(KIND_POD, s->ns, s->name);
        struct pod *pod = &pods[count];
        if (store_decode(l->store, &key_of_pod, pod, NULL) < 0)
            continue;
        if (selector_matches(target->selector, pod->meta.labels))
            count++;
        else
            pod_done(pod);
    }
    *ret_count = count;
    return pods;
}

void pods_free(struct pod *pods, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pod_done(&pods[i]);
    free(pods);
}

bool lookup_target(const struct lookup *l, const char *ns, const char *name, struct target *ret_target, struct error *err)
{
    struct key key = key_of(KIND_TARGET, ns, name);
    return store_decode(l->store, &key, ret_target, err) == 0;
}

void lookup_container(const struct lookup *l, const struct target *target, const struct key *pod, char dest[64])
{
    dest[0] = '\0';
    auto_pod struct pod p = {0};
    if (store_decode(l->store, pod, &p, NULL) < 0)
        return;
    const char *name = pod_container(&p, target->container);
    str_copy(dest, 64, name ? name : "");
}

bool lookup_namespace_enabled(const struct lookup *l, const char *ns)
{
    struct key key = key_of(KIND_NAMESPACE, "", ns);
    return store_summary(l->store, &key) != NULL; /* only those with the label are kept */
}

bool lookup_namespace_deleting(const struct lookup *l, const char *ns)
{
    struct key key = key_of(KIND_NAMESPACE, "", ns);
    json_auto_t *object = store_get(l->store, &key);
    return json_str(object, "metadata.deletionTimestamp", NULL) != NULL;
}

bool lookup_stopped(const struct lookup *l, const char *ns)
{
    struct key here = key_of(KIND_STOP, ns, STOP_NAME), everywhere = key_of(KIND_STOP, l->catalog, STOP_NAME);
    return store_summary(l->store, &here) || (!str_empty(l->catalog) && store_summary(l->store, &everywhere));
}

#include "core/drill_write.h"

#include "base/str.h"

struct key drill_key(const struct drill_view *v)
{
    return meta_key(&v->drill->meta, KIND_DRILL);
}

void drill_write_status(const struct drill_view *v, json_t *status, struct decision *d)
{
    if (json_equal(status, v->drill->status)) {
        json_decref(status);
        return;
    }
    struct key key = drill_key(v);
    decision_status(d, &key, v->drill->meta.rv, status);
}

static json_t *finalizers_without(const struct drill_view *v)
{
    json_t *kept = json_array();
    size_t i;
    json_t *item;
    json_array_foreach(json_at(v->drill->root, "metadata.finalizers"), i, item) if (!str_equal(json_string_value(item), FINALIZER))
        json_array_append(kept, item);
    return kept;
}

void drill_write_finalizer(const struct drill_view *v, bool present, struct decision *d)
{
    json_t *finalizers = finalizers_without(v);
    if (present)
        json_array_append_new(finalizers, json_string(FINALIZER));
    json_t *patch = json_object();
    json_put(json_make(patch, "metadata"), "finalizers", finalizers);
    struct key key = drill_key(v);
    decision_metadata(d, &key, v->drill->meta.rv, patch);
}

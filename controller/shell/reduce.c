#include "shell/reduce.h"

#include "api/pod.h"

static json_t *reduce_metadata(const json_t *metadata)
{
    json_t *reduced = json_copy((json_t *)metadata);
    json_object_del(reduced, "managedFields");
    json_t *annotations = json_object_get(reduced, "annotations");
    if (json_object_get(annotations, "kubectl.kubernetes.io/last-applied-configuration")) {
        annotations = json_copy(annotations);
        json_object_del(annotations, "kubectl.kubernetes.io/last-applied-configuration");
        json_object_set_new(reduced, "annotations", annotations);
    }
    return reduced;
}

json_t *reduce_object(enum kind kind, const json_t *object)
{
    json_t *reduced;
    if (kind == KIND_POD)
        reduced = pod_reduce(object);
    else {
        reduced = kind == KIND_NAMESPACE ? json_object() : json_copy((json_t *)object);
        json_put(reduced, "metadata", reduce_metadata(json_object_get(object, "metadata")));
    }
    json_put_str(reduced, "apiVersion", kind_info(kind)->api_version);
    json_put_str(reduced, "kind", kind_info(kind)->kind);
    return reduced;
}

#include "api/meta.h"

#include "base/rfc3339.h"
#include "base/str.h"

void meta_decode(const json_t *root, struct meta *ret_meta)
{
    const json_t *metadata = json_at(root, "metadata");
    *ret_meta = (struct meta){
        .ns = json_str(metadata, "namespace", ""),
        .name = json_str(metadata, "name", ""),
        .uid = json_str(metadata, "uid", ""),
        .rv = json_str(metadata, "resourceVersion", ""),
        .generation = json_int(metadata, "generation", 0),
        .created_at = json_time(metadata, "creationTimestamp", 0),
        .deleting = json_at(metadata, "deletionTimestamp") != NULL,
        .labels = json_at(metadata, "labels"),
        .annotations = json_at(metadata, "annotations"),
    };
}

bool meta_has_finalizer(const json_t *root, const char *finalizer)
{
    const json_t *entry;
    size_t i;
    json_array_foreach(json_at(root, "metadata.finalizers"), i,
                       entry) if (str_equal(json_string_value(entry), finalizer)) return true;
    return false;
}

const char *meta_label(const struct meta *m, const char *label)
{
    return json_string_value(json_object_get(m->labels, label));
}

struct key meta_key(const struct meta *m, enum kind kind)
{
    return key_of(kind, m->ns, m->name);
}

void label_value(char dest[64], const char *s)
{
    str_copy(dest, 64, s);
    size_t length = strlen(dest);
    while (length > 0 && (dest[length - 1] == '-' || dest[length - 1] == '.' || dest[length - 1] == '_'))
        dest[--length] = '\0';
}

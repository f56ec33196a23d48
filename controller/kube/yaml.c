#include "kube/yaml.h"

#include "base/str.h"

#include <yaml.h>

struct walk {
    yaml_document_t *document;
    unsigned nodes;
    struct error *err;
};

static json_t *refuse(const struct walk *w, const yaml_node_t *node, const char *what)
{
    error_set(w->err, ERROR_INVALID, "line %zu column %zu: %s", node->start_mark.line + 1, node->start_mark.column + 1, what);
    return NULL;
}

static json_t *value_of(struct walk *w, int index, unsigned depth);

static json_t *scalar_of(const struct walk *w, const yaml_node_t *node)
{
    const char *text = (const char *)node->data.scalar.value;
    if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        (str_equal(text, "") || str_equal(text, "~") || str_equal(text, "null") || str_equal(text, "Null") ||
         str_equal(text, "NULL")))
        return json_null();
    json_t *value = memchr(text, '\0', node->data.scalar.length) ? NULL : json_stringn(text, node->data.scalar.length);
    return value ? value : refuse(w, node, "the text is not plain UTF-8");
}

static json_t *sequence_of(struct walk *w, const yaml_node_t *node, unsigned depth)
{
    json_auto_t *array = json_array();
    for (const yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
        json_t *value = value_of(w, *item, depth + 1);
        if (!value)
            return NULL;
        json_array_append_new(array, value);
    }
    return mem_take(array);
}

static json_t *mapping_of(struct walk *w, const yaml_node_t *node, unsigned depth)
{
    json_auto_t *object = json_object();
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(w->document, pair->key);
        if (key->type != YAML_SCALAR_NODE || strlen((const char *)key->data.scalar.value) != key->data.scalar.length)
            return refuse(w, key, "a key must be a plain text");
        const char *name = (const char *)key->data.scalar.value;
        if (json_object_get(object, name))
            return refuse(w, key, "this key is there already");
        json_t *value = value_of(w, pair->value, depth + 1);
        if (!value)
            return NULL;
        if (json_object_set_new(object, name, value) < 0)
            return refuse(w, key, "the key is not plain UTF-8");
    }
    return mem_take(object);
}

static json_t *value_of(struct walk *w, int index, unsigned depth)
{
    const yaml_node_t *node = yaml_document_get_node(w->document, index);
    if (depth > YAML_DEPTH_MAX)
        return refuse(w, node, "nested too deeply");
    if (++w->nodes > YAML_NODES_MAX)
        return refuse(w, node, "too many values (aliases count each time)");
    switch (node->type) {
    case YAML_SCALAR_NODE:
        return scalar_of(w, node);
    case YAML_SEQUENCE_NODE:
        return sequence_of(w, node, depth);
    case YAML_MAPPING_NODE:
        return mapping_of(w, node, depth);
    case YAML_NO_NODE:
        break;
    }
    return json_null();
}

static json_t *parser_error(const yaml_parser_t *parser, struct error *err)
{
    error_set(err, ERROR_INVALID, "line %zu column %zu: %s", parser->problem_mark.line + 1, parser->problem_mark.column + 1,
              parser->problem ? parser->problem : "not YAML");
    return NULL;
}

json_t *yaml_load(const char *text, size_t n, struct error *err)
{
    yaml_parser_t parser;
    yaml_document_t document, second;
    if (!yaml_parser_initialize(&parser)) {
        error_set(err, ERROR_INTERNAL, "libyaml does not start");
        return NULL;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
    json_t *value = NULL;
    if (!yaml_parser_load(&parser, &document)) {
        parser_error(&parser, err);
    } else {
        struct walk walk = {.document = &document, .err = err};
        value = yaml_document_get_root_node(&document) ? value_of(&walk, 1, 0) : json_null();
        yaml_document_delete(&document);
    }
    if (value) {
        bool failed = !yaml_parser_load(&parser, &second);
        if (failed)
            parser_error(&parser, err);
        else if (yaml_document_get_root_node(&second))
            error_set(err, ERROR_INVALID, "there is more than one YAML document");
        if (failed || yaml_document_get_root_node(&second)) {
            json_decref(value);
            value = NULL;
        }
        if (!failed)
            yaml_document_delete(&second);
    }
    yaml_parser_delete(&parser);
    return value;
}

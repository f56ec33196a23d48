/* edit_yaml.c — finds the bytes of one value in a YAML text by libyaml's marks, and changes only those.
 *
 * Refused rather than guessed: several documents, values reached through an alias, keys that are there twice, block scalars and block
 * collections to be replaced by something else, the only key of a mapping to be deleted. */
#include "edit.h"

#include "base/str.h"

#include <yaml.h>

#define NODES_MAX 100000
#define DEPTH_MAX 200

static int load(const char *text, size_t n, yaml_document_t *ret, struct error *err)
{
    yaml_parser_t parser;
    yaml_document_t second;
    if (!yaml_parser_initialize(&parser))
        return error_set(err, ERROR_INTERNAL, "no YAML parser");
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
    int rc = 0;
    if (!yaml_parser_load(&parser, ret))
        rc = error_set(err, ERROR_INVALID, "the file is no YAML, line %zu: %s", parser.problem_mark.line + 1,
                       parser.problem ? parser.problem : "unreadable");
    else if (yaml_document_get_root_node(ret)) {
        if (!yaml_parser_load(&parser, &second))
            rc = error_set(err, ERROR_INVALID, "the file is no YAML, line %zu: %s", parser.problem_mark.line + 1,
                           parser.problem ? parser.problem : "unreadable");
        else {
            if (yaml_document_get_root_node(&second))
                rc = error_set(err, ERROR_INVALID, "the file holds several YAML documents");
            yaml_document_delete(&second);
        }
        if (rc < 0)
            yaml_document_delete(ret);
    }
    yaml_parser_delete(&parser);
    return rc;
}

/* Plain scalars become "p" and their text, others "q" and theirs: for comparing, never for reading. `budget` stops the expansion of
 * aliases of aliases. */
static json_t *tree_of(yaml_document_t *d, yaml_node_t *node, int depth, int *budget)
{
    if (!node)
        return json_null();
    if (depth > DEPTH_MAX || --*budget < 0)
        return NULL;
    if (node->type == YAML_SCALAR_NODE) {
        bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        auto_free char *text = mem_printf("%c%s", plain ? 'p' : 'q', (const char *)node->data.scalar.value);
        return json_string(text);
    }
    json_t *all = node->type == YAML_SEQUENCE_NODE ? json_array() : json_object();
    if (node->type == YAML_SEQUENCE_NODE)
        for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top; i++) {
            json_t *one = tree_of(d, yaml_document_get_node(d, *i), depth + 1, budget);
            if (!one || json_array_append_new(all, one) < 0)
                goto fail;
        }
    else
        for (yaml_node_pair_t *i = node->data.mapping.pairs.start; i < node->data.mapping.pairs.top; i++) {
            yaml_node_t *key = yaml_document_get_node(d, i->key);
            const char *name = key && key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : NULL;
            json_t *one =
                name && !json_object_get(all, name) ? tree_of(d, yaml_document_get_node(d, i->value), depth + 1, budget) : NULL;
            if (!one || json_object_set_new(all, name, one) < 0)
                goto fail;
        }
    return all;
fail:
    json_decref(all);
    return NULL;
}

json_t *edit_yaml_tree(const char *text, size_t n, struct error *err)
{
    yaml_document_t d;
    int budget = NODES_MAX;
    if (load(text, n, &d, err) < 0)
        return NULL;
    json_t *tree = tree_of(&d, yaml_document_get_root_node(&d), 0, &budget);
    yaml_document_delete(&d);
    if (!tree)
        error_set(err, ERROR_INVALID,
                  "the file has a key twice, a key that is no scalar, or is too large or deep to be edited safely");
    return tree;
}

/* ── where things lie ── */

struct place {
    yaml_node_t *parent, *key, *value; /* key NULL: an item of a sequence */
    bool only, last;
    bool shared; /* some node on the way is reached through an alias as well */
};

/* libyaml's index counts characters, the text is bytes of UTF-8. */
static size_t byte_of(const char *text, size_t n, yaml_mark_t mark)
{
    size_t at = 0;
    for (size_t i = 0; i < mark.index && at < n; i++)
        do
            at++;
        while (at < n && ((unsigned char)text[at] & 0xc0) == 0x80);
    return at;
}

static int references(yaml_document_t *d, int id)
{
    int count = 0;
    for (yaml_node_t *node = d->nodes.start; node < d->nodes.top; node++) {
        if (node->type == YAML_SEQUENCE_NODE)
            for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top; i++)
                count += *i == id;
        if (node->type == YAML_MAPPING_NODE)
            for (yaml_node_pair_t *i = node->data.mapping.pairs.start; i < node->data.mapping.pairs.top; i++)
                count += i->value == id;
    }
    return count;
}

static bool step(yaml_document_t *d, yaml_node_t *node, const char *name, struct place *p)
{
    int id = 0;
    int64_t index;
    p->parent = node;
    p->key = p->value = NULL;
    if (node->type == YAML_MAPPING_NODE) {
        for (yaml_node_pair_t *i = node->data.mapping.pairs.start; i < node->data.mapping.pairs.top; i++) {
            yaml_node_t *key = yaml_document_get_node(d, i->key);
            if (key->type == YAML_SCALAR_NODE && str_equal((const char *)key->data.scalar.value, name)) {
                p->key = key;
                id = i->value;
                p->last = i + 1 == node->data.mapping.pairs.top;
            }
        }
        p->only = node->data.mapping.pairs.top - node->data.mapping.pairs.start == 1;
    } else if (node->type == YAML_SEQUENCE_NODE && str_to_i64(name, 0, INT32_MAX, &index)) {
        int64_t count = node->data.sequence.items.top - node->data.sequence.items.start;
        if (index < count)
            id = node->data.sequence.items.start[index];
        p->last = index + 1 == count;
        p->only = count == 1;
    }
    if (!id)
        return false;
    p->value = yaml_document_get_node(d, id);
    p->shared |= references(d, id) != 1;
    return true;
}

/* The end of the last thing that is written in a node: block collections end, for libyaml, only where the next one begins. */
static yaml_mark_t written_end(yaml_document_t *d, yaml_node_t *node)
{
    for (int depth = 0; depth < DEPTH_MAX; depth++) {
        int id = 0;
        if (node->type == YAML_SEQUENCE_NODE && node->data.sequence.style != YAML_FLOW_SEQUENCE_STYLE &&
            node->data.sequence.items.top > node->data.sequence.items.start)
            id = node->data.sequence.items.top[-1];
        else if (node->type == YAML_MAPPING_NODE && node->data.mapping.style != YAML_FLOW_MAPPING_STYLE &&
                 node->data.mapping.pairs.top > node->data.mapping.pairs.start)
            id = node->data.mapping.pairs.top[-1].value;
        yaml_node_t *next = id ? yaml_document_get_node(d, id) : NULL;
        if (!next || next->start_mark.index < node->start_mark.index) /* an alias lies elsewhere; the check will find out */
            return node->end_mark;
        node = next;
    }
    return node->end_mark;
}

static size_t line_start(const char *text, size_t at)
{
    while (at > 0 && text[at - 1] != '\n')
        at--;
    return at;
}

static size_t next_line(const char *text, size_t n, size_t at)
{
    if (at > 0 && text[at - 1] == '\n')
        return at;
    const char *newline = memchr(text + at, '\n', n - at);
    return newline ? (size_t)(newline - text) + 1 : n;
}

static bool is_flow(const yaml_node_t *node)
{
    return node->type == YAML_MAPPING_NODE ? node->data.mapping.style == YAML_FLOW_MAPPING_STYLE
                                           : node->data.sequence.style == YAML_FLOW_SEQUENCE_STYLE;
}

/* ── how values are written ── */

static bool is_plain_safe(const char *s)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", NULL};
    size_t length = strlen(s);
    if (length == 0 || length > 200 || !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/", s[0]))
        return false;
    for (size_t i = 0; words[i]; i++)
        if (strcasecmp(s, words[i]) == 0)
            return false;
    return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.-") == length;
}

static void write_value(struct buf *out, const json_t *value, const yaml_node_t *old)
{
    const char *s = json_string_value(value);
    yaml_scalar_style_t style = old && old->type == YAML_SCALAR_NODE ? old->data.scalar.style : YAML_PLAIN_SCALAR_STYLE;
    auto_free char *dump = edit_dump(value);
    if (s && style == YAML_SINGLE_QUOTED_SCALAR_STYLE && !strpbrk(s, "'\n\r\t"))
        buf_printf(out, "'%s'", s);
    else if (s && style == YAML_PLAIN_SCALAR_STYLE && is_plain_safe(s))
        buf_append_str(out, s);
    else
        buf_append_str(out, dump); /* JSON is YAML, strings as double-quoted ones */
}

static void write_key(struct buf *out, const char *name)
{
    json_t *value = json_string(name);
    write_value(out, value, NULL);
    json_decref(value);
}

/* The parts from `from` on, nested in braces, around the value. */
static void write_pair(struct buf *out, const struct strlist *path, size_t from, const char *value)
{
    for (size_t i = from; i < path->count; i++) {
        buf_append_str(out, i > from ? "{" : "");
        write_key(out, path->items[i]);
        buf_append_str(out, ": ");
    }
    buf_append_str(out, value);
    for (size_t i = from + 1; i < path->count; i++)
        buf_append_char(out, '}');
}

/* ── the three edits; false: not safely ── */

static bool cut_value(struct edit_cut *cut, const struct place *p, const char *text, size_t n, const char *value)
{
    const yaml_node_t *v = p->value;
    bool block = v->type == YAML_SCALAR_NODE
                     ? v->data.scalar.style == YAML_LITERAL_SCALAR_STYLE || v->data.scalar.style == YAML_FOLDED_SCALAR_STYLE
                     : !is_flow(v);
    if (block)
        return false;
    cut->start = byte_of(text, n, v->start_mark);
    cut->end = byte_of(text, n, v->end_mark);
    if (cut->start == cut->end && cut->start > 0 && text[cut->start - 1] != ' ')
        buf_append_char(&cut->insert, ' '); /* "key:" without a value */
    buf_append_str(&cut->insert, value);
    return true;
}

static bool cut_flow_entry(struct edit_cut *cut, const struct place *p, const char *text, size_t n)
{
    cut->start = byte_of(text, n, p->key ? p->key->start_mark : p->value->start_mark);
    cut->end = byte_of(text, n, p->value->end_mark);
    if (p->last) {
        size_t at = cut->start;
        while (at > 0 && strchr(" \t\r\n", text[at - 1]))
            at--;
        if (at > 0 && text[at - 1] == ',')
            cut->start = at - 1;
        return true;
    }
    cut->end += strspn(text + cut->end, " \t\r\n");
    cut->end += text[cut->end] == ',';
    cut->end += strspn(text + cut->end, " \t");
    return true;
}

static bool cut_entry(struct edit_cut *cut, yaml_document_t *d, const struct place *p, const char *text, size_t n)
{
    if (is_flow(p->parent))
        return cut_flow_entry(cut, p, text, n);
    size_t at = byte_of(text, n, p->key ? p->key->start_mark : p->value->start_mark);
    cut->start = line_start(text, at);
    cut->end = next_line(text, n, byte_of(text, n, written_end(d, p->value)));
    size_t blanks = cut->start + strspn(text + cut->start, " ");
    if (!p->key && blanks < at && text[blanks] == '-')
        blanks += 1 + strspn(text + blanks + 1, " ");
    return blanks == at && !p->only;
}

static bool insert_pair(struct edit_cut *cut, yaml_document_t *d, yaml_node_t *parent, const struct strlist *path, size_t from,
                        const char *text, size_t n, const char *value)
{
    bool crlf = memmem(text, n, "\r\n", 2) != NULL;
    size_t column = 0;
    cut->start = cut->end = n;
    if (parent && parent->type != YAML_MAPPING_NODE)
        return false;
    bool empty = parent && parent->data.mapping.pairs.start == parent->data.mapping.pairs.top;
    if (parent && is_flow(parent)) {
        cut->start = cut->end = byte_of(text, n, parent->end_mark) - 1;
        buf_append_str(&cut->insert, empty ? "" : ", ");
        write_pair(&cut->insert, path, from, value);
        return true;
    }
    if (parent && !empty) {
        column = yaml_document_get_node(d, parent->data.mapping.pairs.start->key)->start_mark.column;
        cut->start = cut->end = next_line(text, n, byte_of(text, n, written_end(d, parent)));
    }
    if (cut->start > 0 && text[cut->start - 1] != '\n')
        buf_append_str(&cut->insert, crlf ? "\r\n" : "\n");
    buf_printf(&cut->insert, "%*s", (int)column, "");
    write_pair(&cut->insert, path, from, value);
    buf_append_str(&cut->insert, crlf ? "\r\n" : "\n");
    return true;
}

/* The new text means what the old one did, with the operation applied, and nothing else. */
static bool means_the_same(const struct edit *e, const struct strlist *path, json_t *before, const char *text, size_t n,
                           const struct edit_cut *cut, const char *value)
{
    auto_buf struct buf whole;
    buf_init(&whole, 2 * EDIT_TEXT_MAX);
    buf_append(&whole, text, cut->start);
    buf_append(&whole, buf_str(&cut->insert), cut->insert.len);
    buf_append(&whole, text + cut->end, n - cut->end);
    json_t *after = edit_yaml_tree(buf_str(&whole), whole.len, NULL);
    json_t *value_tree = value ? edit_yaml_tree(value, strlen(value), NULL) : json_null();
    if (json_is_null(before))
        before = json_object();
    else
        json_incref(before);
    bool same = after && value_tree && edit_tree(before, path, e->operation, value_tree) && json_equal(before, after);
    json_decref(before);
    json_decref(after);
    json_decref(value_tree);
    return same;
}

int edit_yaml(const struct edit *e, const struct strlist *path, const char *text, size_t n, struct edit_cut *cut, struct refusal *r)
{
    yaml_document_t d;
    struct place p = {0};
    json_t *before = edit_yaml_tree(text, n, &r->error);
    if (!before)
        return -1;
    if (load(text, n, &d, &r->error) < 0) {
        json_decref(before);
        return -1;
    }
    yaml_node_t *root = yaml_document_get_root_node(&d), *node = root;
    size_t i = 0;
    while (node && i < path->count && step(&d, node, path->items[i], &p)) {
        node = p.value;
        i++;
    }
    auto_buf struct buf value;
    buf_init(&value, 65536);
    bool found = i == path->count && node;
    if (e->value)
        write_value(&value, e->value, found ? p.value : NULL);
    int rc = -1;
    bool safe = !p.shared;
    if (!found && e->operation != EDIT_SET) {
        refusal_text(r, "params.key", e->key, "there is no %s in the file", e->key);
        r->error.class = ERROR_NOT_FOUND;
    } else {
        if (safe && found && e->operation == EDIT_DELETE)
            safe = cut_entry(cut, &d, &p, text, n);
        else if (safe && found)
            safe = cut_value(cut, &p, text, n, buf_str(&value));
        else if (safe)
            safe = insert_pair(cut, &d, root ? node : NULL, path, i, text, n, buf_str(&value));
        safe = safe && means_the_same(e, path, before, text, n, cut, e->value ? buf_str(&value) : NULL);
        rc = safe ? 0
                  : refusal_text(
                        r, "params.key", e->key,
                        "%s cannot be edited safely in this file (a block value, an alias, the only key of its mapping, or its "
                        "layout)",
                        e->key);
    }
    yaml_document_delete(&d);
    json_decref(before);
    return rc;
}

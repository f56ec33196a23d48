#include "edit.h"

#include "base/str.h"

#include <ctype.h>

const char *const edit_formats[] = {"YAML", "JSON", "INI", "Env", "Directives", NULL};
const char *const edit_operations[] = {"Set", "Delete", "Replace", NULL};

/* "a.b\.c" → "a", "b.c". False: an empty part. */
static bool split_key(const char *key, struct strlist *ret_path)
{
    auto_buf struct buf part;
    buf_init(&part, 1024);
    for (const char *c = key;; c++) {
        if (*c == '\\' && c[1] == '.')
            buf_append_char(&part, *++c);
        else if (*c && *c != '.')
            buf_append_char(&part, *c);
        else {
            if (part.len == 0 || part.overflowed || ret_path->count >= 64)
                return false;
            strlist_add(ret_path, buf_str(&part));
            buf_reset(&part);
            if (!*c)
                return true;
        }
    }
}

static json_t *child(const json_t *node, const char *name)
{
    int64_t index;
    if (json_is_object(node))
        return json_object_get(node, name);
    return json_is_array(node) && str_to_i64(name, 0, INT32_MAX, &index) ? json_array_get(node, (size_t)index) : NULL;
}

/* The node where the path's last part belongs; made on the way where the operation may. */
static json_t *parent_of(json_t *tree, const struct strlist *path, int operation)
{
    json_t *node = tree;
    for (size_t i = 0; i + 1 < path->count; i++) {
        json_t *next = child(node, path->items[i]);
        if (!next && operation == EDIT_SET && json_is_object(node)) {
            next = json_object();
            if (json_object_set_new(node, path->items[i], next) < 0)
                return NULL; /* a name that is not UTF-8: `next` is gone */
        }
        if (!next)
            return NULL;
        node = next;
    }
    return node;
}

bool edit_tree(json_t *tree, const struct strlist *path, int operation, json_t *value)
{
    json_t *parent = parent_of(tree, path, operation);
    const char *name = path->items[path->count - 1];
    int64_t index;
    if (!parent || (operation != EDIT_SET && !child(parent, name)))
        return false;
    if (json_is_object(parent))
        return operation == EDIT_DELETE ? json_object_del(parent, name) == 0 : json_object_set(parent, name, value) == 0;
    if (!json_is_array(parent) || !str_to_i64(name, 0, INT32_MAX, &index))
        return false;
    return operation == EDIT_DELETE ? json_array_remove(parent, (size_t)index) == 0
                                    : json_array_set(parent, (size_t)index, value) == 0;
}

char *edit_dump(const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    json_t *again = text ? json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
    bool same = json_equal(again, value);
    json_decref(again);
    if (same)
        return text;
    free(text);
    return json_dumps(value, JSON_ENCODE_ANY);
}

bool edit_word(const json_t *value, const char *yes, const char *no, const char *forbidden, struct buf *ret)
{
    if (json_is_string(value))
        buf_append_str(ret, json_string_value(value));
    else if (json_is_boolean(value))
        buf_append_str(ret, json_is_true(value) ? yes : no);
    else if (json_is_number(value)) {
        auto_free char *dump = edit_dump(value);
        buf_append_str(ret, dump);
    } else
        return false;
    const char *s = buf_str(ret);
    return !strpbrk(s, forbidden) && !isspace((unsigned char)s[0]) && (ret->len == 0 || !isspace((unsigned char)s[ret->len - 1]));
}

static int find_cut(const struct edit *e, const struct strlist *path, const char *text, size_t n, struct edit_cut *cut,
                    struct refusal *r)
{
    buf_init(&cut->insert, EDIT_TEXT_MAX);
    switch ((enum edit_format)e->format) {
    case EDIT_YAML:
        return edit_yaml(e, path, text, n, cut, r);
    case EDIT_JSON:
        return edit_json(e, path, text, n, cut, r);
    case EDIT_INI:
        return edit_ini(e, text, n, cut, r);
    case EDIT_ENV:
        return edit_env(e, text, n, cut, r);
    case EDIT_DIRECTIVES:
        return edit_directives(e, path, text, n, cut, r);
    }
    return -1;
}

static bool changes_nothing(const struct edit_cut *cut, const char *text)
{
    return cut->insert.len == cut->end - cut->start && memcmp(text + cut->start, buf_str(&cut->insert), cut->insert.len) == 0;
}

/* What was written is read back as just that: what now follows the value may have become a part of it ("x = 1 # note" with an empty value). */
static bool reads_back(const struct edit *e, const struct strlist *path, const char *text, size_t n)
{
    struct edit_cut cut = {0};
    struct refusal r = {0};
    bool sound = e->operation == EDIT_DELETE || (find_cut(e, path, text, n, &cut, &r) == 0 && changes_nothing(&cut, text));
    buf_done(&cut.insert);
    return sound;
}

/* With its NUL behind it; the caller's. */
static char *with_cut(const struct edit_cut *cut, const char *text, size_t n, size_t *ret_length)
{
    *ret_length = n - (cut->end - cut->start) + cut->insert.len;
    char *out = mem_alloc(*ret_length + 1);
    memcpy(out, text, cut->start);
    memcpy(out + cut->start, buf_str(&cut->insert), cut->insert.len);
    memcpy(out + cut->start + cut->insert.len, text + cut->end, n - cut->end);
    return out;
}

int edit_text(const struct edit *e, const char *text, size_t n, char **ret_text, size_t *ret_length, struct refusal *r)
{
    auto_strlist struct strlist path = {0};
    struct edit_cut cut = {0};
    if (!split_key(e->key, &path))
        return refusal_text(r, "params.key", e->key, "params.key wants names joined by dots, like \"db.pool\"");
    json_t *key = json_string(e->key); /* NULL: not UTF-8; over the protocol it always is, on a command line it need not be */
    if (!key)
        return refusal_text(r, "params.key", e->key, "params.key wants UTF-8");
    json_decref(key);
    if (memchr(text, '\0', n))
        return error_set(&r->error, ERROR_INVALID, "the file holds NUL bytes: it is no text");
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        return error_set(&r->error, ERROR_INVALID, "the file begins with a byte order mark: it cannot be edited safely");
    int rc = find_cut(e, &path, text, n, &cut, r);
    if (rc == 0 && changes_nothing(&cut, text))
        rc = refusal_field(r, "params.value", e->value, "%s has this value already: nothing would change", e->key);
    if (rc == 0) {
        *ret_text = with_cut(&cut, text, n, ret_length);
        if (!reads_back(e, &path, *ret_text, *ret_length)) {
            free(*ret_text);
            *ret_text = NULL;
            rc = refusal_field(r, "params.value", e->value,
                               "params.value would not read back as the value of %s: what stands behind it there, such as a "
                               "comment, would become a part of it; give that a line of its own",
                               e->key);
        }
    }
    buf_done(&cut.insert);
    return rc;
}

/* edit_json.c — finds the bytes of one value in a JSON text (RFC 8259) and changes only those. jansson says whether the text is JSON
 * and what it means; here is only where things lie. */
#include "edit.h"

#include "base/str.h"

#define DEPTH_MAX 200
/* Whole numbers as reals: RFC 8259 sets them no limit, and jansson's own is 64 bits. They are compared, never written. */
#define LOAD_FLAGS (JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL)

struct scan {
    const char *text;
    size_t n, at;
    int depth;
};

static void skip_space(struct scan *s)
{
    while (s->at < s->n && strchr(" \t\r\n", s->text[s->at]) && s->text[s->at])
        s->at++;
}

static void skip_string(struct scan *s)
{
    for (s->at++; s->at < s->n && s->text[s->at] != '"'; s->at++)
        if (s->text[s->at] == '\\')
            s->at++;
    s->at++;
}

/* The text was parsed before, so only its structure is looked at. False: too deep. */
static bool skip_value(struct scan *s)
{
    int depth = 0;
    do {
        skip_space(s);
        if (s->at >= s->n)
            return false;
        char c = s->text[s->at];
        if (c == '"')
            skip_string(s);
        else if (c == '{' || c == '[') {
            depth++;
            s->at++;
        } else if (c == '}' || c == ']') {
            depth--;
            s->at++;
        } else if (c == ',' || c == ':')
            s->at++;
        else
            s->at += strcspn(s->text + s->at, " \t\r\n,:]}\"");
    } while (depth > 0);
    return true;
}

/* A member or element: from its first byte (the key's quote) to the end of its value. */
struct place {
    size_t start, value, end;
    size_t before, after; /* the comma or bracket in front of it, and behind it */
    bool first, last;
};

/* At '{' or '['. Finds the child; 1 found, 0 not there (ret->after is the closing bracket, ret->first: it is empty), -1. */
static int find_child(struct scan *s, const char *name, struct place *ret)
{
    char open = s->text[s->at], close = open == '{' ? '}' : ']';
    size_t before = s->at++;
    for (size_t index = 0;; index++) {
        skip_space(s);
        if (s->at >= s->n)
            return -1;
        if (s->text[s->at] == close) {
            *ret = (struct place){.before = before, .after = s->at, .first = index == 0};
            return 0;
        }
        struct place p = {.start = s->at, .before = before, .first = index == 0};
        bool hit;
        if (open == '{') {
            skip_string(s);
            json_t *key = json_loadb(s->text + p.start, s->at - p.start, JSON_DECODE_ANY, NULL);
            hit = str_equal(json_string_value(key), name);
            json_decref(key);
            skip_space(s);
            s->at++; /* ":" */
            skip_space(s);
        } else {
            char number[24];
            str_format(number, sizeof number, "%zu", index);
            hit = str_equal(number, name);
        }
        p.value = s->at;
        if (!skip_value(s))
            return -1;
        p.end = s->at;
        skip_space(s);
        if (s->at >= s->n)
            return -1;
        p.after = s->at;
        p.last = s->text[s->at] == close;
        if (hit) {
            *ret = p;
            return 1;
        }
        if (s->text[s->at] == ',')
            before = s->at++;
    }
}

static void cut_out(struct edit_cut *cut, const struct place *p)
{
    /* The comma behind it goes with it; for the last one the comma in front. */
    cut->start = !p->last || p->first ? p->before + 1 : p->before;
    cut->end = p->last ? p->end : p->after + 1;
    if (!p->last) /* what stands in front of the next one stays as it was in front of this one */
        cut->start = p->start;
}

/* `rest` are the parts that are missing, the first of them in the object that ends at p->after. */
static void put_in(struct edit_cut *cut, const struct place *p, const struct scan *s, const struct strlist *path, size_t from,
                   const char *value)
{
    size_t at = p->after;
    while (at > 0 && strchr(" \t\r\n", s->text[at - 1]))
        at--;
    cut->start = cut->end = at;
    /* Laid out like the member before: what stands between the comma or bracket and its key. */
    size_t lead = p->before + 1, lead_end = lead;
    while (lead_end < s->n && s->text[lead_end] && strchr(" \t\r\n", s->text[lead_end]))
        lead_end++;
    if (!p->first) {
        buf_append_str(&cut->insert, ",");
        buf_append(&cut->insert, s->text + lead, lead_end - lead);
    }
    for (size_t i = from; i < path->count; i++) {
        json_t *name = json_string(path->items[i]);
        auto_free char *quoted = json_dumps(name, JSON_ENCODE_ANY);
        json_decref(name);
        buf_printf(&cut->insert, "%s%s: ", i > from ? "{" : "", quoted);
    }
    buf_append_str(&cut->insert, value);
    for (size_t i = from + 1; i < path->count; i++)
        buf_append_char(&cut->insert, '}');
}

/* The value as it reads where whole numbers are reals. */
static json_t *edit_json_value(const json_t *value)
{
    auto_free char *text = value ? edit_dump(value) : NULL;
    return text ? json_loads(text, LOAD_FLAGS | JSON_DECODE_ANY, NULL) : NULL;
}

static int check(const struct edit *e, const struct strlist *path, json_t *before, const char *text, size_t n,
                 const struct edit_cut *cut, struct refusal *r)
{
    auto_buf struct buf whole;
    buf_init(&whole, 2 * EDIT_TEXT_MAX);
    buf_append(&whole, text, cut->start);
    buf_append(&whole, buf_str(&cut->insert), cut->insert.len);
    buf_append(&whole, text + cut->end, n - cut->end);
    json_t *after = json_loadb(buf_str(&whole), whole.len, LOAD_FLAGS, NULL);
    json_t *value = cut->insert.len ? edit_json_value(e->value) : NULL;
    bool same = edit_tree(before, path, e->operation, value) && json_equal(before, after);
    json_decref(value);
    json_decref(after);
    return same ? 0 : refusal_text(r, "params.key", e->key, "%s cannot be edited safely in this file", e->key);
}

int edit_json(const struct edit *e, const struct strlist *path, const char *text, size_t n, struct edit_cut *cut, struct refusal *r)
{
    json_error_t where;
    struct scan s = {.text = text, .n = n};
    struct place p = {0};
    int rc = -1;
    json_t *tree = json_loadb(text, n, LOAD_FLAGS, &where);
    if (!tree)
        return error_set(&r->error, ERROR_INVALID, "the file is no JSON, line %d: %s", where.line, where.text);
    auto_free char *value = e->value ? edit_dump(e->value) : NULL;
    size_t i = 0;
    int found = 1;
    for (; i < path->count && found == 1; i++) {
        skip_space(&s);
        if (s.text[s.at] != '{' && s.text[s.at] != '[') {
            found = -1;
            break;
        }
        bool is_array = s.text[s.at] == '[';
        found = find_child(&s, path->items[i], &p);
        if (found == 0 && is_array)
            found = -1;
        if (found == 1)
            s.at = p.value;
    }
    if (found == 1 && e->operation == EDIT_DELETE)
        cut_out(cut, &p);
    else if (found == 1) {
        cut->start = p.value;
        cut->end = p.end;
        buf_append_str(&cut->insert, value);
    } else if (found == 0 && e->operation == EDIT_SET)
        put_in(cut, &p, &s, path, i - 1, value);
    if (found == 1 || (found == 0 && e->operation == EDIT_SET))
        rc = check(e, path, tree, text, n, cut, r);
    else {
        refusal_text(r, "params.key", e->key, "there is no %s in the file", e->key);
        r->error.class = ERROR_NOT_FOUND;
    }
    json_decref(tree);
    return rc;
}

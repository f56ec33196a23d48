#include "core/jsonpath.h"

#include "base/str.h"

#define PART_SIZE 320

struct cursor {
    const char *at;
    const json_t *value; /* NULL: nothing is there, but the rest is still checked */
};

/* A name up to "." or "["; "\." stands for a dot in it. */
static bool read_name(struct cursor *c, char part[PART_SIZE])
{
    size_t n = 0;
    for (; *c->at && *c->at != '.' && *c->at != '['; c->at++) {
        if (*c->at == '\\' && c->at[1])
            c->at++;
        if (n + 1 >= PART_SIZE)
            return false;
        part[n++] = *c->at;
    }
    part[n] = '\0';
    return n > 0;
}

/* What stands in quotes, single or double; the cursor moves behind. */
static bool read_quoted(struct cursor *c, char part[PART_SIZE])
{
    char quote = *c->at;
    const char *end = quote == '\'' || quote == '"' ? strchr(c->at + 1, quote) : NULL;
    if (!end || (size_t)(end - c->at) > PART_SIZE)
        return false;
    str_format(part, PART_SIZE, "%.*s", (int)(end - c->at - 1), c->at + 1);
    c->at = end + 1;
    return true;
}

static bool take(struct cursor *c, const char *text)
{
    if (!str_starts(c->at, text))
        return false;
    c->at += strlen(text);
    return true;
}

/* ?(@.a.b=="x"): the first element whose member is that text. */
static bool read_filter(struct cursor *c)
{
    char path[PART_SIZE], want[PART_SIZE];
    size_t length = strcspn(c->at, "=!<> ");
    if (length == 0 || length >= PART_SIZE)
        return false;
    str_format(path, sizeof(path), "%.*s", (int)length, c->at);
    c->at += length + strspn(c->at + length, " ");
    if (!take(c, "=="))
        return false;
    c->at += strspn(c->at, " ");
    if (!read_quoted(c, want) || !take(c, ")]"))
        return false;
    const json_t *found = NULL;
    for (size_t i = 0; i < json_array_size(c->value) && !found; i++)
        if (str_equal(json_str(json_array_get(c->value, i), path, NULL), want))
            found = json_array_get(c->value, i);
    c->value = found;
    return true;
}

static bool read_bracket(struct cursor *c)
{
    char part[PART_SIZE];
    int64_t index;
    if (take(c, "?(@."))
        return read_filter(c);
    if (take(c, "*]")) {
        c->value = json_array_get(c->value, 0);
        return true;
    }
    if (*c->at == '\'' || *c->at == '"') {
        if (!read_quoted(c, part) || !take(c, "]"))
            return false;
        c->value = json_object_get(c->value, part);
        return true;
    }
    size_t length = strcspn(c->at, "]");
    if (length >= PART_SIZE || c->at[length] != ']')
        return false;
    str_format(part, sizeof(part), "%.*s", (int)length, c->at);
    if (!str_to_i64(part, -(1 << 20), 1 << 20, &index))
        return false;
    c->at += length + 1;
    if (index < 0)
        index += (int64_t)json_array_size(c->value);
    c->value = index < 0 ? NULL : json_array_get(c->value, (size_t)index);
    return true;
}

int jsonpath_find(const json_t *root, const char *path, const json_t **ret_value, struct error *err)
{
    char inner[600], part[PART_SIZE];
    size_t length = strlen(path);
    bool braces = length >= 2 && path[0] == '{' && path[length - 1] == '}';
    bool fits = str_format(inner, sizeof(inner), "%.*s", braces ? (int)length - 2 : (int)length, path + braces);
    struct cursor c = {inner + (*inner == '$'), root};
    bool ok = fits && *c.at;
    if (ok && *c.at != '.' && *c.at != '[')
        ok = read_name(&c, part) && ((c.value = json_object_get(c.value, part)) || true);
    while (ok && *c.at) {
        if (take(&c, "["))
            ok = read_bracket(&c);
        else if (take(&c, ".") && read_name(&c, part))
            c.value = json_object_get(c.value, part);
        else
            ok = false;
    }
    char quoted[96];
    if (!ok)
        return error_set(err, ERROR_INVALID, "jsonPath: %s is not a path to one value; write for example .status.readyReplicas",
                         str_quote(quoted, sizeof(quoted), path));
    *ret_value = json_is_null(c.value) ? NULL : c.value;
    return 0;
}

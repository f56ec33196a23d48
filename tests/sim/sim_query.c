/* Paths and their parameters, as controller/shell writes them. */
#include "sim_api.h"

/* The next segment of a path; false: there is none. */
static bool segment(const char **at, const char **ret_text, size_t *ret_length)
{
    if (**at != '/')
        return false;
    *ret_text = *at + 1;
    *ret_length = strcspn(*ret_text, "/?");
    *at = *ret_text + *ret_length;
    return *ret_length > 0;
}

static void keep(char *dest, size_t size, const char *text, size_t length)
{
    str_format(dest, size, "%.*s", (int)length, text);
}

void sim_query_parse(const char *path, struct sim_query *q)
{
    const char *at = path, *text, *plural;
    size_t length, plural_length;
    *q = (struct sim_query){.parameters = ""};
    if (strchr(path, '?'))
        q->parameters = strchr(path, '?') + 1;
    int skip = str_starts(path, "/apis/") ? 3 : 2;
    for (int i = 0; i < skip; i++)
        if (!segment(&at, &text, &length))
            return;
    size_t prefix_length = (size_t)(at - path);
    if (!segment(&at, &plural, &plural_length))
        return;
    const char *rest = at;
    bool scoped = plural_length == strlen("namespaces") && strncmp(plural, "namespaces", plural_length) == 0 &&
                  segment(&rest, &text, &length) && *rest == '/';
    if (scoped) {
        keep(q->ns, sizeof(q->ns), text, length);
        at = rest;
        if (!segment(&at, &plural, &plural_length))
            return;
    }
    q->resource = sim_resource_find(path, prefix_length, plural, plural_length);
    if (segment(&at, &text, &length))
        keep(q->name, sizeof(q->name), text, length);
    if (segment(&at, &text, &length))
        keep(q->sub, sizeof(q->sub), text, length);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0;
}

bool sim_query_get(const struct sim_query *q, const char *name, char *dest, size_t size)
{
    size_t n = strlen(name), used = 0;
    for (const char *at = q->parameters; *at; at += strcspn(at, "&"), at += *at == '&') {
        if (strncmp(at, name, n) != 0 || at[n] != '=')
            continue;
        for (const char *value = at + n + 1; *value && *value != '&' && used + 1 < size; value++) {
            bool escaped = value[0] == '%' && value[1] && value[2];
            dest[used++] = escaped ? (char)(16 * hex_digit(value[1]) + hex_digit(value[2])) : *value;
            value += escaped ? 2 : 0;
        }
        dest[used] = '\0';
        return true;
    }
    return false;
}

bool sim_query_selects(const struct sim_query *q, const json_t *object)
{
    char selector[320];
    if (!object || (!str_empty(q->ns) && !str_equal(json_str(object, "metadata.namespace", ""), q->ns)))
        return false;
    bool by_field = sim_query_get(q, "fieldSelector", selector, sizeof(selector));
    if (!by_field && !sim_query_get(q, "labelSelector", selector, sizeof(selector)))
        return true;
    char *value = strchr(selector, '=');
    if (!value)
        return false;
    *value++ = '\0';
    if (by_field)
        return str_equal(selector, "metadata.name") && str_equal(json_str(object, "metadata.name", ""), value);
    return str_equal(json_string_value(json_object_get(json_at(object, "metadata.labels"), selector)), value);
}

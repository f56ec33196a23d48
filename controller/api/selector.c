#include "api/selector.h"

#include "base/str.h"

#define NAME_MAX_BYTES ((size_t)63)

enum op { OP_IN, OP_NOT_IN, OP_EXISTS, OP_DOES_NOT_EXIST, OP_NONE };
static const char *const op_names[] = {"In", "NotIn", "Exists", "DoesNotExist"};

static enum op op_of(const json_t *expression)
{
    const char *name = json_string_value(json_object_get(expression, "operator"));
    for (size_t i = 0; i < array_len(op_names); i++)
        if (name && str_equal(name, op_names[i]))
            return (enum op)i;
    return OP_NONE;
}

static bool takes_values(enum op op)
{
    return op == OP_IN || op == OP_NOT_IN;
}

/* ── validation (apimachinery pkg/apis/meta/v1/validation, pkg/util/validation) ── */

static bool alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool name_part_is_valid(const char *s)
{
    size_t n = strlen(s);
    if (!n || n > NAME_MAX_BYTES || !alphanumeric(s[0]) || !alphanumeric(s[n - 1]))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!alphanumeric(s[i]) && !strchr("-_.", s[i]))
            return false;
    return true;
}

static bool value_is_valid(const char *s)
{
    return !*s || name_part_is_valid(s);
}

static bool key_is_valid(const char *s)
{
    const char *slash = strchr(s, '/');
    if (!slash)
        return name_part_is_valid(s);
    char prefix[254];
    size_t n = (size_t)(slash - s);
    if (n >= sizeof prefix)
        return false;
    memcpy(prefix, s, n);
    prefix[n] = '\0';
    return str_is_dns_subdomain(prefix) && name_part_is_valid(slash + 1);
}

static int bad(struct error *err, const char *field, const char *value, const char *right)
{
    char quoted[128];
    return error_set(err, ERROR_INVALID, "%s: \"%s\" %s", field, str_quote(quoted, sizeof quoted, value), right);
}

static int validate_labels(const json_t *labels, const char *field, struct error *err)
{
    if (!json_is_object(labels))
        return error_set(err, ERROR_INVALID, "%s.matchLabels: must be an object of strings, for example {app: shop}", field);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)labels, key, value)
    {
        char where[320], quoted[128];
        str_format(where, sizeof where, "%s.matchLabels[%s]", field, str_quote(quoted, sizeof quoted, key));
        if (!key_is_valid(key))
            return bad(err, where, key, "is not a label key: write for example app or example.com/app");
        if (!json_is_string(value))
            return error_set(err, ERROR_INVALID, "%s: must be a string; put it in quotes", where);
        if (!value_is_valid(json_string_value(value)) || strlen(json_string_value(value)) != json_string_length(value))
            return bad(err, where, json_string_value(value),
                       "is not a label value: at most 63 letters, digits, - _ . with a letter or digit at both ends");
    }
    return 0;
}

static int validate_values(const json_t *expression, enum op op, const char *where, struct error *err)
{
    const json_t *values = json_object_get(expression, "values");
    if (values && !json_is_null(values) && !json_is_array(values))
        return error_set(err, ERROR_INVALID, "%s.values: must be a list of strings", where);
    if (takes_values(op) && !json_array_size(values))
        return error_set(err, ERROR_INVALID, "%s.values: at least one is needed with the operator %s", where, op_names[op]);
    if (!takes_values(op) && json_array_size(values))
        return error_set(err, ERROR_INVALID, "%s.values: must be left out with the operator %s", where, op_names[op]);
    size_t i;
    json_t *value;
    json_array_foreach(values, i, value)
    {
        const char *s = json_string_value(value);
        if (!s || strlen(s) != json_string_length(value) || !value_is_valid(s))
            return error_set(
                err, ERROR_INVALID,
                "%s.values[%zu]: is not a label value: at most 63 letters, digits, - _ . with a letter or digit at both ends",
                where, i);
    }
    return 0;
}

static int refuse_unknown(const json_t *object, const char *const known[], const char *where, struct error *err)
{
    char right[96];
    str_format(right, sizeof(right), "is not a field of it; write %s%s%s%s%s", known[0], known[2] ? ", " : " or ", known[1],
               known[2] ? " or " : "", known[2] ? known[2] : "");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        bool found = false;
        for (size_t i = 0; known[i]; i++)
            found |= str_equal(known[i], key);
        if (!found)
            return bad(err, where, key, right);
    }
    return 0;
}

static int validate_expression(const json_t *expression, const char *where, struct error *err)
{
    static const char *const known[] = {"key", "operator", "values", NULL};
    if (!json_is_object(expression))
        return error_set(err, ERROR_INVALID, "%s: must be an object with key, operator and values", where);
    if (refuse_unknown(expression, known, where, err) < 0)
        return -1;
    const char *key = json_string_value(json_object_get(expression, "key"));
    if (!key || !key_is_valid(key) || strlen(key) != json_string_length(json_object_get(expression, "key")))
        return error_set(err, ERROR_INVALID, "%s.key: must be a label key, for example app or example.com/app", where);
    enum op op = op_of(expression);
    if (op == OP_NONE)
        return error_set(err, ERROR_INVALID, "%s.operator: must be one of In, NotIn, Exists, DoesNotExist", where);
    return validate_values(expression, op, where, err);
}

int selector_validate(const json_t *selector, const char *field, struct error *err)
{
    static const char *const known[] = {"matchLabels", "matchExpressions", NULL};
    if (!selector || json_is_null(selector))
        return 0;
    if (!json_is_object(selector))
        return error_set(err, ERROR_INVALID, "%s: must be an object with matchLabels or matchExpressions", field);
    if (refuse_unknown(selector, known, field, err) < 0)
        return -1;
    const json_t *labels = json_object_get(selector, "matchLabels");
    if (labels && !json_is_null(labels) && validate_labels(labels, field, err) < 0)
        return -1;
    const json_t *expressions = json_object_get(selector, "matchExpressions");
    if (expressions && !json_is_null(expressions) && !json_is_array(expressions))
        return error_set(err, ERROR_INVALID, "%s.matchExpressions: must be a list", field);
    size_t i;
    json_t *expression;
    json_array_foreach(expressions, i, expression)
    {
        char where[256];
        str_format(where, sizeof where, "%s.matchExpressions[%zu]", field, i);
        if (validate_expression(expression, where, err) < 0)
            return -1;
    }
    return 0;
}

/* ── matching ── */

static bool has_value(const json_t *expression, const char *label)
{
    size_t i;
    json_t *value;
    json_array_foreach(json_object_get(expression, "values"), i, value)
    {
        if (str_equal(json_string_value(value), label))
            return true;
    }
    return false;
}

static bool expression_matches(const json_t *expression, const json_t *labels)
{
    const char *label = json_string_value(json_object_get(labels, json_string_value(json_object_get(expression, "key"))));
    switch (op_of(expression)) {
    case OP_IN:
        return label && has_value(expression, label);
    case OP_NOT_IN:
        return !label || !has_value(expression, label);
    case OP_EXISTS:
        return label != NULL;
    case OP_DOES_NOT_EXIST:
        return label == NULL;
    case OP_NONE:
        return false;
    }
    return false;
}

bool selector_matches(const json_t *selector, const json_t *labels)
{
    if (!json_is_object(selector) || selector_validate(selector, "selector", NULL) < 0)
        return false;
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(selector, "matchLabels"), key, value)
    {
        const char *label = json_string_value(json_object_get(labels, key));
        if (!label || !str_equal(label, json_string_value(value)))
            return false;
    }
    size_t i;
    json_t *expression;
    json_array_foreach(json_object_get(selector, "matchExpressions"), i,
                       expression) if (!expression_matches(expression, labels)) return false;
    return true;
}

/* ── as a query ── */

static void append_expression(struct buf *b, const json_t *expression)
{
    const char *key = json_string_value(json_object_get(expression, "key"));
    enum op op = op_of(expression);
    if (!takes_values(op)) {
        buf_printf(b, op == OP_EXISTS ? "%s" : "!%s", key);
        return;
    }
    buf_printf(b, "%s %s (", key, op == OP_IN ? "in" : "notin");
    size_t i;
    json_t *value;
    json_array_foreach(json_object_get(expression, "values"), i, value)
    {
        buf_printf(b, i ? ",%s" : "%s", json_string_value(value));
    }
    buf_append_char(b, ')');
}

bool selector_append_query(struct buf *b, const json_t *selector)
{
    if (!json_is_object(selector) || selector_validate(selector, "selector", NULL) < 0)
        return false;
    bool first = true;
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(selector, "matchLabels"), key, value)
    {
        buf_printf(b, first ? "%s=%s" : ",%s=%s", key, json_string_value(value));
        first = false;
    }
    size_t i;
    json_t *expression;
    json_array_foreach(json_object_get(selector, "matchExpressions"), i, expression)
    {
        if (!first)
            buf_append_char(b, ',');
        append_expression(b, expression);
        first = false;
    }
    return !b->overflowed;
}

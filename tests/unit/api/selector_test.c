#include "api/selector.h"
#include "check.h"

#define IN(key, values)     "{\"matchExpressions\":[{\"key\":\"" key "\",\"operator\":\"In\",\"values\":[" values "]}]}"
#define NOT_IN(key, values) "{\"matchExpressions\":[{\"key\":\"" key "\",\"operator\":\"NotIn\",\"values\":[" values "]}]}"
#define OP(key, operator)   "{\"matchExpressions\":[{\"key\":\"" key "\",\"operator\":\"" operator"\"}]}"

static json_t *json(const char *s)
{
    json_t *value = s ? json_loads(s, JSON_DECODE_ANY, NULL) : NULL;
    CHECK(value || !s);
    return value;
}

TEST(what_matches_what)
{
    static const struct {
        const char *sentence, *selector, *labels;
        bool matches;
        const char *query;
    } rows[] = {
        {"none matches nothing", NULL, "{\"app\":\"shop\"}", false, NULL},
        {"null matches nothing", "null", "{\"app\":\"shop\"}", false, NULL},
        {"an empty one matches everything", "{}", "{\"app\":\"shop\"}", true, ""},
        {"and what has no labels", "{}", NULL, true, ""},
        {"null members are absent", "{\"matchLabels\":null,\"matchExpressions\":null}", NULL, true, ""},
        {"a label", "{\"matchLabels\":{\"app\":\"shop\"}}", "{\"app\":\"shop\",\"x\":\"y\"}", true, "app=shop"},
        {"another value", "{\"matchLabels\":{\"app\":\"shop\"}}", "{\"app\":\"shop2\"}", false, "app=shop"},
        {"no labels", "{\"matchLabels\":{\"app\":\"shop\"}}", NULL, false, "app=shop"},
        {"all of two", "{\"matchLabels\":{\"a\":\"1\",\"b\":\"2\"}}", "{\"a\":\"1\",\"b\":\"2\"}", true, "a=1,b=2"},
        {"one of two is not enough", "{\"matchLabels\":{\"a\":\"1\",\"b\":\"2\"}}", "{\"a\":\"1\",\"b\":\"3\"}", false, "a=1,b=2"},
        {"an empty value", "{\"matchLabels\":{\"a\":\"\"}}", "{\"a\":\"\"}", true, "a="},
        {"In", IN("t", "\"a\",\"b\""), "{\"t\":\"b\"}", true, "t in (a,b)"},
        {"In, another", IN("t", "\"a\",\"b\""), "{\"t\":\"c\"}", false, "t in (a,b)"},
        {"In, absent", IN("t", "\"a\""), "{}", false, "t in (a)"},
        {"NotIn", NOT_IN("t", "\"a\""), "{\"t\":\"b\"}", true, "t notin (a)"},
        {"NotIn, one of them", NOT_IN("t", "\"a\""), "{\"t\":\"a\"}", false, "t notin (a)"},
        {"NotIn matches where it is absent", NOT_IN("t", "\"a\""), NULL, true, "t notin (a)"},
        {"Exists", OP("t", "Exists"), "{\"t\":\"\"}", true, "t"},
        {"Exists, absent", OP("t", "Exists"), "{}", false, "t"},
        {"DoesNotExist", OP("example.com/t", "DoesNotExist"), "{}", true, "!example.com/t"},
        {"DoesNotExist, there", OP("t", "DoesNotExist"), "{\"t\":\"x\"}", false, "!t"},
        {"labels and expressions together",
         "{\"matchLabels\":{\"app\":\"shop\"},\"matchExpressions\":[{\"key\":\"t\",\"operator\":\"Exists\"}]}",
         "{\"app\":\"shop\"}", false, "app=shop,t"},
        {"an invalid one matches nothing", OP("t", "Like"), "{\"t\":\"x\"}", false, NULL},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        json_t *selector = json(rows[i].selector), *labels = json(rows[i].labels);
        CHECK_INT(selector_matches(selector, labels), rows[i].matches);
        auto_buf struct buf b;
        buf_init(&b, 200);
        CHECK_INT(selector_append_query(&b, selector), rows[i].query != NULL);
        if (rows[i].query)
            CHECK_STR(buf_str(&b), rows[i].query);
        json_decref(selector);
        json_decref(labels);
    }
    CHECK_ROW(NULL);
}

TEST(what_is_wrong_is_named)
{
    static const struct {
        const char *selector, *text;
    } rows[] = {
        {"7", "spec.selector: must be an object"},
        {"{\"matchLabel\":{}}", "spec.selector: \"matchLabel\" is not a field of it; write matchLabels or matchExpressions"},
        {"{\"matchLabels\":[]}", "spec.selector.matchLabels: must be an object of strings"},
        {"{\"matchLabels\":{\"a b\":\"x\"}}", "spec.selector.matchLabels[a b]: \"a b\" is not a label key"},
        {"{\"matchLabels\":{\"A/b\":\"x\"}}", "is not a label key"},
        {"{\"matchLabels\":{\"/b\":\"x\"}}", "is not a label key"},
        {"{\"matchLabels\":{\"a/b/c\":\"x\"}}", "is not a label key"},
        {"{\"matchLabels\":{\"a\":7}}", "spec.selector.matchLabels[a]: must be a string"},
        {"{\"matchLabels\":{\"a\":\"x y\"}}", "\"x y\" is not a label value"},
        {"{\"matchLabels\":{\"a\":\"-x\"}}", "is not a label value"},
        {"{\"matchExpressions\":{}}", "spec.selector.matchExpressions: must be a list"},
        {"{\"matchExpressions\":[7]}", "spec.selector.matchExpressions[0]: must be an object"},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"op\":\"In\"}]}",
         "spec.selector.matchExpressions[0]: \"op\" is not a field of it; write key, operator or values"},
        {"{\"matchExpressions\":[{\"operator\":\"Exists\"}]}", "spec.selector.matchExpressions[0].key: must be a label key"},
        {OP("a", "Like"), "spec.selector.matchExpressions[0].operator: must be one of In, NotIn, Exists, DoesNotExist"},
        {OP("a", "In"), "spec.selector.matchExpressions[0].values: at least one is needed with the operator In"},
        {IN("a", ""), "values: at least one is needed with the operator In"},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\",\"values\":[\"x\"]}]}",
         "values: must be left out with the operator Exists"},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":\"x\"}]}", "values: must be a list of strings"},
        {IN("a", "\"ok\",7"), "spec.selector.matchExpressions[0].values[1]: is not a label value"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].selector);
        json_t *selector = json(rows[i].selector);
        struct error err = {0};
        CHECK_INT(selector_validate(selector, "spec.selector", &err), -1);
        CHECK_INT(err.class, ERROR_INVALID);
        CHECK_CONTAINS(err.text, rows[i].text);
        CHECK(!selector_matches(selector, NULL));
        json_decref(selector);
    }
    CHECK_INT(selector_validate(NULL, "f", NULL), 0);
    CHECK_ROW("a value of 63 bytes passes, one of 64 does not");
    for (int n = 63; n <= 64; n++) {
        char value[65] = {0};
        memset(value, 'v', (size_t)n);
        json_t *selector = json_pack("{s:{s:s}}", "matchLabels", "a", value);
        CHECK_INT(selector_validate(selector, "f", NULL), n == 63 ? 0 : -1);
        json_decref(selector);
    }
    CHECK_ROW(NULL);
}

int main(void)
{
    return check_run();
}

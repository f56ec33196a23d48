/* Any line to the agent: read, checked and answered. The params of every method and the spec of every probe are checked, too; nothing is
 * carried out. The second half of the input, after a NUL, is a text that is edited by each format. */
#include "edit.h"
#include "http_parse.h"
#include "methods/method.h"
#include "probe.h"

#include "base/str.h"

#include "fuzz.h"

static void check_refusal(const struct refusal *r)
{
    json_t *o = refusal_to_json(r);
    FUZZ_CHECK(o && json_string_value(json_object_get(o, "message")));
    json_decref(o);
}

static void try_methods(const json_t *params)
{
    for (size_t i = 0; method_at(i); i++) {
        struct refusal r = {0};
        if (method_at(i)->validate(params, &r) < 0)
            check_refusal(&r);
    }
}

static void try_probe(json_t *spec)
{
    static struct target target;
    struct refusal r = {0};
    struct probe_site site = {.target = &target, .in_target = true};
    struct probe *p = probe_new(&site, spec, &r);
    if (!p)
        check_refusal(&r);
    probe_free(p);
}

static void try_edits(const char *key, const char *text, size_t n)
{
    json_t *value = json_string("value: [x]");
    for (int i = 0; edit_formats[i]; i++)
        for (int operation = EDIT_SET; operation <= EDIT_REPLACE; operation++) {
            struct edit edit = {i, operation, key, operation == EDIT_DELETE ? NULL : value};
            struct refusal r = {0};
            auto_free char *after = NULL;
            size_t length = 0;
            if (edit_text(&edit, text, n, &after, &length, &r) == 0)
                FUZZ_CHECK(after && strlen(after) == length);
            else
                check_refusal(&r);
        }
    json_decref(value);
}

static void try_response(const char *text, size_t n)
{
    struct http_response p;
    struct error err = {0};
    http_response_init(&p, false);
    if (http_response_feed(&p, text, n, &err) == 0)
        http_response_end(&p, &err);
    FUZZ_CHECK(p.body.len <= HTTP_BODY_MAX);
    http_response_done(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 65536)
        return 0;
    auto_free char *line = fuzz_string(data, size);
    size_t n = strlen(line);
    json_t *body = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
    json_t *fault = json_object_get(body, "fault");
    try_methods(json_object_get(fault, "params"));
    if (json_object_get(body, "probe"))
        try_probe(json_object_get(body, "probe"));
    json_decref(body);
    const char *rest = n < size ? (const char *)data + n + 1 : (const char *)data + size;
    size_t left = size - (size_t)(rest - (const char *)data);
    auto_free char *key = mem_strndup(line, n < 64 ? n : 64);
    auto_free char *text = mem_alloc(left + 1);
    memcpy(text, rest, left);
    if (left)
        try_edits(key, text, left);
    try_response(text, left);
    return 0;
}

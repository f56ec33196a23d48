#include "kube/event.h"

#include "base/rfc3339.h"
#include "base/str.h"

#define FIELD_MAX          ((size_t)128)
#define NOTE_MAX           ((size_t)1024)
#define NAME_MAX_BYTES     ((size_t)253)
#define QUALIFIED_NAME_MAX ((size_t)63)
#define CONTROLLER_DEFAULT "drillyard.dev/controller"
#define ELLIPSIS           "…"

/* A JSON string of at most `max` bytes, cut between characters. What is not UTF-8 is replaced. */
static json_t *cut(const char *s, size_t max, const char *ellipsis)
{
    size_t n = strlen(s);
    if (n > max) {
        n = max - strlen(ellipsis);
        while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
            n--;
        auto_free char *text = mem_printf("%.*s%s", (int)n, s, ellipsis);
        json_t *value = json_string(text);
        return value ? value : cut("(not UTF-8)", max, "");
    }
    json_t *value = json_string(s);
    return value ? value : json_string("(not UTF-8)");
}

static void put(json_t *object, const char *key, const char *value)
{
    if (!str_empty(value))
        json_object_set_new(object, key, cut(value, NAME_MAX_BYTES, ""));
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* apimachinery pkg/util/validation, IsQualifiedName: "prefix/name", the prefix optional. */
static bool qualified(const char *s)
{
    const char *slash = strchr(s, '/'), *name = slash ? slash + 1 : s;
    size_t n = strlen(name);
    if (slash) {
        auto_free char *prefix = mem_strndup(s, (size_t)(slash - s));
        if (!str_is_dns_subdomain(prefix))
            return false;
    }
    if (!n || n > QUALIFIED_NAME_MAX || !name_char(name[0]) || !name_char(name[n - 1]))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!name_char(name[i]) && !strchr("-_.", name[i]))
            return false;
    return true;
}

static json_t *metadata(const struct event *e)
{
    char suffix[32], name[NAME_MAX_BYTES + 1];
    str_format(suffix, sizeof suffix, ".%llx", (unsigned long long)e->wall);
    size_t room = NAME_MAX_BYTES - strlen(suffix), n = str_empty(e->name) ? 0 : strnlen(e->name, room);
    while (n && !name_char(e->name[n - 1])) /* what stands before a dot must end alphanumeric */
        n--;
    str_format(name, sizeof name, "%.*s%s", (int)(n ? n : 7), n ? e->name : "unknown", suffix);
    json_t *meta = json_object();
    json_object_set_new(meta, "name", json_string(name));
    put(meta, "namespace", str_empty(e->ns) ? "default" : e->ns);
    return meta;
}

static json_t *regarding(const struct event *e)
{
    json_t *object = json_object();
    put(object, "apiVersion", e->api_version);
    put(object, "kind", e->kind);
    put(object, "namespace", e->ns);
    put(object, "name", e->name);
    put(object, "uid", e->uid);
    put(object, "resourceVersion", e->rv);
    return object;
}

json_t *event_body(const struct event *e)
{
    char when[RFC3339_SIZE];
    const char *reason = str_empty(e->reason) ? "Unknown" : e->reason;
    const char *controller = str_empty(e->controller) || !qualified(e->controller) ? CONTROLLER_DEFAULT : e->controller;
    json_t *body = json_object();
    put(body, "apiVersion", "events.k8s.io/v1");
    put(body, "kind", "Event");
    json_object_set_new(body, "metadata", metadata(e));
    put(body, "type", str_equal(e->type, "Warning") ? "Warning" : "Normal");
    put(body, "eventTime", rfc3339_format_micro(e->wall, when));
    json_object_set_new(body, "reason", cut(reason, FIELD_MAX, ""));
    json_object_set_new(body, "action", cut(str_empty(e->action) ? reason : e->action, FIELD_MAX, ""));
    if (!str_empty(e->note))
        json_object_set_new(body, "note", cut(e->note, NOTE_MAX, ELLIPSIS));
    json_object_set_new(body, "reportingController", json_string(controller));
    json_object_set_new(body, "reportingInstance", cut(str_empty(e->instance) ? "unknown" : e->instance, FIELD_MAX, ""));
    json_object_set_new(body, "regarding", regarding(e));
    return body;
}

json_t *event_series_patch(int count, usec_t wall)
{
    char when[RFC3339_SIZE];
    json_t *series = json_object(), *body = json_object();
    json_object_set_new(series, "count", json_integer(count < 2 ? 2 : count));
    json_object_set_new(series, "lastObservedTime", json_string(rfc3339_format_micro(wall, when)));
    json_object_set_new(body, "series", series);
    return body;
}

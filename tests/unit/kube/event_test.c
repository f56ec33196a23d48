#include "check.h"
#include "kube/event.h"

#include "base/str.h"

static const char *at(const json_t *root, const char *a, const char *b)
{
    const json_t *v = json_object_get(root, a);
    return json_string_value(b ? json_object_get(v, b) : v);
}

/* 2026-11-25T09:30:00.123456Z */
#define WALL ((usec_t)1795599000123456)

TEST(an_event_as_it_should_be)
{
    json_t *e = event_body(&(struct event){.type = "Warning",
                                           .reason = "RevertFailed",
                                           .action = "Revert",
                                           .note = "why",
                                           .wall = WALL,
                                           .instance = "pod-1",
                                           .controller = "drillyard.dev/controller",
                                           .api_version = "drillyard.dev/v1alpha1",
                                           .kind = "Drill",
                                           .ns = "team-a",
                                           .name = "shop-1",
                                           .uid = "u",
                                           .rv = "7"});
    CHECK_STR(at(e, "apiVersion", NULL), "events.k8s.io/v1");
    CHECK_STR(at(e, "kind", NULL), "Event");
    CHECK_STR(at(e, "type", NULL), "Warning");
    CHECK_STR(at(e, "reason", NULL), "RevertFailed");
    CHECK_STR(at(e, "action", NULL), "Revert");
    CHECK_STR(at(e, "note", NULL), "why");
    CHECK_STR(at(e, "eventTime", NULL), "2026-11-25T09:30:00.123456Z");
    CHECK_STR(at(e, "reportingController", NULL), "drillyard.dev/controller");
    CHECK_STR(at(e, "reportingInstance", NULL), "pod-1");
    CHECK_STR(at(e, "metadata", "namespace"), "team-a");
    CHECK(str_starts(at(e, "metadata", "name"), "shop-1."));
    CHECK_STR(at(e, "regarding", "kind"), "Drill");
    CHECK_STR(at(e, "regarding", "namespace"), "team-a");
    CHECK_STR(at(e, "regarding", "uid"), "u");
    CHECK_STR(at(e, "regarding", "resourceVersion"), "7");
    json_decref(e);
}

TEST(whatever_comes_is_cut_to_what_the_server_takes)
{
    auto_free char *longest = mem_alloc(5001);
    memset(longest, 'a', 5000);
    auto_free char *wide = mem_alloc(6001);
    for (int i = 0; i < 2000; i++)
        memcpy(wide + 3 * i, "\xe2\x82\xac", 3);
    auto_free char *dotted = mem_alloc(5001);
    memset(dotted, '.', 5000);
    const char *const values[] = {NULL, "", "x", longest, wide, "\xff\xfe", "a b/c", dotted, "two/sla/shes", "-bad"};
    for (size_t i = 0; i < array_len(values); i++) {
        const char *v = values[i];
        json_t *e = event_body(&(struct event){.type = v,
                                               .reason = v,
                                               .action = v,
                                               .note = v,
                                               .wall = WALL,
                                               .instance = v,
                                               .controller = v,
                                               .api_version = v,
                                               .kind = v,
                                               .ns = NULL,
                                               .name = v,
                                               .uid = v,
                                               .rv = v});
        CHECK_STR(at(e, "type", NULL), "Normal");
        static const char *const short_fields[] = {"reason", "action", "reportingInstance"};
        for (size_t f = 0; f < array_len(short_fields); f++) {
            const char *value = at(e, short_fields[f], NULL);
            CHECK(value && *value && strlen(value) <= 128);
        }
        const char *note = at(e, "note", NULL);
        CHECK(str_empty(v) ? !note : note && strlen(note) <= 1024);
        const char *name = at(e, "metadata", "name");
        CHECK(name && strlen(name) <= 253 && name[0] != '.');
        CHECK(strlen(at(e, "reportingController", NULL)) <= 317);
        CHECK_STR(at(e, "metadata", "namespace"), "default"); /* cluster-scoped */
        CHECK_STR(at(e, "regarding", "namespace"), NULL);
        json_decref(e);
    }
    json_t *e = event_body(&(struct event){.note = longest, .controller = "a b"});
    CHECK(str_ends(at(e, "note", NULL), "…"));
    CHECK_STR(at(e, "reportingController", NULL), "drillyard.dev/controller");
    json_decref(e);
}

TEST(a_series_counts_from_two)
{
    json_t *patch = event_series_patch(1, WALL), *more = event_series_patch(7, WALL);
    CHECK_INT(json_integer_value(json_object_get(json_object_get(patch, "series"), "count")), 2);
    CHECK_INT(json_integer_value(json_object_get(json_object_get(more, "series"), "count")), 7);
    CHECK_STR(at(more, "series", "lastObservedTime"), "2026-11-25T09:30:00.123456Z");
    json_decref(patch);
    json_decref(more);
}

int main(void)
{
    return check_run();
}

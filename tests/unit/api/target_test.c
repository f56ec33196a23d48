#include "api/target.h"
#include "check.h"
#include "fixture.h"

#define TARGET                                                                                                                     \
    "{'metadata': {'name': 'shop', 'namespace': 'team-a'}, 'spec': {'selector': {'matchLabels': {'app': 'shop'}}, 'facets': {"     \
    "'config': {'path': '/etc/c.yaml', 'format': 'YAML', 'reload': {'signal': 'HUP', 'match': '$(target.process.match)'}},"        \
    "'api': {'port': 8080, 'path': '/items', 'service': 'shop'}, 'binaries': ['ffmpeg'], 'slo': {'latencyP95': '500ms', "          \
    "'errorRate': 0.01},"                                                                                                          \
    "'heartbeat': {'file': {'path': '/tmp/hb'}}, 'caches': ['$(target.caches)']}}}"

TEST(a_target_is_read_with_its_defaults)
{
    auto_fixture json_t *object = fixture(TARGET);
    auto_target struct target t = {0};
    struct error err = {0};
    CHECK_INT(target_decode(object, &t, &err), 0);
    CHECK_STR(err.text, "");
    CHECK_STR(t.agent, "Sidecar");
    CHECK_INT(t.watch_pods, 10);
    CHECK_INT(t.max_pods, 1);
    CHECK_INT(t.snapshot_every, 10 * USEC_MINUTE);
    CHECK_INT(t.snapshot_keep, 3);
    CHECK(t.container == NULL && t.health == NULL && t.windows == NULL);
}

TEST(a_bad_target_is_refused_with_the_field)
{
    static const struct {
        const char *sentence, *parent, *key, *value, *want;
    } rows[] = {
        {"an empty selector", "spec", "selector", "{}", "spec.selector is empty"},
        {"a selector that is none", "spec.selector", "matchExpressions", "[{'key': 'a', 'operator': 'Like'}]",
         "spec.selector.matchExpressions[0]"},
        {"an agent nobody knows", "spec", "agent", "'DaemonSet'", "write Sidecar or Ephemeral"},
        {"too many watched pods", "spec", "watchPods", "101", "spec.watchPods: 101"},
        {"a share of more than all", "spec.safety", "maxPods", "'130%'", "spec.safety.maxPods: \"130%\""},
        {"no pod at all", "spec.safety", "maxPods", "0", "spec.safety.maxPods: 0"},
        {"a snapshot interval", "spec.snapshots", "every", "'often'", "spec.snapshots.every: \"often\""},
        {"U+0000 in a text", "spec.facets", "binaries", "['ffmpeg', 'a\\u0000b']", "spec.facets.binaries[1]: \"a\\u0000b\" holds"},
        {"a log that is neither", "spec.facets", "logs", "'Stderr'", "write Stdout, or {path:"},
        {"a health probe of no kind", "spec.facets", "health", "[{'name': 'x'}]", "spec.facets.health[0] has no kind"},
        {"a stop condition", "spec.safety", "stopWhen", "[{'name': 'x', 'probe': {}}]",
         "spec.safety.stopWhen[0].probe has no kind"},
        {"a share of the pods is fine", "spec.safety", "maxPods", "'30%'", NULL},
        {"a log file is fine", "spec.facets", "logs", "{'path': '/var/log/x'}", NULL},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_fixture json_t *object = fixture(TARGET);
        json_object_set_new(json_make(object, rows[i].parent), rows[i].key, fixture(rows[i].value));
        auto_target struct target t = {0};
        struct error err = {0};
        CHECK_INT(target_decode(object, &t, &err), rows[i].want ? -1 : 0);
        if (rows[i].want)
            CHECK_CONTAINS(err.text, rows[i].want);
    }
}

TEST(references_are_resolved_or_say_which_facet_is_missing)
{
    static const struct {
        const char *sentence, *value, *want;
        enum error_class class;
        const char *text;
    } rows[] = {
        {"a whole reference becomes the value it names", "'$(target.api.port)'", "8080", 0, NULL},
        {"a facet object", "{'ref': '$(target.api)'}", "{\"ref\":{\"path\":\"/items\",\"port\":8080,\"service\":\"shop\"}}", 0,
         NULL},
        {"a list", "'$(target.binaries)'", "[\"ffmpeg\"]", 0, NULL},
        {"within a text", "['http://x:$(target.api.port)$(target.api.path)?n=$(target.name)']", "[\"http://x:8080/items?n=shop\"]",
         0, NULL},
        {"two that fill a text", "'$(target.name)$(target.namespace)'", "\"shopteam-a\"", 0, NULL},
        {"its own name", "'$(target.namespace)'", "\"team-a\"", 0, NULL},
        {"what is no reference stays", "[1, true, null, '$x', '(target)']", "[1,true,null,\"$x\",\"(target)\"]", 0, NULL},
        {"a default in a facet that leads nowhere is left out", "'$(target.config)'",
         "{\"format\":\"YAML\",\"path\":\"/etc/c.yaml\",\"reload\":{\"signal\":\"HUP\"}}", 0, NULL},
        {"a missing facet", "{'a': [{'b': '$(target.queue)'}]}", NULL, ERROR_NOT_FOUND,
         "f.a[0].b: target shop has no facet queue; set spec.facets.queue there"},
        {"a missing member", "'$(target.config.key)'", NULL, ERROR_NOT_FOUND,
         "facet config of target shop has no key; set spec.facets.config.key"},
        {"an object within a text", "'x $(target.api)'", NULL, ERROR_INVALID, "not a single value"},
        {"a reference to elsewhere", "'$(card.id)'", NULL, ERROR_INVALID, "is not a reference to a facet"},
        {"one that is not closed", "'$(target.api'", NULL, ERROR_INVALID, "is not a reference to a facet"},
        {"a circle ends", "'$(target.caches)'", NULL, ERROR_INVALID, "refers to itself"},
    };
    auto_fixture json_t *object = fixture(TARGET);
    auto_target struct target t = {0};
    CHECK_INT(target_decode(object, &t, NULL), 0);
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_fixture json_t *value = fixture(rows[i].value);
        struct error err = {0};
        auto_fixture json_t *got = target_resolve(&t, value, "f", &err);
        auto_free char *text = got ? json_text(got) : NULL;
        CHECK_STR(text, rows[i].want);
        CHECK_INT(err.class, rows[i].class);
        if (rows[i].text)
            CHECK_CONTAINS(err.text, rows[i].text);
    }
}

/* One object must not take all memory from the others. */
TEST(references_that_multiply_are_refused)
{
    auto_fixture json_t *object = fixture("{'metadata': {'name': 'shop', 'namespace': 'a'}, 'spec': {'selector': {'matchLabels': {"
                                          "'app': 'shop'}}, 'facets': {'queue': {'exec': {}}, 'process': {}}}}");
    json_t *lists[] = {json_array(), json_array(), json_array()};
    for (int i = 0; i < 64; i++) {
        json_array_append_new(lists[0], json_string("$(target.queue.exec.depth)"));
        json_array_append_new(lists[1], json_string("$(target.process.restartCommand)"));
        json_array_append_new(lists[2], json_string("x"));
    }
    json_put(json_make(object, "spec.facets.queue.exec"), "push", lists[0]);
    json_put(json_make(object, "spec.facets.queue.exec"), "depth", lists[1]);
    json_put(json_make(object, "spec.facets.process"), "restartCommand", lists[2]);
    auto_target struct target t = {0};
    auto_fixture json_t *fine = fixture("'$(target.process.restartCommand)'"), *much = fixture("'$(target.queue.exec.push)'");
    struct error err = {0};
    CHECK_INT(target_decode(object, &t, &err), 0);
    json_t *resolved = target_resolve(&t, fine, "f", &err);
    CHECK_INT(json_array_size(resolved), 64);
    json_decref(resolved);
    CHECK(!target_resolve(&t, much, "f", &err));
    CHECK_CONTAINS(err.text, "stand for more than");
}

int main(void)
{
    return check_run();
}

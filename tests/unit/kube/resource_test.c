#include "check.h"
#include "kube/resource.h"

#include "base/str.h"

TEST(paths)
{
    static const struct {
        struct resource resource;
        const char *ns, *name, *sub, *path;
    } rows[] = {
        {{NULL, "v1", "pods"}, "a", "b", "exec", "/api/v1/namespaces/a/pods/b/exec"},
        {{"", "v1", "configmaps"}, NULL, NULL, NULL, "/api/v1/configmaps"},
        {{"drillyard.dev", "v1alpha1", "drills"}, "a", "b", "status", "/apis/drillyard.dev/v1alpha1/namespaces/a/drills/b/status"},
        {{"drillyard.dev", "v1alpha1", "drills"}, NULL, NULL, NULL, "/apis/drillyard.dev/v1alpha1/drills"},
        {{NULL, "v1", "namespaces"}, NULL, "a/../b", NULL, "/api/v1/namespaces/a%2F..%2Fb"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        auto_buf struct buf b;
        buf_init(&b, RESOURCE_PATH_MAX);
        CHECK(resource_add_path(&b, &rows[i].resource, rows[i].ns, rows[i].name, rows[i].sub));
        CHECK_STR(buf_str(&b), rows[i].path);
    }
    auto_buf struct buf small;
    buf_init(&small, 10);
    CHECK(!resource_add_path(&small, &rows[0].resource, "a", "b", NULL));
}

TEST(queries)
{
    auto_buf struct buf b;
    buf_init(&b, RESOURCE_PATH_MAX);
    buf_append_str(&b, "/p");
    CHECK(resource_add_list(&b, &(struct resource_list){0}));
    CHECK_STR(buf_str(&b), "/p");
    CHECK(resource_add_list(&b, &(struct resource_list){.label_selector = "a=b", .resource_version = "7", .limit = 500}));
    CHECK_STR(buf_str(&b), "/p?labelSelector=a%3Db&resourceVersion=7&resourceVersionMatch=NotOlderThan&limit=500");
    buf_reset(&b);
    CHECK(resource_add_list(&b,
                            &(struct resource_list){.field_selector = "metadata.name=x", .resource_version = "7", .exact = true}));
    CHECK_STR(buf_str(&b), "?fieldSelector=metadata.name%3Dx&resourceVersion=7&resourceVersionMatch=Exact");
    buf_reset(&b);
    CHECK(resource_add_list(&b, &(struct resource_list){.limit = 1, .continued = "a+b="}));
    CHECK_STR(buf_str(&b), "?limit=1&continue=a%2Bb%3D");
    buf_reset(&b);
    CHECK(resource_add_watch(&b, &(struct resource_watch){.resource_version = "7", .timeout_seconds = 300}));
    CHECK_STR(buf_str(&b), "?watch=1&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds=300");
    buf_reset(&b);
    CHECK(resource_add_watch(&b, &(struct resource_watch){.initial_events = true}));
    CHECK_STR(buf_str(&b), "?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
}

int main(void)
{
    return check_run();
}

#include "api/pod.h"
#include "check.h"
#include "fixture.h"

#define POD                                                                                                                        \
    "{'metadata': {'name': 'shop-1', 'namespace': 'a', 'uid': 'u', 'creationTimestamp': '2025-12-31T23:00:00Z', "                  \
    "'resourceVersion': '5', 'labels': {'app': 'shop'}, "                                                                          \
    "'managedFields': [1],"                                                                                                        \
    "'annotations': {'kubectl.kubernetes.io/default-container': 'app', 'secret': 'x'},"                                            \
    "'ownerReferences': [{'kind': 'Other', 'name': 'o'}, {'kind': 'ReplicaSet', 'name': 'shop-rs', 'controller': true}]},"         \
    "'spec': {'nodeName': 'n1', 'containers': [{'name': 'side', 'image': 'i', 'env': []}, {'name': 'app'}], 'initContainers': "    \
    "[{'name': 'drill-injector'}]},"                                                                                               \
    "'status': {'phase': 'Running', 'podIP': '10.0.0.1', 'initContainerStatuses': [{'name': 'drill-injector', 'ready': true, "     \
    "'restartCount': 0,"                                                                                                           \
    "'containerID': 'c://0', 'state': {'running': {'startedAt': '2026-01-01T00:00:00Z'}}}], 'containerStatuses': ["                \
    "{'name': 'side', 'ready': true, 'restartCount': 0}, {'name': 'app', 'ready': true, 'restartCount': 3, 'containerID': "        \
    "'c://1',"                                                                                                                     \
    "'state': {'running': {'startedAt': '2026-01-01T00:00:00Z'}},"                                                                 \
    "'lastState': {'terminated': {'reason': 'OOMKilled', 'exitCode': 137, 'finishedAt': '2025-12-31T23:59:59Z'}}}]}}"

TEST(a_pod_is_reduced_to_what_drills_need)
{
    auto_fixture json_t *pod = fixture(POD), *reduced = pod_reduce(pod);
    CHECK_STR(json_str(reduced, "metadata.uid", ""), "u");
    CHECK(json_at(reduced, "metadata.managedFields") == NULL);
    CHECK_INT(json_object_size(json_at(reduced, "metadata.annotations")), 1);
    CHECK_INT(json_object_size(json_array_get(json_at(reduced, "spec.containers"), 0)), 1);
    const json_t *app = json_array_get(json_at(reduced, "status.containers"), 2);
    CHECK_STR(json_str(app, "terminated.reason", ""), "OOMKilled");
    CHECK_STR(json_str(app, "terminated.at", ""), "2025-12-31T23:59:59Z");
    CHECK_STR(json_str(app, "started", ""), "2026-01-01T00:00:00Z");

    auto_pod struct pod p = {0};
    pod_decode(reduced, &p);
    CHECK_INT(p.meta.created_at / USEC_SEC, 1767222000); /* rollouts are told by it */
    CHECK_STR(p.owner_kind, "ReplicaSet");
    CHECK_STR(p.owner_name, "shop-rs");
    CHECK(p.has_agent && p.agent_ready && p.ready);
    CHECK_STR(pod_container(&p, NULL), "app");
    CHECK_STR(pod_container(&p, "side"), "side");
    CHECK(pod_container(&p, "none") == NULL);
    CHECK_INT(pod_restarts(&p, "app"), 3);
    CHECK_INT(pod_restarts(&p, "none"), -1);
}

TEST(a_pod_is_ready_when_all_that_is_no_sidecar_is)
{
    static const struct {
        const char *sentence, *reduced;
        bool ready, has_agent, agent_ready;
    } rows[] = {
        {"all ready",
         "{'spec': {'containers': [{'name': 'app'}]}, 'status': {'phase': 'Running', 'containers': [{'name': 'app', 'ready': "
         "true}]}}",
         true, false, false},
        {"an agent that is not ready does not matter",
         "{'spec': {'containers': [{'name': 'app'}]}, 'status': {'phase': 'Running', 'containers': [{'name': 'app', 'ready': true},"
         "{'name': 'drill-injector', 'started': 'x', 'ready': false}]}}",
         true, true, false},
        {"an agent that does not run",
         "{'spec': {'containers': [{'name': 'app'}]}, 'status': {'phase': 'Running', 'containers': [{'name': 'app', 'ready': "
         "true}, {'name': 'drill-injector'}]}}",
         true, false, false},
        {"a container without a status", "{'spec': {'containers': [{'name': 'app'}]}, 'status': {'phase': 'Running'}}", false,
         false, false},
        {"being deleted",
         "{'metadata': {'deletionTimestamp': 'x'}, 'spec': {'containers': [{'name': 'app'}]}, 'status': {'phase': 'Running', "
         "'containers': [{'name': 'app', 'ready': true}]}}",
         false, false, false},
        {"pending",
         "{'spec': {'containers': [{'name': 'app'}]}, 'status': {'phase': 'Pending', 'containers': [{'name': 'app', 'ready': "
         "true}]}}",
         false, false, false},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        auto_fixture json_t *reduced = fixture(rows[i].reduced);
        auto_pod struct pod p = {0};
        pod_decode(reduced, &p);
        CHECK_ROW(rows[i].sentence);
        CHECK_INT(p.ready, rows[i].ready);
        CHECK_INT(p.has_agent, rows[i].has_agent);
        CHECK_INT(p.agent_ready, rows[i].agent_ready);
    }
}

int main(void)
{
    return check_run();
}

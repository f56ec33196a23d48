"""What a thief tries with the controller's token: one plain request each, and what the API server must answer.

A row is (what, verb, path, body, answer). DENIED: 403, or 422 where an admission policy of the chart says no. Anything else is on the short
list of controller/README.md, section "What its token can do", in the words of `what`."""
import http.client
import json
import ssl
import base64
import urllib.parse

DENIED = "denied"
MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
CORE, APPS, RBAC, DRILL = "/api/v1", "/apis/apps/v1", "/apis/rbac.authorization.k8s.io/v1", "/apis/drillyard.dev/v1alpha1"
SERVE = "&".join(f"command={urllib.parse.quote(word)}" for word in ("/drillyard/bin/drill-injector", "serve"))


class Thief:
    """The cluster as a kubeconfig has it, with the token in place of the caller's rights."""

    def __init__(self, view):
        cluster, self.token = view["clusters"][0]["cluster"], view["users"][0]["user"]["token"]
        server = urllib.parse.urlparse(cluster["server"])
        trusted = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        self.connection = http.client.HTTPSConnection(server.hostname, server.port, context=trusted, timeout=20)

    def ask(self, verb, path, body=None, **more):
        """(status, what it says)."""
        content = {"PATCH": MERGE}.get(verb, "application/json")
        if isinstance(body, tuple):
            content, body = body
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json", "Content-Type": content, **more}
        self.connection.request(verb, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")


def thing(api, kind, name, **rest):
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **rest}


def execs(bed):
    def path(namespace, pod, query, sub="exec"):
        return f"{CORE}/namespaces/{namespace}/pods/{pod}/{sub}?{query}"

    return [
        ("run drill-injector serve in a pod of an opted-in namespace", "GET", path(bed.ns, bed.pod, f"container=app&stdin=1&{SERVE}"), None, 400),
        ("exec a shell", "GET", path(bed.ns, bed.pod, "container=app&stdout=1&command=sh"), None, DENIED),
        ("exec a shell, by POST", "POST", path(bed.ns, bed.pod, "container=app&stdout=1&command=sh"), None, DENIED),
        ("exec serve with another folder", "GET", path(bed.ns, bed.pod, f"stdin=1&{SERVE}&command=--dir&command=/tmp"), None, DENIED),
        ("exec no command at all", "GET", path(bed.ns, bed.pod, "container=app&stdin=1"), None, DENIED),
        ("exec serve where nobody opted in", "GET", path(bed.off, "bystander", f"stdin=1&{SERVE}"), None, DENIED),
        ("exec serve in a namespace it knows nothing of", "GET", path(bed.alien, "bystander", f"stdin=1&{SERVE}"), None, DENIED),
        ("exec serve in its own namespace", "GET", path(bed.system, "any", f"stdin=1&{SERVE}"), None, DENIED),
        ("exec serve in kube-system", "GET", path("kube-system", "any", f"stdin=1&{SERVE}"), None, DENIED),
        ("attach", "GET", path(bed.ns, bed.pod, "container=app", "attach"), None, DENIED),
        ("forward a port", "GET", path(bed.ns, bed.pod, "ports=8080", "portforward"), None, DENIED),
        ("use a pod as a proxy", "GET", path(bed.ns, f"{bed.pod}:8080", "", "proxy/"), None, DENIED),
        ("use a service as a proxy", "GET", f"{CORE}/namespaces/{bed.ns}/services/shop:80/proxy/", None, DENIED),
        ("use a node as a proxy", "GET", f"{CORE}/nodes/any/proxy/pods", None, DENIED),
        ("read a pod's log", "GET", path(bed.ns, bed.pod, "", "log"), None, DENIED),
    ]


def secrets_and_tokens(bed):
    return [
        *[(f"list secrets of {place}", "GET", f"{CORE}/namespaces/{name}/secrets", None, DENIED)
          for place, name in (("the drilled namespace", bed.ns), ("its own namespace", bed.system), ("kube-system", "kube-system"))],
        ("list all secrets", "GET", f"{CORE}/secrets", None, DENIED),
        ("make a secret", "POST", f"{CORE}/namespaces/{bed.ns}/secrets", thing("v1", "Secret", "mine"), DENIED),
        ("ask for another account's token", "POST", f"{CORE}/namespaces/{bed.ns}/serviceaccounts/default/token", {}, DENIED),
        ("ask for a longer token of its own", "POST", f"{CORE}/namespaces/{bed.system}/serviceaccounts/drillyard-controller/token", {}, DENIED),
        ("make a service account", "POST", f"{CORE}/namespaces/{bed.ns}/serviceaccounts", thing("v1", "ServiceAccount", "mine"), DENIED),
        ("bind itself to a role", "POST", f"{RBAC}/namespaces/{bed.ns}/rolebindings", thing("rbac.authorization.k8s.io/v1", "RoleBinding", "mine", roleRef={
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}), DENIED),
        ("bind itself to cluster-admin", "POST", f"{RBAC}/clusterrolebindings", thing("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "mine", roleRef={
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}), DENIED),
        ("make a role", "POST", f"{RBAC}/namespaces/{bed.ns}/roles", thing("rbac.authorization.k8s.io/v1", "Role", "mine", rules=[]), DENIED),
        ("widen its own role", "PATCH", f"{RBAC}/namespaces/{bed.ns}/roles/drillyard-controller", {"rules": [{
            "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}, DENIED),
        ("unbind the policy that fences it", "DELETE",
         f"/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/drillyard-{bed.system}-exec", None, DENIED),
        ("list the policies that fence it", "GET", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies", None, DENIED),
        ("change a CRD", "PATCH", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/drills.drillyard.dev", {"metadata": {"labels": {"a": "b"}}}, DENIED),
    ]


def pods_and_workloads(bed):
    pod, shop = f"{CORE}/namespaces/{bed.ns}/pods/{bed.pod}", f"{APPS}/namespaces/{bed.ns}/deployments/shop"
    container = {"name": "app", "image": "drillyard/sample-shop:0.1.0"}
    return [
        ("list the pods of the namespaces it works in", "GET", f"{CORE}/namespaces/{bed.ns}/pods", None, 200),
        ("restart a workload", "PATCH", shop + "?dryRun=All", (STRATEGIC, {"spec": {"template": {"metadata": {"annotations": {
            "kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}}}}}), 200),
        ("scale a workload", "PATCH", shop + "/scale?dryRun=All", {"spec": {"replicas": 3}}, 200),
        ("read a service by name", "GET", f"{CORE}/namespaces/{bed.ns}/services/shop", None, 200),
        ("list pods of another namespace", "GET", f"{CORE}/namespaces/{bed.alien}/pods", None, DENIED),
        ("list all pods", "GET", f"{CORE}/pods", None, DENIED),
        ("make a pod", "POST", f"{CORE}/namespaces/{bed.ns}/pods", thing("v1", "Pod", "mine", spec={"containers": [container]}), DENIED),
        ("delete a pod", "DELETE", pod, None, DENIED),
        ("evict a pod", "POST", pod + "/eviction", thing("policy/v1", "Eviction", bed.pod), DENIED),
        ("change a pod", "PATCH", pod, {"metadata": {"labels": {"a": "b"}}}, DENIED),
        ("add an ephemeral container", "PATCH", pod + "/ephemeralcontainers", {"spec": {"ephemeralContainers": [container]}}, DENIED),
        ("make a deployment", "POST", f"{APPS}/namespaces/{bed.ns}/deployments", thing("apps/v1", "Deployment", "mine"), DENIED),
        ("make a daemon set", "POST", f"{APPS}/namespaces/{bed.ns}/daemonsets", thing("apps/v1", "DaemonSet", "mine"), DENIED),
        ("make a job", "POST", f"/apis/batch/v1/namespaces/{bed.ns}/jobs", thing("batch/v1", "Job", "mine"), DENIED),
        ("delete a workload", "DELETE", shop, None, DENIED),
        ("delete a workload by giving it an owner that is not there", "PATCH", shop, {"metadata": {"ownerReferences": [{
            "apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "00000000-0000-0000-0000-000000000000"}]}}, DENIED),
        ("hold a workload with a finalizer", "PATCH", shop, {"metadata": {"finalizers": ["example.com/mine"]}}, DENIED),
        ("relabel a workload", "PATCH", shop, {"metadata": {"labels": {"a": "b"}}}, DENIED),
        ("change a workload's image", "PATCH", shop, (STRATEGIC, {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "evil"}]}}}}), DENIED),
        ("change a workload's pod labels", "PATCH", shop, (STRATEGIC, {"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}}), DENIED),
        ("annotate a workload's pods otherwise", "PATCH", shop, (STRATEGIC, {"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}}), DENIED),
        ("pause a workload's roll-outs", "PATCH", shop, {"spec": {"paused": True}}, DENIED),
        ("change its own deployment", "PATCH", f"{APPS}/namespaces/{bed.system}/deployments/drillyard-controller", {"spec": {"replicas": 9}}, DENIED),
    ]


def places(bed):
    return [
        ("list namespaces and their labels", "GET", f"{CORE}/namespaces", None, 200),
        ("opt a namespace in", "PATCH", f"{CORE}/namespaces/{bed.off}", {"metadata": {"labels": {"drillyard.dev/drills": "enabled"}}}, DENIED),
        ("make a namespace", "POST", f"{CORE}/namespaces", thing("v1", "Namespace", "mine"), DENIED),
        ("delete a namespace", "DELETE", f"{CORE}/namespaces/{bed.off}", None, DENIED),
        ("list nodes", "GET", f"{CORE}/nodes", None, DENIED),
        ("read the election's Lease", "GET", f"/apis/coordination.k8s.io/v1/namespaces/{bed.system}/leases/drillyard-controller", None, 200),
        ("change another Lease", "PATCH", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler", {"spec": {"holderIdentity": "me"}}, DENIED),
        ("delete the election's Lease", "DELETE", f"/apis/coordination.k8s.io/v1/namespaces/{bed.system}/leases/drillyard-controller", None, DENIED),
    ]


def records(bed):
    def maps(namespace, name=""):
        return f"{CORE}/namespaces/{namespace}/configmaps" + (f"/{name}" if name else "")

    ledger = maps(bed.ns, "drill-ledger-000900")  # {"data": {"a": "b"}}
    return [
        ("read the ConfigMaps of the namespaces it works in", "GET", maps(bed.ns), None, 200),
        ("append to the ledger", "PATCH", ledger, {"data": {"c": "d"}}, 200),
        ("set the global stop", "POST", maps(bed.ns) + "?dryRun=All", thing("v1", "ConfigMap", "drillyard-stop"), 201),
        ("read another namespace's ledger", "GET", maps(bed.alien, "drill-ledger-000001"), None, DENIED),
        ("write another namespace's ledger", "PATCH", maps(bed.alien, "drill-ledger-000001"), {"data": {"a": "c"}}, DENIED),
        ("delete the ledger", "DELETE", ledger, None, DENIED),
        ("delete the ledger by giving it an owner that is not there", "PATCH", ledger, {"metadata": {"ownerReferences": [{
            "apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "00000000-0000-0000-0000-000000000000"}]}}, DENIED),
        ("alter a record of the ledger", "PATCH", ledger, {"data": {"a": "c"}}, DENIED),
        ("take a record out of the ledger", "PATCH", ledger, {"data": {"a": None}}, DENIED),
        ("write another ConfigMap", "PATCH", maps(bed.ns, "kube-root-ca.crt"), {"data": {"a": "b"}}, DENIED),
        ("make another ConfigMap", "POST", maps(bed.ns), thing("v1", "ConfigMap", "mine"), DENIED),
        ("read the cluster's ConfigMaps", "GET", maps("kube-system"), None, DENIED),
    ]


def own_kinds(bed):
    def path(plural, name="", namespace=None):
        return f"{DRILL}/namespaces/{namespace or bed.ns}/{plural}" + (f"/{name}" if name else "")

    probe = {"probe": {"exec": {"command": ["id"]}}, "fires": "WhenFalse"}
    return [
        ("make a drill from what is there", "POST", path("drills"), thing("drillyard.dev/v1alpha1", "Drill", "thefts", spec={
            "card": "none", "target": "none", "dryRun": True}), 201),
        ("write events", "POST", f"/apis/events.k8s.io/v1/namespaces/{bed.ns}/events?dryRun=All", {
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "thefts"}, "eventTime": "2026-01-01T00:00:00.000000Z", "action": "Try",
            "reason": "Theft", "reportingController": "drillyard", "reportingInstance": "x", "type": "Normal",
            "regarding": {"apiVersion": "v1", "kind": "Namespace", "name": bed.ns, "namespace": bed.ns}}, 201),
        ("make a drill elsewhere", "POST", path("drills", namespace=bed.alien), thing("drillyard.dev/v1alpha1", "Drill", "mine", spec={
            "card": "none", "target": "none"}), DENIED),
        ("write a trigger with a command", "POST", path("triggers"), thing("drillyard.dev/v1alpha1", "Trigger", "mine", spec=probe), DENIED),
        ("write a card", "POST", path("chaoscards"), thing("drillyard.dev/v1alpha1", "ChaosCard", "mine"), DENIED),
        ("write a playbook", "POST", path("playbooks"), thing("drillyard.dev/v1alpha1", "Playbook", "mine"), DENIED),
        ("change a target", "PATCH", path("drilltargets", "shop"), {"spec": {"container": "other"}}, DENIED),
        ("delete a target", "DELETE", path("drilltargets", "shop"), None, DENIED),
        ("write a schedule", "POST", path("drillschedules"), thing("drillyard.dev/v1alpha1", "DrillSchedule", "mine"), DENIED),
    ]


def all_of(bed):
    return [row for part in (execs, secrets_and_tokens, pods_and_workloads, places, records, own_kinds) for row in part(bed)]

#!/usr/bin/env python3
"""The chart, as people use it: lint, install, upgrade, two replicas, uninstall; its values; and the rendered manifest without helm."""
import json
import os
import time

from lib import CHART, ROOT, Bed, Failure, check, condition, get, helm, items, kubectl, main, must, run, test, wait

CATALOG_SIZE = {"chaoscards": 4, "triggers": 4, "playbooks": 4}


class InstallBed(Bed):
    """Nothing is installed yet but the namespaces; the system's is restricted, as Bed makes it."""

    def __init__(self):
        super().__init__(shop=False, controller=False)

    def remove(self):
        super().remove()
        # The CRDs are kept, and so would be whose they were: another installation could not take them over.
        for crd in json.loads(kubectl("get", "crds", "-l", "app.kubernetes.io/part-of=drillyard", "-o", "json"))["items"]:
            if crd["metadata"].get("annotations", {}).get("meta.helm.sh/release-namespace") == self.system:
                kubectl("annotate", "crd", crd["metadata"]["name"], "meta.helm.sh/release-name-", "meta.helm.sh/release-namespace-")


def controllers(bed, count):
    def look():
        rows = items(bed.system, "pods", "-l", "app.kubernetes.io/name=drillyard")
        rows = [row for row in rows if not row["metadata"].get("deletionTimestamp")]
        ready = [row["metadata"]["name"] for row in rows if condition(row, "Ready").get("status") == "True"]
        return len(rows) == len(ready) == count, [row["metadata"]["name"] for row in rows]

    return wait(f"{count} controllers ready, and no other", look, 40)


def leaders(bed, pods):
    """Those that say that they lead, asked one by one."""
    answers = {pod: kubectl("get", "--raw", f"/api/v1/namespaces/{bed.system}/pods/{pod}:8080/proxy/readyz").strip() for pod in pods}
    return [pod for pod, answer in answers.items() if answer == "ok, leading"], answers


def catalog(bed):
    return {(kind, row["metadata"]["name"]): row["metadata"]["uid"] for kind in CATALOG_SIZE for row in items(bed.system, kind)}


@test("helm lint finds nothing")
def lint(bed):
    out = must(["helm", "lint", "--strict", CHART, "--set", "namespaces={team-a}"])
    check("0 chart(s) failed" in out and "WARNING" not in out, "nothing found", out)


@test("values that make no sense are refused, and the message says where")
def schema(bed):
    for value, words in {
        "replicas=0": "/replicas", "replicas=many": "/replicas", "namespaces={Team_A}": "/namespaces/0", "namespace=team-a": "namespace",
        "controller.logLevel=loud": "/controller/logLevel", "controller.lease=soon": "/controller/lease",
        "controller.lease=1s": "/controller/lease", "controller.lease=601s": "/controller/lease", "controller.lease=11m": "/controller/lease",
        "sidecar.injection=Always": "/sidecar/injection",
        "image.pullPolicy=Sometimes": "/image/pullPolicy", "service.port=0": "/service/port",
    }.items():
        result = run(["helm", "template", "drillyard", CHART, "--set", value])
        check(result.code != 0 and words.strip("/") in result.err.replace("/", ".").replace(words.strip("/").replace("/", "."), words.strip("/")),
              f"--set {value} refused, naming {words}", str(result))


@test("helm install with the CRDs: the pod runs in a restricted namespace, and NOTES say what to do next")
def installed(bed):
    bed.values = [value for value in bed.values if not value.startswith("crds.")]
    began = time.time()
    out = helm("install", "drillyard", CHART, "-n", bed.system, *bed.helm_values(), "--take-ownership", "--wait", "--timeout", "90s")
    took = time.time() - began
    for words in (bed.ns, "drillyard.dev/drills=enabled", "drillyard.dev/agent=enabled", "drillyard-stop"):
        check(words in out, f"NOTES that speak of {words}", out)
    (pod,) = controllers(bed, 1)
    spec = get(bed.system, "pod", pod)["spec"]["containers"][0]
    check(spec["securityContext"]["readOnlyRootFilesystem"] and spec["resources"]["limits"]["memory"], "read-only root, a limit of memory", spec)
    check(get("default", "crd", "drills.drillyard.dev")["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep", "CRDs that are kept", None)
    for kind, count in CATALOG_SIZE.items():
        rows = wait(f"all {kind} of the catalog Ready", lambda kind=kind: (all(condition(row, "Ready").get("status") == "True" for row in items(bed.system, kind)),
                                                                          [(row["metadata"]["name"], condition(row, "Ready")) for row in items(bed.system, kind)]), 15)
        check(len(rows) == count, f"{count} {kind}", rows)
    check(kubectl("get", "--raw", f"/api/v1/namespaces/{bed.system}/pods/{pod}:8080/proxy/healthz").strip() == "ok", "healthz ok", None)
    print(f"#   installed, and ready, after {took:.1f} s")


@test("what a commands page says of kinds works: kubectl get with each short name, and explain")
def short_names(bed):
    for name in ("dt", "card", "dsch", "drill", "trg", "pb", "pbr", "ctask", "rtpl", "drillyard"):
        kubectl("-n", bed.system, "get", name)
    check("heartbeat" in kubectl("explain", "drilltarget.spec.facets"), "facets explained", None)


@test("helm upgrade with nothing changed changes nothing: no object of the release, and no pod")
def upgraded_idle(bed):
    def versions():
        manifest = helm("get", "manifest", "drillyard", "-n", bed.system)
        rows = json.loads(kubectl("get", "-f", "-", "-o", "json", stdin=manifest))["items"]
        return {(row["kind"], row["metadata"]["name"]): row["metadata"].get("generation", row["metadata"]["uid"]) for row in rows}

    before, pods, objects = versions(), controllers(bed, 1), catalog(bed)
    helm("upgrade", "drillyard", CHART, "-n", bed.system, *bed.helm_values(), "--wait", "--timeout", "90s")
    after = versions()
    changed = {key: (before[key], after.get(key)) for key in before if before[key] != after.get(key)}
    check(not changed, "the same generations as before", {str(key): value for key, value in changed.items()})
    check(controllers(bed, 1) == pods, "the same pod", pods)
    check(catalog(bed) == objects, "the same cards, triggers and playbooks: none was made anew", catalog(bed))


@test("helm upgrade with a changed value, to two replicas: both ready, one leads, and another takes over")
def upgraded(bed):
    objects = catalog(bed)
    helm("upgrade", "drillyard", CHART, "-n", bed.system, *bed.helm_values("replicas=2", "controller.logLevel=debug"), "--wait", "--timeout", "90s")
    pods = controllers(bed, 2)
    check(get(bed.system, "pdb", "drillyard-controller"), "a PodDisruptionBudget", None)
    args = get(bed.system, "pod", pods[0])["spec"]["containers"][0]["args"]
    check("--log-level=debug" in args, "the changed value", args)
    check(catalog(bed) == objects, "the same catalog", catalog(bed))

    def one_leads():
        leading, answers = leaders(bed, pods)
        return len(leading) == 1, answers

    wait("exactly one of two controllers leading", one_leads, 10)
    (leader,), _ = leaders(bed, pods)
    epoch = get(bed.system, "lease", "drillyard-controller")["spec"]["leaseTransitions"]
    began = time.time()
    kubectl("-n", bed.system, "delete", "pod", leader, "--grace-period=0", "--force")

    def another_leads():
        """The one that stood by, or the killed one's successor where that has been as quick."""
        lease = get(bed.system, "lease", "drillyard-controller")["spec"]
        holder = lease.get("holderIdentity", "").rsplit("_", 1)[0]
        return lease["leaseTransitions"] > epoch and holder != leader and leaders(bed, [holder])[0] == [holder], lease

    wait(f"another than {leader} leading, by a later epoch than {epoch}", another_leads, 15)
    print(f"#   another controller led {time.time() - began:.1f} s after the leader was killed")
    controllers(bed, 2)


@test("as the controller one can restart a workload and write the ledger, and change no workload and no other ConfigMap")
def fenced_writes(bed):
    kubectl("-n", bed.ns, "create", "deployment", "someone", "--image=drillyard/sample-busybox:0.1.0", "--replicas=0")
    kubectl("-n", bed.ns, "create", "configmap", "someones")

    def patch(kind, name, body, *more):
        return run(["kubectl", "-n", bed.ns, "--as", bed.user(), "patch", kind, name, "--type=strategic", "-p", json.dumps(body), *more])

    restart = {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}}}}}
    check(patch("deployment", "someone", restart).code == 0, "a rollout restart", str(patch("deployment", "someone", restart)))
    check(patch("deployment", "someone", {"spec": {"replicas": 1}}, "--subresource=scale").code == 0, "scaling", None)
    for what, body in {
        "an image": {"spec": {"template": {"spec": {"containers": [{"name": "sample-busybox", "image": "evil"}]}}}},
        "a service account": {"spec": {"template": {"spec": {"serviceAccountName": "admin"}}}},
        "an annotation": {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/default-container": "other"}}}}},
        "a label": {"spec": {"template": {"metadata": {"labels": {"drillyard.dev/agent": "enabled"}}}}},
    }.items():
        result = patch("deployment", "someone", body)
        check(result.code != 0 and "may restart a workload" in result.err, f"{what} refused, with the policy's message", str(result))
    result = patch("configmap", "someones", {"data": {"key": "value"}})
    check(result.code != 0 and "only its own ConfigMaps" in result.err, "another's ConfigMap refused", str(result))
    result = run(["kubectl", "-n", bed.ns, "--as", bed.user(), "create", "configmap", "drill-ledger-000001"])
    check(result.code == 0, "a segment of the ledger", str(result))


@test("helm uninstall while nothing runs is quick, and leaves the CRDs, and nothing of its own")
def uninstalled(bed):
    began = time.time()
    helm("uninstall", "drillyard", "-n", bed.system, "--wait", "--timeout", "90s")
    took = time.time() - began

    def look():
        left = kubectl("-n", bed.system, "get", "deployments,pods,services,jobs,serviceaccounts,roles,rolebindings,poddisruptionbudgets,"
                       "configmaps,chaoscards,triggers,playbooks", "-o", "name").split()
        left = [name for name in left if name not in ("serviceaccount/default", "configmap/kube-root-ca.crt")]
        return not left, left

    wait("nothing of the release being left", look, 20)
    wide = run(["kubectl", "get", "clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings,"
                "mutatingadmissionpolicies,mutatingadmissionpolicybindings", "-o", "name"]).out.split()
    check(not [name for name in wide if bed.system in name], "nothing of it that is the cluster's", [name for name in wide if bed.system in name])
    check(get("default", "crd", "drills.drillyard.dev"), "the CRDs kept", None)
    check(took < 45, "quick", took)
    print(f"#   uninstalled after {took:.1f} s")


def rendered(bed):
    """manifests/install.yaml for the test's own namespaces."""
    with open(os.path.join(ROOT, "manifests", "install.yaml"), encoding="utf-8") as file:
        text = file.read()
    text = text.replace("drillyard-system", bed.system).replace("name: shop\n", f"name: {bed.ns}\n").replace("namespace: shop\n", f"namespace: {bed.ns}\n")
    return text.replace(f"--namespaces={bed.system},shop", f"--namespaces={bed.system},{bed.ns}").replace("tag: shop", f"tag: {bed.ns}")


@test("manifests/install.yaml is what the chart gives")
def in_step(bed):
    must([os.path.join(ROOT, "hack", "verify-rendered")])


@test("manifests/install.yaml installs with kubectl alone, and the controller runs")
def by_kubectl(bed):
    text = rendered(bed)
    check("helm.sh/" not in text and "kind: Job" not in text, "no hook and nothing of helm in it", None)
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)
    try:
        kubectl("-n", bed.system, "rollout", "status", "deployment/drillyard-controller", "--timeout=60s", within=70)
        (pod,) = controllers(bed, 1)
        wait("it leading", lambda: (leaders(bed, [pod])[0] == [pod], leaders(bed, [pod])[1]), 10)
        check(len(catalog(bed)) == sum(CATALOG_SIZE.values()), "the whole catalog", sorted(catalog(bed)))
        check("configured" not in kubectl("apply", "--server-side", "-f", "-", stdin=text).replace("serverside-applied", ""), "applied again", None)
    finally:
        mine = "\n---\n".join(part for part in text.split("\n---\n") if "\nkind: CustomResourceDefinition\n" not in part and "\nkind: Namespace\n" not in part)
        kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=mine)


main(InstallBed())

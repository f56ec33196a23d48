#!/usr/bin/env python3
"""Drills that are stopped in the middle, by whatever: each time the fault is gone, the record is there once, and no object is stuck."""
import time

from lasting import CARD, Began, Watch, controller_pods, prepare, scale_controller
from lib import ENDED, Bed, apply, at, check, get, helm, items, kubectl, main, run, test, wait

STOP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "drillyard-stop"}, "data": {"reason": "a test"}}


def check_over(began, phase, reason, by):
    """Ended so, with its reason; one record; the bytes from before; nothing open in any journal."""
    drill = began.bed.wait_ended(began.name, phase)
    status = drill["status"]
    check(status["reason"] == reason, f"reason {reason}", status)
    check(status["revert"]["state"] in ("Done", "NotNeeded") and status["revert"]["by"] in by, f"reverted, by {' or '.join(by)}", status["revert"])
    check(len(status["message"]) > 10 and status.get("revertedAt"), "why in words, and when it was reverted", status)
    check(not [gate for gate in status["gates"] if gate["result"] in ("Pending", "Passed")], "no gate passed or left open by stopping", status["gates"])
    check(began.whole(), "the original configuration", began.digest())
    began.one_record(success=False, card_id="CF090", mean_time_to_heal=None)
    began.bed.check_nothing_left()
    return drill


def check_none_held(bed):
    left = [row["metadata"] for row in items(bed.ns, "drills") if row["metadata"].get("deletionTimestamp") or row["metadata"].get("finalizers")]
    check(not left, "no drill that is held by a finalizer", left)


@test("kubectl delete drill in the middle: the fault is gone before the object is")
def deleted(bed):
    bed.wait_steady("shop")
    began = Began(bed, "deleted")
    watch = Watch(bed.ns, "drill", "deleted")
    asked = time.time()
    kubectl("-n", bed.ns, "delete", "drill", "deleted", "--wait=false")
    gone_at, _, phase, revert = watch.wait_deleted(15)
    check(began.whole(), "the original configuration at the moment the object is gone", began.digest())
    put_back_at = began.touched_at()
    check(asked - 0.05 <= put_back_at <= gone_at, "put back after the deletion was asked for and before the object was gone",
          {"asked": asked, "put back": put_back_at, "gone": gone_at})
    check(gone_at - asked < 5, "gone within five seconds", gone_at - asked)
    check(phase == "Aborted" and revert in ("Done", "NotNeeded"), "the last words about the object: Aborted, reverted", watch.rows)
    began.one_record(success=False, card_id="CF090", result="Aborted")
    bed.check_nothing_left()
    print(f"#   put back {put_back_at - asked:.2f} s, gone {gone_at - asked:.2f} s after it was asked for")


@test("spec.abort in the middle: reverted, Aborted, recorded; and the object stays to be read")
def aborted(bed):
    bed.wait_steady("shop")
    began = Began(bed, "aborted")
    asked = time.time()
    kubectl("-n", bed.ns, "patch", "drill", "aborted", "--type=merge", "-p", '{"spec":{"abort":true}}')
    drill = check_over(began, "Aborted", "Aborted", ("Controller",))
    check(at(drill["status"]["revertedAt"]) - asked < 5, "reverted within five seconds", drill["status"]["revertedAt"])
    check(began.touched_at() <= at(drill["status"]["revertedAt"]) + 0.1, "revertedAt after the file was put back", drill["status"])
    check("spec.abort" in drill["status"]["message"], "who stopped it", drill["status"]["message"])


def stopped_in(bed, namespace, name):
    bed.wait_steady("shop")
    began = Began(bed, name)
    asked = time.time()
    apply(namespace, STOP)
    drill = check_over(began, "Aborted", "Stopped", ("Controller",))
    check("drillyard-stop" in drill["status"]["message"], "the ConfigMap in the message", drill["status"]["message"])
    took = began.touched_at() - asked
    check(took < 5, "reverted within five seconds of the stop", took)
    bed.drill(f"{name}-refused", CARD)
    refused = bed.wait_ended(f"{name}-refused", "Skipped", 10)
    check(refused["status"]["reason"] == "Stopped" and "drillyard-stop" in refused["status"]["message"], "Stopped, naming the ConfigMap", refused["status"])
    check("incident" not in refused["status"], "no incident for what never began", refused["status"])
    kubectl("-n", namespace, "delete", "configmap", "drillyard-stop")
    time.sleep(0.5)
    again = Began(bed, f"{name}-again")
    kubectl("-n", bed.ns, "delete", "drill", f"{name}-again", "--timeout=15s")
    check(again.whole(), "the original configuration", again.digest())
    print(f"#   put back {took:.2f} s after the ConfigMap was made")


@test("the ConfigMap drillyard-stop in the drilled namespace stops, refuses, and lets run again once it is deleted")
def stop_here(bed):
    stopped_in(bed, bed.ns, "stop-here")


@test("the ConfigMap drillyard-stop in the catalog's namespace does the same")
def stop_everywhere(bed):
    stopped_in(bed, bed.system, "stop-everywhere")


@test("the namespace loses its label in the middle: Aborted and reverted")
def label_lost(bed):
    bed.wait_steady("shop")
    began = Began(bed, "label-lost")
    kubectl("label", "namespace", bed.ns, "drillyard.dev/drills-")
    try:
        check_over(began, "Aborted", "NamespaceNotEnabled", ("Controller",))
    finally:
        kubectl("label", "namespace", bed.ns, "drillyard.dev/drills=enabled")


@test("a drilled pod that is deleted in the middle, by force: over when its agent must have reverted, Inconclusive, nothing stuck")
def pod_gone(bed):
    bed.wait_steady("shop")
    began = Began(bed, "pod-gone")
    asked = time.time()
    kubectl("-n", bed.ns, "delete", "pod", began.pod, "--force", "--grace-period=0")
    status = bed.wait_ended("pod-gone", "Inconclusive", 40)["status"]
    check(status["revert"]["by"] == "PodGone" and status["revert"]["state"] in ("Done", "NotNeeded"), "reverted, since the pod is gone", status["revert"])
    check(began.pod in status["message"], "the pod named in the message", status["message"])
    # Its containers may run on for a while: nobody says when they end. The lease is 10 s, and an agent that died just then needs 15 to be back.
    check(24 < at(status["revertedAt"]) - asked < 10 + 15 + 4, "not before its agent must have reverted, and soon after", status["revertedAt"])
    check(not [gate for gate in status["gates"] if gate["result"] in ("Passed", "Failed", "Pending")], "no gate passed or failed", status["gates"])
    began.one_record(success=False)
    check_none_held(bed)
    shop_is_back(bed, began.pod)


@test("the same, gently: the agent puts the configuration back before it ends")
def pod_evicted(bed):
    began = Began(bed, "pod-evicted")
    kubectl("-n", bed.ns, "delete", "pod", began.pod, "--wait=false")
    status = bed.wait_ended("pod-evicted", "Inconclusive", 20)["status"]
    check(status["revert"]["by"] in ("Agent", "PodGone"), "reverted by the agent, or gone with the pod", status["revert"])
    check(began.pod in status["message"] or "agent" in status["message"], "what was lost, in the message", status["message"])
    began.one_record(success=False)
    check_none_held(bed)
    shop_is_back(bed, began.pod)


def shop_is_back(bed, pod):
    wait(f"pod {pod} gone", lambda: (get(bed.ns, "pod", pod) is None, pod), 30)
    kubectl("-n", bed.ns, "rollout", "status", "deployment/shop", "--timeout=40s")
    wait("both pods there", lambda: (len(bed.pods()) == 2, bed.pods()), 20)
    bed.wait_steady("shop")
    bed.check_nothing_left()


@test("no controller for a while: the agent reverts alone within the lease, and the drill ends honestly, once")
def controller_gone(bed):
    bed.wait_steady("shop")
    began = Began(bed, "controller-gone", overrides={"lease": "3s"})
    time.sleep(4)
    check(not began.whole(), "the fault still in force after more than a lease, since the controller renews it", began.digest())
    asked = time.time()
    pods = controller_pods(bed)
    kubectl("-n", bed.system, "scale", "deployment/drillyard-controller", "--replicas=0")
    run(["kubectl", "-n", bed.system, "delete", *pods, "--force", "--grace-period=0"])
    killed = time.time()
    took = began.wait_whole(3 + 2 + 3) - killed
    check(took < 3 + 2, "reverted by the agent within its lease of 3 s and 2 s more", took)
    drill = get(bed.ns, "drill", "controller-gone")
    check(drill["status"]["phase"] not in ENDED and drill["metadata"]["finalizers"], "the drill left as it was: there is nobody to end it", drill["status"])
    scale_controller(bed, 1)
    ended = check_over(began, "Inconclusive", "Inconclusive", ("Agent",))
    check("agent" in ended["status"]["message"], "who reverted, in the message", ended["status"]["message"])
    check(abs(at(ended["status"]["revertedAt"]) - began.touched_at()) < 1, "revertedAt when the agent did it, and not when it was heard of",
          {"revertedAt": ended["status"]["revertedAt"], "put back": began.touched_at(), "clockError": ended["status"].get("clockError"), "killed": killed,
           "first put back": killed + took})
    print(f"#   put back {took:.2f} s after the controller was gone, {killed - asked:.2f} s after that was asked for")


@test("the controller's pod replaced in the middle: the next one carries on, and still knows how to stop")
def controller_replaced(bed):
    bed.wait_steady("shop")
    began = Began(bed, "replaced", overrides={"lease": "20s"})
    kubectl("-n", bed.system, "delete", *controller_pods(bed), "--wait=false")
    time.sleep(1)
    kubectl("-n", bed.system, "rollout", "status", "deployment/drillyard-controller", "--timeout=40s")
    wait("a leader", lambda: ("leading" in (seen := run(["kubectl", "get", "--raw", bed_ready(bed)]).out), seen), 30)
    check(not began.whole(), "the fault still in force: its lease of 20 s carried over", get(bed.ns, "drill", "replaced")["status"])
    kubectl("-n", bed.ns, "patch", "drill", "replaced", "--type=merge", "-p", '{"spec":{"abort":true}}')
    check_over(began, "Aborted", "Aborted", ("Controller",))


def bed_ready(bed):
    return f"/api/v1/namespaces/{bed.system}/services/drillyard-controller:http/proxy/readyz"


@test("helm uninstall in the middle leaves no fault, no object stuck, and no stop behind")
def uninstalled(bed):
    bed.wait_steady("shop")
    began = Began(bed, "uninstalled")
    asked = time.time()
    helm("uninstall", "drillyard", "-n", bed.system, "--wait", "--timeout", "100s")
    ended = time.time()
    check(began.whole(), "the original configuration", began.digest())
    took = began.touched_at() - asked
    check(took < 30, "reverted while the controller was still there", took)
    drill = get(bed.ns, "drill", "uninstalled")
    check(drill["status"]["phase"] == "Aborted" and drill["status"]["reason"] == "Stopped", "Aborted, since all was stopped", drill["status"])
    check(drill["status"]["revert"]["by"] == "Controller", "reverted by the controller", drill["status"]["revert"])
    began.one_record(success=False)
    bed.check_nothing_left()
    check_none_held(bed)

    def gone():
        seen = {kind: [row["metadata"]["name"] for row in items(bed.system, kind)] for kind in ("configmaps", "deployments", "pods", "jobs", "roles")}
        return not [name for rows in seen.values() for name in rows if name.startswith("drillyard")], seen

    wait("nothing of the release left, the ConfigMap drillyard-stop included", gone, 20)
    kubectl("-n", bed.ns, "delete", "drills", "--all", "--timeout=10s")
    print(f"#   put back {took:.2f} s after helm uninstall began, which took {ended - asked:.1f} s")


@test("installed again, it drills again")
def installed_again(bed):
    bed.install()
    bed.wait_steady("shop")
    began = Began(bed, "after")
    kubectl("-n", bed.ns, "delete", "drill", "after", "--timeout=15s")
    check(began.whole(), "the original configuration", began.digest())


class StopBed(Bed):
    def make(self):
        super().make()
        prepare(self)


main(StopBed(catalog=False))

#!/usr/bin/env python3
"""Stopping is safe: whoever ends a drill in the middle, and however, the fault is gone first, and nothing is left that waits for a controller.

A card of its own, which nothing detects or heals, keeps a fault in force for minutes; the target itself is asked whether it is there."""
import subprocess
import threading
import time

from lib import API, CONFIG, ENDED, Bed, Failure, apply, at, check, get, helm, items, kubectl, main, run, test, wait

CARD = "stays"
MARK = "drilled-currency"


def set_up(bed):
    apply(bed.ns, {"apiVersion": API, "kind": "Trigger", "metadata": {"name": "never"}, "spec": {
        "probe": {"file": {"path": "/tmp/never-there", "exists": True}}, "fires": "WhenTrue", "every": "1s", "severity": [{"is": "Minor"}]}},
          {"apiVersion": API, "kind": "ChaosCard", "metadata": {"name": CARD}, "spec": {
              "id": "XT001", "title": "A fault that stays", "category": "ConfigDrift", "risk": 1,
              "injection": {"method": "ConfigModify", "duration": "5m", "configModify": {
                  "path": CONFIG, "format": "YAML", "key": "catalog.currency", "operation": "Set", "value": f'"{MARK}"'}},
              "expect": {"trigger": {"name": "never", "within": "4m"}, "playbooks": []},
              "verify": [{"name": "config", "probe": {"file": {"path": CONFIG, "exists": True}}, "within": "4m"}],
              "slo": {"detectWithin": "4m", "healWithin": "4m"}}})


def is_drilled(bed, pod):
    return MARK in bed.inside(pod, "cat", CONFIG)


def begin(bed, name):
    """A drill whose fault is in force, as the target itself shows. Returns its pod."""
    bed.wait_steady("shop")
    bed.drill(name, CARD)
    drill = bed.wait_phase(name, ("Detecting",), within=20)
    pod = drill["status"]["pod"]
    check(is_drilled(bed, pod), "the fault in force in the target", bed.inside(pod, "cat", CONFIG))
    return pod


def changed_at(bed, pod):
    """When the file was last written, by the node's clock."""
    return float(bed.inside(pod, "python3", "-c", f"import os; print(os.stat('{CONFIG}').st_ctime_ns / 1e9)"))


class Deletion(threading.Thread):
    """Watches a drill until it is gone from the API server, and remembers when that was."""

    def __init__(self, namespace, name):
        super().__init__(daemon=True)
        self.gone_at, self.last = None, ""
        self.process = subprocess.Popen(["kubectl", "-n", namespace, "get", "drill", name, "--watch", "--output-watch-events", "-o",
                                         "jsonpath={.type}  {.object.status.phase}  {.object.status.revert.state}{\"\\n\"}"],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.start()

    def run(self):
        for line in self.process.stdout:
            self.last = line.strip()
            if line.startswith("DELETED"):
                self.gone_at = time.time()
                break
        self.process.terminate()
        self.process.wait()


@test("a deleted drill: the fault is gone before the object is")
def deleted(bed):
    set_up(bed)
    pod = begin(bed, "deleted")
    watch = Deletion(bed.ns, "deleted")
    time.sleep(0.5)
    began = time.time()
    kubectl("-n", bed.ns, "delete", "drill", "deleted", "--timeout=30s")
    watch.join(10)
    check(watch.gone_at, "the deletion being seen", watch.last)
    check(not is_drilled(bed, pod), "the fault being gone from the target", bed.inside(pod, "cat", CONFIG))
    reverted = changed_at(bed, pod)
    check(began - 0.05 <= reverted <= watch.gone_at, "reverted after the deletion was asked for, and before the object was gone",
          [began, reverted, watch.gone_at])
    check(watch.gone_at - began < 5, "gone within seconds", watch.gone_at - began)
    check("Aborted" in watch.last, "its last state Aborted", watch.last)
    records = [record for _, record in bed.ledger() if record["drill"] == "deleted"]
    check(len(records) == 1 and records[0]["result"] == "Aborted" and records[0]["success"] is False, "one record, Aborted", records)
    bed.check_nothing_left()
    print(f"#   deleted: the fault was gone after {reverted - began:.2f} s, the object after {watch.gone_at - began:.2f} s")


@test("spec.abort: reverted at once, ended Aborted")
def aborted(bed):
    pod = begin(bed, "aborted")
    began = time.time()
    kubectl("-n", bed.ns, "patch", "drill", "aborted", "--type=merge", "-p", '{"spec":{"abort":true}}')
    drill = bed.wait_ended("aborted", "Aborted", within=10)
    check(not is_drilled(bed, pod), "the fault being gone from the target", bed.inside(pod, "cat", CONFIG))
    check("spec.abort" in drill["status"]["message"], "why", drill["status"]["message"])
    check(drill["status"]["revert"]["state"] == "Done", "reverted", drill["status"]["revert"])
    check(all(gate["result"] != "Passed" for gate in drill["status"]["gates"]), "no gate passed by being aborted", drill["status"]["gates"])
    check(len(bed.records_of(drill["status"]["incident"])) == 1, "one record in the ledger", bed.ledger())
    print(f"#   aborted: reverted after {at(drill['status']['revertedAt']) - began:.2f} s")


def stop_everywhere(bed, namespace, name):
    pod = begin(bed, name)
    began = time.time()
    kubectl("-n", namespace, "create", "configmap", "drillyard-stop")
    drill = bed.wait_ended(name, "Aborted", within=10)
    check("drillyard-stop" in drill["status"]["message"], "why: the ConfigMap", drill["status"]["message"])
    check(not is_drilled(bed, pod), "the fault being gone from the target", bed.inside(pod, "cat", CONFIG))
    bed.drill(name + "-too", CARD)
    skipped = bed.wait_ended(name + "-too", "Skipped", within=10)
    check("drillyard-stop" in skipped["status"]["message"] and "injectedAt" not in skipped["status"], "a new drill skipped, with why", skipped["status"])
    kubectl("-n", namespace, "delete", "configmap", "drillyard-stop")
    print(f"#   stopped by the ConfigMap: reverted after {at(drill['status']['revertedAt']) - began:.2f} s")


@test("the ConfigMap drillyard-stop in the controller's namespace stops and reverts all, and holds new drills off")
def stopped(bed):
    stop_everywhere(bed, bed.system, "stopped")


@test("deleted again, drills run again; in the drilled namespace it stops those there")
def stopped_here(bed):
    stop_everywhere(bed, bed.ns, "stopped-here")


@test("the namespace loses its label: the drill is aborted and reverted")
def label_gone(bed):
    pod = begin(bed, "unlabelled")
    kubectl("label", "namespace", bed.ns, "drillyard.dev/drills-")
    try:
        drill = bed.wait_phase("unlabelled", ("Aborted",), within=20)
        check(not is_drilled(bed, pod), "the fault being gone from the target", bed.inside(pod, "cat", CONFIG))
        check("label" in drill["status"]["message"], "why: the label", drill["status"]["message"])
    finally:
        kubectl("label", "namespace", bed.ns, "drillyard.dev/drills=enabled")


@test("the controller dies in the middle: the agent reverts by itself, and who comes next says so")
def controller_dies(bed):
    pod = begin(bed, "orphan")
    began = time.time()
    kubectl("-n", bed.system, "scale", "deployment/drillyard-controller", "--replicas=0")
    kubectl("-n", bed.system, "delete", "pod", "-l", "app.kubernetes.io/name=drillyard", "--grace-period=0", "--force", "--ignore-not-found")

    def look():
        return not is_drilled(bed, pod), "the fault is still in force"

    wait("the agent taking the fault back by itself, after its lease of 10 s", look, 25)
    took = changed_at(bed, pod) - began
    kubectl("-n", bed.system, "scale", "deployment/drillyard-controller", "--replicas=1")
    drill = bed.wait_ended("orphan", "Inconclusive", within=40)
    check(drill["status"]["revert"]["by"] == "Agent", "reverted by the agent", drill["status"]["revert"])
    check(len(bed.records_of(drill["status"]["incident"])) == 1, "one record in the ledger", bed.ledger())
    bed.check_nothing_left()
    print(f"#   without a controller the agent reverted after {took:.1f} s")


@test("helm uninstall in the middle leaves no fault, and no object that waits for a controller")
def uninstalled(bed):
    pod = begin(bed, "uninstalled")
    began = time.time()
    helm("uninstall", "drillyard", "-n", bed.system, "--wait", "--timeout", "150s")
    took = time.time() - began
    check(not is_drilled(bed, pod), "the fault being gone from the target", bed.inside(pod, "cat", CONFIG))
    bed.check_nothing_left()
    for drill in items(bed.ns, "drills"):
        check(not drill["metadata"].get("finalizers"), "no finalizer on any drill", drill["metadata"])
        check(drill["status"]["phase"] in ENDED, "every drill ended", drill["status"])
    drill = get(bed.ns, "drill", "uninstalled")
    check(drill["status"]["phase"] == "Aborted" and drill["status"]["revert"]["state"] == "Done", "Aborted, and reverted", drill["status"])
    kubectl("-n", bed.ns, "delete", "drills", "--all", "--timeout=10s")
    left = run(["kubectl", "-n", bed.system, "get", "all,configmaps,leases,roles,rolebindings", "-o", "name"]).out.split()
    left = [name for name in left if name not in ("configmap/kube-root-ca.crt",)]
    check(not [name for name in left if "drillyard-controller" in name and not name.startswith("lease")], "nothing of the release left", left)
    check("configmap/drillyard-stop" not in left, "the global stop gone with it: the next installation is not stopped", left)
    print(f"#   helm uninstall took {took:.1f} s")


@test("installed again, it drills again")
def installed_again(bed):
    bed.install()
    pod = begin(bed, "after")
    kubectl("-n", bed.ns, "delete", "drill", "after", "--timeout=30s")
    check(not is_drilled(bed, pod), "the fault being gone from the target", bed.inside(pod, "cat", CONFIG))


main(Bed(catalog=False))

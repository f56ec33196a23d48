#!/usr/bin/env python3
"""The gates are honest: what did not happen fails with its reason in words, what happened before does not count, and the backlog has it.

The cards, triggers and playbooks are copies of the catalog's with short limits, in the test's own namespace; the catalog is not installed."""
import time

from lib import API, Bed, apply, at, catalog_copy, check, condition, get, items, kubectl, main, test, wait

CARD = "kh001-heartbeat-stops"
PLAYBOOK = "kernel-heartbeat-gap"
TRIGGER = "health-signal-gap"


def quick(item):
    """Limits of seconds, so that failing takes seconds; the service level does not ask for the slo's samples."""
    spec = item["spec"]
    if item["kind"] == "ChaosCard":
        spec["injection"]["duration"] = "20s"
        spec["expect"]["trigger"]["within"] = "3s"
        spec["expect"]["playbooks"][0]["within"] = "3s"
        spec["slo"] = {"detectWithin": "3s", "healWithin": "7s"}
        spec["verify"] = [{**step, "within": "4s"} for step in spec["verify"] if "slo" not in step["probe"]]
        spec.pop("rollback", None)
    if item["kind"] == "Playbook":
        spec["cooldown"] = "1s"


def copies(*names):
    return catalog_copy(names, quick)


def failed(bed, name):
    drill = bed.wait_ended(name, "Failed", within=30)
    bed.check_nothing_left()
    status = drill["status"]
    check(condition(drill, "Succeeded").get("status") == "False" and condition(drill, "Reverted").get("status") == "True",
          "condition Succeeded False, Reverted True", drill["status"]["conditions"])
    records = bed.records_of(status["incident"])
    check(len(records) == 1 and records[0]["success"] is False and records[0]["gates_failed"] == status["failedGates"],
          "one record in the ledger that says what failed", records)
    return status


def gate(status, name):
    return next(row for row in status["gates"] if row["name"] == name)


def gaps(bed):
    return [task for task in items(bed.ns, "codingtasks") if task["spec"]["type"] == "CloseGap"]


def set_up(bed):
    apply(bed.ns, *copies("card-" + CARD, "trigger-" + TRIGGER, "playbook-" + PLAYBOOK))
    wait("the copies being usable", lambda: (condition(get(bed.ns, "chaoscard", CARD), "Ready").get("status") == "True",
                                             get(bed.ns, "chaoscard", CARD).get("status")), 10)


@test("without its playbook the drill fails, with the gate's reason in words, and files one task with artifacts")
def playbook_gone(bed):
    set_up(bed)
    kubectl("-n", bed.ns, "delete", "playbook", PLAYBOOK)
    bed.wait_steady("shop")
    bed.drill("without", CARD)
    status = failed(bed, "without")
    check(status["gatesPassed"] in ("1/4", "2/4", "3/4"), "3/4 gates or fewer", status["gatesPassed"])
    check(gate(status, "TriggerFired")["result"] == "Passed", "gate 1 passed: it was detected", status["gates"])
    row = gate(status, "PlaybookExecuted")
    check(row["result"] == "Failed" and PLAYBOOK in row["message"] and "3s" in row["message"], f"gate 2 failed, for want of {PLAYBOOK} within 3s", row)
    check(gate(status, "SLOMet")["result"] == "Failed", "gate 4 failed: nothing healed, and our revert does not count", status["gates"])
    check(PLAYBOOK in status["message"], "the reason in the drill's message", status["message"])
    check("timeToHeal" not in status or status["timeToHeal"] is None, "no time to heal", status.get("timeToHeal"))

    tasks = gaps(bed)
    check(len(tasks) == 1, "one CloseGap task", tasks)
    spec = tasks[0]["spec"]
    names = {artifact["name"]: artifact.get("content", "") for artifact in spec["artifacts"]}
    check("gate-playbook-executed" in names and "gate-slo-met" in names and "drill-status" in names, "failed gates and status as artifacts", names)
    check(spec["incident"] == status["incident"] and spec["card"] == "KH001" and spec["target"] == "shop", "incident, card and target", spec)
    check(PLAYBOOK in spec["description"], "a description that says why", spec["description"])
    bed.first_task = tasks[0]


@test("the same gap again raises its priority, and files nothing new")
def again(bed):
    bed.wait_steady("shop")
    bed.drill("again", CARD)
    status = failed(bed, "again")

    def look():
        tasks = gaps(bed)
        return len(tasks) == 1 and tasks[0]["spec"]["priority"] > bed.first_task["spec"]["priority"], tasks

    task = wait("one task, of a higher priority than before", look, 10)[0]
    check(task["metadata"]["uid"] == bed.first_task["metadata"]["uid"], "the same task", task["metadata"])
    check(task["metadata"]["annotations"]["drillyard.dev/last-incident"] == status["incident"], "the last incident on it", task["metadata"])


@test("the playbook put back, the next success closes the gap")
def closed(bed):
    bed.wait_steady("shop")
    apply(bed.ns, *copies("playbook-" + PLAYBOOK))
    wait("the playbook being usable", lambda: (condition(get(bed.ns, "playbook", PLAYBOOK), "Ready").get("status") == "True",
                                               get(bed.ns, "playbook", PLAYBOOK).get("status")), 10)
    bed.drill("mended", CARD)
    drill = bed.wait_ended("mended", "Succeeded", within=30)
    check(drill["status"]["gatesPassed"] == "4/4", "4/4", drill["status"])

    def look():
        status = get(bed.ns, "codingtask", bed.first_task["metadata"]["name"])["status"]
        return status.get("phase") == "Resolved", status

    status = wait("the task being Resolved", look, 5)
    check(status["resolvedBy"] == "mended", "who resolved it", status)
    check(len(gaps(bed)) == 1, "still one task", gaps(bed))


@test("without its detector gate 1 fails at its time limit, and never passes")
def detector_gone(bed):
    bed.wait_steady("shop")
    kubectl("-n", bed.ns, "delete", "trigger", TRIGGER)
    bed.drill("blind", CARD)
    status = failed(bed, "blind")
    row = gate(status, "TriggerFired")
    check(row["result"] == "Failed" and TRIGGER in row["message"] and "no Trigger" in row["message"], "gate 1 failed: there is no such trigger", row)
    waited = at(row["at"]) - at(status["injectedAt"])
    check(2.9 <= waited <= 3.1, "decided for its limit of 3 s", waited)
    check("detectedAt" not in status or status["detectedAt"] is None, "no time of detection", status.get("detectedAt"))
    check(gate(status, "SLOMet")["result"] == "Failed", "gate 4 failed too", status["gates"])


@test("a detector that looks at the wrong thing does not pass gate 1 either")
def detector_blind(bed):
    bed.wait_steady("shop")
    wrong = copies("trigger-" + TRIGGER)[0]
    wrong["spec"]["probe"] = {"file": {"path": "/tmp/never-there", "exists": True}}
    wrong["spec"]["fires"] = "WhenTrue"
    apply(bed.ns, wrong)
    wait("the trigger watching", lambda: (condition(get(bed.ns, "trigger", TRIGGER), "Ready").get("status") == "True", None), 10)
    time.sleep(1)
    bed.drill("wrong", CARD)
    row = gate(failed(bed, "wrong"), "TriggerFired")
    check(row["result"] == "Failed" and "did not fire within 3s" in row["message"] and "its probe says" in row["message"],
          "gate 1 failed, with what its probe saw", row)


@test("a trigger that fires before the injection does not count: while it fires the drill is skipped")
def fires_before(bed):
    bed.wait_steady("shop")
    pods = bed.pods()
    flag = copies("trigger-" + TRIGGER)[0]
    flag["spec"]["probe"] = {"file": {"path": "/tmp/flag", "exists": True}}
    flag["spec"]["fires"] = "WhenTrue"
    flag["spec"].pop("playbooks", None)
    apply(bed.ns, flag)
    kubectl("-n", bed.ns, "delete", "playbook", PLAYBOOK, "--ignore-not-found")
    for pod in pods:
        bed.inside(pod, "touch", "/tmp/flag")

    def firing():
        rows = get(bed.ns, "trigger", TRIGGER).get("status", {}).get("firing", [])
        return len(rows) == len(pods), rows

    wait("the trigger firing in every pod", firing, 10)
    bed.drill("early", CARD)
    drill = bed.wait_ended("early", "Skipped", within=20)
    check(TRIGGER in drill["status"]["message"] and "fires already" in drill["status"]["message"], "why: the trigger fires already", drill["status"])
    check("injectedAt" not in drill["status"], "nothing was injected", drill["status"])


@test("a firing that is over does not count for a later injection")
def old_firing(bed):
    for pod in bed.pods():
        bed.inside(pod, "rm", "/tmp/flag")

    def quiet():
        rows = get(bed.ns, "trigger", TRIGGER).get("status", {}).get("firing", [])
        return not rows, rows

    wait("the trigger being quiet", quiet, 10)
    bed.wait_steady("shop")
    bed.drill("late", CARD)
    row = gate(failed(bed, "late"), "TriggerFired")
    check(row["result"] == "Failed" and "did not fire within 3s" in row["message"], "gate 1 failed although the trigger fired before", row)


@test("a playbook that claims success and heals nothing does not pass gate 4")
def sham(bed):
    kubectl("-n", bed.ns, "delete", "trigger", TRIGGER)
    apply(bed.ns, *copies("trigger-" + TRIGGER))
    apply(bed.ns, {"apiVersion": API, "kind": "Playbook", "metadata": {"name": PLAYBOOK}, "spec": {
        "triggers": [TRIGGER], "branches": [{"steps": [{"name": "worse", "action": "PauseKernel", "timeout": "2s"}]}], "cooldown": "30s"}})
    wait("trigger and playbook being usable", lambda: (condition(get(bed.ns, "playbook", PLAYBOOK), "Ready").get("status") == "True"
                                                       and condition(get(bed.ns, "trigger", TRIGGER), "Ready").get("status") == "True",
                                                       get(bed.ns, "playbook", PLAYBOOK).get("status")), 10)
    bed.wait_steady("shop")
    time.sleep(1)
    bed.drill("sham", CARD)
    status = failed(bed, "sham")
    check(gate(status, "TriggerFired")["result"] == "Passed" and gate(status, "PlaybookExecuted")["result"] == "Passed",
          "detected, and the playbook ran", status["gates"])
    check(gate(status, "SLOMet")["result"] == "Failed" and len(gate(status, "SLOMet")["message"]) > 20, "gate 4 failed, with why", status["gates"])


main(Bed(catalog=False))

#!/usr/bin/env python3
"""What Drillyard does not do: each refusal says why, in the object it is about, and nothing is touched."""
import time

import lasting
from lib import API, CONFIG, SAMPLES, Bed, apply, at, check, condition, get, items, kubectl, main, os, read_yaml, test, wait

NONSENSE = "nonsense"


def target(name, change):
    """The shop's target under another name, changed."""
    found = read_yaml(os.path.join(SAMPLES, "shop-target.yaml"))[0]
    found["metadata"] = {"name": name}
    change(found["spec"])
    return found


def skipped(bed, name, reason, *words, within=15):
    """Skipped so, and nothing else came of it."""
    drill = bed.wait_ended(name, "Skipped", within)
    status = drill["status"]
    check(status["reason"] == reason, f"reason {reason}", status)
    for word in words:
        check(word in status["message"], f"“{word}” in the message", status["message"])
    check(condition(drill, "Succeeded").get("status") == "False" and condition(drill, "Succeeded").get("message") == status["message"],
          "condition Succeeded False with the same message", status)
    check(not [field for field in ("incident", "injectedAt", "fault") if status.get(field)], "no incident, no fault", status)
    events = [event["reason"] for event in items(bed.ns, "events.v1.events.k8s.io") if event["regarding"].get("uid") == drill["metadata"]["uid"]]
    check(reason in events or "Skipped" in events, "an event about it", events)
    return status


class Untouched:
    """The files of all pods, and when they were last written to."""

    def __init__(self, bed):
        self.bed, self.seen = bed, self.look(bed)

    @staticmethod
    def look(bed):
        return {pod: [bed.all_digests()[pod], bed.inside(pod, "stat", "-c", "%z", CONFIG).strip()] for pod in bed.pods()}

    def check(self):
        check(self.look(self.bed) == self.seen, "files that nobody wrote to", {"before": self.seen, "after": self.look(self.bed)})
        check(not self.bed.ledger(), "no record in the ledger", self.bed.ledger())


untouched = None


@test("dryRun: everything is checked and told, nothing is done")
def dry_run(bed):
    global untouched
    untouched = Untouched(bed)
    start_slow(bed)
    bed.drill("dry", "cf001-config-modified", dryRun=True)
    status = skipped(bed, "dry", "DryRun", "ConfigModify", CONFIG, "db.pool")
    check(any(pod in status["message"] for pod in bed.pods()), "the pod it would be", status["message"])


@test("a card and a target that do not exist are named, with where they were looked for")
def unknown(bed):
    bed.drill("no-card", "ch999-no-such-card")
    bed.drill("no-target", "cf001-config-modified", target="no-such-target")
    skipped(bed, "no-card", "CardNotUsable", "spec.card", "ch999-no-such-card", bed.ns, bed.system)
    skipped(bed, "no-target", "TargetNotUsable", "spec.target", "no-such-target", bed.ns)


@test("a target that is not healthy is not drilled, and what is not healthy is named")
def unhealthy(bed):
    def sick(spec):
        spec["facets"]["health"] = [{"name": "cellar", "http": {"port": 8080, "path": "/no-such-page"}}]

    apply(bed.ns, target("sick", sick))

    def look():
        row = condition(get(bed.ns, "drilltarget", "sick"), "SteadyState")
        return row.get("status") == "False", row

    row = wait("SteadyState False", look, 20)
    check("cellar" in row["message"], "the probe named in the condition", row)
    bed.drill("on-sick", "cf001-config-modified", target="sick")
    skipped(bed, "on-sick", "NotSteady", "sick", "cellar", "404")


@test("a card whose facet the target lacks is NotApplicable in the coverage, and Skipped with the facet's name")
def missing_facet(bed):
    apply(bed.ns, target("bare", lambda spec: spec["facets"].pop("model") and spec["snapshots"]["facets"].remove("model")))
    bed.wait_steady("bare")

    def look():
        rows = {row["card"]: row for row in get(bed.ns, "drilltarget", "bare")["status"].get("coverage", [])}
        return "MC001" in rows and "CF001" in rows, rows

    rows = wait("the coverage of four cards", look, 10)
    check(rows["MC001"]["applicable"] is False and rows["MC001"]["state"] == "NotApplicable", "MC001 not applicable", rows["MC001"])
    check("model" in rows["MC001"].get("message", rows["MC001"].get("reason", "")), "the facet named", rows["MC001"])
    check(rows["CF001"]["applicable"] is True and rows["CF001"]["state"] in ("Never", "Overdue", "Due"), "CF001 applicable", rows["CF001"])
    bed.drill("no-facet", "mc001-corrupted-weights", target="bare")
    skipped(bed, "no-facet", "NotApplicable", "MC001", "bare", "model")


def start_slow(bed):
    """What waits half a minute for an agent that may still come is begun early, on targets of its own."""
    apply(bed.ns, target("elsewhere", lambda spec: None))
    pod = {"metadata": {"labels": {"app": "plain"}}, "spec": shop_pod_spec(bed)}
    apply(bed.ns, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "plain"},
                   "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "plain"}}, "template": pod}})

    def plain(spec):
        spec["selector"]["matchLabels"] = {"app": "plain"}
        spec["workload"]["name"] = "plain"

    apply(bed.ns, target("plain", plain))
    bed.drill("no-pod", "cf001-config-modified", target="elsewhere", pod="shop-no-such-pod")
    bed.drill("no-agent", "cf001-config-modified", target="plain")


def shop_pod_spec(bed):
    for found in read_yaml(os.path.join(SAMPLES, "shop.yaml")):
        if found["kind"] == "Deployment":
            return found["spec"]["template"]["spec"]


@test("a spec.pod that does not exist, and a target whose pods have no agent, are Skipped after a while, saying so")
def no_pod(bed):
    found = get(bed.ns, "drilltarget", "plain")
    row = condition(found, "AgentReady")
    check(row["status"] == "False" and "drillyard.dev/agent" in row["message"], "AgentReady False, with what to do", row)
    skipped(bed, "no-pod", "NoPod", "shop-no-such-pod", "elsewhere", within=45)
    skipped(bed, "no-agent", "NotSteady", "plain", "matches no pod with the label drillyard.dev/agent=enabled")
    untouched.check()


@test("a card with nonsense in it is Ready=False, naming the field; the others are unharmed, and drilled meanwhile")
def nonsense(bed):
    bed.wait_steady("shop")
    *others, card = lasting.objects(NONSENSE, "CF091")
    # The schema cannot know that a reference is not closed.
    card["spec"]["injection"]["configModify"]["value"] = "$(target.config.path"
    apply(bed.ns, *others, card)

    def look():
        row = condition(get(bed.ns, "chaoscard", NONSENSE), "Ready")
        return row.get("status") == "False", row

    row = wait("Ready False", look, 10)
    check(row["reason"] == "Invalid" and "spec.injection.configModify.value" in row["message"] and "$(target.config.path" in row["message"],
          "the field and its value", row)
    bed.drill("on-nonsense", NONSENSE)
    skipped(bed, "on-nonsense", "CardNotUsable", "spec.card", "spec.injection.configModify.value")
    for found in items(bed.system, "chaoscards"):
        check(condition(found, "Ready").get("status") == "True", "the catalog's card Ready", found["metadata"]["name"])
    bed.drill("unharmed", "cf001-config-modified")
    bed.wait_ended("unharmed", "Succeeded")
    card["spec"]["injection"]["configModify"]["value"] = "7"
    apply(bed.ns, card)
    wait("Ready True, once it is mended", lambda: ((now := condition(get(bed.ns, "chaoscard", NONSENSE), "Ready")).get("status") == "True", now), 10)


@test("of two drills at once on one target the second waits, says so, and then runs")
def two_at_once(bed):
    lasting.prepare(bed)
    bed.wait_steady("shop")
    # The catalog's playbook heals the file, but the drill waits for a trigger that never fires.
    bed.drill("first", lasting.CARD)
    first = bed.wait_phase("first", ("Detecting",), 15)
    bed.drill("second", "cf001-config-modified")

    def look():
        status = (get(bed.ns, "drill", "second") or {}).get("status", {})
        return status.get("phase") == "Pending" and bool(status.get("reason")), status

    status = wait("the second Pending, with a reason", look, 10)
    check(status["reason"] == "TargetBusy" and "first" in status["message"], "TargetBusy, naming the first", status)
    check(get(bed.ns, "drill", "first")["status"]["phase"] == "Detecting", "the first still at it", first["status"])
    kubectl("-n", bed.ns, "patch", "drill", "first", "--type=merge", "-p", '{"spec":{"abort":true}}')
    first = bed.wait_ended("first", "Aborted")
    second = bed.wait_ended("second", "Succeeded")
    check(at(first["status"]["revertedAt"]) <= at(second["status"]["startedAt"]), "one after the other", [first["status"], second["status"]])


@test("in a namespace without the label a drill is Skipped, saying so, and nothing is touched; with it, it runs again")
def not_enabled(bed):
    bed.wait_steady("shop")
    kubectl("-n", bed.ns, "delete", "drills", "--all", "--timeout=20s")
    kubectl("label", "namespace", bed.ns, "drillyard.dev/drills-")
    time.sleep(0.5)
    before = {pod: bed.inside(pod, "stat", "-c", "%z", CONFIG) for pod in bed.pods()}
    records = len(bed.ledger())
    bed.drill("not-enabled", "cf001-config-modified")
    skipped(bed, "not-enabled", "NamespaceNotEnabled", bed.ns, "drillyard.dev/drills=enabled")
    time.sleep(2)
    check({pod: bed.inside(pod, "stat", "-c", "%z", CONFIG) for pod in bed.pods()} == before, "files that nobody wrote to", before)
    check(len(bed.ledger()) == records, "no record in the ledger", bed.ledger())
    kubectl("label", "namespace", bed.ns, "drillyard.dev/drills=enabled")
    bed.wait_steady("shop")
    bed.drill("enabled-again", "cf001-config-modified")
    bed.wait_ended("enabled-again", "Succeeded")
    bed.check_nothing_left()


main(Bed())

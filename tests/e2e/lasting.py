"""A fault that stays: a card that nothing detects and nothing heals, so that a drill can be caught in the middle.

The card and its trigger lie in the drilled namespace; the catalog's own would heal the fault, so beds for these tests have none
(Bed(catalog=False)), or the target has no snapshot to compare with.
"""
import calendar
import subprocess
import threading
import time

from lib import API, CONFIG, Failure, apply, check, get, kubectl, wait

CARD, TRIGGER, PLAYBOOK = "lasting", "nothing-looks", "nobody-heals"


def objects(name=CARD, card_id="CF090", duration="60s", method=None):
    """A trigger that cannot fire, since it looks for a file that is never made; a playbook that waits for it; and, last, the card."""
    return [
        {"apiVersion": API, "kind": "Trigger", "metadata": {"name": TRIGGER},
         "spec": {"probe": {"file": {"path": "/tmp/this-is-never-made", "exists": True}}, "fires": "WhenTrue", "every": "1s",
                  "severity": [{"is": "Minor"}]}},
        {"apiVersion": API, "kind": "Playbook", "metadata": {"name": PLAYBOOK},
         "spec": {"triggers": [TRIGGER], "branches": [{"steps": [{"name": "look", "action": "RunSmokeTests"}]}]}},
        {"apiVersion": API, "kind": "ChaosCard", "metadata": {"name": name},
         "spec": {"id": card_id, "title": "A change that lasts", "category": "ConfigDrift", "risk": 1.0,
                  "injection": {"method": "ConfigModify", "duration": duration, "configModify": method or {
                      "path": "$(target.config.path)", "format": "$(target.config.format)", "key": "$(target.config.key)", "operation": "Set",
                      "value": "7"}},
                  "expect": {"trigger": {"name": TRIGGER, "within": duration}, "playbooks": [{"name": PLAYBOOK, "within": duration}],
                             "codingTasks": {"minimum": 0}},
                  "slo": {"detectWithin": duration, "healWithin": duration},
                  "verify": [{"name": "config", "probe": {"file": {"ref": "$(target.config)", "exists": True}}, "within": duration}]}}]


def prepare(bed, wait_ready=True, **how):
    apply(bed.ns, *objects(**how))
    if not wait_ready:
        return

    def look():
        found = get(bed.ns, "chaoscard", how.get("name", CARD))
        ready = [row for row in found.get("status", {}).get("conditions", []) if row["type"] == "Ready"]
        return bool(ready) and ready[0]["status"] == "True", found.get("status")

    wait("the lasting card ready", look, 10)


class Began:
    """A drill whose fault is in force, as the target itself shows."""

    def __init__(self, bed, name, card=CARD, file=CONFIG, **spec):
        self.bed, self.name, self.file = bed, name, file
        self.before = {pod: bed.digests(pod, file)[0] for pod in bed.pods()}
        bed.drill(name, card, **spec)
        self.drill = bed.wait_phase(name, ("Detecting",), 15)
        status = self.drill["status"]
        self.pod, self.incident = status["pod"], status["incident"]
        check(self.digest() != self.before[self.pod], f"the configuration in {self.pod} to be another while the fault is in force", status)
        check(self.drill["metadata"].get("finalizers"), "a finalizer while a fault is in force", self.drill["metadata"])

    def digest(self):
        return self.bed.digests(self.pod, self.file)[0]

    def whole(self):
        return self.digest() == self.before[self.pod]

    def touched_at(self):
        """When the configuration file was last written to, in seconds: its change time, which no one can set back."""
        text = self.bed.inside(self.pod, "stat", "-c", "%z", self.file).strip()  # 2026-01-31 12:34:56.123456789 +0000
        day, clock, zone = text.split()
        check(zone == "+0000", "a container that runs in UTC", text)
        whole, _, rest = clock.partition(".")
        return calendar.timegm(time.strptime(f"{day} {whole}", "%Y-%m-%d %H:%M:%S")) + float(f"0.{rest or 0}")

    def wait_whole(self, within):
        """The bytes from before; returns when they were put back."""
        wait(f"the original configuration in {self.pod}", lambda: (self.whole(), self.digest()), within)
        return self.touched_at()

    def one_record(self, **fields):
        def look():
            records = self.bed.records_of(self.incident)
            return len(records) >= 1, records

        records = wait(f"a ledger record of {self.incident}", look, 10)
        check(len(records) == 1, "exactly one ledger record", records)
        for field, value in fields.items():
            check(records[0].get(field) == value, f"{field} {value} in the record", records[0])
        return records[0]


class Watch:
    """What the API server says about one object, with the time of each word."""

    def __init__(self, namespace, kind, name):
        self.rows, self.ended = [], False
        self.process = subprocess.Popen(
            ["kubectl", "-n", namespace, "get", kind, name, "--watch", "--output-watch-events", "-o",
             "jsonpath={.type} {.object.status.phase} {.object.status.revert.state}{\"\\n\"}"], stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()
        wait(f"the first word about {kind} {name}", lambda: (self.rows, self.rows), 10)

    def read(self):
        for line in self.process.stdout:
            self.rows.append((time.time(), *(line.split() + ["", ""])[:3]))
        self.ended = True

    def wait_deleted(self, within):
        def look():
            gone = [row for row in self.rows if row[1] == "DELETED"]
            return bool(gone), self.rows[-3:]

        try:
            wait("the object's end", look, within)
        finally:
            self.process.kill()
            self.process.wait()
        return [row for row in self.rows if row[1] == "DELETED"][0]


def controller_pods(bed):
    out = kubectl("-n", bed.system, "get", "pods", "-l", "app.kubernetes.io/name=drillyard", "-o", "name")
    return out.split()


def scale_controller(bed, replicas, within=60):
    kubectl("-n", bed.system, "scale", "deployment/drillyard-controller", f"--replicas={replicas}")
    if replicas:
        kubectl("-n", bed.system, "rollout", "status", "deployment/drillyard-controller", f"--timeout={within}s", within=within + 10)
    else:
        wait("no controller pod", lambda: (not controller_pods(bed), controller_pods(bed)), within)


__all__ = ["CARD", "Began", "Failure", "Watch", "controller_pods", "objects", "prepare", "scale_controller"]

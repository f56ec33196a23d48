#!/usr/bin/env python3
"""What the API server takes, however odd, really created beside a healthy target: each object works or says what is wrong with it, the healthy
drill reaches 4/4 all the same, and the controller, a build with ASan and UBSan run by hand, has nothing to say. Then a crowd of objects.

Needs what tests/e2e needs. $ODD_SAMPLE: odd objects of each kind (8); $ODD_CROWD: how many objects the crowd has (1000). Few, since the sanitized
controller and the API server share two cores.
"""
import concurrent.futures
import os
import re
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

from lasting import scale_controller
from lib import API, SAMPLES, Bed, apply, check, kubectl, main, read_yaml, test, wait
from process import Controller

import judge
import schemas
import server
import variants

SAMPLE = int(os.environ.get("ODD_SAMPLE", "8"))
CROWD = int(os.environ.get("ODD_CROWD", "1000"))
CROWD_DRILLS = CROWD // 10
CONNECTIONS = 4
SLOWLY = 10  # objects a second
MEMORY = 700  # MiB, of a sanitized build that keeps 16 MiB of what it has freed
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehavior|runtime error:|Assertion|stack smashing")
NEVER = "odd-never"  # a trigger that is not there


def harmless(variant, number):
    """The object under a name of its own, so that whatever is not odd in it leaves the shop alone; None: it could not be."""
    item, kind, path = variant.object, variant.kind, variant.path
    spec = item["spec"]
    item["metadata"] = {"name": f"odd-{kind.lower()}-{number}"}
    if not isinstance(spec, dict) or path.startswith(("spec.selector", "spec.probe.exec.command", "spec.probe.queue.exec")):
        return None
    if kind == "DrillTarget":  # the shop's pods are the shop's: another target's alarms would heal them too
        spec["selector"] = {"matchLabels": {"app": "odd-shop"}}
    elif kind == "ChaosCard" and path != "spec.id":
        spec["id"] = f"OD{number:03d}"
    elif kind == "Playbook" and not path.startswith("spec.triggers"):
        spec["triggers"] = [NEVER]
    elif kind in ("PlaybookRun", "Drill") and path != "spec.target":  # drills of one target wait for one another
        spec["target"] = "odd-nothing"
    elif kind == "DrillSchedule":
        spec["suspend"] = True
    if kind == "Drill":
        spec["dryRun"] = True
    return item if path not in ("spec.suspend", "spec.dryRun") else None


class Pool:
    """Requests over a few connections at once."""

    def __init__(self):
        self.local = threading.local()

    def connection(self):
        if not hasattr(self.local, "connection"):
            self.local.connection = server.Server()
        return self.local.connection

    def each(self, work, rows):
        """work(connection, row) for all rows; what they returned, in order."""
        with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
            return list(pool.map(lambda row: work(self.connection(), row), rows))


class OddBed(Bed):
    running = None

    def make(self):
        super().make()
        scale_controller(self, 0)
        odd = read_yaml(os.path.join(SAMPLES, "shop.yaml"))[0]
        odd["metadata"] = {"name": "odd-shop"}
        odd["spec"]["replicas"] = 1
        odd["spec"]["selector"]["matchLabels"]["app"] = odd["spec"]["template"]["metadata"]["labels"]["app"] = "odd-shop"
        apply(self.ns, odd)
        self.kinds, self.pool, self.made = schemas.kinds(), Pool(), []
        self.crowd = self.ns + "-crowd"
        self.more = [self.crowd]
        self.namespace(self.crowd, ["drillyard.dev/drills=enabled"])
        options = {"ASAN_OPTIONS": "quarantine_size_mb=16:detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
        self.running = Controller("--namespaces", f"{self.ns},{self.crowd},{self.system}", "--catalog-namespace", self.system, "--own-namespace", self.system,
                                  environment=options).wait_ready(60)

    def path(self, connection, kind, name="", query="", namespace=None):
        return connection.objects(self.kinds[kind].plural, namespace or self.ns, name, query)

    def create(self, connection, item, namespace=None):
        return connection.call("POST", self.path(connection, item["kind"], namespace=namespace), item)

    def unharmed(self):
        check(self.running.process.poll() is None, "a controller that runs", self.running.words()[-3000:])
        found = SANITIZER.search(self.running.words())
        check(not found, "nothing that a sanitizer says", self.running.words()[found.start() - 200:found.start() + 3000] if found else None)

    def memory(self):
        with open(f"/proc/{self.running.process.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) / 1024

    def healthy(self, name, within=60):
        self.wait_steady("shop", within=within)
        self.drill(name, "cf001-config-modified")
        status = self.wait_ended(name, "Succeeded", within)["status"]
        check(status["gatesPassed"] == "4/4", "4/4", status)
        self.unharmed()
        return status

    def remove(self):
        """A namespace of so many takes long to go; and a drill that is held by a fault goes only while there is a controller."""
        connection = self.pool.connection()
        for kind in self.kinds:
            for namespace in (self.ns, self.crowd):
                connection.call("DELETE", self.path(connection, kind, namespace=namespace))
        if self.running and self.running.process.poll() is None:
            wait("all drills being gone", lambda: (not (left := connection.call("GET", self.path(connection, "Drill"))[1].get("items")), left), 60)
            self.running.end(signal.SIGTERM, 60)
        super().remove()

    def tell(self):
        for line in (self.running.words() if self.running else "").splitlines()[-60:]:
            print(f"#     {line[:600]}")


def sample(bed):
    """Variants that the server takes, SAMPLE of each kind, created."""
    made = []

    def one(connection, row):
        variant, item = row
        code, body = bed.create(connection, item)
        check(code in (201, 400, 422), "created, or refused as invalid", [variant.id, code, body.get("message")])
        return (variant, item) if code == 201 else None

    for kind in bed.kinds:
        candidates = [variant for variant in variants.variants(3, [kind]) if not variant.refused and not variant.by_status and variant.what != "null"]
        step = max(1, len(candidates) // (3 * SAMPLE))
        rows = [(variant, harmless(variant, number)) for number, variant in enumerate(candidates[::step])]
        taken = [row for row in bed.pool.each(one, [row for row in rows if row[1]]) if row]
        for variant, item in taken[SAMPLE:]:
            bed.pool.connection().call("DELETE", bed.path(bed.pool.connection(), kind, item["metadata"]["name"]))
        made += taken[:SAMPLE]
    return made


def verdict_of(found):
    status = found.get("status") or {}
    ready = next((row for row in status.get("conditions", []) if row["type"] == "Ready"), {})
    return {"harm": "", "written": bool(status), "ready": ready.get("status", ""), "reason": ready.get("reason", status.get("reason", "")),
            "message": ready.get("message", status.get("message", "")), "phase": status.get("phase", "")}


def complaints(bed):
    """What is wrong with what is said of each; those that nothing is said of yet, first."""
    def one(connection, row):
        variant, item = row
        code, found = connection.call("GET", bed.path(connection, variant.kind, item["metadata"]["name"]))
        check(code == 200, "an object that is still there", [variant.id, code])
        asked = {"kind": variant.kind, "path": "spec.reporter" if variant.path == "spec.reporter" else "spec", "base": variant.base}
        return variant.id, judge.of_controller(verdict_of(found), asked)

    return [row for row in bed.pool.each(one, bed.made) if row[1]]


@test("alone, the drill reaches 4/4: what is compared with")
def alone(bed):
    bed.healthy("alone")


@test("odd objects of all kinds: each works, or says in its status which field is wrong and what would be right")
def odd(bed):
    bed.made = sample(bed)
    count = {kind: sum(variant.kind == kind for variant, _ in bed.made) for kind in bed.kinds}
    print(f"#   {count}")
    check(min(count.values()) >= SAMPLE / 4, "some of each kind", count)
    wait("a word about each", lambda: (not (bad := complaints(bed)), [f"{name}: {why}" for name, why in bad[:12]]), 60, every=2)
    bed.unharmed()


@test("beside them the drill reaches 4/4, again and again")
def beside(bed):
    for number in range(2):
        status = bed.healthy(f"beside-{number}")
        print(f"#   detected in {status['timeToDetect']}, healed in {status['timeToHeal']}")


def crowd_card(number):
    letters = "".join(chr(ord("A") + number // 1000 // power % 26) for power in (26, 1))
    return {"apiVersion": API, "kind": "ChaosCard", "metadata": {"name": f"crowd-{number}"},
            "spec": {"id": f"Q{letters}{number % 1000:03d}", "title": "One of many", "category": "ConfigDrift", "risk": 1,
                     "injection": {"method": "KillProcess", "killProcess": {}, "duration": "60s"},
                     "expect": {"trigger": {"name": NEVER}, "playbooks": [{"name": NEVER}]},
                     "verify": [{"name": "level", "probe": {"slo": {}}}], "slo": {"detectWithin": "10s", "healWithin": "60s"}}}


def crowd_drill(number):
    return {"apiVersion": API, "kind": "Drill", "metadata": {"name": f"crowd-{number}"}, "spec": {"card": NEVER, "target": "odd-nothing", "dryRun": True}}


def make_slowly(bed, rows, stop):
    """Creates from the front, SLOWLY a second, until told to stop: as a deployment does that has much to bring, on an API server that keeps up."""
    made = 0
    while not stop.is_set() and made < len(rows):
        code, _ = bed.create(bed.pool.connection(), rows[made], bed.crowd)
        check(code == 201, "created", [rows[made]["metadata"]["name"], code])
        made += 1
        stop.wait(1 / SLOWLY)
    return made


@test(f"{CROWD} objects in a namespace beside: the drill goes on to 4/4, memory stays bounded, and kubectl get answers")
def crowd(bed):
    cards = [crowd_card(number) for number in range(CROWD - CROWD_DRILLS)]
    drills = [crowd_drill(number) for number in range(CROWD_DRILLS)]
    rows = [row for pair in zip(drills, cards) for row in pair] + cards[len(drills):]
    before, began, stop = bed.memory(), time.monotonic(), threading.Event()
    with concurrent.futures.ThreadPoolExecutor(1) as beside:
        making = beside.submit(make_slowly, bed, rows, stop)
        try:
            bed.healthy("meanwhile", within=120)
        finally:
            stop.set()
        made = making.result()
    codes = bed.pool.each(lambda connection, item: bed.create(connection, item, bed.crowd)[0], rows[made:])
    check(set(codes) == {201}, "all of them created", sorted(set(codes)))
    took = time.monotonic() - began
    bed.healthy("after", within=120)
    began = time.monotonic()
    listed = kubectl("-n", bed.crowd, "get", "chaoscards", "--no-headers", within=60).count("\n")
    check(listed >= CROWD - CROWD_DRILLS, "all cards listed", listed)
    memory = bed.memory()
    check(memory < MEMORY, f"less than {MEMORY} MiB resident", memory)
    print(f"#   {len(rows)} made in {took:.0f} s, {made} of them while a drill ran; resident {before:.0f} MiB before, {memory:.0f} after; listed in {time.monotonic() - began:.1f} s")

    def ended():
        connection = bed.pool.connection()
        _, found = connection.call("GET", bed.path(connection, "Drill", query="fieldSelector=status.phase%3DSkipped", namespace=bed.crowd))
        count = len(found.get("items", []))
        return count == CROWD_DRILLS, count

    wait("all drills of the crowd ended", ended, 120, every=2)
    bed.unharmed()


@test("told to end, the controller ends with 0, and no sanitizer has anything to say")
def ends(bed):
    code, took, used = bed.running.end(signal.SIGTERM, 60)
    check(code == 0 and not SANITIZER.search(bed.running.words()), "ended with 0, without a word of a sanitizer", [code, bed.running.words()[-3000:]])
    print(f"#   ended in {took:.1f} s, after {used:.0f} s of CPU")


main(OddBed(restricted=True))

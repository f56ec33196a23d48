"""A lane: a namespace with its own sample shop, its own quick copy of the catalog, a witness inside the shop's pod, and the controllers
that are killed there. Lanes do not know of one another, so that kills run in several at once."""
import os
import signal
import subprocess
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

from lib import CATALOG, CONFIG, ENDED, MODEL, ROOT, SAMPLES, Failure, check, condition, kubectl, read_yaml, wait  # noqa: E402
from process import Controller  # noqa: E402

from api import path_of  # noqa: E402

CARDS = {
    "kh001": ("kh001-heartbeat-stops", "health-signal-gap", "kernel-heartbeat-gap"),
    "cf001": ("cf001-config-modified", "config-drift", "config-restore"),
    "mc001": ("mc001-corrupted-weights", "model-corruption", "model-restore"),
    "kh002": ("kh002-kernel-crash", "kernel-crash", "kernel-crash"),
}

# One line a fact; the worker's state is the third field of proc(5)'s stat.
LOOK = f"""
for d in /proc/[0-9]*; do
  case "$(tr '\\0' ' ' 2>/dev/null <$d/cmdline)" in
  "python3 -u /app/worker.py "*) echo "worker ${{d#/proc/}} $(cut -d' ' -f3 $d/stat 2>/dev/null)" ;;
  esac
done
echo "config $(sha256sum <{CONFIG})"
echo "model $(sha256sum <{MODEL})"
/drillyard/bin/drill-injector status --dir /drillyard | sed 's/^/fault /'
echo "now $(date +%s.%N)"
"""


def seamed():
    places = [os.path.join(ROOT, "build", kind, "tests", "kills", "drillyard-controller-seamed") for kind in ("release", "dev")]
    for place in [os.environ.get("DRILLYARD_SEAMED"), *places]:
        if place and os.access(place, os.X_OK):
            return place
    raise Failure(f"no controller with a seam to run: neither of {places}, and no $DRILLYARD_SEAMED; build one with: "
                  "cmake --preset release && cmake --build --preset release --target drillyard-controller-seamed")


class Seen:
    """What the target shows at one moment."""

    def __init__(self, lines):
        self.workers, self.faults = [], []
        for word, *rest in (line.split() for line in lines):
            if word == "worker" and len(rest) == 2:
                self.workers.append((int(rest[0]), rest[1]))
            elif word == "fault" and rest != ["no", "faults"]:
                self.faults.append(rest)
            elif word in ("config", "model"):
                setattr(self, word, rest[0])
            elif word == "now":
                self.now = float(rest[0])
        self.digests = (self.config, self.model)

    def open_faults(self):
        return [row for row in self.faults if row[-1] not in ("Reverted", "NotNeeded", "Never")]

    def works(self):
        return bool(self.workers) and all(state not in "TtZX" for _, state in self.workers)

    def __str__(self):
        return f"workers {self.workers}, faults {self.faults}, config {self.config[:8]}, model {self.model[:8]}"


class Witness:
    """A shell in a pod's container that stays open: a look takes some 20 ms of time and no new session."""

    def __init__(self, namespace, pod, container="app"):
        self.where = ["-n", namespace, pod, "-c", container]
        self.shell = None
        self.lock = threading.Lock()

    def open(self):
        self.shell = subprocess.Popen(["kubectl", "exec", "-i", *self.where, "--", "sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, text=True, bufsize=1)

    def close(self):
        if self.shell:
            self.shell.kill()
            self.shell.wait()
            self.shell.stdin.close()
            self.shell.stdout.close()
            self.shell = None

    def ask(self, script):
        """The lines that the script prints. A shell that is lost (with its container) is opened anew, once."""
        with self.lock:
            for last in (False, True):
                if not self.shell:
                    self.open()
                try:
                    return self.ask_once(script)
                except (Failure, OSError):
                    self.close()
                    if last:
                        raise
        return []

    def ask_once(self, script):
        marker, lines = uuid.uuid4().hex, []
        watchdog = threading.Timer(15, self.shell.kill)
        watchdog.start()
        try:
            self.shell.stdin.write(f"{script}\necho {marker}\n")
            self.shell.stdin.flush()
            for line in self.shell.stdout:
                if line.strip() == marker:
                    return lines
                lines.append(line.strip())
        finally:
            watchdog.cancel()
        raise Failure(f"the shell in {' '.join(self.where)} ended in the middle of an answer, after {lines}")

    def ask_to_die(self, script):
        """A script that ends the container, and this shell with it."""
        with self.lock:
            try:
                self.ask_once(f"{script}; sleep 14")
            except (Failure, OSError):
                self.close()
                return
        raise Failure(f"the shell in {' '.join(self.where)} outlived: {script}")

    def alive(self):
        with self.lock:
            try:
                if not self.shell:
                    self.open()
                return self.ask_once("true") == []
            except (Failure, OSError):
                self.close()
                return False

    def look(self):
        return Seen(self.ask(LOOK))


def quick_catalog():
    """The catalog with shorter pauses: a playbook is soon ready for the next drill, and a crash is forgotten after four seconds: not before a new
    controller leads, and not after the playbook may run again, or the restart would count as a crash that calls for a restart."""
    objects = []
    for name in sorted(os.listdir(CATALOG)):
        objects += read_yaml(os.path.join(CATALOG, name))
    for item in objects:
        item["metadata"].pop("annotations", None)
        if item["kind"] == "Playbook":
            item["spec"]["cooldown"] = "7s" if item["metadata"]["name"] == "kernel-crash" else "500ms"
        process = item["spec"].get("probe", {}).get("process", {}) if item["kind"] == "Trigger" else {}
        if "stableFor" in process:
            process["stableFor"] = "4s"
    return objects


class Lane:
    def __init__(self, api, namespace, replicas=1):
        self.api, self.ns, self.replicas = api, namespace, replicas
        self.name = namespace.rsplit("-", 1)[1]
        self.controllers, self.witness, self.before = [], None, None

    def make(self, catalog):
        """In a namespace that is there, with the chart's policies, and labels."""
        for item in catalog:
            self.api.must("POST", path_of(self.ns, self.plural(item)), item)
        kubectl("-n", self.ns, "apply", "-f", os.path.join(SAMPLES, "shop.yaml"), "-f", os.path.join(SAMPLES, "shop-target.yaml"))
        if self.replicas != 2:
            kubectl("-n", self.ns, "scale", "deployment/shop", f"--replicas={self.replicas}")
        kubectl("-n", self.ns, "rollout", "status", "deployment/shop", "--timeout=90s", within=100)
        self.take_witness()

    @staticmethod
    def plural(item):
        return item["kind"].lower() + "s"

    def pod(self):
        found = [row for row in self.api.list(path_of(self.ns, "pods") + "?labelSelector=app%3Dshop") if not row["metadata"].get("deletionTimestamp")]
        check(found, f"a pod of the shop in {self.ns}")
        return found[0]

    def take_witness(self):
        if self.witness:
            self.witness.close()
        self.witness = Witness(self.ns, self.pod()["metadata"]["name"])
        seen = self.witness.look()
        self.before = self.before or seen.digests
        return seen

    # controllers

    def start(self, seam=None, log=None, kubeconfig=None, program=None, more=()):
        environment = {}
        if seam:
            environment["DRILLYARD_SEAM"] = seam
        if log:
            environment["DRILLYARD_SEAM_LOG"] = log
        where = ["--kubeconfig", kubeconfig] if kubeconfig else []
        one = Controller("--namespaces", self.ns, "--catalog-namespace", self.ns, "--own-namespace", self.ns, *where, *more,
                         program=program or seamed(), environment=environment)
        self.controllers.append(one)
        return one

    def end_all(self, number):
        for one in self.controllers:
            if one.process.poll() is None:
                one.process.send_signal(signal.SIGCONT)
                one.end(number)
        self.controllers = []

    # what the API server has

    def get(self, plural, name):
        return self.api.get(path_of(self.ns, plural, name))

    def wait_steady(self, within=40):
        def look():
            target = self.get("drilltargets", "shop")
            well = all(condition(target, kind).get("status") == "True" for kind in ("Ready", "AgentReady", "SteadyState"))
            snapshots = {row["facet"] for row in target.get("status", {}).get("snapshots", [])}
            return well and snapshots == set(target["spec"]["snapshots"]["facets"]), target.get("status")

        return wait(f"target shop in {self.ns} ready, in its steady state, with its snapshots", look, within, every=0.05)

    def drill(self, name, card, target="shop", **spec):
        self.api.must("POST", path_of(self.ns, "drills"), {
            "apiVersion": "drillyard.dev/v1alpha1", "kind": "Drill", "metadata": {"name": name}, "spec": {"card": card, "target": target, **spec}})

    def wait_terminal(self, name, within=60):
        def look():
            found = self.get("drills", name)
            return (found or {}).get("status", {}).get("phase") in ENDED, found

        return wait(f"drill {name} in {self.ns} to end", look, within, every=0.03)

    def wait_released(self, name, within=20):
        def look():
            found = self.get("drills", name)
            return found is not None and not found["metadata"].get("finalizers"), found

        return wait(f"drill {name} in {self.ns} to be held by nothing", look, within, every=0.03)

    def runs_of(self, incident):
        return [run for run in self.api.list(path_of(self.ns, "playbookruns")) if run["spec"].get("incident") == incident]

    def segments(self):
        rows = self.api.list(path_of(self.ns, "configmaps") + "?labelSelector=drillyard.dev%2Fledger%3Dsegment")
        return sorted(rows, key=lambda row: row["metadata"]["name"])

    def incidents(self):
        return [key for segment in self.segments() for key in segment["data"] if not key.startswith(".")]

    def remove(self):
        """Drills that a test left in the middle are let go of, or the namespace would wait for them for ever."""
        self.end_all(signal.SIGKILL)
        if self.witness:
            self.witness.close()
        for drill in self.api.list(path_of(self.ns, "drills")):
            if drill["metadata"].get("finalizers"):
                self.api.patch(path_of(self.ns, "drills", drill["metadata"]["name"]), {"metadata": {"finalizers": None}})


def stopwatch():
    began = time.monotonic()
    return lambda: time.monotonic() - began

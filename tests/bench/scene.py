"""Where figures are measured: the chart with the sample shop, fast drills, the audit log, the controller's process."""
import json
import os
import select
import subprocess
import sys
import time

from api import Api
from lib import API, ENDED, ROOT, Bed, Failure, check, kubectl, run, wait
import procfs

OTHER = "/run/shop/other.yaml"  # a file that no trigger of the catalog looks at
CARD = "lasting"
FINALIZER = "drillyard.dev/revert"
WITNESS = os.path.join(ROOT, "build", "release", "tests", "bench", "bench-witness")


def say(text):
    print(f"hack/bench: {text}", file=sys.stderr, flush=True)


class Audit:
    """The API server's audit log from now on."""

    def __init__(self):
        self.path = os.path.join(os.path.dirname(os.environ.get("KUBECONFIG", "")), "log", "audit.log")
        check(os.path.exists(self.path), "the audit log of the API server; is this a cluster of hack/cluster?", self.path)
        self.offset, self.inode = os.path.getsize(self.path), os.stat(self.path).st_ino

    def events(self):
        check(os.stat(self.path).st_ino == self.inode, "an audit log that was not rotated meanwhile")
        with open(self.path, encoding="utf-8") as file:
            file.seek(self.offset)
            return [json.loads(line) for line in file if line.endswith("\n")]


class Witness:
    """What a file in a container is, as the node sees it, with the time at which each change was seen."""

    def __init__(self, pid, path):
        check(os.access(WITNESS, os.X_OK), "the program that watches files; build it with hack/bench", WITNESS)
        self.process = subprocess.Popen([WITNESS, f"/proc/{pid}/root{path}"], stdout=subprocess.PIPE)
        self.rest = b""
        self.whole = self.next(5)[1]

    def next(self, within):
        """(nanoseconds, digest) of the next change."""
        deadline = time.monotonic() + within
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            more = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            check(more, f"a change of the file within {within} s")
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        when, digest = line.split()
        return int(when), digest

    def wait_until(self, digest_differs, within):
        """When the file became another than it was at first, or the same again."""
        while True:
            when, digest = self.next(within)
            if (digest != self.whole) == digest_differs:
                return when

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Scene(Bed):
    def make(self):
        super().make()
        self.api = Api()

    # the controller

    def controller_pod(self):
        rows = [pod for pod in self.api.items("pods", self.system, "?labelSelector=app.kubernetes.io/name%3Ddrillyard")
                if not pod["metadata"].get("deletionTimestamp")]
        check(len(rows) == 1, "one pod of the controller", [row["metadata"]["name"] for row in rows])
        return rows[0]

    def controller_pid(self):
        return procfs.pid_of(self.controller_pod(), "controller")

    def wait_quiet(self, quiet=5, within=120):
        """Until the controller has asked nothing but its Lease for some seconds."""
        audit, since, seen = Audit(), time.monotonic(), 0

        def look():
            nonlocal since, seen
            rows = len(self.asked(audit))
            if rows != seen:
                seen, since = rows, time.monotonic()
            return time.monotonic() - since > quiet, seen

        wait("the controller at rest", look, within, every=0.5)

    def asked(self, audit, leases=False):
        """Audit events of this controller's requests; opening watches again is no news, and is left out."""
        return [event for event in audit.events() if event["user"]["username"] == self.user() and event["verb"] != "watch"
                and (leases or event.get("objectRef", {}).get("resource") != "leases")]

    # drills

    def fast_drill(self, name, card=CARD, target="shop", **spec):
        """As a schedule makes it, with the finalizer in it: of a drill made by hand the controller has to put it on first, a write more."""
        self.api.create("drills", self.ns, {"apiVersion": API, "kind": "Drill", "metadata": {"name": name, "finalizers": [FINALIZER]},
                                            "spec": {"card": card, "target": target, **spec}})

    def wait_drill(self, name, phases, within=30, every=0.005):
        """Faster than the tests' wait_phase: it does not start a program to look."""
        def look():
            status = self.api.get("drills", self.ns, name).get("status", {})
            phase = status.get("phase")
            if phase in ENDED and phase not in phases:
                raise Failure(f"drill {name} ended {phase}: {status.get('reason')}: {status.get('message')}")
            return phase in phases, status

        return wait(f"drill {name} being {' or '.join(phases)}", look, within, every)

    def wait_let_go(self, name, within=30):
        wait(f"drill {name} let go", lambda: (not self.api.get("drills", self.ns, name)["metadata"].get("finalizers"), name), within, 0.01)

    def shop_pods(self):
        pods = [pod for pod in self.api.items("pods", self.ns, "?labelSelector=app%3Dshop") if not pod["metadata"].get("deletionTimestamp")]
        return sorted(pods, key=lambda pod: pod["metadata"]["name"])

    def shop_pod(self):
        return self.shop_pods()[0]

    def make_other_file(self, pod):
        kubectl("-n", self.ns, "exec", pod["metadata"]["name"], "-c", "app", "--", "sh", "-c", f"printf 'db:\\n  pool: 5\\n' > {OTHER}")

    def witness(self, pod, container="app", path=OTHER):
        return Witness(procfs.pid_of(pod, container), path)

    def scale_controller(self, replicas):
        kubectl("-n", self.system, "scale", "deployment/drillyard-controller", f"--replicas={replicas}")
        if replicas:
            kubectl("-n", self.system, "rollout", "status", "deployment/drillyard-controller", "--timeout=60s", within=70)
            return

        def look():
            rows = run(["kubectl", "-n", self.system, "get", "pods", "-l", "app.kubernetes.io/name=drillyard", "-o", "name"]).out
            return not rows, rows

        wait("no controller", look, 60)

#!/usr/bin/env python3
"""The cluster's own parts die with faults in force and drills waiting: API server, etcd, kubelet, containerd. Seen from the node, since kubectl
cannot look then. Everything, the three minutes included, unless KILLS=sample."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bed import FaultBed  # noqa: E402
from lasting import CARD  # noqa: E402
from lib import ROOT, Failure, at, check, kubectl, main, must, test, wait  # noqa: E402

from node import NodeWitness  # noqa: E402

LEASE = 5
IN_STEP = 2.0       # seconds from the server's return until what is asked for then is done
ATTEMPTS = 6.0      # connections a second and controller, while nobody answers: the election asks twice, a dozen watches ever less often
REQUESTS = 150      # requests a controller in the ten seconds after the return: each kind is listed and watched anew
FULL = os.environ.get("KILLS") != "sample"


def cluster(*words):
    return must([os.path.join(ROOT, "hack", "cluster"), *words], within=120)


class OutageBed(FaultBed):
    """The controllers have an account of their own, so that the audit log tells what they asked for; and come through the proxy, which
    counts while there is no audit log."""

    def make(self):
        super().make()
        kubectl("-n", self.system, "create", "serviceaccount", "kills")
        kubectl("create", "clusterrolebinding", self.system, "--clusterrole=cluster-admin", f"--serviceaccount={self.system}:kills")
        token = kubectl("-n", self.system, "create", "token", "kills", "--duration=1h").strip()
        kubeconfig = self.proxy.kubeconfig(token)
        for fault in self.faults.values():
            fault.kubeconfig = kubeconfig
            fault.lane.witness.close()
            fault.lane.witness = NodeWitness(fault.lane.pod())
            fault.lane.before = fault.lane.witness.look().digests

    def remove(self):
        kubectl("delete", "clusterrolebinding", self.system, "--ignore-not-found")
        super().remove()

    def requests(self, since, until):
        """What the audit log has of the controllers' account between two moments (time.time())."""
        user = f"system:serviceaccount:{self.system}:kills"
        rows = []
        with open(os.path.join(os.path.dirname(os.environ["KUBECONFIG"]), "log", "audit.log"), encoding="utf-8") as file:
            for line in file:
                if user in line:
                    event = json.loads(line)
                    if event["user"]["username"] == user and since <= at(event["requestReceivedTimestamp"]) <= until:
                        rows.append((event["verb"], event.get("objectRef", {}).get("resource", event["requestURI"])))
        return rows

    def answers(self):
        """Whether the API server says that it is ready."""
        try:
            return self.api.ask("GET", "/readyz")[0] == 200
        except Failure:
            return False


def ready_again(bed, component):
    """Starts it; when the API server was ready again (time.time())."""
    start = subprocess.Popen([os.path.join(ROOT, "hack", "cluster"), "restart", component], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait(f"the API server being ready after {component} is back", lambda: (bed.answers(), None), 90, every=0.05)
        return time.time()
    finally:
        start.wait(120)
        check(start.returncode == 0, f"hack/cluster restart {component} to succeed", start.returncode)


def in_step(fault, name, back):
    """A drill that is made right after the return is dealt with: one that waits for nobody, since its target is not there."""
    fault.lane.drill(name, CARD, target="none")

    def look():
        return fault.lane.get("drills", name).get("status", {}).get("phase") == "Skipped", fault.lane.get("drills", name).get("status")

    wait(f"the drill {name} that cannot begin, in {fault.lane.ns} being dealt with", look, 20, every=0.02)
    took = time.time() - back
    check(took <= IN_STEP, f"in step again within {IN_STEP} s of the return, in {fault.lane.ns}", took)
    return took


def waiting_drill(fault, name):
    """One that waits for its turn, since the target has a fault already."""
    fault.lane.drill(name, CARD, overrides={"lease": f"{LEASE}s"})


def end_waiting(fault, name):
    """It was not lost: it begins now, once, and is stopped here."""
    fault.name = name

    def look():
        drill = fault.lane.get("drills", name)
        return drill["status"].get("phase") == "Detecting", drill["status"]

    wait(f"the drill {name} in {fault.lane.ns}, which had waited, having its turn", look, 20)
    fault.abort()
    check(fault.finish()["phase"] == "Aborted", "Aborted, as was asked for")


def outage(bed, component, seconds, leads_on=0.0):
    """`leads_on`: for how long a leader that cannot reach the election leads on, and renews the leases of its faults."""
    took, steps = {}, {}
    name = f"{component}-{seconds}"
    bed.each(lambda fault: fault.begin(name, lease=f"{LEASE}s"))
    bed.each(waiting_drill, name + "-waits")
    time.sleep(0.5)
    cluster("kill", component)
    killed, killed_mono = time.time(), time.monotonic()

    def gone(fault):
        took[fault.lane.name] = fault.gone(killed, LEASE + leads_on + 1, f"while {component} is dead")

    try:
        bed.each(gone)
        time.sleep(max(0.0, killed + seconds - time.time()))
        attempts = bed.proxy.attempts_since(killed_mono) / (time.time() - killed) / len(bed.faults)
    finally:
        back = ready_again(bed, component)

    def after(fault):
        steps[fault.lane.name] = in_step(fault, name + "-none", back)
        fault.finish()
        end_waiting(fault, name + "-waits")

    bed.each(after)
    time.sleep(max(0.0, back + 10 - time.time()))
    asked = len(bed.requests(back - 5, back + 10)) / len(bed.faults)
    print(f"#   {component} dead for {seconds} s: faults gone after {max(took.values()):.2f} s at most, in step {max(steps.values()):.2f} s at most after its "
          f"return; a controller tried {attempts:.2f} connections a second meanwhile, and made {asked:.0f} requests around the return")
    check(attempts <= ATTEMPTS, f"at most {ATTEMPTS} connections a second and controller while {component} is dead", attempts)
    check(asked <= REQUESTS, f"at most {REQUESTS} requests a controller around the return of {component}", asked)


@test("the API server is dead for 20 s: no fault outlives its lease, no drill is lost or run twice, and all is in step 2 s after its return")
def api_server(bed):
    outage(bed, "apiserver", 20)


def node_part(bed, component):
    """Dead, and started again at once: sessions may break, pods live on."""
    name = component
    bed.each(lambda fault: fault.begin(name, lease=f"{LEASE}s"))
    cluster("kill", component)
    began = time.time()
    cluster("restart", component)
    print(f"#   {component} was away for {time.time() - began:.1f} s")

    def after(fault):
        fault.abort()
        asked = time.time()
        fault.gone(asked, LEASE + 1, f"with {component} back")
        status = fault.finish()
        check(status["phase"] in ("Aborted", "Inconclusive"), "an honest end", status)

    bed.each(after)


@test("the kubelet is killed and started again: the same drills go on, or end honestly")
def kubelet(bed):
    node_part(bed, "kubelet")


if FULL:
    @test("containerd is killed and started again: the same")
    def containerd(bed):
        node_part(bed, "containerd")

    @test("etcd is dead for 20 s: the same as for the API server")
    def etcd(bed):
        outage(bed, "etcd", 20, leads_on=1.6)

    @test("the API server is dead for three minutes: the same")
    def api_server_long(bed):
        outage(bed, "apiserver", 180)


if __name__ == "__main__":
    main(OutageBed())

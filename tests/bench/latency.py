"""From the apply of a Drill until its fault is in force, and from spec.abort until it is gone, as the target's file shows it.

The witness is a program on this machine, which is the node: it sees the file through /proc and shares the clock. The apply begins when
the request is about to be sent, so the API server's own time for the write is in it."""
import time

import lasting
from figures import Figure
from lib import Failure, check, wait
from scene import OTHER, say

NAMES = ["inject/open", "abort", "inject/cold"]
SAMPLES, COLD_SAMPLES = 30, 3
METHOD = {"path": OTHER, "format": "YAML", "key": "db.pool", "operation": "Set", "value": "7"}


def prepare(scene):
    """The card, and the file in one of the pods; that pod."""
    lasting.prepare(scene, method=METHOD)
    pod = scene.shop_pod()
    scene.make_other_file(pod)
    return pod


def once(scene, witness, name, pod, **spec):
    """Milliseconds to in force, and from the abort to gone."""
    applied = time.monotonic_ns()
    scene.fast_drill(name, pod=pod["metadata"]["name"], **spec)
    in_force = witness.wait_until(True, 15)
    scene.wait_drill(name, ("Detecting",))
    time.sleep(0.05)
    aborted = time.monotonic_ns()
    scene.api.patch("drills", scene.ns, name, {"spec": {"abort": True}})
    gone = witness.wait_until(False, 15)
    scene.wait_drill(name, ("Aborted",))
    scene.wait_let_go(name)
    return (in_force - applied) / 1e6, (gone - aborted) / 1e6


def several(scene, kind, count, pod, before_each=lambda: None):
    rows, witness = [], scene.witness(pod)
    try:
        for number in range(count + 1):
            before_each()
            rows.append(once(scene, witness, f"{kind}-{number}", pod))
    finally:
        witness.end()
    return [list(column) for column in zip(*rows[1:])]  # the first one copies the file up into its overlay, once


def sessions(scene):
    return scene.metrics()["drillyard_sessions"]


def without_session(scene, pods):
    """The pod to which none is open: a drill on it opens the second one."""
    for number, pod in enumerate(pods):
        name = f"which-{number}"
        scene.fast_drill(name, pod=pod["metadata"]["name"])
        scene.wait_drill(name, ("Detecting",))
        opened = sessions(scene) == 2
        scene.api.patch("drills", scene.ns, name, {"spec": {"abort": True}})
        scene.wait_drill(name, ("Aborted",))
        scene.wait_let_go(name)
        if opened:
            return pod
    raise Failure(f"no drill on any of {len(pods)} pods opened a second session")


def cold(scene):
    """With watchPods 0 one session stays open, by which the steady state is known; for a drill on another pod one is opened, and closed by the sweep
    that finds it unused."""
    pods = scene.shop_pods()
    for pod in pods:
        scene.make_other_file(pod)
    scene.api.patch("drilltargets", scene.ns, "shop", {"spec": {"watchPods": 0}})

    def one_session():
        def look():
            up = sessions(scene)
            return up == 1, up

        wait("one session open", look, 90, every=1)

    try:
        one_session()
        pod = without_session(scene, pods)
        return several(scene, "cold", COLD_SAMPLES, pod, one_session)[0]
    finally:
        scene.api.patch("drilltargets", scene.ns, "shop", {"spec": {"watchPods": 10}})


def measure(scene):
    scene.wait_steady("shop")
    pod = prepare(scene)
    say(f"{SAMPLES} drills one after the other, each aborted")
    in_force, gone = several(scene, "open", SAMPLES, pod)
    check(min(in_force) > 0 and min(gone) > 0, "effects after their causes")
    yield Figure("inject/open", in_force)
    yield Figure("abort", gone)
    yield Figure("inject/cold", cold(scene))

#!/usr/bin/env python3
"""Faults that nobody is left to take back: the controller dead, stopped, or cut off; the guard, its session, the target or the pod gone.
Each time for all four cards' faults at once, and what counts is what the target itself shows."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bed import Fault, FaultBed, tell  # noqa: E402
from lib import check, kubectl, main, test, wait  # noqa: E402

from proxy import CLOSED, HELD, OPEN  # noqa: E402

LEASE = 3
LABEL = "drillyard.dev/agent"


@test(f"the controller is killed and stays dead: each fault is gone within its lease of {LEASE} s and one more, by the agent alone")
def dead(bed):
    took = {}

    def scenario(fault):
        fault.begin("dead")
        killed = time.time()
        fault.controller.end(signal.SIGKILL)
        fault.still_in_force("its lease is not over")
        took[fault.lane.name] = fault.gone(killed, LEASE + 1, "by the agent alone")
        status = fault.finish()
        check(status["revert"]["by"] == "Agent", "reverted by the agent", status["revert"])

    bed.each(scenario)
    tell("gone after the kill", took)


@test("the controller is stopped past the lease, and goes on: gone just so, and what it still believed does no harm")
def stopped(bed):
    took = {}

    def scenario(fault):
        fault.begin("stopped")
        began = time.time()
        fault.controller.process.send_signal(signal.SIGSTOP)
        try:
            took[fault.lane.name] = fault.gone(began, LEASE + 1, "by the agent alone")
            time.sleep(1)
        finally:
            fault.controller.process.send_signal(signal.SIGCONT)
        status = fault.finish()
        check(status["revert"]["by"] == "Agent", "reverted by the agent", status["revert"])

    bed.each(scenario)
    tell("gone after the stop", took)


def cut_off(bed, name, mode):
    took = {}
    bed.each(Fault.begin, name)
    bed.proxy.set(mode)
    began = time.time()
    try:
        def scenario(fault):
            took[fault.lane.name] = fault.gone(began, LEASE + 1, "by the agent alone")

        bed.each(scenario)
        time.sleep(max(0.0, began + LEASE + 3 - time.time()))
    finally:
        bed.proxy.set(OPEN)
    back = time.time()

    def end(fault):
        status = fault.finish()
        check(status["revert"]["by"] == "Agent", "reverted by the agent", status["revert"])

    bed.each(end)
    tell("gone after the cut", took)
    print(f"#   all drills over {time.time() - back:.1f} s after the way was free again")


@test("the controller is cut off from the API server, silently: gone within the lease and one second, and ended when the cable is back")
def held(bed):
    cut_off(bed, "held", HELD)


@test("the controller's connections are reset and refused: the same")
def closed(bed):
    cut_off(bed, "closed", CLOSED)


def guard_killed(bed, name, *commands):
    took = {}

    def scenario(fault):
        fault.begin(name, lease="60s")
        guards = fault.pids("drill-injector guard")
        check(len(guards) == 1, "one guard", guards)
        victims = [pid for command in commands for pid in fault.pids(command)]
        fault.lane.witness.ask(f"kill -9 {' '.join(str(pid) for pid in victims)}")

        def returned():
            now = fault.pids("drill-injector guard")
            return bool(now) and now != guards, now

        wait("the guard being back", returned, 60, every=0.05)
        took[fault.lane.name] = fault.gone(time.time(), 5, "after the guard's return")
        fault.finish()

    bed.each(scenario)
    tell("gone after the guard's return", took)


@test("the guard is killed: the next one takes the fault back within five seconds of its start, whatever the lease says")
def guard(bed):
    guard_killed(bed, "guard", "drill-injector guard")


def pod_deleted(bed, name, *how):
    def scenario(fault):
        fault.begin(name)
        pod = fault.lane.pod()["metadata"]["name"]
        kubectl("-n", fault.lane.ns, "delete", "pod", pod, "--wait=false", *how)
        kubectl("-n", fault.lane.ns, "wait", f"pod/{pod}", "--for=delete", "--timeout=40s")
        kubectl("-n", fault.lane.ns, "rollout", "status", "deployment/shop", "--timeout=60s", within=70)
        fault.lane.take_witness()
        status = fault.finish()
        check(status["revert"]["by"] in ("Agent", "PodGone"), "reverted by the agent, or gone with the pod", status["revert"])

    bed.each(scenario)


@test("the pod is deleted: the fault goes before it or with it")
def pod_gone(bed):
    pod_deleted(bed, "pod-gone")


@test("guard and sessions are killed at once, in a new pod: the same as for the guard alone")
def guard_and_session(bed):
    guard_killed(bed, "guard-and-session", "drill-injector serve", "drill-injector guard")


@test("the pod is deleted by force: the fault goes with it")
def pod_forced(bed):
    pod_deleted(bed, "pod-forced", "--force", "--grace-period=0")


@test("the pod's label is taken off: the agent reverts by itself, and the drill waits for the label, saying so")
def label(bed):
    took = {}

    def scenario(fault):
        fault.begin("label")
        pod = fault.lane.pod()["metadata"]["name"]
        began = time.time()
        kubectl("-n", fault.lane.ns, "label", "pod", pod, f"{LABEL}-")
        took[fault.lane.name] = fault.gone(began, LEASE + 1, "by the agent alone")

        def status():
            return fault.lane.get("drills", fault.name)["status"]

        def said():
            seen = status()
            return "put the label back" in seen.get("message", ""), seen

        wait("the drill saying what it waits for", said, 30)
        time.sleep(LEASE + 18)  # longer than a pod is waited for that is gone
        check(status()["phase"] == "Reverting", "Reverting for as long as the pod cannot be asked", status())
        kubectl("-n", fault.lane.ns, "label", "pod", pod, f"{LABEL}=enabled")
        end = fault.finish()
        check(end["revert"]["by"] == "Agent", "reverted by the agent", end["revert"])

    bed.each(scenario)
    tell("gone after the label", took)


@test("the target's container is killed: the fault is gone within five seconds of its return")
def target(bed):
    took = {}

    def scenario(fault):
        fault.begin("target", lease="60s")
        main_process = fault.pids("runsvdir -P /service")
        check(len(main_process) == 1, "one main process", main_process)
        fault.lane.witness.ask_to_die(f"kill -9 {main_process[0]}")
        wait("the target being back", lambda: (fault.lane.witness.alive(), None), 60, every=0.2)
        took[fault.lane.name] = fault.gone(time.time(), 5, "after the target's return", closed=False)
        fault.abort()
        fault.finish()

    bed.each(scenario)
    tell("gone after the target's return", took)


if __name__ == "__main__":
    main(FaultBed())

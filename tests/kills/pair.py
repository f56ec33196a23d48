#!/usr/bin/env python3
"""Two controllers: one acts. It is killed: the other acts. It is paused past its lease: what it still sends is refused, lines by the
election's epoch, writes by resourceVersion."""
import json
import os
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bed import FaultBed, tell  # noqa: E402
from lasting import CARD  # noqa: E402
from lib import at, check, kubectl, main, test, wait  # noqa: E402

from seamwatch import answer_in, halted, number_of  # noqa: E402

TAKE_OVER = 3.0  # seconds from the kill until the other leads
FIRST_ACT = 1.0  # and from then until its first command is carried out: it opens a session for it


def leads(one):
    return one.page("/readyz")[0] == 200 and "leading" in one.page("/readyz")[1]


@test("of two controllers one acts, and the other does nothing but watch")
def one_acts(bed):
    def scenario(fault):
        fault.begin("one-acts", lease="10s")
        fault.second = fault.lane.start(kubeconfig=fault.kubeconfig)
        wait("the second one to be ready", lambda: (fault.second.page("/healthz")[0] == 200, None), 10)
        time.sleep(3)
        check([leads(fault.controller), leads(fault.second)] == [True, False], "one that leads", [fault.controller.page("/readyz"), fault.second.page("/readyz")])
        said = {line["message"] for line in fault.second.lines()}
        check(not said & {"effect begun", "agent answered", "phase reached", "object created"}, "a second one that does nothing", said)
        fault.still_in_force("nothing has changed for it")

    bed.each(scenario)


@test(f"the leader is killed: the other leads within {TAKE_OVER:.0f} s and acts at once; until then the fault is in force, which nobody took back")
def taken_over(bed):
    took, elected = {}, {}

    def scenario(fault):
        fault.still_in_force("the first one leads")
        killed = time.time()
        fault.controller.end(signal.SIGKILL)
        fault.abort()
        fault.controller = fault.second
        status = fault.finish()
        check(status["phase"] == "Aborted" and status["revert"]["by"] == "Controller", "Aborted, by the second one, and not by the lease", status)
        took[fault.lane.name] = at(status["revertedAt"]) - killed
        leading = [line["time"] for line in fault.second.lines() if line["message"] == "acting as the leader"]
        elected[fault.lane.name] = at(leading[-1]) - killed
        fault.lane.end_all(signal.SIGTERM)

    for fault in bed.faults.values():
        scenario(fault)
    tell("the second one led after the kill", elected)
    tell("reverted by the second one after the kill", took)
    check(max(elected.values()) <= TAKE_OVER, f"the second one leading within {TAKE_OVER} s of the kill", elected)
    check(max(took.values()) <= TAKE_OVER + FIRST_ACT, f"each fault reverted within {TAKE_OVER + FIRST_ACT} s of the kill", took)


def epoch_of(one):
    return int([line["epoch"] for line in one.lines() if line["message"] == "acting as the leader"][-1])


def number_in_a_drill(fault, name, wanted, nth):
    """Which number, of those that a drill sends until it is aborted, is the nth that begins so."""
    fault.lane.end_all(signal.SIGTERM)
    with tempfile.NamedTemporaryFile("r") as log:
        fault.controller = fault.lane.start(log=log.name).wait_ready()
        fault.begin(name)
        fault.abort()
        fault.finish()
        fault.lane.end_all(signal.SIGTERM)
        return number_of(log.read(), wanted, nth)


def deposed(fault, name, wanted, nth=1):
    """The leader stops itself before it sends what `wanted` names, another begins to lead and ends the drill, then the first goes on. Returns
    it, and what its sending came to ("" where it never went out)."""
    number = number_in_a_drill(fault, name + "-first", wanted, nth)
    with tempfile.NamedTemporaryFile("r") as log:
        first = fault.lane.start(seam=f"{number}:stop", log=log.name).wait_ready()
        fault.lane.wait_steady()
        fault.name, fault.incidents = name, fault.lane.incidents()
        fault.lane.drill(name, CARD, overrides={"lease": "3s"})
        wait("the first one stopped", lambda: (halted(first), log.read()), 20, every=0.02)
        fault.controller = fault.lane.start().wait_ready()
        fault.abort()
        fault.lane.wait_terminal(name)
        first.process.send_signal(signal.SIGCONT)
        time.sleep(1.5)
        status = fault.finish()
        check(first.process.poll() is None and not leads(first), "a first one that lives on and does not lead", first.page("/readyz"))
        check(epoch_of(fault.controller) > epoch_of(first), "a higher epoch with each leader", [epoch_of(first), epoch_of(fault.controller)])
        check(status["phase"] in ("Aborted", "Inconclusive"), "an honest end", status)
        return first, answer_in(log.name)


def say_to_agent(fault, *lines):
    """What the agent answers to these, said in a session of its own."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    out = kubectl("-n", fault.lane.ns, "exec", "-i", fault.lane.pod()["metadata"]["name"], "-c", "drill-injector", "--",
                  "/drillyard/bin/drill-injector", "serve", stdin=text)
    rows = [json.loads(line) for line in out.splitlines()]
    return {row["id"]: row for row in rows if row.get("id")}


@test("a leader paused past its lease, right before an inject: the line is not sent any more, and the agent would refuse its epoch")
def deposed_line(bed):
    def scenario(fault):
        first, answer = deposed(fault, "line", "line inject")
        check(answer in ("", "STALE_EPOCH"), "no inject of the deposed one accepted", answer)
        old = {"epoch": epoch_of(first)}
        answers = say_to_agent(fault, {"id": "1", "op": "renew", "leaseMs": 3000, **old}, {"id": "2", "op": "inject", "durationMs": 3000, "fault": {
            "id": "late", "method": "ProcessFreeze", "params": {"match": "/app/worker.py"}}, **old})
        check([answers[key]["error"]["class"] for key in "12"] == ["STALE_EPOCH", "STALE_EPOCH"], "both refused by the epoch", answers)
        check(fault.clean(fault.lane.witness.look()), "nothing done", str(fault.lane.witness.look()))

    bed.each(scenario)


@test("a leader paused past its lease, right before a status: the write is not sent any more, or refused by its resourceVersion")
def deposed_write(bed):
    def scenario(fault):
        _, answer = deposed(fault, "write", f"PUT /apis/drillyard.dev/v1alpha1/namespaces/{fault.lane.ns}/drills/", nth=2)
        # "0": it never left, since whoever asked for it may not act any more (kube/client.h, may_send).
        check(answer in ("409 CONFLICT", "0 UNAVAILABLE"), "the write of the deposed one not sent, or refused with 409", answer)

    bed.each(scenario)


if __name__ == "__main__":
    main(FaultBed())

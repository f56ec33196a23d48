#!/usr/bin/env python3
"""Two controllers: one acts. It is killed: the other acts. It is paused past its lease: what it still sends is refused, lines by the
election's epoch, writes by resourceVersion."""
import os
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bed import FaultBed, tell  # noqa: E402
from lane import stopwatch  # noqa: E402
from lib import at, check, main, test, wait  # noqa: E402

from seamwatch import answer_in, halted, number_of  # noqa: E402

TAKE_OVER = 3.0  # seconds


def leads(one):
    return one.page("/readyz")[0] == 200 and "leading" in one.page("/readyz")[1]


@test("of two controllers one acts, and the other does nothing but watch")
def one_acts(bed):
    def scenario(fault):
        fault.begin("one-acts")
        fault.second = fault.lane.start(kubeconfig=fault.kubeconfig)
        wait("the second one to be ready", lambda: (fault.second.page("/healthz")[0] == 200, None), 10)
        time.sleep(3)
        check([leads(fault.controller), leads(fault.second)] == [True, False], "one that leads", [fault.controller.page("/readyz"), fault.second.page("/readyz")])
        said = {line["message"] for line in fault.second.lines()}
        check(not said & {"effect begun", "agent answered", "phase reached", "object created"}, "a second one that does nothing", said)
        fault.still_in_force("nothing has changed for it")

    bed.each(scenario)


@test(f"the leader is killed: the other acts within {TAKE_OVER:.0f} s, and the fault is in force as long as it is not told otherwise")
def taken_over(bed):
    took = {}

    def scenario(fault):
        killed = time.time()
        fault.controller.end(signal.SIGKILL)
        fault.abort()
        fault.controller = fault.second
        status = fault.finish()
        check(status["phase"] == "Aborted" and status["revert"]["by"] == "Controller", "Aborted, by the second one, and not by the lease", status)
        took[fault.lane.name] = at(status["revertedAt"]) - killed
        check(took[fault.lane.name] <= TAKE_OVER, f"the fault reverted within {TAKE_OVER} s of the kill", took)
        fault.lane.end_all(signal.SIGTERM)

    bed.each(scenario)
    tell("reverted by the second one after the kill", took)


def deposed(fault, name, wanted, refused):
    """The leader stops itself before it sends what `wanted` names, another ends the drill, then the first goes on and sends it."""
    fault.lane.end_all(signal.SIGTERM)
    with tempfile.NamedTemporaryFile("r") as log:
        fault.controller = fault.lane.start(log=log.name).wait_ready()
        fault.begin(name + "-first")
        fault.abort()
        fault.finish()
        number = number_of(log.read(), wanted)
    fault.lane.end_all(signal.SIGTERM)
    with tempfile.NamedTemporaryFile("r") as log:
        first = fault.lane.start(seam=f"{number}:stop", log=log.name).wait_ready()
        fault.lane.wait_steady()
        fault.name = name
        fault.lane.drill(name, "lasting", overrides={"lease": "3s"})
        wait("the first one stopped", lambda: (halted(first), log.read()), 20, every=0.02)
        watch = stopwatch()
        fault.controller = fault.lane.start().wait_ready()
        check(watch() < TAKE_OVER + 1.5, "a second one that leads", watch())
        fault.abort()
        fault.lane.wait_terminal(name)
        first.process.send_signal(signal.SIGCONT)
        answer = wait("an answer to what the deposed one sent", lambda: (answer_in(log.name), None), 10) or answer_in(log.name)
        status = fault.finish()
        check(refused in answer_in(log.name), f"{wanted} of the deposed one refused: {refused}", answer_in(log.name))
        check(first.process.poll() is None and not leads(first), "a first one that lives on and does not lead", first.page("/readyz"))
        check(status["phase"] in ("Aborted", "Inconclusive"), "an honest end", status)
    return answer


@test("a leader paused past its lease, right before an inject: the agent refuses the line by its epoch")
def deposed_line(bed):
    bed.each(deposed, "line", "line inject", "STALE_EPOCH")


@test("a leader paused past its lease, right before a status: the API server refuses the write by its resourceVersion")
def deposed_write(bed):
    bed.each(deposed, "write", "PUT /apis/drillyard.dev/v1alpha1/namespaces/", "409 CONFLICT")


if __name__ == "__main__":
    main(FaultBed())

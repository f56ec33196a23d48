#!/usr/bin/env python3
"""The controller is killed at every number: before, while and after each write to the API server and each line to an agent that a drill
sends, and a new one is started at once; or it is stopped before that number, another takes over and ends the drill, and then the first
goes on and sends what it had decided to. No fault is left, the ledger has one record, the verdict is the undisturbed one or an honest other.

All numbers, or with KILLS=sample some of them (KILLS_EACH a card), spread over all; KILLS_SEED says which ones: by default the day."""
import os
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bed import KillsBed, in_parallel  # noqa: E402
from lane import CARDS, stopwatch  # noqa: E402
from lib import ENDED, Failure, check, main, test, wait  # noqa: E402

from seamwatch import halted, trace_of  # noqa: E402
from verdict import all_faults  # noqa: E402

POINTS = ("before", "sent", "after", "stop")
# Seconds after which the next drill of a card may begin: its playbook has cooled down, and for KH002 the last crash is forgotten.
PAUSE = {"kh002": 5.2}
LATE = 0.7  # seconds for what a deposed controller still sends


class Kills:
    """One card in its lane: undisturbed once, then killed at the numbers that were chosen."""

    def __init__(self, lane, short):
        self.lane, self.short, self.card = lane, short, CARDS[short][0]
        self.incidents, self.violations, self.phases, self.missed = [], [], {}, []
        self.undisturbed = self.trace = None
        self.number, self.not_begun, self.longest, self.ended = 0, 0, 0.0, 0.0

    def prepare(self, **seam):
        self.lane.end_all(signal.SIGTERM)  # gives the lease back
        one = self.lane.start(**seam).wait_ready()
        self.lane.wait_steady()
        time.sleep(max(0.0, self.ended + PAUSE.get(self.short, 0.6) - time.monotonic()))
        self.number += 1
        return one, f"{self.short}-{self.number:03}"

    def after(self, name, where):
        """Once the drill has ended: what the target shows at that moment, then what is recorded when the drill is let go."""
        drill = self.lane.wait_terminal(name)
        seen = self.lane.witness.look()
        status = self.lane.wait_released(name)["status"]
        if status.get("incident"):
            self.incidents.append(status["incident"])
        card = self.lane.get("chaoscards", self.card)
        found = all_faults(drill, self.undisturbed or status, card, seen, self.lane.before, self.lane.segments(), self.incidents,
                           self.lane.runs_of(status.get("incident", "none")))
        for text in found:
            self.violate(f"{where}: {text}")
        self.phases[status["phase"]] = self.phases.get(status["phase"], 0) + 1
        wait(f"the worker in {self.lane.ns} at work", lambda: ((seen := self.lane.witness.look()).works(), str(seen)), 10)
        self.ended = time.monotonic()
        return status

    def violate(self, text):
        """Told at once, with the last words of the controllers; and again at the end."""
        self.violations.append(text)
        print("\n".join(f"#   {line}" for line in (text + self.last_words()).splitlines()), flush=True)

    def last_words(self):
        return "".join(f"\n    {line[:700]}" for one in self.lane.controllers[-2:] for line in one.words().splitlines()[-9:])

    def run_undisturbed(self):
        with tempfile.NamedTemporaryFile("r") as log:
            _, name = self.prepare(log=log.name)
            self.lane.drill(name, self.card)
            status = self.after(name, "undisturbed")
            self.trace = trace_of(log.read())
        check(status["phase"] == "Succeeded" and not self.violations, f"{self.short} undisturbed: Succeeded", [status, self.violations])
        self.undisturbed = status

    def choose(self, each, seed):
        places = [(number, point) for number in range(1, len(self.trace) + 1) for point in POINTS]
        if not each or each >= len(places):
            return places
        stride = len(places) / each
        return [places[int((seed % stride) + stride * n) % len(places)] for n in range(each)]

    def kill_at(self, number, point):
        where = f"{self.short} killed {point} {number} ({self.trace[number - 1]})"
        try:
            for _ in range(3):
                one, name = self.prepare(seam=f"{number}:{point}")
                self.lane.drill(name, self.card)
                watch = stopwatch()
                if halted(self.until_halted(one, name)) or self.lane.get("drills", name)["status"].get("incident"):
                    break
                self.not_begun += 1  # Skipped before anything was done, since the target was not well yet: nothing to kill
            if halted(one):
                self.lane.start().wait_ready()
            else:
                self.missed.append(where)
            if point == "stop":
                self.lane.wait_terminal(name)
                one.process.send_signal(signal.SIGCONT)
                time.sleep(LATE)
                check(one.process.poll() is None, "a controller that lives on, deposed", one.words()[-1500:])
            self.after(name, where)
            self.longest = max(self.longest, watch())
        except Failure as failure:
            self.violate(f"{where}: {failure}")

    def until_halted(self, one, name):
        """The controller, dead or stopped; or in vain, since the drill ended without ever coming to that number."""
        def look():
            drill = self.lane.get("drills", name)
            return halted(one) or drill.get("status", {}).get("phase") in ENDED and not drill["metadata"].get("finalizers"), drill

        wait(f"the controller's death or the end of {name}", look, 90, every=0.01)
        return one

    def told(self):
        kills = sum(self.phases.values()) - 1
        phases = ", ".join(f"{count} {phase}" for phase, count in sorted(self.phases.items()))
        return (f"{self.short}: {len(self.trace)} numbers, {kills} kills, of which {len(self.missed)} came too late; with the undisturbed one "
                f"{phases}; {self.longest:.1f} s at most from the drill's creation until it was over; {self.not_begun} Skipped before the number came and made anew")


kills = {}


@test("undisturbed, each card succeeds, and says how many writes and lines it takes")
def undisturbed(bed):
    for name, lane in bed.lanes.items():
        kills[name] = Kills(lane, name)
    in_parallel([one.run_undisturbed for one in kills.values()])
    for one in kills.values():
        print(f"#   {one.short}: {len(one.trace)} numbers")


@test("killed everywhere, and started again at once")
def killed(bed):
    each = int(os.environ.get("KILLS_EACH", "12")) if os.environ.get("KILLS") == "sample" else 0
    seed = int(os.environ.get("KILLS_SEED") or time.time() // 86400)
    only = os.environ.get("KILLS_ONLY")  # such as 17:before, to look into one
    print(f"#   KILLS_SEED={seed}")

    def all_of(one):
        places = one.choose(each, seed)
        if only:
            places = [(int(only.split(":")[0]), only.split(":")[1])]
        for number, point in places:
            one.kill_at(number, point)

    in_parallel([lambda one=one: all_of(one) for one in kills.values()])
    for one in kills.values():
        print(f"#   {one.told()}")


def verdict_of(short):
    @test(f"{short.upper()}: no fault left, one record, the same verdict or an honest one, wherever it was killed")
    def judged(bed):
        one = kills[short]
        check(len(one.missed) < max(2, sum(one.phases.values()) / 3), "most of the numbers to be reached", one.missed)
        if one.violations:
            raise Failure("\n".join(one.violations))


if __name__ == "__main__":
    chosen = [name for name in CARDS if name in os.environ.get("KILLS_CARDS", " ".join(CARDS))]
    for each in chosen:
        verdict_of(each)
    main(KillsBed(chosen))

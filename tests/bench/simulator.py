"""Drills per second in the simulator, faults on, as its own program counts them."""
import os
import re

from figures import Figure
from lib import ROOT, check, run

NAMES = ["simulator"]
PROGRAM = os.path.join(ROOT, "build", "release", "tests", "sim", "sim")
SEEDS, TIMES = 200, 3


def measure(_scene):
    if not os.access(PROGRAM, os.X_OK):
        yield Figure("simulator", (), "not built")
        return
    speeds = []
    for _ in range(TIMES):
        result = run([PROGRAM, "--seeds", str(SEEDS)], within=600)
        match = re.search(r"([0-9.]+) drills (?:per second|a second|/s)", result.out)
        check(result.code == 0 and match, "drills per second from the simulator", str(result) + result.out[-500:])
        speeds.append(float(match[1]))
    yield Figure("simulator", speeds)

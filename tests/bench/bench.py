#!/usr/bin/env python3
"""Measures what Drillyard promises in figures; hack/bench prepares what it needs and calls it."""
import argparse
import os
import re
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

import crowd  # noqa: E402  (lib.py is in the folder just added)
import figures  # noqa: E402
import idle  # noqa: E402
import images  # noqa: E402
import latency  # noqa: E402
import machine  # noqa: E402
import memory  # noqa: E402
import simulator  # noqa: E402
import start  # noqa: E402
import writes  # noqa: E402
from lib import Failure, need_cluster  # noqa: E402
from scene import Scene, say  # noqa: E402

# What is measured together, in this order; each with the names of its figures.
PARTS = [
    (images.NAMES, images.measure, False),
    (simulator.NAMES, simulator.measure, False),
    *[(names, part, True) for names, part in memory.PARTS[:1]],
    (idle.NAMES, idle.measure, True),
    (writes.NAMES, writes.measure, True),
    (latency.NAMES, latency.measure, True),
    (start.NAMES, start.measure, True),
    (crowd.NAMES, crowd.measure, True),
    *[(names, part, True) for names, part in memory.PARTS[1:]],
]


def measure(part, scene, names, show):
    """Its figures; where it failed, those that are missing say why. False: something could not be measured."""
    found, whole = [], True
    try:
        for figure in part(scene):
            found.append(figure)
            show(figure)
    except Exception as error:  # whatever it is: the other figures are measured all the same
        whole = False
        say(str(error) if isinstance(error, Failure) else traceback.format_exc())
        for name in names:
            if name not in [figure.row.name for figure in found]:
                found.append(figures.Figure(name, (), "could not be measured"))
                show(found[-1])
    return found, whole


def parse():
    parser = argparse.ArgumentParser(prog="hack/bench", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--only", metavar="REGEX", type=re.compile, default=re.compile(""))
    return parser.parse_args()


def main():
    options = parse()
    chosen = [part for part in PARTS if any(options.only.search(name) for name in part[0])]
    if not chosen:
        sys.exit(f"hack/bench: no figure matches {options.only.pattern!r}; there are: {' '.join(figures.ROWS)}")
    need_cluster()
    scene, found, whole = Scene(), [], True
    as_lines = not (options.json or options.markdown)

    def show(figure):
        if as_lines and options.only.search(figure.row.name):
            print(figure.line(), flush=True)

    if as_lines:
        print(figures.HEAD)
    made = False
    try:
        if any(needs_scene for _, _, needs_scene in chosen):
            say("installing the chart and the sample shop")
            made = True
            scene.make()
        for names, part, _ in chosen:
            began = time.monotonic()
            rows, well = measure(part, scene, names, show)
            found, whole = found + rows, whole and well
            say(f"{names[0]} and its like took {time.monotonic() - began:.0f} s")
    finally:
        if made and not os.environ.get("E2E_KEEP"):
            scene.remove()
    found = [figure for figure in found if options.only.search(figure.row.name)]
    if options.json:
        figures.print_json(found, machine.describe())
    elif options.markdown:
        print(machine.sentence() + "\n\n" + figures.MARKDOWN_HEAD)
        for figure in found:
            print(figure.markdown())
    sys.exit(0 if whole else 1)


main()

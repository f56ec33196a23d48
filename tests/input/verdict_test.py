#!/usr/bin/env python3
"""Every variant of every example, also those that the API server would refuse (a CRD may be older than the controller), through the controller:
no crash, nothing left unsaid, no harm to other objects; what is refused is refused with the field, the value, and what would be right.

    tests/input/verdict_test.py PROGRAM [--share N] [--all] [--from FILE]    PROGRAM: made of verdict.c; FILE: lines of variants instead
"""
import argparse
import json
import time

import variants
import verdict


def lines(args):
    if args.source:
        with open(args.source, encoding="utf-8") as file:
            yield from map(json.loads, file)
        return
    for variant in variants.variants(args.share, args.kind):
        if not variant.only_asked():
            yield json.loads(variant.text())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--share", type=int, default=1, help="one variant in so many")
    parser.add_argument("--kind", action="append", help="only this kind")
    parser.add_argument("--from", dest="source", help="a file of variants")
    parser.add_argument("--all", action="store_true", help="print every bad verdict")
    args = parser.parse_args()
    began = time.monotonic()
    run = verdict.Run(args.program, lines(args)).go()
    print(f"# {run.judged} objects in {time.monotonic() - began:.0f} s: {run.refused} refused")
    verdict.tell(run.bad, args.all)
    verdict.report([("the controller refused some and took some", run.judged / 20 < run.refused < run.judged),
                    ("no crash, nothing unsaid, no harm; each refusal names the field and what would be right", not run.bad)], len(run.bad))


if __name__ == "__main__":
    main()

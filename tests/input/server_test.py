#!/usr/bin/env python3
"""Every variant of every example against the API server, as a dry run: it is refused with the field, the value and the rule, or accepted; and
what it accepted, as it made it, goes through the controller (tests/input/verdict.c).

    tests/input/server_test.py [--share N] [--verdict PROGRAM] [--accepted FILE] [--all]

Needs $KUBECONFIG. --accepted writes the accepted ones, one JSON line each. --all prints every bad message and not the first of its sort.
"""
import argparse
import collections
import json
import os
import sys
import threading
import time

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

from lib import ensure_crds

import judge
import schemas
import server
import variants
import verdict

CONNECTIONS = 4


class Sweep:
    """The variants, shared out among connections, and what came of them."""

    def __init__(self, place, args):
        self.place, self.kinds = place, schemas.kinds()
        self.ours = judge.own_messages(self.kinds)
        self.source, self.lock = variants.variants(args.share), threading.Lock()
        self.count = collections.Counter()
        self.bad = []
        self.accepted = []

    def next(self):
        with self.lock:
            return next(self.source, None)

    def ask(self, connection, variant):
        plural, name = self.kinds[variant.kind].plural, variant.object["metadata"]["name"]
        query = "dryRun=All&fieldValidation=Strict"
        if not variant.by_status:
            return connection.call("POST", connection.objects(plural, self.place.empty, query=query), variant.object)
        version = self.place.versions[variant.kind, name]
        body = {**variant.object, "metadata": {**variant.object["metadata"], "resourceVersion": version}}
        return connection.call("PUT", connection.objects(plural, self.place.filled, name + "/status", query), body)

    def take(self, connection, variant):
        began = time.monotonic()
        code, body = self.ask(connection, variant)
        if time.monotonic() - began > 5:
            self.note(variant, f"an answer after {time.monotonic() - began:.1f} s")
        if code in (200, 201):
            self.count["accepted"] += 1
            if variant.refused:
                self.note(variant, "accepted, though the schema says otherwise")
            with self.lock:
                self.accepted.append(json.dumps({**json.loads(variant.text()), "object": body}))
            return
        self.count["refused"] += 1
        wrong = judge.of_server(code, body, variant, self.ours)
        if wrong:
            self.note(variant, wrong)

    def note(self, variant, wrong):
        with self.lock:
            self.bad.append((variant.id, wrong))

    def work(self):
        connection = server.Server()
        while (variant := self.next()) is not None:
            self.take(connection, variant)

    def run(self):
        threads = [threading.Thread(target=self.work) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


class Place:
    """Two namespaces: an empty one to create in, and one with the objects whose status is written to. Nobody looks at either."""

    def __init__(self, connection):
        self.connection, self.empty = connection, f"input-{os.getpid()}"
        self.filled = self.empty + "-status"
        self.versions = {}

    def __enter__(self):
        for name in (self.empty, self.filled):
            self.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        kinds = schemas.kinds()
        for item in schemas.statuses():
            base = {key: value for key, value in item.items() if key != "status"}
            made = self.must("POST", self.connection.objects(kinds[item["kind"]].plural, self.filled), base)
            self.versions[item["kind"], item["metadata"]["name"]] = made["metadata"]["resourceVersion"]
        return self

    def must(self, method, path, body):
        code, answer = self.connection.call(method, path, body)
        if code != 201:
            raise RuntimeError(f"{method} {path}: {code} {answer.get('message')}")
        return answer

    def __exit__(self, *_):
        for name in (self.empty, self.filled):
            self.connection.call("DELETE", f"/api/v1/namespaces/{name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=int, default=1, help="one variant in so many")
    parser.add_argument("--verdict", help="the program made of verdict.c")
    parser.add_argument("--accepted", help="a file for what the server made of the accepted ones")
    parser.add_argument("--all", action="store_true", help="print every bad message")
    args = parser.parse_args()
    ensure_crds()
    began = time.monotonic()
    with Place(server.Server()) as place:
        sweep = Sweep(place, args)
        sweep.run()
    total, bare = sum(sweep.count.values()), judge.bare_rules(sweep.kinds)
    print(f"# {total} variants in {time.monotonic() - began:.0f} s: {sweep.count['refused']} refused, {sweep.count['accepted']} accepted")
    verdict.tell(sweep.bad, args.all)
    rows = [("the server refused some and accepted some", sweep.count["refused"] > total / 4 and sweep.count["accepted"] > total / 20),
            ("each refusal names the field, the value and the rule; what the schema forbids is refused", not sweep.bad),
            (f"each rule of the schemas has a message{': not ' + ', '.join(bare[:9]) if bare else ''}", not bare)]
    bad = len(sweep.bad)
    if args.accepted:
        with open(args.accepted, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in sweep.accepted)
    if args.verdict:
        run = verdict.Run(args.verdict, map(json.loads, sweep.accepted)).go()
        print(f"# {run.judged} of these through the controller: {run.refused} refused")
        verdict.tell(run.bad, args.all)
        rows.append(("the controller takes what the server accepted, or says what is wrong with it", not run.bad and run.judged > 0))
        bad += len(run.bad)
    verdict.report(rows, bad)


if __name__ == "__main__":
    main()

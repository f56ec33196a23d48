"""Objects through the controller's whole shell: runs the program made of verdict.c and judges what it says of each."""
import collections
import json
import os
import re
import subprocess
import sys
import threading

import judge
import schemas

MANIFESTS = os.path.join(schemas.ROOT, "manifests")


def bases():
    """What is there already and must go on: a target with its pod, and one card with its trigger and playbook in the catalog."""
    shop = schemas.documents(os.path.join(MANIFESTS, "samples", "shop-target.yaml"))[0]
    catalog = [item for name in ("trigger-config-drift", "playbook-config-restore", "card-cf001-config-modified")
               for item in schemas.documents(os.path.join(MANIFESTS, "catalog", name + ".yaml"))]
    state = {"ready": True, "started": True, "restartCount": 0, "state": {"running": {"startedAt": "2026-11-24T00:00:00Z"}}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shop-1", "labels": {"app": "shop", "drillyard.dev/agent": "enabled"}},
           "spec": {"nodeName": "node-1", "containers": [{"name": "app"}]},
           "status": {"phase": "Running", "podIP": "10.0.0.1", "containerStatuses": [{"name": "app", **state}],
                      "initContainerStatuses": [{"name": "drill-injector", **state}]}}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a", "labels": {"drillyard.dev/drills": "enabled"}}}
    found = []
    for number, (item, place) in enumerate([(namespace, None), (shop, "team-a"), (pod, "team-a"), *[(item, "catalog") for item in catalog]]):
        meta = {**item["metadata"], "uid": f"base-{number}", "generation": 1, "creationTimestamp": "2026-11-24T00:00:00Z"}
        if place:
            meta["namespace"] = place
        found.append({**item, "metadata": meta})
    return found


CRASHES = 10  # after so many the rest is not looked at


class Run:
    """The program, fed from a thread; verdicts are judged as they come. After a crash it is started again with what follows."""

    def __init__(self, program, lines):
        """lines: dictionaries with id, kind, base, path, what, object."""
        self.program, self.lines, self.bad, self.judged = program, iter(lines), [], 0
        self.refused, self.unchanged = 0, {}

    def feed(self, process, waiting):
        try:
            for item in bases():
                process.stdin.write(json.dumps({"base": item}) + "\n")
            for line in self.lines:
                waiting.append({key: line[key] for key in ("id", "kind", "base", "path", "what")})
                process.stdin.write(json.dumps({"id": line["id"].encode(errors="replace").decode(), "object": line["object"]}) + "\n")
                process.stdin.flush()
            process.stdin.close()
        except (BrokenPipeError, ValueError):
            pass  # it crashed; that is seen by its end

    def go(self):
        crashes = 0
        while crashes < CRASHES and self.one_process():
            crashes += 1
        return self

    def one_process(self):
        """True: it crashed."""
        waiting, words = collections.deque(), []
        process = subprocess.Popen([self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        threads = [threading.Thread(target=self.feed, args=(process, waiting)),
                   threading.Thread(target=lambda: words.extend(process.stderr.read().splitlines()))]
        for thread in threads:
            thread.start()
        for text in process.stdout:
            self.take(json.loads(text), waiting.popleft())
        code = process.wait()
        for thread in threads:
            thread.join()
        if code != 0:
            said = [line for line in words if line.strip() and '"level"' not in line]
            self.bad.append((waiting[0]["id"] if waiting else "at the end", f"ended with {code}: {' | '.join(said)[:1500]}"))
        return code != 0

    def take(self, verdict, variant):
        self.judged += 1
        self.refused += verdict["ready"] == "False" or verdict["phase"] in judge.ENDED_BADLY
        said = (variant["kind"], variant["base"])
        if variant["what"] == "unchanged":
            self.unchanged[said] = verdict["message"]
            return
        # What is wrong with the example itself may be all that is said.
        same = verdict["message"] and verdict["message"] == self.unchanged.get(said) and not verdict["harm"]
        wrong = "" if same else judge.of_controller(verdict, variant)
        if wrong:
            self.bad.append((variant["id"], wrong))


def sort_of(wrong):
    return re.sub(r'"[^"]*"|\d+|\[[^]]*\]', "…", wrong)[:80]


def tell(bad, everything, shown=40):
    """Prints the first of each sort of bad answers, or all."""
    count = collections.Counter()
    for name, wrong in bad:
        if everything or (not count[sort_of(wrong)] and len(count) < shown):
            print(f"#   {name[:200]}\n#     {wrong[:600]}".encode(errors="replace").decode())
        count[sort_of(wrong)] += 1


def report(rows, bad):
    """TAP rows of (sentence, holds), and the exit."""
    for number, (sentence, holds) in enumerate(rows, 1):
        print(f"{'ok' if holds else 'not ok'} {number} - {sentence}")
    print(f"{sum(holds for _, holds in rows)} passed, {sum(not holds for _, holds in rows)} failed ({bad} bad answers)")
    sys.exit(0 if all(holds for _, holds in rows) else 1)

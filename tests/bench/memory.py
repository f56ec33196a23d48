"""Resident memory of the controller in its pod: idle, with ten thousand objects of ours, with twenty thousand of others."""
import copy
import json
import time

import procfs
from figures import Figure
from lib import ENDED
from scene import say
from writes import NAME_OF_CARD

NAMES = ["memory/idle/rss", "memory/idle/working-set", "memory/idle/private", "memory/others/growth", "memory/10000/rss",
         "memory/10000/working-set"]
SAMPLES, APART = 10, 1.0
EACH = 5000     # cards, and as many drills
OTHERS = 10000  # pods, and as many ConfigMaps
LABEL = "drillyard-bench"


def sample(scene, *looks):
    pid = scene.controller_pid()
    rows = []
    for _ in range(SAMPLES):
        rows.append([look(pid) for look in looks])
        time.sleep(APART)
    return [list(column) for column in zip(*rows)]


def idle(scene):
    scene.wait_steady("shop")
    scene.wait_quiet()
    rss, working, private = sample(scene, procfs.rss, procfs.working_set, procfs.private)
    yield Figure("memory/idle/rss", rss)
    yield Figure("memory/idle/working-set", working)
    yield Figure("memory/idle/private", private)


# ── objects of others ──


def foreign_pod(number):
    container = {"name": "web", "image": "example/web:1",
                 "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True,
                                     "seccompProfile": {"type": "RuntimeDefault"}},
                 "env": [{"name": f"SETTING_{i}", "value": "x" * 40} for i in range(10)],
                 "ports": [{"containerPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"other-{number}", "labels": {LABEL: "other", "app": f"web-{number % 50}"}},
            "spec": {"schedulerName": "nobody", "containers": [container]}}  # nobody of that name: they stay Pending


def foreign_map(number):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"other-{number}", "labels": {LABEL: "other"}},
            "data": {f"key-{i}": "value " * 20 for i in range(10)}}


def others(scene):
    """In a namespace that is drilled: what is elsewhere is not even asked for."""
    scene.wait_quiet()
    # What a first watch event costs once is no growth: a few before the first look.
    make = [("pods", foreign_pod, 10), ("configmaps", foreign_map, 10)]
    fill(scene, make, 0)
    before, = sample(scene, procfs.rss)
    say(f"making {OTHERS} pods and as many ConfigMaps of others")
    fill(scene, [(kind, maker, OTHERS) for kind, maker, _ in make], 10)
    scene.wait_quiet()
    after, = sample(scene, procfs.rss)
    scene.api.delete_all("configmaps", scene.ns, f"{LABEL}=other")
    kill_pods(scene)
    yield Figure("memory/others/growth", [max(after) - max(before)])


def fill(scene, make, begin):
    for kind, maker, count in make:
        scene.api.each(lambda number, kind=kind, maker=maker: scene.api.create(kind, scene.ns, maker(number)), range(begin, count))


def kill_pods(scene):
    """They are on no node: with a grace period of 0 they are gone at once."""
    scene.api.ask("DELETE", f"/api/v1/namespaces/{scene.ns}/pods?labelSelector={LABEL}%3Dother&gracePeriodSeconds=0")


# ── objects of ours ──


def strip(item):
    item = copy.deepcopy(item)
    item["metadata"] = {"name": item["metadata"]["name"], "labels": {**item["metadata"].get("labels", {}), LABEL: "ours"}}
    return item


def card_number(pattern, number):
    card = strip(pattern)
    card["metadata"]["name"] = f"card-{number}"
    card["spec"]["id"] = f"X{chr(ord('A') + number // 1000)}{number % 1000:03d}"
    card.pop("status", None)
    return card


def drill_number(pattern, number):
    text = json.dumps(strip(pattern)).replace(pattern["status"]["incident"], f"chaos-{1763192400 + number}-{number:04x}")
    drill = json.loads(text.replace(pattern["metadata"]["name"], f"past-{number}"))
    return drill


def create_drill(scene, drill):
    status = drill.pop("status")
    scene.api.create("drills", scene.ns, drill)
    scene.api.patch("drills", scene.ns, drill["metadata"]["name"], {"status": status}, "status")


def pattern_drill(scene):
    """A real one, that succeeded, as the one that all are like."""
    scene.wait_steady("shop")
    scene.fast_drill("pattern", NAME_OF_CARD["CF001"])
    scene.wait_drill("pattern", ENDED, within=60, every=0.1)
    scene.wait_let_go("pattern")
    return scene.api.get("drills", scene.ns, "pattern")


def ten_thousand(scene):
    pattern, card = pattern_drill(scene), scene.api.get("chaoscards", scene.system, NAME_OF_CARD["CF001"])
    scene.scale_controller(0)
    say(f"making {EACH} cards and as many drills that are over")
    scene.api.each(lambda number: scene.api.create("chaoscards", scene.ns, card_number(card, number)), range(EACH))
    scene.api.each(lambda number: create_drill(scene, drill_number(pattern, number)), range(EACH))
    scene.scale_controller(1)
    scene.wait_quiet(quiet=10, within=600)
    rss, working = sample(scene, procfs.rss, procfs.working_set)
    for kind in ("drills", "chaoscards"):
        scene.api.delete_all(kind, scene.ns, f"{LABEL}=ours")
    scene.wait_quiet(within=300)
    yield Figure("memory/10000/rss", rss)
    yield Figure("memory/10000/working-set", working)


PARTS = [(NAMES[:3], idle), (NAMES[3:4], others), (NAMES[4:], ten_thousand)]

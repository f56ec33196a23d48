"""Fifty small targets, each a pod of its own: two hundred drills at once, and one target that hangs.

Their pods run busybox with one file; the card changes that file, a copy of the catalog's trigger sees it, a copy of its playbook puts it
back from the snapshot. The copies have a cooldown of a second, so that four drills on one target need not wait for it."""
import collections
import os
import signal
import time

import lasting
import procfs
from figures import Figure
from latency import once
from lib import API, ENDED, apply, catalog_copy, check, wait
from scene import Audit, say

NAMES = ["hung/reference", "hung/others", "hung/slower", "crowd/time", "crowd/lost", "crowd/cpu"]
TARGETS, DRILLS, HUNG_SAMPLES = 50, 200, 15
FILE = "/tmp/crowd.yaml"
CARD, TRIGGER, PLAYBOOK, LONG = "crowd", "crowd-drift", "crowd-restore", "crowd-lasting"
WITHIN = 600


def pod(number):
    security = {"runAsUser": 10001, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {"name": "app", "image": "drillyard/sample-busybox:0.1.0", "imagePullPolicy": "IfNotPresent", "securityContext": security,
                 "command": ["sh", "-c", f"printf 'db:\\n  pool: 5\\n' >{FILE}; exec sleep 86400"], "resources": {"requests": {"cpu": "1m"}}}
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": f"crowd-{number}", "labels": {"crowd": f"n{number}", "bench": "crowd", "drillyard.dev/agent": "enabled"}},
            "spec": {"securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
                     "terminationGracePeriodSeconds": 0, "containers": [container]}}


def target(number):
    return {"apiVersion": API, "kind": "DrillTarget", "metadata": {"name": f"crowd-{number}", "labels": {"bench": "crowd"}},
            "spec": {"selector": {"matchLabels": {"crowd": f"n{number}"}}, "container": "app",
                     "facets": {"config": {"path": FILE, "format": "YAML", "key": "db.pool"}},
                     "snapshots": {"every": "1h", "keep": 1, "facets": ["config"]}}}


def quick(item):
    spec, kind = item["spec"], item["kind"]
    item["metadata"] = {"name": {"Trigger": TRIGGER, "Playbook": PLAYBOOK, "ChaosCard": CARD}[kind]}
    if kind == "Trigger":
        spec["playbooks"] = [PLAYBOOK]
    elif kind == "Playbook":
        spec.update(triggers=[TRIGGER], cooldown="1s")
        spec["branches"] = [{"steps": [{"name": "restore", "action": "RestoreConfig", "restoreConfig": {"facet": "config", "reload": False}}]}]
    else:
        spec.update(id="CF080", requires=["config"])
        spec["expect"].update(trigger={"name": TRIGGER, "within": "20s"}, playbooks=[{"name": PLAYBOOK, "within": "20s"}])
        spec["verify"] = [step for step in spec["verify"] if "slo" not in step["probe"]]
        spec.pop("rollback", None)


def ready(scene):
    rows = scene.api.items("drilltargets", scene.ns, "?labelSelector=bench%3Dcrowd")
    late = [row["metadata"]["name"] for row in rows if not row.get("status", {}).get("snapshots") or
            any(c["status"] != "True" for c in row["status"].get("conditions", []) if c["type"] in ("Ready", "AgentReady", "SteadyState"))]
    return len(rows) == TARGETS and not late, late


def make(scene):
    apply(scene.ns, *catalog_copy(["trigger-config-drift", "playbook-config-restore", "card-cf001-config-modified"], quick))
    lasting.prepare(scene, name=LONG, card_id="CF081", wait_ready=False,
                    method={"path": FILE, "format": "YAML", "key": "db.pool", "operation": "Set", "value": "7"})
    say(f"starting {TARGETS} pods")
    scene.api.each(lambda number: scene.api.create("pods", scene.ns, pod(number)), range(TARGETS))
    scene.api.each(lambda number: scene.api.create("drilltargets", scene.ns, target(number)), range(TARGETS))
    wait(f"{TARGETS} targets ready, with snapshots", lambda: ready(scene), 600, every=1)


# ── two hundred at once ──


def drill(number):
    return {"apiVersion": API, "kind": "Drill", "metadata": {"name": f"crowd-{number}", "labels": {"bench": "crowd"}},
            "spec": {"card": CARD, "target": f"crowd-{number % TARGETS}"}}


def all_over(scene):
    rows = scene.api.items("drills", scene.ns, "?labelSelector=bench%3Dcrowd")
    phases = collections.Counter(row.get("status", {}).get("phase", "none") for row in rows)
    held = sum(bool(row["metadata"].get("finalizers")) for row in rows)
    return len(rows) == DRILLS and all(phase in ENDED for phase in phases) and not held, dict(phases, held=held)


def lost(scene):
    """Drills that are not over, or whose incident has not exactly one record. One that was Skipped never began: it has none."""
    recorded = collections.Counter(record["incident_id"] for _, record in scene.ledger())
    count = 0
    for row in scene.api.items("drills", scene.ns, "?labelSelector=bench%3Dcrowd"):
        status = row.get("status", {})
        began = status.get("phase") != "Skipped"
        count += status.get("phase") not in ENDED or recorded[status.get("incident")] != began
    return count


def at_once(scene):
    scene.wait_quiet(quiet=3, within=300)
    pid, audit = scene.controller_pid(), Audit()
    used, began = procfs.cpu_seconds(pid), time.monotonic()
    scene.api.each(lambda number: scene.api.create("drills", scene.ns, drill(number)), range(DRILLS))
    say(f"{DRILLS} drills created in {time.monotonic() - began:.1f} s")
    phases = wait(f"{DRILLS} drills over", lambda: all_over(scene), WITHIN, every=0.5)
    took = time.monotonic() - began
    asked = collections.Counter(f"{event['verb']} {event.get('objectRef', {}).get('resource')}" for event in scene.asked(audit))
    say(f"they ended so: {phases}; memory {procfs.rss(pid):.1f} MiB; {sum(asked.values())} requests: " +
        ", ".join(f"{count} {what}" for what, count in asked.most_common(12)))
    yield Figure("crowd/time", [took])
    yield Figure("crowd/lost", [lost(scene)])
    yield Figure("crowd/cpu", [(procfs.cpu_seconds(pid) - used) * 100 / DRILLS])


# ── one that hangs ──


def in_force_times(scene, kind, one):
    witness, rows = scene.witness(one, path=FILE), []
    try:
        for number in range(HUNG_SAMPLES + 1):
            rows.append(once(scene, witness, f"{kind}-{number}", one, card=LONG, target=one["metadata"]["name"])[0])
    finally:
        witness.end()
    return rows[1:]


def freeze(scene, name):
    """All its processes, the agent's too: nothing in it answers any more, and no connection ends."""
    found = scene.api.get("pods", scene.ns, name)
    pids = [pid for container in ("app", "drill-injector") for pid in procfs.container_pids(procfs.container_of(found, container))]
    check(len(pids) >= 2, "the pod's processes", pids)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    return pids


def hung(scene):
    scene.wait_quiet(quiet=3, within=120)
    one = scene.api.get("pods", scene.ns, "crowd-1")
    reference = in_force_times(scene, "well", one)
    pids = freeze(scene, "crowd-0")
    try:
        scene.fast_drill("on-the-hung-one", LONG, target="crowd-0")
        time.sleep(1)
        others = in_force_times(scene, "beside", one)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    phase = scene.api.get("drills", scene.ns, "on-the-hung-one").get("status", {}).get("phase")
    say(f"the drill on the frozen target was {phase} meanwhile")
    scene.api.patch("drills", scene.ns, "on-the-hung-one", {"spec": {"abort": True}})
    slower, well = Figure("hung/others", others), Figure("hung/reference", reference)
    yield well
    yield slower
    yield Figure("hung/slower", [max(0.0, slower.median() - well.median())])


def measure(scene):
    make(scene)
    try:
        yield from hung(scene)
        yield from at_once(scene)
    finally:
        for kind in ("drilltargets", "pods"):
            scene.api.delete_all(kind, scene.ns, "bench=crowd")

"""API writes of a drill, counted by the API server itself."""
from figures import CARDS, Figure
from lib import ENDED
from scene import Audit, say

NAMES = [f"writes/{card}/{what}" for card in CARDS for what in ("drill", "all")]
NAME_OF_CARD = {"KH001": "kh001-heartbeat-stops", "KH002": "kh002-kernel-crash", "CF001": "cf001-config-modified",
                "MC001": "mc001-corrupted-weights"}
WRITES = ("create", "update", "patch", "delete")
ROUNDS = 2
COOLDOWN = 11  # the catalog's playbooks do not run again within 10 s
OF_THE_DRILL = ("drills", "configmaps")  # the only ConfigMaps that the controller writes are the ledger's


def writes_of(scene, audit):
    """Its resource of each write, refused ones too: they cost the API server as much. Not events, nor the election."""
    rows = []
    for event in scene.asked(audit):
        resource = event.get("objectRef", {}).get("resource")
        if event["verb"] in WRITES and resource != "events":
            rows.append(resource)
    return rows


def one(scene, name, card):
    scene.wait_steady("shop")
    scene.wait_quiet(quiet=COOLDOWN)
    audit = Audit()
    scene.fast_drill(name, NAME_OF_CARD[card])
    status = scene.wait_drill(name, ENDED, within=60, every=0.1)
    scene.wait_let_go(name)
    scene.wait_quiet(quiet=3)
    rows = writes_of(scene, audit)
    rows.append("drills")  # made by hand here; a schedule would have
    say(f"{card}: {status['phase']}, gates {status.get('gatesPassed')}: " + ", ".join(f"{rows.count(r)} {r}" for r in sorted(set(rows))))
    return status["phase"], sum(row in OF_THE_DRILL for row in rows), len(rows)


def measure(scene):
    for card in CARDS:
        of_drill, in_all = [], []
        for number in range(ROUNDS):
            phase, drill, every = one(scene, f"writes-{card.lower()}-{number}", card)
            if phase == "Succeeded":
                of_drill.append(drill)
                in_all.append(every)
        yield Figure(f"writes/{card}/drill", of_drill, "no drill succeeded")
        yield Figure(f"writes/{card}/all", in_all, "no drill succeeded")

#!/usr/bin/env python3
"""The four cards of the catalog on the sample shop, through the controller in the cluster: each ends with a verdict that can be checked."""
import time

from lib import API, CONFIG, GATES, MODEL, Bed, apply, at, check, condition, get, items, kubectl, main, seconds, test, wait

CARDS = {
    "kh001": ("kh001-heartbeat-stops", "health-signal-gap", "kernel-heartbeat-gap", "kernel_health", 2.5),
    "cf001": ("cf001-config-modified", "config-drift", "config-restore", "config_drift", 1.2),
    "mc001": ("mc001-corrupted-weights", "model-corruption", "model-restore", "model_corruption", 1.0),
    "kh002": ("kh002-kernel-crash", "kernel-crash", "kernel-crash", "kernel_health", 2.0),
}
LEDGER = ["timestamp", "incident_id", "card_id", "category", "success", "mean_time_to_detect", "mean_time_to_heal", "gates_passed",
          "gates_failed", "artifacts"]
before = {}


def drill_of(bed, short):
    return get(bed.ns, "drill", f"shop-{short}")


def check_gates(status, trigger, playbook):
    gates = status["gates"]
    check([gate["name"] for gate in gates] == GATES, f"the gates in this order: {GATES}", gates)
    check([gate["result"] for gate in gates] == ["Passed", "Passed", "NotRequired", "Passed"], "three gates passed, the tasks not required", gates)
    for gate in gates:
        check(at(gate["at"]) >= at(status["injectedAt"]) - 0.001, f"gate {gate['name']} decided after injectedAt {status['injectedAt']}", gate)
        check(len(gate["message"]) > 10, f"a reason in words in gate {gate['name']}", gate)
    check(gates[0]["evidence"] == {"kind": "Trigger", "name": trigger}, f"trigger {trigger} as evidence", gates[0])
    check(gates[1]["evidence"]["kind"] == "PlaybookRun" and gates[1]["evidence"]["name"].startswith(playbook), f"a run of {playbook} as evidence", gates[1])
    check(gates[3]["evidence"]["kind"] == "Probe", "a probe as evidence of the service level", gates[3])


def check_times(status):
    injected, detected, healed, reverted = (at(status[key]) for key in ("injectedAt", "detectedAt", "healedAt", "revertedAt"))
    check(injected <= detected <= healed <= reverted, "injected, detected, healed, reverted, in this order", status)
    for field, moment in (("timeToDetect", detected), ("timeToHeal", healed)):
        # The text is rounded for people: two digits after the point of its unit.
        check(abs(seconds(status[field]) - (moment - injected)) <= max(0.006, 0.06 * (moment - injected)), f"{field} as the timestamps say",
              [status[field], moment - injected])
    check(0 < detected - injected < 5, "detected within five seconds", status["timeToDetect"])
    check(0 < healed - injected < 15, "healed within fifteen seconds", status["timeToHeal"])
    check(seconds(status["clockError"]) < 0.2, "a clock error that is stated, and small", status.get("clockError"))


def one_card(bed, short):
    card, trigger, playbook, category, risk = CARDS[short]
    bed.wait_steady("shop")
    before.setdefault("digests", list(bed.all_digests().values())[0])
    name = f"shop-{short}"
    bed.drill(name, card)
    # What a person would type. It answers at the verdict, or not at all.
    kubectl("-n", bed.ns, "wait", f"drill/{name}", "--for=condition=Succeeded", "--timeout=60s", within=70)
    drill = bed.wait_ended(name, "Succeeded")
    status = drill["status"]
    check(status["gatesPassed"] == "4/4", "4/4 gates", status["gatesPassed"])
    check_gates(status, trigger, playbook)
    check_times(status)
    for kind in ("Injected", "Detected", "Healed", "Reverted", "Succeeded"):
        row = condition(drill, kind)
        check(row.get("status") == "True" and row["message"] and row["reason"], f"condition {kind} True with a reason", row)
    check(status["card"] == {"id": card[:5].upper(), "category": status["card"]["category"], "risk": risk}, "the card as it was", status["card"])
    check(status["revert"]["state"] in ("Done", "NotNeeded") and status["revert"].get("by"), "how the fault was undone", status["revert"])
    check(status["pod"] in bed.pods() and status["node"] and status["incident"].startswith("chaos-"), "pod, node and incident", status)
    records = bed.records_of(status["incident"])
    check(len(records) == 1, "exactly one entry in the ledger", records)
    record = records[0]
    check(all(field in record for field in LEDGER), f"the fields {LEDGER}", record)
    check((record["success"], record["card_id"], record["category"]) == (True, card[:5].upper(), category), "success, card and category", record)
    check(abs(record["mean_time_to_detect"] - (at(status["detectedAt"]) - at(status["injectedAt"]))) < 0.001, "the time to detect of the status", record)
    check(abs(record["mean_time_to_heal"] - (at(status["healedAt"]) - at(status["injectedAt"]))) < 0.001, "the time to heal of the status", record)
    check(record["gates_failed"] == [] and set(record["gates_passed"]) >= {"TriggerFired", "PlaybookExecuted", "SLOMet"}, "its gates", record)
    for pod, digests in bed.all_digests().items():
        check(digests == before["digests"], f"the original bytes of {CONFIG} and {MODEL} in {pod}", digests)
    bed.check_nothing_left()
    check_run(bed, status)
    check_events(bed, name)
    print(f"#   {short}: detected after {status['timeToDetect']}, healed after {status['timeToHeal']}, clock error {status['clockError']}")


def check_run(bed, status):
    run = get(bed.ns, "playbookrun", status["gates"][1]["evidence"]["name"])
    check(run["spec"]["incident"] == status["incident"] and run["status"]["phase"] == "Succeeded", "a run of this incident that succeeded", run)
    for step in run["status"]["steps"]:
        check(step["state"] in ("Succeeded", "Failed") and at(step["startedAt"]) <= at(step["endedAt"]), "steps with start, end and state", step)


def check_events(bed, name):
    def look():
        told = [event["reason"] for event in items(bed.ns, "events.v1.events.k8s.io") if event["regarding"]["name"] == name]
        return "Injected" in told and "Succeeded" in told, told

    wait(f"events Injected and Succeeded about drill {name}", look, 5)
    about = [event["reason"] for event in items(bed.ns, "events.v1.events.k8s.io") if event["regarding"]["kind"] == "DrillTarget"]
    check("TriggerFired" in about and "PlaybookSucceeded" in about, "events TriggerFired and PlaybookSucceeded about the target", about)


def made_by_schedule(bed):
    made = [drill for drill in items(bed.ns, "drills") if any(owner["name"] == "often" for owner in drill["metadata"].get("ownerReferences", []))]
    return sorted(made, key=lambda drill: drill["status"].get("startedAt", "") if "status" in drill else "")


@test("a schedule draws by weight, says how, drills one at a time, and a covered card not again")
def scheduled(bed):
    before.setdefault("digests", list(bed.all_digests().values())[0])
    apply(bed.ns, {"apiVersion": API, "kind": "DrillSchedule", "metadata": {"name": "often"}, "spec": {
        "every": "10s", "mode": "Normal", "targets": {"names": ["shop"]}, "cards": {"ids": ["CF001", "MC001"]},
        "selection": {"strategy": "WeightedRandom", "seed": 42, "overdueBoost": 3.0}, "concurrencyPolicy": "Forbid",
        "frequency": [{"minRisk": 2.0, "every": "3d"}, {"minRisk": 1.0, "every": "7d"}, {"every": "14d"}]}})
    selections = {}

    def look():
        status = get(bed.ns, "drillschedule", "often").get("status", {})
        if status.get("lastSelection", {}).get("chosen"):
            selections[status["lastSelection"]["draw"]] = status["lastSelection"]
        phases = [drill.get("status", {}).get("phase") for drill in made_by_schedule(bed)]
        return phases.count("Succeeded") == 2 and len(selections) == 2, [phases, status]

    wait("two drills of the schedule, and both selections", look, 40)
    first, second = (selections[draw] for draw in sorted(selections))
    check(first["seed"] == second["seed"] == 42, "the seed of the spec", selections)
    check(first["weights"] == {"shop/CF001": 1.2, "shop/MC001": 1.0}, "the weights of both cards, which are their risks", first)
    check(first["chosen"][0] in first["weights"] and second["chosen"] == list(second["weights"]) != first["chosen"], "first one of the two, then the other",
          [first, second])
    check(second["draw"] - first["draw"] == 10000, "draws ten seconds apart", [first["draw"], second["draw"]])
    made = made_by_schedule(bed)
    check(at(made[0]["status"]["revertedAt"]) <= at(made[1]["status"]["startedAt"]), "one after the other", made)
    time.sleep(12)
    check(len(made_by_schedule(bed)) == 2, "no drill of a card that is covered", [drill["metadata"]["name"] for drill in made_by_schedule(bed)])
    found = get(bed.ns, "drillschedule", "often")
    coverage = found["status"]["coverage"]
    check((coverage["cards"], coverage["covered"], coverage["never"]) == (2, 2, 0), "its own coverage: two of two", coverage)
    check(condition(found, "Ready").get("status") == "True" and found["status"].get("nextDrill"), "Ready, and when the next one is", found["status"])
    check(at(found["status"]["nextDrill"]) - at(found["metadata"]["creationTimestamp"]) > 6 * 86400, "the next one in a week", found["status"]["nextDrill"])
    kubectl("-n", bed.ns, "patch", "drillschedule", "often", "--type=merge", "-p", '{"spec":{"suspend":true}}')


@test("KH001, a heartbeat that stops: 4/4, everything recorded, nothing left")
def heartbeat(bed):
    one_card(bed, "kh001")


@test("CF001, a config that was modified: 4/4, everything recorded, nothing left")
def config(bed):
    one_card(bed, "cf001")


@test("MC001, weights that were corrupted: 4/4, everything recorded, nothing left")
def model(bed):
    one_card(bed, "mc001")


@test("KH002, a process that crashes: 4/4, everything recorded, nothing left")
def crash(bed):
    one_card(bed, "kh002")


@test("kubectl get drills prints the columns of the API's page")
def columns(bed):
    lines = kubectl("-n", bed.ns, "get", "drills").splitlines()
    check(lines[0].split() == ["NAME", "CARD", "TARGET", "PHASE", "GATES", "DETECT", "HEAL", "AGE"], "the eight columns", lines[0])
    for line in lines[1:]:
        check(len(line.split()) == 8 and line.split()[1:5] == [line.split("-")[1].split()[0].upper(), "shop", "Succeeded", "4/4"], "a row in full", line)


@test("the target's coverage says Covered, with the time of the drill")
def coverage(bed):
    def look():
        rows = {row["card"]: row for row in get(bed.ns, "drilltarget", "shop")["status"].get("coverage", [])}
        return all(rows.get(card.upper(), {}).get("state") == "Covered" for card in CARDS), rows

    rows = wait("coverage Covered for the four cards", look, 10)
    for short in CARDS:
        row = rows[short.upper()]
        check(row["applicable"] and row["lastResult"] == "Succeeded", "applicable, and the last result", row)
        check(abs(at(row["lastDrill"]) - at(drill_of(bed, short)["status"]["revertedAt"])) < 2, "the time of the last drill", row)


@test("the metrics count what the ledger has")
def metrics(bed):
    records = [record for _, record in bed.ledger()]
    seen = bed.metrics()
    check(all(record["success"] for record in records), "nothing but successes so far", records)
    check(seen['drillyard_drills_total{result="Succeeded"}'] == len(records), f"{len(records)} drills that succeeded", seen)
    check(seen['drillyard_gates_total{gate="SLOMet",result="Passed"}'] == len(records), "as many gates SLOMet passed", seen)
    check(seen["drillyard_time_to_heal_seconds_count"] == len(records), "as many times to heal", seen)
    total = sum(record["mean_time_to_heal"] for record in records)
    check(abs(seen["drillyard_time_to_heal_seconds_sum"] - total) < 0.01, "their sum", [seen["drillyard_time_to_heal_seconds_sum"], total])
    check(seen["drillyard_faults_in_force"] == 0 and seen["drillyard_leader"] == 1, "no fault in force, one leader", seen)
    print(f"#   resident memory of the controller: {seen['process_resident_memory_bytes'] / 2**20:.1f} MiB")


@test("a drill costs at most six writes on itself and its ledger, and six on its healing; nothing was refused")
def writes(bed):
    rows = bed.audit()
    if rows is None:
        print("#   there is no audit log here: not counted")
        return
    writing = ("create", "update", "patch", "delete")
    for short in CARDS:
        status = drill_of(bed, short)["status"]
        own = [row for row in rows if row[0] in writing and row[1] == "drills" and row[3] == f"shop-{short}"]
        healing = [row for row in rows if row[0] in writing and row[1] == "playbookruns" and row[3] == status["gates"][1]["evidence"]["name"]]
        check(len(own) <= 5, f"at most five writes on drill shop-{short} (and one on the ledger)", own)
        check(len(healing) <= 6, f"at most six writes on the run of {short}", healing)
    ledger = [row for row in rows if row[0] in writing and row[1] == "configmaps"]
    check(len(ledger) <= len(bed.ledger()) + 1, "one write on the ledger per drill", ledger)
    refused = [row for row in rows if row[4] in (401, 403)]
    check(not refused, "nothing that the controller asked for was forbidden", refused)


@test("drills that wait for one another do so without a word, and all end")
def queue(bed):
    bed.wait_steady("shop")
    audited = len(bed.audit() or [])
    for number, short in enumerate(("cf001", "mc001", "kh001")):
        bed.drill(f"queue-{number}", CARDS[short][0])
    for number in range(3):
        bed.wait_ended(f"queue-{number}", "Succeeded", within=40)
    spans = sorted((at(get(bed.ns, "drill", f"queue-{n}")["status"]["startedAt"]), at(get(bed.ns, "drill", f"queue-{n}")["status"]["revertedAt"]))
                   for n in range(3))
    check(all(a[1] <= b[0] for a, b in zip(spans, spans[1:])), "one after the other, never two at once on one target", spans)
    rows = [row for row in (bed.audit() or [])[audited:] if row[0] == "update" and row[1] == "drills"]
    check(len(rows) <= 3 * 7, "no more than seven status writes a drill", len(rows))


@test("the ledger has each incident once, and its segment begins a chain")
def ledger(bed):
    rows = bed.ledger()
    keys = [key for key, _ in rows]
    check(len(keys) == len(set(keys)) and all(key == record["incident_id"] for key, record in rows), "each incident once, under its id", keys)
    incidents = {drill["status"]["incident"] for drill in items(bed.ns, "drills") if drill["status"].get("incident")}
    check(incidents <= set(keys), "every drill's incident in the ledger", sorted(incidents - set(keys)))
    segment = get(bed.ns, "configmap", "drill-ledger-000001")
    check(".chain" in segment["data"], "a link of the chain in the first segment", list(segment["data"]))
    bed.check_nothing_left()


@test("each card counts its drills, within a minute")
def counted(bed):
    # The counters are brought up to date twice a minute at most, from the drills that are there; those that went with their schedule
    # before that are in the ledger alone.
    recorded = [record["card_id"] for _, record in bed.ledger()]
    there = [drill["status"]["card"]["id"] for drill in items(bed.ns, "drills") if drill["status"].get("incident")]
    for card, *_ in CARDS.values():
        low, high = (rows.count(card[:5].upper()) for rows in (there, recorded))

        def look(card=card, low=low, high=high):
            status = get(bed.system, "chaoscard", card)["status"]
            right = low <= status.get("drills", 0) <= high and status.get("succeeded") == status.get("drills")
            return right and status.get("lastResult") == "Succeeded", status

        wait(f"card {card} counting {low} to {high} drills, all succeeded", look, 60, every=0.5)


@test("a schedule that is deleted takes its drills along, and the ledger keeps their records")
def schedule_deleted(bed):
    records = len(bed.ledger())
    kubectl("-n", bed.ns, "delete", "drillschedule", "often")
    wait("the schedule's drills going with it", lambda: (not made_by_schedule(bed), made_by_schedule(bed)), 20)
    check(len(bed.ledger()) == records, "as many records as before", bed.ledger())


main(Bed())

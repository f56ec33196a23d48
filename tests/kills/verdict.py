"""What must be true of a drill whose controller was killed, whenever that was. Each rule gives a sentence for what it found wrong.

The verdict is the one of the undisturbed drill, with the same gates; or Inconclusive or Aborted, with a reason; or Failed, but only where each
gate that failed was decided when its own limit had passed, so that the target, or its healing, really did not do it in time."""
import json

from lib import GATES, at, seconds

HONEST = ("Inconclusive", "Aborted")
SLACK = 0.05  # between a limit and the moment of a decision, for rounding


def limits(card):
    expect, slo = card["spec"]["expect"], card["spec"]["slo"]
    verify = [seconds(step["within"]) for step in card["spec"]["verify"]]
    return {"TriggerFired": seconds(expect["trigger"]["within"]), "PlaybookExecuted": max(seconds(row["within"]) for row in expect["playbooks"]),
            "CodingTaskCreated": 0, "SLOMet": min([seconds(slo["healWithin"]), *verify])}


def verdict_faults(status, undisturbed, card):
    phase, words = status["phase"], status.get("message", "")
    results = [gate["result"] for gate in status["gates"]]
    if [gate["name"] for gate in status["gates"]] != GATES:
        yield f"its gates are {status['gates']}"
    if "Pending" in results:
        yield f"ended {phase} with a gate undecided: {results}"
    for gate in status["gates"]:
        if gate["result"] in ("Passed", "Failed") and gate["name"] != "CodingTaskCreated" and at(gate["at"]) < at(status["injectedAt"]) - 0.001:
            yield f"gate {gate['name']} was decided before the injection: {gate}"
    if phase == undisturbed["phase"]:
        if results != [gate["result"] for gate in undisturbed["gates"]]:
            yield f"{phase} with other gates than undisturbed: {results}"
    elif phase in HONEST:
        if len(words) < 10:
            yield f"{phase} without a reason in words: {words!r}"
    elif phase == "Failed":
        for gate in status["gates"]:
            took = at(gate["at"]) - at(status["injectedAt"]) if gate.get("at") else 0
            if gate["result"] == "Failed" and took < limits(card)[gate["name"]] - SLACK:
                yield f"Failed, and gate {gate['name']} was decided after {took:.3f} s, before its limit of {limits(card)[gate['name']]} s: {gate['message']}"
    else:
        yield f"{phase}, where undisturbed it is {undisturbed['phase']}: {words}"


def fault_faults(status, seen, before):
    """`seen`: what the target showed once the drill said that it had ended."""
    others = [row for row in seen.open_faults() if row[0] != status.get("incident")]  # of the drill that had waited, say
    if len(others) < len(seen.open_faults()):
        yield f"{status['phase']} with its fault open in the agent's journal: {seen}"
    if seen.digests != before and not others:
        yield f"{status['phase']} with changed files in the target: {seen}"
    if status.get("revert", {}).get("state") not in ("Done", "NotNeeded") and status.get("incident"):
        yield f"{status['phase']} with revert {status.get('revert')}"


def ledger_faults(status, segments, expected):
    """`expected`: the incidents of this namespace so far, this one included."""
    rows = [(key, json.loads(text)) for segment in segments for key, text in segment["data"].items() if not key.startswith(".")]
    keys = [key for key, _ in rows]
    if sorted(keys) != sorted(expected):
        yield f"the ledger has {keys}, and not exactly the incidents {sorted(expected)}"
    for key, record in rows:
        if key == status["incident"] and (record["incident_id"] != key or record["success"] != (status["phase"] == "Succeeded")):
            yield f"the record does not say what the drill says ({status['phase']}): {record}"
    for number, segment in enumerate(segments, 1):
        chain = json.loads(segment["data"].get(".chain", "null")) or {}
        name = segment["metadata"]["name"]
        if chain.get("segment") != number or (number > 1) != bool(chain.get("previousSha256")) or name != f"drill-ledger-{number:06}":
            yield f"segment {number} of the ledger is {name} with the link {chain}"


def all_faults(drill, undisturbed, card, seen, before, segments, expected, runs):
    status = drill["status"]
    found = [*verdict_faults(status, undisturbed, card), *fault_faults(status, seen, before)]
    if status.get("incident"):
        found += ledger_faults(status, segments, expected)
    if len(runs) > 1:
        found.append(f"{len(runs)} runs for one incident: {[run['metadata']['name'] for run in runs]}")
    return found

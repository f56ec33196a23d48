"""What a good refusal is: it names the field, the value, and what would be right. Said by the API server, or by the controller."""
import re

# What the API server says by itself, where the schema leaves it to its own words.
OWN_WORDS = [
    r"^Required value", r"^Unsupported value: .*: supported values: ", r"^Duplicate value: ", r"^Too long: may not be more than \d+ bytes",
    r"^Too many: \d+: must have at most \d+ items", r" in body must be of type \S+", r" in body should match '.+'",
    r" in body should be (less|greater) than (or equal to )?-?\d+", r" in body should be at (least|most) \d+ chars long",
    r" in body should have at (least|most) \d+ (items|properties)", r"must be a valid [a-z0-9 ]+", r" in body must be in the form of",
    r"must be one of: ", r"may not be empty", r"must be an object for an array of list-type map", r"must have at most \d+ items", r"must be no more than", r"must be less than or equal to",
]
# A fraction where an integer is wanted: said by a part of the server that has no field of its own, but names it in the text.
FRACTION = re.compile(r"Checked value must be of type integer with format int(?:32|64) in (\S+)")
# What says nothing to the person who has to mend it.
GENERIC = re.compile(r"failed rule:|must validate (one and only )?one schema|must validate at least one|no such (key|overload)|internal error|"
                     r"unexpected|evaluating rule|rule evaluation|: Invalid value: \"object\"$|cost limit|call cost exceed", re.IGNORECASE)
# The server's remark that the rules of CEL wait for the rest to be mended.
REMARK = "some validation rules were not checked because the object was invalid"


def own_messages(kinds):
    """What the rules of our schemas say, as regular expressions: an expression in CEL may say more."""
    found = set()

    def walk(schema):
        for rule in schema.get("x-kubernetes-validations", []):
            found.add(rule.get("message", ""))
        for child in [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]:
            if isinstance(child, dict):
                walk(child)

    for kind in kinds.values():
        walk(kind.schema)
    return found


def bare_rules(kinds):
    """Where a rule of CEL has no message of its own."""
    found = []

    def walk(schema, path):
        found.extend(path for rule in schema.get("x-kubernetes-validations", []) if not rule.get("message"))
        for key, child in schema.get("properties", {}).items():
            walk(child, f"{path}.{key}")
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                walk(schema[key], path + "[]")

    for kind in kinds.values():
        walk(kind.schema, kind.name)
    return found


def related(field, path):
    """One is the other, or lies in it, or both lie side by side: a union speaks of its parent or of another member."""
    left, right = re.sub(r"\[[^]]*\]", "", field).split("."), re.sub(r"\[[^]]*\]", "", path).split(".")
    common = 0
    while common < min(len(left), len(right)) and left[common] == right[common]:
        common += 1
    return common >= min(len(left), len(right)) - 1


def names_fraction(cause, variant):
    found = FRACTION.search(cause.get("message", ""))
    return bool(found) and variant.path.endswith(found[1])


def of_server(code, body, variant, ours):
    """What is wrong with a refusal by the API server; "" where nothing is."""
    message = body.get("message", "")
    if code == 400:
        named = "strict decoding error" in message and "unknown field" in message
        return "" if named or variant.what.startswith("deep") else f"400 that names no field: {message[:300]}"
    if code != 422:
        return f"status {code}: {message[:300]}"
    causes = [cause for cause in body.get("details", {}).get("causes", []) if REMARK not in cause.get("message", "")]
    if not causes:
        return f"no cause: {message[:300]}"
    causes = [cause for cause in causes if not names_fraction(cause, variant)]
    if causes and not any(related(cause.get("field", ""), variant.path) for cause in causes):
        return f"no cause is about {variant.path}: {message[:300]}"
    for cause in causes:
        text = cause.get("message", "")
        said = re.sub(r"^Invalid value: ", "", text)
        own = any(rule and rule in said for rule in ours) or re.search(r"goes with the member", said)
        if GENERIC.search(text) or not (own or any(re.search(row, text, re.DOTALL) for row in OWN_WORDS)):
            return f"{cause.get('field')}: {text[:300]}"
    return ""


# ── the controller ──

# Words with which our own decoders and rules begin what would be right.
RIGHT = re.compile(r"\b(write|for example|at most|at least|from \S+ to \S+|is longer than|there is no|set spec\.|leave it out|is the id of|exactly one|"
                   r"not carried out by this version|none that this version knows|shorter than|must be)\b")
ENDED_BADLY = ("Skipped", "Failed")
# Why a well-formed object does not work here: nothing is wrong with what is in it.
CIRCUMSTANCES = ("SteadyStateUnknown", "Quarantined", "NoAgent", "AgentsDown", "NoAgents", "NoPods", "StepFailed", "Blocked", "NotSteady", "NamespaceNotEnabled", "DryRun", "TargetBusy", "ScheduleBusy", "NoPod", "AgentNotReady", "NotApplicable", "PodNotFound",
                 "OutsideWindow", "Stopped", "MethodNotAllowed")
OF_OTHERS = ("by-our-operator",)  # the status of a run by an outside healer is the healer's
UNDECIDED = ("RemediationTemplate",)  # nothing is made of them yet


def of_controller(verdict, variant):
    """What is wrong with a verdict of tests/input/verdict.c; "" where nothing is."""
    if verdict["harm"]:
        return f"harm to another object: {verdict['harm'][:300]}"
    if not verdict["written"]:
        silent = variant["path"].startswith("status") or variant["kind"] in UNDECIDED or variant["base"] in OF_OTHERS or variant["path"] == "spec.reporter"
        return "" if silent else "nothing was said about it"
    if verdict["ready"] != "False" and verdict["phase"] not in ENDED_BADLY:
        return ""
    if verdict["reason"] in CIRCUMSTANCES:
        return ""
    message = verdict["message"]
    fields = re.findall(r"\b(?:spec|status|metadata)(?:\.\w+|\[\d+\])*", message)
    if not fields:
        return f"{verdict['reason']}: names no field: {message[:300]}"
    if not any(related(field, variant["path"]) for field in fields) and verdict["reason"] == "Invalid":
        return f"says nothing of {variant['path']}: {message[:300]}"
    if not RIGHT.search(message):
        return f"does not say what would be right: {message[:300]}"
    return ""

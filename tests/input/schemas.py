"""The CRDs and their examples, as the generator of bad input reads them."""
import glob
import json
import os
import re

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CRDS = os.path.join(ROOT, "crds")


class Loader(yaml.SafeLoader):
    """Times stay texts, as the API server reads them."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, expression) for tag, expression in rows if tag != "tag:yaml.org,2002:timestamp"]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def documents(path):
    with open(path, encoding="utf-8") as file:
        return [item for item in yaml.load_all(file, Loader) if item]


class Kind:
    def __init__(self, crd):
        self.name = crd["spec"]["names"]["kind"]
        self.plural = crd["spec"]["names"]["plural"]
        self.schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def kinds():
    """By name, in the order of their files."""
    found = [Kind(documents(path)[0]) for path in sorted(glob.glob(os.path.join(CRDS, "*.yaml")))]
    return {kind.name: kind for kind in found}


def examples():
    """The valid examples: objects of all kinds."""
    return [item for path in sorted(glob.glob(os.path.join(CRDS, "examples", "valid", "*.yaml"))) for item in documents(path)]


def statuses():
    """The examples with a status: the object's own spec, and what is written to its status."""
    found = []
    for path in sorted(glob.glob(os.path.join(CRDS, "examples", "status", "*.yaml"))):
        base = None
        for item in documents(path):
            base = item if "spec" in item else base
            if "status" in item:
                found.append({**base, "status": item["status"]})
    return found


# ── what a schema says of a value ──

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool}


def has_type(schema, value):
    if schema.get("x-kubernetes-int-or-string"):
        return isinstance(value, (int, str)) and not isinstance(value, bool)
    wanted = schema.get("type")
    if wanted == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if wanted == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return wanted is None or isinstance(value, TYPES[wanted])


def size_breaks(schema, value):
    rows = ((str, "Length"), (list, "Items"), (dict, "Properties"))
    for kind, word in rows:
        if isinstance(value, kind):
            return not schema.get("min" + word, 0) <= len(value) <= schema.get("max" + word, 1 << 62)
    return False


def breaks(schema, value):
    """True where `value` certainly breaks the schema itself; rules in CEL, and what is below the value, are not looked at."""
    if value is None:
        return False  # the API server drops a null, and has defaults
    if schema.get("format") == "date-time" and isinstance(value, list):
        return False  # it takes a list for any text with that format; the decoders do not
    if not has_type(schema, value) or size_breaks(schema, value):
        return True
    if "enum" in schema and value not in schema["enum"]:
        return True
    if isinstance(value, str) and "pattern" in schema and not re.search(re.sub(r"\$(?=[)|]|$)", r"\\Z", schema["pattern"]), value):
        return True
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return not schema.get("minimum", value) <= value <= schema.get("maximum", value)
    return False


def fingerprint(schema):
    """The same for schemas that are used in many places."""
    return json.dumps(schema, sort_keys=True)

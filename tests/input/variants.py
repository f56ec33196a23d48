"""Every way to get an object wrong that the schema of its kind suggests.

    python3 tests/input/variants.py [--kind KIND] [--share N]     one JSON line a variant: {"id", "kind", "path", "what", "object"}

Each field of each valid example is taken away, made null, of another type, empty, too long, too big, too small, unknown; strings become what
shells, templates, YAML and terminals would fall for. A schema that is used in many places is tried in full at the first, and in few ways
elsewhere. The same variants come out each time.
"""
import argparse
import copy
import hashlib
import json
import sys

import schemas

ABSENT = object()
LONG = 70000
ROW = "\U0001F6A8"  # four bytes in UTF-8, two units in UTF-16

# What strings may carry. Kubernetes takes any of it where the schema has no pattern.
HOSTILE = {
    "NUL": "\0", "NUL within": "a\0b", "right-to-left": "\u202egnp.exe", "zero width": "\u200b\u2060\ufeff", "lone surrogate": "\ud800",
    "shell": "$(rm -rf /)`id`; reboot #", "quotes": "'\"\\'; --", "template": "{{ .Values.x }}${HOME}%(x)s", "formats": "%s%n%999999d",
    "unknown reference": "$(target.nothing.here)", "open reference": "$(target", "reference to itself": "$(target.$(target.name))",
    "anchor": "&a [*a, *a]", "tag": "!!python/object/apply:os.system [id]", "newline": "a\nb: c", "return": "a\r\n\r\nX: y", "tab": "\t",
    "blank": " ", "escape": "\x1b[2J\x07\x7f", "path up": "../../../../etc/passwd", "path up from the root": "/../..//etc/./passwd",
    "proc": "/proc/self/mem", "glyphs": ROW * 3, "combining": "e" + "\u0301" * 40, "markup": "<script>&amp;</script>",
    "word null": "null", "word no": "no", "negative": "-1", "exponent": "1e999", "not a number": "NaN", "regex": "(((((a+)+)+)+)+)+$",
    "open regex": "[a-", "pattern of a file": "*?[!a]", "not ASCII digits": "\u0661\u0662s",
}
DURATIONS = {"nothing": "0s", "below nothing": "-5s", "fraction": "1.5s", "no unit": "5", "blank in it": "5 s", "very long": "99999999999999999d",
             "most digits": "9" * 31 + "s", "units twice": "1h1h", "unknown unit": "3w", "months": "1M", "only a unit": "s"}
TIMES = {"a word": "yesterday", "no such day": "2026-13-45T25:61:61Z", "first year": "0001-01-01T00:00:00Z", "last year": "9999-12-31T23:59:59Z",
         "offset": "2026-01-01T00:00:00+23:59", "leap second": "2026-06-30T23:59:60Z", "digits": "2026-01-01T00:00:00.123456789123456789Z"}
NUMBERS = {"negative": -1, "zero": 0, "31 bits": 2**31, "63 bits": 2**63 - 1, "beyond 63 bits": 2**63, "far below": -2**63 - 1, "fraction": 1.5,
           "huge": 1e308, "tiny": 5e-324, "as text": "1", "as percentage": "101%", "negative percentage": "-1%"}
OTHER_TYPES = {"text": "text", "number": 7, "fraction": 1.5, "true": True, "list": ["text"], "map": {"key": "text"}}
DEEP = 3000
sys.setrecursionlimit(8 * DEEP)


def deep(levels):
    value = {}
    for _ in range(levels):
        value = {"a": value}
    return value


class Spot:
    """A place in an example: its path, its schema, what stands there (ABSENT: nothing), whether it must."""

    def __init__(self, path, schema, value, required):
        self.path, self.schema, self.value, self.required = path, schema, value, required

    def dotted(self):
        text = ""
        for step in self.path:
            text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
        return text

    def generic(self):
        return tuple("[]" if isinstance(step, int) else step for step in self.path)


def spots(schema, value, path=(), required=False):
    yield Spot(path, schema, value, required)
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for key, child in value.items():
            below = properties.get(key) or schema.get("additionalProperties")
            if isinstance(below, dict):
                yield from spots(below, child, (*path, key), key in schema.get("required", []))
        for key in properties:
            if key not in value:
                yield Spot((*path, key), properties[key], ABSENT, False)
    elif isinstance(value, list) and "items" in schema:
        for i, child in enumerate(value):
            yield from spots(schema["items"], child, (*path, i))


# ── what to put there ──


def texts(spot):
    schema, value = spot.schema, spot.value
    yield "empty", ""
    most = schema.get("maxLength", LONG)
    yield "longest", "a" * most
    yield "too long", "a" * (most + 1)
    yield "much too long", "/" + "b" * LONG
    yield "longest in glyphs", ROW * most
    yield from HOSTILE.items()
    if schema.get("format") == "date-time":
        yield from TIMES.items()
    if "ms|s|m|h" in schema.get("pattern", ""):
        yield from DURATIONS.items()
    if isinstance(value, str):
        yield "newline behind", value + "\n"
        yield "NUL behind", value + "\0" + "more"
        yield "blank before", " " + value
        yield "other case", value.swapcase()
        yield "many times", (value or "a") * 40


def numbers(spot):
    yield from NUMBERS.items()
    if "minimum" in spot.schema:
        yield "below the least", spot.schema["minimum"] - 1
    if "maximum" in spot.schema:
        yield "above the most", spot.schema["maximum"] + 1


def lists(spot):
    value = spot.value if isinstance(spot.value, list) else []
    yield "empty", []
    yield "null in it", [*value, None]
    yield "empty map in it", [*value, {}]
    yield "list in it", [*value, [[]]]
    if value:
        yield "the first twice", [value[0], *value]
        yield "too many", [renamed(value[0], i) for i in range(spot.schema.get("maxItems", 200) + 1)]


def renamed(item, number):
    """A copy, so that lists that tell their items apart by name take it."""
    if isinstance(item, dict) and "name" in item:
        return {**item, "name": f"n{number}"}
    return f"{item}{number}" if isinstance(item, str) else item


def maps(spot):
    value = spot.value if isinstance(spot.value, dict) else {}
    yield "empty", {}
    if "additionalProperties" in spot.schema:
        most = spot.schema.get("maxProperties", 200)
        yield "too many", {f"k{i}": "v" for i in range(most + 1)}
        for what in ("NUL within", "newline", "blank", "path up", "right-to-left", "shell"):
            yield f"key with {what}", {**value, HOSTILE[what]: "v"}
        yield "empty key", {**value, "": "v"}
        yield "long key", {**value, "k" * 400: "v"}
    else:
        yield "unknown field", {**value, "thisIsNoField": 1}
        yield "unknown field of another name", {**value, "\u202e$(x)\n": {"a": []}}
    if spot.schema.get("x-kubernetes-preserve-unknown-fields"):
        for what, odd in (("deep", deep(DEEP)), ("number beyond 63 bits", 2**63), ("number far beyond", 10**30)):
            yield what, odd
            yield what + " beside", {**value, "path": "/var/log/x", "more": odd}


def everything(spot):
    schema = spot.schema
    kind = schema.get("type")
    yield "null", None
    for what, value in OTHER_TYPES.items():
        if not schemas.has_type(schema, value) or kind is None:
            yield what + " instead", value
    if kind == "string" or schema.get("x-kubernetes-int-or-string") or kind is None:
        yield from texts(spot)
    if "enum" in schema:
        yield "unknown word", "NoSuchWord"
    if kind in ("integer", "number") or schema.get("x-kubernetes-int-or-string"):
        yield from numbers(spot)
    if kind == "array":
        yield from lists(spot)
    if kind == "object" or kind is None:
        yield from maps(spot)


FEW = ("null", "text instead", "number instead", "map instead", "empty", "NUL within", "unknown reference", "very long", "negative", "beyond 63 bits",
       "unknown word", "unknown field")


def name_of(kind, base, spot, what):
    return f"{kind}/{base['metadata']['name']} {spot.dotted()}: {what}"


def number_of(name):
    """Evenly spread, and always the same."""
    return int(hashlib.sha256(name.encode(errors="replace")).hexdigest()[:8], 16)


class Variant:
    """One object that is wrong, or at least odd, at one place."""

    def __init__(self, kind, base, spot, what, value):
        self.kind, self.what, self.path = kind, what, spot.dotted()
        self.object = copy.deepcopy(base)
        self.refused = spot.required if value is ABSENT else what.startswith("unknown field") or schemas.breaks(spot.schema, value)
        self.by_status = spot.path[0] == "status"
        at = self.object
        for step in spot.path[:-1]:
            at = at[step]
        if value is ABSENT:
            del at[spot.path[-1]]
        else:
            at[spot.path[-1]] = value
        self.base = base["metadata"]["name"]
        self.id = name_of(kind, base, spot, what)

    def text(self):
        return json.dumps({"id": self.id, "kind": self.kind, "base": self.base, "path": self.path, "what": self.what, "object": self.object})

    def only_asked(self):
        """Kubernetes takes it, and hands out something else: half a surrogate pair becomes U+FFFD."""
        return self.what == "lone surrogate"


def of_spot(spot, full):
    if spot.value is not ABSENT and not isinstance(spot.path[-1], int):
        yield "missing", ABSENT
    seen = set()
    for what, value in everything(spot):
        if (full or what in FEW) and what not in seen:
            seen.add(what)
            yield what, value


def unchanged(kind, base, schema):
    """The example itself, which says what is wrong with it anyway: nothing to the API server, and perhaps something to the controller."""
    return Variant(kind, base, Spot(("spec",), schema, base["spec"], True), "unchanged", copy.deepcopy(base["spec"]))


def variants(share=1, kinds=None):
    """share: one in so many, evenly chosen; always the same ones."""
    known = schemas.kinds()
    tried, places = set(), set()
    for base in schemas.examples() + schemas.statuses():
        kind = base["kind"]
        if kinds and kind not in kinds:
            continue
        part = "status" if "status" in base else "spec"
        if part == "spec":
            yield unchanged(kind, base, known[kind].schema["properties"][part])
        for spot in spots(known[kind].schema["properties"][part], base[part], (part,), part == "spec"):
            name = (spot.path[-1] if isinstance(spot.path[-1], str) else "", schemas.fingerprint(spot.schema), spot.value is ABSENT)
            place = (kind, spot.generic())
            full = name not in tried
            if not full and place in places:
                continue
            tried.add(name)
            if spot.value is not ABSENT:
                places.add(place)
            for what, value in of_spot(spot, full and spot.value is not ABSENT):
                if share == 1 or number_of(name_of(kind, base, spot, what)) % share == 0:
                    yield Variant(kind, base, spot, what, value)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", action="append", help="only this kind; may be given more than once")
    parser.add_argument("--share", type=int, default=1, help="one in so many")
    args = parser.parse_args()
    for variant in variants(args.share, args.kind):
        sys.stdout.write(variant.text() + "\n")


if __name__ == "__main__":
    main()

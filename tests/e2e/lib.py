"""What the end-to-end tests share: kubectl and helm, waiting with a deadline, a namespace of their own, and TAP.

A test file makes one Bed (a throw-away namespace, the chart installed beside it, the sample shop) and a list of functions marked with
@test("what they prove"). What goes wrong is a Failure: it says what was expected and what was seen instead. The last line counts.
"""
import calendar
import json
import os
import random
import re
import shutil
import string
import subprocess
import sys
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHART = os.path.join(ROOT, "charts", "drillyard")
SAMPLES = os.path.join(ROOT, "manifests", "samples")
CATALOG = os.path.join(ROOT, "manifests", "catalog")
API = "drillyard.dev/v1alpha1"
ENDED = ("Succeeded", "Failed", "Inconclusive", "Aborted", "Skipped")
GATES = ["TriggerFired", "PlaybookExecuted", "CodingTaskCreated", "SLOMet"]
CONFIG = "/etc/shop/config.yaml"
MODEL = "/models/w.safetensors"
POLL = 0.1


class Failure(Exception):
    """What was expected, and what was seen."""


def check(holds, expected, seen=None):
    if not holds:
        raise Failure(expected + ("" if seen is None else f"; seen: {brief(seen)}"))


def brief(value):
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 1500 else text[:1500] + " …"


# ── commands ──


class Result:
    def __init__(self, argv, done):
        self.argv, self.code, self.out, self.err = argv, done.returncode, done.stdout, done.stderr

    def __str__(self):
        return f"`{' '.join(self.argv)[:300]}` ended with {self.code}: {(self.err or self.out).strip()[-1500:]}"


def run(argv, stdin=None, within=120):
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=within)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"`{' '.join(argv)[:300]}` did not end within {within} s") from error
    return Result(argv, done)


def must(argv, stdin=None, within=120):
    result = run(argv, stdin, within)
    check(result.code == 0, "a command that succeeds", str(result))
    return result.out


def kubectl(*args, stdin=None, within=60):
    return must(["kubectl", *args], stdin, within)


def helm(*args, within=180):
    return must(["helm", *args], within=within)


def apply(namespace, *objects):
    """Objects as Python dictionaries."""
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    return kubectl("-n", namespace, "apply", "-f", "-", stdin=body)


def get(namespace, kind, name):
    """The object; None where there is none."""
    result = run(["kubectl", "-n", namespace, "get", kind, name, "-o", "json"])
    if result.code != 0:
        check("NotFound" in result.err or "not found" in result.err, f"{kind} {name} read, or NotFound", str(result))
        return None
    return json.loads(result.out)


def items(namespace, kind, *args):
    return json.loads(kubectl("-n", namespace, "get", kind, "-o", "json", *args))["items"]


def read_yaml(path):
    """The objects of a YAML file, read by kubectl: the standard library has no YAML."""
    out = kubectl("create", "--dry-run=client", "-o", "json", "-f", path)
    decoder, at, objects = json.JSONDecoder(), 0, []
    while at < len(out.rstrip()):
        while out[at].isspace():
            at += 1
        value, at = decoder.raw_decode(out, at)
        objects += value["items"] if value.get("kind") == "List" else [value]
    for item in objects:
        item["metadata"].pop("namespace", None)
    return objects


def catalog_copy(names, change=lambda item: None):
    """Objects of the catalog by name, for a namespace of their own; change(item) makes them quick."""
    found = []
    for name in names:
        for item in read_yaml(os.path.join(CATALOG, name + ".yaml")):
            change(item)
            found.append(item)
    return found


# ── waiting ──


def wait(what, look, within, every=POLL):
    """look() returns (done, seen), or raises Failure for what can never become right. Returns seen."""
    deadline = time.monotonic() + within
    while True:
        done, seen = look()
        if done:
            return seen
        if time.monotonic() >= deadline:
            raise Failure(f"waited {within} s for {what}; seen instead: {brief(seen)}")
        time.sleep(every)


def condition(item, kind):
    for row in (item or {}).get("status", {}).get("conditions", []):
        if row["type"] == kind:
            return row
    return {}


def at(text):
    """An RFC 3339 time in seconds."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z", text or "")
    check(match, "a time in RFC 3339, in UTC", text)
    whole = time.strptime(match[1], "%Y-%m-%dT%H:%M:%S")
    return calendar.timegm(whole) + float(match[2] or 0)


UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text):
    """A duration such as 1m2.5s."""
    parts = re.findall(r"([0-9.]+)(us|ms|s|m|h|d)", text or "")
    check(parts and "".join(a + b for a, b in parts) == text, "a duration", text)
    return sum(float(number) * UNITS[unit] for number, unit in parts)


# ── a place for a test ──


def random_name():
    return "e2e-" + "".join(random.choices(string.ascii_lowercase + string.digits, k=6))


def ensure_crds():
    """They are the cluster's, not the test's: applied where they are missing or not as in crds/."""
    folder = os.path.join(ROOT, "crds")
    files = [word for name in sorted(os.listdir(folder)) if name.endswith(".yaml") for word in ("-f", os.path.join(folder, name))]
    if run(["kubectl", "diff", "--server-side", "--force-conflicts", *files]).code != 0:
        kubectl("apply", "--server-side", "--force-conflicts", *files)
        kubectl("wait", "--for=condition=Established", "--timeout=30s", *files)


class Bed:
    """A namespace that may be drilled, and beside it one with the controller."""

    def __init__(self, shop=True, controller=True, catalog=True, restricted=True, enabled=True, values=()):
        self.ns = random_name()
        self.system = self.ns + "-system"
        self.more = []  # further namespaces to remove
        self.shop, self.controller, self.enabled, self.restricted = shop, controller, enabled, restricted
        self.values = ["namespaces={" + self.ns + "}", "crds.install=false", f"catalog.enabled={str(catalog).lower()}", *values]

    # making and removing

    def namespace(self, name, labels=()):
        kubectl("create", "namespace", name)
        if labels:
            kubectl("label", "namespace", name, *labels)

    def make(self):
        ensure_crds()
        labels = ["drillyard.dev/drills=enabled"] if self.enabled else []
        strict = ["pod-security.kubernetes.io/enforce=restricted"] if self.restricted else []
        self.namespace(self.ns, labels + strict)
        self.namespace(self.system, ["pod-security.kubernetes.io/enforce=restricted"])
        if self.controller:
            self.install()
        if self.shop:
            self.start_shop()

    def helm_values(self, *more):
        return [word for value in [*self.values, *more] for word in ("--set", value)]

    def install(self, *more):
        return helm("upgrade", "--install", "drillyard", CHART, "-n", self.system, *self.helm_values(*more), "--wait", "--timeout", "90s")

    def start_shop(self, namespace=None, steady=True):
        namespace = namespace or self.ns
        kubectl("-n", namespace, "apply", "-f", os.path.join(SAMPLES, "shop.yaml"), "-f", os.path.join(SAMPLES, "shop-target.yaml"))
        kubectl("-n", namespace, "rollout", "status", "deployment/shop", "--timeout=90s", within=100)
        if steady:
            self.wait_steady("shop", namespace)
            self.wait_snapshots("shop", namespace)

    def wait_steady(self, target, namespace=None, within=40):
        """Steady for a while: the status is written every two seconds at most, so what it says may be of before the last drill."""
        since = None

        def look():
            nonlocal since
            found = get(namespace or self.ns, "drilltarget", target)
            well = all(condition(found, kind).get("status") == "True" for kind in ("Ready", "AgentReady", "SteadyState"))
            since = (since or time.monotonic()) if well else None
            return well and time.monotonic() - since > 2.5, (found or {}).get("status")

        return wait(f"target {target} ready, with its agents, in its steady state", look, within)

    def wait_snapshots(self, target, namespace=None, within=40):
        def look():
            found = get(namespace or self.ns, "drilltarget", target)
            pods = found.get("status", {}).get("pods", {}).get("withAgent")
            rows = found.get("status", {}).get("snapshots", [])
            wanted = [facet for facet in found["spec"]["snapshots"]["facets"] if facet in found["spec"]["facets"]]
            return {row["facet"] for row in rows} == set(wanted) and all(row["pods"] == pods for row in rows), found.get("status")

        return wait(f"snapshots of target {target} in all its pods", look, within)

    def remove(self):
        run(["helm", "uninstall", "drillyard", "-n", self.system, "--ignore-not-found", "--wait", "--timeout", "160s"], within=200)
        left = [self.ns, self.system, *self.more]
        run(["kubectl", "delete", "namespace", *left, "--ignore-not-found", "--wait=false"])
        wait("the test's namespaces being gone", lambda: self.namespaces_gone(left), 90, every=0.5)

    def namespaces_gone(self, names):
        rows = json.loads(kubectl("get", "namespaces", "-o", "json"))["items"]
        left = {row["metadata"]["name"]: row["status"].get("conditions") for row in rows if row["metadata"]["name"] in names}
        return not left, left

    # drills

    def drill(self, name, card, target="shop", namespace=None, **spec):
        apply(namespace or self.ns, {"apiVersion": API, "kind": "Drill", "metadata": {"name": name},
                                     "spec": {"card": card, "target": target, **spec}})

    def wait_phase(self, name, phases, within, namespace=None):
        def look():
            found = get(namespace or self.ns, "drill", name)
            status = (found or {}).get("status", {})
            phase = status.get("phase")
            if phase in ENDED and phase not in phases:
                raise Failure(f"drill {name} ended {phase}, and not {' or '.join(phases)}: {status.get('reason')}: {status.get('message')}")
            return phase in phases, found

        return wait(f"drill {name} being {' or '.join(phases)}", look, within)

    def wait_ended(self, name, phase, within=40, namespace=None):
        """Ended so, and done with: its record is in the ledger and nothing holds it."""
        def look():
            found = get(namespace or self.ns, "drill", name)
            return found is not None and not found["metadata"].get("finalizers"), found

        self.wait_phase(name, (phase,), within, namespace)
        return wait(f"drill {name} done with", look, 10)

    def ledger(self, namespace=None):
        """All records in all segments, as (key, record) in order of the segments."""
        rows = []
        for segment in items(namespace or self.ns, "configmap", "-l", "drillyard.dev/ledger=segment"):
            rows += [(key, json.loads(text)) for key, text in segment.get("data", {}).items() if not key.startswith(".")]
        return rows

    def records_of(self, incident, namespace=None):
        return [record for key, record in self.ledger(namespace) if key == incident or record.get("incident_id") == incident]

    # the shop as a witness

    def pods(self, app="shop", namespace=None):
        rows = items(namespace or self.ns, "pods", "-l", f"app={app}", "--field-selector=status.phase=Running")
        return sorted(row["metadata"]["name"] for row in rows if not row["metadata"].get("deletionTimestamp"))

    def inside(self, pod, *command, container="app", namespace=None):
        return kubectl("-n", namespace or self.ns, "exec", pod, "-c", container, "--", *command)

    def digests(self, pod, *paths):
        return [line.split()[0] for line in self.inside(pod, "sha256sum", *paths).splitlines()]

    def all_digests(self):
        """Of the configuration and the model, as one of the shop's pods has them; all pods began with the same."""
        return {pod: self.digests(pod, CONFIG, MODEL) for pod in self.pods()}

    def open_faults(self, pod, namespace=None):
        """What the agent's journal has that is not undone."""
        out = self.inside(pod, "/drillyard/bin/drill-injector", "status", "--dir", "/drillyard", container="drill-injector", namespace=namespace)
        rows = [line.split() for line in out.strip().splitlines() if line.strip() != "no faults"]
        return [row for row in rows if row[-1] not in ("Reverted", "NotNeeded")]

    def check_nothing_left(self, namespace=None, app="shop"):
        for pod in self.pods(app, namespace):
            left = self.open_faults(pod, namespace)
            check(not left, f"no open fault in the agent's journal in pod {pod}", left)

    # the controller as others see it

    def get_raw(self, path):
        return kubectl("get", "--raw", f"/api/v1/namespaces/{self.system}/services/drillyard-controller:http/proxy{path}")

    def metrics(self):
        rows = {}
        for line in self.get_raw("/metrics").splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                rows[name] = float(value)
        return rows

    def user(self):
        return f"system:serviceaccount:{self.system}:drillyard-controller"

    def audit(self):
        """What the API server was asked by this controller: (verb, resource, subresource, name, code). None where there is no log."""
        log = os.path.join(os.path.dirname(os.environ.get("KUBECONFIG", "")), "log", "audit.log")
        if not os.path.exists(log):
            return None
        needle, rows = self.user(), []
        with open(log, encoding="utf-8") as file:
            for line in file:
                if needle in line:
                    event = json.loads(line)
                    ref = event.get("objectRef", {})
                    if event["user"]["username"] == needle:
                        rows.append((event["verb"], ref.get("resource"), ref.get("subresource", ""), ref.get("name", ""),
                                     event["responseStatus"]["code"]))
        return rows

    # when something went wrong

    def tell(self):
        """The drills, their events, runs, targets and the controller's last words, as comments."""
        for namespace in [self.ns, *self.more]:
            for words in (["get", "drills,drilltargets,playbookruns,codingtasks,pods", "-o", "wide"],
                          ["get", "events", "--sort-by=.lastTimestamp"],
                          ["get", "drills", "-o", "jsonpath={range .items[*]}{.metadata.name}{\"  \"}{.status}{\"\\n\"}{end}"],
                          ["get", "playbookruns", "-o", "jsonpath={range .items[*]}{.metadata.name}{\"  \"}{.status}{\"\\n\"}{end}"],
                          ["get", "drilltargets", "-o", "jsonpath={range .items[*]}{.metadata.name}{\"  \"}{.status}{\"\\n\"}{end}"]):
                comment(f"kubectl -n {namespace} {' '.join(words[:2])}", run(["kubectl", "-n", namespace, *words]))
        comment("the controller", run(["kubectl", "-n", self.system, "logs", "-l", "app.kubernetes.io/name=drillyard", "--tail=80",
                                       "--prefix"]))


def comment(title, result):
    print(f"#   {title}:")
    for line in (result.out + result.err).splitlines()[-150:]:
        print(f"#     {line[:1200]}")


# ── TAP ──

TESTS = []


def test(sentence):
    def mark(function):
        TESTS.append((sentence, function))
        return function

    return mark


def need_cluster():
    missing = [program for program in ("kubectl", "helm") if not shutil.which(program)]
    if missing or run(["kubectl", "version", "--request-timeout=10s"]).code != 0:
        print(f"Bail out! no cluster to test on{': no ' + ' and no '.join(missing) if missing else ''}; "
              'start one with hack/cluster up, then: eval "$(hack/cluster env)"')
        sys.exit(1)


def main(bed):
    """Runs the marked tests, in order, on `bed`; arguments choose those whose sentence or name contains one of them."""
    need_cluster()
    chosen = [row for row in TESTS if not sys.argv[1:] or any(word in row[0] or word in row[1].__name__ for word in sys.argv[1:])]
    passed = failed = 0

    def one(sentence, function, *args):
        nonlocal passed, failed
        began, number = time.monotonic(), passed + failed + 1
        try:
            function(*args)
        except Exception as error:  # whatever it is, the others are run and the namespaces removed
            failed += 1
            print(f"not ok {number} - {sentence}")
            text = str(error) if isinstance(error, Failure) else traceback.format_exc()
            for line in text.splitlines():
                print(f"#   {line}")
            where = traceback.extract_tb(error.__traceback__)
            print("#   at " + ", ".join(f"{os.path.basename(f.filename)}:{f.lineno}" for f in where[1:]))
            bed.tell()
            sys.stdout.flush()
            return False
        passed += 1
        print(f"ok {number} - {sentence} ({time.monotonic() - began:.1f} s)", flush=True)
        return True

    if one("the cluster is prepared", bed.make):
        for sentence, function in chosen:
            one(sentence, function, bed)
    if os.environ.get("E2E_KEEP"):
        print(f"# kept: {bed.ns} {bed.system}")
    else:
        one("everything of the test can be removed", bed.remove)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)

#!/usr/bin/env python3
"""What a stolen token of the controller is worth, and what a person without pods/exec can do with drills: next to nothing."""
import json
import os
import tempfile

import thefts
from lib import API, ROOT, Bed, apply, check, get, kubectl, main, must, run, test, wait

SERVE = ["/drillyard/bin/drill-injector", "serve"]
ONLY = "drillyard's controller may run only /drillyard/bin/drill-injector serve"
OPTED = "drillyard's controller may exec only in namespaces with the label drillyard.dev/drills=enabled"
EXEC_ONLY = "drillyard's controller may use pods/exec only, no attach, port-forward or proxy"


class FenceBed(Bed):
    """Beside the drilled namespace one that the controller may work in but that has not opted in, and one it knows nothing of."""

    def __init__(self):
        super().__init__(catalog=False)
        self.off, self.alien = self.ns + "-off", self.ns + "-alien"
        self.values[0] = "namespaces={" + f"{self.ns},{self.off}" + "}"
        self.more = [self.off, self.alien]

    def make(self):
        for name in self.more:
            self.namespace(name)
            self.pod_in(name)
        super().make()
        for name in self.more:
            kubectl("-n", name, "wait", "pod/bystander", "--for=condition=Ready", "--timeout=40s")
        (self.pod, self.other) = self.pods()
        self.config = self.kubeconfig()

    def pod_in(self, namespace):
        apply(namespace, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bystander"}, "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "app", "image": "drillyard/sample-shop:0.1.0", "imagePullPolicy": "IfNotPresent"}]}})

    def kubeconfig(self):
        """The cluster as the caller's kubeconfig has it, with the controller's token in place of the caller's rights."""
        view = json.loads(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
        token = kubectl("-n", self.system, "create", "token", "drillyard-controller", "--duration=10m").strip()
        view["users"] = [{"name": "thief", "user": {"token": token}}]
        view["contexts"] = [{"name": "thief", "context": {"cluster": view["clusters"][0]["name"], "user": "thief"}}]
        view["current-context"] = "thief"
        file = tempfile.NamedTemporaryFile("w", suffix=".json", delete=False)
        with file:
            json.dump(view, file)
        return file.name

    def remove(self):
        os.unlink(self.config)
        super().remove()

    def thief(self, *args, stdin=None, within=30):
        return run(["kubectl", "--kubeconfig", self.config, *args], stdin, within)

    def may(self, verb, kind, namespace, **who):
        return self.rights([(verb, kind, namespace)], **who)[0]

    def rights(self, rows, user=None):
        """What the API server says to each (verb, kind[/subresource][.group], namespace); kubectl auth can-i takes what follows / for a name."""
        reviews = []
        for verb, kind, namespace in rows:
            kind, _, group = kind.partition(".")
            resource, _, sub = kind.partition("/")
            reviews.append({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": {
                "verb": verb, "group": group, "resource": resource, "subresource": sub, "namespace": namespace}}})
        caller = ["--as", user] if user else ["--kubeconfig", self.config]
        out = must(["kubectl", *caller, "create", "-f", "-", "-o", 'jsonpath={.status.allowed}{" "}'],
                   json.dumps({"apiVersion": "v1", "kind": "List", "items": reviews}))
        check(len(out.split()) == len(rows), "an answer to each", out)
        return [word == "true" for word in out.split()]

    def thief_exec(self, namespace, pod, container, *command):
        return self.thief("-n", namespace, "exec", "-i", pod, "-c", container, "--", *command, stdin="")


def denied(result, *words):
    check(result.code != 0, "a refusal", str(result))
    for word in words:
        check(word in result.err, f"“{word}” in the refusal", str(result))


@test("it is the controller's token: it lists drills, and runs the one command in the agent and in the target")
def works(bed):
    who = bed.thief("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
    check(who.out == bed.user(), f"to be {bed.user()}", str(who))
    check(bed.thief("-n", bed.ns, "get", "drills,drilltargets,pods").code == 0, "drills, targets and pods listed")
    for container in ("drill-injector", "app"):
        result = bed.thief_exec(bed.ns, bed.pod, container, *SERVE)
        check(result.code == 0 and '"event":"hello"' in result.out, f"a greeting from {container}", str(result) + result.out)
        hello = json.loads(result.out.splitlines()[0])
        check(hello["protocol"] == 1 and hello["place"] == {"drill-injector": "Sidecar", "app": "Target"}[container], "where it is", hello)


@test("any other command is denied with the policy's words, however near it is to the one")
def other_commands(bed):
    commands = [
        ["sh", "-c", "id"],
        ["cat", "/etc/shop/config.yaml"],
        ["/drillyard/bin/drill-injector"],
        ["/drillyard/bin/drill-injector", "status"],
        ["/drillyard/bin/drill-injector", "serve", "--dir", "/tmp"],
        ["/drillyard/bin/drill-injector serve"],
        ["/drillyard/bin/../bin/drill-injector", "serve"],
        ["drill-injector", "serve"],
        ["sh", "-c", "/drillyard/bin/drill-injector serve"],
    ]
    for command in commands:
        for container in ("app", "drill-injector"):
            denied(bed.thief_exec(bed.ns, bed.pod, container, *command), ONLY)
    check(run(["kubectl", "-n", bed.ns, "exec", bed.pod, "-c", "app", "--", "true"]).code == 0, "others' exec not fenced")


@test("exec in a namespace that has not opted in is denied with the policy's words")
def not_opted_in(bed):
    denied(bed.thief_exec(bed.off, "bystander", "app", *SERVE), OPTED)
    kubectl("label", "namespace", bed.off, "drillyard.dev/drills=disabled")
    denied(bed.thief_exec(bed.off, "bystander", "app", *SERVE), OPTED)


@test("exec in all other namespaces is denied: those it knows nothing of, its own, and the cluster's")
def other_namespaces(bed):
    denied(bed.thief_exec(bed.alien, "bystander", "app", *SERVE), "orbidden", "pods")
    (controller,) = [word for word in kubectl("-n", bed.system, "get", "pods", "-o", "name").split() if "controller" in word]
    for namespace in (bed.alien, bed.system, "kube-system", "default"):
        for verb in ("get", "create"):
            check(not bed.may(verb, "pods/exec", namespace), f"no {verb} on pods/exec in {namespace}")
    denied(bed.thief("-n", bed.system, "exec", controller, "--", "true"), "orbidden")
    # Opting in is not enough either: the chart must name the namespace.
    kubectl("label", "namespace", bed.alien, "drillyard.dev/drills=enabled")
    denied(bed.thief_exec(bed.alien, "bystander", "app", *SERVE), "orbidden")


@test("attach, port-forward and proxy are denied, and even where somebody's role allows them, by the policy")
def other_ways(bed):
    ways = {
        "attach": lambda: bed.thief("-n", bed.ns, "attach", bed.pod, "-c", "app", within=20),
        "proxy": lambda: bed.thief("get", "--raw", f"/api/v1/namespaces/{bed.ns}/pods/{bed.pod}:8080/proxy/healthz"),
    }
    for name in ("attach", "proxy"):
        denied(ways[name](), "orbidden", f"pods/{name}")
    check(not bed.may("create", "pods/portforward", bed.ns), "no port-forward by role")
    apply(bed.ns, {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "too-generous"},
                   "rules": [{"apiGroups": [""], "resources": ["pods/exec", "pods/attach", "pods/portforward", "pods/proxy"], "verbs": ["*"]}]},
          {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "too-generous"},
           "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "too-generous"},
           "subjects": [{"kind": "ServiceAccount", "name": "drillyard-controller", "namespace": bed.system}]})
    wait("the generous role being in force", lambda: (bed.may("create", "pods/attach", bed.ns), None), 10)
    for name in ("attach", "proxy"):
        denied(ways[name](), EXEC_ONLY)
    denied(bed.thief("create", "--raw", f"/api/v1/namespaces/{bed.ns}/pods/{bed.pod}/portforward?ports=8080", "-f", "-", stdin="{}"), EXEC_ONLY)
    denied(bed.thief_exec(bed.ns, bed.pod, "app", "id"), ONLY)
    kubectl("-n", bed.ns, "delete", "rolebinding,role", "too-generous")


@test("no secrets, no pods, no roles, no writing of cards, and nothing of other namespaces")
def other_rights(bed):
    yes = [("list", "pods", bed.ns), ("get", "configmaps", bed.ns), ("create", "drills.drillyard.dev", bed.ns), ("create", "pods/exec", bed.ns)]
    no = [
        *[(verb, "secrets", place) for verb in ("get", "list", "watch", "create") for place in (bed.ns, bed.system, bed.alien, "kube-system")],
        *[(verb, "pods", bed.ns) for verb in ("create", "update", "patch", "delete")],
        ("create", "pods/eviction", bed.ns), ("update", "pods/ephemeralcontainers", bed.ns), ("create", "serviceaccounts/token", bed.ns),
        ("create", "serviceaccounts/token", bed.system),
        *[(verb, kind, bed.ns) for verb in ("create", "update", "patch", "delete")
          for kind in ("chaoscards.drillyard.dev", "playbooks.drillyard.dev", "triggers.drillyard.dev", "drilltargets.drillyard.dev")],
        *[(verb, kind, bed.ns) for verb in ("create", "delete") for kind in ("deployments.apps", "daemonsets.apps", "jobs.batch", "roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io")],
        ("delete", "configmaps", bed.ns), ("update", "namespaces", bed.ns), ("patch", "namespaces", bed.ns), ("get", "nodes", bed.ns),
        *[(verb, kind, bed.alien) for verb in ("get", "list", "create", "patch") for kind in ("configmaps", "pods", "drills.drillyard.dev", "services")],
        ("patch", "deployments.apps", bed.system), ("get", "leases.coordination.k8s.io", "kube-system"), ("impersonate", "users", bed.ns),
    ]
    for answer, rows in ((True, yes), (False, no)):
        wrong = [row for row, said in zip(rows, bed.rights(rows)) if said is not answer]
        check(not wrong, f"{'allowed' if answer else 'denied'} by role: all of these", wrong)
    denied(bed.thief("-n", bed.ns, "get", "secrets"), "Forbidden", "secrets")
    denied(bed.thief("-n", bed.ns, "run", "mine", "--image=drillyard/sample-shop:0.1.0"), "Forbidden", "pods")


@test("the ledger of another namespace can be neither read nor written, and the own one not deleted")
def ledgers(bed):
    kubectl("-n", bed.alien, "create", "configmap", "drill-ledger-000001", "--from-literal=a=b")
    kubectl("-n", bed.ns, "create", "configmap", "drill-ledger-000900", "--from-literal=a=b")
    denied(bed.thief("-n", bed.alien, "get", "configmap", "drill-ledger-000001"), "Forbidden")
    denied(bed.thief("-n", bed.alien, "patch", "configmap", "drill-ledger-000001", "--type=merge", "-p", '{"data":{"a":"c"}}'), "Forbidden")
    denied(bed.thief("-n", bed.ns, "delete", "configmap", "drill-ledger-000900"), "Forbidden")
    check(get(bed.alien, "configmap", "drill-ledger-000001")["data"] == {"a": "b"}, "the other ledger as it was")
    kubectl("-n", bed.ns, "delete", "configmap", "drill-ledger-000900")


@test("sixty requests and more, with the bare token: all are denied but those of the list in controller/README.md")
def sixty(bed):
    kubectl("-n", bed.ns, "create", "configmap", "drill-ledger-000900", "--from-literal=a=b")
    with open(bed.config, encoding="utf-8") as file:
        thief = thefts.Thief(json.load(file))
    rows, wrong = thefts.all_of(bed), []
    for what, verb, path, body, expected in rows:
        status, text = thief.ask(verb, path, body)
        denied_here = status == 403 or status == 422 and "ValidatingAdmissionPolicy" in text
        if not (denied_here if expected == thefts.DENIED else status == expected):
            wrong.append(f"{what}: {verb} {path} was answered with {status} {text[:300]}")
    status, text = thief.ask("GET", f"/api/v1/namespaces/{bed.ns}/secrets", **{"Impersonate-User": "admin", "Impersonate-Group": "system:masters"})
    if status != 403:
        wrong.append(f"act as somebody else: {status} {text[:300]}")
    check(not wrong, "each answered as it must be", wrong)
    with open(os.path.join(ROOT, "controller", "README.md"), encoding="utf-8") as file:
        manual = " ".join(file.read().split())
    allowed = [what for what, _, _, _, expected in rows if expected != thefts.DENIED]
    missing = [what for what in allowed if what not in manual]
    check(not missing, "whatever is allowed in controller/README.md", missing)
    print(f"#   {len(rows) + 1} tried, {len(allowed)} allowed: {', '.join(allowed)}")
    kubectl("-n", bed.ns, "delete", "configmap", "drill-ledger-000900")
    kubectl("-n", bed.ns, "delete", "drill", "thefts", "--ignore-not-found", "--timeout=20s")


@test("whoever may not exec into pods makes no drill and writes no card; whoever may, does")
def authors(bed):
    rules = [{"apiGroups": ["drillyard.dev"], "resources": ["*"], "verbs": ["*"]}]

    def role(rules):
        apply(bed.ns, {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "author"}, "rules": rules},
              {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "author"},
               "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "author"},
               "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}]})

    def as_jane(thing):
        return run(["kubectl", "-n", bed.ns, "--as=jane", "create", "-f", "-"], json.dumps(thing))

    def thing(kind, spec):
        return {"apiVersion": API, "kind": kind, "metadata": {"name": f"janes-{kind.lower()}"}, "spec": spec}

    probe = {"exec": {"command": ["id"]}}
    card = json.loads(must(["kubectl", "create", "--dry-run=client", "-o", "json", "-f",
                            os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "manifests", "catalog", "card-cf001-config-modified.yaml")]))
    things = {
        "drills": thing("Drill", {"card": "cf001-config-modified", "target": "shop", "dryRun": True}),
        "chaoscards": thing("ChaosCard", card["spec"]),
        "triggers": thing("Trigger", {"probe": probe, "fires": "WhenFalse"}),
        "playbooks": thing("Playbook", {"triggers": ["a"], "branches": [{"steps": [{"name": "look", "action": "RunSmokeTests"}]}]}),
        "drillschedules": thing("DrillSchedule", {"every": "1h", "targets": {"names": ["shop"]}, "suspend": True}),
        "playbookruns": thing("PlaybookRun", {"playbook": "a", "target": "nothing"}),
        "drilltargets": thing("DrillTarget", {"selector": {"matchLabels": {"app": "nothing"}}}),
    }
    role(rules)
    wait("the role being in force", lambda: (bed.may("create", "drills.drillyard.dev", bed.ns, user="jane"), None), 10)
    for plural, body in things.items():
        denied(as_jane(body), "orbidden", f"whoever writes {plural} in namespace {bed.ns} must hold create on pods/exec there; user jane does not")
        check(get(bed.ns, plural, body["metadata"]["name"]) is None, f"no {plural} made")
    denied(run(["kubectl", "-n", bed.ns, "--as=jane", "patch", "drilltarget", "shop", "--type=merge", "-p", '{"spec":{"container":"other"}}']),
           "must hold create on pods/exec there")
    report = thing("PlaybookRun", {"playbook": "a", "target": "nothing", "reporter": "janes-healer"})
    made = as_jane({**report, "metadata": {"name": "janes-report"}})
    check(made.code == 0, "an outside healer's report made by who may not exec: it runs nothing", str(made))
    role([*rules, {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}])
    wait("the wider role being in force", lambda: (bed.may("create", "pods/exec", bed.ns, user="jane"), None), 10)
    for plural, body in things.items():
        made = as_jane(body)
        check(made.code == 0, f"{plural} made by who may exec", str(made))
    kubectl("-n", bed.ns, "delete", "drills,chaoscards,triggers,playbooks,playbookruns,drillschedules", "--all", "--timeout=20s")


@test("the garbage collector, which may not exec either, takes its finalizer off what is deleted in the foreground")
def foreground(bed):
    apply(bed.ns, {"apiVersion": API, "kind": "Playbook", "metadata": {"name": "deleted"},
                   "spec": {"triggers": ["a"], "branches": [{"steps": [{"name": "look", "action": "RunSmokeTests"}]}]}})
    kubectl("-n", bed.ns, "delete", "playbook", "deleted", "--cascade=foreground", "--timeout=30s", within=40)
    check(get(bed.ns, "playbook", "deleted") is None, "the playbook gone")


@test("a pod that cannot take the agent is made without it: one in the host's process namespace, one with a volume of that name")
def without_agent(bed):
    place = bed.ns + "-free"
    bed.more.append(place)
    bed.namespace(place, ["drillyard.dev/drills=enabled"])

    def made(name, **more):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"drillyard.dev/agent": "enabled"}},
               "spec": {"containers": [{"name": "app", "image": "drillyard/sample-shop:0.1.0"}], **more}}
        result = run(["kubectl", "-n", place, "create", "--dry-run=server", "-o", "json", "-f", "-"], json.dumps(pod))
        check(result.code == 0, f"pod {name} made", str(result))
        spec = json.loads(result.out)["spec"]
        return [row["name"] for row in spec.get("initContainers", [])], spec.get("shareProcessNamespace")

    wait("the policy being in force", lambda: (made("plain") == (["drill-injector"], True), made("plain")), 15)
    for name, more in {"host": {"hostPID": True}, "volume": {"volumes": [{"name": "drillyard", "emptyDir": {}}]}}.items():
        check(made(name, **more) == ([], None), f"pod {name} as it was asked for", made(name, **more))


main(FenceBed())

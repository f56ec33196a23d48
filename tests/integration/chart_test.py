#!/usr/bin/env python3
"""What the chart gives for its values, as text: needs helm and no cluster. Standard library only; each object is a document, and a field of
it the lines below its name that are indented more."""
import os
import re
import subprocess
import sys

import tap

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHART = os.path.join(ROOT, "charts", "drillyard")
PLACES = ["--set", "controller.nodeSelector.pool=ops", "--set", "controller.tolerations[0].key=ops", "--set", "controller.tolerations[0].operator=Exists",
          "--set", "controller.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]."
          "matchExpressions[0].key=zone"]


def find_helm():
    cache = os.environ.get("DRILLYARD_CACHE", os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "drillyard"))
    folders = [*os.environ["PATH"].split(os.pathsep), *(os.path.join(cache, "programs", d) for d in sorted(os.listdir(os.path.join(cache, "programs"))))]
    for folder in folders:
        if os.access(os.path.join(folder, "helm"), os.X_OK):
            return os.path.join(folder, "helm")
    sys.exit("there is no helm: neither on PATH nor built by hack/cluster (hack/cluster build)")


HELM = find_helm()


def render(*arguments):
    done = subprocess.run([HELM, "template", "drillyard", CHART, "--namespace", "system", *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout.split("\n---\n"), done.stderr


def objects(*arguments):
    code, documents, why = render(*arguments)
    assert code == 0, why
    return documents


def one(documents, kind, name):
    (found,) = [d for d in documents if f"\nkind: {kind}\n" in "\n" + d + "\n" and re.search(rf"^  name: {name}$", d, re.M)]
    return found


def field(document, name):
    """Its lines, from the margin; None: there is none. It must be there once."""
    found = list(re.finditer(rf"^( +){name}:\n((?:\1[ -].*\n)+)", document + "\n", re.M))
    assert len(found) < 2, document
    return "\n".join(line[len(found[0][1]):] for line in found[0][2].splitlines()) if found else None


def the_drain_goes_where_the_controller_goes():
    """the Job that drains before an uninstall may run wherever the controller may, or helm uninstall waits for ever"""
    documents = objects(*PLACES)
    for name, part in {"nodeSelector": "pool: ops", "tolerations": "operator: Exists", "affinity": "key: zone"}.items():
        job, deployment = (field(one(documents, *which), name) for which in (("Job", "drillyard-drain"), ("Deployment", "drillyard-controller")))
        assert job and part in job and job == deployment, (name, job, deployment)
    assert field(one(objects(), "Job", "drillyard-drain"), "nodeSelector") is None


def the_catalog_survives_a_rollback():
    """where the catalog is made by hooks, they are run by install, upgrade and rollback; where it belongs to the release there are none"""
    kinds = re.compile(r"^kind: (ChaosCard|Trigger|Playbook)$", re.M)
    hooked = [d for d in objects() if kinds.search(d)]
    assert len(hooked) >= 12, len(hooked)
    for document in hooked:
        hooks = re.search(r"^    helm\.sh/hook: (.*)$", document, re.M)
        assert hooks and set(hooks[1].split(",")) == {"post-install", "post-upgrade", "post-rollback"}, document
    owned = [d for d in objects("--api-versions", "drillyard.dev/v1alpha1/ChaosCard") if kinds.search(d)]
    assert len(owned) == len(hooked) and not [d for d in owned if "helm.sh/hook" in d]


def leases():
    """a lease that the controller would refuse at its start is refused by helm, and one that it takes is taken"""
    for lease, taken in {"2s": True, "10s": True, "90s": True, "600s": True, "1m": True, "10m": True, "0s": False, "1s": False, "601s": False,
                         "1000s": False, "11m": False, "1h": False, "500ms": False, "": False}.items():
        code, _, why = render("--set-string", f"controller.lease={lease}")
        assert (code == 0) == taken and (taken or "lease" in why), (lease, code, why)


def the_controller_agrees():
    """what values.schema.json takes of leases is what the controller takes"""
    for lease, taken in {"2s": True, "600s": True, "1s": False, "601s": False, "11m": False}.items():
        done = subprocess.run([os.environ["DRILLYARD_CONTROLLER"], f"--lease={lease}", "--namespaces=a", "--log-level=none"], capture_output=True, text=True, timeout=20)
        assert done.returncode == 2 and ("--lease" in done.stderr) != taken, (lease, done)


def main():
    tests = [the_drain_goes_where_the_controller_goes, the_catalog_survives_a_rollback, leases]
    tests += [the_controller_agrees] if "DRILLYARD_CONTROLLER" in os.environ else []
    return tap.run([(test.__doc__, test) for test in tests])


if __name__ == "__main__":
    sys.exit(main())

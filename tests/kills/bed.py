"""The place for kills: the chart's policies without its controller, and a lane for each name."""
import threading

from lane import CARDS, Lane, quick_catalog
from lasting import CARD, objects
from lib import CHART, Bed, Failure, check, ensure_crds, helm, kubectl, run, wait

from api import Api, path_of
from proxy import Proxy
from verdict import all_faults

PIDS_OF = """for d in /proc/[0-9]*; do case "$(tr '\\0' ' ' 2>/dev/null <$d/cmdline)" in *"{0}"*) echo ${{d#/proc/}} ;; esac; done"""


def in_parallel(functions):
    """Runs all; once all have ended, raises what failed."""
    failures = []

    def one(function):
        try:
            function()
        except Exception as error:  # told when all have ended
            failures.append(error)

    threads = [threading.Thread(target=one, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(failures) > 1 and all(isinstance(failure, Failure) for failure in failures):
        raise Failure("\n".join(str(failure) for failure in failures))
    if failures:
        raise failures[0]


class KillsBed(Bed):
    """The chart's policies; its controller is taken away, and each lane has its own."""

    def __init__(self, lanes, **options):
        super().__init__(shop=False, controller=False, catalog=False)
        self.api = None
        self.lanes, self.options = dict.fromkeys(lanes), options

    def make(self):
        ensure_crds()
        self.api = Api()
        catalog = quick_catalog()
        for name in self.lanes:
            self.lanes[name] = Lane(self.api, f"{self.ns}-{name}", **self.options)
        self.more = [lane.ns for lane in self.lanes.values()]
        for namespace in [self.ns, self.system, *self.more]:
            self.namespace(namespace, ["drillyard.dev/drills=enabled", "pod-security.kubernetes.io/enforce=restricted"])
        self.values[0] = "namespaces={" + ",".join(self.more) + "}"
        helm("upgrade", "--install", "drillyard", CHART, "-n", self.system, *self.helm_values("catalog.enabled=false"))
        kubectl("-n", self.system, "scale", "deployment/drillyard-controller", "--replicas=0")
        wait("the chart's own controller gone, which would act beside those of the lanes", self.chart_controller_gone, 60)
        in_parallel([lambda name=name, lane=lane: lane.make(self.objects_of(catalog, name)) for name, lane in self.lanes.items()])

    def chart_controller_gone(self):
        deployment = self.api.get("/apis/apps/v1/namespaces/" + self.system + "/deployments/drillyard-controller")
        pods = self.api.list(path_of(self.system, "pods"))
        seen = deployment["status"].get("observedGeneration") == deployment["metadata"]["generation"]
        return seen and not deployment["status"].get("replicas") and not pods, [deployment["status"], [pod["metadata"]["name"] for pod in pods]]

    def objects_of(self, catalog, name):
        """Of one card only, so that nothing else acts in its lane."""
        return [item for item in catalog if item["metadata"]["name"] in CARDS.get(name, ()) or name not in CARDS]

    def remove(self):
        for lane in self.lanes.values():
            if lane:
                lane.remove()
        run(["helm", "uninstall", "drillyard", "-n", self.system, "--ignore-not-found", "--no-hooks"])
        left = [self.ns, self.system, *self.more]
        run(["kubectl", "delete", "namespace", *left, "--ignore-not-found", "--wait=false"])
        wait("the test's namespaces being gone", lambda: self.namespaces_gone(left), 90, every=0.5)

    def tell(self):
        """Nothing: each violation brings the last words of its controllers along."""


class FaultBed(KillsBed):
    """In each lane a card with the fault of the catalog's (for KH002, ProcessFreeze), that nothing detects and nothing heals."""

    def __init__(self):
        super().__init__(list(CARDS))
        self.proxy = None
        self.faults = {}

    def objects_of(self, catalog, name):
        made = objects(duration="60s")
        injection = card_of(catalog, name)["spec"]["injection"]
        if name == "kh002":  # a death has nothing to take back; a process that is stopped has
            injection = {"method": "ProcessFreeze", "processFreeze": {"match": injection["killProcess"]["match"]}}
        made[-1]["spec"]["injection"] = {**injection, "duration": "60s"}
        return made

    def make(self):
        super().make()
        self.proxy = Proxy()
        kubeconfig = self.proxy.kubeconfig()
        self.faults = {name: Fault(lane, kubeconfig) for name, lane in self.lanes.items()}

    def tell(self):
        for fault in self.faults.values():
            for one in fault.lane.controllers[-2:]:
                print(f"#   the last words of a controller in {fault.lane.ns}:")
                for line in one.words().splitlines()[-12:]:
                    print(f"#     {line[:500]}")

    def each(self, scenario, *args):
        """The scenario for all four faults at once."""
        in_parallel([lambda fault=fault: scenario(fault, *args) for fault in self.faults.values()])


def card_of(catalog, name):
    return next(item for item in catalog if item["metadata"]["name"] == CARDS[name][0])


class Fault:
    """A drill whose fault is in force, and the end of it as the target shows it."""

    def __init__(self, lane, kubeconfig):
        self.lane, self.kubeconfig = lane, kubeconfig
        self.controller = self.name = None
        self.incidents = []

    def start(self):
        self.controller = self.lane.start(kubeconfig=self.kubeconfig).wait_ready()

    def begin(self, name, lease="3s"):
        if not self.controller or self.controller.process.poll() is not None:
            self.start()
        self.lane.wait_steady()
        self.name, self.incidents = name, self.lane.incidents()
        self.lane.drill(name, CARD, overrides={"lease": lease})

        def look():
            drill, seen = self.lane.get("drills", name), self.lane.witness.look()
            return drill.get("status", {}).get("phase") == "Detecting" and self.harmed(seen), [drill.get("status"), str(seen)]

        wait(f"the fault of {name} in force in {self.lane.ns}", look, 30)

    def harmed(self, seen):
        return bool(seen.open_faults()) and (seen.digests != self.lane.before or any(state == "T" for _, state in seen.workers))

    def whole(self, seen):
        return seen.digests == self.lane.before and seen.works()

    def clean(self, seen):
        return not seen.open_faults() and self.whole(seen)

    def still_in_force(self, why):
        seen = self.lane.witness.look()
        check(self.harmed(seen), f"the fault of {self.name} in {self.lane.ns} still in force: {why}", str(seen))

    def gone(self, since, within, what, closed=True):
        """Waits until the target shows nothing of the fault any more; how long after `since` (time.time()) that was. `closed`: and the
        agent's journal says that it is over. Without, a drill may still hold it open that lives on after somebody else repaired it."""
        def look():
            seen = self.lane.witness.look()
            return self.clean(seen) if closed else self.whole(seen), (seen, str(seen))

        seen = wait(f"the fault of {self.name} in {self.lane.ns} gone: {what}", lambda: pick(look()), within + 5, every=0.05)
        took = seen.now - since
        check(took <= within, f"the fault of {self.name} in {self.lane.ns} gone within {within} s: {what}", took)
        return took

    def abort(self):
        self.lane.api.patch(path_of(self.lane.ns, "drills", self.name), {"spec": {"abort": True}})

    def finish(self):
        """Whoever leads ends the drill: honestly, once, and lets it go."""
        if self.controller.process.poll() is not None:
            self.start()
        drill = self.lane.wait_terminal(self.name)
        seen = self.lane.witness.look()
        status = self.lane.wait_released(self.name)["status"]
        if status.get("incident"):
            self.incidents.append(status["incident"])
        found = all_faults(drill, {"phase": "Inconclusive", "gates": status["gates"]}, self.lane.get("chaoscards", CARD), seen, self.lane.before,
                           self.lane.segments(), self.incidents, self.lane.runs_of(status.get("incident", "none")))
        check(not found, f"drill {self.name} in {self.lane.ns} over as it should be", found)
        return status

    def pids(self, command):
        return [int(word) for word in self.lane.witness.ask(PIDS_OF.format(command))]


def pick(answer):
    done, (seen, text) = answer
    return done, seen if done else text


def tell(what, rows):
    print(f"#   {what}: " + ", ".join(f"{name} {took:.2f} s" for name, took in sorted(rows.items())))

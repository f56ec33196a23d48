#!/usr/bin/env python3
"""The controller run by hand on this machine, with a kubeconfig: it drills, answers, ends when told, and says what is wrong with its options."""
import json
import signal
import tempfile
import time

from lasting import CARD, Began, prepare, scale_controller
from lib import ENDED, Bed, at, check, get, kubectl, main, run, test, wait
from process import Controller, binary, free_port

OTHER = "/run/shop/other.yaml"  # a file that no trigger of the catalog looks at


class ByHandBed(Bed):
    """The chart gives the policies, the catalog and the shop's agents; its own controller is taken away."""

    running = None

    def make(self):
        super().make()
        scale_controller(self, 0)
        prepare(self, method={"path": OTHER, "format": "YAML", "key": "db.pool", "operation": "Set", "value": "7"}, wait_ready=False)
        for pod in self.pods():
            self.inside(pod, "sh", "-c", f"printf 'db:\\n  pool: 5\\n' > {OTHER}")

    def by_hand(self, *more):
        self.running = Controller("--namespaces", f"{self.ns},{self.system}", "--catalog-namespace", self.system, "--own-namespace", self.system, *more)
        return self.running

    def lease_holder(self):
        return get(self.system, "lease", "drillyard-controller")["spec"].get("holderIdentity", "")

    def remove(self):
        if self.running and self.running.process.poll() is None:
            self.running.end(signal.SIGTERM)
        super().remove()

    def tell(self):
        super().tell()
        for line in (self.running.words() if self.running else "").splitlines()[-60:]:
            print(f"#     {line[:600]}")


@test("options that make no sense are refused with exit status 2, naming the option, the value, and what would be right")
def bad_options(bed):
    rows = [
        (["--no-such-option"], "--no-such-option", "--help"),
        (["--namespaces", "Team_A"], "--namespaces", "Team_A", "team-a"),
        (["--namespaces", "a,,b"], "--namespaces", "team-a,team-b"),
        (["--catalog-namespace", "no/slash"], "--catalog-namespace", "no/slash"),
        (["--own-namespace="], "--own-namespace"),
        (["--listen", "8080"], "--listen", "8080", "HOST:PORT"),
        (["--listen", "127.0.0.1:70000"], "--listen", "70000", "HOST:PORT"),
        (["--lease", "1s"], "--lease", "1s", "2s", "10m"),
        (["--lease", "soon"], "--lease", "soon"),
        (["--lease"], "--lease", "needs a value"),
        (["--log-level", "loud"], "--log-level", "loud", "debug, info, warning or error"),
        (["--no-elect=yes"], "--no-elect", "takes no value"),
        (["--kubeconfig="], "--kubeconfig"),
        (["drain", "--within", "0s"], "--within", "0s"),
        (["drain", "--owner", "No Name"], "--owner", "No Name"),
        (["dig"], "dig", "--help"),
    ]
    for words, *expected in rows:
        result = run([binary(), *words], within=10)
        check(result.code == 2, "exit status 2", str(result))
        check(result.err.startswith("drillyard-controller: ") and result.err.count("\n") == 1, "one line on standard error", str(result))
        for word in expected:
            check(word in result.err, f"“{word}” in the message", str(result))
    check(run([binary(), "--help"]).code == 0 and "--namespaces" in run([binary(), "--help"]).out, "help on standard output, and 0")
    check(run([binary(), "--version"]).out.startswith("drillyard-controller "), "a version")
    for words, word in ((["--kubeconfig", "/no/such/file"], "/no/such/file"), (["--context", "no-such-context"], "no-such-context"),
                        (["--listen", "300.1.1.1:80"], "300.1.1.1")):
        result = run([binary(), *words], within=15)
        check(result.code == 1 and word in result.err, f"status 1, naming {word}", str(result))


@test("an API server that cannot be reached is named, tried again without haste, and does not keep the controller from ending")
def unreachable(bed):
    view = json.loads(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
    port = free_port()
    view["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(view, file)
        file.flush()
        one = bed.running = Controller("--kubeconfig", file.name, "--namespaces", "a", "--own-namespace", "a")
        try:
            wait("its pages", lambda: ((seen := one.page("/healthz"))[0] == 200, seen), 10)
            time.sleep(8)
            status, body = one.page("/readyz")
            check(status == 503 and f"127.0.0.1 port {port}" in body, "/readyz 503, naming the server", [status, body])
            check(one.page("/healthz")[0] == 200, "/healthz 200: there is nothing wrong with the process")
        finally:
            code, took, used = one.end(signal.SIGTERM)
    # Five seconds are its own limit for what is still open; the rest is the end of a process under sanitizers.
    check(code == 0 and took < 6, "ended with 0 after five seconds at the most", [code, took, one.words()[-1500:]])
    check(used < 2, "less than two seconds of CPU in eight", used)
    told = [line for line in one.lines() if line["level"] in ("warning", "error")]
    check(told and any(f"127.0.0.1 port {port}" in line["error"] for line in told), "the server named in the log", one.words()[:1500])
    check(len(told) < 60, "a log that does not overflow", len(told))
    print(f"#   {used:.2f} s of CPU and {len(told)} lines of warnings in 8 s")


@test("run by hand it leads, drills to 4/4, and its pages say what it does")
def drills(bed):
    one = bed.by_hand().wait_ready()
    bed.wait_steady("shop")
    check(bed.lease_holder(), "a holder of the lease", bed.lease_holder())
    bed.drill("by-hand", "cf001-config-modified")
    status = bed.wait_ended("by-hand", "Succeeded")["status"]
    check(status["gatesPassed"] == "4/4" and len(bed.records_of(status["incident"])) == 1, "4/4, one record", status)
    check(one.page("/healthz") == (200, "ok\n"), "/healthz ok", one.page("/healthz"))
    check(one.page("/readyz") == (200, "ok, leading\n"), "/readyz ok, leading", one.page("/readyz"))
    check(one.page("/nowhere")[0] == 404, "404 for what is not there", one.page("/nowhere"))
    code, metrics = one.page("/metrics")
    check(code == 200 and "# TYPE drillyard_drills_total counter" in metrics, "metrics in the text format", metrics[:500])
    for line in ('drillyard_drills_total{result="Succeeded"} 1', "drillyard_leader 1", "drillyard_faults_in_force 0", "drillyard_time_to_heal_seconds_count 1"):
        check(line in metrics.splitlines(), f"the line {line}", metrics)
    story = [line["message"] for line in one.lines()]
    check("acting as the leader" in story and "phase reached" in story, "the story in the log", story)
    check(all({"time", "level", "message"} <= set(line) for line in one.lines()) and len(one.lines()) == len(one.words().splitlines()),
          "one JSON object a line, with time, level and message", one.words()[:1500])


@test("SIGTERM ends it within five seconds, with exit status 0, and gives the lease back")
def terminated(bed):
    one = bed.running
    code, took, _ = one.end(signal.SIGTERM)
    check(code == 0 and took < 5, "ended with 0 within five seconds", [code, took, one.words()[-1500:]])
    check(bed.lease_holder() == "", "a lease that nobody holds", bed.lease_holder())
    check(one.lines()[-1]["level"] == "info" and "told to end" in [line["message"] for line in one.lines()], "why in the log", one.lines()[-3:])
    print(f"#   ended after {took:.2f} s")


@test("SIGKILL in the middle: the agent reverts alone within the lease; who comes next ends the drill honestly, once")
def killed(bed):
    one = bed.by_hand().wait_ready()
    bed.wait_steady("shop")
    began = Began(bed, "killed", file=OTHER, overrides={"lease": "3s"})
    killed_at = time.time()
    one.end(signal.SIGKILL)
    took = began.wait_whole(3 + 2 + 1) - killed_at
    check(1 < took < 3 + 1.5, "reverted by the agent within its lease of 3 s, and not before it was renewed for the last time", took)
    check(get(bed.ns, "drill", "killed")["status"]["phase"] not in ENDED, "a drill that is left as it was")
    # Nobody can end it now, and drain says so instead of claiming success.
    result = run([binary(), "drain", "--namespaces", bed.ns, "--catalog-namespace", bed.system, "--within", "2s"], within=15)
    check(result.code == 1 and f"{bed.ns}/killed" in result.err, "drain fails, naming the drill", str(result))
    kubectl("-n", bed.system, "delete", "configmap", "drillyard-stop")
    bed.by_hand().wait_ready(60)
    status = bed.wait_ended("killed", "Inconclusive", 30)["status"]
    check(status["revert"]["by"] == "Agent" and abs(at(status["revertedAt"]) - began.touched_at()) < 1, "reverted by the agent, when it did so", status["revert"])
    began.one_record(success=False)
    bed.check_nothing_left()
    print(f"#   put back {took:.2f} s after the controller was killed")


@test("drain by hand stops every drill and ends with 0 when nothing is left")
def drained(bed):
    bed.wait_steady("shop")
    began = Began(bed, "drained", file=OTHER)
    result = run([binary(), "drain", "--namespaces", bed.ns, "--catalog-namespace", bed.system, "--within", "30s"], within=40)
    check(result.code == 0, "drained", str(result))
    check(began.whole(), "the original file", began.digest())
    drill = get(bed.ns, "drill", "drained")
    check(drill["status"]["phase"] == "Aborted" and not drill["metadata"].get("finalizers"), "Aborted, and held by nothing", drill["status"])
    check(get(bed.system, "configmap", "drillyard-stop") is not None, "a stop that stays")
    again = run([binary(), "drain", "--namespaces", bed.ns, "--catalog-namespace", bed.system, "--within", "30s"], within=40)
    check(again.code == 0, "drained twice is drained", str(again))
    kubectl("-n", bed.system, "delete", "configmap", "drillyard-stop")
    began.one_record(success=False)
    bed.drill("after-drain", CARD, dryRun=True)
    bed.wait_ended("after-drain", "Skipped")
    bed.check_nothing_left()


main(ByHandBed())

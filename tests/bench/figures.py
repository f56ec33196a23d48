"""The figures: their names, units and goals in one table, and the three ways in which they are printed.

A measurement gives samples; the median and the worst of them are told. A goal is a limit for the median, except where a single miss is a
miss (`every`): counts of writes, of things lost. Times depend on the machine and are never asserted by a test."""
import json
import statistics


class Row:
    def __init__(self, name, unit, goal, text, every=False, more_is_better=False):
        self.name, self.unit, self.goal, self.text = name, unit, goal, text
        self.every, self.more_is_better = every, more_is_better

    def goal_text(self):
        if self.goal is None:
            return "-"
        return f"{'≥' if self.more_is_better else '≤'} {number(self.goal)}"


CARDS = ("KH001", "KH002", "CF001", "MC001")

TABLE = [
    *[Row(f"writes/{card}/drill", "writes", 6, f"{card}: API writes on the drill and its ledger", every=True) for card in CARDS],
    *[Row(f"writes/{card}/all", "writes", 12, f"{card}: API writes in all, events apart", every=True) for card in CARDS],
    Row("memory/idle/rss", "MiB", 8, "controller, idle: VmRSS, file pages of its program included"),
    Row("memory/idle/working-set", "MiB", 8, "controller, idle: its cgroup's working set, as kubectl top shows it"),
    Row("memory/idle/private", "MiB", None, "controller, idle: anonymous memory, all of it its own"),
    Row("memory/10000/rss", "MiB", 16, "with 10,000 cards and drills: VmRSS"),
    Row("memory/10000/working-set", "MiB", 16, "with 10,000 cards and drills: working set"),
    Row("memory/others/growth", "MiB", 0.1, "growth of VmRSS with 20,000 pods and ConfigMaps of others (0.1: what it moves by itself)"),
    Row("start/ready", "ms", 50, "program start to /readyz 200"),
    Row("start/leading", "ms", None, "program start to elected, with a free Lease"),
    Row("takeover", "s", 3, "SIGKILL of the leader to another holding the Lease"),
    Row("inject/open", "ms", 8, "apply of a Drill to the fault in force, session open, seen in the target"),
    Row("inject/cold", "ms", 60, "the same, and the session has to be opened first"),
    Row("abort", "ms", 8, "spec.abort to the fault gone, seen in the target"),
    Row("hung/reference", "ms", None, "50 targets, all well: apply to in force on one of them"),
    Row("hung/others", "ms", None, "the same on the others while one target's pod is frozen, with a drill on it"),
    Row("hung/slower", "ms", 1, "what one hung target costs the others: the difference of the two medians"),
    Row("crowd/time", "s", None, "200 drills created at once on 50 targets: until the last is over"),
    Row("crowd/lost", "drills", 0, "of those, without exactly one record in the ledger", every=True),
    Row("crowd/cpu", "s", 0.5, "user and system time of the controller per 100 drills"),
    Row("idle/wakeups", "/min", None, "wake-ups of the controller when nothing happens, two pods watched"),
    Row("idle/requests", "/min", None, "its requests to the API server then"),
    Row("idle/cpu", "ms/min", None, "its CPU time then"),
    Row("size/controller", "KiB", None, "the controller's program"),
    Row("size/injector", "KiB", None, "the agent's program"),
    Row("size/controller-image", "KiB", None, "the controller's image, unpacked"),
    Row("size/injector-image", "KiB", None, "the agent's image, unpacked"),
    Row("simulator", "drills/s", 500, "drills per second in the simulator, with faults, on one core", more_is_better=True),
]
ROWS = {row.name: row for row in TABLE}


def number(value):
    if value == int(value):
        return f"{int(value)}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"


class Figure:
    """What was measured for one row. Without samples: `why` says why not."""

    def __init__(self, name, samples=(), why=""):
        self.row, self.samples, self.why = ROWS[name], sorted(samples), why

    def median(self):
        return statistics.median(self.samples)

    def worst(self):
        return self.samples[0 if self.row.more_is_better else -1]

    def met(self):
        if not self.samples or self.row.goal is None:
            return None
        value = self.worst() if self.row.every else self.median()
        return value >= self.row.goal if self.row.more_is_better else value <= self.row.goal

    def verdict(self):
        if not self.samples:
            return self.why or "not measured"
        return {None: "-", True: "met", False: "NOT MET"}[self.met()]

    def line(self):
        median, worst = (number(self.median()), number(self.worst())) if self.samples else ("-", "-")
        return f"{self.row.name:<26}{median:>9}{worst:>9}  {self.row.unit:<9}{self.row.goal_text():>7}  {self.verdict()}"

    def dictionary(self):
        return {"name": self.row.name, "what": self.row.text, "unit": self.row.unit, "goal": self.row.goal, "met": self.met(),
                "median": self.median() if self.samples else None, "worst": self.worst() if self.samples else None,
                "samples": self.samples, "why": self.why}

    def markdown(self):
        median, worst = (number(self.median()), number(self.worst())) if self.samples else ("-", self.why or "-")
        return f"| {self.row.text} | {median} | {worst} | {self.row.unit} | {self.row.goal_text()} | {self.verdict() if self.samples else '-'} |"


HEAD = f"{'figure':<26}{'median':>9}{'worst':>9}  {'unit':<9}{'goal':>7}  verdict"
MARKDOWN_HEAD = "| figure | median | worst | unit | goal | |\n|---|---|---|---|---|---|"


def print_json(figures, machine):
    print(json.dumps({"machine": machine, "figures": [figure.dictionary() for figure in figures]}, indent=2, ensure_ascii=False))

"""Kills the guard at every numbered place of a fault's life, starts it again, and compares the target with what it was.

Run by injector_test.py; alone it does the same. Needs drill-injector-crashing, which has the places compiled in.
"""
import json
import os
import shutil
import tempfile
import time

from injector_client import Direct, Guard, picture, program, sleeper, state_of

YAML = "# the pool\ndb:\n  pool: 10   # ten\n  host: 'db'\nlist: [a, b]\n" + "filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"


class FileCase:
    """A fault on a file: everything about it must be as it was."""

    def __init__(self, method, params, content=YAML.encode(), mode=0o640):
        self.method, self.params, self.content, self.mode = method, params, content, mode

    def set_up(self, folder):
        self.path = os.path.join(folder, "file")
        with open(self.path, "wb") as f:
            f.write(self.content)
        os.chmod(self.path, self.mode)
        os.link(self.path, self.path + ".link")
        os.utime(self.path, ns=(1_600_000_000_000_000_000, 1_600_000_000_123_456_789))
        self.before = picture(self.path)
        return {"path": self.path, **self.params}

    def is_faulted(self):
        return picture(self.path) != self.before

    def check(self):
        now = picture(self.path)
        assert now == self.before, f"the file is {now}, and was {self.before}"

    def tear_down(self):
        pass


class AgeCase(FileCase):
    def __init__(self):
        super().__init__("HeartbeatBlock", {})

    def set_up(self, folder):
        super().set_up(folder)
        now = time.time_ns()
        os.utime(self.path, ns=(now, now))
        self.before = picture(self.path)
        return {"how": "AgeFile", "heartbeat": {"file": {"path": self.path}}}


def wait_for_sleepers(processes, mark):
    for p in processes:
        for _ in range(1000):
            with open(f"/proc/{p.pid}/cmdline") as f:
                if mark in f.read():
                    break
            time.sleep(0.002)


class FreezeCase:
    """A fault on processes: they must run, the same ones."""

    def __init__(self, method, params):
        self.method, self.params = method, params

    def set_up(self, folder):
        self.mark = f"crash-test-{os.path.basename(folder)}"
        self.processes = [sleeper(self.mark), sleeper(self.mark)]
        wait_for_sleepers(self.processes, self.mark)
        return {"match": self.mark, **self.params}

    def is_faulted(self):
        return any(state_of(p.pid) == "T" for p in self.processes)

    def check(self):
        states = [state_of(p.pid) for p in self.processes]
        assert all(s in ("R", "S", "D") for s in states), f"the processes are in state {states}"

    def tear_down(self):
        for p in self.processes:
            p.kill()
            p.wait()


CASES = {
    "ConfigModify, longer": FileCase("ConfigModify", {"format": "YAML", "key": "db.pool", "operation": "Set", "value": 123456789}),
    "ConfigModify, a long file": FileCase(
        "ConfigModify", {"format": "YAML", "key": "db.pool", "operation": "Set", "value": 3}, content=YAML.encode() + b"# " + b"y" * 20_000 + b"\n"),
    "ConfigModify, shorter": FileCase("ConfigModify", {"format": "YAML", "key": "list", "operation": "Delete"}),
    "ConfigModify, a file its owner may not write": FileCase(
        "ConfigModify", {"format": "YAML", "key": "db.host", "operation": "Set", "value": "other"}, mode=0o444),
    "FileCorrupt": FileCase("FileCorrupt", {"offset": 3, "count": 40, "seed": 7}, content=bytes(range(256))),
    "HeartbeatBlock, AgeFile": AgeCase(),
    "HeartbeatBlock, Freeze": FreezeCase("HeartbeatBlock", {"how": "Freeze"}),
    "ProcessFreeze": FreezeCase("ProcessFreeze", {}),
    "KillProcess, STOP": FreezeCase("KillProcess", {"signal": "STOP"}),
}


def open_records(directory):
    found = []
    for name in os.listdir(os.path.join(directory, "journal")):
        if not name.startswith("."):
            with open(os.path.join(directory, "journal", name)) as f:
                record = json.load(f)
            if record["state"] not in ("Reverted", "NotNeeded", "Never"):
                found.append(record)
    return found


def crashing(directory, at):
    return Guard(directory, program("drill-injector-crashing"), {"DRILLYARD_CRASH_AT": str(at)})


def ask_quietly(session, op, **fields):
    """The answer, or None where the guard died meanwhile."""
    try:
        return session.ask(op, timeout=20, **fields)
    except (AssertionError, ConnectionError):
        return None


def clean_restart(directory, case):
    """Whatever happened before: after one undisturbed start all is as it was."""
    guard = Guard(directory, program("drill-injector-crashing")).start()
    try:
        case.check()
    except AssertionError:
        guard.end()
        raise
    left = open_records(directory)
    code = guard.stop()
    assert not left, left
    assert code == 0, code
    case.check()



def walk_a_life(case):
    """Dies at the n-th place of start, inject, revert and shutdown, for every n. Returns how many places there were."""
    faulted = 0
    for at in range(1, 10_000):
        folder = tempfile.mkdtemp(prefix="drill-crash-")
        directory = os.path.join(folder, "drillyard")
        os.mkdir(directory)
        params = case.set_up(folder)
        guard = crashing(directory, at)
        try:
            guard.start()
            if guard.process.poll() is None:
                try:
                    session = Direct(directory)
                    answer = ask_quietly(session, "inject", epoch=1, durationMs=60000, leaseMs=60000,
                                         fault={"id": "f", "method": case.method, "params": params})
                    assert answer is None or answer["ok"], answer
                    faulted += case.is_faulted()
                    ask_quietly(session, "revert", epoch=1, fault="f", reason="test")
                except (ConnectionError, FileNotFoundError):
                    guard.process.wait(5)  # it died just now, or this is an error
            survived = guard.stop() == 0
            clean_restart(directory, case)
        finally:
            guard.end()
            case.tear_down()
            shutil.rmtree(folder)
        if survived:
            assert faulted > 0, "the fault was never seen: this walk proves nothing"
            return at - 1
    raise AssertionError("it never gets through")


def walk_a_recovery(case):
    """Killed while the fault is in force; then the restart itself dies at every n-th place before it gets through."""
    folder = tempfile.mkdtemp(prefix="drill-crash-")
    directory = os.path.join(folder, "drillyard")
    os.mkdir(directory)
    params = case.set_up(folder)
    guard = Guard(directory)
    try:
        for at in range(1, 10_000):
            guard = Guard(directory, program("drill-injector-crashing")).start()
            session = Direct(directory)
            answer = session.ask("inject", epoch=1, durationMs=60000, leaseMs=60000,
                                 fault={"id": f"f{at}", "method": case.method, "params": params})
            assert answer["ok"] and case.is_faulted(), answer
            guard.kill()
            guard = crashing(directory, at).start()
            survived = guard.process.poll() is None
            if survived:
                guard.kill()
            clean_restart(directory, case)
            if survived:
                return at - 1
        raise AssertionError("it never gets through")
    finally:
        guard.end()
        case.tear_down()
        shutil.rmtree(folder)


def tests():
    for name, case in CASES.items():
        yield f"killed at any place of its life, it ends as it was: {name}", lambda case=case: walk_a_life(case)
        yield f"killed at any place of its recovery, it ends as it was: {name}", lambda case=case: walk_a_recovery(case)

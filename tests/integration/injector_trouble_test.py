"""A guard among other people's troubles: read-only mounts, full disks, torn journals, crowds of processes, a target that crashes again and
again; and plain commands at a prompt. Run by injector_test.py, in a mount namespace of its own.
"""
import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

from injector_client import Guard, picture, program, state_of
from injector_place import Place, freeze, modify

LINE_MAX = 256 * 1024  # a line of the protocol: injectors/session.h
TESTS = []


def test(function):
    TESTS.append((function.__doc__.strip().split("\n")[0], function))
    return function


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def unmount(path):
    subprocess.run(["umount", path], check=True)


def make_read_only(folder):
    mount("--bind", folder, folder)
    mount("-o", "remount,ro,bind", folder)


def record_path(directory, name):
    return os.path.join(directory, "journal", hashlib.sha256(name.encode()).hexdigest()[:32] + ".json")


def wait(what, look, within):
    until = time.monotonic() + within
    while not look():
        assert time.monotonic() < until, f"waited {within} s for {what}"
        time.sleep(0.02)


@test
def a_read_only_mount():
    """a file on a read-only mount is refused before anything is written down, and the refusal names it"""
    with Place() as p:
        os.mkdir(os.path.join(p.folder, "map"))
        path, s = p.file("map/c.yaml", "db:\n  pool: 10\n"), p.session()
        make_read_only(os.path.dirname(path))
        try:
            corrupt = {"id": "g", "method": "FileCorrupt", "params": {"path": path, "offset": 0, "count": 1, "seed": 1}}
            for order in (modify(path), {"epoch": 1, "durationMs": 60000, "leaseMs": 60000, "fault": corrupt}):
                error = s.refused("inject", **order)
                assert error["class"] == "FORBIDDEN" and path in error["message"] and "read-only" in error["message"], error
            assert s.ok("status")["faults"] == [] and os.listdir(os.path.join(p.guard.directory, "journal")) == []
            assert os.listdir(os.path.join(p.guard.directory, "backups")) == []
        finally:
            unmount(os.path.dirname(path))


@test
def read_only_afterwards():
    """a fault that healing undid is not tried for ever where its file has become read-only since"""
    with Place() as p:
        os.mkdir(os.path.join(p.folder, "map"))
        path, s = p.file("map/c.yaml", "db:\n  pool: 10\n"), p.session()
        s.ok("inject", **modify(path))
        p.guard.kill()
        with open(record_path(p.guard.directory, "f"), "r+") as f:  # as if it had died between the intent and the change
            record = {**json.load(f), "state": "Intended"}
            f.seek(0)
            f.truncate()
            json.dump(record, f)
        p.file("map/c.yaml", "db:\n  pool: 10\n")
        make_read_only(os.path.dirname(path))
        try:
            p.guard.start()
            (fault,) = p.session().hello["faults"]
            assert fault["state"] == "Reverted", fault
        finally:
            unmount(os.path.dirname(path))


@test
def a_torn_record():
    """what the journal cannot tell is said: neither revert nor inject of that id acts, or writes over it"""
    with Place() as p:
        path = p.file("c.yaml", "db:\n  pool: 10\n")
        torn = record_path(p.guard.directory, "f")
        for content in (b'{"id": "f", "state": "InForce", "undo": {"pa', b"", b'{"id":"other","state":"InForce"}'):
            p.guard.stop()
            with open(torn, "wb") as f:
                f.write(content)
            p.guard.start()
            s = p.session()
            assert "cannot be read" in s.refused("revert", epoch=1, fault="f", reason="test")["message"]
            error = s.refused("inject", **modify(path))
            assert error["class"] == "CONFLICT" and "cannot be read" in error["message"], error
            with open(torn, "rb") as f:
                assert f.read() == content
            assert open(path).read() == "db:\n  pool: 10\n"
            s.close()


CROWD = """
import os, sys, time
for _ in range(int(sys.argv[1]) - 1):
    if os.fork() == 0:
        break
while True: time.sleep(60)
"""


@test
def a_crowd():
    """two thousand processes with long command lines are frozen as one fault, in a line and a record of fair size, and all run again"""
    count, long = 2000, "x" * 1500
    with Place() as p:
        crowd = subprocess.Popen([sys.executable, "-c", CROWD, str(count), p.mark, long], start_new_session=True)
        try:
            s = p.session()
            look = {"probe": {"process": {"match": p.mark}}}
            wait("the crowd", lambda: s.ok("probe", **look)["value"] == count, 60)
            result = s.ok("inject", **freeze(p), timeout=60)
            assert result["detail"]["count"] == count and len(json.dumps(result)) < LINE_MAX, result["detail"].get("count")
            assert os.path.getsize(record_path(p.guard.directory, "f")) < LINE_MAX
            members = [one["pid"] for one in json.load(open(record_path(p.guard.directory, "f")))["undo"]["processes"]]
            assert len(members) == count and all(state_of(pid) == "T" for pid in members)
            p.guard.kill()
            p.guard.start()
            assert p.session().hello["faults"][0]["state"] == "Reverted"
            assert not [pid for pid in members if state_of(pid) == "T"]
        finally:
            os.killpg(crowd.pid, signal.SIGKILL)
            crowd.wait()


@test
def a_full_disk():
    """a guard that is started again on a full disk still undoes what was in force"""
    with Place() as p:
        p.guard.stop()
        size = 2 * os.path.getsize(program()) + (1 << 20)
        mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", p.guard.directory)
        try:
            p.guard.start()
            process, path = p.sleeper(), p.file("c.yaml", "db:\n  pool: 10\n")
            before, s = picture(path), p.session()
            s.ok("inject", **freeze(p))
            s.ok("inject", **modify(path, "g"))
            p.guard.kill()
            with open(os.path.join(p.guard.directory, "filler"), "wb", buffering=0) as f:
                try:
                    while True:
                        f.write(b"x" * 4096)
                except OSError:
                    pass
            p.guard.start()
            assert {f["state"] for f in p.session().hello["faults"]} == {"Reverted"}
            assert state_of(process.pid) != "T" and picture(path) == before
            assert p.guard.stop() == 0
        finally:
            p.guard.end()
            unmount(p.guard.directory)
            p.guard.start()


@test
def a_crash_loop():
    """a target that lives for a moment every second and a half, since the fault kills it, is caught in one of these moments"""
    folder = tempfile.mkdtemp(prefix="drill-test-")
    try:
        in_own_processes("crash loop", folder)
    finally:
        shutil.rmtree(folder)


def real_root():
    """Not only of a user namespace."""
    with open("/proc/self/uid_map") as f:
        return os.geteuid() == 0 and f.read().split()[:2] == ["0", "0"]


def in_own_processes(scene, folder):
    """Whatever else sees this folder would count as the target."""
    done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--mount-proc", sys.executable, os.path.abspath(__file__), scene, folder],
                          capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr


def another_user():
    """an agent that may not look at the target, since it is another user, says whose processes are hidden from it"""
    folder = tempfile.mkdtemp(prefix="drill-test-")
    try:
        in_own_processes("another user", folder)
    finally:
        shutil.rmtree(folder)


if real_root():  # it takes two users
    test(another_user)


def as_another_user(folder):
    os.chmod(folder, 0o755)
    guard = Guard(os.path.join(folder, "drillyard"), arguments=())
    os.mkdir(guard.directory)
    target = subprocess.Popen(["unshare", "--mount", "sleep", "60"])
    try:
        wait("its own mounts", lambda: os.readlink(f"/proc/{target.pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt"), 10)
        for user, found in ((0, {"found": True, "pid": target.pid}), (65534, {"found": False, "hiddenUser": 0})):
            shutil.rmtree(guard.directory)
            os.mkdir(guard.directory)
            os.chown(guard.directory, user, user)
            guard.user = user
            guard.start()
            session = guard.session()
            assert session.hello["target"] == found and session.hello["uid"] == user, session.hello
            session.close()
            guard.kill()
    finally:
        target.kill()
        guard.end()


TARGET = 'if grep -q "pool: 0" "$0"; then sleep 0.04; exit 1; fi; exec sleep 60'


def in_the_crash_loop(folder):
    """A guard that was killed while its fault was in force, and meets the target only at its crashes."""
    path = os.path.join(folder, "c.yaml")
    with open(path, "w") as f:
        f.write("db:\n  pool: 10\n")
    guard = Guard(os.path.join(folder, "drillyard"), arguments=())
    os.mkdir(guard.directory)
    start = lambda: subprocess.Popen(["unshare", "--mount", "sh", "-c", TARGET, path])
    target = start()
    try:
        guard.start()
        s = guard.session()
        wait("the target", lambda: s.ok("status")["target"]["found"], 20)
        s.ok("inject", **modify(path))
        guard.kill()
        target.kill()
        target.wait()
        guard.start()
        (fault,) = guard.session().hello["faults"]
        assert fault["state"] == "RevertFailed", fault
        for crash in range(1, 100):
            assert crash < 8, "seven crashes went by"
            target = start()
            try:
                target.wait(2)  # a 40 ms life; longer: it was mended
            except subprocess.TimeoutExpired:
                break
            time.sleep(1.5)
        with open(path) as f:
            assert f.read() == "db:\n  pool: 10\n"
        print("healed at crash", crash)
    finally:
        target.kill()
        guard.end()


@test
def a_setuid_file():
    """a file with its owner's rights is refused, and keeps them: a write would take them off for good"""
    with Place() as p:
        for mode in (0o4755, 0o2755):
            path, s = p.file("c.yaml", "db:\n  pool: 10\n"), p.session()
            os.chmod(path, mode)
            before = picture(path)
            error = s.refused("inject", **modify(path))
            assert error["class"] == "FORBIDDEN" and path in error["message"], error
            assert picture(path) == before and stat.S_IMODE(os.stat(path).st_mode) == mode


class Prompt:
    """A folder with a file, and the command that changes it."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="drill-test-")
        self.path = os.path.join(self.folder, "c.ini")
        with open(self.path, "w") as f:
            f.write("[db]\npool = 10\nmax = 20\n")
        self.before = picture(self.path)
        return self

    def __exit__(self, *error):
        shutil.rmtree(self.folder)

    def command(self, key="db.pool", directory="d"):
        return [program(), "config-modify", "--dir", os.path.join(self.folder, directory), "--file", self.path, "--format", "INI",
                "--key", key, "--value", "0"]

    def begin(self):
        running = subprocess.Popen(self.command(), stdout=subprocess.PIPE, text=True)
        wait("the change", lambda: picture(self.path) != self.before, 10)
        return running


@test
def signals_at_the_prompt():
    """whatever ends a plain command undoes its fault: Ctrl-C, a closed terminal, Ctrl-\\, kill"""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        with Prompt() as p:
            running = p.begin()
            running.send_signal(number)
            said, _ = running.communicate(timeout=10)
            assert picture(p.path) == p.before and running.returncode == 0 and "Reverted" in said, (number, said)


@test
def one_at_a_time():
    """a second plain command on one folder is refused, and so is a revert beside one that runs"""
    with Prompt() as p:
        running = p.begin()
        changed = picture(p.path)
        try:
            for command in (p.command(key="db.max"), [program(), "revert", "--dir", os.path.join(p.folder, "d")]):
                done = subprocess.run(command, capture_output=True, text=True, timeout=10)
                assert done.returncode == 2 and "another drill-injector is at work" in done.stderr, done
                assert picture(p.path) == changed
        finally:
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=10)
        assert picture(p.path) == p.before


@test
def a_foreign_folder():
    """a journal that somebody else could have written is not acted on"""
    with Prompt() as p:
        rows = {"open": lambda path: (os.mkdir(path), os.chmod(path, 0o777)),
                "link": lambda path: (os.mkdir(path + ".real"), os.symlink(path + ".real", path)),
                "file": lambda path: open(path, "w").close()}
        if real_root():
            rows["other"] = lambda path: (os.mkdir(path), os.chown(path, 65534, 65534))
        for name, make in rows.items():
            make(os.path.join(p.folder, name))
            for command in (p.command(directory=name), [program(), "revert", "--dir", os.path.join(p.folder, name)]):
                done = subprocess.run([*command], capture_output=True, text=True, timeout=10)
                assert done.returncode == 2 and "nobody else can write to" in done.stderr, (name, done)
            assert picture(p.path) == p.before, name


@test
def who_started_it():
    """--match does not hit the shell that the command was typed in, although its own command line has the match in it"""
    with Place() as p:
        process = p.sleeper()
        script = f'"{program()}" process-freeze --dir "{p.folder}/d" --match {p.mark} --dry-run; true'
        done = subprocess.run(["sh", "-c", script, p.mark], capture_output=True, text=True, timeout=20)
        plan = json.loads(done.stdout.split("would do:\n")[1].split("\nNothing")[0])
        assert [one["pid"] for one in plan["processes"]] == [process.pid], plan


if __name__ == "__main__":
    {"crash loop": in_the_crash_loop, "another user": as_another_user}[sys.argv[1]](sys.argv[2])

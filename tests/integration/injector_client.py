"""A guard, sessions with it, and things to drill: what the injector's process-level tests share. Standard library only."""
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def program(name="drill-injector"):
    """The program under test: from the folder in DRILLYARD_BUILD, else the newest one that is built."""
    builds = [os.environ["DRILLYARD_BUILD"]] if "DRILLYARD_BUILD" in os.environ else [
        os.path.join(ROOT, "build", d) for d in os.listdir(os.path.join(ROOT, "build"))]
    found = [os.path.join(b, "injectors", name) for b in builds]
    found = [f for f in found if os.path.exists(f)]
    if not found:
        sys.exit(f"no {name} is built; set DRILLYARD_BUILD")
    return max(found, key=os.path.getmtime)


class Session:
    """One `drill-injector serve`."""

    def __init__(self, directory, binary=None, arguments=()):
        self.process = subprocess.Popen([binary or program(), "serve", "--dir", directory, *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, bufsize=0)
        self.buffer = b""
        self.events = []
        self.answers = {}
        self.count = 0
        self.hello = self.read(5)

    def read(self, timeout):
        """The next line as an object; None: none came in time, or the end."""
        until = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                return None
            self.buffer += piece
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def raw(self, data):
        self.process.stdin.write(data)

    def send(self, op, **fields):
        self.count += 1
        self.raw(json.dumps({"id": str(self.count), "op": op, **fields}).encode() + b"\n")
        return str(self.count)

    def wait(self, request, timeout=15):
        until = time.monotonic() + timeout
        while request not in self.answers:
            line = self.read(max(0, until - time.monotonic()))
            if line is None:
                raise AssertionError(f"no answer to {request}; events {self.events}")
            if "event" in line:
                self.events.append(line)
            else:
                self.answers[line["id"]] = line
        return self.answers.pop(request)

    def ask(self, op, timeout=15, **fields):
        return self.wait(self.send(op, **fields), timeout)

    def ok(self, op, **fields):
        answer = self.ask(op, **fields)
        assert answer["ok"], answer
        return answer["result"]

    def refused(self, op, **fields):
        answer = self.ask(op, **fields)
        assert not answer["ok"], answer
        return answer["error"]

    def event(self, timeout=5, **want):
        """The first event with these members, now or within the time."""
        until = time.monotonic() + timeout
        while True:
            for i, e in enumerate(self.events):
                if all(e.get(k) == v for k, v in want.items()):
                    return self.events.pop(i)
            line = self.read(max(0, until - time.monotonic()))
            if line is None:
                raise AssertionError(f"no event {want}; there were {self.events}")
            if "event" in line:
                self.events.append(line)
            else:
                self.answers[line["id"]] = line

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Direct(Session):
    """A session on the guard's own socket, without a bridge: for tests that start many."""

    def __init__(self, directory):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(os.path.join(directory, "guard.sock"))
        self.buffer = b""
        self.events = []
        self.answers = {}
        self.count = 0
        self.hello = self.read(5)

    def read(self, timeout):
        until = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return None
            try:
                piece = self.socket.recv(65536)
            except ConnectionError:
                return None
            if not piece:
                return None
            self.buffer += piece
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def raw(self, data):
        self.socket.sendall(data)

    def close(self):
        self.socket.close()


class Guard:
    """A guard with a directory of its own, on what is seen here."""

    def __init__(self, directory=None, binary=None, environment=None, log=None, arguments=("--local",)):
        self.directory = directory or tempfile.mkdtemp(prefix="drill-guard-")
        self.binary = binary or program()
        self.environment = environment
        self.log = log
        self.arguments = arguments
        self.user = None
        self.process = None

    def start(self, wait=True):
        log = open(self.log, "ab") if self.log else subprocess.DEVNULL
        path = os.path.join(self.directory, "guard.sock")
        if os.path.exists(path):
            os.unlink(path)
        self.process = subprocess.Popen([self.binary, "guard", "--dir", self.directory, *self.arguments], stderr=log, user=self.user, group=self.user,
                                        env={**os.environ, **(self.environment or {})})
        until = time.monotonic() + 10
        while wait and not os.path.exists(path) and self.process.poll() is None and time.monotonic() < until:
            time.sleep(0.001)
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """Gone, in whatever state it is: for the end of a test that may have failed."""
        if self.process and self.process.poll() is None:
            self.kill()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            return self.process.wait(20)
        return self.process.returncode if self.process else 0

    def session(self, *arguments):
        return Session(self.directory, self.binary, arguments)


def sleeper(mark, stopped=False):
    """A process that does nothing, found by `mark` in its command line."""
    p = subprocess.Popen([sys.executable, "-c", "import time\nwhile True: time.sleep(60)", mark])
    if stopped:
        p.send_signal(signal.SIGSTOP)
    return p


def state_of(pid):
    """R, S, T, Z …; None: gone."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return None


def picture(path):
    """Everything about a file that an undone fault must leave as it was."""
    s = os.stat(path)
    with open(path, "rb") as f:
        data = f.read()
    os.utime(path, ns=(s.st_atime_ns, s.st_mtime_ns))  # reading must not count
    return (data, s.st_mode, s.st_uid, s.st_gid, s.st_mtime_ns, s.st_ino, s.st_nlink)

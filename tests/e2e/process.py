"""The controller as a process on this machine: its binary, its log, its pages, its end."""
import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from lib import ROOT, Failure, check, wait


def binary():
    places = [os.path.join(ROOT, "build", kind, "controller", "drillyard-controller") for kind in ("dev", "release")]
    for place in [os.environ.get("DRILLYARD_CONTROLLER"), *places]:
        if place and os.access(place, os.X_OK):
            return place
    raise Failure(f"no controller to run: neither of {places}, and no $DRILLYARD_CONTROLLER; build one with: cmake --preset dev && cmake --build --preset dev")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Controller:
    """The program, its log as a list of objects, and its pages."""

    def __init__(self, *args, program=None, environment=()):
        self.port = free_port()
        self.log = tempfile.NamedTemporaryFile("r", suffix=".log")
        with open(self.log.name, "w", encoding="utf-8") as out:
            self.process = subprocess.Popen([program or binary(), *args, "--listen", f"127.0.0.1:{self.port}"], stdout=out,
                                            stderr=subprocess.STDOUT, env={**os.environ, **dict(environment)})

    def page(self, path):
        """(status, body); (0, why) where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=3) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def wait_ready(self, within=40):
        def look():
            check(self.process.poll() is None, "a controller that runs", self.words())
            status, body = self.page("/readyz")
            return status == 200 and "leading" in body, [status, body]

        wait("a controller that leads", look, within)
        return self

    def words(self):
        with open(self.log.name, encoding="utf-8") as file:
            return file.read()

    def lines(self):
        return [json.loads(line) for line in self.words().splitlines() if line.startswith("{")]

    def end(self, number, within=10):
        """Its exit status, how long that took, and its CPU time in seconds."""
        began = time.monotonic()
        self.process.send_signal(number)
        while time.monotonic() < began + within:
            pid, status, used = os.wait4(self.process.pid, os.WNOHANG)
            if pid:
                self.process.returncode = os.waitstatus_to_exitcode(status)
                return self.process.returncode, time.monotonic() - began, used.ru_utime + used.ru_stime
            time.sleep(0.02)
        raise Failure(f"signal {number} did not end the controller within {within} s: {self.words()[-1500:]}")

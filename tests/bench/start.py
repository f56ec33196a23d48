"""The program as it is in the image, run on this machine: how soon it is ready, and how soon another one follows a killed leader."""
import os
import shutil
import signal
import socket
import stat
import subprocess
import time

from figures import Figure
from images import unpack
from lib import ROOT, Failure, check, kubectl
from scene import say

NAMES = ["start/ready", "start/leading", "takeover"]
STARTS, KILLS = 15, 5
SETTLE = 2  # seconds for API server and kubelet to clear away the sessions of the one before


class Program:
    """One controller of the image's files, in a root of its own as in its container."""

    def __init__(self, scene, root, number):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        argv = ["chroot", root, "/drillyard-controller", "--kubeconfig", "/kubeconfig", "--namespaces", f"{scene.ns},{scene.system}",
                "--catalog-namespace", scene.system, "--own-namespace", scene.system, "--listen", f"127.0.0.1:{self.port}"]
        self.log = os.path.join(ROOT, "build", "bench", f"controller-{number}.log")
        with open(self.log, "w", encoding="utf-8") as out:
            self.started = time.monotonic()
            self.process = subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT)

    def page(self, path):
        """By hand, since the library's client takes a millisecond or two."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as one:
                one.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                text = b""
                while more := one.recv(4096):
                    text += more
                return text.decode()
        except OSError:
            return ""

    def wait_page(self, *words, within=10):
        """Seconds from its start until /readyz says all these words."""
        while True:
            said = self.page("/readyz")
            if all(word in said for word in words):
                return time.monotonic() - self.started
            if self.process.poll() is not None or time.monotonic() > self.started + within:
                with open(self.log, encoding="utf-8") as file:
                    raise Failure(f"no {words} from /readyz within {within} s; it said {said!r}, and logged {file.read()[-800:]}")
            time.sleep(0.0005)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(10)


def starts(scene, root):
    ready, leading = [], []
    for _ in range(STARTS):
        time.sleep(SETTLE)
        one = Program(scene, root, 1)
        ready.append(1000 * one.wait_page("200 OK"))
        leading.append(1000 * one.wait_page("200 OK", "leading"))
        one.end()
    yield Figure("start/ready", ready)
    yield Figure("start/leading", leading)


def holder(scene):
    lease = scene.api.get("leases", scene.system, "drillyard-controller")
    return lease["spec"].get("holderIdentity", "") if lease else ""


def takeovers(scene, root):
    took = []
    leader, other = Program(scene, root, 1), None
    leader.wait_page("200 OK", "leading")
    for number in range(KILLS):
        other = Program(scene, root, 2 + number % 2)
        other.wait_page("200 OK")
        time.sleep(1 + 0.13 * number)  # it has seen the Lease, and the kill falls into different moments between renewals
        before = holder(scene)
        check(before, "a Lease that is held")
        killed = time.monotonic()
        leader.end(signal.SIGKILL)
        while holder(scene) == before:
            check(time.monotonic() < killed + 30, "another holder of the Lease within 30 s")
            time.sleep(0.005)
        took.append(time.monotonic() - killed)
        leader = other
    leader.end()
    yield Figure("takeover", took)


def prepare_root():
    """The image's files, and the one device that libwebsockets asks for."""
    root = unpack("controller")
    os.makedirs(os.path.join(root, "dev"), exist_ok=True)
    device = os.path.join(root, "dev", "urandom")
    if not os.path.exists(device):
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 9))
    return root


def measure(scene):
    root = prepare_root()
    scene.api.write_kubeconfig(os.path.join(root, "kubeconfig"))
    scene.scale_controller(0)
    kubectl("-n", scene.system, "delete", "lease", "drillyard-controller", "--ignore-not-found")
    say("starting and killing the controller's program on this machine")
    try:
        yield from starts(scene, root)
        yield from takeovers(scene, root)
    finally:
        os.remove(os.path.join(root, "kubeconfig"))
        shutil.rmtree(os.path.join(ROOT, "build", "bench"), ignore_errors=True)
        scene.scale_controller(1)

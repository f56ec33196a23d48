"""A witness that needs no API server, no kubelet and no containerd: the target's own namespaces, entered on the node, which is this machine."""
import glob
import os
import subprocess

from lane import Witness
from lib import Failure


def processes_of(uid):
    """Of the pod: its uid is in the names of its control groups, with dashes or underscores."""
    words = (uid, uid.replace("-", "_"))
    for file in glob.glob("/proc/[0-9]*/cgroup"):
        try:
            with open(file, encoding="utf-8") as lines:
                if any(word in line for line in lines for word in words):
                    yield int(file.split("/")[2])
        except OSError:
            pass  # it has ended meanwhile


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""


class NodeWitness(Witness):
    def __init__(self, pod, command="runsvdir -P /service"):
        super().__init__(pod["metadata"]["namespace"], pod["metadata"]["name"])
        found = [pid for pid in processes_of(pod["metadata"]["uid"]) if command_of(pid).startswith(command)]
        if not found:
            raise Failure(f"no process “{command}” of pod {pod['metadata']['name']} on this machine: these tests run on the cluster's node")
        self.pid = found[0]

    def open(self):
        self.shell = subprocess.Popen(["nsenter", "-t", str(self.pid), "-m", "-p", "sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, text=True, bufsize=1, env={"PATH": os.environ["PATH"]})

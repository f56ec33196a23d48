"""Processes and containers as the node sees them. The node is this machine, so all of it is under /proc and in its cgroups."""
import os

from lib import Failure

MIB = 1024.0 * 1024.0
TICK = os.sysconf("SC_CLK_TCK")


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def container_pids(container_id):
    """The processes of a container, the oldest first, by its id as in the pod's status (containerd://…)."""
    needle, found = container_id.split("//")[-1], []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            if needle in read(f"/proc/{name}/cgroup"):
                found.append(int(name))
        except OSError:
            pass  # it ended meanwhile
    return sorted(found)


def container_of(pod, name):
    for status in pod["status"].get("containerStatuses", []) + pod["status"].get("initContainerStatuses", []):
        if status["name"] == name:
            return status["containerID"]
    raise Failure(f"pod {pod['metadata']['name']} has no container {name}")


def pid_of(pod, name):
    pids = container_pids(container_of(pod, name))
    if not pids:
        raise Failure(f"no process of container {name} of pod {pod['metadata']['name']} is seen here: is the node another machine?")
    return pids[0]


def status_field(pid, field):
    for line in read(f"/proc/{pid}/status").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise Failure(f"/proc/{pid}/status has no {field}")


def rss(pid):
    return status_field(pid, "VmRSS") * 1024 / MIB


def private(pid):
    return status_field(pid, "RssAnon") * 1024 / MIB


def wakeups(pid):
    """Of all its threads: each time one of them stopped waiting by itself."""
    count = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        for line in read(f"/proc/{pid}/task/{thread}/status").splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                count += int(line.split()[1])
    return count


def cpu_seconds(pid):
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory_cgroup(pid):
    """(folder, version) of the memory controller's cgroup."""
    for line in read(f"/proc/{pid}/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        folder = "/sys/fs/cgroup/memory" + path
        if "memory" in controllers.split(",") and os.path.isdir(folder):
            return folder, 1
        if number == "0" and os.path.exists("/sys/fs/cgroup" + path + "/memory.current"):
            return "/sys/fs/cgroup" + path, 2
    raise Failure(f"the memory cgroup of process {pid} is not seen here")


def working_set(pid):
    """Usage less the file pages that are not in active use: the kubelet's figure, and so that of kubectl top."""
    folder, version = memory_cgroup(pid)
    usage, inactive = ("memory.usage_in_bytes", "total_inactive_file") if version == 1 else ("memory.current", "inactive_file")
    stat = dict(line.split() for line in read(f"{folder}/memory.stat").splitlines())
    return max(0, int(read(f"{folder}/{usage}")) - int(stat[inactive])) / MIB

#!/usr/bin/env python3
"""Debian's nginx, which nobody here wrote, with only a DrillTarget added: a config that was modified, and a worker that crashes."""
import os

from lib import SAMPLES, Bed, check, condition, get, items, kubectl, main, test, wait

CONFIG = "/etc/nginx/nginx.conf"


class NginxBed(Bed):
    def make(self):
        super().make()
        kubectl("-n", self.ns, "apply", "-f", os.path.join(SAMPLES, "nginx.yaml"))
        kubectl("-n", self.ns, "rollout", "status", "deployment/nginx", "--timeout=90s", within=100)
        self.wait_steady("nginx")
        self.wait_snapshots("nginx")
        (self.pod,) = self.pods("nginx")
        self.before = self.inside(self.pod, "cat", CONFIG, container="nginx")
        check("keepalive_timeout" in self.before, "the directive that is drilled in the file", self.before)

    def processes(self):
        """The nginx processes as [pid, kind], by way of /proc: the image has no ps."""
        script = 'for p in /proc/[0-9]*; do tr "\\0" " " < $p/cmdline 2>/dev/null | sed "s|^|${p#/proc/} |"; echo; done'
        lines = self.inside(self.pod, "sh", "-c", script, container="nginx").splitlines()
        return {kind: sorted(line.split()[0] for line in lines if f"nginx: {kind} process" in line) for kind in ("master", "worker")}


def nothing_fires(bed):
    """A reload ends nginx's workers, and for a few seconds the trigger of KH002 cannot tell that from a crash."""
    def look():
        firing = [row for trigger in items(bed.system, "triggers") for row in trigger.get("status", {}).get("firing", []) if row["target"] == "nginx"]
        return not firing, firing

    wait("no trigger firing for nginx", look, 30)


def one_card(bed, name, card):
    """Drilled to 4/4; the pod, its file and its answers are as they were."""
    bed.wait_steady("nginx")
    nothing_fires(bed)
    bed.drill(name, card, target="nginx")
    drill = bed.wait_ended(name, "Succeeded", within=40)
    status = drill["status"]
    check(status["gatesPassed"] == "4/4" and condition(drill, "Succeeded")["status"] == "True", "4/4", status)
    check(bed.inside(bed.pod, "cat", CONFIG, container="nginx") == bed.before, f"{CONFIG} as it was, byte for byte",
          bed.inside(bed.pod, "cat", CONFIG, container="nginx"))
    check(bed.pods("nginx") == [bed.pod], "the same pod", bed.pods("nginx"))
    restarts = [row["restartCount"] for row in get(bed.ns, "pod", bed.pod)["status"]["containerStatuses"]]
    check(restarts == [0], "a container that was not restarted", restarts)
    check(len(bed.records_of(status["incident"])) == 1, "one record in the ledger", bed.ledger())
    bed.inside(bed.pod, "nginx", "-t", "-q", container="nginx")
    bed.check_nothing_left(app="nginx")
    print(f"#   {card[:5].upper()}: detected after {status['timeToDetect']}, healed after {status['timeToHeal']}")
    return status


@test("CF001: a directive is changed, noticed, put back and read again: 4/4")
def config(bed):
    master = bed.processes()["master"]
    check(len(master) == 1, "one master process", bed.processes())
    one_card(bed, "nginx-cf001", "cf001-config-modified")
    check(bed.processes()["master"] == master, "the same master process, which was told to read its file again", bed.processes())


@test("KH002: a worker process is killed, noticed, and nginx is seen to be well: 4/4")
def worker(bed):
    before = bed.processes()
    one_card(bed, "nginx-kh002", "kh002-kernel-crash")
    after = bed.processes()
    check(after["master"] == before["master"] and len(after["worker"]) == len(before["worker"]), "the same master, as many workers", [before, after])
    check(not set(after["worker"]) & set(before["worker"]), "workers that are others than before", [before, after])


main(NginxBed(shop=False))

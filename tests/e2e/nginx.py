#!/usr/bin/env python3
"""Debian's nginx, which nobody here wrote, with only a DrillTarget added: a config that was modified, and a worker that crashes."""
import os

from lib import SAMPLES, Bed, check, kubectl, main, test

CONFIG = "/etc/nginx/nginx.conf"


class NginxBed(Bed):
    def make(self):
        super().make()
        kubectl("-n", self.ns, "apply", "-f", os.path.join(SAMPLES, "nginx.yaml"))
        kubectl("-n", self.ns, "rollout", "status", "deployment/nginx", "--timeout=90s", within=100)
        self.wait_steady("nginx")
        self.wait_snapshots("nginx")
        (self.pod,) = self.pods("nginx")

    def digest(self):
        return self.inside(self.pod, "sha256sum", CONFIG, container="nginx").split()[0]

    def tell_times(self, status):
        print(f"#   {status['card']['id']}: detected after {status['timeToDetect']}, healed after {status['timeToHeal']}")


@test("CF001: a directive is changed, noticed, put back and read again: 4/4")
def config(bed):
    before = bed.digest()
    bed.drill("nginx-cf001", "cf001-config-modified", target="nginx")
    drill = bed.wait_ended("nginx-cf001", "Succeeded", within=40)
    check(drill["status"]["gatesPassed"] == "4/4", "4/4", drill["status"])
    check(bed.digest() == before, "the original bytes of nginx.conf", bed.digest())
    check(bed.inside(bed.pod, "nginx", "-t", container="nginx") is not None, "a configuration that nginx takes")
    bed.check_nothing_left(app="nginx")
    bed.tell_times(drill["status"])


@test("KH002: a worker process is killed, noticed, and nginx is seen to be well: 4/4")
def worker(bed):
    bed.wait_steady("nginx")
    bed.drill("nginx-kh002", "kh002-kernel-crash", target="nginx")
    drill = bed.wait_ended("nginx-kh002", "Succeeded", within=40)
    check(drill["status"]["gatesPassed"] == "4/4", "4/4", drill["status"])
    check(bed.pods("nginx") == [bed.pod], "the same pod", bed.pods("nginx"))
    bed.check_nothing_left(app="nginx")
    bed.tell_times(drill["status"])


main(NginxBed(shop=False))

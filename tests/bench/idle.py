"""What the controller does when nothing happens: two pods of the shop watched by the catalog's triggers, no drill."""
import time

import procfs
from figures import Figure
from scene import Audit

NAMES = ["idle/wakeups", "idle/requests", "idle/cpu"]
SECONDS, TIMES = 20, 3


def measure(scene):
    scene.wait_steady("shop")
    scene.wait_quiet()
    pid, rows = scene.controller_pid(), []
    for _ in range(TIMES):
        audit, woken, used = Audit(), procfs.wakeups(pid), procfs.cpu_seconds(pid)
        time.sleep(SECONDS)
        rows.append([procfs.wakeups(pid) - woken, len(scene.asked(audit, leases=True)), 1000 * (procfs.cpu_seconds(pid) - used)])
    for name, column in zip(NAMES, zip(*rows)):
        yield Figure(name, [value * 60 / SECONDS for value in column])

"""The machine that figures come from, in words."""
import json
import os
import platform
import time

from lib import kubectl


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def describe():
    version = json.loads(kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"cores": os.cpu_count(), "processor": processor(), "memoryGiB": round(memory, 1), "kernel": platform.release(),
            "kubernetes": version, "date": time.strftime("%Y-%m-%d", time.gmtime()), "load": round(os.getloadavg()[1], 1)}


def sentence():
    m = describe()
    return (f"Measured by `hack/bench` on {m['date']}: one machine with {m['cores']} cores ({m['processor']}) and {m['memoryGiB']} GiB that "
            f"runs all of Kubernetes {m['kubernetes']} besides, kernel {m['kernel']}; load {m['load']} over five minutes.")

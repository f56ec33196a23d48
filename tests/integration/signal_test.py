#!/usr/bin/env python3
"""The controller as what it is in a container, process 1, told to end the moment that it begins: without a cluster, since it is not to wait for one.
To process 1 the kernel sends no signal that nothing catches yet."""
import os
import signal
import subprocess
import sys
import tempfile

import tap

KUBECONFIG = """{apiVersion: v1, kind: Config, current-context: none,
 clusters: [{name: none, cluster: {server: "https://127.0.0.1:1"}}], users: [{name: none, user: {token: none}}],
 contexts: [{name: none, context: {cluster: none, user: none, namespace: none}}]}
"""
WITHIN = 10  # seconds; a kubelet kills after 15


def first_process(*arguments):
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return subprocess.Popen(["unshare", *user, "--pid", "--fork", os.environ["DRILLYARD_CONTROLLER"], *arguments], stderr=subprocess.PIPE, text=True)


def child_of(process):
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as children:
        return int(children.read())


def told_to_end(number, arguments):
    """Its exit status, and all that it said, having been told with its first line."""
    running = first_process(*arguments)
    said = running.stderr.readline()
    assert '"starting"' in said, said
    one = child_of(running)
    try:
        os.kill(one, number)
        rest = running.communicate(timeout=WITHIN)[1]
    except subprocess.TimeoutExpired:
        os.kill(one, signal.SIGKILL)
        raise AssertionError(f"signal {number} was lost; it went on: {running.communicate()[1][-700:]}") from None
    return running.returncode, said + rest


def ends(number, mode, status, kubeconfig):
    more = ["--listen=127.0.0.1:0"] if not mode else []
    code, said = told_to_end(number, [*mode, f"--kubeconfig={kubeconfig}", "--namespaces=none", *more])
    assert code == status and '"told to end"' in said, (code, said)


def main():
    with tempfile.NamedTemporaryFile("w", suffix=".kubeconfig") as kubeconfig:
        kubeconfig.write(KUBECONFIG)
        kubeconfig.flush()
        return tap.run([(f"{' '.join(mode[:1] or ['run'])}: {number.name} at its first line ends it",
                         lambda number=number, mode=mode, status=status: ends(number, mode, status, kubeconfig.name))
                        for mode, status in (([], 0), (["drain", "--within=60s"], 1)) for number in (signal.SIGTERM, signal.SIGINT)])


if __name__ == "__main__":
    sys.exit(main())

"""A place to drill in: a guard, a folder of files, and processes, all gone at its end."""
import os
import shutil
import signal
import tempfile
import time

from injector_client import Guard, sleeper


class Place:
    """A guard, a folder for files, and processes that end with it."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="drill-test-")
        self.mark = os.path.basename(self.folder)
        self.guard = Guard(os.path.join(self.folder, "drillyard"), log=os.path.join(self.folder, "log"))
        os.mkdir(self.guard.directory)
        self.guard.start()
        self.processes = []
        self.sessions = []
        return self

    def __exit__(self, *error):
        for p in self.processes:
            p.kill()
            p.wait()
        code = self.guard.stop()
        log = open(os.path.join(self.folder, "log")).read()
        shutil.rmtree(self.folder)
        if "Sanitizer" in log:
            print("".join("# " + line + "\n" for line in log[log.index("Sanitizer"):].splitlines()[:30]), end="")
        if error[0] is None:
            assert code in (0, -signal.SIGKILL), (code, log)
            assert "Sanitizer" not in log, log

    def session(self):
        return self.guard.session()

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as f:
            f.write(content.encode() if isinstance(content, str) else content)
        return path

    def sleeper(self):
        p = sleeper(self.mark)
        self.processes.append(p)
        for _ in range(500):
            with open(f"/proc/{p.pid}/cmdline") as f:
                if self.mark in f.read():
                    return p
            time.sleep(0.002)
        raise AssertionError("the process does not begin")


def freeze(place, name="f", **more):
    return {"epoch": 1, "durationMs": 60000, "leaseMs": 60000,
            "fault": {"id": name, "method": "ProcessFreeze", "params": {"match": place.mark}}, **more}


def modify(path, name="f", value=0, **more):
    return {"epoch": 1, "durationMs": 60000, "leaseMs": 60000, "fault": {
        "id": name, "method": "ConfigModify",
        "params": {"path": path, "format": "YAML", "key": "db.pool", "operation": "Set", "value": value}}, **more}

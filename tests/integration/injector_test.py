#!/usr/bin/env python3
"""Drives the real injector on this machine, with real files, processes and kill -9. TAP lines, then "N passed, M failed".

Arguments: parts of test names to run (default: all).
"""
import hashlib
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import injector_crash_test
import injector_trouble_test
from injector_client import Direct, picture, program, state_of
from injector_place import Place, freeze, modify

TESTS = []


def test(function):
    TESTS.append((function.__doc__.strip().split("\n")[0], function))
    return function


@test
def the_agent_speaks_first():
    """the agent speaks first, and says who and where it is"""
    with Place() as p:
        hello = p.session().hello
        assert hello["event"] == "hello" and hello["protocol"] == 1 and hello["place"] == "Sidecar", hello
        assert "ConfigModify" in hello["methods"] and hello["faults"] == [] and len(hello["boot"]) == 32, hello


@test
def one_fault_and_back():
    """a file is changed as asked, and comes back with its mode, owner, times and inode"""
    with Place() as p:
        path = p.file("c.yaml", "db:\n  pool: 10 # ten\n")
        before, s = picture(path), p.session()
        result = s.ok("inject", **modify(path))
        assert result["state"] == "InForce" and open(path).read() == "db:\n  pool: 0 # ten\n", result
        assert result["backup"] == {"sha256": hashlib.sha256(before[0]).hexdigest(), "bytes": len(before[0])}, "and nothing of what is in it"
        assert s.ok("inject", **modify(path))["at"] == result["at"], "asked again it is the same fault"
        assert s.ok("revert", epoch=1, fault="f", reason="test")["state"] == "Reverted"
        assert picture(path) == before
        assert s.ok("revert", epoch=1, fault="f", reason="test")["state"] == "Reverted", "and again"
        assert s.refused("inject", **modify(path))["class"] == "CONFLICT", "an id is used once"


@test
def where_the_way_back_lies():
    """short contents stand in the journal's record, and what is longer in files of its own; both are refused where they are not what they were"""
    for filler, files in ((0, 0), (16_000, 0), (17_000, 2)):
        for spoil in (False, True):
            with Place() as p:
                path = p.file("c.yaml", f"db:\n  pool: 10 # ten\n# {'x' * filler}\n")
                before, s, backups = picture(path), p.session(), os.path.join(p.guard.directory, "backups")
                s.ok("inject", **modify(path))
                assert len(os.listdir(backups)) == files, (filler, os.listdir(backups))
                if spoil:
                    p.guard.kill()
                    at = [os.path.join(backups, name) for name in os.listdir(backups)]
                    at = at or [os.path.join(p.guard.directory, "journal", name) for name in os.listdir(os.path.join(p.guard.directory, "journal"))]
                    for name in at:
                        text = open(name, "rb").read()
                        with open(name, "wb") as f:
                            f.write(text.replace(b"# ten", b"# TEN").replace(b"# ten".hex().encode(), b"# TEN".hex().encode()))
                    p.guard.start()
                    faulted, s = picture(path), p.session()
                    assert "holds other bytes" in s.refused("revert", epoch=1, fault="f", reason="test")["message"]
                    assert picture(path) == faulted
                    p.guard.kill()  # else it would end saying that a fault is left
                else:
                    assert s.ok("revert", epoch=1, fault="f", reason="test")["state"] == "Reverted"
                    assert picture(path) == before


@test
def a_late_inject():
    """a revert of an unknown id is remembered: the inject that comes late is refused, after a restart too"""
    with Place() as p:
        path, s = p.file("c.yaml", "db: {pool: 10}\n"), p.session()
        assert s.ok("revert", epoch=1, fault="f", reason="test")["state"] == "Never"
        p.guard.kill()
        p.guard.start()
        assert p.session().refused("inject", **modify(path))["class"] == "CONFLICT"
        assert open(path).read() == "db: {pool: 10}\n"


@test
def silence_ends_it():
    """a lease that nobody renews reverts, although the connection stays open; renewing keeps it"""
    with Place() as p:
        process, s = p.sleeper(), p.session()
        s.ok("inject", **freeze(p, leaseMs=400))
        for _ in range(4):
            time.sleep(0.2)
            assert s.ok("renew", epoch=1, leaseMs=400)["faults"][0]["state"] == "InForce"
        assert state_of(process.pid) == "T"
        event = s.event(state="Reverted")
        assert event["by"] == "Agent" and event["why"] == "lease" and state_of(process.pid) != "T", event


@test
def duration_ends_it():
    """its own duration ends it, however often the lease is renewed"""
    with Place() as p:
        process, s = p.sleeper(), p.session()
        s.ok("inject", **freeze(p, durationMs=500))
        while state_of(process.pid) == "T":
            s.ok("renew", epoch=1, leaseMs=60000)
            time.sleep(0.02)
        assert s.event(state="Reverted")["why"] == "duration"


@test
def shutdown_reverts():
    """SIGTERM reverts all before it ends; a peer hears the bye, and serve exits with 1"""
    with Place() as p:
        process, s = p.sleeper(), p.session()
        s.ok("inject", **freeze(p))
        assert p.guard.stop() == 0 and state_of(process.pid) != "T"
        assert s.event(event="bye") and s.process.wait(5) == 1


@test
def restart_reverts():
    """killed by SIGKILL and started again, it reverts, and says by whom and why"""
    with Place() as p:
        process, path = p.sleeper(), p.file("c.yaml", "db:\n  pool: 10\n")
        before, s = picture(path), p.session()
        s.ok("inject", **freeze(p))
        s.ok("inject", **modify(path, "g"))
        p.guard.kill()
        assert state_of(process.pid) == "T" and picture(path) != before
        p.guard.start()
        faults = p.session().hello["faults"]
        assert {(f["state"], f["by"], f["why"]) for f in faults} == {("Reverted", "Agent", "restart")}, faults
        assert state_of(process.pid) != "T" and picture(path) == before


@test
def healing_is_left_alone():
    """a file that healing repaired or replaced is left as it is: NotNeeded, with both digests"""
    for repaired in ("db:\n  pool: 10\n", "db:\n  pool: 11\n"):
        for replace in (False, True):
            with Place() as p:
                path, s = p.file("c.yaml", "db:\n  pool: 10\n"), p.session()
                s.ok("inject", **modify(path))
                p.file("new" if replace else "c.yaml", repaired)
                if replace:
                    os.rename(os.path.join(p.folder, "new"), path)
                assert s.event(state="Lost")["fault"] == "f", "it is noticed that the fault is no more"
                now = picture(path)
                result = s.ok("revert", epoch=1, fault="f", reason="test")
                assert result["state"] == "NotNeeded" and picture(path) == now, result
                assert result["detail"]["before"] == hashlib.sha256(repaired.encode()).hexdigest(), result
                assert result["detail"]["faulted"] != result["detail"]["before"], result


@test
def a_replaced_process_is_left_alone():
    """a process that was replaced is not continued, and its revert is NotNeeded"""
    with Place() as p:
        process, s = p.sleeper(), p.session()
        s.ok("inject", **freeze(p))
        process.kill()
        process.wait()
        p.sleeper()
        result = s.ok("revert", epoch=1, fault="f", reason="test")
        assert result["state"] == "NotNeeded" and result["detail"]["ended"] == [process.pid], result


@test
def a_deposed_leader():
    """a lower epoch is refused with both numbers, after a restart too"""
    with Place() as p:
        path = p.file("c.yaml", "db:\n  pool: 10\n")
        p.session().ok("renew", epoch=7)
        for _ in range(2):
            s = p.session()
            error = s.refused("inject", **modify(path, epoch=6))
            assert error["class"] == "STALE_EPOCH" and "6" in error["message"] and "7" in error["message"], error
            assert s.hello["epoch"] == 7
            p.guard.kill()
            p.guard.start()
        assert open(path).read() == "db:\n  pool: 10\n"


@test
def two_faults_on_one_thing():
    """two faults on one file, or one process, are refused; on different things they live together"""
    with Place() as p:
        p.sleeper()
        path, s = p.file("c.yaml", "db:\n  pool: 10\n"), p.session()
        s.ok("inject", **modify(path, "a"))
        os.link(path, path + ".link")
        assert s.refused("inject", **modify(path, "b", 1))["class"] == "CONFLICT"
        assert s.refused("inject", **modify(path + ".link", "c", 1))["class"] == "CONFLICT"
        s.ok("inject", **freeze(p, "d"))
        assert s.refused("inject", **freeze(p, "e"))["class"] == "CONFLICT"
        assert s.refused("snapshot", facet="config", path=path)["class"] == "CONFLICT", "and no snapshot is taken of a faulted file"


@test
def strange_journals():
    """a torn or alien journal file is told and left; everything else goes on"""
    with Place() as p:
        p.guard.stop()
        journal = os.path.join(p.guard.directory, "journal")
        files = {"a.json": b"{\"id\": \"x\"", "b.json": b"\x00\xff" * 50, "c.json": b"[1]",
                 "d.json": b"{\"id\":\"other\",\"state\":\"InForce\"}", "e.json": b""}
        for name, content in files.items():
            with open(os.path.join(journal, name), "wb") as f:
                f.write(content)
        p.guard.start()
        unreadable = p.session().ok("status")["unreadable"]
        assert {u["file"] for u in unreadable} == set(files), unreadable
        assert {n: open(os.path.join(journal, n), "rb").read() for n in files} == files


@test
def alien_records():
    """a record with a valid name and nonsense in it is kept open and told, never acted on"""
    with Place() as p:
        p.guard.stop()
        name = hashlib.sha256(b"x").hexdigest()[:32] + ".json"
        for undo in ({}, {"path": "/etc/passwd"}, {"processes": [{"pid": 1, "start": 0}, 7]}, {"old": {"sha256": "../../x"}, "new": 1}):
            for method in ("ConfigModify", "ProcessFreeze", "Nothing"):
                record = {"id": "x", "state": "InForce", "method": method, "undo": undo}
                with open(os.path.join(p.guard.directory, "journal", name), "w") as f:
                    json.dump(record, f)
                p.guard.start()
                assert len(p.session().ok("status")["faults"]) == 1
                p.guard.kill()
        os.unlink(os.path.join(p.guard.directory, "journal", name))


@test
def hostile_lines():
    """binary, endless, deep and wrong lines are answered, and the session goes on"""
    with Place() as p:
        s = Direct(p.guard.directory)
        deep = b"[" * 100_000 + b"\n"
        lines = [b"\x00\xff\xfe\n", b"null\n", b"7\n", b"{\n", b"{}\n", deep, b'{"id":"1"}\n', b'{"id":1,"op":"status"}\n',
                 b'{"id":"1","op":"nothing"}\n', b'{"id":"1","id":"2","op":"status"}\n', b'{"id":"1","op":"inject","epoch":"1"}\n',
                 b'{"id":"1","op":"inject","epoch":1,"fault":[]}\n', b'{"id":"1","op":"watch","watch":"\\n","probe":{}}\n',
                 b'{"id":"1","op":"probe","probe":{"file":{"path":"etc/passwd"}}}\n',
                 b'{"id":"1","op":"probe","probe":{"file":{"path":"/x"},"tcp":{"port":1}}}\n',
                 b'{"id":"1","op":"probe","probe":{"process":{"match":"/(/"}}}\n', b'{"id":"' + b"x" * 65 + b'","op":"status"}\n']
        for line in lines:
            s.raw(line)
            answer = s.read(5)
            assert answer and not answer["ok"] and answer["error"]["class"] == "INVALID", (line[:60], answer)
        for _ in range(40):
            s.raw(b"x" * (256 * 1024))
        s.raw(b"\n")
        answer = s.read(5)
        assert "at most" in answer["error"]["message"] and answer["id"] is None, answer
        s.ok("status")


@test
def a_peer_that_does_not_read():
    """a peer that does not read is dropped, and the guard goes on for the others"""
    with Place() as p:
        deaf, s = Direct(p.guard.directory), p.session()
        deaf.socket.settimeout(0.5)
        try:
            for _ in range(20000):
                deaf.raw(b'{"id":"1","op":"status"}\n' * 10)
        except OSError:
            pass
        begun = time.monotonic()
        s.ok("status")
        assert time.monotonic() - begun < 2


@test
def answers_after_the_end_of_input():
    """what was asked before the end of input is still answered"""
    with Place() as p:
        done = subprocess.run([program(), "serve", "--dir", p.guard.directory], input=b'{"id":"1","op":"status"}\n', capture_output=True,
                              timeout=10)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == 0 and lines[-1]["id"] == "1" and lines[-1]["ok"], done


@test
def watching_a_file():
    """a watch on a file tells of a change at once, of a change behind ConfigMap links too"""
    with Place() as p:
        os.mkdir(os.path.join(p.folder, "..1"))
        os.mkdir(os.path.join(p.folder, "..2"))
        p.file("..1/c.json", '{"a": 1}')
        p.file("..2/c.json", '{"a": ')
        os.symlink("..1", os.path.join(p.folder, "..data"))
        os.symlink("..data/c.json", os.path.join(p.folder, "c.json"))
        path, s = os.path.join(p.folder, "c.json"), p.session()
        order = {"probe": {"file": {"path": path, "parses": "JSON"}}, "everyMs": 60000}
        assert s.ok("watch", watch="w", **order)["holds"] is True
        os.symlink("..2", os.path.join(p.folder, "..data_tmp"))
        os.rename(os.path.join(p.folder, "..data_tmp"), os.path.join(p.folder, "..data"))
        event = s.event(timeout=3, watch="w", holds=False)
        assert "JSON" in event["message"], event
        p.file("..2/c.json", '{"a": 2}')
        s.event(timeout=3, watch="w", holds=True)


@test
def watching_a_process():
    """a killed process is told at once; one that must be stable holds only when none has ended for that long"""
    with Place() as p:
        process, s = p.sleeper(), p.session()
        assert s.ok("watch", watch="w", probe={"process": {"match": p.mark, "stableForMs": 600}}, everyMs=60000)["value"] == 1
        at = s.ok("inject", epoch=1, durationMs=60000, fault={"id": "k", "method": "KillProcess", "params": {"match": p.mark}})["at"]
        event = s.event(watch="w", holds=False)
        assert event["since"] - at < 500_000 and str(process.pid) in event["message"], event
        p.sleeper()
        again = s.event(watch="w", holds=True)
        assert again["since"] - event["since"] >= 590_000, again
        assert s.ok("revert", epoch=1, fault="k", reason="test")["state"] == "NotNeeded"


@test
def watching_a_heartbeat():
    """a heartbeat turns when it is too old, without anything happening; an aged one never flickers"""
    with Place() as p:
        path, s = p.file("beat", ""), p.session()
        beating = threading.Event()

        def beat():
            while not beating.wait(0.05):
                os.utime(path)

        assert s.ok("watch", watch="h", probe={"heartbeat": {"file": {"path": path}, "maxAgeMs": 400}}, everyMs=60000)["holds"]
        gone = s.event(watch="h", holds=False)
        assert 0.4 <= gone["value"] < 0.9, gone
        thread = threading.Thread(target=beat)
        thread.start()
        s.event(watch="h", holds=True)
        s.ok("inject", epoch=1, durationMs=60000, fault={
            "id": "a", "method": "HeartbeatBlock", "params": {"how": "AgeFile", "heartbeat": {"file": {"path": path}}}})
        s.event(watch="h", holds=False)
        time.sleep(1)
        s.ok("status")
        assert not [e for e in s.events if e.get("watch") == "h"], s.events
        s.ok("revert", epoch=1, fault="a", reason="test")
        s.event(watch="h", holds=True)
        beating.set()
        thread.join()


@test
def snapshot_and_restore():
    """a snapshot is kept once, checked, and restored in place; the effect is carried out once"""
    with Place() as p:
        path, s = p.file("c.yaml", "a: 1\n"), p.session()
        first = s.ok("snapshot", facet="config", path=path, validate="YAML")
        assert first["changed"] and not s.ok("snapshot", facet="config", path=path, validate="YAML")["changed"]
        before = os.stat(path)
        p.file("c.yaml", "a: [\n")
        assert s.refused("snapshot", facet="config", path=path, validate="YAML")["class"] == "INVALID"
        assert s.ok("probe", probe={"file": {"path": path, "equalsSnapshot": "config"}})["holds"] is False
        done = s.ok("restore", epoch=1, effect="e", facet="config", path=path)
        assert done["changed"] and done["sha256"] == first["sha256"], done
        assert (os.stat(path).st_ino, os.stat(path).st_mode) == (before.st_ino, before.st_mode)
        p.file("c.yaml", "a: 2\n")
        again = s.ask("restore", epoch=1, effect="e", facet="config", path=path)
        assert again["replayed"] and again["result"] == done and open(path).read() == "a: 2\n", again
        with open(os.path.join(p.guard.directory, "snapshots", "config", first["sha256"]), "wb") as f:
            f.write(b"tampered")
        assert s.refused("restore", epoch=1, effect="e2", facet="config", path=path)["class"] == "INTERNAL"


@test
def restarting():
    """restart ends stopped processes, waits for the supervisor's next one, and is carried out once"""
    with Place() as p:
        script = "import subprocess, sys\nwhile True: subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)', sys.argv[1][::-1]])"
        mark = p.mark[::-1]
        supervisor = subprocess.Popen([sys.executable, "-c", script, p.mark])
        p.processes.append(supervisor)
        s = p.session()
        while s.ok("probe", probe={"process": {"match": mark}})["value"] != 1:
            time.sleep(0.02)
        s.ok("inject", epoch=1, durationMs=60000, fault={"id": "f", "method": "ProcessFreeze", "params": {"match": mark}})
        order = {"epoch": 1, "effect": "r", "match": mark, "graceMs": 2000, "timeoutMs": 10000}
        result = s.ok("restart", **order)
        assert len(result["ended"]) == 1 and len(result["started"]) == 1 and result["ended"] != result["started"], result
        assert s.ask("restart", **order)["result"] == result
        assert s.ok("revert", epoch=1, fault="f", reason="test")["state"] == "NotNeeded"
        assert s.refused("restart", **{**order, "effect": "r2", "match": "no-such-process-runs", "timeoutMs": 100})["class"] == "TIMEOUT"
        supervisor.kill()
        s.ok("signal", epoch=1, effect="s", match=mark, signal="KILL")


@test
def effects_begin_once():
    """an effect that was begun and never ended is answered as unknown, and not begun again"""
    with Place() as p:
        s = p.session()
        s.send("restart", epoch=1, effect="r", match="no-such-process-runs", timeoutMs=60000)
        s.ok("status")
        p.guard.kill()
        p.guard.start()
        answer = p.session().ask("restart", epoch=1, effect="r", match="no-such-process-runs", timeoutMs=60000)
        assert answer["ok"] and answer["replayed"] and answer["result"]["state"] == "Unknown", answer


@test
def in_the_target():
    """in the target it runs commands, once an effect, within their time, and nothing under a deposed leader"""
    with Place() as p:
        s = p.guard.session("--place", "Target")
        assert s.hello["place"] == "Target"
        order = {"epoch": 2, "effect": "e", "command": ["sh", "-c", f"echo out; echo x >> {p.folder}/n; echo bad >&2; exit 3"]}
        result = s.ok("exec", **order)
        assert (result["exitCode"], result["stdout"], result["stderr"]) == (3, "out\n", "bad\n"), result
        again = s.ask("exec", **order)
        assert again["replayed"] and again["result"] == result and open(os.path.join(p.folder, "n")).read() == "x\n", again
        assert s.refused("exec", **{**order, "effect": "f", "epoch": 1})["class"] == "STALE_EPOCH"
        assert s.refused("exec", epoch=2, effect="g", command=["/no/such"])["class"] == "NOT_FOUND"
        begun = time.monotonic()
        slow = s.ok("exec", epoch=2, effect="h", command=["sh", "-c", "sleep 50 & sleep 50"], timeoutMs=300)
        assert slow["timedOut"] and slow["signal"] == "KILL" and time.monotonic() - begun < 5, slow
        assert len(s.ok("exec", epoch=2, effect="i", command=["head", "-c", "100000", "/dev/zero"], maxOutput=100)["stdout"]) == 100
        assert s.ok("probe", probe={"exec": {"command": ["false"], "exitCode": 1}})["holds"] is True
        assert p.session().refused("probe", probe={"exec": {"command": ["true"]}})["class"] == "INVALID"
        p.guard.kill()
        assert s.refused("exec", epoch=2, effect="j", command=["true"])["class"] == "INTERNAL"


@test
def asking_ports():
    """http, slo, tcp and heartbeat probes say what they saw; a refused connection is an answer"""

    class Page(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if self.path == "/slow":
                time.sleep(0.05)
            body = json.dumps({"items": [1], "beat": time.time()}).encode()
            self.send_response(500 if self.path == "/bad" else 200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
            except BrokenPipeError:  # who asked did not wait
                pass

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    free = http.server.HTTPServer(("127.0.0.1", 0), Page)
    closed = free.server_address[1]
    free.server_close()
    rows = [
        ({"http": {"port": port, "path": "/", "jsonField": "items.0"}}, True),
        ({"http": {"port": port, "path": "/", "jsonField": "gone"}}, False),
        ({"http": {"port": port, "path": "/bad"}}, False),
        ({"http": {"port": port, "path": "/bad", "expectFailure": True}}, True),
        ({"http": {"port": port, "path": "/", "bodyMatches": "items.*beat"}}, True),
        ({"http": {"port": closed, "path": "/"}}, False),
        ({"http": {"port": port, "path": "/slow", "latency": {"percentile": 95, "belowMs": 20, "samples": 5}}}, False),
        ({"http": {"port": port, "path": "/slow", "latency": {"percentile": 95, "belowMs": 5000, "samples": 3}}}, True),
        ({"http": {"port": port, "path": "/slow", "timeoutMs": 10}}, False),
        ({"slo": {"latencyP95Ms": 5000, "samples": 5, "http": {"port": port, "path": "/"}}}, True),
        ({"slo": {"latencyP95Ms": 5000, "samples": 5, "http": {"port": port, "path": "/bad"}}}, False),
        ({"slo": {"latencyP95Ms": 10, "samples": 5, "http": {"port": port, "path": "/slow"}}}, False),
        ({"tcp": {"port": port}}, True),
        ({"tcp": {"port": closed}}, False),
        ({"heartbeat": {"http": {"port": port, "path": "/", "jsonField": "beat"}, "maxAgeMs": 5000}}, True),
        ({"heartbeat": {"http": {"port": closed}, "maxAgeMs": 5000}}, False),
    ]
    with Place() as p:
        s = p.session()
        for probe, holds in rows:
            result = s.ok("probe", probe=probe)
            assert result["holds"] is holds, (probe, result)
            if "timeoutMs" in probe.get("http", {}):
                waited = re.search("no answer within ([0-9]+) ms", result["message"])
                assert waited and 10 <= int(waited[1]) < 5000, result
        busy = s.ok("probe", probe={"resource": {"cpu": {"atLeast": 0}, "memory": {"above": 0}, "overMs": 200}})
        assert busy["holds"] is True, busy
    server.shutdown()


@test
def plain_commands():
    """a plain command shows its plan, does it, and undoes it at Ctrl-C; what a kill left is undone by revert"""
    folder = tempfile.mkdtemp(prefix="drill-test-")
    path = os.path.join(folder, "c.ini")
    with open(path, "w") as f:
        f.write("[db]\npool = 10\n")
    before = picture(path)
    command = [program(), "config-modify", "--dir", os.path.join(folder, "d"), "--file", path, "--format", "INI", "--key", "db.pool",
               "--value", "0"]
    done = subprocess.run([*command, "--dry-run"], capture_output=True, text=True)
    assert done.returncode == 0 and "Nothing was changed" in done.stdout and picture(path) == before, done
    done = subprocess.run([*command, "--duration", "5"], capture_output=True, text=True)
    assert done.returncode == 2 and '"5"' in done.stderr and picture(path) == before, done
    done = subprocess.run([*command, "--colour", "red"], capture_output=True, text=True)
    assert done.returncode == 2 and "--colour" in done.stderr and picture(path) == before, done
    done = subprocess.run([*command, "--duration", "1s"], capture_output=True, text=True)
    assert done.returncode == 0 and "InForce" in done.stdout and "Reverted" in done.stdout and picture(path) == before, done
    for how in (signal.SIGINT, signal.SIGKILL):
        running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        while picture(path) == before:
            time.sleep(0.01)
        running.send_signal(how)
        running.communicate(timeout=10)
        assert (picture(path) == before) == (how == signal.SIGINT)
    done = subprocess.run([program(), "revert", "--dir", os.path.join(folder, "d")], capture_output=True, text=True)
    assert done.returncode == 0 and picture(path) == before, done
    assert subprocess.run([program(), "help"], capture_output=True).returncode == 0
    shutil.rmtree(folder)


def own_mounts():
    """Runs this again where what is mounted is nobody else's, and ends with it; as nobody in particular, in a user namespace."""
    if "DRILLYARD_OWN_MOUNTS" not in os.environ:
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        os.execvpe("unshare", ["unshare", *user, "--mount", sys.executable, *sys.argv], {**os.environ, "DRILLYARD_OWN_MOUNTS": "yes"})


def main():
    own_mounts()
    wanted = sys.argv[1:]
    tests = [*TESTS, *injector_trouble_test.TESTS, *injector_crash_test.tests()]
    tests = [t for t in tests if not wanted or any(w in t[0] for w in wanted)]
    failed = 0
    for number, (name, run) in enumerate(tests, 1):
        begun = time.monotonic()
        try:
            places = run()
            note = f" ({places} places)" if places else ""
            print(f"ok {number} - {name}{note} # {time.monotonic() - begun:.1f} s", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {number} - {name}", flush=True)
            print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), end="", flush=True)
    print(f"1..{len(tests)}")
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed or not tests else 0


if __name__ == "__main__":
    sys.exit(main())

"""A TCP proxy on loopback between a controller and the API server, which can be cut, and which counts."""
import asyncio
import json
import tempfile
import threading
import time
import urllib.parse

from api import kubeconfig_view

OPEN, HELD, CLOSED = "open", "held", "closed"


class Proxy:
    """OPEN: passes everything. HELD: a cable pulled out; what is sent waits, nobody hears of it, and comes when it is OPEN again, as TCP does.
    CLOSED: connections are reset, and new ones too."""

    def __init__(self):
        server = urllib.parse.urlparse(kubeconfig_view()["clusters"][0]["cluster"]["server"])
        self.upstream = (server.hostname, server.port)
        self.mode, self.accepted, self.open_now = OPEN, [], set()
        self.loop = asyncio.new_event_loop()
        self.passing = None
        ready = threading.Event()
        threading.Thread(target=self.run, args=(ready,), daemon=True).start()
        ready.wait(10)

    def run(self, ready):
        asyncio.set_event_loop(self.loop)
        self.passing = asyncio.Event()
        self.passing.set()
        listener = self.loop.run_until_complete(asyncio.start_server(self.relay, "127.0.0.1", 0))
        self.port = listener.sockets[0].getsockname()[1]
        ready.set()
        self.loop.run_forever()

    async def relay(self, reader, writer):
        self.accepted.append(time.monotonic())
        self.open_now.add(writer)
        try:
            await self.passing.wait()
            if self.mode == CLOSED:
                return
            theirs, ours = await asyncio.open_connection(*self.upstream)
            self.open_now.add(ours)
            pipes = [asyncio.ensure_future(self.pipe(reader, ours)), asyncio.ensure_future(self.pipe(theirs, writer))]
            await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
            for pipe in pipes:
                pipe.cancel()
            ours.close()
            self.open_now.discard(ours)
        except OSError:
            pass  # the server is away: the client's connection is closed, as if it had asked by itself
        finally:
            writer.close()
            self.open_now.discard(writer)

    async def pipe(self, reader, writer):
        try:
            while data := await reader.read(65536):
                await self.passing.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass

    def set(self, mode):
        def change():
            self.mode = mode
            if mode == HELD:
                self.passing.clear()
            else:
                self.passing.set()
            if mode == CLOSED:
                for writer in self.open_now:
                    writer.transport.abort()

        self.loop.call_soon_threadsafe(change)

    def attempts_since(self, when):
        return len([one for one in self.accepted if one >= when])

    def kubeconfig(self, token=None):
        """A file: the cluster by way of this proxy; as the caller, or as whom the token says."""
        view = kubeconfig_view()
        view["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{self.port}"
        if token:
            view["users"][0]["user"] = {"token": token}
        with tempfile.NamedTemporaryFile("w", suffix=".kubeconfig", delete=False) as file:
            json.dump(view, file)
        return file.name

"""The shop's HTTP API: /api/items for callers, /healthz for probes. Nothing here knows that it is being drilled."""

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from model import Model
from settings import Settings

HEARTBEAT = os.environ.get("SHOP_HEARTBEAT", "/run/shop/heartbeat")
HEARTBEAT_MAX_AGE = 3.0
PORT = int(os.environ.get("LISTEN_PORT", "8080"))

settings = Settings()
model = Model()
state = threading.Lock()
in_use = 0


def heartbeat_error():
    try:
        age = time.time() - os.stat(HEARTBEAT).st_mtime
    except OSError as error:
        return f"worker: {error}"
    return None if age < HEARTBEAT_MAX_AGE else f"worker: no heartbeat for {age:.1f} s"


def health():
    settings.refresh()
    model.refresh()
    errors = [error for error in (settings.error, model.error, heartbeat_error()) if error]
    if settings.pool < 1:
        errors.append("db.pool is 0: nothing can be answered")
    return (503 if errors else 200), {"healthy": not errors, "errors": errors}


def items():
    global in_use
    settings.refresh()
    model.refresh()
    if model.error:
        return 500, {"error": model.error}
    with state:
        if in_use >= settings.pool:
            return 503, {"error": f"all {settings.pool} connections are in use"}
        in_use += 1
    try:
        ranked = sorted(
            ({"id": number, "name": f"item {number}", "score": round(model.score((number, 1, number % 3)), 4)} for number in range(20)),
            key=lambda item: -item["score"],
        )
        return 200, {"items": ranked[: settings.page], "currency": settings.currency}
    finally:
        with state:
            in_use -= 1


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        route = {"/healthz": health, "/api/items": items}.get(self.path.split("?")[0])
        status, body = route() if route else (404, {"error": f"no page {self.path}"})
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


print(f"api listens on {PORT}", flush=True)
Server(("0.0.0.0", PORT), Handler).serve_forever()

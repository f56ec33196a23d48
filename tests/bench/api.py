"""HTTP straight to the API server, on kept connections: kubectl starts too slowly to make thousands of objects, or to time one."""
import base64
import concurrent.futures
import http.client
import json
import os
import ssl
import tempfile
import threading
import urllib.parse

from lib import Failure, check, kubectl

MERGE = "application/merge-patch+json"
KINDS = {"drills": "drillyard.dev/v1alpha1", "chaoscards": "drillyard.dev/v1alpha1", "drilltargets": "drillyard.dev/v1alpha1",
         "playbooks": "drillyard.dev/v1alpha1", "triggers": "drillyard.dev/v1alpha1", "leases": "coordination.k8s.io/v1",
         "configmaps": "v1", "pods": "v1"}


def path_of(kind, namespace, name="", sub=""):
    version = KINDS[kind]
    base = f"/api/{version}" if version == "v1" else f"/apis/{version}"
    return "/".join(part for part in (f"{base}/namespaces/{namespace}/{kind}", name, sub) if part)


class Api:
    """One connection a thread. Who asks is the kubeconfig's current user."""

    def __init__(self):
        config = json.loads(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.server = urllib.parse.urlsplit(cluster["server"])
        self.config = config
        self.tls = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        with tempfile.NamedTemporaryFile() as pem:
            pem.write(base64.b64decode(user["client-certificate-data"]) + b"\n" + base64.b64decode(user["client-key-data"]))
            pem.flush()
            self.tls.load_cert_chain(pem.name)
        self.local = threading.local()

    def write_kubeconfig(self, path):
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(self.config, file)

    def connection(self):
        if not getattr(self.local, "connection", None):
            self.local.connection = http.client.HTTPSConnection(self.server.hostname, self.server.port, context=self.tls, timeout=60)
        return self.local.connection

    def ask(self, method, path, body=None, content_type="application/json", fine=()):
        """The answer as an object; an error, unless its status is in `fine`, is a Failure."""
        text = None if body is None else json.dumps(body)
        for attempt in range(2):
            try:
                self.connection().request(method, path, text, {"Content-Type": content_type, "Accept": "application/json"})
                answer = self.connection().getresponse()
                said = answer.read()
                break
            except (http.client.HTTPException, OSError) as error:
                self.local.connection = None  # the server closes idle ones; a second attempt on a fresh one
                if attempt:
                    raise Failure(f"{method} {path}: {error}") from error
        check(answer.status < 300 or answer.status in fine, f"{method} {path} answered", f"{answer.status} {said[:500]!r}")
        return json.loads(said) if said else None

    def get(self, kind, namespace, name):
        found = self.ask("GET", path_of(kind, namespace, name), fine=(404,))
        return None if found.get("kind") == "Status" else found

    def items(self, kind, namespace, query=""):
        return self.ask("GET", path_of(kind, namespace) + query)["items"]

    def create(self, kind, namespace, item):
        return self.ask("POST", path_of(kind, namespace), item)

    def patch(self, kind, namespace, name, change, sub=""):
        return self.ask("PATCH", path_of(kind, namespace, name, sub), change, MERGE)

    def delete(self, kind, namespace, name):
        self.ask("DELETE", path_of(kind, namespace, name), fine=(404,))

    def delete_all(self, kind, namespace, selector):
        self.ask("DELETE", path_of(kind, namespace) + "?labelSelector=" + urllib.parse.quote(selector))

    def each(self, work, rows, threads=6):
        """work(row) for all of them, several at a time; the first Failure is raised."""
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(work, rows):
                pass

"""The API server by plain requests over one connection a thread: a kubectl takes 60 ms of CPU, these take 3 ms of time."""
import base64
import http.client
import json
import os
import ssl
import tempfile
import threading
import urllib.parse

from lib import Failure, check, kubectl

DRILLS = "/apis/drillyard.dev/v1alpha1"


def kubeconfig_view():
    return json.loads(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))


def tls_of(view):
    """What the kubeconfig says: whom to trust, and who we are."""
    cluster, user = view["clusters"][0]["cluster"], view["users"][0]["user"]
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    if "client-certificate-data" in user:
        with tempfile.NamedTemporaryFile() as both:
            both.write(base64.b64decode(user["client-certificate-data"]) + b"\n" + base64.b64decode(user["client-key-data"]))
            both.flush()
            context.load_cert_chain(both.name)
    return context


class Api:
    """get() of what is not there is None; everything else that is no success is a Failure."""

    def __init__(self):
        view = kubeconfig_view()
        self.server = urllib.parse.urlparse(view["clusters"][0]["cluster"]["server"])
        self.tls, self.token = tls_of(view), view["users"][0]["user"].get("token")
        self.local = threading.local()

    def connection(self, anew=False):
        if anew or getattr(self.local, "connection", None) is None:
            self.local.connection = http.client.HTTPSConnection(self.server.hostname, self.server.port, context=self.tls, timeout=20)
        return self.local.connection

    def ask(self, method, path, body=None, content="application/json"):
        """(status, object; None where the answer is not JSON). A connection that the server has closed meanwhile is made anew, once."""
        headers = {"Accept": "application/json", "Content-Type": content}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        text = None if body is None else json.dumps(body)
        for anew in (False, True):
            try:
                connection = self.connection(anew)
                connection.request(method, path, text, headers)
                answer = connection.getresponse()
                text = answer.read()
                return answer.status, json.loads(text) if "json" in answer.headers.get("Content-Type", "") else None
            except (http.client.HTTPException, OSError) as error:
                self.local.connection = None
                if anew:
                    raise Failure(f"{method} {path} got no answer: {error}") from error
        return None

    def must(self, method, path, body=None, content="application/json"):
        status, answer = self.ask(method, path, body, content)
        check(200 <= status < 300, f"{method} {path} to succeed", answer)
        return answer

    def get(self, path):
        status, answer = self.ask("GET", path)
        check(status in (200, 404), f"GET {path} to be answered", answer)
        return answer if status == 200 else None

    def list(self, path):
        return self.must("GET", path)["items"]

    def patch(self, path, body):
        return self.must("PATCH", path, body, "application/merge-patch+json")


def path_of(namespace, plural, name=""):
    prefix = "/api/v1" if plural in ("configmaps", "pods", "namespaces") else DRILLS
    return f"{prefix}/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


def restart_count(pod, container):
    for row in pod["status"].get("containerStatuses", []) + pod["status"].get("initContainerStatuses", []):
        if row["name"] == container:
            return row["restartCount"]
    raise Failure(f"pod {pod['metadata']['name']} has no container {container}")


__all__ = ["Api", "DRILLS", "kubeconfig_view", "os", "path_of", "restart_count"]

"""The API server without kubectl: thousands of requests over connections that stay open, as the admin of $KUBECONFIG."""
import base64
import http.client
import json
import os
import ssl
import tempfile
import urllib.parse

import schemas

GROUP = "/apis/drillyard.dev/v1alpha1"


def read_config():
    path = os.environ.get("KUBECONFIG") or os.path.expanduser("~/.kube/config")
    config = schemas.documents(path)[0]
    context = next(row["context"] for row in config["contexts"] if row["name"] == config["current-context"])
    cluster = next(row["cluster"] for row in config["clusters"] if row["name"] == context["cluster"])
    user = next(row["user"] for row in config["users"] if row["name"] == context["user"])
    return cluster, user, os.path.dirname(os.path.abspath(path))


def pem(row, key, folder):
    """The bytes of a file that is in the configuration, or named by it."""
    if key + "-data" in row:
        return base64.b64decode(row[key + "-data"])
    with open(os.path.join(folder, row[key]), "rb") as file:
        return file.read()


class Server:
    """One connection. Requests of one thread at a time."""

    def __init__(self):
        cluster, user, folder = read_config()
        self.host = urllib.parse.urlsplit(cluster["server"]).netloc
        self.tls = ssl.create_default_context(cadata=pem(cluster, "certificate-authority", folder).decode())
        with tempfile.NamedTemporaryFile() as file:  # the ssl module reads client certificates from files only
            file.write(pem(user, "client-certificate", folder) + b"\n" + pem(user, "client-key", folder))
            file.flush()
            self.tls.load_cert_chain(file.name)
        self.connection = None

    def call(self, method, path, body=None, content_type="application/json"):
        """(status, body): body is bytes, text that is JSON, or what json.dumps takes; the answer is read as JSON."""
        data = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        data = data.encode() if isinstance(data, str) else data
        for again in (True, False):
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPSConnection(self.host, context=self.tls, timeout=60)
                self.connection.request(method, path, data, {"Content-Type": content_type, "Accept": "application/json"})
                answer = self.connection.getresponse()
                text = answer.read()
                break
            except (http.client.HTTPException, OSError):
                self.connection.close()
                self.connection = None
                if not again:
                    raise
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, {"message": text[:2000].decode(errors="replace")}

    def objects(self, plural, namespace, name="", query=""):
        tail = "/" + name if name else ""
        return f"{GROUP}/namespaces/{namespace}/{plural}{tail}{'?' + query if query else ''}"

"""The model that ranks items: one tensor of weights in a safetensors file, loaded again whenever the file changes.

The format: eight bytes with the length of a JSON header, the header, then the tensors' bytes."""

import json
import math
import os
import struct

PATH = os.environ.get("SHOP_MODEL", "/models/w.safetensors")


def load(path):
    with open(path, "rb") as file:
        data = file.read()
    if len(data) < 8:
        raise ValueError("shorter than its header's length")
    (length,) = struct.unpack("<Q", data[:8])
    if length > len(data) - 8:
        raise ValueError(f"the header claims {length} bytes, the file has {len(data)}")
    header = json.loads(data[8 : 8 + length])
    begin, end = header["weights"]["data_offsets"]
    if header["weights"]["dtype"] != "F32":
        raise ValueError("weights are not F32")
    body = data[8 + length + begin : 8 + length + end]
    weights = struct.unpack(f"<{len(body) // 4}f", body)
    if not all(math.isfinite(weight) and abs(weight) < 100 for weight in weights):
        raise ValueError("a weight is not a sensible number")
    return weights


class Model:
    """The weights last loaded, and what is wrong with the file now (None: nothing)."""

    def __init__(self, path=PATH):
        self.path = path
        self.error = None
        self.weights = ()
        self._seen = None
        self.refresh()

    def refresh(self):
        try:
            stat = os.stat(self.path)
            seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if seen == self._seen:
                return
            self._seen = seen
            self.weights = load(self.path)
            self.error = None
        except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
            self.error = f"{self.path}: {error}"

    def score(self, features):
        return sum(weight * feature for weight, feature in zip(self.weights, features))

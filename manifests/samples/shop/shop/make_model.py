"""Writes the model file: python3 make_model.py PATH."""

import json
import random
import struct
import sys


def main():
    random.seed(7)
    weights = [random.uniform(-1, 1) for _ in range(4096)]
    body = struct.pack(f"<{len(weights)}f", *weights)
    header = json.dumps({"weights": {"dtype": "F32", "shape": [len(weights)], "data_offsets": [0, len(body)]}}).encode()
    header += b" " * (-len(header) % 8)
    with open(sys.argv[1], "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + body)


main()

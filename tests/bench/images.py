"""The images as hack/image left them: their files, and how big they are."""
import json
import os
import tarfile

from figures import Figure
from lib import ROOT, check

NAMES = ["size/controller", "size/injector", "size/controller-image", "size/injector-image"]
PROGRAMS = {"controller": "drillyard-controller", "injector": "drill-injector"}


def layers(name):
    """The layers' archives of build/images/NAME.tar, the lowest first."""
    path = os.path.join(ROOT, "build", "images", name + ".tar")
    check(os.path.exists(path), "an image; build it with hack/image", path)
    with tarfile.open(path) as image:
        manifest = json.load(image.extractfile("manifest.json"))
        for layer in manifest[0]["Layers"]:
            with tarfile.open(fileobj=image.extractfile(layer)) as archive:
                yield archive


def unpack(name):
    """A folder with the image's root file system."""
    root = os.path.join(ROOT, "build", "bench", name)
    os.makedirs(root, exist_ok=True)
    for archive in layers(name):
        archive.extractall(root)
    return root


def measure(_scene):
    for name, program in PROGRAMS.items():
        sizes = {member.name: member.size for archive in layers(name) for member in archive.getmembers() if member.isfile()}
        found = [size for path, size in sizes.items() if os.path.basename(path) == program]
        check(found, f"a program {program} in the image {name}", sorted(sizes))
        yield Figure(f"size/{name}", [found[0] / 1024])
        yield Figure(f"size/{name}-image", [sum(sizes.values()) / 1024])

"""A checkout of given files, as the source stage leaves one, without a repository behind it."""

import hashlib
from pathlib import Path

from firmward.vendor import project
from firmward.vendor.source.checkout import Checkout
from firmward.vendor.source.commit import Source

PROJECT = """
vendor = "acme"
product = "pump-200"
model = "Pump 200"
device_class = "PUMP200"
hardware_ids = ["PUMP-200-B"]
safety_class = "C"
risk = "high"
integrity = "public-key-signature"
development = true
[build]
command = ["true"]
binary = "app.bin"
[scan]
sources = ["."]
{scan}
"""


def checkout(folder: Path, files: dict[str, str | bytes], scan: str = "") -> Checkout:
    """The files in a folder, under a tree id of their own."""
    digest = hashlib.sha1(usedforsecurity=False)
    for name, content in sorted(files.items()):
        data = content.encode() if isinstance(content, str) else content
        digest.update(name.encode() + b"\0" + data)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    rules = project.read(PROJECT.format(scan=scan).encode())
    tree = digest.hexdigest()
    source = Source(
        repository=folder, folder="", root="", commit=tree, tree=tree, committed=0, remote="",
        project=rules,
    )  # fmt: skip
    return Checkout(source, folder)

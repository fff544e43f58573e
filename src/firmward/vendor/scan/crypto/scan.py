"""The cryptography scanner's runs, and the inventory behind them."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from firmward.terms.errors import Unavailable
from firmward.vendor.build.artifact import Artifact
from firmward.vendor.cache import Shelf
from firmward.vendor.scan import elf_file
from firmward.vendor.scan.binary.rootfs_entries import Entry, entries
from firmward.vendor.scan.crypto import in_binary, in_source
from firmward.vendor.scan.crypto.rules import RULES, TOOL, VERSION, findings, weak_random
from firmward.vendor.scan.crypto.signs import Asset, Sign
from firmward.vendor.scan.crypto.signs import inventory as assets
from firmward.vendor.scan.elf_file import Elf
from firmward.vendor.scan.files import SourceFile, scan_parts, source_files
from firmward.vendor.scan.sarif import Finding, Run
from firmward.vendor.scan.sarif import run as sarif_run
from firmward.vendor.source.checkout import Checkout

# So that a header full of names does not become thousands of places; one says as much.
_MOST_PLACES: Final = 5


def scan_source(tree: Checkout, shelf: Shelf) -> Run:
    """What of the source's cryptography is outdated."""
    run: Run = _kept(tree, shelf)["run"]
    return run


def scan_binary(artifact: Artifact) -> Run:
    """What of the linked cryptography is outdated.  Raises Unavailable."""
    found = findings(signs_of(artifact))
    return sarif_run(TOOL, VERSION, RULES, found) | {"automationDetails": {"id": "binary"}}


def inventory(tree: Checkout, shelf: Shelf, artifact: Artifact | None) -> tuple[Asset, ...]:
    """Every algorithm of the source and of what was built from it.  Raises Unavailable."""
    found = msgspec.convert(_kept(tree, shelf)["signs"], list[Sign])
    if artifact is not None:
        digests = (f"{name}={digest}" for name, digest in sorted(artifact.digests().items()))
        made = shelf.kept((TOOL, VERSION, "signs", *digests), lambda: _signs(artifact))
        found += msgspec.convert(made["signs"], list[Sign])
    return assets(found)


def _signs(artifact: Artifact) -> dict[str, Any]:
    return {"signs": msgspec.to_builtins(list(signs_of(artifact)))}


def _kept(tree: Checkout, shelf: Shelf) -> dict[str, Any]:
    return shelf.kept(scan_parts(TOOL, VERSION, tree), lambda: _scan(tree))


def _scan(tree: Checkout) -> dict[str, Any]:
    signs: list[Sign] = []
    found: list[Finding] = []
    for file in source_files(tree):
        # What only tests something reaches no device: the binary would show it.
        if not file.test:
            signs += in_file(file)
            found += random_in(file)
    run = sarif_run(TOOL, VERSION, RULES, [*findings(signs), *found])
    return {"run": run, "signs": msgspec.to_builtins(signs)}


def in_file(file: SourceFile) -> list[Sign]:
    """The signs in one file, a few places of each kind."""
    count: dict[tuple[str, str], int] = {}
    kept: list[Sign] = []
    for sign in in_source.signs(file):
        key = (sign.algorithm, sign.kind)
        count[key] = count.get(key, 0) + 1
        if count[key] <= _MOST_PLACES:
            kept.append(sign)
    return kept


def random_in(file: SourceFile) -> Iterator[Finding]:
    """Secrets from a plain generator in one file."""
    for line, says in in_source.weak_random(file):
        yield weak_random(file.name, line, says, not file.vendored)


def signs_of(artifact: Artifact) -> Iterator[Sign]:
    """The signs in the ELF file, the image and the programs of the root file system."""
    if not artifact.elf and not artifact.binary:
        raise Unavailable(f"{TOOL}: expected an ELF file or an image, got neither")
    if artifact.elf:
        yield from in_binary.signs(artifact.elf, "app.elf", elf_file.read(artifact.elf, "app.elf"))
    if artifact.binary:
        yield from in_binary.signs(artifact.binary, "app.bin")
    for entry in entries(artifact.rootfs.path) if artifact.rootfs is not None else ():
        if entry.data[:4] == elf_file.MAGIC:
            yield from in_binary.signs(entry.data, entry.name, _read(entry))


def _read(entry: Entry) -> Elf | None:
    """The program's symbols; its constants tell even where it cannot be read."""
    try:
        return elf_file.read(entry.data, entry.name)
    except Unavailable:
        return None

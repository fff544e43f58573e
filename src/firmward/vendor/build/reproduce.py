"""A second build in another place, compared with the first.

It starts from nothing: no cache, other folders, a later time.  So it also finds a first build that
came from a shelf or a compiler somebody tampered with on the way, and a source that takes anything
from where or when it is built.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

import lief

from firmward.terms.errors import Refused
from firmward.vendor.build.artifact import Artifact, Reproducibility
from firmward.vendor.build.command import NAMES, Clock, Made, run_once
from firmward.vendor.build.sandbox import find
from firmward.vendor.build.store import Store, reread
from firmward.vendor.cache import Shelf
from firmward.vendor.source.checkout import Checkout

# Of another length too, so that a path that moves everything behind it shows.
ELSEWHERE: Final = Path("/firmward-elsewhere/second")


class NotReproducible(Refused):
    """Source that gives other bytes when it is built again."""

    def __init__(self, product: str, found: Reproducibility):
        self.product, self.found = product, found
        listed = "\n".join(f"- {each}" for each in found.differs)
        super().__init__(f"{product}: built twice, the bytes differ:\n{listed}")


def verify(
    tree: Checkout, release: tuple[str, int], artifact: Artifact, shelf: Shelf, clock: Clock
) -> Reproducibility:
    """What a build elsewhere gives, beside the artifact.

    In a sandbox the second build lies at another path; only if that makes a difference, a third one
    at the first path says whether it was the path alone.

    raises  BuildFailed and Unavailable as build does
    """
    rules = tree.project.build
    sandbox, store = find(rules.sandbox, rules.tools), Store(shelf.folder)
    elsewhere = _differences(artifact, run_once(tree, release, sandbox, store, clock, ELSEWHERE))
    if not elsewhere:
        return Reproducibility(reproducible=True, path_independent=True)
    if not sandbox.binary:
        return Reproducibility(False, False, elsewhere)
    again = _differences(artifact, run_once(tree, release, sandbox, store, clock))
    if again:
        return Reproducibility(False, False, again)
    return Reproducibility(True, False, tuple(f"at another path: {each}" for each in elsewhere))


def verified(
    tree: Checkout, release: tuple[str, int], artifact: Artifact, shelf: Shelf, clock: Clock
) -> Artifact:
    """The artifact with what a second build said of it, for its provenance.

    raises  NotReproducible; a path that shows in the bytes is only told, as the sandbox fixes it
    """
    found = verify(tree, release, artifact, shelf, clock)
    if not found.reproducible:
        raise NotReproducible(tree.project.product, found)
    return replace(artifact, verified=found)


def _differences(artifact: Artifact, again: Made) -> tuple[str, ...]:
    """What is flashed first, then what it was made from; debug information does not count."""
    binary = NAMES["binary"]
    found = _bytes_differ(binary, artifact.binary, reread(again.files["binary"]))
    if artifact.elf:
        found += _sections_differ(artifact.elf, reread(again.files["elf"]))
    first = artifact.rootfs
    if first and first.sha256 != (second := again.files["rootfs"]).sha256:
        at = _first_offset_of_files(first.path, second.path)
        found += (f"{first.name}: first at byte {at:#x}, sizes {first.size} and {second.size}",)
    for each in artifact.components.values():
        found += _bytes_differ(each.name, reread(each), reread(again.files[each.name]))
    return found


def _bytes_differ(name: str, one: bytes, other: bytes) -> tuple[str, ...]:
    if one == other:
        return ()
    sizes = "" if len(one) == len(other) else f", sizes {len(one)} and {len(other)}"
    return (f"{name}: first at byte {first_offset(one, other):#x}{sizes}",)


def first_offset(one: bytes, other: bytes) -> int:
    """Where they first differ; the length of the shorter if it is the other's beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _first_offset_of_files(one: Path, other: Path) -> int:
    """As first_offset, for files too large for memory."""
    at = 0
    with one.open("rb") as left, other.open("rb") as right:
        while (chunk := left.read(1 << 20)) == (beside := right.read(1 << 20)) and chunk:
            at += len(chunk)
    return at + first_offset(chunk, beside)


def _sections_differ(one: bytes, other: bytes) -> tuple[str, ...]:
    """Sections that get into memory, by name, address and content."""
    first, second = _loaded(one), _loaded(other)
    if first is None or second is None:
        return _bytes_differ(NAMES["elf"], one, other)
    found: tuple[str, ...] = ()
    for key in sorted(first.keys() | second.keys()):
        name, address = key
        where = f"{NAMES['elf']}: section {name} at {address:#x}"
        if key in first and key in second:
            found += _bytes_differ(where, first[key], second[key])
        else:
            found += (f"{where}: only in the {'first' if key in first else 'second'}",)
    return found


def _loaded(elf: bytes) -> dict[tuple[str, int], bytes] | None:
    """(name, address) -> content; None for what is no ELF file."""
    parsed = lief.ELF.parse(list(elf)) if elf.startswith(b"\x7fELF") else None
    if parsed is None:
        return None
    return {
        (str(section.name), section.virtual_address): bytes(section.content)
        for section in parsed.sections
        if section.has(lief.ELF.Section.FLAGS.ALLOC)
    }

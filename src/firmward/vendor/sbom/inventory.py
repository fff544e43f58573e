"""All collectors at once, and their answers merged into one inventory."""

import hashlib
import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec

from firmward.binaries import signatures
from firmward.terms.wire import plain
from firmward.vendor.build.artifact import INNER_ROOT, Artifact
from firmward.vendor.cache import Shelf
from firmward.vendor.project import SbomRules
from firmward.vendor.sbom import declared, known, support
from firmward.vendor.sbom.collectors import (
    beside,
    cargo,
    cmake,
    compiled,
    conan,
    documents,
    espidf,
    golang,
    linkmap,
    npm,
    platformio,
    python,
    rootfs,
    strings,
    submodules,
    vcpkg,
    vendored,
    west,
)
from firmward.vendor.sbom.links import Links
from firmward.vendor.sbom.merge import merge
from firmward.vendor.sbom.parts import Found, Inventory, SbomRefused
from firmward.vendor.sbom.tree import Tree
from firmward.vendor.source.checkout import Checkout

Collector = Callable[[Tree], Iterable[Found]]

SOURCE: Final[tuple[tuple[str, Collector], ...]] = (
    (submodules.NAME, submodules.collect),
    (vendored.NAME, vendored.collect),
    (west.NAME, west.collect),
    (platformio.NAME, platformio.collect),
    (conan.NAME, conan.collect),
    (cmake.NAME, cmake.collect),
    (npm.NAME, npm.collect),
    (python.NAME, python.collect),
    (cargo.NAME, cargo.collect),
    (golang.NAME, golang.collect),
    (espidf.NAME, espidf.collect),
    (vcpkg.NAME, vcpkg.collect),
)


# An RTOS has tens of thousands of files; nobody reads them one by one in an SBOM.
_MOST_LISTED: Final = 1000


@dataclass(frozen=True)
class Image:
    """What a build left besides the binary, for the collectors.

    map, compile_commands, binary, elf  b"" where there is none
    rootfs      a folder, tar or squashfs image; None for none
    beside      what is released beside it
    inner_root  where the build saw the tree
    """

    map: bytes = b""
    compile_commands: bytes = b""
    binary: bytes = b""
    elf: bytes = b""
    rootfs: Path | None = None
    beside: tuple[Found, ...] = ()
    inner_root: str = str(INNER_ROOT)


def collect(checkout: Checkout, artifact: Artifact, shelf: Shelf, today: date) -> Inventory:
    """Every part of a checkout and of what was built from it, by name, with its support.

    raises  SbomRefused where statements contradict each other or a vendored folder is unknown;
            Malformed for a manifest, map or database that cannot be read; Unavailable
    """
    source, rules = checkout.source, checkout.project.sbom
    commits = {each.path: (each.url, each.commit) for each in source.submodules}
    image = Image(
        map=artifact.map,
        compile_commands=artifact.compile_commands,
        binary=artifact.binary,
        elf=artifact.elf,
        rootfs=artifact.rootfs.path if artifact.rootfs else None,
        beside=tuple(beside.collect(checkout.project, artifact, source.folder)),
    )
    built = (image.map, image.compile_commands, image.binary, image.elf)
    digests = [hashlib.sha256(data).hexdigest() for data in built]
    digests += [known.digest(), signatures.digest()]
    digests.append(artifact.rootfs.sha256 if artifact.rootfs else "")
    digests += [each.sha256 for each in artifact.components.values()]
    about = msgspec.json.encode([rules, commits], order="sorted").decode()
    parts = ("sbom-2", source.tree, about, *digests)

    def make() -> dict[str, Any]:
        tree = Tree(checkout.root, excluded=rules.exclude, submodules=commits)
        made: dict[str, Any] = plain(gather(tree, rules, image))
        return made

    kept = msgspec.convert(shelf.kept(parts, make), Inventory)
    own = support.told(Tree(checkout.root), rules.support)
    # Whether support is over depends on the day, and is no part of what is kept.
    return msgspec.structs.replace(kept, parts=tuple(support.supported(kept.parts, own, today)))


def gather(tree: Tree, rules: SbomRules, image: Image) -> Inventory:
    """The inventory of a tree and an image; see `collect`."""
    counts: dict[str, int] = {}
    found: list[Found] = []

    def add(name: str, some: Iterable[Found]) -> None:
        given = list(some)
        counts[name] = len(given)
        found.extend(given)

    written = tuple(path for path in rules.components if not path.endswith(documents.ENDINGS))
    delivered = tuple(path for path in rules.components if path.endswith(documents.ENDINGS))
    add(declared.NAME, declared.collect(tree, written))
    add(documents.NAME, documents.collect(tree, delivered))
    add(beside.NAME, image.beside)
    for name, collector in SOURCE:
        add(name, collector(tree))
    database = None
    if image.compile_commands:
        database = compiled.read(image.compile_commands, tree, image.inner_root)
        add(compiled.NAME, compiled.collect(database))
    links = None
    if image.map:
        linked = linkmap.objects(image.map)
        links = Links(linked, compiled.Sources(tree, database))
        add(linkmap.NAME, linkmap.collect(linked, links.own))
    if image.rootfs is not None:
        add(rootfs.NAME, rootfs.collect(image.rootfs))
    for path, data in (("app.bin", image.binary), ("app.elf", image.elf)):
        add(f"{strings.NAME} of {path}", strings.collect(data, path))
    parts = merge(found)
    _refuse_unknown_folders(tree, rules, parts)
    marked = links.mark(parts, tree) if links else parts
    return Inventory(parts=tuple(_read(tree, part) for part in marked), collectors=counts)


def _refuse_unknown_folders(tree: Tree, rules: SbomRules, parts: Iterable[Found]) -> None:
    """What nobody declared and nobody recognised would be in the image and in no SBOM."""
    folders = {part.folder for part in parts if part.folder and not part.known_unknown}
    for vendored_in in rules.vendored:
        for folder in tree.folders(vendored_in):
            if folder not in folders:
                name = posixpath.basename(folder)
                raise SbomRefused(name, f"a declaration of {folder}", "none")


def _read(tree: Tree, part: Found) -> Found:
    """The part with the digests of its files, or one for all of a folder with very many."""
    if not part.folder or part.files:
        return part
    files = {path: tree.sha256(path) for path in tree.under(part.folder)}
    if len(files) <= _MOST_LISTED:
        return msgspec.structs.replace(part, files=files)
    digest = declared.folder_digest(files, part.folder)
    return msgspec.structs.replace(part, hashes=part.hashes | {"folder-sha256": digest})

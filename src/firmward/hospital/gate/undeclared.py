"""Which of the parts that show in an image the SBOM does not have.

The two sides call one part by many names: the table of aliases that advisories are matched by joins
them here as well.  In doubt a part is not declared.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from firmward.advisories import aliases
from firmward.advisories.aliases import Product, Table
from firmward.advisories.identity import REGISTRIES
from firmward.advisories.keys import plain, purl_path
from firmward.binaries.names import bare

Declared = tuple[str, str, Sequence[str]]
"""Name, version, and package URLs or CPE names of a component of an SBOM."""
Shown = tuple[str, str]
"""Name and version of a part that shows, the version "" where only its presence does."""

# Packages of a language: npm's `zlib` is not zlib.  Conan packs upstream's own.
_LANGUAGES: Final = frozenset(REGISTRIES) - {"conan", "bitnami"}
_DISTRIBUTIONS: Final = frozenset({"deb", "apk", "rpm", "opkg", "alpm"})
_VERSION: Final = re.compile(r"(\d+(?:\.\d+)*)((?:[a-z]\d*|p\d+)(?![a-z]))?")
# OpenSSH 8.4p1 is 8.4 for systems other than OpenBSD.
_PORTABLE: Final = re.compile(r"p\d+\Z")
_LONGEST: Final = 200


def of(shown: Iterable[Shown], declared: Sequence[Declared]) -> tuple[str, ...]:
    """One line for each part that shows and is not declared, in a fixed order."""
    table = aliases.table()
    versions: dict[str, set[str]] = {}
    for name, version, ids in declared:
        for each in _names(name, ids, table):
            versions.setdefault(each, set()).add(version)
    lines = {_line(name, version, versions, table) for name, version in shown}
    return tuple(sorted(lines - {""}))


def _line(name: str, version: str, versions: dict[str, set[str]], table: Table) -> str:
    names = _names(name, (f"pkg:generic/{name}",), table)
    said = set().union(*(versions.get(each, set()) for each in names))
    called = f"{name} {version}" if version else f"{name} (no version shows)"
    if not said:
        return f"{called}: not in the SBOM"
    if not version or any(same(version, each) for each in said):
        return ""
    listed = ", ".join(sorted(each or "no version" for each in said))
    return f"{called}: SBOM says {listed[:_LONGEST]}"


def _names(name: str, ids: Sequence[str], table: Table) -> frozenset[str]:
    """Everything that a component may be called, bare."""
    paths = [path for path in map(purl_path, ids) if path]
    kinds = {path.partition("/")[0] for path in paths}
    found = set() if kinds & _LANGUAGES else {bare(name)}
    for path in paths:
        kind, _, rest = path.partition("/")
        last = rest.rpartition("/")[2]
        if kind not in _LANGUAGES:
            found |= {bare(last), *_of(table.by_purl.get(path))}
        if kind in _DISTRIBUTIONS:
            found |= _of(table.packaged(last))
    for vendor, product in filter(None, map(_cpe, ids)):
        found |= {bare(product), *_of(table.by_name.get((plain(vendor), plain(product))))}
    if not paths:
        found |= _of(table.by_purl.get(f"generic/{plain(name)}"))
        found |= _of(table.packaged(plain(name)))
    return frozenset(found - {""})


def _of(product: Product | None) -> set[str]:
    """One name that stands for the product whatever it is called."""
    return set() if product is None else {bare(product.name)}


def _cpe(name: str) -> tuple[str, str] | None:
    parts = name.replace("\\", "").split(":")
    if name.startswith("cpe:2.3:") and len(parts) > 4:
        return parts[3], parts[4]
    if name.startswith("cpe:/") and len(parts) > 3:
        return parts[2], parts[3]
    return None


def same(shown: str, said: str) -> bool:
    """Whether a version that shows may be the one that was declared.

    What shows may be cut short (3.12 for 3.12.4); what is declared may carry an epoch, a leading
    "v" and what a distribution adds.  A letter counts: 1.1.1k is not 1.1.1.

    >>> same("1.1.1k", "1.1.1k-r0"), same("1.1.1k", "1.1.1"), same("3.12", "v3.12.4")
    (True, False, True)
    """
    ours, theirs = _parsed(shown), _parsed(said)
    if ours is None or theirs is None:
        return shown == said
    numbers, letter = ours
    declared, their_letter = theirs
    if numbers != declared[: len(numbers)]:
        return False
    if len(declared) > len(numbers):
        return not letter
    return letter == their_letter or _PORTABLE.match(letter or their_letter) is not None


def _parsed(version: str) -> tuple[tuple[int, ...], str] | None:
    """Numbers without trailing zeros, and the letter right behind them."""
    text = version.strip().lower()
    text = re.sub(r"^\d{1,3}:", "", text)
    text = re.sub(r"^(?:[a-z]+[-_ ]?)?v?(?=\d)", "", text)
    found = _VERSION.match(text)
    if found is None or len(found[1]) > _LONGEST:
        return None
    numbers = [int(each) for each in found[1].split(".")]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return tuple(numbers), found[2] or ""

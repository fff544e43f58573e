"""A folder or file of advisories as somebody hands it over: which feeds are in it, and its index.

The layout that needs no words: `osv/`, `nvd/`, `cve5/`, `csaf/`, `kev.json`, `epss.csv.gz`.
Anything else is told by what its first file looks like.
"""

import hashlib
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from firmward.advisories.feeds import EPSS, KEV
from firmward.advisories.index import Index
from firmward.advisories.inputs import jobs, wanted
from firmward.advisories.load import load
from firmward.advisories.rows import FORMAT
from firmward.advisories.upstream import Upstream
from firmward.terms.errors import Malformed, Unavailable
from firmward.terms.wire import MIB

Found = tuple[str, tuple[Path, ...]]
"""A feed and its files."""

_FILES: Final = {
    KEV: ("kev.json", "kev.csv", "known_exploited_vulnerabilities.json"),
    EPSS: ("epss.csv.gz", "epss.csv", "epss_scores-current.csv.gz"),
}
_FOLDERS: Final = ("osv", "nvd", "cve5", "csaf")
_ARCHIVES: Final = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst")

_KEPT_IN_MEMORY: Final = 4 * MIB
"""A folder up to this size is read again each time, which takes less than a second."""


def feeds(path: Path) -> list[Found]:
    """The feeds in a folder or file.  Raises Unavailable, Malformed."""
    if not path.exists():
        raise Unavailable(f"advisories: {path}: no such file or folder")
    found = _laid_out(path) if path.is_dir() else []
    return found or [(_kind(path), (path,))]


def _laid_out(folder: Path) -> list[Found]:
    found: list[Found] = []
    for kind in _FOLDERS:
        if (folder / kind).is_dir():
            found += _parts(kind, folder / kind)
    for kind, names in _FILES.items():
        held = next((folder / name for name in names if (folder / name).is_file()), None)
        if held is not None:
            found.append((kind, (held,)))
    return found


def _parts(kind: str, folder: Path) -> list[Found]:
    """Archives and folders in a folder are feeds of their own, so that none hides another's age."""
    parts: dict[str, list[Path]] = {}
    for entry in sorted(folder.iterdir()):
        archive = entry.name.lower().endswith(_ARCHIVES)
        if entry.is_dir() or archive:
            name = entry.name.partition(".")[0] if archive else entry.name
            parts.setdefault(f"{kind}/{name}", []).append(entry)
        elif wanted(entry.name):
            parts.setdefault(kind, []).append(entry)
    return [(feed, tuple(paths)) for feed, paths in parts.items()]


_ABSENT: Final = msgspec.Raw()


class _Look(Upstream, frozen=True, kw_only=True):
    """The members by which a format is told."""

    cve_metadata: msgspec.Raw = msgspec.field(default=_ABSENT, name="cveMetadata")
    document: msgspec.Raw = _ABSENT
    catalog: msgspec.Raw = msgspec.field(default=_ABSENT, name="catalogVersion")
    vulnerabilities: msgspec.Raw = _ABSENT
    cve: msgspec.Raw = _ABSENT
    changed: msgspec.Raw = msgspec.field(default=_ABSENT, name="lastModified")
    modified: msgspec.Raw = _ABSENT


_LOOK: Final = msgspec.json.Decoder(_Look)


def _kind(path: Path) -> str:
    """What a file, or the first file of an archive or folder, looks like."""
    with ExitStack() as stack:
        first = next((file for job in jobs(path, stack) for file in job.files()), None)
    if first is None:
        raise Unavailable(f"advisories: {path}: no file in it that could hold any")
    data = first[1]
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] == b"{":
        return _kind_of_object(data, first[0])
    heading = start.partition(b"\n")[0].lower()
    if heading.startswith((b"#model_version", b"cve,")):
        return EPSS
    if heading.startswith(b"cveid,"):
        return KEV
    return "osv"


def _kind_of_object(data: bytes, name: str) -> str:
    try:
        look = _LOOK.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(name, "JSON", str(error)[:100]) from error
    if look.cve_metadata is not _ABSENT:
        return "cve5"
    if look.document is not _ABSENT:
        return "csaf"
    if look.catalog is not _ABSENT:
        return KEV
    if not (look.vulnerabilities is look.cve is look.changed is _ABSENT):
        return "nvd"
    if look.modified is not _ABSENT:
        return "osv"
    raise Malformed(name, "OSV, NVD, CVE 5, CSAF, KEV or EPSS", "none of them")


def opened(path: Path, cache: Path, *, now: datetime | None = None) -> Index:
    """The index in a file, or of what a folder holds.

    cache   where the index of a large folder is kept, under the digest of the folder's contents
    raises  Unavailable where there are no records or no KEV catalogue, Malformed
    """
    if path.is_file():
        return _checked(Index.open(path))
    found = feeds(path)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    if size <= _KEPT_IN_MEMORY:
        index = Index.memory()
        _fill(index, found, now)
        return _checked(index)
    kept = cache / "advisories" / f"{_digest(path)}.sqlite"
    if not kept.exists():
        with Index.building(kept) as building:
            _fill(building, found, now)
    return _checked(Index.open(kept))


def _fill(index: Index, found: list[Found], now: datetime | None) -> None:
    for feed, paths in found:
        load(index, feed, paths, now=now)


def _checked(index: Index) -> Index:
    _ = index.snapshot
    return index


def _digest(folder: Path) -> str:
    """Of every file's name and content: no time of modification can pass one off for another."""
    whole = hashlib.sha256(f"index format {FORMAT}".encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            whole.update(f"{path.relative_to(folder)}\0{content}\n".encode())
    return whole.hexdigest()

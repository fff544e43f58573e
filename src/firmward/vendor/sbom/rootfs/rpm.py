"""rpm: what is installed, read from the headers in `rpmdb.sqlite`.

The older databases (Berkeley DB, ndb) are not read: an image with one of those has packages that
nobody can name, which is said.

Source: rpm.org, RPM v4 header format and tags; lib/rpmtag.h for the numbers.
"""

import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from firmward.terms.errors import Malformed
from firmward.vendor.sbom import purls
from firmward.vendor.sbom.collectors.statement import stated
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.rootfs.databases import Installed
from firmward.vendor.sbom.rootfs.files import Rootfs
from firmward.vendor.sbom.rootfs.system import System

_FOLDERS: Final = ("var/lib/rpm/", "usr/lib/sysimage/rpm/", "usr/share/rpm/")
_SQLITE: Final = "rpmdb.sqlite"
_UNREAD: Final = ("Packages", "Packages.db")
_MOST_PACKAGES: Final = 100_000
# Headers of the largest packages (kernels, by their file lists) reach some 10 MiB.
_LARGEST_HEADER: Final = 64 * 1024 * 1024
# A query over a sound database takes some thousand steps per row; a crafted one may never end.
_STEPS: Final = 200_000_000

_TAGS: Final = {
    1000: "name",
    1001: "version",
    1002: "release",
    1003: "epoch",
    1011: "vendor",
    1014: "license",
    1022: "arch",
    1044: "source",
    1116: "folder_of",
    1117: "base_names",
    1118: "folders",
}
_INT32, _STRING, _STRINGS, _I18N = 4, 6, 8, 9


def wanted(path: str) -> bool:
    """Whether a file is an rpm database that is read."""
    return path in tuple(f"{folder}{_SQLITE}" for folder in _FOLDERS)


def read(rootfs: Rootfs, system: System, into: Installed) -> None:
    """Add what rpm installed.  Raises Malformed."""
    for folder in _FOLDERS:
        path = f"{folder}{_SQLITE}"
        if rootfs.has(path):
            into.databases.append(path)
            _read(rootfs, path, system, into)
            continue
        for unread in (folder + name for name in _UNREAD if rootfs.has(folder + name)):
            into.databases.append(unread)
            into.parts.append(_unread(unread))


def _read(rootfs: Rootfs, path: str, system: System, into: Installed) -> None:
    for header in _headers(rootfs.read(path), path):
        tags = tags_of(header, path)
        into.owned.update(_files(tags))
        # Keys that packages are verified with are listed as packages too.
        if tags.get("name") != "gpg-pubkey":
            into.parts.append(_package(path, tags, system))


def _unread(path: str) -> Found:
    return stated(
        *("rootfs", f"rootfs:{path}", "package-db", "packages of an older rpm database"),
        says="Berkeley DB or ndb, which is not read: rpmdb --rebuilddb makes it sqlite",
        linked="yes",
        scope="ships",
        known_unknown=True,
    )


def _headers(data: bytes, path: str) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory(prefix="firmward-rpm-") as name:
        file = Path(name) / _SQLITE
        file.write_bytes(data)
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as opened:
                yield from _rows(opened, path)
        except sqlite3.Error as error:
            raise Malformed(f"rootfs:{path}", "an rpm database", str(error)[:120]) from error


def _rows(opened: sqlite3.Connection, path: str) -> Iterator[bytes]:
    # The file is whoever built the image's: no view or trigger of it may run.
    opened.execute("PRAGMA trusted_schema = OFF")
    opened.execute("PRAGMA cell_size_check = ON")
    opened.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_HEADER)
    ticks = iter(range(_STEPS // 1_000_000))
    opened.set_progress_handler(lambda: next(ticks, None) is None, 1_000_000)
    kind = opened.execute("SELECT type FROM sqlite_master WHERE name = 'Packages'").fetchone()
    if kind != ("table",):
        raise Malformed(f"rootfs:{path}", "a table Packages", str(kind))
    query = "SELECT blob FROM Packages ORDER BY hnum LIMIT ?"
    for count, (blob,) in enumerate(opened.execute(query, (_MOST_PACKAGES + 1,))):
        if count == _MOST_PACKAGES or not isinstance(blob, bytes):
            raise Malformed(f"rootfs:{path}", f"at most {_MOST_PACKAGES} headers", "others")
        yield blob


def tags_of(header: bytes, path: str) -> dict[str, Any]:
    """The tags that we read of one header: texts, and lists of texts and numbers.

    An index entry is (tag, type, offset, count), big-endian, 16 bytes each, before the data.
    """
    found: dict[str, Any] = {}
    try:
        count, size = struct.unpack_from(">II", header)
        start = 8 + 16 * count
        if len(header) < start + size:
            raise ValueError("shorter than it says")
        data = header[start : start + size]
        for index in range(count):
            tag, kind, offset, number = struct.unpack_from(">IIII", header, 8 + 16 * index)
            if tag in _TAGS and _TAGS[tag] not in found:
                found[_TAGS[tag]] = _value(data, kind, offset, number)
    except (struct.error, ValueError) as error:
        raise Malformed(f"rootfs:{path}", "an rpm header", str(error)[:120]) from error
    return found


def _value(data: bytes, kind: int, offset: int, number: int) -> Any:
    if kind == _INT32:
        return list(struct.unpack_from(f">{min(number, len(data))}I", data, offset))
    if kind not in (_STRING, _STRINGS, _I18N):
        raise ValueError(f"a tag of type {kind}")
    texts = []
    for _ in range(1 if kind == _STRING else number):
        end = data.index(b"\0", offset)
        texts.append(data[offset:end].decode("utf-8", errors="replace"))
        offset = end + 1
    return texts if kind == _STRINGS else texts[0]


def _files(tags: dict[str, Any]) -> Iterator[str]:
    folders = tags.get("folders", [])
    for name, number in zip(tags.get("base_names", []), tags.get("folder_of", []), strict=False):
        if number < len(folders):
            yield f"{folders[number]}{name}".lstrip("/")


def _package(path: str, tags: dict[str, Any], system: System) -> Found:
    told = {
        name: str(value) if isinstance(value := tags.get(name, ""), str) else ""
        for name in ("name", "version", "release", "arch", "source", "vendor", "license")
    }
    if not told["name"] or not told["version"]:
        raise Malformed(f"rootfs:{path}", "a package and its version", repr(told["name"][:60]))
    number = f"{told['version']}-{told['release']}"
    epoch = str(tags["epoch"][0]) if tags.get("epoch") else ""
    source = told["source"].removesuffix(".src.rpm").removesuffix(".nosrc.rpm")
    # name-version-release: neither of the last two may hold a dash.
    parts = source.rsplit("-", 2)
    qualifiers = {"arch": told["arch"], "epoch": epoch, "distro": system.distro}
    qualifiers["upstream"] = told["source"]
    return stated(
        *("rootfs", f"rootfs:{path}", "package-db", told["name"]),
        f"{epoch}:{number}" if epoch not in ("", "0") else number,
        supplier=told["vendor"] or system.supplier,
        licence=told["license"],
        purl=purls.make("rpm", told["name"], number, system.name, qualifiers),
        source_package=parts[0] if len(parts) == 3 else told["name"],
        source_version="-".join(parts[1:]) if len(parts) == 3 else number,
        linked="yes",
        scope="ships",
    )

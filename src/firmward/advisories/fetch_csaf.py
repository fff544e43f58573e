"""A CSAF provider: its metadata, the list of what changed when, and each document with its hash.

Source: OASIS CSAF 2.0, 7.1 (requirements 7, 11 to 13, 18 and 19).
"""

import csv
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from firmward.advisories.feeds import Feed
from firmward.advisories.line import Line, NotThere
from firmward.advisories.services import Brought, Services, plain_segments
from firmward.advisories.sums import matches
from firmward.advisories.upstream import Upstream, decode, instant
from firmward.terms.errors import Malformed, Unavailable
from firmward.terms.wire import MIB

_METADATA_LIMIT: Final = MIB
_LIST_LIMIT: Final = 64 * MIB
_DOCUMENT_LIMIT: Final = 64 * MIB
_HASHES: Final = ("sha512", "sha256")


class _Distribution(Upstream, frozen=True, kw_only=True):
    directory_url: str | None = None


class _Provider(Upstream, frozen=True, kw_only=True):
    role: str = ""
    distributions: list[_Distribution] = []


_PROVIDER: Final = msgspec.json.Decoder(_Provider)


def fetch(
    line: Line, services: Services, feed: str, held: Feed | None, folder: Path, now: datetime
) -> Brought | None:
    """The documents released since the cursor, which is the last release that was taken."""
    address = next(url for url in services.csaf if url.split("/")[2] == feed.partition("/")[2])
    metadata = line.read(address, folder / "provider-metadata.json", limit=_METADATA_LIMIT)
    provider = decode(_PROVIDER, metadata, f"{feed}: provider-metadata.json")
    directories = [d.directory_url for d in provider.distributions if d.directory_url]
    if not directories:
        raise Unavailable(f"{feed}: names no directory (ROLIE feeds are not read)")
    since = held.cursor if held is not None else ""
    newest = since
    documents = folder / "documents"
    for number, directory in enumerate(directories):
        where = directory.rstrip("/")
        listed = line.read(f"{where}/changes.csv", folder / "changes.csv", limit=_LIST_LIMIT)
        for name, released in _changes(listed, feed):
            newest = max(newest, released)
            if released > since:
                path = documents / str(number) / name
                _document(line, f"{where}/{quote(name)}", path, released, provider.role)
    return Brought((documents,), now, newest) if newest > since else None


def _changes(data: bytes, feed: str) -> list[tuple[str, str]]:
    """Paths with the times of their release (7.1.13).  Raises Malformed."""
    who = f"{feed}: changes.csv"
    try:
        rows = [row for row in csv.reader(data.decode("utf-8-sig").splitlines()) if row]
    except (csv.Error, UnicodeDecodeError) as error:
        raise Malformed(who, "CSV", str(error)[:100]) from error
    for row in rows:
        # A path with `..` in it would be written where the provider likes.
        if len(row) != 2 or not plain_segments(row[0]) or not row[0].endswith(".json"):
            raise Malformed(who, "a path below it and a time", repr(row)[:100])
    return [(name, instant(released, who)) for name, released in rows]


def _document(line: Line, url: str, path: Path, released: str, role: str) -> None:
    """Fetch a document and its hash; a trusted provider gives one for each (7.1.18)."""
    mark = path.with_name(f"{path.name}.released")
    if path.exists() and mark.exists() and mark.read_text() == released:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    mark.unlink(missing_ok=True)
    line.save(url, path, limit=_DOCUMENT_LIMIT)
    for algorithm in _HASHES:
        hashed = path.with_name(f"{path.name}.{algorithm}")
        try:
            line.save(f"{url}.{algorithm}", hashed, limit=MIB)
        except NotThere:
            continue
        if not matches(path, algorithm, hashed.read_text(errors="replace").partition(" ")[0]):
            raise Unavailable(f"{url}: does not have the {algorithm} that its provider states")
        break
    else:
        if role == "csaf_trusted_provider":
            raise Unavailable(f"{url}: expected a hash, got none")
    mark.write_text(released)

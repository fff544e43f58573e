"""Bringing an index up to date from the official services, feed by feed.

A visit first saves everything to a folder of its own, where an interrupted one goes on, and then
loads it in one transaction: on any error the feed stays as it was, with its age.  What an official
service just gave over verified TLS, or just said to be unchanged, is as recent as that visit.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from firmward.advisories import fetch_csaf, fetch_cve5, fetch_nvd, fetch_osv, read_epss, read_kev
from firmward.advisories.feeds import EPSS, KEV, Feed, OlderSnapshot
from firmward.advisories.index import Index
from firmward.advisories.inputs import whole
from firmward.advisories.line import Line
from firmward.advisories.load import load
from firmward.advisories.services import Brought, Services
from firmward.terms.errors import Misuse
from firmward.terms.wire import MIB

_TABLE_LIMIT: Final = 128 * MIB


@dataclass(frozen=True)
class Updated:
    """How a feed's update ended: how many records changed, and how recent the feed is now."""

    feed: str
    taken: int
    snapshot: datetime


def update(
    index: Index, feed: str, services: Services, line: Line, spool: Path, now: datetime
) -> Updated:
    """Bring one feed up to date.

    spool   where files are kept until they are loaded, and where an interrupted visit goes on
    raises  Unavailable, Malformed, OlderSnapshot; then the feed is as it was
    """
    fetch = _FETCHERS.get(feed.partition("/")[0])
    if fetch is None:
        raise Misuse(f"{feed}: no such feed")
    folder = spool / feed.replace("/", "-")
    brought = fetch(line, services, feed, index.feed(feed), folder, now)
    if brought is None:
        index.confirm(feed, snapshot=now, now=now)
        return Updated(feed, 0, now)
    taken = load(
        index, feed, brought.paths, snapshot=brought.snapshot, cursor=brought.cursor, now=now
    )
    # Only now: a crash before this line finds the files again and loads them.
    shutil.rmtree(folder, ignore_errors=True)
    return Updated(feed, taken, brought.snapshot)


class _Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """What a table's service said of the copy that is held."""

    etag: str = ""
    modified: str = ""
    made: str = ""


def _table(
    line: Line,
    url: str,
    held: Feed | None,
    path: Path,
    now: datetime,
    made_at: Callable[[bytes], str],
) -> Brought | None:
    """Fetch a file that is complete each time, None where the held one is still the newest."""
    old = msgspec.json.decode(held.cursor, type=_Cursor) if held and held.cursor else _Cursor()
    asks = {"If-None-Match": old.etag, "If-Modified-Since": old.modified}
    headers = {name: value for name, value in asks.items() if value}
    saved = line.save(url, path, limit=_TABLE_LIMIT, headers=headers)
    if not saved.fresh:
        return None
    made = made_at(whole(path))
    # Yesterday's table, replayed, would hide what was added today.
    if held is not None and old.made and made < old.made:
        raise OlderSnapshot(
            held.name, datetime.fromisoformat(old.made), datetime.fromisoformat(made)
        )
    cursor = _Cursor(etag=saved.etag, modified=saved.modified, made=made)
    return Brought((path,), now, msgspec.json.encode(cursor).decode())


def _fetch_kev(
    line: Line, services: Services, feed: str, held: Feed | None, folder: Path, now: datetime
) -> Brought | None:
    path = folder / "kev.json"
    return _table(line, services.kev, held, path, now, lambda d: read_kev.catalogue(d)[0])


def _fetch_epss(
    line: Line, services: Services, feed: str, held: Feed | None, folder: Path, now: datetime
) -> Brought | None:
    path = folder / "epss.csv"
    return _table(line, services.epss, held, path, now, lambda d: read_epss.scores(d)[0])


Fetcher = Callable[[Line, Services, str, Feed | None, Path, datetime], Brought | None]
_FETCHERS: Final[dict[str, Fetcher]] = {
    "osv": fetch_osv.fetch,
    "nvd": fetch_nvd.fetch,
    "cve5": fetch_cve5.fetch,
    "csaf": fetch_csaf.fetch,
    KEV: _fetch_kev,
    EPSS: _fetch_epss,
}

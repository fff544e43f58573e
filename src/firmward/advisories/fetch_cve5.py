"""The CVE list's releases: each day everything as of midnight, and through the day what changed.

A day's later delta holds its earlier ones, so one delta per day suffices, and of a past day only
the one at its end.

Source: README of CVEProject/cvelistV5, "Releases".
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from firmward.advisories.feeds import Feed
from firmward.advisories.line import Line
from firmward.advisories.services import Brought, Services
from firmward.advisories.sums import matches
from firmward.advisories.upstream import Upstream, decode, instant
from firmward.terms.errors import Unavailable
from firmward.terms.wire import MIB

_LIST_LIMIT: Final = 64 * MIB
_ARCHIVE_LIMIT: Final = 4096 * MIB
_PAGES: Final = 10
"""Pages of the list that are looked through; a hundred releases each, about 40 days in all."""
_DELTA: Final = re.compile(r"(\d{4}-\d\d-\d\d)_delta_CVEs_at_(\d{4}Z|end_of_day)\.zip")
_ALL: Final = re.compile(r"(\d{4}-\d\d-\d\d)_all_CVEs_at_midnight\.zip(?:\.zip)?")
_END: Final = "end"


class _Asset(Upstream, frozen=True, kw_only=True):
    name: str
    browser_download_url: str
    digest: str | None = None


class _Release(Upstream, frozen=True, kw_only=True):
    published_at: str
    assets: list[_Asset]


@dataclass
class _Days:
    """The newest delta of each day ("1400Z", "end"), the archives, the last publication."""

    deltas: dict[str, tuple[str, _Asset]] = field(default_factory=dict)
    archives: dict[str, _Asset] = field(default_factory=dict)
    published: str = ""


_RELEASES: Final = msgspec.json.Decoder(list[_Release])


def fetch(
    line: Line, services: Services, feed: str, held: Feed | None, folder: Path, now: datetime
) -> Brought | None:
    """What changed since the cursor (its day and hour), or everything where a day is gone."""
    since = held.cursor if held is not None else ""
    days = _listed(line, services, since[:10], folder)
    if not days.deltas:
        raise Unavailable("cve5: the list of releases names no delta")
    last = max(days.deltas)
    cursor = f"{last} {days.deltas[last][0]}"
    if cursor == since:
        return None
    wanted = _since(days.deltas, since[:10], last) if since else None
    if wanted is None:
        base = max((day for day in days.archives if day <= last), default="")
        later = _since(days.deltas, base, last) if base else None
        if later is None:
            raise Unavailable("cve5: the releases leave out a day since the last whole archive")
        wanted = [days.archives[base], *later]
    paths = tuple(_saved(line, asset, folder) for asset in wanted)
    return Brought(paths, min(datetime.fromisoformat(days.published), now), cursor)


def _listed(line: Line, services: Services, since: str, folder: Path) -> _Days:
    """The releases back to the day of the cursor, or to the newest whole archive."""
    days = _Days()
    for number in range(1, _PAGES + 1):
        url = f"{services.cve5}?per_page=100&page={number}"
        data = line.read(url, folder / "releases.json", limit=_LIST_LIMIT)
        releases = decode(_RELEASES, data, "cve5 releases")
        _gather(releases, days)
        reached = min(days.deltas, default="9999") < since if since else bool(days.archives)
        if not releases or reached:
            break
    return days


def _gather(releases: Iterable[_Release], days: _Days) -> None:
    for release in releases:
        days.published = max(days.published, instant(release.published_at, "cve5 release"))
        for asset in release.assets:
            delta, archive = _DELTA.fullmatch(asset.name), _ALL.fullmatch(asset.name)
            if delta is not None:
                hour = _END if delta[2] == "end_of_day" else delta[2]
                # "end" sorts behind every hour.
                if delta[1] not in days.deltas or hour > days.deltas[delta[1]][0]:
                    days.deltas[delta[1]] = hour, asset
            elif archive is not None:
                days.archives.setdefault(archive[1], asset)


def _since(deltas: Mapping[str, tuple[str, _Asset]], first: str, last: str) -> list[_Asset] | None:
    """The deltas of the days from `first` to `last`; None where one stops before its day's end."""
    found: list[_Asset] = []
    day = date.fromisoformat(first)
    while day.isoformat() <= last:
        hour, asset = deltas.get(day.isoformat(), ("", None))
        if asset is None or (hour != _END and day.isoformat() != last):
            return None
        found.append(asset)
        day += timedelta(days=1)
    return found


def _saved(line: Line, asset: _Asset, folder: Path) -> Path:
    path = folder / asset.name
    algorithm, _, digest = (asset.digest or "").partition(":")
    if not path.exists():
        line.save(asset.browser_download_url, path, limit=_ARCHIVE_LIMIT, within_s=3600)
    if algorithm == "sha256" and not matches(path, algorithm, digest):
        path.unlink()
        raise Unavailable(f"cve5: {asset.name} does not have the digest that its release states")
    return path

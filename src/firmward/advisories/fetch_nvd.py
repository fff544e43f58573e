"""NVD's CVE API 2.0: everything page by page, then what was modified since, in windows of 120 days.

Source: NIST, "Developers: Vulnerabilities", CVE API; its terms ask for a pause between requests.
"""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import msgspec

from firmward.advisories.feeds import Feed
from firmward.advisories.line import Line
from firmward.advisories.services import Brought, Services
from firmward.advisories.upstream import Upstream, decode
from firmward.terms.errors import Unavailable
from firmward.terms.times import moment
from firmward.terms.wire import MIB

_WINDOW: Final = timedelta(days=119)
"""NVD refuses more than 120 days; one less leaves room for its clock."""
_PAGE_LIMIT: Final = 256 * MIB
# NVD allows 5 requests in 30 seconds without a key, and 50 with one.
_PAUSE_S: Final = 6.0
_PAUSE_WITH_KEY_S: Final = 0.6


class _Page(Upstream, frozen=True, kw_only=True, rename="camel"):
    start_index: int
    total_results: int
    vulnerabilities: list[msgspec.Raw]


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a visit is about to fetch; one that was interrupted goes on with it.

    since   "" for everything
    until   when it began, and where the next one starts
    """

    since: str
    until: str


_PAGE: Final = msgspec.json.Decoder(_Page)


def fetch(
    line: Line, services: Services, feed: str, held: Feed | None, folder: Path, now: datetime
) -> Brought | None:
    """Everything modified since the cursor, which is when the last visit began."""
    plan = _planned(folder, held.cursor if held is not None else "", now)
    pages: list[Path] = []
    for number, window in enumerate(_windows(plan)):
        pages += _pages(line, services, window, folder / f"window-{number:03}")
    return Brought(tuple(pages), datetime.fromisoformat(plan.until), plan.until)


def _planned(folder: Path, since: str, now: datetime) -> _Plan:
    path = folder / "plan.json"
    if path.exists():
        plan = msgspec.json.decode(path.read_bytes(), type=_Plan)
        # Another cursor means that the index was made anew: then the pages are of no use.
        if plan.since == since and datetime.fromisoformat(plan.until) <= now:
            return plan
        for old in folder.glob("window-*/*"):
            old.unlink()
    plan = _Plan(since=since, until=moment(now))
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(plan))
    return plan


def _windows(plan: _Plan) -> Iterator[dict[str, str]]:
    """The query of each stretch of time."""
    if not plan.since:
        yield {}
        return
    begin, until = datetime.fromisoformat(plan.since), datetime.fromisoformat(plan.until)
    while begin < until:
        end = min(begin + _WINDOW, until)
        yield {"lastModStartDate": _asked(begin), "lastModEndDate": _asked(end)}
        begin = end


def _asked(when: datetime) -> str:
    return moment(when).replace("Z", ".000Z")


def _pages(line: Line, services: Services, window: dict[str, str], folder: Path) -> list[Path]:
    """All pages of a window; those that an interrupted visit has saved are not asked for again."""
    found: list[Path] = []
    start, total = 0, 1
    while start < total:
        path = folder / f"page-{start:08}.json"
        if not path.exists():
            _ask(line, services, {**window, "startIndex": str(start)}, path)
        page = decode(_PAGE, path.read_bytes(), f"NVD {path.name}")
        total = page.total_results
        if page.start_index != start or (not page.vulnerabilities and start < total):
            path.unlink()
            raise Unavailable(
                f"NVD: expected a page from {start} of {total}, got {page.start_index} with"
                f" {len(page.vulnerabilities)} records"
            )
        start += len(page.vulnerabilities)
        found.append(path)
    return found


def _ask(line: Line, services: Services, query: dict[str, str], path: Path) -> None:
    usual = _PAUSE_WITH_KEY_S if services.nvd_key else _PAUSE_S
    query = {**query, "resultsPerPage": str(services.page)}
    headers = {"apiKey": services.nvd_key} if services.nvd_key else None
    line.save(f"{services.nvd}?{urlencode(query)}", path, limit=_PAGE_LIMIT, headers=headers)
    time.sleep(usual if services.nvd_pause_s is None else services.nvd_pause_s)

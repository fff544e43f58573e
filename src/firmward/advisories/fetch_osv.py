"""osv.dev's export: per ecosystem a list of what changed when, single records, and one archive."""

import re
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from firmward.advisories.feeds import Feed
from firmward.advisories.line import Line
from firmward.advisories.services import Brought, Services
from firmward.advisories.upstream import instant
from firmward.terms.errors import Malformed
from firmward.terms.wire import MIB

_LIST_LIMIT: Final = 256 * MIB
_ARCHIVE_LIMIT: Final = 2048 * MIB
_RECORD_LIMIT: Final = 16 * MIB
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,127}\Z")


def fetch(
    line: Line, services: Services, feed: str, held: Feed | None, folder: Path, now: datetime
) -> Brought | None:
    """What changed since the cursor, which is the last modification that was taken."""
    where = f"{services.osv}/{quote(feed.partition('/')[2])}"
    listed = line.read(f"{where}/modified_id.csv", folder / "modified_id.csv", limit=_LIST_LIMIT)
    since = held.cursor if held is not None else ""
    newest, changed = _changed(listed, since, feed)
    if not changed:
        return None
    if not since or len(changed) > services.singles:
        archive = folder / "all.zip"
        line.save(f"{where}/all.zip", archive, limit=_ARCHIVE_LIMIT, within_s=3600)
        return Brought((archive,), now, newest)
    records = folder / "records"
    for name, modified in changed:
        # The time is in the name: a visit that goes on later fetches what has changed since.
        path = records / f"{name}@{re.sub('[^0-9]', '', modified)}.json"
        if not path.exists():
            line.save(f"{where}/{quote(name)}.json", path, limit=_RECORD_LIMIT)
    return Brought((records,), now, newest)


def _changed(data: bytes, since: str, who: str) -> tuple[str, list[tuple[str, str]]]:
    """The last modification, and ids with theirs after `since`.  The list starts at the newest."""
    found: list[tuple[str, str]] = []
    newest = ""
    for row in data.decode("ascii", "replace").splitlines():
        stated, _, name = row.strip().partition(",")
        modified = instant(stated, f"{who}: modified_id.csv")
        if not modified or not _ID.match(name):
            raise Malformed(f"{who}: modified_id.csv", "a time and an id", repr(row[:80]))
        newest = max(newest, modified)
        if modified <= since:
            break
        found.append((name, modified))
    if not newest:
        raise Malformed(f"{who}: modified_id.csv", "at least one record", "none")
    return newest, found

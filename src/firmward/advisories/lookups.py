"""Asking an index: records by key and name, the exploited and the likely, and how old it all is."""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from firmward.advisories.feeds import EPSS, KEV, Feed
from firmward.advisories.keys import filed, id_key
from firmward.advisories.records import SOURCES, Exploited, Likelihood, Record
from firmward.advisories.rows import unpack
from firmward.terms.errors import Unavailable
from firmward.terms.times import moment

_UNDER: Final = (
    "SELECT lookup.key, lookup.record FROM json_each(?) AS asked"
    " CROSS JOIN lookup ON lookup.key = asked.value"
)
_BODIES: Final = (
    "SELECT record.rowid, record.body FROM json_each(?) AS asked"
    " CROSS JOIN record ON record.rowid = asked.value"
)
_EXPLOITED: Final = (
    "SELECT exploited.cve, added, due, ransomware FROM json_each(?) AS asked"
    " CROSS JOIN exploited ON exploited.cve = asked.value LIMIT 1"
)
_FEEDS: Final = "SELECT name, snapshot, cursor, updated, licence, taken FROM feed ORDER BY name"
_COUNTS: Final = (
    "SELECT source, count(*) FROM record GROUP BY source"
    " UNION ALL SELECT 'kev', count(*) FROM exploited"
    " UNION ALL SELECT 'epss', count(*) FROM likelihood"
)


class Lookups:
    """The reading half of an index.  Safe to ask from several threads."""

    def __init__(self, database: sqlite3.Connection):
        self._db = database
        self._lock = threading.RLock()

    def candidates(self, keys: Iterable[str]) -> Iterator[Record]:
        """Every record under any of these keys, each once."""
        yield from self._records({rowid for _, rowid in self._under(keys)}).values()

    def by_key(self, keys: Iterable[str]) -> dict[str, list[Record]]:
        """The records under each of these keys; a key without one is left out."""
        pairs = self._under(keys)
        records = self._records({rowid for _, rowid in pairs})
        found: dict[str, list[Record]] = {}
        for key, rowid in pairs:
            found.setdefault(key, []).append(records[rowid])
        return found

    def by_name(self, name: str) -> tuple[Record, ...]:
        """The records whose id or alias this is."""
        found = self.candidates([id_key(name)])
        return tuple(record for record in found if name in (record.id, *record.aliases))

    def exploited(self, names: Iterable[str]) -> Exploited | None:
        """The catalogue's row for one of these names, None where it has none."""
        for cve, added, due, ransomware in self._all(_EXPLOITED, _listed(names)):
            return Exploited(cve=cve, added=added, due=due, ransomware=bool(ransomware))
        return None

    def catalogue(self) -> dict[str, Exploited]:
        """Everything that is known to be exploited, by CVE id."""
        rows = self._all("SELECT cve, added, due, ransomware FROM exploited")
        return {
            cve: Exploited(cve=cve, added=added, due=due, ransomware=bool(ransomware))
            for cve, added, due, ransomware in rows
        }

    def likelihood(self, cve: str) -> Likelihood | None:
        """The EPSS of a CVE, None where it has none."""
        for epss, percentile in self._all(
            "SELECT epss, percentile FROM likelihood WHERE cve = ?", cve
        ):
            return Likelihood(cve=cve, epss=epss, percentile=percentile)
        return None

    def feeds(self) -> tuple[Feed, ...]:
        """Every feed, by name."""
        return tuple(
            Feed(
                name=name,
                snapshot=datetime.fromisoformat(snapshot),
                cursor=cursor,
                updated=datetime.fromisoformat(updated),
                licence=licence,
                taken=taken,
            )
            for name, snapshot, cursor, updated, licence, taken in self._all(_FEEDS)
        )

    def feed(self, name: str) -> Feed | None:
        """The feed of that name, None before its first update."""
        return next((feed for feed in self.feeds() if feed.name == name), None)

    def counts(self) -> dict[str, int]:
        """How many records of each source there are, and how many rows of KEV and EPSS."""
        return dict(self._all(_COUNTS))

    @property
    def snapshot(self) -> datetime:
        """How recent all this is: the oldest of its feeds, lest a fresh half hide a stale one.

        Raises Unavailable without any record, or without the catalogue of the exploited: matching
        against nothing would find every component clean.
        """
        feeds = self.feeds()
        kinds = {feed.kind for feed in feeds}
        if kinds.isdisjoint(SOURCES) or not self._all("SELECT 1 FROM record LIMIT 1"):
            raise Unavailable("advisories: expected at least one record, got none")
        if KEV not in kinds:
            raise Unavailable("advisories: expected the KEV catalogue, got none")
        return min(feed.snapshot for feed in feeds)

    def age(self, now: datetime) -> timedelta:
        """How old the snapshot is.  Raises Unavailable as `snapshot` does."""
        return now - self.snapshot

    def digest(self) -> str:
        """Changes with whatever an answer could depend on; the same updates give the same."""
        parts = [f"{feed.name} {moment(feed.snapshot)}" for feed in self.feeds()]
        return hashlib.sha256("\n".join([self._content(), *parts]).encode()).hexdigest()

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    def _content(self) -> str:
        found = self._all("SELECT value FROM state WHERE name = 'content'")
        return str(found[0][0]) if found else ""

    def _under(self, keys: Iterable[str]) -> list[tuple[str, int]]:
        asked = {filed(key): key for key in keys}
        return [(asked[key], rowid) for key, rowid in self._all(_UNDER, json.dumps(list(asked)))]

    def _records(self, rowids: set[int]) -> dict[int, Record]:
        """In the order in which they lie in the file, which is the cheapest to read."""
        listed = json.dumps(sorted(rowids))
        return {rowid: unpack(body) for rowid, body in self._all(_BODIES, listed)}

    def _all(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            try:
                return self._db.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise Unavailable(f"advisories: the index cannot be read: {error}") from error


def _listed(texts: Iterable[str]) -> str:
    return json.dumps(list(dict.fromkeys(texts)))


KINDS: Final = (*SOURCES, KEV, EPSS)
"""Every kind of feed there is."""

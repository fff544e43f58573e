"""Everything that is known of vulnerabilities, in one SQLite file that is built and kept locally.

If stolen, its thief learns what everybody can read.  If written to, its thief hides vulnerabilities
from whoever matches against it: it belongs to the account that matches, like its configuration.

An update happens whole or not at all: killed in the middle of one, the file is as it was before,
snapshot and age included.  A catalogue never goes back in time, since yesterday's is what an
attacker would show to somebody whom today's would warn.
"""

import fcntl
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from firmward.advisories.feeds import EPSS, KEV, LICENCES, OlderSnapshot
from firmward.advisories.keys import filed, record_keys
from firmward.advisories.lookups import Lookups
from firmward.advisories.records import Exploited, Likelihood, Record
from firmward.advisories.rows import (
    FORMAT,
    SCHEMA,
    Filing,
    Latest,
    Packed,
    batches,
    newest_of_each,
    pack,
)
from firmward.terms.errors import Misuse, Unavailable
from firmward.terms.times import moment

_WAIT_S: Final = 30.0
"""Longer than any one commit takes; a reader gives up after it rather than hang."""

_FILED: Final = "INSERT OR IGNORE INTO lookup VALUES (?, ?)"
_HELD: Final = (
    "SELECT record.id, record.rowid, record.modified FROM json_each(?2) AS asked"
    " CROSS JOIN record ON record.source = ?1 AND record.id = asked.value"
)


class Index(Lookups):
    """An index that is asked, and brought up to date feed by feed."""

    @classmethod
    def memory(cls) -> Self:
        """An empty index that is gone when it is let go."""
        return cls(_laid_out(_connected(":memory:")))

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> Self:
        """The index in a file.

        write   whether it may be updated; it is made where there is none
        raises  Unavailable where it is absent, damaged or of another format
        """
        try:
            database = _connected(f"{path.resolve().as_uri()}?mode={'rwc' if write else 'ro'}")
            ((tables,),) = database.execute("SELECT count(*) FROM sqlite_schema").fetchall()
            ((found,),) = database.execute("PRAGMA user_version").fetchall()
        except sqlite3.Error as error:
            raise Unavailable(f"advisories: {path}: {error}") from error
        if write and not tables:
            return cls(_laid_out(database))
        if found != FORMAT:
            database.close()
            raise Unavailable(f"advisories: {path}: expected index format {FORMAT}, got {found}")
        return cls(database)

    @classmethod
    @contextmanager
    def building(cls, path: Path) -> Iterator[Self]:
        """A new index that takes the place of the file at `path` once it is complete.

        A crash leaves the old file, and a `.building` beside it that the next build starts over.
        raises  Unavailable while somebody else builds the same
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.building")
        with unfinished.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Unavailable(f"advisories: {path} is being built by another") from error
            unfinished.unlink(missing_ok=True)
            index = cls(_laid_out(_hasty(_connected(f"{unfinished.resolve().as_uri()}"))))
            try:
                yield index
                index.close()
                _put_in_place(unfinished, path)
            finally:
                index.close()
                unfinished.unlink(missing_ok=True)

    def update(
        self,
        feed: str,
        records: Iterable[Record],
        *,
        snapshot: datetime | None = None,
        cursor: str = "",
        now: datetime | None = None,
    ) -> int:
        """Take these records of a feed, each unless a newer one is held; how many were taken.

        A withdrawn record is taken like any other, and says so.
        snapshot  None for the last modification in `records` that does not lie after `now`
        raises    whatever reading `records` raises; then nothing has changed
        """
        return self.update_packed(
            feed, map(pack, records), snapshot=snapshot, cursor=cursor, now=now
        )

    def update_packed(
        self,
        feed: str,
        packed: Iterable[Packed],
        *,
        snapshot: datetime | None = None,
        cursor: str = "",
        now: datetime | None = None,
    ) -> int:
        """As `update`, for records that were packed elsewhere."""
        with self._writing():
            seen, latest, filing = hashlib.sha256(), Latest(now or datetime.now(UTC)), Filing()
            taken = sum(self._put(batch, seen, filing) for batch in batches(latest.through(packed)))
            self._db.executemany(_FILED, filing.in_order())
            held = self.feed(feed)
            recent = snapshot or latest.seen(held, feed)
            self._note(feed, max(recent, held.snapshot) if held else recent, cursor, taken, now)
            if taken:
                self._advance(seen.digest())
        return taken

    def update_exploited(
        self,
        listed: Sequence[Exploited],
        *,
        snapshot: datetime,
        cursor: str = "",
        now: datetime | None = None,
    ) -> int:
        """Put this catalogue in place of the held one.  Raises OlderSnapshot."""
        body = [(row.cve, row.added, row.due, int(row.ransomware)) for row in listed]
        with self._replacing(KEV, "exploited", snapshot):
            self._db.executemany("INSERT OR REPLACE INTO exploited VALUES (?, ?, ?, ?)", body)
            self._note(KEV, snapshot, cursor, len(body), now)
            self._advance(_digest(body))
        return len(body)

    def update_likelihood(
        self,
        scored: Sequence[Likelihood],
        *,
        snapshot: datetime,
        cursor: str = "",
        now: datetime | None = None,
    ) -> int:
        """Put these scores in place of the held ones.  Raises OlderSnapshot."""
        body = [(row.cve, row.epss, row.percentile) for row in scored]
        with self._replacing(EPSS, "likelihood", snapshot):
            self._db.executemany("INSERT OR REPLACE INTO likelihood VALUES (?, ?, ?)", body)
            self._note(EPSS, snapshot, cursor, len(body), now)
            self._advance(_digest(body))
        return len(body)

    def confirm(self, feed: str, *, snapshot: datetime, now: datetime | None = None) -> None:
        """Its service says that what is held of this feed is its newest.  Raises Misuse."""
        with self._writing():
            held = self.feed(feed)
            if held is None:
                raise Misuse(f"{feed}: confirmed before it was ever taken")
            self._note(feed, max(snapshot, held.snapshot), held.cursor, 0, now)

    # ---- inside a transaction ----

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                raise Unavailable(f"advisories: the index cannot be written: {error}") from error
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    @contextmanager
    def _replacing(self, feed: str, table: str, snapshot: datetime) -> Iterator[None]:
        with self._writing():
            held = self.feed(feed)
            if held is not None and snapshot < held.snapshot:
                raise OlderSnapshot(feed, held.snapshot, snapshot)
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608
            yield

    def _put(self, batch: Sequence[Packed], seen: Any, filing: Filing) -> int:
        """Write the rows of a batch that are newer than what is held; how many."""
        wanted = newest_of_each(batch)
        held = self._held(wanted)
        ((top,),) = self._db.execute("SELECT coalesce(max(rowid), 0) FROM record").fetchall()
        fresh, changed = [], []
        for name, row in wanted.items():
            rowid, modified = held.get(name, (0, ""))
            if rowid and row.modified < modified:
                continue
            if rowid:
                changed.append((row.modified, row.body, rowid))
            else:
                top += 1
                rowid = top
                fresh.append((rowid, *row[:4]))
            filing.add(row.keys, rowid)
            seen.update(f"{row.source} {row.id} {row.modified} ".encode() + row.mark)
        self._forget_keys([rowid for _, _, rowid in changed])
        self._db.executemany("UPDATE record SET modified = ?, body = ? WHERE rowid = ?", changed)
        self._db.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?)", fresh)
        return len(fresh) + len(changed)

    def _held(self, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, str]]:
        """Row and time of modification of those records that are there."""
        ids: dict[str, list[str]] = {}
        for source, name in names:
            ids.setdefault(source, []).append(name)
        return {
            (source, name): (rowid, modified)
            for source, wanted in ids.items()
            for name, rowid, modified in self._db.execute(_HELD, (source, json.dumps(wanted)))
        }

    def _forget_keys(self, rowids: list[int]) -> None:
        """Take away the keys of records that are about to change; bodies still say which."""
        old = self._records(set(rowids))
        stale = [
            (filed(key), rowid) for rowid, record in old.items() for key in record_keys(record)
        ]
        self._db.executemany("DELETE FROM lookup WHERE key = ? AND record = ?", stale)

    def _note(
        self, feed: str, snapshot: datetime, cursor: str, taken: int, now: datetime | None
    ) -> None:
        updated = now or datetime.now(UTC)
        licence = LICENCES.get(feed.partition("/")[0], "")
        row = (feed, moment(snapshot), cursor, moment(updated), licence, taken)
        self._db.execute("INSERT OR REPLACE INTO feed VALUES (?, ?, ?, ?, ?, ?)", row)

    def _advance(self, change: bytes) -> None:
        """The content's digest after this change: of the one before, and of the change."""
        content = hashlib.sha256(self._content().encode() + change).hexdigest()
        self._db.execute("INSERT OR REPLACE INTO state VALUES ('content', ?)", (content,))


def _connected(where: str) -> sqlite3.Connection:
    database = sqlite3.connect(
        where, timeout=_WAIT_S, isolation_level=None, check_same_thread=False, uri=True
    )
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cache_size = -65536")
    return database


def _hasty(database: sqlite3.Connection) -> sqlite3.Connection:
    """Nothing is made durable while it is built: nobody sees it before it is whole."""
    for setting in ("journal_mode = MEMORY", "synchronous = OFF", "page_size = 16384"):
        database.execute(f"PRAGMA {setting}")
    return database


def _laid_out(database: sqlite3.Connection) -> sqlite3.Connection:
    database.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
    return database


def _put_in_place(unfinished: Path, path: Path) -> None:
    """Rename once the bytes are on the disk, and the folder's entry with them."""
    for where, flags in ((unfinished, os.O_RDONLY), (path.parent, os.O_DIRECTORY)):
        if where == path.parent:
            unfinished.replace(path)
        handle = os.open(where, flags)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _digest(body: Sequence[tuple[object, ...]]) -> bytes:
    return hashlib.sha256(repr(body).encode()).digest()

"""The ledger and its store: append, publish, crash, restore, tamper."""

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, select

from firmward.audit.verify import verify
from firmward.hospital.records import ledger, tables
from firmward.hospital.records.ledger import Ledger
from firmward.hospital.records.store import Store
from firmward.proof import merkle
from firmward.terms.errors import Misuse, NotTrusted, Unavailable
from firmward.terms.event import Event, entry
from firmward.terms.stage import Stage

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
ORIGIN = "hospital.example/ledger"


_OPEN: list[Store] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Every store that a test opened is closed when it ends."""
    yield
    while _OPEN:
        _OPEN.pop().close()


def opened(folder: Path) -> tuple[Store, Ledger]:
    """The store and ledger in a folder."""
    store = Store(folder / "store.sqlite")
    _OPEN.append(store)
    return store, Ledger(store, folder / "ledger", ORIGIN, KEY)


def note(number: int) -> Event:
    """An event that differs from its neighbours."""
    return Event(
        kind="device.kept",
        stage=Stage.DEVICE,
        at=START + timedelta(seconds=number),
        actor="firmward",
        subjects=(f"device-{number % 5}",),
        says=f"event {number}",
    )


def grow(store: Store, start: int, end: int) -> None:
    """Events start..end-1 in one transaction."""
    with store.writing() as connection:
        for number in range(start, end):
            assert ledger.append(connection, note(number)) == number


def grow_fast(store: Store, start: int, end: int) -> None:
    """The rows that `append` would write, thousands at once."""
    with store.writing() as connection:
        edge = ledger._edge(connection)
        rows = []
        for number in range(start, end):
            sealed = entry(note(number))
            rows.append({"sequence": number, "entry": sealed})
            edge, _ = edge.add(merkle.leaf(sealed))
        connection.execute(insert(tables.event), rows)
        ledger._keep_edge(connection, edge, first=start == 0)


def partial_files(folder: Path) -> list[Path]:
    """Partial tiles and bundles in a published folder."""
    return sorted(path for path in folder.rglob("*") if ".p/" in str(path) and path.is_file())


def test_an_auditor_accepts_every_publication_across_the_tile_boundary(tmp_path):
    """Each checkpoint verifies and continues the one before it, one to 620 events."""
    store, log = opened(tmp_path)
    sizes = [0, 1, 2, 7, 200, 255, 256, 257, 300, 511, 512, 513, 600, 620]
    earlier = None
    for before, after in zip(sizes, sizes[1:], strict=False):
        grow(store, before, after)

        assert log.publish().size == after

        seen = verify(log.folder, log.verifier, since=earlier)
        assert [number for number, _ in seen] == list(range(after))
        earlier = seen.note


def test_an_auditor_accepts_a_second_level_that_fills(tmp_path):
    """65,536 events complete 256 tiles, whose roots make a full tile and one above it."""
    store, log = opened(tmp_path)
    earlier = None
    for before, after in ((0, 65_000), (65_000, 65_536)):
        grow_fast(store, before, after)
        log.publish()
        earlier = verify(log.folder, log.verifier, since=earlier).note
    assert (log.folder / "tile/2/000.p/1").exists()
    grow_fast(store, 65_536, 65_800)
    log.publish()

    assert len(verify(log.folder, log.verifier, since=earlier)) == 65_800


def test_publishing_with_nothing_new_writes_nothing(tmp_path):
    """The checkpoint stays the same bytes."""
    store, log = opened(tmp_path)
    grow(store, 0, 3)
    log.publish()
    before = (log.folder / "checkpoint").stat().st_mtime_ns

    log.publish()

    assert before == (log.folder / "checkpoint").stat().st_mtime_ns


def test_partial_tiles_that_no_recent_checkpoint_names_are_removed(tmp_path):
    """A long life of small publications leaves a handful of partial files, not hundreds."""
    store, log = opened(tmp_path)
    for number in range(90):
        grow(store, number, number + 1)
        log.publish()

    assert len(partial_files(log.folder)) <= 8
    assert len(verify(log.folder, log.verifier)) == 90


def test_an_auditor_who_reads_slowly_still_finds_the_last_checkpoints_tiles(tmp_path):
    """Partial files of the publication before the newest are still there."""
    store, log = opened(tmp_path)
    grow(store, 0, 40)
    log.publish()
    copy = tmp_path / "slow"
    copy.mkdir()
    shutil.copy(log.folder / "checkpoint", copy / "checkpoint")
    grow(store, 40, 50)
    log.publish()
    shutil.copytree(log.folder / "tile", copy / "tile")

    assert len(verify(copy, log.verifier)) == 40


def test_a_reopened_ledger_goes_on_where_it_was(tmp_path):
    """What was committed but not yet published is published after a restart."""
    store, log = opened(tmp_path)
    grow(store, 0, 300)
    earlier = log.publish() and (log.folder / "checkpoint").read_bytes()
    grow(store, 300, 310)
    store.close()

    _, again = opened(tmp_path)
    again.publish()

    assert len(verify(again.folder, again.verifier, since=earlier)) == 310


WRITER = """
import sys
from pathlib import Path
from tests.hospital.records.test_ledger import opened, note
from firmward.hospital.records import ledger
store, log = opened(Path(sys.argv[1]))
with store.reading() as connection:
    number = ledger._edge(connection).size
print("up", flush=True)
while True:
    with store.writing() as connection:
        ledger.append(connection, note(number))
    print(number, flush=True)
    number += 1
    if number % 3 == 0:
        log.publish()
"""


def test_sigkill_at_any_moment_loses_nothing_acknowledged(tmp_path):
    """Killed in the middle of appends and publications, five times, the log is always whole."""
    chance, earlier = random.Random(7), None
    for _ in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        with writer:
            assert writer.stdout.readline() == "up\n"
            time.sleep(chance.uniform(0.01, 0.25))
            writer.send_signal(signal.SIGKILL)
            said = writer.stdout.read().splitlines()
        acknowledged = int(said[-1]) + 1 if said else 0

        store, log = opened(tmp_path)
        checkpoint = log.publish()

        assert checkpoint.size >= acknowledged
        seen = verify(log.folder, log.verifier, since=earlier)
        assert [event for _, event in seen] == [note(number) for number in range(checkpoint.size)]
        earlier = seen.note
        store.close()


def test_a_store_restored_from_an_older_copy_refuses_to_start(tmp_path):
    """It would sign a second history; the checkpoint and the tiles stay as they were."""
    store, log = opened(tmp_path)
    grow(store, 0, 20)
    store.close()
    shutil.copy(tmp_path / "store.sqlite", tmp_path / "backup.sqlite")
    store, log = opened(tmp_path)
    grow(store, 20, 30)
    log.publish()
    store.close()
    for path in tmp_path.glob("store.sqlite*"):
        path.unlink()
    shutil.copy(tmp_path / "backup.sqlite", tmp_path / "store.sqlite")
    before = (tmp_path / "ledger" / "checkpoint").read_bytes()

    with pytest.raises(NotTrusted, match="restored from an older copy"):
        opened(tmp_path)

    assert before == (tmp_path / "ledger" / "checkpoint").read_bytes()


def altered(folder: Path, statement: str, *values: object) -> None:
    """Change rows behind the ledger's back."""
    with sqlite3.connect(folder / "store.sqlite") as connection:
        connection.execute(statement, values)
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "update event set entry = cast(replace(entry, 'event 3', 'event 9') as blob) where sequence = 3",
        "update event set entry = cast(replace(entry, 'event 17', 'event 99') as blob) where sequence = 17",
        "delete from event where sequence = 19",
        "delete from event where sequence = 2",
        "update event set sequence = 40 where sequence = 19",
        "update setting set value = (select value from setting where name = 'old')"
        " where name = 'ledger.edge'",
    ],
    ids=["published-entry", "unpublished-entry", "last-row", "inner-row", "renumbered", "old-edge"],
)
def test_a_store_with_altered_rows_refuses_to_start(tmp_path, statement):
    """Published or not, an event that was changed while nobody served it is noticed."""
    store, log = opened(tmp_path)
    grow(store, 0, 10)
    log.publish()
    with store.writing() as connection:
        edge = connection.execute(select(tables.setting.c.value)).scalar()
        connection.execute(insert(tables.setting).values(name="old", value=edge))
    grow(store, 10, 20)
    store.close()
    altered(tmp_path, statement)
    before = (tmp_path / "ledger" / "checkpoint").read_bytes()

    with pytest.raises(NotTrusted, match="not used"):
        opened(tmp_path)

    assert before == (tmp_path / "ledger" / "checkpoint").read_bytes()


def test_a_file_that_is_no_database_is_unavailable(tmp_path):
    """Overwritten with noise, the store is not opened and not replaced."""
    (tmp_path / "store.sqlite").write_bytes(b"noise" * 1000)

    with pytest.raises(Unavailable, match="store"):
        Store(tmp_path / "store.sqlite")

    assert (tmp_path / "store.sqlite").read_bytes() == b"noise" * 1000


def test_an_error_inside_a_transaction_leaves_nothing_of_it(tmp_path):
    """Neither the rows nor the event nor the tree's edge."""
    store, log = opened(tmp_path)
    grow(store, 0, 4)

    with pytest.raises(ZeroDivisionError), store.writing() as connection:
        ledger.append(connection, note(4))
        connection.execute(insert(tables.setting).values(name="x", value=b"y"))
        raise ZeroDivisionError

    with store.reading() as connection:
        assert ledger._edge(connection).size == 4
        assert connection.execute(select(tables.event)).all()[4:] == []
        assert len(connection.execute(select(tables.setting)).all()) == 1
    assert log.publish().size == 4


def test_what_is_written_through_a_reading_view_is_gone(tmp_path):
    """A reader that writes by mistake changes nothing."""
    store, _ = opened(tmp_path)

    with store.reading() as connection:
        connection.execute(insert(tables.setting).values(name="x", value=b"y"))

    with store.reading() as connection:
        assert connection.execute(select(tables.setting)).all() == []


def test_a_reading_view_is_one_moment(tmp_path):
    """An event committed in between is not seen by a view that has already read."""
    store, _ = opened(tmp_path)
    grow(store, 0, 2)

    with store.reading() as view:
        before = len(ledger.events_from(view, 0))
        grow(store, 2, 5)
        after = len(ledger.events_from(view, 0))

    assert (before, after) == (2, 2)


def test_words_from_outside_cannot_make_an_entry_nobody_can_read(tmp_path):
    """Control characters, half a surrogate pair and endless text become a readable event."""
    store, log = opened(tmp_path)
    hostile = "\x1b[2J\x00\ud800\x85" + "x" * 100_000
    with store.writing() as connection:
        ledger.record(
            connection,
            "access.refused",
            Stage.DEVICE,
            START,
            hostile,
            (hostile, hostile, ""),
            hostile,
            reason=hostile[:50],
            reasons=(hostile[:50], 1),
        )

    log.publish()

    [(_, event)] = verify(log.folder, log.verifier)
    assert event.says.startswith("\ufffd[2J\ufffd\ufffd\ufffdxxx")
    assert len(event.says) == 500


def test_an_event_too_large_for_an_entry_is_a_bug_and_leaves_nothing(tmp_path):
    """An entry bundle gives each entry 65,535 bytes."""
    store, _ = opened(tmp_path)

    with pytest.raises(Misuse, match="cannot be read back"), store.writing() as connection:
        ledger.record(connection, "x", Stage.DEVICE, START, "a", (), "b", many=("y" * 1000,) * 66)

    with store.reading() as connection:
        assert ledger.events_from(connection, 0) == []


def test_events_about_a_subject_are_the_newest_oldest_first(tmp_path):
    """The limit cuts the old ones."""
    store, _ = opened(tmp_path)
    grow(store, 0, 23)

    with store.reading() as connection:
        found = ledger.events_about(connection, "device-3", limit=3)

    assert [number for number, _ in found] == [8, 13, 18]

"""The ledger and its store: append, publish, read back."""

import itertools
import shutil
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from tests.logs import START, grow, grow_fast, note, opened

from firmward.audit.verify import verify
from firmward.hospital.records import ledger, tables
from firmward.terms.errors import Misuse
from firmward.terms.stage import Stage


def partial_files(folder: Path) -> list[Path]:
    """Partial tiles and bundles in a published folder."""
    return sorted(path for path in folder.rglob("*") if ".p/" in str(path) and path.is_file())


def test_an_auditor_accepts_every_publication_across_the_tile_boundary(tmp_path):
    """Each checkpoint verifies and continues the one before it, one to 620 events."""
    store, log = opened(tmp_path)
    sizes = [0, 1, 2, 7, 200, 255, 256, 257, 300, 511, 512, 513, 600, 620]
    earlier = None
    for before, after in itertools.pairwise(sizes):
        grow(store, before, after)

        assert log.publish().size == after

        seen = verify(log.folder, log.verifier, since=earlier)
        assert [number for number, _ in seen] == list(range(after))
        earlier = seen.note


def test_an_auditor_accepts_a_second_level_that_fills(tmp_path):
    """65,536 events complete 256 tiles, whose roots make a full tile and one above it."""
    store, log = opened(tmp_path)
    for before, after in ((0, 65_000), (65_000, 65_536)):
        grow_fast(store, before, after)
        log.publish()
    earlier = verify(log.folder, log.verifier).note
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


def test_an_error_inside_a_transaction_leaves_nothing_of_it(tmp_path):
    """Neither the rows nor the event nor the tree's edge."""
    store, log = opened(tmp_path)
    grow(store, 0, 4)

    def half() -> None:
        with store.writing() as connection:
            ledger.append(connection, note(4))
            connection.execute(insert(tables.setting).values(name="x", value=b"y"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()

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

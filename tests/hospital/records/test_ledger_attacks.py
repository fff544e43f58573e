"""The ledger against crashes, older copies and changed rows."""

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from tests.logs import grow, note, opened

from firmward.audit.verify import verify
from firmward.hospital.records import tables
from firmward.hospital.records.store import Store
from firmward.terms.errors import NotTrusted, Unavailable

WRITER = """
import sys
from pathlib import Path
from tests.logs import opened, note
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
        "update event set entry = cast(replace(entry, 'event 3', 'event 9') as blob)",
        "update event set entry = cast(replace(entry, 'event 17', 'event 99') as blob)",
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

"""The store: one SQLite file, many readers, one writer at a time.

Durability: WAL with synchronous=FULL, so what a transaction committed survives SIGKILL and a power
cut.  A crash inside a transaction leaves nothing of it.

If stolen, its thief can read history, delay it and lose its newest rows; it cannot change history
unseen, because the published checkpoints commit to every event.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy import exc as sql

from firmward.hospital.records.verdict_tables import metadata
from firmward.terms.errors import Unavailable

BUSY_MS = 10_000


class Store:
    """The hospital's rows."""

    def __init__(self, path: Path):
        self.path = path
        self._engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})
        event.listen(self._engine, "connect", _configure)
        self._writer = threading.RLock()
        try:
            metadata.create_all(self._engine)
        except sql.SQLAlchemyError as error:
            raise Unavailable(f"store {path}: {error}") from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view; writes through it are rolled back."""
        with self._engine.connect() as connection:
            # Without it every statement would see a moment of its own, and a write would stay.
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of it durable when the block ends, nothing of it on any error.

        The lock queues this process's writers, instead of letting SQLite make them poll.
        """
        with self._writer, self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def close(self) -> None:
        """Release the file."""
        self._engine.dispose()


def _configure(connection: Any, _: object) -> None:
    # The driver must not open transactions by itself: BEGIN IMMEDIATE is ours.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_MS}",
        "foreign_keys=ON",
        "trusted_schema=OFF",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()

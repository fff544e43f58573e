"""A site's store, read by a process that must not write a byte of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, create_engine
from sqlalchemy import exc as sql
from sqlalchemy.pool import NullPool

from firmward.hospital.records.store import BUSY_MS
from firmward.terms.errors import Unavailable


@contextmanager
def reading_only(path: Path) -> Iterator[Connection]:
    """What is committed in a store that may be served at the same time.  Raises Unavailable."""
    url = f"sqlite:///file:{quote(str(path.resolve()))}?mode=ro&uri=true"
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            for pragma in ("query_only=ON", f"busy_timeout={BUSY_MS}", "trusted_schema=OFF"):
                connection.exec_driver_sql(f"PRAGMA {pragma}")
            yield connection
    except sql.OperationalError as error:
        raise Unavailable(f"store {path}: {error.orig}") from error
    finally:
        engine.dispose()

"""An S3 bucket to deliver to, of any service that knows conditional writes.

Endpoint, region and credentials come from the usual AWS_ variables; none of them is ours to store.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from firmward.terms.errors import Misuse, Refused, Unavailable
from firmward.vendor.publish.targets import There

_PATIENCE: Final = timedelta(seconds=30)


class Bucket:
    """s3://BUCKET/PREFIX."""

    def __init__(self, url: str):
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
            raise Misuse(f"{url}: expected s3://BUCKET/PREFIX")
        self.name = url
        with self._answering(""):
            self._store = S3Store(
                parts.netloc,
                prefix=parts.path.strip("/") or None,
                retry_config={"max_retries": 3, "retry_timeout": _PATIENCE},
            )

    def tag(self, path: str) -> str | None:
        """The object's ETag."""
        with self._answering(path):
            try:
                return obstore.head(self._store, path).get("e_tag") or ""
            except FileNotFoundError:
                return None

    def read(self, path: str, limit: int) -> There | None:
        """The object, or its first bytes."""
        with self._answering(path):
            try:
                found = obstore.get(self._store, path)
            except FileNotFoundError:
                return None
            size, tag = found.meta["size"], found.meta.get("e_tag") or ""
            if size > limit:
                return There(b"\0" * (limit + 1), tag)
            return There(bytes(found.bytes()), tag)

    def create(self, path: str, data: bytes) -> str | None:
        """Put an object under `If-None-Match: *`."""
        with self._answering(path):
            try:
                return self._put(path, data, "create")
            except AlreadyExistsError:
                return None

    def replace(self, path: str, data: bytes, old: There | None) -> None:
        """Put an object under `If-Match` of the old one's ETag."""
        mode: Any = "create" if old is None else {"e_tag": old.tag} if old.tag else "overwrite"
        with self._answering(path):
            try:
                self._put(path, data, mode)
            except (AlreadyExistsError, PreconditionError) as error:
                raise Refused(f"{self.name}: {path}: somebody else published just now") from error

    def _put(self, path: str, data: bytes, mode: Any) -> str:
        # In one request: an object is there whole or not at all.
        done = obstore.put(self._store, path, data, mode=mode, use_multipart=False)
        return done.get("e_tag") or ""

    @contextmanager
    def _answering(self, path: str) -> Iterator[None]:
        """A service that cannot answer, as Unavailable."""
        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            says = " ".join(str(error).split())[:300]
            raise Unavailable(f"{self.name}: {path}: {says}") from error

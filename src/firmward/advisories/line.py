"""Fetching one file from an official service, whole or not at all.

TLS is verified and never left, not even by a redirect; a body has a limit in bytes and in seconds.
A server, or whoever sits in the line, can thereby deny an update, and nothing else: what was held
stays, and grows old.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final, Self

import httpx

from firmward.terms.errors import Misuse, Unavailable
from firmward.terms.wire import MIB, printable

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_BUSY: Final = frozenset({429, 502, 503, 504})
_LONGEST_PAUSE_S: Final = 60.0

Progress = Callable[[int], None]
"""progress(bytes that arrived just now)"""


@dataclass(frozen=True)
class Saved:
    """How a request ended: with a new file, or with word that the old one is still the newest."""

    fresh: bool
    etag: str = ""
    modified: str = ""


class NotThere(Unavailable):
    """The service has no such file."""


class Line:
    """A line to the services.

    tries, pause_s  how often a busy server is asked, and how long to wait in between
    """

    def __init__(
        self, *, tries: int = 3, pause_s: float = 6.0, read_s: float = 30.0, progress: Progress
    ):
        self._tries, self._pause_s, self._progress = tries, pause_s, progress
        self._client = httpx.Client(
            follow_redirects=True,
            timeout=httpx.Timeout(read_s, connect=15.0),
            headers={"User-Agent": f"firmward/{version('firmward')}"},
            event_hooks={"request": [_refuse_plain]},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._client.close()

    def save(
        self,
        url: str,
        path: Path,
        *,
        limit: int = 64 * MIB,
        within_s: float = 600.0,
        headers: Mapping[str, str] | None = None,
    ) -> Saved:
        """Put the body at `path`, which is written only once all of it is there.

        raises  NotThere, Unavailable; whatever was at `path` is still there then
        """
        for attempt in range(1, self._tries + 1):
            try:
                return self._attempt(url, path, limit, within_s, headers or {})
            except _Busy as busy:
                if attempt == self._tries:
                    raise Unavailable(f"{_shown(url)}: {busy}") from busy
                time.sleep(min(busy.wait_s or self._pause_s * attempt, _LONGEST_PAUSE_S))
            except httpx.HTTPError as error:
                says = str(error) or type(error).__name__
                raise Unavailable(f"{_shown(url)}: {printable(says)[:200]}") from error
            except httpx.InvalidURL as error:
                raise Misuse(f"{_shown(url)}: {error}") from error
        raise Misuse("a line that never tries")

    def read(
        self, url: str, path: Path, *, limit: int, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """As `save`, with the bytes."""
        self.save(url, path, limit=limit, headers=headers)
        return path.read_bytes()

    def _attempt(
        self, url: str, path: Path, limit: int, within_s: float, headers: Mapping[str, str]
    ) -> Saved:
        deadline = time.monotonic() + within_s
        with self._client.stream("GET", url, headers=dict(headers)) as response:
            if response.status_code == httpx.codes.NOT_MODIFIED and headers:
                return Saved(fresh=False)
            _refuse_status(response)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.part")
            with part.open("wb") as file:
                # As it comes: gathered into blocks, a drop every second would never be a block.
                for block in response.iter_bytes():
                    file.write(block)
                    self._progress(len(block))
                    if file.tell() > limit:
                        raise Unavailable(f"{_shown(url)}: expected at most {limit} bytes")
                    if time.monotonic() > deadline:
                        raise Unavailable(f"{_shown(url)}: not done within {within_s:g} s")
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            got = response.headers
            return Saved(True, got.get("etag", ""), got.get("last-modified", ""))


class _Busy(Exception):
    """The server asks to be asked again."""

    def __init__(self, status: int, wait_s: float):
        self.wait_s = wait_s
        super().__init__(f"HTTP {status}")


def _refuse_status(response: httpx.Response) -> None:
    if response.status_code in _BUSY:
        asked = response.headers.get("retry-after", "")
        raise _Busy(response.status_code, float(asked) if asked.isdecimal() else 0.0)
    if response.status_code == httpx.codes.NOT_FOUND:
        raise NotThere(f"{_shown(str(response.url))}: HTTP 404")
    if response.status_code != httpx.codes.OK:
        raise Unavailable(f"{_shown(str(response.url))}: HTTP {response.status_code}")


def _refuse_plain(request: httpx.Request) -> None:
    """Whoever can change a plain answer can hide a vulnerability; on this machine nobody can."""
    if request.url.scheme != "https" and request.url.host not in _LOOPBACK:
        raise Unavailable(f"{_shown(str(request.url))}: expected https")


def _shown(url: str) -> str:
    """A URL without its query, which may hold a key."""
    return printable(url.partition("?")[0])[:200]

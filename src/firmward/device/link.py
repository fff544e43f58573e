"""The one connection of a device: mutual TLS 1.3 to its hospital, read with bounds.

The server proves itself by the hospital's own authority, pinned; no other authority counts.  If
somebody stands in its place the device says so (`WrongServer`).  Whoever does hold the hospital's
server key can withhold and delay; orders and images are signed by others.
"""

import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import httpx

from firmward.terms import checkin
from firmward.terms.checkin import Accepted, CheckIn, Failure, Registration
from firmward.terms.errors import FirmwardError, Malformed, Refused, Unavailable
from firmward.terms.report import Attack, Vitals
from firmward.terms.wire import KIB, decode, encode

ANSWER_LIMIT: Final = 64 * KIB
CHUNK: Final = 16 * KIB
T = TypeVar("T")


class WrongServer(Refused):
    """Whoever answered did not prove to be the hospital."""

    attack = Attack.WRONG_SERVER


class EndlessData(Refused):
    """An answer that goes on beyond what was asked for."""

    attack = Attack.ENDLESS_DATA


class SlowRetrieval(Unavailable):
    """An answer that trickles: each byte arrives, the whole never would."""


class TurnedAway(Refused):
    """The server judged this device's request and said no.

    status  the HTTP status, so that the caller can tell a conflict from a closed door
    """

    def __init__(self, what: str, status: int, reason: str):
        self.status = status
        super().__init__(f"{what}: expected an answer, got {status}: {reason}")


@dataclass(frozen=True)
class Pace:
    """How slow is too slow: fewer than `floor` bytes per second over `window` seconds.

    A window of 20 s and 512 B/s lets a 64 KiB image through a bad ward network in two minutes.
    """

    floor: int = 512
    window: float = 20.0
    timeout: float = 10.0


def context(authority: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.3 and nothing older, the pinned authority and no other, this client certificate."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    tls.load_verify_locations(authority)
    tls.load_cert_chain(certificate, key)
    return tls


class Link:
    """Requests to one origin.  Not for two threads at once; `close` it."""

    def __init__(self, base: str, tls: ssl.SSLContext, pace: Pace | None = None):
        self._pace = pace or Pace()
        # trust_env off: a proxy or CA bundle from the environment would be a second trust anchor.
        self._http = httpx.Client(
            base_url=base,
            verify=tls,
            timeout=self._pace.timeout,
            trust_env=False,
            follow_redirects=False,
            headers={"accept-encoding": "identity"},
            limits=httpx.Limits(max_connections=1),
        )

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def check_in(self) -> CheckIn:
        """What waits for this device."""
        return self._json("GET", checkin.CHECK_IN, None, CheckIn)

    def register(self, registration: Registration) -> None:
        """Tell the hospital this device's other public keys."""
        self._send("POST", checkin.REGISTER, encode(registration), "application/json")

    def report(self, envelope: bytes) -> int:
        """Hand over a signed report; the sequence number the server has durably."""
        return self._json("POST", checkin.REPORTS, envelope, Accepted).accepted

    def vitals(self, vitals: Vitals) -> int:
        """Hand over vitals; the sequence number the server has durably."""
        return self._json("POST", checkin.VITALS, encode(vitals), Accepted).accepted

    def director(self, name: str, limit: int) -> bytes | None:
        """A file of this device's director repository, or None where there is none."""
        return self._file(checkin.DIRECTOR + name, limit)

    def image(self, name: str, limit: int) -> bytes | None:
        """A file of the vendor's image repository, or None where there is none."""
        return self._file(checkin.IMAGE + name, limit)

    def exchange(self, method: str, path: str, body: bytes | None, kind: str) -> bytes:
        """The body of an answer that is not JSON (EST, RFC 7030)."""
        return self._send(method, path, body, kind)

    @contextmanager
    def blob(self, sha256: str, offset: int, length: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """A ciphertext from `offset` on, as (where it really starts, chunks).

        A server may answer a Range with the whole (200): then it starts at 0.  It may not start
        anywhere else, announce another length, or send more than `length` bytes in all.
        """
        path = checkin.BLOBS + sha256
        headers = {"range": f"bytes={offset}-"} if offset else {}
        with self._open("GET", path, None, headers) as response:
            start = _start(response, offset, length, path)
            yield start, self._body(response, length - start, path)

    def _json(self, method: str, path: str, body: bytes | None, kind: type[T]) -> T:
        return decode(self._send(method, path, body, "application/json"), kind, path)

    def _file(self, path: str, limit: int) -> bytes | None:
        try:
            with self._open("GET", path, None, {}) as response:
                return b"".join(self._body(response, limit, path))
        except TurnedAway as error:
            if error.status == 404:
                return None
            raise

    def _send(self, method: str, path: str, body: bytes | None, kind: str) -> bytes:
        headers = {"content-type": kind} if body is not None else {}
        with self._open(method, path, body, headers) as response:
            return b"".join(self._body(response, ANSWER_LIMIT, path))

    @contextmanager
    def _open(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Iterator[httpx.Response]:
        with _judging(path):
            with self._http.stream(method, path, content=body, headers=dict(headers)) as response:
                if response.status_code >= 300:
                    raise self._no(response, path)
                yield response

    def _no(self, response: httpx.Response, path: str) -> FirmwardError:
        reason = response.reason_phrase
        try:
            said = decode(b"".join(self._body(response, ANSWER_LIMIT, path)), Failure, path).error
            reason = f"{said.who}: expected {said.expected}, got {said.got}"[:300]
        except Malformed:
            pass  # a proxy's page; its status is all there is to say
        if response.status_code >= 500 or response.status_code == 429:
            return Unavailable(f"{path}: {response.status_code}: {reason}")
        return TurnedAway(path, response.status_code, reason)

    def _body(self, response: httpx.Response, limit: int, path: str) -> Iterator[bytes]:
        if int(response.headers.get("content-length", "0")) > limit:
            raise EndlessData(f"{path}: expected at most {limit} bytes, got an answer of more")
        seen, since, mark = 0, time.monotonic(), 0
        # No chunk size: httpx would wait for a full one, and a trickle would never be noticed.
        for chunk in response.iter_raw():
            seen += len(chunk)
            if seen > limit:
                raise EndlessData(f"{path}: expected at most {limit} bytes, got more")
            elapsed = time.monotonic() - since
            if elapsed >= self._pace.window:
                if seen - mark < self._pace.floor * elapsed:
                    raise SlowRetrieval(
                        f"{path}: expected {self._pace.floor} B/s, got {seen - mark} B "
                        f"in {elapsed:.0f} s"
                    )
                since, mark = time.monotonic(), seen
            yield chunk


def _start(response: httpx.Response, offset: int, length: int, path: str) -> int:
    if response.status_code != 206:
        return 0
    expected = f"bytes {offset}-{length - 1}/{length}"
    if response.headers.get("content-range") != expected:
        got = response.headers.get("content-range", "none")[:80]
        raise Malformed(path, f"content-range {expected}", got)
    return offset


# What a client says of a server it does not believe, as OpenSSL words it.
_NOT_THE_HOSPITAL: Final = (
    "CERTIFICATE_VERIFY_FAILED",
    "WRONG_VERSION_NUMBER",
    "UNSUPPORTED_PROTOCOL",
    "PROTOCOL_VERSION",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "HANDSHAKE_FAILURE",
    "RECORD_LAYER_FAILURE",
)


@contextmanager
def _judging(path: str) -> Iterator[None]:
    """Turns transport errors into ours: who is not the hospital, who cannot be reached."""
    try:
        yield
    except httpx.TransportError as error:
        tls = _tls_error(error)
        if tls is not None and any(word in str(tls) for word in _NOT_THE_HOSPITAL):
            raise WrongServer(f"{path}: expected the hospital's certificate, got {tls}") from error
        if tls is not None and "ALERT" in str(tls):
            raise TurnedAway(path, 495, f"the server refused our certificate: {tls}") from error
        raise Unavailable(f"{path}: {type(error).__name__}: {error}"[:300]) from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as error:
        raise Unavailable(f"{path}: {type(error).__name__}: {error}"[:300]) from error


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None

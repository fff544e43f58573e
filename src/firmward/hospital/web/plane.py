"""A listener's application: routes from a table, each behind its row of the access table.

Handlers are plain functions from a call to an answer; they run in worker threads, because each
commits before it answers.  Errors become the one JSON shape that terms.checkin.Failure describes.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from firmward.hospital.records.devices import UnknownDevice
from firmward.hospital.web.access import ACCESS
from firmward.hospital.web.identity import certificate
from firmward.terms.checkin import Failure, Fault
from firmward.terms.errors import (
    FirmwardError,
    Malformed,
    Misuse,
    NotTrusted,
    Refused,
    Unavailable,
)
from firmward.terms.wire import KIB, encode, printable

log = structlog.get_logger()


class Forbidden(Refused):
    """Somebody known asked for what their role does not include."""


class NotFound(Refused):
    """What was asked for is not here."""


@dataclass(frozen=True)
class Caller:
    """Who is asking: a name for the ledger, the roles they hold, and what they speak for."""

    name: str
    roles: frozenset[str]
    about: Any = None


@dataclass(frozen=True)
class Call:
    """One request, read whole."""

    who: Caller
    params: dict[str, str]
    query: dict[str, str]
    body: bytes
    now: datetime
    certificate: bytes


@dataclass(frozen=True)
class Answer:
    """What goes back: bytes, or a file that is streamed with ranges."""

    body: bytes = b""
    media: str = "application/json"
    status: int = 200
    file: Path | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Endpoint:
    """A route: its name in the access table, method, path, body limit and handler.

    notes  whether its handler puts its own refusals on the ledger
    """

    name: str
    method: str
    path: str
    handler: Callable[[Call], Answer]
    limit: int = 256 * KIB
    notes: bool = False


class Plane(Protocol):
    """What a listener is for: who may be there, what they can ask, and where refusals go."""

    def recognise(self, certificate: bytes) -> Caller:
        """Who the DER certificate of a session speaks for now.  Raises Refused."""

    def endpoints(self) -> Sequence[Endpoint]:
        """The routes, hot ones first."""

    def refused(self, certificate: bytes, error: Refused, now: datetime) -> None:
        """Put on the ledger that somebody with this certificate was turned away."""


def answer(value: Any, status: int = 200) -> Answer:
    """A value as JSON."""
    return Answer(encode(value), status=status)


def build(plane: Plane) -> Starlette:
    """The application of one listener.  Raises Misuse for a route without a row."""
    endpoints = plane.endpoints()
    for endpoint in endpoints:
        if not ACCESS.get(endpoint.name):
            raise Misuse(f"route {endpoint.name}: expected a row in the access table, got none")
    return Starlette(
        routes=[
            Route(endpoint.path, _endpoint(endpoint, plane), methods=[endpoint.method])
            for endpoint in endpoints
        ],
        exception_handlers={404: _nowhere, 405: _nowhere},
    )


def _endpoint(endpoint: Endpoint, plane: Plane) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        whole = endpoint.method == "GET"
        try:
            if whole:
                return await run_in_threadpool(_serve, endpoint, plane, request)
            # Who may not ask is told so before a byte of what they send is held.
            await run_in_threadpool(_admitted, endpoint, plane, request)
            body = await _read(endpoint, plane, request)
            whole = True
            return await run_in_threadpool(_serve, endpoint, plane, request, body)
        except ClientDisconnect:
            return Response(status_code=499)
        except FirmwardError as error:
            return _failure(error, hang_up=not whole)
        except Exception:
            log.exception("unexpected", route=endpoint.name)
            return _failure(Unavailable("the server failed; nothing was changed"))

    return handle


def _admitted(endpoint: Endpoint, plane: Plane, request: Request) -> Caller:
    """Who is asking, once the access table lets them.  Raises Refused."""
    der = certificate(request)
    try:
        who = plane.recognise(der)
        if not who.roles & ACCESS[endpoint.name]:
            roles = ", ".join(sorted(ACCESS[endpoint.name]))
            raise Forbidden(f"{who.name}: expected one of {roles} for {endpoint.name}")
    except Refused as error:
        plane.refused(der, error, datetime.now(UTC))
        raise
    return who


async def _read(endpoint: Endpoint, plane: Plane, request: Request) -> bytes:
    try:
        return await _body(request, endpoint.limit)
    except Refused as error:
        der = certificate(request)
        await run_in_threadpool(plane.refused, der, error, datetime.now(UTC))
        raise


def _serve(endpoint: Endpoint, plane: Plane, request: Request, body: bytes = b"") -> Response:
    # Asked again after the body: whoever was cut off while sending it is not served.
    who = _admitted(endpoint, plane, request)
    call = Call(
        who=who,
        params=dict(request.path_params),
        query=dict(request.query_params),
        body=body,
        now=datetime.now(UTC),
        certificate=certificate(request),
    )
    try:
        given = endpoint.handler(call)
    except NotFound:
        raise  # asking for the next root until there is none is how TUF looks for it
    except Refused as error:
        if not endpoint.notes:
            plane.refused(call.certificate, error, call.now)
        raise
    if given.file is None:
        return Response(given.body, given.status, given.headers, given.media)
    if not given.file.is_file():
        raise Unavailable(f"{given.file.name}: expected the file, got none")
    return FileResponse(given.file, media_type=given.media, headers=given.headers)


async def _body(request: Request, limit: int) -> bytes:
    """The request's body; an announced or actual size over the limit is never held in memory."""
    announced = request.headers.get("content-length", "0")
    plain = announced.isascii() and announced.isdigit() and len(announced) < 12
    if not plain or int(announced) > limit:
        raise Malformed("request", f"at most {limit} bytes", f"{announced[:20]} announced")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise Malformed("request", f"at most {limit} bytes", "more")
        parts.append(part)
    return b"".join(parts)


_STATUS: tuple[tuple[type[FirmwardError], int], ...] = (
    (NotFound, 404),
    (Forbidden, 403),
    (UnknownDevice, 403),
    (NotTrusted, 403),
    (Malformed, 400),
    (Refused, 409),
    (Unavailable, 503),
    (Misuse, 500),
)


def _failure(error: FirmwardError, *, hang_up: bool = False) -> Response:
    """The error as JSON; `hang_up` where the request was not read to its end."""
    status = getattr(error, "status", 0) or next(
        code for family, code in _STATUS if isinstance(error, family)
    )
    fault = Fault(
        who=printable(str(getattr(error, "who", "")) or str(error))[:500],
        expected=printable(str(getattr(error, "expected", "")))[:2000],
        got=printable(str(getattr(error, "got", getattr(error, "reason", ""))))[:2000],
        kind=type(error).__name__,
    )
    headers = {"Connection": "close"} if hang_up else None
    return Response(encode(Failure(error=fault)), status, headers, "application/json")


async def _nowhere(request: Request, _: Exception) -> Response:
    return _failure(NotFound(f"{request.method} {request.url.path[:200]}: no such route"))

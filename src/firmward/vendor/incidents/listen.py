"""The webhook that hospitals send their reports to.

It believes nothing for coming in here: the shared secret only keeps strangers from filling the
book, and the report's own signature says what is true.  Answers are 204, or an error without
details; the log has them.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from firmward.proof import webhook
from firmward.proof.envelope import LIMIT
from firmward.terms.errors import FirmwardError, Refused
from firmward.vendor.incidents.book import Book

Told = Callable[[str], None]


def receiver(book: Book, vendor: str, told: Told) -> Starlette:
    """POST /incidents/HOSPITAL, for a server to run behind TLS; `told` gets one line a request."""

    async def take(request: Request) -> Response:
        hospital = request.path_params["hospital"]
        try:
            body = await _body(request)
            said = {name.lower(): value for name, value in request.headers.items()}
            name, new = await run_in_threadpool(_kept, book, vendor, hospital, said, body)
        except ClientDisconnect:
            return Response(status_code=400)
        except FirmwardError as error:
            told(f"refused a report of {hospital[:64]!r}: {error}")
            return Response(status_code=400 if isinstance(error, Refused) else 503)
        told(f"{name}: {'kept' if new else 'known already'}")
        return Response(status_code=204)

    return Starlette(routes=[Route("/incidents/{hospital}", take, methods=["POST"])])


def _kept(
    book: Book, vendor: str, hospital: str, said: dict[str, str], body: bytes
) -> tuple[str, bool]:
    """Name and newness of a report that came from who the path says."""
    reporter = book.reporter(hospital)
    key = webhook.secret(reporter.secret, f"secret of {hospital}")
    webhook.verify(key, said, body, datetime.now(UTC))
    incident, new = book.receive(body, vendor)
    if incident.hospital != hospital:
        raise Refused(f"incident: expected a report of {hospital}, got {incident.hospital}'s")
    return incident.name, new


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > LIMIT:
            raise Refused(f"incident: expected at most {LIMIT} bytes")
        parts.append(part)
    return b"".join(parts)

"""The paper hospital's door: an HTTPS server in a thread, with the faults a network has.

Real sockets, real TLS 1.3, real client certificates; `Weather` says what goes wrong on the way.
"""

import socket
import ssl
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from firmward.lab.paper_hospital import Credentials, PaperHospital, Ward
from firmward.proof import certs
from firmward.terms import checkin
from firmward.terms.checkin import Accepted, CheckIn, Failure, Fault, Registration
from firmward.terms.errors import NotTrusted, Refused
from firmward.terms.report import Vitals
from firmward.terms.wire import decode, encode


@dataclass
class Weather:
    """What goes wrong between server and device; a test turns the knobs while it runs.

    drop_after     bytes of the next blob after which the connection breaks; -1 never.  Once
    endless        path beginnings that are answered without an end
    trickle        path beginnings that are answered at a few bytes per second
    ignore_range   answer a Range with the whole
    lose_answers   take this many posts without their answer arriving
    closed         path beginnings that are answered 403
    requests       what was asked for: (method, path, Range header)
    """

    drop_after: int = -1
    endless: tuple[str, ...] = ()
    trickle: tuple[str, ...] = ()
    ignore_range: bool = False
    lose_answers: int = 0
    closed: tuple[str, ...] = ()
    requests: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Served:
    """A running server."""

    base: str
    weather: Weather


class _Drop(Exception):
    """The connection is to break here."""


@contextmanager
def serve(hospital: PaperHospital, credentials: Credentials, *, port: int = 0) -> Iterator[Served]:
    """Serve the hospital's device plane and enrolment on one port until the block ends."""
    weather = Weather()
    server = _Server(("127.0.0.1", port), _handler(hospital, weather))
    server.tls = _context(credentials)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Served(f"https://127.0.0.1:{server.server_address[1]}", weather)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _context(credentials: Credentials) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    tls.load_cert_chain(credentials.certificate, credentials.key)
    if credentials.trusted:
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_verify_locations(cadata=credentials.trusted)
    return tls


class _Server(ThreadingHTTPServer):
    """Handshakes in the connection's own thread, so that a slow client blocks nobody."""

    daemon_threads = True
    block_on_close = False
    disable_nagle_algorithm = True
    tls: ssl.SSLContext

    def finish_request(self, request: object, client_address: object) -> None:
        """One connection, from handshake to end."""
        if not isinstance(request, socket.socket):
            return
        with suppress(OSError, _Drop), self.tls.wrap_socket(request, server_side=True) as secured:
            self.RequestHandlerClass(secured, client_address, self)  # type: ignore[arg-type]

    def handle_error(self, request: object, client_address: object) -> None:
        """Broken connections are this server's trade."""


def _handler(hospital: PaperHospital, weather: Weather) -> type[BaseHTTPRequestHandler]:
    class Handler(_Plane):
        """The plane of this hospital."""

    Handler.hospital, Handler.weather = hospital, weather
    return Handler


class _Plane(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hospital: PaperHospital
    weather: Weather

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def do_GET(self) -> None:
        """Check-in, metadata and blobs."""
        self._answer("GET", b"")

    def do_POST(self) -> None:
        """Enrolment, registration, reports and vitals."""
        self._answer("POST", self.rfile.read(int(self.headers.get("content-length", "0"))))

    def _answer(self, method: str, body: bytes) -> None:
        asked = self.headers.get("range", "")
        self.weather.requests.append((method, self.path, asked))
        if self.path.startswith(self.weather.closed or ("\0",)):
            self._no(403, "closed")
        elif self.path.startswith(self.weather.endless or ("\0",)):
            self._for_ever(b"x" * 65536, 0.0)
        elif self.path.startswith(self.weather.trickle or ("\0",)):
            self._for_ever(b"x", 0.05)
        else:
            self._route(method, body)

    def _route(self, method: str, body: bytes) -> None:
        try:
            device = certs.identity(self._certificate())
            ward = self.hospital.ward(device)
            if method == "POST":
                self._take(device, ward, body)
            else:
                self._give(ward)
        except (Refused, LookupError) as error:
            self._no(400, str(error))

    def _certificate(self) -> bytes:
        line = self.connection
        certificate = line.getpeercert(True) if isinstance(line, ssl.SSLSocket) else None
        if certificate is None:
            raise NotTrusted("client", "no certificate")
        return certificate

    def _give(self, ward: Ward) -> None:
        if self.path == checkin.CHECK_IN:
            self._json(
                CheckIn(
                    order_version=ward.version,
                    vendor=self.hospital.vendor,
                    poll_ms=1000,
                    server_time=self.hospital.now,
                )
            )
            return
        prefix, _, name = self.path.rpartition("/")
        if f"{prefix}/" == checkin.BLOBS:
            self._blob(ward, name)
            return
        files = {checkin.DIRECTOR: ward.director, checkin.IMAGE: self.hospital.image}
        data = files.get(f"{prefix}/", {}).get(name)
        if data is None:
            self._no(404, "no such file")
        else:
            self._send(200, data)

    def _blob(self, ward: Ward, sha256: str) -> None:
        data = self.hospital.blobs.get(sha256)
        if data is None or sha256 not in ward.allowed:
            self._no(403, "not ordered")
            return
        asked = self.headers.get("range")
        if asked is None or self.weather.ignore_range:
            self._send(200, data)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-"))
        self._send(206, data[start:], f"bytes {start}-{len(data) - 1}/{len(data)}")

    def _take(self, device: str, ward: Ward, body: bytes) -> None:
        if self.path == checkin.EST_ENROLL:
            self._send(200, self._enrol(device, body))
            return
        if self.path == checkin.REGISTER:
            said = decode(body, Registration, "registration")
            if ward.registration not in (None, said):
                self._no(409, "registered with other keys")
                return
            ward.registration = said
            answer: object = Accepted(accepted=1)
        elif self.path == checkin.REPORTS:
            if body not in ward.reports:
                ward.reports.append(body)
            answer = Accepted(accepted=len(ward.reports))
        else:
            vitals = decode(body, Vitals, "vitals")
            if vitals.sequence not in [known.sequence for known in ward.vitals]:
                ward.vitals.append(vitals)
            answer = Accepted(accepted=vitals.sequence)
        if self.weather.lose_answers > 0:
            self.weather.lose_answers -= 1
            raise _Drop
        self._json(answer)

    def _enrol(self, device: str, body: bytes) -> bytes:
        hospital = self.hospital
        key = certs.requested(b64decode(body), device)
        life = timedelta(days=90)
        issued = certs.client_certificate(hospital.authority, key, device, hospital.now, life)
        return b64encode(certs.certs_only(issued))

    def _json(self, answer: object) -> None:
        self._send(200, encode(answer))

    def _no(self, status: int, why: str) -> None:
        fault = Fault(who=self.path[:100], expected="another request", got=why[:300], kind="paper")
        self._send(status, encode(Failure(error=fault)))

    def _send(self, status: int, data: bytes, span: str = "") -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        if span:
            self.send_header("content-range", span)
        self.end_headers()
        cut = self.weather.drop_after
        if 0 <= cut < len(data) and self.path.startswith(checkin.BLOBS):
            self.weather.drop_after = -1
            self.wfile.write(data[:cut])
            raise _Drop
        self.wfile.write(data)

    def _for_ever(self, piece: bytes, pause: float) -> None:
        self.send_response(200)
        self.send_header("connection", "close")
        self.end_headers()
        while True:
            self.wfile.write(piece)
            time.sleep(pause)

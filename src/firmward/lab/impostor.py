"""Somebody in the hospital's place: a real TLS server that answers devices from a tape.

It may hold the hospital's own server key (stolen) or a certificate of its own making.
"""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from firmward.lab.tape import Tape
from firmward.proof import certs, keys
from firmward.terms import checkin
from firmward.terms.wire import encode, parse


@dataclass(frozen=True)
class Pose:
    """How an impostor presents itself, and whose clients it lets in (PEM files)."""

    certificate: Path
    key: Path
    clients: Path


def stolen(site: Path) -> Pose:
    """With the hospital's own server key, read from its disk."""
    folder = site / "keys"
    return Pose(folder / "server.pem", folder / "server.key", folder / "authority-hospital.pem")


def invented(site: Path, folder: Path) -> Pose:
    """With a certificate from an authority nobody pinned."""
    now = datetime.now(UTC)
    authority = certs.new_authority("Impostor CA", keys.new_p256(), now)
    key = keys.new_p256()
    certificate = certs.server_certificate(authority, key.public_key(), ("127.0.0.1",), now)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "false.pem").write_bytes(certs.pem(certificate))
    (folder / "false.key").write_bytes(keys.private_pem(key))
    clients = site / "keys" / "authority-hospital.pem"
    return Pose(folder / "false.pem", folder / "false.key", clients)


@contextmanager
def impostor(tape: Tape, pose: Pose) -> Iterator[str]:
    """Serve a tape over real mutual TLS 1.3; gives the base address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(pose.certificate, pose.key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(pose.clients)
    server = _Server(("127.0.0.1", 0), _handler(tape))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A device that hangs up is what an impostor must expect."""


def _handler(tape: Tape) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Impostors keep no logs."""

        def do_GET(self) -> None:
            body = tape.answers.get(self.path)
            self._send(404 if body is None else 200, body or b"{}")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            if self.path == checkin.VITALS:
                # It takes what it can use against somebody, and has no use for complaints.
                sequence = parse(body, "stolen vitals")["sequence"]
                self._send(200, encode(checkin.Accepted(accepted=sequence)))
            else:
                self._send(503, b"{}")

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler

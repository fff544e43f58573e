"""A small object server for tests: PUT, HEAD and GET with conditions, as S3 and WebDAV have them.

It is real HTTP on a real socket, and no S3: signatures are not checked, there is no listing.
"""

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


@dataclass
class Objects:
    """What is stored, what was asked, and what goes wrong.

    posts          what a POST is answered with
    before, after  called with (method, path) before a PUT is stored, and after, before its answer;
                   true cuts the connection there
    """

    url: str = ""
    held: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    token: str = ""
    tags: bool = True
    posts: int = 503
    before: Callable[[str], bool] = lambda path: False
    after: Callable[[str], bool] = lambda path: False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def under(self, prefix: str) -> dict[str, bytes]:
        """What is stored below a prefix."""
        cut = f"/{prefix.strip('/')}/"
        return {k.removeprefix(cut): v for k, v in self.held.items() if k.startswith(cut)}

    def count(self, method: str) -> int:
        """How many requests of a method came."""
        return sum(asked == method for asked, _ in self.asked)


def tag(data: bytes) -> str:
    """An ETag as S3 gives it."""
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


@contextmanager
def object_server() -> Iterator[Objects]:
    """Serve on a free port of this machine."""
    objects = Objects()

    class Handler(_Handler):
        pass

    Handler.objects = objects
    server = _Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    objects.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield objects
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Clients that are killed break off; that is what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    objects: Objects

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._give(body=False)

    def do_GET(self) -> None:
        self._give(body=True)

    def do_PUT(self) -> None:
        path = self._path()
        data = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.objects.before(path):
            self._cut()
        elif not self._stored(path, data):
            self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
        elif self.objects.after(path):
            self._cut()
        else:
            self._answer(200, b"", data)

    def do_POST(self) -> None:
        path = self._path()
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.objects.after(path):
            self._cut()
        else:
            self._answer(self.objects.posts, b"")

    def _stored(self, path: str, data: bytes) -> bool:
        with self.objects.lock:
            there = self.objects.held.get(path)
            fresh = self.headers.get("if-none-match") != "*" or there is None
            wanted = self.headers.get("if-match")
            if not fresh or (wanted and (there is None or tag(there) != wanted)):
                return False
            self.objects.held[path] = data
        return True

    def _give(self, *, body: bool) -> None:
        data = self.objects.held.get(self._path())
        if data is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>" if body else b"")
        else:
            self._answer(200, data, data, body=body)

    def _path(self) -> str:
        path = unquote(urlsplit(self.path).path)
        self.objects.asked.append((self.command, path))
        self.objects.headers.append({k.lower(): v for k, v in self.headers.items()})
        return path

    def _answer(
        self, status: int, said: bytes, of: bytes | None = None, *, body: bool = True
    ) -> None:
        if self.objects.token and self.headers.get("authorization") != self.objects.token:
            status, said, of = 401, b"", None
        self.send_response(status)
        self.send_header("content-length", str(len(said)))
        self.send_header("last-modified", "Sat, 21 Nov 2026 08:00:00 GMT")
        if of is not None and self.objects.tags:
            self.send_header("etag", tag(of))
        self.end_headers()
        if body:
            self.wfile.write(said)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

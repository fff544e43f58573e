"""A real HTTP server in the shapes of the official advisory services, with the faults of a line."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.made_advisories import page

from firmward.advisories import fetch
from firmward.advisories.index import Index
from firmward.advisories.line import Line
from firmward.advisories.services import Services

NOW = datetime(2026, 11, 21, 21, tzinfo=UTC)
Fault = Callable[["Handler", bytes], None]


class Site(ThreadingHTTPServer):
    """What is served, what is asked, and what goes wrong.

    files   path -> body
    faults  path -> what is done instead of sending the body
    asked   every path with its query, in order; `headers` those of the last request
    nvd     items that the paths below /nvd give page by page
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, Fault] = {}
        self.asked: list[str] = []
        self.headers: dict[str, str] = {}
        self.nvd: list[dict] = []

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Site

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""

    def do_GET(self) -> None:
        """Answer with a file, a page of NVD, or a fault."""
        path = urlsplit(self.path).path
        self.server.asked.append(self.path)
        self.server.headers = dict(self.headers)
        body = self.page() if path == "/nvd" else self.server.files.get(path)
        fault = self.server.faults.get(path)
        if fault is not None:
            fault(self, body or b"")
        elif body is None:
            self.reply(404, b"")
        elif self.headers.get("If-None-Match") == tag(body):
            self.reply(304, b"")
        else:
            self.reply(200, body)

    def page(self) -> bytes:
        """A page of NVD: at most `resultsPerPage` items from `startIndex`."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        begin, end = query.get("lastModStartDate", "0"), query.get("lastModEndDate", "9")
        held = [i for i in self.server.nvd if begin <= i["cve"]["lastModified"] + "Z" <= end]
        start = int(query["startIndex"])
        return page(
            *held[start : start + int(query["resultsPerPage"])], start=start, total=len(held)
        )

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        """Send an answer."""
        self.send_response(status)
        usual = {"ETag": tag(body), "Content-Length": str(len(body))}
        for name, value in (usual | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def tag(body: bytes) -> str:
    """The ETag of a body."""
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


@contextmanager
def serving() -> Iterator[Site]:
    """The server, for a while."""
    site = Site()
    thread = threading.Thread(
        target=site.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    )
    thread.start()
    try:
        yield site
    finally:
        site.shutdown()
        site.server_close()


def cut_off(handler: Handler, body: bytes) -> None:
    """The connection ends before the body does."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def shortened(handler: Handler, body: bytes) -> None:
    """Half of the body arrives and passes for the whole."""
    handler.reply(200, body[: len(body) // 2])


def endless(handler: Handler, body: bytes) -> None:
    """More bytes than anybody asked for."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    block = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    try:
        while True:
            handler.wfile.write(block)
    except OSError:
        handler.close_connection = True


def dripping(handler: Handler, body: bytes) -> None:
    """A byte now and then, forever."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(1000 + len(body)))
    handler.end_headers()
    try:
        for _ in range(600):
            handler.wfile.write(b" ")
            time.sleep(0.05)
    except OSError:
        handler.close_connection = True


def silent(handler: Handler, body: bytes) -> None:
    """Nothing at all, for longer than one waits."""
    time.sleep(1.5)
    handler.close_connection = True


def broken(handler: Handler, body: bytes) -> None:
    """An internal error."""
    handler.reply(500, b"")


def elsewhere(handler: Handler, body: bytes) -> None:
    """A redirect that leaves TLS, and this machine."""
    handler.reply(302, b"", Location="http://198.51.100.7/kev.json")


def busy_once(handler: Handler, body: bytes) -> None:
    """Asks to come back later, the first time."""
    path = urlsplit(handler.path).path
    del handler.server.faults[path]
    handler.reply(503, b"", **{"Retry-After": "0"})


def release(day: str, *names: str, url: str, digests: dict[str, str] | None = None) -> dict:
    """A release of the CVE list as GitHub's API lists it."""
    return {
        "tag_name": f"cve_{day}",
        "published_at": f"{day}T20:00:00Z",
        "assets": [
            {"name": n, "browser_download_url": f"{url}/{n}", "digest": (digests or {}).get(n)}
            for n in names
        ],
    }


def encoded(value: object) -> bytes:
    """JSON."""
    return json.dumps(value).encode()


class Desk:
    """An index, its spool, and the services that it is updated from."""

    def __init__(self, site: Site, line: Line, folder: Path):
        self.site, self.line, self.spool = site, line, folder / "spool"
        self.index = Index.memory()
        self.services = Services(
            osv=f"{site.url}/osv",
            ecosystems=("PyPI",),
            nvd=f"{site.url}/nvd",
            nvd_pause_s=0,
            page=2,
            cve5=f"{site.url}/releases",
            kev=f"{site.url}/kev.json",
            epss=f"{site.url}/epss.csv.gz",
            csaf=(f"{site.url}/provider-metadata.json",),
            singles=3,
        )

    def update(self, feed: str, now: datetime = NOW) -> fetch.Updated:
        """Bring a feed up to date."""
        return fetch.update(self.index, feed, self.services, self.line, self.spool, now)

    def state(self) -> object:
        """Everything that an update could have moved."""
        return self.index.digest(), self.index.feeds(), self.index.counts()

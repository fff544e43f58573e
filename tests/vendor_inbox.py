"""A vendor's inbox for tests: the real receiver on a real port, with a book of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from firmward.vendor.incidents.book import Book
from firmward.vendor.incidents.listen import receiver


@contextmanager
def inbox(home: Path, vendor: str = "acme") -> Iterator[str]:
    """Its address, without the hospital's name."""
    config = uvicorn.Config(
        receiver(Book(home), vendor, lambda line: None), port=0, log_level="error"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/incidents"
    finally:
        server.should_exit = True
        thread.join(10)

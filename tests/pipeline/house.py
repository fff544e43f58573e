"""A served site that bad input must not change, and what a refusal looks like from outside."""

import http.client
import io
import json
import socket
import sqlite3
import ssl
import tarfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from firmward.hospital.records.tables import metadata
from firmward.lab.paper_device import PaperDevice
from firmward.lab.paper_site import Server
from firmward.lab.paper_vendor import PaperVendor

# What a refusal may write: the ledger, and when a device was last heard.
LEDGER = {"event", "event_subject", "setting"}
GIB = 2**30


@dataclass
class House:
    """A served site with one vendor and one device, and a genuine bundle that was not handed in."""

    server: Server
    vendor: PaperVendor
    device: PaperDevice
    bundle: bytes
    people: dict[str, httpx.Client] = field(default_factory=dict)

    def post(self, name: str, path: str, body: bytes) -> httpx.Response:
        """What a person is answered."""
        return self.person(name).post(path, content=body)

    def person(self, name: str) -> httpx.Client:
        """A person's or vendor's connection, kept open."""
        if name not in self.people:
            base, tls = self.server.url("people"), self.context(name)
            self.people[name] = httpx.Client(base_url=base, verify=tls, timeout=30)
        return self.people[name]

    def context(self, name: str) -> ssl.SSLContext:
        """The TLS side of a person."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.server.home / "public" / "authority.pem")
        folder = self.server.home / "people" / name
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        return context

    def raw(self, name: str, head: str, *, plane: str = "people") -> tuple[int, bytes]:
        """The answer to request lines that no HTTP library would send, and not one byte more."""
        port = getattr(self.server.ports, plane)
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as sock,
            self.context(name).wrap_socket(sock, server_hostname="127.0.0.1") as tls,
        ):
            tls.sendall(head.replace("\n", "\r\n").encode("latin-1"))
            response = http.client.HTTPResponse(tls)
            response.begin()
            return response.status, response.read()

    def rows(self) -> dict[str, list]:
        """Every row of every table but the ledger's, read beside the server."""
        path = f"file:{self.server.home}/store.sqlite?mode=ro"
        with closing(sqlite3.connect(path, uri=True)) as store:
            store.execute("begin")
            tables = {
                name: store.execute(f'select * from "{name}"')  # noqa: S608 - our own table names
                for name in set(metadata.tables) - LEDGER
            }
            found = {}
            for name, cursor in tables.items():
                columns = [column[0] for column in cursor.description]
                found[name] = [
                    tuple(v for c, v in zip(columns, row, strict=True) if c != "last_seen")
                    for row in cursor
                ]
            return found

    def events(self, start: int = 0) -> list[dict]:
        """The ledger from an entry on, oldest first."""
        path = f"file:{self.server.home}/store.sqlite?mode=ro"
        with closing(sqlite3.connect(path, uri=True)) as store:
            query = "select entry from event where sequence >= ? order by sequence"
            return [json.loads(entry) for (entry,) in store.execute(query, (start,))]

    def files(self) -> set[Path]:
        """Every file of the site that no publication of the ledger writes."""
        return {
            path
            for path in self.server.home.rglob("*")
            if path.is_file() and "ledger" not in path.parts and "store.sqlite" not in path.name
        }


def refused(house: House, ask, actor: str) -> str:
    """Ask, and see one clear error, no row, no file, and one event by the actor; gives the event.

    ask  makes the request and gives status and body
    """
    rows, files, events = house.rows(), house.files(), len(house.events())
    status, body = ask()

    fault = json.loads(body)
    assert 400 <= status < 500, body
    assert set(fault) == {"error"}
    words = fault["error"]
    assert words["who"]
    assert words["kind"]
    said = " ".join(map(str, words.values()))
    assert "expected" in words or "expected" in said, words
    assert "Traceback" not in said
    assert rows == house.rows()
    assert files == house.files()
    new = house.events(events)
    assert [actor] == [event["actor"] for event in new]
    assert house.person("ada").get("/v1/status").json()["site"] == "st-paper"
    return new[0]["says"]


def answered(response: httpx.Response) -> tuple[int, bytes]:
    """Status and body."""
    return response.status_code, response.content


def member(name: str, *, size: int = 3, kind: bytes = b"0", link: str = "") -> bytes:
    """A tar of one member, whose header may announce anything."""
    info = tarfile.TarInfo(name)
    info.size, info.linkname = size, link
    header = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    header[156:157], header[148:156] = kind, b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + b"abc".ljust(512, b"\0") + bytes(1024)


def pax(name: str) -> bytes:
    """A tar that carries its name in an extended header, which some readers follow."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("targets/a")
        info.size, info.pax_headers = 3, {"path": name}
        archive.addfile(info, io.BytesIO(b"abc"))
    return buffer.getvalue()

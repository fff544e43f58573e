"""One served site per module: a real process, real mTLS, and devices that joined."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from tests.wards import FACTORY

from firmward.hospital.desk import Desk
from firmward.lab import paper_site, paper_vendor
from firmward.lab.paper_device import PaperDevice, client, joined
from firmward.lab.paper_site import Server
from firmward.lab.paper_vendor import PaperVendor
from firmward.terms.wire import encode


@dataclass
class Town:
    """A served hospital, its vendor, its people's connections, and its devices."""

    server: Server
    vendor: PaperVendor
    folder: Path
    fleet: list[PaperDevice] = field(default_factory=list)
    open: list[httpx.Client | Desk] = field(default_factory=list)

    def desk(self, name: str) -> Desk:
        """A person's desk."""
        self.open.append(self.server.desk(name))
        return self.open[-1]

    def person(self, name: str, plane: str = "people") -> httpx.Client:
        """A person's raw connection to one of the listeners."""
        folder = self.server.home / "people" / name
        certificate = x509.load_pem_x509_certificate((folder / "cert.pem").read_bytes())
        key = load_pem_private_key((folder / "key.pem").read_bytes(), None)
        return self.client(plane, certificate, key)

    def client(self, plane: str, certificate=None, key=None) -> httpx.Client:
        """A raw connection with any certificate, or none."""
        authority = (self.server.home / "public" / "authority.pem").read_bytes()
        found = client(self.server.url(plane), self.folder, authority, certificate, key)
        self.open.append(found)
        return found

    def join(self, count: int) -> list[PaperDevice]:
        """Devices that enrol, register and report the factory's release."""
        first = len(self.fleet) + 1
        numbers = range(first, first + count)
        self.desk("bea").post("/v1/devices", paper_site.inventory(self.vendor, numbers))
        new = [joined(self.server, self.vendor, n, self.folder, FACTORY) for n in numbers]
        self.fleet += new
        return new

    def events(self, about: str = "") -> list[dict]:
        """Events about a subject, or all."""
        return self.desk("ada").get("/v1/events", **({"about": about} if about else {}))

    def state(self) -> list:
        """Everything a request could move but the ledger."""
        bea = self.desk("bea")
        parts = ("releases", "devices", "rollouts", "tickets")
        return [[{**row, "last_seen": 0} for row in bea.get(f"/v1/{part}")] for part in parts]


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Iterator[Town]:
    """A served hospital with an onboarded vendor and two joined devices."""
    folder = tmp_path_factory.mktemp("town")
    now = datetime.now(UTC)
    home = paper_site.found_site(folder / "site", now, looks_s=(0.2,), tick_s=0.05)
    paper_site.vendor_pass(home, "acme")
    vendor = paper_vendor.new_vendor(now)
    with paper_site.served(home) as server:
        town = Town(server, vendor, folder)
        town.desk("sam").post("/v1/vendors", encode(vendor.onboarding))
        town.join(2)
        yield town
        for part in [*town.open, *(d.http for d in town.fleet if d.http)]:
            part.close()

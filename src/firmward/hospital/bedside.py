"""What devices ask for: what waits, their own metadata, the image their order names.

Entitlement is exactly what a device's order names.  Every refusal of a known device is on the
ledger; being refused never touches what a device does for its patient.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from firmward.hospital.fleet import orders as fleet_orders
from firmward.hospital.records import devices, ledger, orders, releases, vendors
from firmward.hospital.records.devices import Device
from firmward.hospital.records.site import Site
from firmward.terms.checkin import CheckIn
from firmward.terms.errors import Refused
from firmward.terms.stage import Stage


class Withheld(Refused):
    """A device asked for what it may not have."""

    def __init__(self, device: str, what: str, reason: str):
        self.device, self.what, self.reason = device, what, reason
        super().__init__(f"{device}: {what} is withheld: {reason}")


@dataclass
class Seen:
    """When each device was last heard, kept in memory and written behind: it is a hint, no fact."""

    at: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, device: str, now: datetime) -> None:
        """A device was heard just now."""
        with self.lock:
            self.at[device] = now.timestamp()

    def flush(self, connection: Connection) -> None:
        """Write what was noted since the last flush."""
        with self.lock:
            noted, self.at = self.at, {}
        for device, at in noted.items():
            devices.change(connection, device, last_seen=at)


def check_in(site: Site, device: Device, now: datetime) -> CheckIn:
    """What waits for a device, its order signed anew when the signatures grow old."""
    version = 0
    if device.status == "active":
        version = _fresh(site, device, now)
    return CheckIn(
        order_version=version,
        vendor=device.vendor,
        poll_ms=max(1, int(site.settings.poll_s * 1000)),
        server_time=now,
    )


def _fresh(site: Site, device: Device, now: datetime) -> int:
    with site.store.reading() as connection:
        standing = orders.find(connection, device.device)
    if standing is None or now.timestamp() < standing.renew_at:
        return standing.version if standing else 0
    with site.store.writing() as connection:
        standing = orders.find(connection, device.device)
        return fleet_orders.renew(connection, site, standing, now).version if standing else 0


def director_file(site: Site, device: Device, name: str) -> bytes | None:
    """One file of a device's own director repository; None where there is no such file."""
    _entitled(device, name)
    if name == "1.root.json":
        return site.director_root
    with site.store.reading() as connection:
        standing = orders.find(connection, device.device)
    return standing.files.get(name) if standing else None


def image_file(site: Site, device: Device, name: str) -> bytes | None:
    """One metadata file of the device's vendor; None where there is no such file."""
    _entitled(device, name)
    with site.store.reading() as connection:
        return vendors.served(connection, device.vendor, name)


def blob(site: Site, device: Device, sha256: str) -> Path:
    """The encrypted image a device's order names.  Raises Withheld for anything else."""
    _entitled(device, sha256)
    with site.store.reading() as connection:
        standing = orders.find(connection, device.device)
        release = releases.find(connection, standing.release) if standing else None
    if release is None or release.ciphertext_sha256 != sha256 or release.state != "admitted":
        raise Withheld(device.device, f"blob {sha256[:12]}", "its order does not name it")
    return site.blobs.path(sha256)


def _entitled(device: Device, what: str) -> None:
    if device.status != "active":
        raise Withheld(device.device, what[:80], f"the device is {device.status}")


def note_refusal(site: Site, device: str, error: Refused, now: datetime) -> None:
    """Put on the ledger that a known device was turned away."""
    with site.store.writing() as connection:
        ledger.record(
            connection,
            "access.refused",
            Stage.DEVICE,
            now,
            device,
            (device,),
            f"turned away: {error}",
        )

"""Following a vendor that revokes: what its newest metadata no longer lists is taken back here.

A vendor revokes a release by leaving it out (TUF has no other word for it).  Devices refuse it from
then on; without this the hospital would go on ordering it, and leave it where it runs.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from tuf.api.metadata import Metadata, Targets

from firmward.hospital.records import devices, ledger, orders, releases, rollouts, vendors
from firmward.hospital.records.site import Site
from firmward.hospital.respond import advance, remedies
from firmward.terms.image import image_path
from firmward.terms.stage import Stage


def follow(connection: Connection, site: Site, vendor: str, now: datetime) -> list[str]:
    """Withdraw every release of a vendor that it lists no longer; gives which.

    To be called once its newest metadata is kept, in the same transaction.
    """
    listed = _listed(connection, vendor)
    gone = [
        release.release
        for release in releases.every(connection)
        if release.vendor == vendor
        and release.state == "admitted"
        and image_path(release.release) not in listed
    ]
    # All of them first: nobody is sent back to one that goes as well.
    for release in gone:
        _event(connection, vendor, release, now)
    for release in sorted(gone, key=lambda name: _is_fallback(connection, name), reverse=True):
        _take_back(connection, site, release, f"{vendor} has revoked {release}", now)
    return gone


def _listed(connection: Connection, vendor: str) -> set[str]:
    """The targets in the metadata that intake verified and kept."""
    kept: Metadata[Any] = Metadata.from_bytes(vendors.kept(connection, vendor)["targets"])
    targets: Targets = kept.signed
    return set(targets.targets)


def _is_fallback(connection: Connection, release: str) -> bool:
    found = releases.find(connection, release)
    return found is not None and bool(found.image_claim.fallback_of)


def _event(connection: Connection, vendor: str, release: str, now: datetime) -> None:
    ledger.record(
        connection,
        "vendor.revoked",
        Stage.INTAKE,
        now,
        vendor,
        (release, f"vendor:{vendor}"),
        f"{vendor} no longer lists {release}",
    )


def _take_back(
    connection: Connection, site: Site, release: str, because: str, now: datetime
) -> None:
    """From whoever runs it or is ordered to, and from every roll-out of it."""
    running = [row for row in rollouts.every(connection, "running") if row.release == release]
    reached = {device.device for device in devices.every(connection) if device.release == release}
    reached |= {order.device for order in orders.every(connection) if order.release == release}
    remedies.take_back(connection, site, release, reached, (because,), now, vendor_knows=True)
    for row in running:
        advance.stop(connection, site, row, (because,), now)

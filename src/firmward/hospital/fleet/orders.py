"""Release and device in, order out: the one place where an order comes into being.

Whatever asks for an order (a roll-out, a rollback, a review) passes the same conditions: the
release is admitted, the device is active, and its hardware is one the vendor named.
"""

import os
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from firmward.hospital.fleet.director import DirectorKeys, sign_order
from firmward.hospital.records import devices, ledger, orders, releases, verdicts
from firmward.hospital.records.devices import Device
from firmward.hospital.records.orders import Standing
from firmward.hospital.records.releases import Release
from firmward.hospital.records.site import Site
from firmward.proof.wrap import binding, wrap_key
from firmward.terms.errors import Refused
from firmward.terms.image import ImageClaim
from firmward.terms.order import Order, Purpose
from firmward.terms.stage import Stage
from firmward.terms.wire import decode, encode


class NotEntitled(Refused):
    """Somebody asked for an order that no rule allows."""

    def __init__(self, device: str, release: str, reason: str):
        self.device, self.release, self.reason = device, release, reason
        super().__init__(f"order of {release} for {device}: {reason}")


def director_keys(site: Site) -> DirectorKeys:
    """The online keys that sign orders."""
    names = ("order-targets", "order-snapshot", "order-timestamp")
    return DirectorKeys(*(site.signers[name] for name in names))


def issue(
    connection: Connection,
    site: Site,
    device: Device,
    release: Release,
    purpose: Purpose,
    now: datetime,
    *,
    rollout: str = "",
    because: str = "",
) -> Order:
    """Order a device to run a release, in the caller's transaction.  Raises NotEntitled."""
    claim = _entitled(device, release)
    if purpose == "install":
        _eligible(connection, device, release)
    info = binding(device.device, release.release, release.image_sha256)
    key = site.unseal(release.sealed_key, release.release)
    order = Order(
        order=os.urandom(16).hex(),
        purpose=purpose,
        ecu_identifier=device.device,
        vendor=release.vendor,
        product=release.product,
        version=claim.version,
        release_counter=claim.release_counter,
        hardware_ids=claim.hardware_ids,
        ciphertext_sha256=release.ciphertext_sha256,
        ciphertext_length=release.ciphertext_length,
        wrapped_key=wrap_key(key, device.decryption_key, info),
    )
    standing = Standing(
        device=device.device,
        order=order.order,
        release=release.release,
        purpose=purpose,
        rollout=rollout,
        state="done" if purpose == "keep" else "open",
        custom=encode(order),
        image_sha256=release.image_sha256,
        image_length=release.image_length,
        version=orders.last_version(connection, device.device),
        files={},
        refusals=0,
        renew_at=0.0,
        issued_at=now.timestamp(),
    )
    renew(connection, site, standing, now)
    ledger.record(
        connection,
        "order.issued",
        Stage.ORDER,
        now,
        "firmward",
        (device.device, release.release, rollout),
        f"{device.device} is to {purpose} {release.release}" + (f": {because}" if because else ""),
        order=order.order,
        purpose=purpose,
    )
    return order


def _entitled(device: Device, release: Release) -> ImageClaim:
    """What the vendor says of a release that this device may be ordered to run."""
    claim = release.image_claim
    if release.state != "admitted":
        raise NotEntitled(device.device, release.release, f"expected admitted, is {release.state}")
    if device.status != "active":
        raise NotEntitled(device.device, release.release, f"the device is {device.status}")
    made_for = (device.vendor, device.product) == (release.vendor, release.product)
    if not made_for or device.hardware_id not in claim.hardware_ids:
        raise NotEntitled(device.device, release.release, "it is not made for this hardware")
    return claim


def orderable(connection: Connection, device: Device, release: Release) -> bool:
    """Whether an order to install this release on this device would come into being."""
    try:
        _entitled(device, release)
        _eligible(connection, device, release)
    except NotEntitled:
        return False
    return True


def _eligible(connection: Connection, device: Device, release: Release) -> None:
    """A way back needs no verdict of its own: it came in with the release it leads back from."""
    if release.image_claim.fallback_of:
        return
    standing = verdicts.standing(connection, release.release, device.device_class)
    if standing is None or standing.state != "eligible":
        state = standing.state if standing else "not judged"
        raise NotEntitled(
            device.device, release.release, f"it is {state} for {device.device_class}"
        )


def repeat(connection: Connection, site: Site, standing: Standing, now: datetime) -> None:
    """The same wish under a new order number: a device never takes up a number it has refused."""
    number = os.urandom(16).hex()
    order = msgspec.structs.replace(decode(standing.custom, Order, "stored order"), order=number)
    renew(connection, site, replace(standing, order=number, custom=encode(order)), now)


def renew(connection: Connection, site: Site, standing: Standing, now: datetime) -> Standing:
    """The same order, signed anew under the next version, stored before anybody is served it.

    An order of a release that is no longer admitted is recalled: the director never signs it again.
    So is one to install what has lost its standing for the device's class, until it is carried out.
    """
    release = releases.find(connection, standing.release)
    if release is None or release.state != "admitted" or _lost(connection, standing, release):
        standing = _recalled(connection, standing, now)
    life = timedelta(seconds=site.settings.order_life_s)
    recalled = standing.state == "recalled"
    order = None if recalled else decode(standing.custom, Order, "stored order")
    version = standing.version + 1
    files = sign_order(
        order,
        standing.image_sha256,
        standing.image_length,
        version,
        director_keys(site),
        now,
        life,
    )
    renew_at = (now + life / 2).timestamp()
    fresh = replace(standing, version=version, files=files, renew_at=renew_at)
    orders.put(connection, fresh)
    return fresh


def _lost(connection: Connection, standing: Standing, release: Release) -> bool:
    if standing.purpose != "install" or standing.state != "open":
        return False
    try:
        _eligible(connection, devices.get(connection, standing.device), release)
    except NotEntitled:
        return True
    return False


def _recalled(connection: Connection, standing: Standing, now: datetime) -> Standing:
    if standing.state == "recalled":
        return standing
    says = f"{standing.device} is no longer to {standing.purpose} {standing.release}"
    about = (standing.device, standing.release, standing.rollout)
    ledger.record(
        connection,
        "order.recalled",
        Stage.ORDER,
        now,
        "firmward",
        about,
        says,
        order=standing.order,
    )
    return replace(standing, state="recalled")

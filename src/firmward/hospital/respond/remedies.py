"""Remedies: taking a release back, isolating a device, and letting it return after review.

Isolation here withholds updates and metadata; it never touches what the device does for a patient.
A quarantined device may still report, so that nobody goes blind on it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from firmward.hospital.fleet import orders as fleet_orders
from firmward.hospital.records import cases, devices, ledger, orders, releases
from firmward.hospital.records.devices import Device
from firmward.hospital.records.site import Site
from firmward.hospital.respond import incidents, tickets
from firmward.hospital.respond.incidents import Fault
from firmward.terms.errors import Refused
from firmward.terms.order import Purpose
from firmward.terms.stage import Stage

REVIEWERS = frozenset({"sec", "biomed", "risk"})


def take_back(
    connection: Connection,
    site: Site,
    release: str,
    reached: Iterable[str],
    reasons: Sequence[str],
    now: datetime,
    *,
    rollout: str = "",
    vendor_knows: bool = False,
) -> None:
    """Withdraw a release and order everyone it reached back to where they are safe.

    vendor_knows  it is by the vendor's own word, so there is nothing to tell it
    """
    found = releases.find(connection, release)
    if found is None or found.state != "admitted":
        return
    releases.withdraw(connection, release)
    ledger.record(
        connection,
        "release.withdrawn",
        Stage.RESPOND,
        now,
        "firmward",
        (release, rollout),
        f"{release} is withdrawn: {reasons[0] if reasons else 'no reason given'}",
        reasons=tuple(reason[:300] for reason in reasons[:20]),
    )
    for device in sorted(set(reached)):
        send_back(connection, site, devices.get(connection, device), now, rollout=rollout)
    cause, subject = f"withdrawn:{release}", f"{release} was withdrawn from the fleet"
    if not vendor_knows:
        fault = Fault(found.vendor, release, found.image_sha256, cause, subject, (rollout,))
        incidents.tell(connection, site, fault, reasons, now)
    tickets.file(connection, tickets.BIOMED, cause, subject, reasons, (release, rollout), now)


def send_back(
    connection: Connection, site: Site, device: Device, now: datetime, *, rollout: str = ""
) -> None:
    """Order one device off a withdrawn release, onto its pre-signed fallback.

    A device that never left its old release is ordered to stay on it.  Where that release was
    never admitted here (the factory's), the order it has is recalled.
    """
    if device.status != "active":
        return
    running = releases.find(connection, device.release)
    if running is not None and running.state == "admitted":
        fleet_orders.issue(connection, site, device, running, "keep", now, rollout=rollout)
        return
    fallback = releases.find(connection, running.fallback) if running else None
    if fallback is not None and fallback.state == "admitted":
        because = f"{device.release} is withdrawn"
        fleet_orders.issue(
            connection, site, device, fallback, "rollback", now, rollout=rollout, because=because
        )
        return
    standing = orders.find(connection, device.device)
    if standing is not None:
        fleet_orders.renew(connection, site, standing, now)


def quarantine(
    connection: Connection, device: Device, cause: str, reasons: Sequence[str], now: datetime
) -> None:
    """Isolate a device from updates at once, open its case, and file a ticket."""
    if device.status == "quarantined":
        return
    devices.change(connection, device.device, status="quarantined")
    number = cases.open_case(connection, device.device, cause, now.timestamp())
    ledger.record(
        connection,
        "device.quarantined",
        Stage.RESPOND,
        now,
        "firmward",
        (device.device, device.release, f"case:{number}"),
        f"{device.device} is quarantined: {cause}",
        case=number,
        reasons=tuple(reason[:300] for reason in reasons[:20]),
    )
    tickets.file(
        connection,
        tickets.BIOMED,
        f"quarantine:{number}",
        f"review {device.device}: {cause}",
        reasons,
        (device.device,),
        now,
    )


def case_digest(case: cases.Case, finding: str) -> str:
    """What reviewers put their names to: this case of this device, with this finding."""
    text = f"reinstate|{case.number}|{case.device}|{case.cause}|{finding}"
    return hashlib.sha256(text.encode()).hexdigest()


def review(
    connection: Connection,
    site: Site,
    device: Device,
    finding: str,
    person: str,
    role: str,
    now: datetime,
) -> bool:
    """One reviewer's word that the device may return; true once two people of two roles agree.

    The approval is bound to case and finding: a different finding starts anew.  Raises Refused.
    """
    case = cases.open_case_of(connection, device.device)
    if case is None or role not in REVIEWERS:
        raise Refused(
            f"review of {device.device} by {person}: expected an open case and a reviewer"
        )
    digest = case_digest(case, finding)
    cases.approve(connection, digest, person, role, now.timestamp())
    given = cases.approvals(connection, digest)
    ledger.record(
        connection,
        "case.reviewed",
        Stage.RESPOND,
        now,
        person,
        (device.device, f"case:{case.number}"),
        f"{person} as {role} reviewed case {case.number}: {finding}",
        digest=digest,
    )
    if len(given) < 2:
        return False
    cases.close_case(connection, case.number)
    devices.change(connection, device.device, status="active")
    ledger.record(
        connection,
        "device.reinstated",
        Stage.RESPOND,
        now,
        "firmward",
        (device.device, f"case:{case.number}"),
        f"{device.device} is reinstated after review by {' and '.join(n for n, _ in given)}",
        digest=digest,
    )
    _order_again(connection, site, devices.get(connection, device.device), case, now)
    return True


def _order_again(
    connection: Connection, site: Site, device: Device, case: cases.Case, now: datetime
) -> None:
    """After a review the device is ordered afresh, so that it proves its state anew.

    A device whose image was altered goes to the pre-signed fallback: the altered slot cannot boot
    again, and what runs from memory must not be all it has.
    """
    standing = orders.find(connection, device.device)
    name = standing.release if standing else device.release
    wanted = releases.find(connection, name)
    altered = case.cause.startswith("hash-mismatch")
    if wanted is not None and altered:
        wanted = releases.find(connection, wanted.fallback)
    if wanted is None or not fleet_orders.orderable(connection, device, wanted):
        # It was withdrawn or revoked while the device was isolated, or there is no way back.
        send_back(connection, site, device, now)
        return
    purpose: Purpose = "keep" if wanted.release == device.release else "install"
    if wanted.image_claim.fallback_of and purpose == "install":
        purpose = "rollback"
    because = f"it was reinstated in case {case.number}"
    fleet_orders.issue(connection, site, device, wanted, purpose, now, because=because)

"""What devices say: signed version reports and vitals, durable before they are acknowledged."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from firmward.hospital.fleet import orders as fleet_orders
from firmward.hospital.records import devices, ledger, orders, releases, vitals
from firmward.hospital.records.devices import Device
from firmward.hospital.records.site import Site
from firmward.hospital.respond import incidents, remedies, tickets
from firmward.hospital.respond.incidents import Fault
from firmward.hospital.watch import decide, signals
from firmward.proof import envelope, keys
from firmward.terms.errors import NotTrusted, Refused
from firmward.terms.names import split_release
from firmward.terms.report import REPORT_TYPE, Attack, VersionReport, Vitals
from firmward.terms.stage import Stage
from firmward.terms.wire import decode

MAX_REFUSALS = 3


class Replayed(Refused):
    """A sequence number that was used before, under different bytes."""

    def __init__(self, device: str, above: int, got: int):
        self.device, self.above, self.got = device, above, got
        super().__init__(f"{device}: expected a sequence above {above}, got {got}")


def take_report(site: Site, device: Device, data: bytes, now: datetime) -> int:
    """A signed version report: recorded, weighed, and acted on, all in one transaction.

    Gives the sequence number once everything is durable; the same report again changes nothing.
    Raises NotTrusted, Malformed, Replayed.
    """
    if not device.report_key:
        raise NotTrusted(device.device, "it has not registered a report key")
    key = keys.public_key(device.report_key, device.device)
    payload = envelope.unseal(data, REPORT_TYPE, [key], device.device)
    report = decode(payload, VersionReport, f"report of {device.device}")
    if report.device != device.device:
        raise NotTrusted(device.device, f"its report is about {report.device}")
    digest = site.blobs.put(data)
    with site.store.writing() as connection:
        known = devices.get(connection, device.device)
        if report.sequence <= known.report_sequence:
            if (report.sequence, digest) == (known.report_sequence, known.report_digest):
                return report.sequence
            raise Replayed(device.device, known.report_sequence, report.sequence)
        _record_report(connection, known, report, digest, now)
        _act_on_report(connection, site, known, report, now)
    return report.sequence


def _record_report(
    connection: Connection, known: Device, report: VersionReport, digest: str, now: datetime
) -> None:
    devices.change(
        connection,
        known.device,
        report_sequence=report.sequence,
        report_digest=digest,
        release=report.release,
        image_sha256=report.image_sha256,
        floor=report.floor,
    )
    says = f"{report.outcome} {report.release}"
    if report.attack:
        says = f"refused an order: {report.attack}: {report.detail}"
    elif report.detail:
        says = f"{says}: {report.detail}"
    ledger.record(
        connection,
        f"device.{report.outcome}",
        Stage.DEVICE,
        now,
        known.device,
        (known.device, report.release),
        says,
        sequence=report.sequence,
        report=digest,
        attack=str(report.attack),
        measured=report.measured_sha256,
        floor=report.floor,
        order=report.order,
    )


def _act_on_report(
    connection: Connection, site: Site, known: Device, report: VersionReport, now: datetime
) -> None:
    named = releases.find(connection, report.release)
    found = signals.of_report(report, named.image_sha256 if named else "")
    decision = decide.about_device(found)
    if decision.outcome == "quarantine":
        cause = f"{found[0].name}: {found[0].says}"
        remedies.quarantine(connection, known, cause[:200], decision.because, now)
        _tell_vendor(connection, site, known, report, found[0].name, decision.because, now)
        return
    standing = orders.find(connection, known.device)
    if standing is not None and report.order == standing.order:
        _settle(connection, site, standing, report, now)
    elif standing is not None and report.outcome == "refused" and report.order:
        # A well-signed order that is not ours: whoever made it is one version ahead of us.
        overtaken = replace(standing, version=standing.version + 1)
        fleet_orders.repeat(connection, site, overtaken, now)
    if report.attack not in (Attack.NONE, Attack.WRONG_SERVER):
        _attack_ticket(connection, known, report, now)
    fresh = devices.get(connection, known.device)
    _realign(connection, site, fresh, standing, now)


def _tell_vendor(
    connection: Connection,
    site: Site,
    known: Device,
    report: VersionReport,
    signal: str,
    because: tuple[str, ...],
    now: datetime,
) -> None:
    """One report for a release and a signal, however many of its devices show it."""
    release = report.release
    if split_release(release)[0] != known.product:
        # A device that was broken into may name anybody's release; that is no news of theirs.
        return
    admitted = releases.find(connection, release)
    fault = Fault(
        vendor=known.vendor,
        release=release,
        sha256=admitted.image_sha256 if admitted else report.image_sha256,
        cause=f"quarantined:{release}:{signal}",
        subject=f"a device running {release} was isolated: {signal}",
    )
    incidents.tell(connection, site, fault, because, now)


def _settle(
    connection: Connection,
    site: Site,
    standing: orders.Standing,
    report: VersionReport,
    now: datetime,
) -> None:
    if report.release == standing.release and report.outcome in ("kept", "running"):
        orders.settle(connection, standing.device, "done")
    elif report.outcome == "reverted":
        orders.settle(connection, standing.device, "reverted")
    elif report.outcome == "refused":
        # What it refused may have come from an attacker in between: offer it again, a few times.
        refusals = standing.refusals + 1
        state = "refused" if refusals >= MAX_REFUSALS else standing.state
        kept = replace(standing, refusals=refusals, state=state)
        fleet_orders.repeat(connection, site, kept, now)


def _attack_ticket(
    connection: Connection, known: Device, report: VersionReport, now: datetime
) -> None:
    tickets.file(
        connection,
        tickets.BIOMED,
        f"attack:{known.device}:{report.attack}",
        f"{known.device} was attacked: {report.attack}",
        (report.detail or str(report.attack),),
        (known.device,),
        now,
    )


def _realign(
    connection: Connection,
    site: Site,
    device: Device,
    standing: orders.Standing | None,
    now: datetime,
) -> None:
    """Every reporting device stands under an order, and none stays on a withdrawn release."""
    running = releases.find(connection, device.release)
    if device.status != "active" or running is None:
        return
    if running.state == "withdrawn":
        if standing is None or standing.purpose != "rollback":
            remedies.send_back(connection, site, device, now)
    elif standing is None and running.state == "admitted":
        fleet_orders.issue(connection, site, device, running, "keep", now)


def take_vitals(site: Site, device: Device, data: bytes, now: datetime) -> int:
    """A batch of readings, durable when this returns; a batch seen before changes nothing."""
    batch = decode(data, Vitals, f"vitals of {device.device}")
    if batch.device != device.device:
        raise NotTrusted(device.device, f"its vitals are about {batch.device}")
    with site.store.writing() as connection:
        known = devices.get(connection, device.device)
        if batch.sequence > known.vitals_sequence:
            vitals.add(connection, batch, now.timestamp())
            devices.change(connection, device.device, vitals_sequence=batch.sequence)
    return batch.sequence

"""Incidents: what a vendor is told about a release, signed by this site and kept in the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from firmward.hospital.records import outbox
from firmward.hospital.records.outbox import Report
from firmward.hospital.records.site import Site
from firmward.hospital.respond import private, tickets
from firmward.proof import envelope, keys
from firmward.terms.incident import INCIDENT, Incident, Reporter
from firmward.terms.statement import statement
from firmward.terms.wire import plain


@dataclass(frozen=True)
class Fault:
    """What went wrong with a vendor's release.

    sha256  of the image, so that nobody has to trust a name
    cause   one ticket for each
    about   what the event on our own ledger is about besides
    """

    vendor: str
    release: str
    sha256: str
    cause: str
    subject: str
    about: tuple[str, ...] = ()


def tell(
    connection: Connection, site: Site, fault: Fault, reasons: Sequence[str], now: datetime
) -> None:
    """File a vendor's ticket, and its signed report with it, in the caller's transaction."""
    said = private.for_vendor(connection, site, reasons)
    number = tickets.file(
        connection,
        fault.vendor,
        fault.cause,
        fault.subject,
        said,
        (fault.release, *fault.about),
        now,
    )
    if not number:
        return
    incident = Incident(
        hospital=site.settings.site,
        ticket=number,
        vendor=fault.vendor,
        release=fault.release,
        cause=fault.cause[:512],
        subject=fault.subject[:512],
        reasons=said,
        filed=now,
    )
    about = statement(fault.release, fault.sha256, INCIDENT, plain(incident))
    body = envelope.seal_statement(about, [site.signers["verdict"]])
    at = now.timestamp()
    report = Report(number, fault.vendor, body, "waiting", 0, 0.0, at, 0.0)
    outbox.add(connection, report)


def reporter(site: Site) -> Reporter:
    """Who signs this site's reports, for vendors to believe; the secret is each vendor's own."""
    document = keys.public_document(site.signers["verdict"].public_key)
    return Reporter(hospital=site.settings.site, verdict_key=document)

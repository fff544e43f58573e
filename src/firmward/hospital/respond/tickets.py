"""Tickets: one per cause and recipient, filed without a person, each with its event."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from firmward.hospital.records import cases, ledger
from firmward.terms.stage import Stage

BIOMED = "biomed-security"


def file(
    connection: Connection,
    recipient: str,
    cause: str,
    subject: str,
    reasons: Sequence[str],
    about: Sequence[str],
    now: datetime,
) -> int:
    """File a ticket and give its number; 0 where there is one for this cause already.

    What goes to a vendor goes through `incidents.tell`.
    """
    number = cases.file_ticket(connection, recipient, cause, subject, reasons, now.timestamp())
    if number:
        ledger.record(
            connection,
            "ticket.filed",
            Stage.RESPOND,
            now,
            "firmward",
            (*about, f"ticket:{number}"),
            f"ticket {number} to {recipient}: {subject}",
            recipient=recipient,
            cause=cause,
            reasons=tuple(reason[:300] for reason in reasons[:40]),
        )
    return number

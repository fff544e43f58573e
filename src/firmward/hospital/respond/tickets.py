"""Tickets: one per cause and recipient, filed without a person, each with its event."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from firmward.hospital.records import cases, ledger
from firmward.terms.stage import Stage

BIOMED = "biomed-security"


def file(
    connection: Connection,
    recipients: Sequence[str],
    cause: str,
    subject: str,
    reasons: Sequence[str],
    about: Sequence[str],
    now: datetime,
) -> None:
    """File a ticket with each recipient who has none for this cause yet."""
    for recipient in recipients:
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

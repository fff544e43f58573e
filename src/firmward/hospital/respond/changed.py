"""What follows when a release loses its standing for a class, gets it back, or is overdue.

Nobody is sent back by it: what ran before may be worse, and both sides are in the ticket.  Only
orders that are still open are recalled, and no new ones are made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from firmward.hospital.fleet import orders as fleet_orders
from firmward.hospital.gate.judge import Judgement
from firmward.hospital.records import cases, devices, ledger, orders, watched
from firmward.hospital.records.releases import Release
from firmward.hospital.records.site import Site
from firmward.hospital.respond import incidents, tickets
from firmward.hospital.respond.incidents import Fault
from firmward.terms.stage import Stage

_NAMED = 40


@dataclass(frozen=True)
class Change:
    """A decision that changed.

    causes  the facts that turned it
    """

    release: Release
    judgement: Judgement
    causes: tuple[str, ...]
    deadline: float = 0.0

    @property
    def pair(self) -> watched.Pair:
        """Release and class."""
        return self.judgement.release, self.judgement.device_class

    @property
    def about(self) -> tuple[str, ...]:
        """What its events are about."""
        return self.judgement.release, self.judgement.device_class


def revoke(connection: Connection, site: Site, change: Change, now: datetime) -> None:
    """Recall what is still open, and tell vendor and hospital, once for each cause."""
    judgement = change.judgement
    watched.revoke(connection, change.pair, change.causes)
    recalled = recall(connection, site, change.pair, now)
    says = f"{judgement.release} is revoked for {judgement.device_class}: "
    _note(connection, change, says + ", ".join(change.causes), now, recalled=recalled)
    until = datetime.fromtimestamp(change.deadline, UTC)
    reasons = (
        *judgement.reasons,
        "devices that run it go on running it; no further one is ordered to",
        *([judgement.weighed] if judgement.weighed else []),
        f"to be dealt with by {until:%Y-%m-%d %H:%M} UTC",
    )
    for cause in change.causes:
        _tell(connection, site, change, (cause, "is not to be installed any further"), reasons, now)


def restore(connection: Connection, site: Site, change: Change, now: datetime) -> None:
    """Say that it may be ordered again to all who were told that it may not."""
    held = watched.revoked_by(connection, change.pair)
    watched.restore(connection, change.pair)
    release, name = change.pair
    says = f"{release} is eligible for {name} again: {', '.join(change.causes)}"
    _note(connection, change, says, now, recalled=0)
    reasons = (says, f"what stood against it: {', '.join(held) or 'is not recorded'}")
    for cause in held:
        told = (f"returned:{cause}", "may be installed again")
        _tell(connection, site, change, told, reasons, now)


def overdue(connection: Connection, change: Change, now: datetime) -> None:
    """Its deadline has passed and it still stands revoked: escalated once."""
    release, name = change.pair
    for cause in watched.revoked_by(connection, change.pair):
        subject = f"{release} on {name}: the deadline has passed"
        number = f"overdue:{cause}:{release}:{name}"
        reasons = (f"since it was revoked for {cause}", *change.judgement.reasons)
        tickets.file(connection, tickets.BIOMED, number, subject, reasons, change.about, now)


def recall(connection: Connection, site: Site, pair: watched.Pair, now: datetime) -> int:
    """Take back the orders to install it that no device has carried out yet; how many."""
    count = 0
    for standing in orders.naming(connection, pair[0]):
        still = standing.purpose == "install" and standing.state == "open"
        if still and devices.get(connection, standing.device).device_class == pair[1]:
            fleet_orders.renew(connection, site, standing, now)
            count += 1
    return count


def _tell(
    connection: Connection,
    site: Site,
    change: Change,
    told: tuple[str, str],
    reasons: Sequence[str],
    now: datetime,
) -> None:
    cause, what = told
    cause = _numbered(connection, cause)
    release = change.release
    subject = f"{release.release} {what}: {cause}"[:512]
    fault = Fault(release.vendor, release.release, release.image_sha256, cause, subject)
    incidents.tell(connection, site, fault, reasons, now)
    tickets.file(connection, tickets.BIOMED, cause, subject, reasons, change.about, now)


def _numbered(connection: Connection, cause: str) -> str:
    """The cause, numbered from its second round on: what came back and went again is news."""
    bare = cause.removeprefix("returned:")
    rounds = cases.count_like(connection, tickets.BIOMED, f"returned:{bare}")
    if cause != bare:
        open_rounds = cases.count_like(connection, tickets.BIOMED, bare)
        rounds = max(0, open_rounds - 1)
    return cause if rounds == 0 else f"{cause}#{rounds + 1}"


def _note(
    connection: Connection, change: Change, says: str, now: datetime, *, recalled: int
) -> None:
    judgement = change.judgement
    ledger.record(
        connection,
        "gate.rejudged",
        Stage.GATE,
        now,
        "firmward",
        change.about,
        says,
        admitted=judgement.admitted,
        device_class=judgement.device_class,
        triggers=change.causes[:_NAMED],
        reasons=tuple(reason[:300] for reason in judgement.reasons[:_NAMED]),
        policy=judgement.policy_sha256,
        recalled=recalled,
        deadline=change.deadline,
    )

"""Grants as they are kept, and the facts they are judged by: from rows to what the gate may use."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from firmward.advisories.index import Index
from firmward.hospital.gate import document, judge
from firmward.hospital.gate.exceptions import approval as approvals
from firmward.hospital.gate.exceptions.approval import Approval, Signed
from firmward.hospital.gate.exceptions.grant import (
    REVIEW_WITHIN,
    Facts,
    Grant,
    Measurement,
    RuleFacts,
    limits,
)
from firmward.hospital.gate.exceptions.holding import Document, Holding
from firmward.hospital.gate.exceptions.judgement import BLOCKING, Ask, valid
from firmward.hospital.gate.exceptions.request import SEVERITIES, Band, Request, utc
from firmward.hospital.gate.judge import Excepting, NoExceptions
from firmward.hospital.gate.policy import Adopted, Policy
from firmward.hospital.gate.rulings import Ruling
from firmward.hospital.records import exceptions as rows
from firmward.hospital.records import releases, verdicts
from firmward.hospital.records.exceptions import Filed, Measured
from firmward.hospital.records.site import Site
from firmward.terms.errors import Refused
from firmward.terms.wire import decode

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9.]+)+")


@dataclass(frozen=True)
class Basis:
    """What exceptions are judged by, beside the rows: the policy in force, and the advisories."""

    policy: Policy
    advisories: Index | None

    def rule(self, name: str) -> RuleFacts | None:
        """What the policy says of a rule, None where it has no such rule."""
        adopted = self.policy.rule(name)
        return None if adopted is None else _rule_facts(adopted)


def _rule_facts(adopted: Adopted) -> RuleFacts:
    return RuleFacts(adopted.rule.severity, adopted.rule.waivable)


@dataclass(frozen=True)
class Judged:
    """A class's last verdict: the document it was reached from, and its rulings."""

    document: Document
    rulings: tuple[Ruling, ...]


def judged(connection: Connection, basis: Basis, release: str) -> tuple[Judged, ...]:
    """How a release was last judged, class by class; nothing where it never was."""
    found = []
    for standing in verdicts.standings(connection, release):
        last = verdicts.find(connection, standing.verdict)
        parts = {name: verdicts.part(connection, digest) for name, digest in last.parts.items()}
        at = datetime.fromtimestamp(last.at, UTC)
        about = Document(document.joined(parts), basis.policy, at)
        found.append(Judged(about, judge.reopen(last.rulings).rulings))
    return tuple(found)


def asks(connection: Connection, basis: Basis, release: str) -> tuple[Ask, ...] | None:
    """What stands against a release now, or would without an exception; None where nobody judged.

    A rule that only warns is among them, so that its exception can be there on the day it binds.
    """
    found = judged(connection, basis, release)
    if not found:
        return None
    said = (each.document.ask(ruling) for each in found for ruling in each.rulings)
    return tuple(ask for ask in said if ask.word in BLOCKING)


def bands(found: Iterable[Document], offenders: Iterable[str]) -> dict[tuple[str, str], Band]:
    """(release, offender) -> its worst band in any of these documents."""
    worst: dict[tuple[str, str], Band] = {}
    names = tuple(offenders)
    for each in found:
        for name in names:
            key, band = (each.evidence.subject, name), each.band(name)
            known = [b for b in (band, worst.get(key, "")) if b]
            if known:
                worst[key] = min(known, key=SEVERITIES.index)
    return worst


def grants(connection: Connection, site: Site, release: str = "") -> list[Grant]:
    """Every request, or those for one release, with the approvals that verify, oldest first."""
    voids = rows.voids(connection)
    return [
        grant_of(connection, site, filed, voids.get(filed.request))
        for filed in rows.every(connection, release)
    ]


def holding(connection: Connection, site: Site, basis: Basis, about: Document) -> Excepting:
    """The grants that the gate may use for this document, at its moment."""
    if not rows.every(connection, about.evidence.subject):
        return NoExceptions()
    found = grants(connection, site, about.evidence.subject)
    known = facts(connection, basis, found, about.now, about)
    return Holding(valid(found, about.now, known), about)


def grant_of(connection: Connection, site: Site, filed: Filed, void: rows.Voided | None) -> Grant:
    """A request with the approvals that verify.

    The rows are not believed: each signature is verified again, as of the day it came.
    """
    request = decode(filed.body, Request, filed.request)
    given: list[Approval] = []
    faults: list[str] = []
    for each in rows.approvals(connection, filed.request):
        at = datetime.fromtimestamp(each.at, UTC)
        signed = Signed(each.envelope, each.certificate, at)
        try:
            given.append(verified(signed, request, site))
        except Refused as error:
            faults.append(f"an approval in the store does not verify: {error}")
    voided = () if void is None else (f"void since {_at(void.at)}: {void.reason}",)
    return Grant(request, tuple(given), voided, tuple(faults))


def verified(signed: Signed, request: Request, site: Site) -> Approval:
    """The approval, signed by a person of this site.  Raises Malformed, NotTrusted."""
    return approvals.verify(signed, request, site.authorities["people"].certificate)


def _at(timestamp: float) -> str:
    return utc(datetime.fromtimestamp(timestamp, UTC).replace(microsecond=0))


def facts(
    connection: Connection,
    basis: Basis,
    about: Sequence[Grant],
    now: datetime,
    judging: Document | None = None,
) -> Facts:
    """What is known now of everything that these grants speak about.

    judging  the document that is being judged; without one, bands are as last judged
    """
    named = {each.request.release: set[str]() for each in about}
    for each in about:
        named[each.request.release] |= each.request.offenders
    rated: dict[tuple[str, str], Band] = {}
    for release, names in named.items():
        last = (each.document for each in judged(connection, basis, release)) if not judging else ()
        rated |= bands([judging] if judging else last, names)
    return Facts(
        rules={each.rule.id: _rule_facts(each) for each in basis.policy.rules},
        images={
            name: row.image_sha256 for name in named if (row := releases.find(connection, name))
        },
        exploited=exploited(basis.advisories, set[str]().union(*named.values())),
        bands=rated,
        controls={
            name: tuple(_measurement(each) for each in found)
            for name, found in rows.controls(connection).items()
        },
        overdue=_overdue(connection, now),
        limits=limits(basis.policy.parameters),
    )


def exploited(advisories: Index | None, offenders: Iterable[str]) -> frozenset[str] | None:
    """Those of the offenders that KEV lists; None where there is no catalogue to ask."""
    if advisories is None:
        return None
    return frozenset(name for name in offenders if _listed(advisories, name))


def _listed(advisories: Index, offender: str) -> bool:
    """Whether anything that an offender's name names, under any of its aliases, is in KEV."""
    names = set(_NAME.findall(offender))
    for name in tuple(names):
        for record in advisories.by_name(name):
            names |= {record.id, *record.aliases}
    return advisories.exploited(sorted(names)) is not None


def _measurement(row: Measured) -> Measurement:
    return Measurement(
        verified=row.verified,
        evidence_sha256=row.evidence_sha256,
        by=row.by,
        at=datetime.fromtimestamp(row.at, UTC),
        valid_until=datetime.fromtimestamp(row.valid_until, UTC),
    )


def review_due(request: Request) -> datetime:
    """Until when a break-glass has to be reviewed."""
    return request.opened_at + REVIEW_WITHIN


def in_effect_once(connection: Connection, request: str) -> bool:
    """Whether a break-glass ever had its two approvals, so that there is something to review."""
    return len({each.role for each in rows.approvals(connection, request)}) > 1


def _overdue(connection: Connection, now: datetime) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    done = rows.reviews(connection)
    for filed in rows.every(connection):
        if filed.kind != "break-glass" or filed.request in done:
            continue
        late = now >= review_due(decode(filed.body, Request, filed.request))
        if late and in_effect_once(connection, filed.request):
            found[filed.release] = (*found.get(filed.release, ()), filed.request)
    return found

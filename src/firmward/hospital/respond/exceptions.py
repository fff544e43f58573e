"""Exceptions step by step: opened, approved, ended, reviewed.

Every step is judged by the gate's own EXC rules before it is kept, in the transaction that keeps it
with its event; what is refused leaves no row.  Nothing here admits a release: a valid grant turns a
ruling into "excepted" when the gate judges, and only there.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from firmward.hospital.gate.exceptions.approval import Signed
from firmward.hospital.gate.exceptions.demands import disputed, fired, missing_roles
from firmward.hospital.gate.exceptions.grant import Facts, Grant
from firmward.hospital.gate.exceptions.judgement import Ask, judge_grant
from firmward.hospital.gate.exceptions.request import (
    TRIGGERS,
    Asked,
    Covered,
    Draft,
    Request,
    Standing,
    request_sha256,
    utc,
    worst,
)
from firmward.hospital.records import exceptions as rows
from firmward.hospital.records import releases
from firmward.hospital.records.exceptions import Approved, Filed, Measured
from firmward.hospital.records.site import Site
from firmward.hospital.respond import tickets
from firmward.hospital.respond.grants import (
    Basis,
    asks,
    bands,
    exploited,
    facts,
    grant_of,
    in_effect_once,
    judged,
    review_due,
    verified,
)
from firmward.terms.errors import Refused
from firmward.terms.wire import decode, encode

EVIDENCE_LIFE: Final = timedelta(days=90)
"""How long a measurement of a control can count at most: hospital limit."""


class NotExceptable(Refused):
    """A request or an approval that one of EXC-001 to EXC-007 speaks against."""

    def __init__(self, who: str, reasons: Iterable[str]):
        self.who, self.reasons = who, tuple(reasons)
        self.reason = "; ".join(self.reasons)
        super().__init__(f"{who}: {self.reason}")


def open_request(
    connection: Connection, site: Site, basis: Basis, draft: Draft, requester: str, now: datetime
) -> Grant:
    """A request as it is kept, for others to approve.

    raises  NotExceptable where any rule but that of the approvals speaks against it, Malformed
    """
    release = releases.find(connection, draft.release)
    if release is None:
        raise Refused(f"{draft.release}: expected a release that was judged here")
    number = rows.next_number(connection)
    covered = _stand(connection, basis, draft)
    request = Request(
        id=f"{'BG' if draft.kind == 'break-glass' else 'EX'}-{number}",
        kind=draft.kind,
        release=draft.release,
        image_sha256=release.image_sha256,
        rules=covered,
        devices=draft.devices,
        severity=worst([each.severity for each in covered]),
        requester=requester,
        rationale=draft.rationale,
        residual_risk=draft.residual_risk,
        retain_years=draft.retain_years,
        controls=draft.controls,
        triggers=tuple(TRIGGERS),
        expires=draft.expires.astimezone(UTC).replace(microsecond=0),
        opened_at=now.astimezone(UTC).replace(microsecond=0),
    )
    # The digest is of the text, so a text that would not show as it is gets no further.
    digest, grant = request_sha256(request), Grant(request)
    _object(requester, grant, facts(connection, basis, [grant], now), now)
    filed = Filed(
        number=number,
        request=request.id,
        kind=request.kind,
        release=request.release,
        requester=requester,
        sha256=digest,
        body=encode(request),
        at=now.timestamp(),
    )
    rules = ", ".join(each.rule for each in covered)
    says = f"{requester} asks to except {rules} of {request.release} until {utc(request.expires)}"
    rows.file(connection, filed, says, now)
    return grant


def _filled(asked: Asked, devices: tuple[str, ...], known: tuple[Ask, ...] | None) -> Asked:
    """The rule with the offenders that stand now; nothing that does not stand is excepted."""
    if known is None:
        return asked
    here = [each for each in known if each.rule == asked.rule and each.device_class in devices]
    stands = sorted({name for each in here for name in each.offenders})
    if not asked.offenders:
        return Asked(rule=asked.rule, offenders=tuple(stands))
    if unknown := set(asked.offenders) - set(stands):
        words = f"EXC-002: nothing stands against it by name of {', '.join(sorted(unknown))}"
        raise NotExceptable(asked.rule, [words])
    return asked


def _stand(connection: Connection, basis: Basis, draft: Draft) -> tuple[Covered, ...]:
    """Every rule with its offenders, as each stands at this moment."""
    known = asks(connection, basis, draft.release)
    asked = [_filled(each, draft.devices, known) for each in draft.rules]
    names = {name for each in asked for name in each.offenders}
    listed = exploited(basis.advisories, names) or frozenset()
    last = (each.document for each in judged(connection, basis, draft.release))
    rated = bands(last, names)

    def covered(each: Asked) -> Covered:
        rule = basis.rule(each.rule)
        return Covered(
            rule=each.rule,
            # A rule that nobody knows is refused by EXC-001, whatever its severity.
            severity=rule.severity if rule else "critical",
            offenders=tuple(
                Standing(
                    offender=name,
                    exploited=name in listed,
                    band=rated.get((draft.release, name), ""),
                )
                for name in each.offenders
            ),
        )

    return tuple(covered(each) for each in asked)


def _object(who: str, grant: Grant, known: Facts, now: datetime) -> None:
    """Raises NotExceptable where more is wrong than that approvals are still to come."""
    against = [
        f"{answer.rule}: {reason}"
        for answer in judge_grant(grant, now, known)
        if answer.rule != "EXC-004"
        for reason in answer.reasons
    ]
    against += [f"EXC-004: {reason}" for reason in disputed(grant)]
    if against:
        raise NotExceptable(f"{grant.request.id} by {who}", against)


def found(connection: Connection, request: str) -> Filed:
    """The request of this id.  Raises Refused."""
    filed = rows.find(connection, request)
    if filed is None:
        raise Refused(f"{request[:40]}: no such request")
    return filed


def approve(
    connection: Connection, site: Site, basis: Basis, filed: Filed, signed: Signed
) -> Grant:
    """The request with one more approval, which the certificate's own person signed.

    raises  NotExceptable, NotTrusted, Malformed; then nothing is kept
    """
    now = signed.received_at
    before = grant_of(connection, site, filed, rows.voids(connection).get(filed.request))
    given = verified(signed, before.request, site)
    held = site.settings.people.get(given.person, ())
    if given.role not in held:
        has = ", ".join(held) or "no role"
        raise NotExceptable(given.person, [f"EXC-004: expected a {given.role}, got {has}"])
    after = replace(before, approvals=(*before.approvals, given))
    known = facts(connection, basis, [after], now)
    _object(given.person, after, known, now)
    row = Approved(
        request=filed.request,
        person=given.person,
        role=given.role,
        envelope=signed.envelope,
        certificate=signed.certificate,
        at=now.timestamp(),
    )
    rows.approve(connection, filed, row, now)
    if missing_roles(before, known) and not missing_roles(after, known):
        _granted(connection, filed, after, now)
    return after


def _granted(connection: Connection, filed: Filed, grant: Grant, now: datetime) -> None:
    people = " and ".join(f"{each.person} ({each.role})" for each in grant.approvals)
    until = utc(grant.request.expires)
    rows.granted(connection, filed, f"{filed.request} holds until {until}, by {people}", now)
    if filed.kind == "break-glass":
        due = utc(review_due(grant.request))
        about = (f"exception:{filed.request}", filed.release)
        subject = f"review {filed.request} for {filed.release} by {due}"
        reasons = (f"{filed.requester} broke the glass: {grant.request.rationale}", people)
        cause = f"break-glass:{filed.request}"
        tickets.file(connection, tickets.BIOMED, cause, subject, reasons, about, now)


def revoke(connection: Connection, filed: Filed, actor: str, reason: str, now: datetime) -> None:
    """End a request for good, by one person's word.  Raises Refused where it has ended before."""
    rows.void(connection, filed, actor, f"revoked by {actor}: {reason}", now)


def review(
    connection: Connection, filed: Filed, reviewer: str, finding: str, now: datetime
) -> None:
    """The review of a break-glass, by somebody who had no part in it.  Raises Refused."""
    if filed.kind != "break-glass" or not in_effect_once(connection, filed.request):
        raise Refused(f"{filed.request}: expected a break-glass that was granted")
    part = {filed.requester, *(each.person for each in rows.approvals(connection, filed.request))}
    if reviewer in part:
        raise Refused(f"{filed.request}: expected a reviewer without part in it, got {reviewer}")
    rows.review(connection, filed, reviewer, finding, now)


def sweep(connection: Connection, site: Site, basis: Basis, now: datetime) -> list[str]:
    """End every request that a trigger has fired for, for good; what was ended, in words.

    A grant is judged again whenever it is used, so one that waits here is not used meanwhile.
    """
    voids = rows.voids(connection)
    open_ = [filed for filed in rows.every(connection) if filed.request not in voids]
    alive = [
        grant_of(connection, site, filed, None)
        for filed in open_
        if now < decode(filed.body, Request, filed.request).expires
    ]
    known, ended = facts(connection, basis, alive, now), []
    for grant in alive:
        reasons = tuple(fired(grant, now, known))
        if reasons:
            filed = found(connection, grant.request.id)
            rows.void(connection, filed, "firmward", "; ".join(reasons), now)
            ended.append(f"{grant.request.id} is void: {'; '.join(reasons)}")
    return ended


def measure(
    connection: Connection, site: Site, basis: Basis, measured: Measured, now: datetime
) -> list[str]:
    """Keep how a control was found; one that was lost ends what leaned on it at once."""
    until = datetime.fromtimestamp(measured.valid_until, UTC)
    if not now < until <= now + EVIDENCE_LIFE:
        raise Refused(
            f"control {measured.control}: expected evidence for {EVIDENCE_LIFE.days} days at most, "
            f"got until {utc(until)}"
        )
    rows.measure(connection, measured, now)
    return sweep(connection, site, basis, now)

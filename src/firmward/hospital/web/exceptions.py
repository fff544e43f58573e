"""Exceptions at the people plane: asked for, read, approved, ended, reviewed, and their controls.

The table says who may try; what an approval counts for is in its signature.  The caller's own
certificate is what it must verify with, so nobody hands in another's, and a vendor's never counts.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import Meta
from sqlalchemy import Connection

from firmward.hospital.excepting import basis
from firmward.hospital.gate.exceptions.approval import Signed
from firmward.hospital.gate.exceptions.grant import Facts, Grant
from firmward.hospital.gate.exceptions.judgement import judge_grant
from firmward.hospital.gate.exceptions.request import (
    Draft,
    RequestId,
    request_sha256,
    request_text,
    utc,
)
from firmward.hospital.gate.exceptions.words import explain, pending, state
from firmward.hospital.judging import Hospital
from firmward.hospital.records import exceptions as rows
from firmward.hospital.records.exceptions import Filed, Measured, Reviewed
from firmward.hospital.respond import exceptions
from firmward.hospital.respond.grants import Basis, facts, grant_of, in_effect_once, review_due
from firmward.hospital.web.plane import Answer, Call, Endpoint, NotFound, answer
from firmward.terms.names import Label, Moment
from firmward.terms.wire import Wire, convert, decode, plain

_ENVELOPE: Final = 64 * 1024


class Words(Wire, frozen=True, kw_only=True):
    """A reason or a finding, which goes on the ledger."""

    finding: Annotated[str, Meta(min_length=1, max_length=300)]


class Found(Wire, frozen=True, kw_only=True):
    """How a control was found in the hospital, and what shows it."""

    verified: bool
    evidence: Annotated[str, Meta(min_length=1, max_length=60_000)]
    valid_until: Moment


class Exceptions:
    """The routes of exceptions and of the controls that they lean on."""

    def __init__(self, hospital: Hospital):
        self._hospital, self._site = hospital, hospital.site

    @property
    def _basis(self) -> Basis:
        return basis(self._hospital)

    def endpoints(self) -> list[Endpoint]:
        """The routes, which the people plane serves with its own."""
        one = "/v1/exceptions/{request}"
        return [
            Endpoint("exceptions", "GET", "/v1/exceptions", self.every),
            Endpoint("exception", "GET", one, self.one),
            Endpoint("exception-request", "POST", "/v1/exceptions", self.open),
            Endpoint("exception-approve", "POST", f"{one}/approvals", self.approve, _ENVELOPE),
            Endpoint("exception-revoke", "POST", f"{one}/revocation", self.revoke),
            Endpoint("exception-review", "POST", f"{one}/review", self.review),
            Endpoint("controls", "GET", "/v1/controls", self.controls),
            Endpoint("control-measured", "POST", "/v1/controls/{control}", self.measured),
        ]

    def every(self, call: Call) -> Answer:
        """Every request, or those for one release, and where each stands."""
        with self._site.store.reading() as connection:
            voids, reviews = rows.voids(connection), rows.reviews(connection)
            listed = [
                (filed, grant_of(connection, self._site, filed, voids.get(filed.request)))
                for filed in rows.every(connection, call.query.get("release", ""))
            ]
            known = facts(connection, self._basis, [grant for _, grant in listed], call.now)
            due = {
                filed.request: _review(connection, filed, grant, reviews, call.now)
                for filed, grant in listed
            }
        return answer(
            [_row(grant, known, call.now) | due[filed.request] for filed, grant in listed]
        )

    def one(self, call: Call) -> Answer:
        """A request with the text that approvers sign, and what each rule says of it."""
        with self._site.store.reading() as connection:
            filed = self._filed(connection, call)
            void = rows.voids(connection).get(filed.request)
            grant = grant_of(connection, self._site, filed, void)
            known = facts(connection, self._basis, [grant], call.now)
            review = _review(connection, filed, grant, rows.reviews(connection), call.now)
        said = {
            "request": plain(grant.request),
            "text": request_text(grant.request),
            "sha256": request_sha256(grant.request),
            "approvals": [
                {"person": a.person, "role": a.role, "meaning": a.meaning, "at": utc(a.signed_at)}
                for a in grant.approvals
            ],
            "answers": plain(judge_grant(grant, call.now, known)),
            "explained": explain(grant, call.now, known),
            "roles": sorted(call.who.roles),
        }
        return answer(_row(grant, known, call.now) | review | said)

    def open(self, call: Call) -> Answer:
        """Ask for an exception."""
        draft = decode(call.body, Draft, call.who.name)
        with self._site.store.writing() as connection:
            grant = exceptions.open_request(
                connection, self._site, self._basis, draft, call.who.name, call.now
            )
            known = facts(connection, self._basis, [grant], call.now)
        text = request_text(grant.request)
        return answer(_row(grant, known, call.now) | {"text": text}, 201)

    def approve(self, call: Call) -> Answer:
        """One person's signed approval of the exact text; the caller is the signer."""
        signed = Signed(call.body, call.certificate, call.now)
        with self._site.store.writing() as connection:
            filed = self._filed(connection, call)
            grant = exceptions.approve(connection, self._site, self._basis, filed, signed)
            known = facts(connection, self._basis, [grant], call.now)
        return answer(_row(grant, known, call.now))

    def revoke(self, call: Call) -> Answer:
        """End an exception at once: anyone responsible may, alone."""
        reason = decode(call.body, Words, call.who.name).finding
        with self._site.store.writing() as connection:
            filed = self._filed(connection, call)
            exceptions.revoke(connection, filed, call.who.name, reason, call.now)
        return answer({"id": filed.request, "state": "void"})

    def review(self, call: Call) -> Answer:
        """The review that every break-glass gets afterwards."""
        finding = decode(call.body, Words, call.who.name).finding
        with self._site.store.writing() as connection:
            filed = self._filed(connection, call)
            exceptions.review(connection, filed, call.who.name, finding, call.now)
        return answer({"id": filed.request, "review": "done"})

    def controls(self, call: Call) -> Answer:
        """Every compensating control, as it was last found."""
        with self._site.store.reading() as connection:
            newest = [found[-1] for found in rows.controls(connection).values()]
        return answer([vars(each) for each in newest])

    def measured(self, call: Call) -> Answer:
        """Keep how a control was found, with its evidence."""
        found = decode(call.body, Found, call.who.name)
        control = convert(call.params["control"], Label, "control")
        evidence = self._site.blobs.put(found.evidence.encode())
        measured = Measured(
            control=control,
            verified=found.verified,
            evidence_sha256=evidence,
            by=call.who.name,
            at=call.now.timestamp(),
            valid_until=found.valid_until.timestamp(),
        )
        with self._site.store.writing() as connection:
            ended = exceptions.measure(connection, self._site, self._basis, measured, call.now)
        return answer({"control": control, "evidence": evidence, "ended": ended})

    def _filed(self, connection: Connection, call: Call) -> Filed:
        name = convert(call.params["request"], RequestId, "exception")
        filed = rows.find(connection, name)
        if filed is None:
            raise NotFound(f"{name}: no such request")
        return filed


def _row(grant: Grant, known: Facts, now: datetime) -> dict[str, Any]:
    request = grant.request
    return {
        "id": request.id,
        "kind": request.kind,
        "release": request.release,
        "rules": [each.rule for each in request.rules],
        "severity": request.severity,
        "requester": request.requester,
        "expires": utc(request.expires),
        "state": state(grant, now, known),
        "waits": pending(grant, known),
        "voided": list(grant.voided),
    }


def _review(
    connection: Connection,
    filed: Filed,
    grant: Grant,
    reviews: Mapping[str, Reviewed],
    now: datetime,
) -> dict[str, str]:
    """How the review of a break-glass stands; an exception has none."""
    if filed.kind != "break-glass":
        return {"review": "", "reviewDue": ""}
    due = review_due(grant.request)
    if done := reviews.get(filed.request):
        return {"review": f"done by {done.reviewer}: {done.finding}", "reviewDue": utc(due)}
    if not in_effect_once(connection, filed.request):
        return {"review": "not granted yet", "reviewDue": utc(due)}
    return {"review": "OVERDUE" if now >= due else "open", "reviewDue": utc(due)}

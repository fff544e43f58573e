"""Grants for people: where one stands, what it waits for, and why it may not be used."""

from datetime import datetime
from typing import Literal

from firmward.hospital.gate.exceptions.demands import missing_roles
from firmward.hospital.gate.exceptions.grant import REVIEW_WITHIN, Facts, Grant
from firmward.hospital.gate.exceptions.judgement import judge_grant
from firmward.hospital.gate.exceptions.request import request_text, utc

State = Literal["pending", "valid", "suspended", "expired", "void"]
"""suspended: approved or not, something speaks against it now; void: ended for good."""


def state(grant: Grant, now: datetime, facts: Facts) -> State:
    """Where a grant stands at this moment."""
    if grant.voided:
        return "void"
    if now >= grant.request.expires:
        return "expired"
    against = {answer.rule for answer in judge_grant(grant, now, facts) if not answer.passed}
    if not against:
        return "valid"
    return "pending" if against == {"EXC-004"} else "suspended"


def pending(grant: Grant, facts: Facts) -> str:
    """What a request still waits for, in one line; "" where it waits for nobody."""
    missing = missing_roles(grant, facts)
    if not missing:
        return ""
    given = ", ".join(f"{each.person} ({each.role})" for each in grant.approvals) or "nobody yet"
    return f"{grant.request.id} waits for {', '.join(missing)}; approved by {given}"


def explain(grant: Grant, now: datetime, facts: Facts) -> str:
    """The text that was signed, who signed it, and what each of EXC-001 to EXC-007 says now."""
    lines = [request_text(grant.request).rstrip("\n"), ""]
    for each in grant.approvals:
        signed = f"{each.person} as {each.role} at {utc(each.signed_at)}"
        lines.append(f"{'approved by':16}{signed}: {each.meaning}")
    if waits := pending(grant, facts):
        lines.append(f"{'waits':16}{waits}")
    if grant.request.kind == "break-glass":
        due = utc(grant.request.opened_at + REVIEW_WITHIN)
        lines.append(f"{'review':16}due {due}")
    lines.append(f"{'stands':16}{state(grant, now, facts)} at {utc(now)}")
    for answer in judge_grant(grant, now, facts):
        lines.append(f"{'PASS' if answer.passed else 'FAIL'} {answer.rule} {answer.title}")
        lines += [f"  because    {reason}" for reason in answer.reasons]
        lines.append(f"  asked by   {'; '.join(answer.cites)}")
    return "\n".join(lines) + "\n"

"""The hospital's own vulnerability matches and the vendor's assessments, made one list.

The vendor may explain a match (VEX), with a justification that a rule can demand and a signature
that says who gave it.  It cannot make one disappear: every match of the hospital stays in the list.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from firmward.advisories.index import Index
from firmward.advisories.match import Match
from firmward.hospital.gate.document import Status, Vulnerability
from firmward.hospital.gate.predicates import Assessed as Said


@dataclass(frozen=True)
class Assessed:
    """Every known vulnerability once.

    leans_on_vendor  whether an answer here is the vendor's, not the hospital's own
    """

    found: tuple[Vulnerability, ...]
    leans_on_vendor: bool


def assess(matches: Sequence[Match], said: Sequence[Said], advisories: Index) -> Assessed:
    """The hospital's matches first, then what only the vendor names."""
    found: list[Vulnerability] = []
    heard: set[int] = set()
    leans = False
    for match in matches:
        if not match.advisory:
            continue
        at = _assessment(match, said)
        if at is not None:
            heard.add(at)
        answer = said[at] if at is not None else None
        clean = answer is None or answer.status in ("not_affected", "fixed")
        if match.status == "not_affected" and clean:
            continue
        leans = leans or answer is not None
        found.append(_matched(match, answer))
    for at, answer in enumerate(said):
        if at not in heard:
            leans = True
            found.append(_only_said(answer, advisories.exploited([answer.id]) is not None))
    return Assessed(tuple(found), leans)


def _assessment(match: Match, said: Sequence[Said]) -> int | None:
    """The place of the vendor's assessment of this match: the same component and any name of it."""
    names = {match.advisory, match.cve, *match.aliases} - {""}
    component = match.component
    for at, answer in enumerate(said):
        same = answer.component in {component.purl, component.name}
        if same and answer.id in names:
            return at
    return None


def _matched(match: Match, answer: Said | None) -> Vulnerability:
    ours: Status = "affected" if match.status == "affected" else "under_investigation"
    return Vulnerability(
        id=match.cve or match.advisory,
        component=match.component.purl or match.component.name,
        status=answer.status if answer else ours,
        matched=match.status,
        justification=answer.justification if answer else "",
        kev=match.exploited or bool(answer and answer.kev),
        risk_state=answer.risk_state if answer else "",
        reason=match.reason,
    )


def _only_said(answer: Said, exploited: bool) -> Vulnerability:
    return Vulnerability(
        id=answer.id,
        component=answer.component,
        status=answer.status,
        matched="",
        justification=answer.justification,
        kev=answer.kev or exploited,
        risk_state=answer.risk_state,
        reason="named by the vendor",
    )

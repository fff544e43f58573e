"""The hospital's own vulnerability matches and the vendor's assessments, made one list.

The vendor may explain a match (VEX), with a justification that a rule can demand and a signature
that says who gave it.  It cannot make one disappear: every match of the hospital stays in the list.
Each is judged for the class of devices that would have it: how exploitable, how harmful, how soon.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from firmward.advisories.match import Known as Advisories
from firmward.advisories.match import Match
from firmward.hospital.gate.listed import Status, Vulnerability
from firmward.hospital.gate.predicates import Assessed as Said
from firmward.hospital.gate.risk import vectors
from firmward.hospital.gate.risk.assess import assessed
from firmward.hospital.gate.risk.facts import Exposed, Parameters, Surroundings, class_of

_OPEN = ("affected", "under_investigation")


@dataclass(frozen=True)
class Paired:
    """A vulnerability with what each side says of it.

    match   the hospital's own; None when only the vendor names it
    answer  the vendor's; None when it is silent
    kev     in the hospital's catalogue of exploited ones, or the vendor says so
    """

    match: Match | None
    answer: Said | None
    kev: bool

    @property
    def status(self) -> Status:
        """VEX: the vendor's word where it gave one, else what the match comes to."""
        if self.answer is not None:
            return self.answer.status
        affected = self.match is not None and self.match.status == "affected"
        return "affected" if affected else "under_investigation"

    @property
    def cve(self) -> str:
        """The name it is known by, a CVE where it has one."""
        if self.match is not None:
            return self.match.cve or self.match.advisory
        return self.answer.id if self.answer else ""


def paired(
    matches: Sequence[Match], said: Sequence[Said], advisories: Advisories
) -> tuple[Paired, ...]:
    """The hospital's matches first, then what only the vendor names."""
    found: list[Paired] = []
    heard: set[int] = set()
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
        found.append(Paired(match, answer, match.exploited or bool(answer and answer.kev)))
    catalogue = advisories.catalogue()
    for at, answer in enumerate(said):
        if at not in heard:
            found.append(Paired(None, answer, answer.kev or answer.id in catalogue))
    return tuple(found)


def _assessment(match: Match, said: Sequence[Said]) -> int | None:
    """The place of the vendor's assessment of this match: the same component and any name of it."""
    names = {match.advisory, match.cve, *match.aliases} - {""}
    component = match.component
    for at, answer in enumerate(said):
        same = answer.component in {component.purl, component.name}
        if same and answer.id in names:
            return at
    return None


def exposed(pair: Paired, advisories: Advisories) -> Exposed:
    """What is known of it for judging its risk: the hospital's facts, and the vendor's signed ones.

    A vendor's mild word needs no proof here that a match could give: only severity of harm and
    reachability, which nobody else can know, are taken from it, and both are signed.
    """
    likely = advisories.likelihood(pair.cve)
    answer = pair.answer
    return Exposed(
        id=pair.cve,
        kev=pair.kev,
        epss=likely.epss if likely else None,
        epss_percentile=likely.percentile if likely else None,
        cvss_vector=_vector(pair),
        medical=bool(answer and answer.rubric),
        reachable=answer.reachable if answer else None,
        harm_severity=answer.harm_severity if answer else None,
    )


def _vector(pair: Paired) -> str:
    if pair.match is not None and pair.match.vector:
        return pair.match.vector
    return pair.answer.cvss_vector if pair.answer else ""


def listed(
    pairs: Sequence[Paired], advisories: Advisories, site: Surroundings, parameters: Parameters
) -> tuple[Vulnerability, ...]:
    """Every vulnerability as rules read it."""
    return tuple(_listed(pair, exposed(pair, advisories), site, parameters) for pair in pairs)


def _listed(
    pair: Paired, fact: Exposed, site: Surroundings, parameters: Parameters
) -> Vulnerability:
    judged = assessed(fact, site, parameters)
    answer, match = pair.answer, pair.match
    component = "" if answer is None else answer.component
    return Vulnerability(
        id=pair.cve,
        component=component if match is None else match.component.purl or match.component.name,
        status=pair.status,
        matched="" if match is None else match.status,
        justification=answer.justification if answer else "",
        kev=pair.kev,
        risk_state=answer.risk_state if answer else "",
        reason="named by the vendor" if match is None else match.reason,
        **_scored(fact, site),
        rubric=fact.medical,
        epss=UNSET if fact.epss is None else fact.epss,
        exploitability=judged.exploitability,
        harm_severity=judged.harm_severity,
        band=judged.band,
        urgency=judged.urgency,
        fix_by=answer.fix_by if answer else "",
    )


def _scored(fact: Exposed, site: Surroundings) -> Mapping[str, Any]:
    """The vector with its version and environmental score, as far as there is one."""
    read = vectors.read(fact.cvss_vector, class_of(fact, site)) if fact.cvss_vector else None
    if read is None:
        return {}
    prefix, _, _ = fact.cvss_vector.partition("/")
    version = prefix.removeprefix("CVSS:") if prefix.startswith("CVSS:") else "2.0"
    return {"cvss": read.score, "cvss_version": version, "cvss_vector": fact.cvss_vector}


def still_open(pairs: Sequence[Paired]) -> Iterator[Paired]:
    """Those that nobody has shown to be repaired or harmless."""
    return (pair for pair in pairs if pair.status in _OPEN)

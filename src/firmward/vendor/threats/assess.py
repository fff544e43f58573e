"""Every threat of the library against every element of a model: what is answered, what is open.

Pure.  An answer counts only as far as its evidence holds: a mitigation whose scan now reports the
very defect, or whose statement is missing, lowers nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from firmward.vendor.threats.library import Control, Library, Threat, When
from firmward.vendor.threats.model import (
    Answer,
    Exposure,
    Flow,
    Interface,
    Model,
    Part,
    Status,
)

Band = Literal["acceptable", "tolerable", "unacceptable"]

# Rows: likelihood 1 to 5; columns: harm 1 (negligible) to 5 (catastrophic).  Data, so that a vendor
# can see it; a hospital draws its own line at its gate (ISO 14971, clause 4.4, asks for the plan).
MATRIX: Final = ("AAAAT", "AAATT", "AATTU", "ATTUU", "ATUUU")
OURS: Final = "firmward-"
_BANDS: Final[dict[str, Band]] = {"A": "acceptable", "T": "tolerable", "U": "unacceptable"}


@dataclass(frozen=True)
class Facts:
    """What is known of the release, to hold answers against.

    scanners    scanner -> the rules that it says it looks for, for each that answered
    findings    "scanner/rule" of what was reported, whatever the level, and nobody answers for
    statements  names of the evidence that this release carries
    passed      names of the tests that passed
    files       paths of the tree
    """

    scanners: Mapping[str, frozenset[str]] = field(default_factory=dict)
    findings: frozenset[str] = frozenset()
    statements: frozenset[str] = frozenset()
    passed: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()

    def holds(self, evidence: str) -> bool:
        """Whether `scan:`, `statement:`, `test:` or `file:` evidence is borne out."""
        kind, _, name = evidence.partition(":")
        if kind == "scan":
            return self._looked_for(name) and name not in self.findings
        among = {"statement": self.statements, "test": self.passed, "file": self.files}
        return name in among[kind]

    def _looked_for(self, name: str) -> bool:
        """Whether a scanner answered and looks for this: silence about nothing is no evidence.

        Our own scanners name every rule they have; others only those that they reported.
        """
        scanner, _, rule = name.partition("/")
        known = self.scanners.get(scanner)
        if known is None or not rule:
            return False
        return rule in known or not scanner.startswith(OURS)


@dataclass(frozen=True)
class Judged:
    """One threat on one element.

    vector      from where it comes
    likelihood, impact   as they are now, with what holds
    held, failed         controls whose evidence holds, and (control, evidence) that does not
    """

    threat: Threat
    element: str
    vector: Exposure
    status: Status
    likelihood: int
    impact: int
    why: str = ""
    owner: str = ""
    until: date | None = None
    held: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()

    @property
    def band(self) -> Band:
        """Where likelihood and impact meet in the matrix."""
        return band(self.likelihood, self.impact)

    @property
    def open(self) -> bool:
        """Whether nobody has dealt with it, or what was done does not suffice."""
        return self.status == "open"


@dataclass(frozen=True)
class Assessment:
    """Every judged threat, the worst first; `stale` are answers that fit nothing."""

    judged: tuple[Judged, ...]
    stale: tuple[str, ...] = field(default=())

    @property
    def open(self) -> tuple[Judged, ...]:
        """What is open."""
        return tuple(each for each in self.judged if each.open)


def band(likelihood: int, impact: int) -> Band:
    """The matrix's word for a likelihood and an impact, both 1 to 5."""
    return _BANDS[MATRIX[likelihood - 1][impact - 1]]


def assess(model: Model, library: Library, facts: Facts, today: date) -> Assessment:
    """The model held against the library and the facts of a release."""
    judged: list[Judged] = []
    used: set[int] = set()
    for threat in library.threats:
        for element, vector, impact in _targets(model, threat):
            at = _answered(model.answers, threat.id, element)
            used |= set() if at is None else {at}
            answer = None if at is None else model.answers[at]
            judged.append(_judge(threat, element, vector, impact, answer, facts, today))
    stale = [
        f"{answer.threat} on {', '.join(answer.where) or 'everything'}"
        for at, answer in enumerate(model.answers)
        if at not in used
    ]
    order = {"unacceptable": 0, "tolerable": 1, "acceptable": 2}
    judged.sort(key=lambda e: (not e.open, order[e.band], e.threat.id, e.element))
    return Assessment(tuple(judged), tuple(stale))


def _answered(answers: Sequence[Answer], threat: str, element: str) -> int | None:
    """The place of the answer; one that names the element goes before one for everything."""
    fitting = [at for at, answer in enumerate(answers) if answer.threat == threat]
    named = [at for at in fitting if element in answers[at].where]
    general = [at for at in fitting if not answers[at].where]
    return next(iter([*named, *general]), None)


def _targets(model: Model, threat: Threat) -> Iterator[tuple[str, Exposure, int]]:
    """(element, vector, impact) of everything the threat applies to."""
    if threat.element == "product":
        yield "product", threat.vector or "network", threat.impact
    elif threat.element == "interface":
        for way in model.interfaces:
            if _door_fits(threat.when, way):
                yield way.id, threat.vector or way.exposure, _impact(model, threat, way.part)
    elif threat.element == "part":
        for part in model.parts:
            yield part.id, threat.vector or "local", _impact(model, threat, part.id)
    else:
        doors = {door.id: door for door in model.interfaces}
        for flow in model.flows:
            door = doors.get(flow.interface)
            if _flow_fits(threat.when, model, flow, door):
                exposure: Exposure = "network" if door is None else door.exposure
                yield flow.id, threat.vector or exposure, _grade(model, threat, flow.assets)


def _door_fits(when: When, door: Interface) -> bool:
    return (
        (not when.kinds or door.kind in when.kinds)
        and (not when.exposures or door.exposure in when.exposures)
        and when.authenticated in (None, door.authenticated)
        and when.encrypted in (None, door.encrypted)
    )


def _flow_fits(when: When, model: Model, flow: Flow, door: Interface | None) -> bool:
    zones = {part.id: part.zone for part in model.parts}
    zones |= {outsider.id: outsider.zone for outsider in model.outside}
    crosses = zones[flow.source] != zones[flow.target]
    if when.crosses is not None and when.crosses != crosses:
        return False
    return door is None or _door_fits(when, door)


def _impact(model: Model, threat: Threat, part: str) -> int:
    found: Part = next(each for each in model.parts if each.id == part)
    return _grade(model, threat, found.assets)


def _grade(model: Model, threat: Threat, assets: Iterable[str]) -> int:
    """The worst grade among the assets, in the quality that is lost; without assets the threat's.

    An element that holds nothing of worth can still be a step towards one that does.
    """
    named = set(assets)
    grades = [getattr(each, threat.quality) for each in model.assets if each.id in named]
    return max(grades, default=threat.impact)


def _judge(
    threat: Threat,
    element: str,
    vector: Exposure,
    impact: int,
    answer: Answer | None,
    facts: Facts,
    today: date,
) -> Judged:
    likelihood, held, failed = threat.likelihood, [], []
    known = {control.id: control for control in threat.controls}
    for mitigation in answer.mitigations if answer else ():
        missing = [each for each in mitigation.evidence if not facts.holds(each)]
        control = known.get(mitigation.control)
        if control is None:
            failed.append((mitigation.control, "a control that the library has for this threat"))
        elif missing or not mitigation.evidence:
            failed += [(control.id, each) for each in missing or ["any evidence"]]
        else:
            held.append(control)
    likelihood, impact = _lowered(likelihood, impact, held)
    status = _status(answer, held, failed, band(likelihood, impact), today)
    return Judged(
        threat=threat,
        element=element,
        vector=vector,
        status=status,
        likelihood=likelihood,
        impact=impact,
        why=answer.why if answer else "nobody has answered this threat",
        owner=answer.owner if answer else "",
        until=answer.until if answer else None,
        held=tuple(control.id for control in held),
        failed=tuple(failed),
    )


def _lowered(likelihood: int, impact: int, held: Sequence[Control]) -> tuple[int, int]:
    for control in held:
        likelihood, impact = likelihood - control.likelihood, impact - control.impact
    return max(1, likelihood), max(1, impact)


def _status(
    answer: Answer | None,
    held: Sequence[Control],
    failed: Sequence[tuple[str, str]],
    left: Band,
    today: date,
) -> Status:
    """What the answer comes to: a claim without its evidence, reason or owner leaves it open."""
    if answer is None or answer.status == "open" or failed:
        return "open"
    if answer.status == "mitigated":
        return "mitigated" if held and left != "unacceptable" else "open"
    if len(answer.why) < 10:
        return "open"
    if answer.status == "not-applicable":
        return answer.status
    # Somebody bears an accepted or transferred risk by name, and not for ever.
    current = answer.until is not None and today <= answer.until
    return answer.status if answer.owner and current else "open"

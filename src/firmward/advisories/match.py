"""Known vulnerabilities against named components: affected, not affected, or unknown, and why.

Vendor and hospital each match by themselves, each against its own index; neither takes the other's
word.  Every source's records about one CVE become one answer.  Where they disagree the graver one
stands and the reason names the others; a record that cannot decide gives way to one that can.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from firmward.advisories import vex as statements
from firmward.advisories.aliases import Table, table
from firmward.advisories.identity import Component, Identity, identify
from firmward.advisories.opinions import Opinion, Status, judge
from firmward.advisories.records import Exploited, Likelihood, Record, Source
from firmward.advisories.vex import Answer, Statement
from firmward.terms.times import moment
from firmward.terms.wire import Wire

__all__ = ["Component", "Known", "Match", "Status", "match"]

_Text = Annotated[str, Meta(max_length=4096)]
_SAID: Final = 3


class Known(Protocol):
    """What is asked of an index of advisories."""

    def by_key(self, keys: Iterable[str]) -> Mapping[str, Sequence[Record]]:
        """The records under each of these keys."""

    def catalogue(self) -> Mapping[str, Exploited]:
        """What is known to be exploited, by CVE id."""

    def likelihood(self, cve: str) -> Likelihood | None:
        """The EPSS of a CVE."""

    @property
    def snapshot(self) -> datetime:
        """How recent all this is.  Raises Unavailable where there is nothing to match against."""


class Match(Wire, frozen=True, kw_only=True):
    """What is known of one vulnerability in one component, and the reason.

    advisory   the record the status rests on; "" where no record knows the component
    cve        the CVE id among its names, "" without one
    exploited  whether any of its names is in the KEV catalogue
    vector     the newest kind of CVSS vector that was published, "" without one
    vectors    every one: (method as OSV names it, vector)
    records    every record behind the answer: (source, id)
    fixed      the version that repairs it, "" where none is known
    snapshot   how recent the index was, RFC 3339
    age_days   how old that was when it was asked
    vex        what a statement says of it; whether it counted is in the reason
    """

    component: Component
    status: Status
    reason: _Text
    advisory: _Text = ""
    cve: _Text = ""
    aliases: Annotated[tuple[_Text, ...], Meta(max_length=256)] = ()
    exploited: bool = False
    vector: _Text = ""
    vectors: tuple[tuple[_Text, _Text], ...] = ()
    records: tuple[tuple[Source, _Text], ...] = ()
    fixed: _Text = ""
    snapshot: str = ""
    age_days: float = 0.0
    vex: Answer | None = None


@dataclass(frozen=True)
class _Asked:
    """What every answer of one run shares."""

    now: datetime
    snapshot: datetime
    vex: Sequence[Statement]
    product: frozenset[str]
    catalogue: Mapping[str, Exploited]

    @cached_property
    def as_of(self) -> str:
        """The snapshot's moment, RFC 3339."""
        return moment(self.snapshot)

    @cached_property
    def age_days(self) -> float:
        """How old the snapshot is."""
        return (self.now - self.snapshot) / timedelta(days=1)


def match(
    components: Sequence[Component],
    index: Known,
    now: datetime,
    *,
    vex: Sequence[Statement] = (),
    product: Iterable[str] = (),
    names: Table | None = None,
) -> tuple[Match, ...]:
    """Every answer for every component, components in their order, at least one for each.

    now      decides which records count as withdrawn, and how old the index is
    vex      statements, each of which touches only the exact component that it names
    product  the purls and SHA-256 digests of the firmware that the components are in
    names    which names mean the same product; None for the table that comes with Firmward
    raises   Unavailable where there is nothing to match against
    """
    asked = _Asked(now, index.snapshot, vex, frozenset(product), index.catalogue())
    known = names or table()
    identities = [identify(component, known) for component in components]
    found = index.by_key({key for identity in identities for key in identity.keys})
    return tuple(answer for identity in identities for answer in _answers(identity, found, asked))


def _answers(
    identity: Identity, found: Mapping[str, Sequence[Record]], asked: _Asked
) -> list[Match]:
    records = {(r.source, r.id): r for key in identity.keys for r in found.get(key, ())}
    groups: dict[str, list[tuple[Record, Opinion]]] = {}
    for record in records.values():
        opinion = judge(record, identity, asked.now)
        if opinion is not None:
            for vulnerability in _vulnerabilities(record):
                groups.setdefault(vulnerability, []).append((record, opinion))
    answers = [_answer(identity, group, asked, name) for name, group in sorted(groups.items())]
    return answers or [_unheard(identity.component, asked)]


def _vulnerabilities(record: Record) -> list[str]:
    """What the record is about: its CVE ids, for a distribution's notice several, or its own id."""
    if not record.aliases:
        return [record.id]
    cves = dict.fromkeys(name for name in (record.id, *record.aliases) if name.startswith("CVE-"))
    return list(cves) or [record.id]


def _answer(
    identity: Identity, group: list[tuple[Record, Opinion]], asked: _Asked, name: str
) -> Match:
    """One answer from every record about one vulnerability."""
    group.sort(key=lambda each: (-each[1].weight, each[0].source, each[0].id))
    record, opinion = group[0]
    several = [each.id for each, _ in group] + [n for each, _ in group for n in each.aliases]
    names = [n for n in dict.fromkeys(several) if not (n.startswith("CVE-") and n != name)]
    exploited = next((asked.catalogue[n] for n in (name, *names) if n in asked.catalogue), None)
    vectors = tuple(dict.fromkeys(v for each, _ in group for v in each.severities))
    found = Match(
        component=identity.component,
        status=opinion.status,
        reason=_reason(group),
        advisory=record.id,
        cve=name if name.startswith("CVE-") else "",
        aliases=tuple(n for n in names if n != record.id)[:256],
        exploited=exploited is not None,
        vector=max((v for v in vectors if v[0].startswith("CVSS")), default=("", ""))[1],
        vectors=vectors,
        records=tuple((each.source, each.id) for each, _ in group),
        fixed=next((each.fixed for _, each in group if each.fixed), ""),
        snapshot=asked.as_of,
        age_days=asked.age_days,
    )
    changed = max(each.modified for each, _ in group)
    return _with_vex(found, changed, exploited, asked)


def _reason(group: Sequence[tuple[Record, Opinion]]) -> str:
    record, opinion = group[0]
    said = f"{opinion.reason} ({record.source} {record.id})"
    against = [
        f"{each.source} {each.id} says {other.status}"
        for each, other in group[1:]
        if other.decides and other.status != opinion.status
    ]
    return "; but ".join([said, *against[:_SAID]])[:4096]


def _unheard(component: Component, asked: _Asked) -> Match:
    named = component.purl or component.cpe
    return Match(
        component=component,
        status="unknown",
        reason=(
            "no advisory in the snapshot knows this component"
            if named
            else "the component has no package URL and no CPE name, and no advisory its name"
        ),
        snapshot=asked.as_of,
        age_days=asked.age_days,
    )


def _with_vex(found: Match, changed: str, exploited: Exploited | None, asked: _Asked) -> Match:
    """The match with what a statement makes of it."""
    if not asked.vex:
        return found
    news = max(changed, exploited.added if exploited else "")
    names = {found.advisory, found.cve, *found.aliases} - {""}
    answer = statements.answer(found.component, names, asked.vex, asked.product, news)
    if answer is None:
        return found
    status, reason = _weighed(found, answer)
    return msgspec.structs.replace(found, status=status, reason=reason[:4096], vex=answer)


def _weighed(found: Match, answer: Answer) -> tuple[Status, str]:
    said = f"{answer.author or 'somebody'} says {answer.status}"
    if answer.outdated:
        worse: Status = "affected" if answer.status == "affected" else "unknown"
        return worse, f"{said}, but {answer.outdated}: to be looked at again; {found.reason}"
    if answer.void:
        return found.status, f"{found.reason}; {said}, which does not count: {answer.void}"
    if answer.status in ("not_affected", "fixed"):
        why = answer.justification or answer.impact or "repaired in this version"
        return "not_affected", f"{said}: {why}; by its version: {found.reason}"
    if answer.status == "affected":
        return "affected", f"{said}; {found.reason}"
    open_question: Status = "affected" if found.status == "affected" else "unknown"
    return open_question, f"{said}; {found.reason}"

"""What each rule says of a document.  Pure: no clock, no disk, no environment, no engine.

An engine has answered every expression of every rule; here those answers become words.  Whatever
stands in the way of an answer (a value that is missing, over its time, or not known well enough,
an error in a condition, a condition that is neither true nor false) is `indeterminate`, which
blocks like `fail`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Literal

from firmward.hospital.gate import document
from firmward.hospital.gate.document import Evidence, Gap
from firmward.hospital.gate.engine import Answer
from firmward.hospital.gate.known import TRUST, Known, Trust, moment
from firmward.hospital.gate.policy import Adopted, Policy
from firmward.hospital.gate.rules import AppliesTo, Rule, RuleId, Severity
from firmward.terms.wire import Wire, encode

Word = Literal["pass", "fail", "indeterminate", "not-applicable", "excepted"]
BLOCKING: Final = ("fail", "indeterminate")

_SHOWN: Final = 160
_CONTEXT: Final = ("now", "moment")


class Seen(Wire, frozen=True, kw_only=True):
    """A value as a rule saw it, and where it came from."""

    path: str
    value: str
    trust: Trust
    source_digest: str = ""
    signer: str = ""


class Ruling(Wire, frozen=True, kw_only=True):
    """One rule's answer, with everything a person needs to understand it.

    binds      false while the rule only warns; binds_from says until when
    exception  the id of the exception that made a failure "excepted"
    """

    rule: RuleId
    pack: str
    group: str
    title: str
    word: Word
    reason: str
    severity: Severity
    waivable: bool
    basis: str
    sources: tuple[str, ...]
    seen: tuple[Seen, ...] = ()
    offenders: tuple[str, ...] = ()
    remedy: str = ""
    binds: bool = True
    binds_from: str = ""
    exception: str = ""

    @property
    def blocks(self) -> bool:
        """Whether it stands in the way now."""
        return self.binds and self.word in BLOCKING

    @property
    def warns(self) -> bool:
        """Whether it would stand in the way, were it binding already."""
        return not self.binds and self.word in BLOCKING


@dataclass(frozen=True)
class Facts:
    """One document at one moment, made ready for all rules."""

    leaves: Mapping[str, Known[Any]]
    gaps: tuple[Gap, ...]
    asked_at: str
    now: datetime

    def value(self, path: str) -> Any:
        """The value at a path while it holds; None where it is not known."""
        leaf = self.leaves.get(path)
        return None if leaf is None or path in self.stale else leaf.value

    @cached_property
    def stale(self) -> frozenset[str]:
        """The paths whose time is over."""
        return frozenset(path for path, leaf in self.leaves.items() if leaf.stale(self.now))

    @cached_property
    def scope(self) -> tuple[Any, Any, Any]:
        """Safety class, tier and jurisdictions, by which rules know whether they are meant."""
        safety, tier = self.value("release.safety_class"), self.value("device.tier")
        return safety, tier, self.value("regulatory.jurisdictions")

    @cached_property
    def shown(self) -> dict[str, Seen]:
        """What was shown of a value already, for the next rule that reads it."""
        return {}

    def seen(self, path: str) -> Seen | None:
        """A value for people; None where it is not known."""
        found = self.shown.get(path)
        if found is None and (leaf := self.leaves.get(path)) is not None:
            found = self.shown[path] = Seen(
                path=path,
                value=_shown(leaf.value),
                trust=leaf.trust,
                source_digest=leaf.source_digest,
                signer=leaf.signer,
            )
        return found


def facts(evidence: Evidence, now: datetime) -> Facts:
    """The document with its envelopes."""
    return Facts(document.leaves(evidence), evidence.gaps, evidence.moment, now)


def asked_of(policy: Policy, known: Facts) -> dict[str, Any]:
    """The variables that conditions read."""
    return document.values_of(known.leaves, known.now) | {
        "p": dict(policy.parameters),
        "now": moment(known.now),
        "moment": known.asked_at,
    }


def rulings(
    adopted: Iterable[Adopted], answers: Iterable[Answer], known: Facts
) -> tuple[Ruling, ...]:
    """Each rule's answer, in the order of the rules; `answers` are the engine's, in that order."""
    return tuple(
        _ruling(asked, answer, known) for asked, answer in zip(adopted, answers, strict=True)
    )


def _ruling(asked: Adopted, answer: Answer, known: Facts) -> Ruling:
    """What the rule says of the document.

    1. does it apply?  what decides that and is not known counts as applying
    2. is every declared value there, and known well enough?
    3. is the condition true?
    """
    rule = asked.rule
    word, reason = _word(rule, answer, known)
    binds = asked.binds(known.now)
    return Ruling(
        rule=rule.id,
        pack=asked.pack,
        group=rule.group,
        title=rule.title,
        word=word,
        reason=reason,
        severity=rule.severity,
        waivable=rule.waivable,
        basis=rule.basis,
        sources=asked.cites,
        seen=_seen(rule, known) if word != "not-applicable" else (),
        offenders=_offenders(rule, answer) if word == "fail" else (),
        remedy=rule.remedy if word in BLOCKING else "",
        binds=binds,
        binds_from="" if binds or asked.binds_from is None else moment(asked.binds_from),
    )


def _word(rule: Rule, answer: Answer, known: Facts) -> tuple[Word, str]:
    if why_not := _elsewhere(rule, known):
        return "not-applicable", why_not
    if rule.applies_to.when:
        if answer.when is None:
            return "indeterminate", f"whether it applies cannot be told: {answer.when_error}"
        if not answer.when:
            return "not-applicable", f"only when {rule.applies_to.when}"
    if lacking := _lacking(rule, known):
        return "indeterminate", lacking
    if answer.condition is None:
        return "indeterminate", f"the condition has no answer: {answer.error}"
    if answer.condition:
        return "pass", "the condition holds"
    return "fail", f"the condition does not hold: {rule.condition}"


def _elsewhere(rule: Rule, known: Facts) -> str:
    """Why the rule is not for this release, class or moment, or ""."""
    if known.asked_at not in rule.asked:
        return f"asked at {', '.join(rule.asked)}"
    return _out_of_scope(rule.applies_to, known)


def _out_of_scope(scope: AppliesTo, known: Facts) -> str:
    safety, tier, here = known.scope
    if safety is not None and safety not in scope.safety_class:
        return f"only for safety class {', '.join(scope.safety_class)}"
    if tier is not None and tier not in scope.tiers:
        return f"only for tiers {', '.join(map(str, scope.tiers))}"
    anywhere = "ANY" in scope.jurisdictions
    if not anywhere and here is not None and not set(here) & set(scope.jurisdictions):
        return f"only in {', '.join(scope.jurisdictions)}"
    return ""


def _lacking(rule: Rule, known: Facts) -> str:
    """What the rule needs and does not have, or ""."""
    absent: dict[str, list[str]] = {}
    weak = []
    for path in rule.evidence:
        if path in _CONTEXT:
            continue
        leaf, least = known.leaves.get(path), rule.trusts.get(path, rule.trust)
        if leaf is None:
            absent.setdefault(_because(path, known.gaps), []).append(path)
        elif path in known.stale:
            weak.append(f"{path} was good until {leaf.valid_until}")
        elif TRUST[leaf.trust] < TRUST[least]:
            weak.append(f"{path} must be at least {least} and is {leaf.trust}")
    unknown = [f"not known: {', '.join(paths)}{why}" for why, paths in absent.items()]
    return "; ".join([*unknown, *weak])


def _because(path: str, gaps: tuple[Gap, ...]) -> str:
    section = path.partition(".")[0]
    reasons = [f"{gap.evidence}: {gap.reason}" for gap in gaps if section in gap.sections]
    return f" ({'; '.join(reasons)})" if reasons else ""


def _offenders(rule: Rule, answer: Answer) -> tuple[str, ...]:
    if answer.offenders_error:
        return ("which ones cannot be told",)
    return answer.offenders if rule.offenders else ()


def _seen(rule: Rule, known: Facts) -> tuple[Seen, ...]:
    return tuple([seen for path in rule.evidence if (seen := known.seen(path)) is not None])


def _shown(value: object) -> str:
    if isinstance(value, tuple) and value and not isinstance(value[0], str):
        return f"{len(value)} entries"
    text = value if isinstance(value, str) else encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"

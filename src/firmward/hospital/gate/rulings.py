"""What each rule says of a document.  Pure: no clock, no disk, no environment.

A rule can only ever answer in one of four words.  Whatever stands in the way of an answer (a value
that is missing, one that is not known well enough, an error in a condition, a condition that is
neither true nor false) is `indeterminate`, which blocks like `fail`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from cel_expr_python import cel

from firmward.hospital.gate import document
from firmward.hospital.gate.document import TRUST, Evidence, Gap, Known, Trust
from firmward.hospital.gate.rules import (
    AppliesTo,
    Compiled,
    Rule,
    RuleId,
    Severity,
    environment,
)
from firmward.terms.wire import Wire, encode

Word = Literal["pass", "fail", "indeterminate", "not-applicable"]

_SHOWN: Final = 160
_MOST_OFFENDERS: Final = 100


class Seen(Wire, frozen=True, kw_only=True):
    """A value as a rule saw it, and where it came from."""

    path: str
    value: str
    trust: Trust
    source_digest: str = ""
    signer: str = ""


class Ruling(Wire, frozen=True, kw_only=True):
    """One rule's answer, with everything a person needs to understand it."""

    rule: RuleId
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


@dataclass(frozen=True)
class Facts:
    """One document, made ready for all rules."""

    leaves: Mapping[str, Known[Any]]
    gaps: tuple[Gap, ...]
    activation: cel.Activation


def facts(evidence: Evidence, parameters: Mapping[str, Any], now: datetime) -> Facts:
    """The document and the parameters as conditions read them."""
    data = document.values(evidence) | {"p": dict(parameters), "now": document.moment(now)}
    return Facts(document.leaves(evidence), evidence.gaps, environment().Activation(data))


def ruling(asked: Compiled, known: Facts, cites: tuple[str, ...]) -> Ruling:
    """What the rule says of the document.

    1. does it apply?  what decides that and is not known counts as applying
    2. is every declared value there, and known well enough?
    3. is the condition true?
    """
    rule = asked.rule
    word, reason = _word(asked, known)
    return Ruling(
        rule=rule.id,
        title=rule.title,
        word=word,
        reason=reason,
        severity=rule.severity,
        waivable=rule.waivable,
        basis=rule.basis,
        sources=cites,
        seen=_seen(rule, known) if word != "not-applicable" else (),
        offenders=_offenders(asked, known) if word == "fail" else (),
        remedy=rule.remedy if word in ("fail", "indeterminate") else "",
    )


def _word(asked: Compiled, known: Facts) -> tuple[Word, str]:
    rule = asked.rule
    if why_not := _elsewhere(rule.applies_to, known):
        return "not-applicable", why_not
    if asked.when is not None:
        applies, error = _ask(asked.when, known)
        if applies is None:
            return "indeterminate", f"whether it applies cannot be told: {error}"
        if not applies:
            return "not-applicable", f"only when {rule.applies_to.when}"
    if lacking := _lacking(rule, known):
        return "indeterminate", lacking
    answer, error = _ask(asked.condition, known)
    if answer is None:
        return "indeterminate", f"the condition has no answer: {error}"
    if answer:
        return "pass", "the condition holds"
    return "fail", f"the condition does not hold: {rule.condition}"


def _elsewhere(scope: AppliesTo, known: Facts) -> str:
    """Why the rule is not for this release, or ""."""
    safety = known.leaves.get("release.safety_class")
    if safety is not None and safety.value not in scope.safety_class:
        return f"only for safety class {', '.join(scope.safety_class)}"
    tier = known.leaves.get("device.tier")
    if tier is not None and tier.value not in scope.tiers:
        return f"only for tiers {', '.join(map(str, scope.tiers))}"
    here = known.leaves.get("regulatory.jurisdictions")
    anywhere = "ANY" in scope.jurisdictions
    if not anywhere and here is not None and not set(here.value) & set(scope.jurisdictions):
        return f"only in {', '.join(scope.jurisdictions)}"
    return ""


def _lacking(rule: Rule, known: Facts) -> str:
    """What the rule needs and does not have, or ""."""
    absent: dict[str, list[str]] = {}
    weak = []
    for path in rule.evidence:
        leaf = known.leaves.get(path)
        if path == "now":
            continue
        if leaf is None:
            absent.setdefault(_because(path, known.gaps), []).append(path)
        elif TRUST[leaf.trust] < TRUST[rule.trust]:
            weak.append(f"{path} must be at least {rule.trust} and is {leaf.trust}")
    unknown = [f"not known: {', '.join(paths)}{why}" for why, paths in absent.items()]
    return "; ".join([*unknown, *weak])


def _because(path: str, gaps: tuple[Gap, ...]) -> str:
    section = path.partition(".")[0]
    reasons = [f"{gap.evidence}: {gap.reason}" for gap in gaps if section in gap.sections]
    return f" ({'; '.join(reasons)})" if reasons else ""


def _ask(expression: cel.Expression, known: Facts) -> tuple[bool | None, str]:
    """True or false; or None and why there is no answer."""
    try:
        value = expression.eval(known.activation)
    except (RuntimeError, ValueError, TypeError) as error:
        return None, str(error)[:200]
    # Errors come back as values: taken for truth, a missing member would pass.
    if value.type() != cel.Type.BOOL:
        return None, f"{value.type().name()} {str(value)[:200]}"
    return bool(value.plain_value()), ""


def _offenders(asked: Compiled, known: Facts) -> tuple[str, ...]:
    if asked.offenders is None:
        return ()
    try:
        value = asked.offenders.eval(known.activation)
        named = value.plain_value() if value.type().name() == cel.Type.LIST.name() else None
    except (RuntimeError, ValueError, TypeError):
        named = None
    if not isinstance(named, list):
        return ("which ones cannot be told",)
    return tuple(sorted({str(name)[:_SHOWN] for name in named})[:_MOST_OFFENDERS])


def _seen(rule: Rule, known: Facts) -> tuple[Seen, ...]:
    return tuple(
        Seen(
            path=path,
            value=_shown(leaf.value),
            trust=leaf.trust,
            source_digest=leaf.source_digest,
            signer=leaf.signer,
        )
        for path in rule.evidence
        if (leaf := known.leaves.get(path)) is not None
    )


def _shown(value: object) -> str:
    if isinstance(value, tuple) and value and not isinstance(value[0], str):
        return f"{len(value)} entries"
    text = value if isinstance(value, str) else encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"

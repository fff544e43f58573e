"""An overlay: what a hospital, or one site of it, sets differently from the packs it adopted.

It can tighten anything.  It loosens only what the packs allow: parameters within their bounds, and
by `warn` the day from which a rule binds, for rules that can be waived, are not critical, and rest
on the hospital's own choice, guidance or a standard.  After the hospital's overlay a site's may
only tighten, but for what the hospital lists in `site_may_loosen`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from firmward.hospital.gate.known import TRUST, Trust, moment
from firmward.hospital.gate.packs.bounds import merged, steps
from firmward.hospital.gate.packs.folder import Folder, Version
from firmward.hospital.gate.packs.schema import Bound, OutOfBounds, shaped, shown
from firmward.hospital.gate.packs.strict import read_yaml
from firmward.hospital.gate.policy import Adopted, Source
from firmward.hospital.gate.rules import Data, Line, Rule, RuleId, Severity
from firmward.terms.errors import Malformed
from firmward.terms.names import Label, Moment

OVERLAY: Final = "overlay.yaml"
WARN_DAYS: Final = "warn_days_max"
"""The parameter of a pack that says how far ahead `warn` may reach; read here and by no rule."""
_WARN_DAYS_AT_MOST: Final = 365
_MAY_WARN: Final = ("hospital", "guidance", "standard")
_SEVERITIES: Final = ("low", "medium", "high", "critical")


class Tighten(Data, frozen=True, kw_only=True):
    """What a rule asks beyond its pack: each member can only ask for more.

    tiers, jurisdictions, safety_class  where it asks besides
    """

    trust: Trust | None = None
    tiers: tuple[Annotated[int, Meta(ge=1, le=4)], ...] = ()
    jurisdictions: tuple[str, ...] = ()
    safety_class: tuple[Literal["A", "B", "C"], ...] = ()
    waivable: Literal[False] | None = None
    severity: Severity | None = None


class Overlay(Data, frozen=True, kw_only=True):
    """overlay.yaml

    scope            the hospital's comes first, a site's after it
    site             whose it is, where the scope is a site
    parameters       name -> value; of a map, the members that differ
    warn             rule -> the day from which it binds
    site_may_loosen  parameters and rules that a site's overlay may loosen again
    """

    overlay_schema: Literal["firmward.overlay/v1"]
    id: Label
    version: Version
    title: Line = "-"
    scope: Literal["hospital", "site"]
    site: Label | None = None
    effective_from: Moment
    expires: Moment
    parameters: dict[str, Any] = {}
    site_may_loosen: tuple[str, ...] = ()
    warn: dict[RuleId, Moment] = {}
    tighten: dict[RuleId, Tighten] = {}

    @property
    def name(self) -> str:
        """Id and version."""
        return f"{self.id}@{self.version}"

    @property
    def who(self) -> str:
        """The overlay as a refusal names it."""
        return f"overlay {self.name}"

    def source(self, sha256: str) -> Source:
        """The overlay as a judgement records it."""
        return Source(
            name=self.name,
            sha256=sha256,
            effective_from=self.effective_from,
            expires=self.expires,
        )


@dataclass(frozen=True)
class Laid:
    """Rules and parameters with some overlays laid over them.

    bounds, defaults  of every parameter, as the packs set them
    free              what the next overlay may loosen; None for all that the packs allow
    """

    rules: Mapping[str, Adopted]
    parameters: Mapping[str, Any]
    defaults: Mapping[str, Any]
    bounds: Mapping[str, Bound]
    free: frozenset[str] | None = None


def read_overlay(folder: Folder) -> Overlay:
    """The overlay that a folder holds.  Raises Malformed."""
    place = f"{folder.path.parent.name}@{folder.path.name}"
    overlay = read_yaml(folder.file(OVERLAY), Overlay, f"{place} {OVERLAY}")
    if overlay.name != place:
        raise Malformed(f"{place} {OVERLAY}", place, overlay.name)
    if (overlay.scope == "site") != (overlay.site is not None):
        raise Malformed(overlay.who, "a site where the scope is one", f"scope {overlay.scope}")
    if overlay.scope == "site" and overlay.site_may_loosen:
        raise Malformed(overlay.who, "site_may_loosen in a hospital's overlay", "a site's")
    return overlay


def in_order(overlays: Iterable[Overlay], site: str) -> tuple[Overlay, ...]:
    """The hospital's overlay and then this site's; those of other sites are not ours.

    raises  Malformed for two of one kind: which of them came last would decide
    """
    found = [one for one in overlays if one.scope == "hospital" or one.site == site]
    ours = sorted(found, key=lambda one: one.scope)
    for first, second in pairwise(ours):
        if first.scope == second.scope:
            raise Malformed(
                f"overlays of {site}", f"one {first.scope} overlay", f"also {second.id}"
            )
    return tuple(ours)


def laid(under: Laid, overlay: Overlay) -> Laid:
    """What holds with this overlay on top.

    raises  OutOfBounds for what it may not loosen, naming the overlay, the rule or parameter,
            what was expected and what came
    """
    parameters = _parameters(under, overlay)
    rules = dict(under.rules)
    for rule_id, tighten in overlay.tighten.items():
        asked = _known(rules, overlay, "tighten", rule_id)
        rule = _tightened(asked.rule, tighten, overlay)
        rules[rule_id] = msgspec.structs.replace(asked, rule=rule)
    for rule_id, day in overlay.warn.items():
        asked = _known(rules, overlay, "warn", rule_id)
        binds = _binds(asked, day, overlay, parameters, under)
        rules[rule_id] = msgspec.structs.replace(asked, binds_from=binds)
    free = frozenset(overlay.site_may_loosen)
    for name in sorted(free - rules.keys() - parameters.keys()):
        raise OutOfBounds(overlay.who, "site_may_loosen", "a rule or parameter in force", name)
    return replace(under, rules=rules, parameters=parameters, free=free)


def _parameters(under: Laid, overlay: Overlay) -> dict[str, Any]:
    values = dict(under.parameters)
    for name, change in overlay.parameters.items():
        if name not in values:
            raise OutOfBounds(overlay.who, name, "a parameter of a pack in force", "none of them")
        bound, before = under.bounds[name], values[name]
        after = shaped(bound, merged(before, change), overlay.who, name)
        for step in steps(name, bound, under.defaults[name], before, after):
            if step.loosens and under.free is not None and name not in under.free:
                expected = f"{shown(step.before)} or tighter, as the hospital's overlay left it"
                raise OutOfBounds(overlay.who, step.name, expected, shown(step.after))
            if step.forbidden:
                raise OutOfBounds(overlay.who, step.name, step.forbidden, shown(step.after))
        values[name] = after
    return values


def _known(rules: Mapping[str, Adopted], overlay: Overlay, where: str, rule_id: str) -> Adopted:
    if rule_id not in rules:
        raise OutOfBounds(overlay.who, where, "a rule of a pack in force", rule_id)
    return rules[rule_id]


def _tightened(rule: Rule, tighten: Tighten, overlay: Overlay) -> Rule:
    """The rule with more asked of it."""
    who, where = overlay.who, f"tighten {rule.id}"
    trust = tighten.trust or rule.trust
    if TRUST[trust] < TRUST[rule.trust]:
        raise OutOfBounds(who, f"{where} trust", f"{rule.trust} at least", trust)
    severity = tighten.severity or rule.severity
    if _SEVERITIES.index(severity) < _SEVERITIES.index(rule.severity):
        raise OutOfBounds(who, f"{where} severity", f"{rule.severity} at least", severity)
    scope = rule.applies_to
    return msgspec.structs.replace(
        rule,
        trust=trust,
        # A path's own level stands in for the rule's: where it is lower, it is raised as well.
        trusts={path: max(own, trust, key=TRUST.__getitem__) for path, own in rule.trusts.items()}
        if tighten.trust
        else rule.trusts,
        severity=severity,
        waivable=rule.waivable and tighten.waivable is not False,
        applies_to=msgspec.structs.replace(
            scope,
            tiers=_both(scope.tiers, tighten.tiers),
            jurisdictions=_both(scope.jurisdictions, tighten.jurisdictions),
            safety_class=_both(scope.safety_class, tighten.safety_class),
        ),
    )


def _both(had: tuple[Any, ...], added: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*had, *added)))


def _binds(
    asked: Adopted, day: datetime, overlay: Overlay, parameters: Mapping[str, Any], under: Laid
) -> datetime:
    """The day from which the rule binds, once the overlay may set it."""
    if asked.binds_from is not None and day <= asked.binds_from:
        return day
    if asked.binds_from is None and day <= overlay.effective_from:
        return day
    for expected, got in _not_warned(asked.rule, day, overlay, parameters, under):
        raise OutOfBounds(overlay.who, f"warn {asked.rule.id}", expected, got)
    return day


def _not_warned(
    rule: Rule, day: datetime, overlay: Overlay, parameters: Mapping[str, Any], under: Laid
) -> Iterator[tuple[str, str]]:
    """What stands against letting a rule only warn: expected, and got."""
    if under.free is not None and rule.id not in under.free:
        yield "a rule that the hospital's overlay lists in site_may_loosen", "one it does not"
    if not rule.waivable:
        yield "a rule that can be waived", "one that cannot"
    if rule.basis not in _MAY_WARN:
        yield f"a rule on {', '.join(_MAY_WARN)}", f"one on {rule.basis}"
    if rule.severity == "critical":
        yield "a rule below critical", "a critical one"
    # From the overlay's own first day, so that it means the same on every day it is read.
    days = min(int(parameters.get(WARN_DAYS, _WARN_DAYS_AT_MOST)), _WARN_DAYS_AT_MOST)
    last = overlay.effective_from + timedelta(days=days)
    if day > last:
        yield f"a day until {moment(last)}, {days} days on", moment(day)

"""What would be refused today, were every rule binding: the warnings of what may be delivered.

Pure.  Rules are adopted one by one: each warns first, and from its day on stands in the way.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from firmward.hospital.gate.policy import Policy
from firmward.hospital.gate.rules import Severity
from firmward.hospital.gate.rulings import Ruling
from firmward.terms.wire import Wire

_NEVER: Final = "9999"


@dataclass(frozen=True)
class Stands:
    """A release that may be delivered to a class, and what its verdict warns of.

    running, reached  the devices that run it, and all devices of the class
    """

    release: str
    device_class: str
    vendor: str
    warnings: tuple[Ruling, ...]
    running: frozenset[str]
    reached: frozenset[str]


class Pending(Wire, frozen=True, kw_only=True):
    """A rule that only warns as yet, and what it will hit.

    acts     who has to do something: the vendors by name, or the hospital
    running  how many devices run one of the releases
    reached  how many devices are of one of the classes
    """

    rule: str
    title: str
    severity: Severity
    waivable: bool
    binds_from: str
    acts: tuple[str, ...]
    releases: tuple[str, ...]
    classes: tuple[str, ...]
    running: int
    reached: int
    offenders: tuple[str, ...] = ()
    remedy: str = ""


class Falling(Wire, frozen=True, kw_only=True):
    """A release that stands for a class, and would not; `first` is when that begins."""

    release: str
    device_class: str
    rules: tuple[str, ...]
    first: str
    running: int


class Adoption(Wire, frozen=True, kw_only=True):
    """What the rules that only warn would come to.

    standing  how many (release, class) pairs may be delivered now
    """

    standing: int
    refused: tuple[Falling, ...]
    rules: tuple[Pending, ...]


def adoption(stands: Iterable[Stands], policy: Policy) -> Adoption:
    """The report, what binds soonest first."""
    count, warned = 0, []
    for each in stands:
        count += 1
        if each.warnings:
            warned.append(each)
    hits: dict[str, list[tuple[Ruling, Stands]]] = {}
    for each in warned:
        for ruling in each.warnings:
            hits.setdefault(ruling.rule, []).append((ruling, each))
    falling = map(_falling, warned)
    rules = (_pending(found, policy) for found in hits.values())
    return Adoption(
        standing=count,
        refused=tuple(sorted(falling, key=lambda one: (one.first, one.release, one.device_class))),
        rules=tuple(sorted(rules, key=lambda one: (one.binds_from or _NEVER, one.rule))),
    )


def _falling(each: Stands) -> Falling:
    warned = each.warnings
    return Falling(
        release=each.release,
        device_class=each.device_class,
        rules=tuple(one.rule for one in warned),
        first=min(one.binds_from or _NEVER for one in warned),
        running=len(each.running),
    )


def _pending(found: list[tuple[Ruling, Stands]], policy: Policy) -> Pending:
    ruling = found[0][0]
    adopted = policy.rule(ruling.rule)
    said = [each for _, each in found]
    here = adopted is not None and adopted.rule.duty == "hdo"
    return Pending(
        rule=ruling.rule,
        title=ruling.title,
        severity=ruling.severity,
        waivable=ruling.waivable,
        binds_from=ruling.binds_from,
        acts=("hospital",) if here else tuple(sorted({one.vendor for one in said})),
        releases=tuple(sorted({one.release for one in said})),
        classes=tuple(sorted({one.device_class for one in said})),
        running=len(frozenset[str]().union(*(each.running for _, each in found))),
        reached=len(frozenset[str]().union(*(each.reached for _, each in found))),
        offenders=tuple(sorted({name for each, _ in found for name in each.offenders}))[:100],
        remedy=ruling.remedy,
    )


def told(report: Adoption) -> str:
    """The report as text."""
    if not report.rules:
        return (
            f"nothing that stands here would be refused: {report.standing} standing, no warning\n"
        )
    lines = [
        f"{len(report.refused)} of {report.standing} that may be delivered would be refused, "
        "were every rule binding"
    ]
    for each in report.refused:
        lines.append(
            f"  {each.release} for {each.device_class}: from {each.first}, "
            f"{', '.join(each.rules)}; {each.running} devices run it"
        )
    for one in report.rules:
        lines += ["", *_told(one)]
    return "\n".join(lines) + "\n"


def _told(one: Pending) -> list[str]:
    waivable = "waivable" if one.waivable else "cannot be waived"
    lines = [
        f"{one.rule} ({one.severity}, {waivable}): {one.title}",
        f"  binds from {one.binds_from or 'no day yet'}",
        f"  acts       {', '.join(one.acts)}",
        f"  hits       {len(one.releases)} releases, {len(one.classes)} classes; "
        f"{one.running} devices run them, {one.reached} are of these classes",
    ]
    if one.offenders:
        lines.append(f"  offenders  {', '.join(one.offenders)}")
    return [*lines, f"  remedy     {one.remedy}"] if one.remedy else lines

"""What another policy would have made of verdicts that were reached: who would fall, who would not.

Pure.  Kept evidence is judged as of its own moment; a new pack is taken as in force all along.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from firmward.hospital.gate import document, replay
from firmward.hospital.gate.engine import Engine, NoAnswer
from firmward.hospital.gate.exceptions.request import Request
from firmward.hospital.gate.judge import Judgement, judge
from firmward.hospital.gate.policy import Policy, Source
from firmward.terms.errors import Refused
from firmward.terms.wire import Wire

Change = Literal["now refused", "now admitted", "cannot be judged", "unchanged"]
_ORDER: Final[tuple[Change, ...]] = (
    "now refused",
    "cannot be judged",
    "now admitted",
    "unchanged",
)


@dataclass(frozen=True)
class Past:
    """A verdict as it was reached.

    pieces      sections of its evidence
    exceptions  requests that were applied
    """

    number: int
    judgement: Judgement
    pieces: Mapping[str, bytes]
    exceptions: tuple[Request, ...] = ()


class Again(Wire, frozen=True, kw_only=True):
    """What a changed policy says of one past verdict.

    against  rules that stand in the way now and did not
    cleared  rules that stood in the way and do not
    warns    rules that will stand in the way once they bind, and did not warn
    """

    number: int
    release: str
    device_class: str
    change: Change
    against: tuple[str, ...] = ()
    cleared: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()
    problem: str = ""


class Row(Wire, frozen=True, kw_only=True):
    """The same change to the verdicts on one release for one class."""

    release: str
    device_class: str
    change: Change
    verdicts: tuple[int, ...]
    against: tuple[str, ...] = ()
    cleared: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()
    problem: str = ""


class Impact(Wire, frozen=True, kw_only=True):
    """What a changed policy would have done.

    totals  verdicts by change
    rules   rule -> how many (release, class) pairs it would newly stand in the way of
    """

    verdicts: int
    totals: dict[Change, int]
    rules: dict[str, int]
    rows: tuple[Row, ...]


def timeless(policy: Policy, *, binding: bool = False) -> Policy:
    """The policy as if it had always been in force.

    binding  as if every rule that warns were binding already
    """
    rules = policy.rules
    if binding:
        rules = tuple(msgspec.structs.replace(each, binds_from=None) for each in rules)
    return replace(
        policy,
        packs=tuple(_always(each) for each in policy.packs),
        overlays=tuple(_always(each) for each in policy.overlays),
        rules=rules,
    )


def _always(source: Source) -> Source:
    begin, end = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
    return msgspec.structs.replace(source, effective_from=begin, expires=end)


def again(policy: Policy, pasts: Iterable[Past], engine: Engine) -> Iterator[Again]:
    """What the policy says of each; one that it cannot judge is named, and the rest go on.

    policy  made timeless
    raises  Unavailable where the engine cannot be had at all
    """
    for past in pasts:
        try:
            yield _again(policy, past, engine)
        except (Refused, NoAnswer, KeyError) as error:
            yield Again(
                number=past.number,
                release=past.judgement.release,
                device_class=past.judgement.device_class,
                change="cannot be judged",
                problem=str(error)[:300],
            )


def _again(policy: Policy, past: Past, engine: Engine) -> Again:
    before, at = past.judgement, past.judgement.at
    evidence = document.joined(past.pieces)
    held = replay.excepting(past.exceptions, policy, evidence, at)
    after = judge(policy, evidence, engine, at, held)
    was = {each.rule for each in before.blocking}
    now = {each.rule for each in after.blocking}
    warned = {each.rule for each in before.warnings}
    return Again(
        number=past.number,
        release=before.release,
        device_class=before.device_class,
        change=_change(before.admitted, after.admitted),
        against=tuple(sorted(now - was)),
        cleared=tuple(sorted(was - now)),
        warns=tuple(sorted({each.rule for each in after.warnings} - warned)),
    )


def _change(was: bool, now: bool) -> Change:
    if was == now:
        return "unchanged"
    return "now admitted" if now else "now refused"


def impact(found: Iterable[Again]) -> Impact:
    """The report: what changes first, by release and class."""
    grouped: dict[tuple[Change, str, str], list[Again]] = {}
    for each in found:
        grouped.setdefault((each.change, each.release, each.device_class), []).append(each)
    rows = tuple(
        _row(grouped[key])
        for key in sorted(grouped, key=lambda key: (_ORDER.index(key[0]), *key[1:]))
    )
    rules: dict[str, int] = {}
    for rule in (rule for row in rows for rule in row.against):
        rules[rule] = rules.get(rule, 0) + 1
    totals = {one: sum(len(row.verdicts) for row in rows if row.change == one) for one in _ORDER}
    return Impact(verdicts=sum(totals.values()), totals=totals, rules=rules, rows=rows)


def _row(alike: list[Again]) -> Row:
    first = alike[0]
    return Row(
        release=first.release,
        device_class=first.device_class,
        change=first.change,
        verdicts=tuple(each.number for each in alike),
        against=tuple(sorted({rule for each in alike for rule in each.against})),
        cleared=tuple(sorted({rule for each in alike for rule in each.cleared})),
        warns=tuple(sorted({rule for each in alike for rule in each.warns})),
        problem=first.problem,
    )


def told(report: Impact, *, every: bool = False) -> str:
    """The report as text; what does not change is only counted, unless `every` is asked for."""
    counted = ", ".join(f"{count} {change}" for change, count in report.totals.items())
    lines = [f"{report.verdicts} verdicts judged again: {counted}"]
    for row in report.rows:
        moved = row.change != "unchanged" or row.against or row.cleared or row.warns
        if moved or every:
            lines += _told(row)
    if report.rules:
        lines += ["", "newly in the way"]
        ranked = sorted(report.rules.items(), key=lambda one: (-one[1], one[0]))
        lines += [f"  {rule}  {count} releases by class" for rule, count in ranked]
    return "\n".join(lines) + "\n"


def _told(row: Row) -> list[str]:
    numbers = ", ".join(map(str, row.verdicts[:20])) + (", …" if len(row.verdicts) > 20 else "")
    lines = ["", f"{row.change.upper()}  {row.release} for {row.device_class} (verdicts {numbers})"]
    named = (("against", row.against), ("cleared", row.cleared), ("warns", row.warns))
    lines += [f"  {word:8} {', '.join(rules)}" for word, rules in named if rules]
    return [*lines, f"  problem  {row.problem}"] if row.problem else lines

"""A rule for the person who has to meet it: what it asks, on whose word, from when, and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import fill
from typing import Any

from firmward.hospital.gate.known import MOMENTS, moment
from firmward.hospital.gate.packs.bounds import told as bound_told
from firmward.hospital.gate.packs.examples import Change, Examples
from firmward.hospital.gate.packs.read import Pack, parameters_read
from firmward.hospital.gate.packs.schema import Bound, shown
from firmward.hospital.gate.policy import Adopted, Policy
from firmward.hospital.gate.rules import Rule


@dataclass(frozen=True)
class Shelf:
    """Where rules are looked up: the policy they come to, and the packs they came from."""

    policy: Policy
    bounds: Mapping[str, Bound]
    examples: Mapping[str, tuple[Change, ...]]


def shelf(policy: Policy, packs: list[tuple[Pack, Examples]]) -> Shelf:
    """The rules of a policy with their packs' bounds and failing tests."""
    bounds = {name: bound for pack, _ in packs for name, bound in pack.bounds.items()}
    failing = {rule: edits for _, one in packs for rule, edits in one.failing.items()}
    return Shelf(policy, bounds, failing)


def explained(held: Shelf, asked: Adopted) -> str:
    """The rule as text."""
    rule = asked.rule
    lines = [
        f"{rule.id}  {rule.title}",
        f"{asked.pack}, {rule.severity}, {_waived(rule)}, basis: {rule.basis}",
        _binds(asked),
        "",
        "Asked",
        _block(_scope(rule)),
        "Passes when",
        _block(" ".join(rule.condition.split())),
        "reading",
        *[
            _block(f"{path} ({rule.trusts.get(path, rule.trust)} at least)")
            for path in rule.evidence
        ],
        *_parameters(held, rule),
        "",
    ]
    for name in rule.sources:
        clause = held.policy.clauses[name]
        lines += [f"{clause.cite} (clause number: {clause.confidence} confidence)"]
        lines += [_block(clause.says)]
    lines += ["", "To pass it", _block(rule.remedy), *_example(held, rule)]
    return "\n".join([*lines, "Note", _block(rule.note)] if rule.note else lines)


def as_json(held: Shelf, asked: Adopted) -> dict[str, Any]:
    """The rule for machines."""
    rule = asked.rule
    return {
        "rule": rule,
        "pack": asked.pack,
        "binds_from": moment(asked.binds_from) if asked.binds_from else "",
        "clauses": {name: held.policy.clauses[name] for name in rule.sources},
        "parameters": {
            name: {"value": held.policy.parameters[name], "bound": bound_told(held.bounds[name])}
            for name in sorted(parameters_read(rule))
        },
        "fails": held.examples.get(rule.id, ()),
    }


def _waived(rule: Rule) -> str:
    return "can be waived" if rule.waivable else "cannot be waived"


def _binds(asked: Adopted) -> str:
    if asked.binds_from is None:
        return "binds: a failure refuses"
    return f"binds from {moment(asked.binds_from)}; until then a failure warns"


def _scope(rule: Rule) -> str:
    to = rule.applies_to
    everywhere = "ANY" in to.jurisdictions
    parts = [
        "at every moment" if rule.asked == MOMENTS else f"at {', '.join(rule.asked)}",
        f"of tiers {', '.join(map(str, to.tiers))}",
        f"safety class {', '.join(to.safety_class)}",
        "everywhere" if everywhere else f"in {', '.join(to.jurisdictions)}",
    ]
    return "; ".join([*parts, f"when {' '.join(to.when.split())}"] if to.when else parts)


def _parameters(held: Shelf, rule: Rule) -> list[str]:
    names = sorted(parameters_read(rule))
    if not names:
        return []
    lines = ["with"]
    for name in names:
        said = bound_told(held.bounds[name]) if name in held.bounds else ""
        lines.append(_block(f"p.{name} = {shown(held.policy.parameters[name])} ({said})"))
    return lines


def _example(held: Shelf, rule: Rule) -> list[str]:
    edits = held.examples.get(rule.id, ())
    if not edits:
        return []
    first = edits[0]
    what = (
        f"known only as {first.trust}" if first.trust else f"= {shown(first.merge or first.value)}"
    )
    return ["", "Fails, for example, with", _block(f"{first.path} {what}")]


def _block(text: str) -> str:
    return fill(text, 96, initial_indent="  ", subsequent_indent="    ", break_long_words=False)

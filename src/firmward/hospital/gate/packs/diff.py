"""What a new version of a pack, or of a policy, changes for those who are judged by it.

major  a verdict can change
minor  a new rule that only warns at first
patch  words
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from firmward.hospital.gate.packs.bounds import steps
from firmward.hospital.gate.packs.read import Pack
from firmward.hospital.gate.packs.schema import Bound, shown
from firmward.hospital.gate.rules import Clause, Rule
from firmward.terms.wire import encode

Weight = Literal["patch", "minor", "major"]
_WEIGHTS: Final[tuple[Weight, ...]] = ("patch", "minor", "major")
_WORDS: Final = frozenset(
    {"title", "sources", "confidence", "remedy", "note", "group", "basis", "duty", "offenders"}
)
"""Members of a rule that no verdict depends on; any other, one does."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that two versions have differently.

    what    rule, parameter, clause or bound
    change  added, removed, changed, tightened, loosened
    """

    what: Literal["rule", "parameter", "clause", "bound"]
    name: str
    change: Literal["added", "removed", "changed", "tightened", "loosened"]
    weight: Weight
    says: str

    def __str__(self) -> str:
        return f"{self.weight:5}  {self.what} {self.name} {self.change}: {self.says}"


@dataclass(frozen=True)
class Side:
    """One of two versions: what one or several packs hold."""

    rules: Mapping[str, Rule]
    parameters: Mapping[str, Any]
    bounds: Mapping[str, Bound]
    clauses: Mapping[str, Clause]
    warns: frozenset[str]


def side(packs: Iterable[Pack]) -> Side:
    """What some packs hold together."""
    rules: dict[str, Rule] = {}
    values: dict[str, Any] = {}
    bounds: dict[str, Bound] = {}
    clauses: dict[str, Clause] = {}
    warns: set[str] = set()
    for pack in packs:
        rules.update((rule.id, rule) for rule in pack.rules)
        values.update(pack.parameters)
        bounds.update(pack.bounds)
        clauses.update(pack.clauses)
        since = pack.effective_from
        warns |= {
            r.id for r in pack.rules if r.effective_from is not None and r.effective_from > since
        }
    return Side(rules, values, bounds, clauses, frozenset(warns))


def diff(before: Side, after: Side) -> list[Difference]:
    """Everything that differs, the weightiest first."""
    found = [*_rules(before, after), *_parameters(before, after), *_clauses(before, after)]
    return sorted(found, key=lambda one: (-_WEIGHTS.index(one.weight), one.what, one.name))


def weight(found: Iterable[Difference]) -> Weight | None:
    """How weighty a new version is; None where nothing differs."""
    weights = {one.weight for one in found}
    return next((one for one in reversed(_WEIGHTS) if one in weights), None)


def _rules(before: Side, after: Side) -> Iterator[Difference]:
    for name in sorted(before.rules.keys() | after.rules.keys()):
        old, new = before.rules.get(name), after.rules.get(name)
        if old is None and new is not None:
            kind: Weight = "minor" if name in after.warns else "major"
            when = f", warns until {new.effective_from:%Y-%m-%d}" if kind == "minor" else ""
            yield Difference(
                what="rule", name=name, change="added", weight=kind, says=f"{new.title}{when}"
            )
        elif new is None and old is not None:
            yield Difference(
                what="rule", name=name, change="removed", weight="major", says=old.title
            )
        elif old != new and old is not None and new is not None:
            members = [m for m in Rule.__struct_fields__ if getattr(old, m) != getattr(new, m)]
            yield Difference(
                what="rule",
                name=name,
                change="changed",
                weight="patch" if set(members) <= _WORDS else "major",
                says="; ".join(_member(m, getattr(old, m), getattr(new, m)) for m in members),
            )


def _member(name: str, old: Any, new: Any) -> str:
    return f"{name}: {_short(old)} -> {_short(new)}"


def _short(value: Any) -> str:
    text = " ".join(shown(msgspec.to_builtins(value)).split())
    return text if text not in ("", "null") else "none"


def _parameters(before: Side, after: Side) -> Iterator[Difference]:
    for name in sorted(before.parameters.keys() | after.parameters.keys()):
        old, new = before.parameters.get(name), after.parameters.get(name)
        if old is None or new is None:
            yield Difference(
                what="parameter",
                name=name,
                change="added" if old is None else "removed",
                weight="major",
                says=shown(new if old is None else old),
            )
            continue
        for step in steps(name, after.bounds[name], old, old, new):
            yield Difference(
                what="parameter",
                name=step.name,
                change="loosened" if step.loosens else "tightened",
                weight="major",
                says=f"{shown(step.before)} -> {shown(step.after)}",
            )
        if encode(before.bounds[name]) != encode(after.bounds[name]):
            says = "how far overlays may set it"
            yield Difference(what="bound", name=name, change="changed", weight="major", says=says)


def _clauses(before: Side, after: Side) -> Iterator[Difference]:
    for name in sorted(before.clauses.keys() | after.clauses.keys()):
        old, new = before.clauses.get(name), after.clauses.get(name)
        if old == new:
            continue
        told = new or old
        yield Difference(
            what="clause",
            name=name,
            change="added" if old is None else "removed" if new is None else "changed",
            weight="patch",
            says=f"{told.cite}: {told.says}" if told else "",
        )

"""Which of the evidence that a rule reads its failing tests vary: an unvaried path is untested."""

from collections.abc import Sequence
from dataclasses import dataclass

from firmward.hospital.gate import rules
from firmward.hospital.gate.packs.examples import Examples
from firmward.hospital.gate.packs.read import Pack


@dataclass(frozen=True)
class Covered:
    """One rule's evidence, and what of it some failing test of the rule varies."""

    rule: str
    reads: tuple[str, ...]
    varied: tuple[str, ...]

    @property
    def unvaried(self) -> tuple[str, ...]:
        """The evidence that no failing test of the rule touches."""
        return tuple(path for path in self.reads if path not in self.varied)


def coverage(pack: Pack, examples: Examples) -> list[Covered]:
    """Each rule's evidence and what its tests vary; the clock and the moment are no evidence."""
    found = []
    for rule in pack.rules:
        named = rules.reads(rule.condition)
        reads = tuple(sorted(path for path in named if "." in path or path == "vulns"))
        evidence = tuple(path for path in reads if not path.startswith("p."))
        changes = examples.failing.get(rule.id, ())
        touched = frozenset[str]().union(*(change.evidence for change in changes))
        varied = tuple(path for path in evidence if path in touched)
        found.append(Covered(rule.id, evidence, varied))
    return found


def share(found: Sequence[Covered]) -> float:
    """The share of all rules' evidence that is varied."""
    reads = sum(len(one.reads) for one in found)
    return sum(len(one.varied) for one in found) / reads if reads else 1.0

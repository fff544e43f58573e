"""A verdict as figure 3 draws it: four corners, a decision in the middle, one way out.  Pure.

Every rule stands in the corner of its group, so that each is counted once and none is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, get_args

from firmward.hospital.gate.judge import Judgement
from firmward.hospital.gate.rulings import Ruling

CornerName = Literal["regulatory", "cryptographic", "vulnerability", "device-class"]
NAMES: Final[tuple[CornerName, ...]] = get_args(CornerName)

CORNER_OF: Final[Mapping[str, CornerName]] = {
    "documentation": "regulatory",
    "lifecycle": "regulatory",
    "privacy": "regulatory",
    "risk": "regulatory",
    "cryptographic": "cryptographic",
    "signing-provenance": "cryptographic",
    "sbom": "vulnerability",
    "vulnerability": "vulnerability",
    "device-scope": "device-class",
    "postmarket-rollout": "device-class",
}
"""Group of rules -> the corner it stands in."""

Outcome = Literal["fail", "indeterminate", "warn", "excepted", "pass", "not-applicable"]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
"""What came of a rule, what asks most of a reader first; `warn` fails and does not bind yet."""

Way = Literal["delivery", "refused", "revoked"]
"""Where a verdict leads: revoked is what was eligible before, refused what never was."""


def outcome(ruling: Ruling) -> Outcome:
    """What came of a rule."""
    return "warn" if ruling.warns else ruling.word


def corner_of(group: str) -> CornerName:
    """The corner of a group; one that nobody has placed is asked for by somebody all the same."""
    return CORNER_OF.get(group, "regulatory")


@dataclass(frozen=True)
class Corner:
    """The rules of one corner, those that ask most of a reader first."""

    name: CornerName
    rulings: tuple[Ruling, ...]

    @cached_property
    def counts(self) -> dict[Outcome, int]:
        """How many rules came to what, every outcome named."""
        found = [outcome(each) for each in self.rulings]
        return {one: found.count(one) for one in OUTCOMES}

    @property
    def against(self) -> int:
        """How many of them stand in the way."""
        return sum(each.blocks for each in self.rulings)


@dataclass(frozen=True)
class Edge:
    """The one way out of the gate that a verdict took.

    tickets  numbers of what was filed about it
    """

    way: Way
    tickets: tuple[int, ...] = ()

    @property
    def says(self) -> str:
        """Where it leads, in words."""
        if self.way == "delivery":
            return "to signing and delivery"
        numbers = ", ".join(map(str, self.tickets))
        filed = (
            f"ticket{'s' if len(self.tickets) > 1 else ''} {numbers}" if numbers else "no ticket"
        )
        return f"{self.way}, {filed}"


@dataclass(frozen=True)
class Diamond:
    """A verdict by its corners.

    number  of the verdict at its site
    """

    number: int
    judgement: Judgement
    corners: tuple[Corner, ...]
    edge: Edge

    @property
    def decision(self) -> str:
        """The word in the middle."""
        return "admitted" if self.judgement.admitted else "refused"

    @cached_property
    def counts(self) -> dict[Outcome, int]:
        """How many rules came to what, over all corners."""
        return {one: sum(c.counts[one] for c in self.corners) for one in OUTCOMES}

    @property
    def weighed(self) -> tuple[str, str]:
        """What taking the release leaves of risk, and what refusing it would; "" if not known."""
        taking, parted, refusing = self.judgement.weighed.partition("; refusing")
        if not parted:
            return self.judgement.weighed.removesuffix("."), ""
        return taking, f"Refusing{refusing}".removesuffix(".")


def diamond(judgement: Judgement, edge: Edge, number: int = 0) -> Diamond:
    """The judgement with each of its rules in one corner."""
    ordered = sorted(judgement.rulings, key=lambda one: (OUTCOMES.index(outcome(one)), one.rule))
    corners = tuple(
        Corner(name, tuple(each for each in ordered if corner_of(each.group) == name))
        for name in NAMES
    )
    return Diamond(number, judgement, corners, edge)

"""How much of an order, or of a word, hangs on weights that are only proposals.

Every weight is taken at half, once and half again its value, in all combinations.  A combination in
which the mild weighs more than the grave is left out: nobody holds that opinion.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmward.hospital.gate.risk.facts import (
    EXPOSURES,
    LEVELS,
    Exposed,
    Exposure,
    Parameters,
    Surroundings,
)
from firmward.hospital.gate.risk.matrix import harm
from firmward.hospital.gate.risk.ranking import gravest, probability
from firmward.terms.errors import Misuse

SPREAD: Final = 0.5
# Sums in another order differ after this digit, and that is no difference.
_DIGITS: Final = 9
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Placed:
    """A release or a device by name, with its vulnerabilities and where it stands."""

    name: str
    facts: tuple[Exposed, ...]
    site: Surroundings


@dataclass(frozen=True)
class Sensitivity:
    """How many variations of the weights agree with the weights as they are.

    first  of the variations, those that agree at least on what comes first
    swaps  neighbours that change places: the one before, the one after, in how many variations
    """

    variations: int
    agreeing: int
    first: int
    swaps: tuple[tuple[str, str, int], ...] = ()

    @property
    def share(self) -> float:
        """The share of the variations that agree, 0 to 1."""
        return self.agreeing / self.variations


@dataclass(frozen=True)
class _Cell:
    """What vulnerabilities are added up in before any weight is known."""

    severity: int
    zone: Exposure
    controls: int


def of_order(
    placed: Sequence[Placed], parameters: Parameters, spread: float = SPREAD
) -> Sensitivity:
    """Whether the order of releases or devices stays, the riskiest first, equals by name."""
    if not placed:
        raise Misuse("sensitivity: expected something to put in order, got nothing")
    listed = sorted(placed, key=lambda each: each.name)
    totals = _totals(listed, parameters, spread)
    orders = np.argsort(-totals, axis=1, kind="stable")
    same = orders == orders[0]
    swaps = [
        (listed[a].name, listed[b].name, int(np.sum(totals[:, b] > totals[:, a])))
        for a, b in pairwise(int(at) for at in orders[0])
    ]
    return Sensitivity(
        variations=len(totals),
        agreeing=int(np.sum(same.all(axis=1))),
        first=int(np.sum(same[:, :1].all(axis=1))),
        swaps=tuple(swap for swap in swaps if swap[2]),
    )


def of_word(
    new: Sequence[Exposed],
    installed: Sequence[Exposed],
    site: Surroundings,
    parameters: Parameters,
    spread: float = SPREAD,
) -> Sensitivity:
    """Whether the new release stays lower than, same as or higher than the installed one."""
    sides = [Placed("new", tuple(new), site), Placed("installed", tuple(installed), site)]
    totals = _totals(sides, parameters, spread)
    words = np.sign(totals[:, 0] - totals[:, 1])
    agreeing = int(np.sum(words == words[0]))
    return Sensitivity(variations=len(totals), agreeing=agreeing, first=agreeing)


def _totals(placed: Sequence[Placed], parameters: Parameters, spread: float) -> Floats:
    """The total of each, a row per variation; the first row is that of the weights as they are."""
    sums = [_cells(each, parameters) for each in placed]
    cells = sorted({cell for each in sums for cell in each}, key=_sorting)
    chances = np.array([[each.get(cell, 0.0) for cell in cells] for each in sums], dtype=np.float64)
    weights = np.array(
        [
            [_weight(cell, varied) for cell in cells]
            for varied in _varied(cells, parameters, spread)
        ],
        dtype=np.float64,
    )
    totals: Floats = np.round(weights @ chances.T, _DIGITS)
    return totals


def _cells(each: Placed, parameters: Parameters) -> dict[_Cell, float]:
    sums: dict[_Cell, float] = {}
    for fact in gravest(each.facts, each.site, parameters).values():
        cell = _Cell(harm(fact, each.site).value, each.site.zone, fact.controls)
        sums[cell] = sums.get(cell, 0.0) + probability(fact)
    return sums


def _sorting(cell: _Cell) -> tuple[int, int, int]:
    return cell.severity, EXPOSURES.index(cell.zone), cell.controls


@dataclass(frozen=True)
class _Varied:
    severity: dict[int, float]
    zone: dict[Exposure, float]
    control: float
    limit: float


def _weight(cell: _Cell, varied: _Varied) -> float:
    left = 1 - min(varied.limit, varied.control * cell.controls)
    return varied.severity[cell.severity] * varied.zone[cell.zone] * left


def _varied(cells: Sequence[_Cell], parameters: Parameters, spread: float) -> Iterator[_Varied]:
    """The weights as they are, then every combination of those that matter to these cells."""
    levels = [level for level in LEVELS if any(cell.severity == level for cell in cells)]
    zones = [zone for zone in EXPOSURES if any(cell.zone == zone for cell in cells)]
    heavy = [parameters.rank_weights.severity[str(level)] for level in levels]
    near = [parameters.exposure[zone] for zone in zones]
    step, limit = parameters.rank_weights.control, parameters.rank_weights.control_limit
    controlled = any(cell.controls for cell in cells)
    steps = _three(step, spread) if controlled else (step,)
    for a in product(*_each(heavy, spread)):
        for b in product(*_each(near, spread)):
            if list(a) != sorted(a) or list(b) != sorted(b):
                continue
            for control in steps:
                yield _Varied(
                    dict(zip(levels, a, strict=True)),
                    dict(zip(zones, b, strict=True)),
                    control,
                    limit,
                )


def _each(weights: Sequence[float], spread: float) -> list[tuple[float, ...]]:
    """The values that each weight takes; one that all share only scales, and stays."""
    return [_three(weight, spread) if len(weights) > 1 else (weight,) for weight in weights]


def _three(weight: float, spread: float) -> tuple[float, ...]:
    # The weight as it is comes first, so that the first variation of all is no variation.
    return weight, weight * (1 - spread), weight * (1 + spread)

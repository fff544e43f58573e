"""The cohort comparison: did the drawn devices change more than the others?  Pure.

A permutation group-sequential test.  Under the null that the release changes nothing, the drawn
set is exchangeable with every other set the draw could have given, whatever the autocorrelation,
the daily cycle or shared outages; so the chance of a false alarm in a wave is at most its alpha.
Spending over the looks follows Lan and DeMets (1983), linear in the number of the look.

The guarantee holds for devices as units, drawn at random within strata, without interference
between devices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmward.hospital.watch.signals import DOMAINS, METRICS, Domain
from firmward.terms.errors import Misuse
from firmward.terms.report import Reading

ASSIGNMENTS = 6000
_CLIP = (-2.0, 8.0)


@dataclass(frozen=True)
class Cohort:
    """One device's change: metric means after the wave settled minus those before it began."""

    device: str
    stratum: str
    drawn: bool
    change: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """What one look found.

    alarm     the drawn set was among the most extreme ones that alpha has paid for
    rank      share of the possible sets that look at least as bad (a permutation p-value)
    domains   mean worsening of the drawn devices per domain, in units that matter
    controls  how much the devices that were not drawn worsened against their own past, in the
              domain where the drawn ones worsened most: a cause that all share shows here
    alive     which assignments are left, for the next look
    """

    alarm: bool
    rank: float
    domains: Mapping[Domain, float]
    controls: float
    alive: NDArray[np.bool_]


def change(before: Sequence[Reading], after: Sequence[Reading]) -> tuple[float, ...]:
    """Per metric, the mean after minus the mean before.  Both need at least one reading."""
    if not before or not after:
        raise Misuse("cohort: expected readings before and after")
    return tuple(
        float(np.mean([m.of(r) for r in after]) - np.mean([m.of(r) for r in before]))
        for m in METRICS
    )


def scores(cohort: Sequence[Cohort]) -> NDArray[np.float64]:
    """Per device and domain, how much worse it became than the median device.

    The unit is each metric's own smallest change that anybody cares about, and what lies within one
    unit counts as nothing: a test that is exact also finds what does not matter, such as the phase
    of a timer after a restart.

    returns  an array (devices, 4), clipped so that one broken device cannot speak for a wave
    """
    changes = _worsening(cohort)
    return _by_domain(changes - np.median(changes, axis=0))


def _worsening(cohort: Sequence[Cohort]) -> NDArray[np.float64]:
    """Per device and metric, the change in the metric's own unit; worse is larger."""
    signs = np.array([float(m.worse) for m in METRICS])
    changes: NDArray[np.float64] = np.array([c.change for c in cohort]) * signs
    return changes


def _by_domain(deviations: NDArray[np.float64]) -> NDArray[np.float64]:
    units = np.array([m.floor for m in METRICS])
    beyond = np.sign(deviations) * np.maximum(np.abs(deviations) - units, 0.0)
    z = np.clip(beyond / units, *_CLIP)
    columns = [[i for i, m in enumerate(METRICS) if m.domain == d] for d in DOMAINS]
    means = [z[:, c].mean(axis=1) if c else np.zeros(len(z)) for c in columns]
    return np.column_stack(means)


def _apart(cohort: Sequence[Cohort], drawn: NDArray[np.bool_]) -> dict[Domain, float]:
    """How much more the drawn devices worsened than the median of the others, per domain.

    Not measured from the pooled median: in a small fleet that may be a drawn device itself.  The
    test keeps the pooled one, because its scores must not know who was drawn.
    """
    changes = _worsening(cohort)
    score = _by_domain(changes - np.median(changes[~drawn], axis=0))[drawn].mean(axis=0)
    return {domain: float(score[i]) for i, domain in enumerate(DOMAINS)}


def _shared(cohort: Sequence[Cohort], drawn: NDArray[np.bool_]) -> float:
    """How much the others worsened, where the drawn devices worsened most.

    Not measured from the cohort's median: what happens to everybody is the median.
    """
    changes = _worsening(cohort)
    score = _by_domain(changes)
    return float(score[~drawn, int(score[drawn].mean(axis=0).argmax())].mean())


def assignments(cohort: Sequence[Cohort], seed: int) -> NDArray[np.bool_]:
    """The observed draw in row 0, then ASSIGNMENTS others that the same draw could have given.

    The same seed gives the same rows at every look, as the method requires.
    """
    chance = np.random.Generator(np.random.PCG64(seed))
    rows = np.zeros((ASSIGNMENTS + 1, len(cohort)), dtype=bool)
    rows[0] = [c.drawn for c in cohort]
    for stratum in sorted({c.stratum for c in cohort}):
        places = np.array([i for i, c in enumerate(cohort) if c.stratum == stratum])
        size = int(rows[0, places].sum())
        order = np.argsort(chance.random((ASSIGNMENTS, len(places))), axis=1)[:, :size]
        np.put_along_axis(rows[1:], places[order], values=True, axis=1)
    return rows


def look(
    cohort: Sequence[Cohort],
    alive: NDArray[np.bool_] | None,
    *,
    number: int,
    looks: int,
    alpha: float,
    seed: int,
) -> Comparison:
    """Compare at look `number` (from 0) of `looks`, spending alpha * (number + 1) / looks so far.

    alive  what the look before left; None at the first
    """
    drawn = np.array([c.drawn for c in cohort], dtype=bool)
    if not drawn.any() or drawn.all():
        raise Misuse("cohort: expected devices that were drawn and others to compare them with")
    score = scores(cohort)
    rows = assignments(cohort, seed)
    alive = np.ones(len(rows), dtype=bool) if alive is None else alive.copy()
    # Ties are broken by chance, not by row: the observed draw has no privilege among its equals.
    noise = np.random.Generator(np.random.PCG64([seed, number])).random(len(rows)) * 1e-9
    totals = rows @ score.sum(axis=1) + noise
    budget = int(np.floor(alpha * (number + 1) / looks * len(rows))) - int((~alive).sum())
    if budget > 0:
        ranked = np.where(alive, totals, -np.inf)
        alive[np.argsort(ranked)[::-1][:budget]] = False
    return Comparison(
        alarm=not alive[0],
        rank=float((totals >= totals[0] - 2e-9).mean()),
        domains=_apart(cohort, drawn),
        controls=_shared(cohort, drawn),
        alive=alive,
    )

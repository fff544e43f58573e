"""The score that sorts: what is done first, and what a patch is worth against staying as it is.

r = w(S) * P * X * (1 - K), in no unit.  It orders a list; it never blocks by its size.  The weights
are proposals, and `sensitivity` says how much of an order hangs on them.

Source for P: NIST CSWP 41, composite probability and LEV.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import fsum, prod
from typing import Final, Literal

from firmward.hospital.gate.risk.facts import Exposed, Parameters, Surroundings, classified
from firmward.hospital.gate.risk.matrix import harm

Word = Literal["lower", "same", "higher"]
WINDOW: Final = 30
# Totals are sums of floats; what differs after this digit differs by the order of adding.
_DIGITS: Final = 9


@dataclass(frozen=True)
class Delta:
    """A release against the one that is installed.

    word       the new release's risk against the installed one's
    shared     what both have; it weighs on both sides
    uncertain  removed vulnerabilities of which facts are unknown, where the word is another if
               those facts turn out mild: a patch must not shine by curing what nobody looked at
    """

    word: Word
    new: float
    installed: float
    added: tuple[str, ...]
    removed: tuple[str, ...]
    shared: tuple[str, ...]
    uncertain: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Both sides of the decision."""
        doubt = f" (unless {_named(self.uncertain)} is harmless)" if self.uncertain else ""
        return (
            f"Taking it leaves a risk of {self.new:.4g}: {len(self.shared)} stay and "
            f"{_named(self.added) or 'none'} come; refusing it keeps {self.installed:.4g}, with "
            f"{_named(self.removed) or 'nothing that it would have cured'}: "
            f"the new risk is {_WORDS[self.word]}{doubt}."
        )


_WORDS: Final = {"lower": "lower", "same": "the same", "higher": "higher"}


def lev(history: Sequence[tuple[date, float]]) -> float | None:
    """The least probability that it has been exploited at some time; None without a history.

    Windows of 30 days from the first day to the last, each with the value of its first day, or of
    the next day that has one; the last window counts by its share of 30 days.
    """
    if not history:
        return None
    days = sorted((day.toordinal(), value) for day, value in history)
    first, last = days[0][0], days[-1][0]
    unused = []
    for start in range(first, last, WINDOW):
        value = next(value for day, value in days if day >= start)
        unused.append(1 - value * min(WINDOW, last - start) / WINDOW)
    return 1 - prod(unused)


def probability(fact: Exposed) -> float:
    """That it is or was exploited: the greatest of EPSS, KEV and LEV; 1 where EPSS is unknown.

    LEV without a history is left out: it is an estimate from below, and adds to EPSS.
    """
    likely = 1.0 if fact.epss is None else fact.epss
    return max(likely, 1.0 if fact.attacked else 0.0, lev(fact.epss_history) or 0.0)


def spared(controls: int, parameters: Parameters) -> float:
    """The share of a risk that measured controls take away."""
    weights = parameters.rank_weights
    return min(weights.control_limit, weights.control * controls)


def rank(fact: Exposed, site: Surroundings, parameters: Parameters) -> float:
    """One vulnerability's ranking score."""
    weight = parameters.rank_weights.severity[str(harm(fact, site).value)]
    left = 1 - spared(fact.controls, parameters)
    return weight * probability(fact) * parameters.exposure[site.zone] * left


def total(facts: Sequence[Exposed], site: Surroundings, parameters: Parameters) -> float:
    """The sum over every vulnerability once; of several entries of one the gravest counts."""
    return fsum(_by_name(facts, site, parameters).values())


def delta(
    new: Sequence[Exposed],
    installed: Sequence[Exposed],
    site: Surroundings,
    parameters: Parameters,
) -> Delta:
    """A release's vulnerabilities against those of the installed one, on the same devices."""
    ours, theirs = _by_name(new, site, parameters), _by_name(installed, site, parameters)
    now, before = fsum(ours.values()), fsum(theirs.values())
    word = _word(now, before)
    removed = [fact for fact in installed if fact.id not in ours]
    doubtful = sorted({fact.id for fact in removed if mild(fact, site) != fact})
    kept = [fact for fact in installed if fact.id in ours]
    at_best = total([*kept, *(mild(fact, site) for fact in removed)], site, parameters)
    return Delta(
        word=word,
        new=now,
        installed=before,
        added=tuple(sorted(set(ours) - set(theirs))),
        removed=tuple(sorted(set(theirs) - set(ours))),
        shared=tuple(sorted(set(ours) & set(theirs))),
        uncertain=tuple(doubtful) if _word(now, at_best) != word else (),
    )


def mild(fact: Exposed, site: Surroundings) -> Exposed:
    """The same with every unknown fact that ranking reads on the mild side."""
    harmless = fact.harm_severity is None and not classified(fact, site)
    return replace(
        fact,
        kev=bool(fact.kev),
        epss=fact.epss or 0.0,
        harm_severity=1 if harmless else fact.harm_severity,
    )


def _word(new: float, installed: float) -> Word:
    a, b = round(new, _DIGITS), round(installed, _DIGITS)
    if a == b:
        return "same"
    return "lower" if a < b else "higher"


def gravest(
    facts: Sequence[Exposed], site: Surroundings, parameters: Parameters
) -> dict[str, Exposed]:
    """Every vulnerability once, by name: the entry with the highest rank.

    Two components with the same hole are closed by the same release and opened by the same attack.
    """
    found: dict[str, Exposed] = {}
    for fact in sorted(facts, key=lambda each: rank(each, site, parameters)):
        found[fact.id] = fact
    return found


def _by_name(
    facts: Sequence[Exposed], site: Surroundings, parameters: Parameters
) -> dict[str, float]:
    chosen = gravest(facts, site, parameters)
    return {name: rank(fact, site, parameters) for name, fact in chosen.items()}


def _named(names: Sequence[str], most: int = 3) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest

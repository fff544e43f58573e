"""What is known of one vulnerability, of where the device stands, and the site's parameters.

Nothing here has a mild default: None says that nobody knows, and what nobody knows is judged as if
it were grave.  A caller that looked and found nothing says False, or 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import inf
from typing import Any, Final, Literal

import msgspec

from firmward.advisories.scores import SafetyClass
from firmward.terms.errors import Malformed, Misuse

Region = Literal["A", "C", "U"]
Urgency = Literal["defer", "scheduled", "out-of-cycle", "immediate"]
Exposure = Literal["isolated", "segmented", "flat", "internet"]

REGIONS: Final[tuple[Region, ...]] = ("A", "C", "U")
"""Acceptable, conditional, unacceptable."""
URGENCIES: Final[tuple[Urgency, ...]] = ("defer", "scheduled", "out-of-cycle", "immediate")
EXPOSURES: Final[tuple[Exposure, ...]] = ("isolated", "segmented", "flat", "internet")
LEVELS: Final = range(1, 6)
EPSS_BEGAN: Final = date(2021, 4, 14)
"""The first day that FIRST published."""
# Keeps a mistyped year from being walked through window by window.
_LAST_YEAR: Final = 2199


@dataclass(frozen=True)
class Exposed:
    """One vulnerability of a release, as the hospital knows it; only those that affect it.

    kev              in a catalogue of exploited vulnerabilities
    active           exploited by any other credible report
    epss             probability of exploitation in 30 days, 0 to 1; the percentile is only shown
    epss_history     earlier values by day, for LEV
    cvss_vector      CVSS 2, 3 or 4; `medical` where it is that of MITRE's rubric
    cvss             a score without its vector, 0 to 10
    poc              a public proof of concept or exploit
    reachable        whether an attacker's input reaches the code
    automatable      CISA's word; None leaves it to the vector
    controls         compensating controls that were measured in place; declared ones do not count
    harm_severity    1 negligible to 5 catastrophic, as the vendor attests it
    safety_class     IEC 62304 class of the software item; "" takes the device's
    """

    id: str
    kev: bool | None = None
    active: bool = False
    epss: float | None = None
    epss_percentile: float | None = None
    epss_history: tuple[tuple[date, float], ...] = ()
    cvss_vector: str = ""
    medical: bool = False
    cvss: float | None = None
    poc: bool | None = None
    reachable: bool | None = None
    automatable: bool | None = None
    controls: int = 0
    harm_severity: int | None = None
    safety_class: str = ""

    def __post_init__(self) -> None:
        chances = (self.epss, self.epss_percentile, *(value for _, value in self.epss_history))
        # Written so that NaN, which compares with nothing, is refused as well.
        if not all(value is None or 0 <= value <= 1 for value in chances):
            raise Misuse(f"{self.id}: expected EPSS from 0 to 1, got {chances}")
        if any(day < EPSS_BEGAN or day.year > _LAST_YEAR for day, _ in self.epss_history):
            raise Misuse(f"{self.id}: expected EPSS of days since {EPSS_BEGAN}, got others")
        if self.cvss is not None and not 0 <= self.cvss <= 10:
            raise Misuse(f"{self.id}: expected CVSS from 0 to 10, got {self.cvss}")
        if self.harm_severity is not None and self.harm_severity not in LEVELS:
            raise Misuse(f"{self.id}: expected harm severity 1 to 5, got {self.harm_severity}")
        if self.controls < 0:
            raise Misuse(f"{self.id}: expected a count of controls, got {self.controls}")

    @property
    def attacked(self) -> bool:
        """Whether somebody exploits it, as far as anybody can rule that out."""
        return self.kev is not False or self.active


@dataclass(frozen=True)
class Surroundings:
    """Where the devices of a class stand at a site.

    exposure      the network zone's word; None, or a word that is none of ours, is the internet
    tier          1 life-supporting to 4 workflow; None is 1
    safety_class  IEC 62304 class of the device's software; a word that is none of A, B, C is C
    """

    exposure: str | None = None
    tier: int | None = None
    safety_class: str = ""

    def __post_init__(self) -> None:
        if self.tier is not None and self.tier not in range(1, 5):
            raise Misuse(f"tier: expected 1 to 4, got {self.tier}")

    @property
    def zone(self) -> Exposure:
        """The exposure to reckon with."""
        return next((each for each in EXPOSURES if each == self.exposure), "internet")


class Weights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the ranking score multiplies; every one is a proposal, none stands in a standard.

    severity       by harm severity, "1" to "5"
    control        the share of a risk that one measured control takes away
    control_limit  the most that all of them together take away
    """

    severity: dict[str, float]
    control: float
    control_limit: float


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """The policy's parameters that risk reads, under their names there.

    harm_matrix   region by harm severity "1" to "5" and exploitability 1 to 5
    ssvc_days     days within which to act, by urgency
    exposure      share of an attacker's chances that is left in a zone, by its word
    rank_weights  the other weights of the ranking score
    """

    harm_matrix: dict[str, tuple[Region, Region, Region, Region, Region]]
    ssvc_days: dict[Urgency, int]
    exposure: dict[Exposure, float]
    rank_weights: Weights

    def __post_init__(self) -> None:
        if broken := _broken(self):
            raise Malformed("risk parameters", *broken)


def parameters_of(policy: Mapping[str, Any]) -> Parameters:
    """The parameters out of all those of a policy.

    raises  Malformed where one is missing, of another shape, or orders the grave before the mild
    """
    try:
        return msgspec.convert(dict(policy), Parameters)
    except msgspec.ValidationError as wrong:
        raise Malformed("risk parameters", "those of the schema", str(wrong)[:200]) from wrong


def classified(fact: Exposed, site: Surroundings) -> bool:
    """Whether the safety class is known, and one of IEC 62304's first edition."""
    return (fact.safety_class or site.safety_class) in ("A", "B", "C")


def class_of(fact: Exposed, site: Surroundings) -> SafetyClass:
    """The safety class to reckon with: the item's, else the device's, else C."""
    said = fact.safety_class or site.safety_class
    # IEC 62304 edition 2 has other levels; read as classes they would sound mild.
    if said == "A":
        return "A"
    return "B" if said == "B" else "C"


def _broken(given: Parameters) -> tuple[str, str] | None:
    """What was expected and what came, where a table has gaps or runs backwards."""
    levels = [str(level) for level in LEVELS]
    severity = given.rank_weights.severity
    if sorted(given.harm_matrix) != levels or sorted(severity) != levels:
        return "harm severities 1 to 5", f"{sorted(given.harm_matrix)} and {sorted(severity)}"
    if set(given.ssvc_days) != set(URGENCIES) or set(given.exposure) != set(EXPOSURES):
        return "a value for every word", f"{[*given.ssvc_days]} and {[*given.exposure]}"
    rows: list[list[float]] = [
        [REGIONS.index(cell) for cell in given.harm_matrix[level]] for level in levels
    ]
    runs: dict[str, list[list[float]]] = {
        "harm_matrix": [*rows, *(list(column) for column in zip(*rows, strict=True))],
        "ssvc_days": [[given.ssvc_days[each] for each in reversed(URGENCIES)]],
        "exposure": [[given.exposure[each] for each in EXPOSURES]],
        "rank_weights.severity": [[severity[level] for level in levels]],
    }
    for name, table in runs.items():
        if any(run != sorted(run) for run in table):
            return f"{name} that never falls towards the grave side", "one that does"
    shares = [
        *given.exposure.values(),
        given.rank_weights.control,
        given.rank_weights.control_limit,
    ]
    if not all(0 <= share <= 1 for share in shares) or given.rank_weights.control_limit == 1:
        return "shares from 0 to 1, and controls that leave something", str(shares)
    if (
        not all(0 < weight < inf for weight in severity.values())
        or min(given.ssvc_days.values()) < 0
    ):
        return "weights above 0 and days from 0", f"{severity} and {given.ssvc_days}"
    return None

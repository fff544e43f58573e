"""The score that blocks: how easily it is exploited, how badly that can harm, and where they meet.

Exploitability, not probability: nobody can say how probable a deliberate act is, but one can say
what it takes.  CVSS is ordinal and enters by its metrics; no score is multiplied here.

Source: FDA Postmarket Management of Cybersecurity 2016 VI; ISO/TR 24971 for the scale of harm.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from firmward.advisories.scores import SafetyClass
from firmward.hospital.gate.risk.facts import (
    Exposed,
    Exposure,
    Parameters,
    Region,
    Surroundings,
    class_of,
    classified,
)
from firmward.hospital.gate.risk.vectors import read

Band = Literal["low", "medium", "high", "critical"]
BANDS: Final[tuple[Band, ...]] = ("low", "medium", "high", "critical")

LIKELY: Final = 0.5
NOTICED: Final = 0.1
ATTACKED_FLOOR: Final = 3
"""Below this nothing that is exploited somewhere falls: whoever measured the controls did not
measure them against that attacker."""

WORST_HARM: Final[Mapping[SafetyClass, int]] = {"A": 1, "B": 3, "C": 5}
"""The worst severity that an IEC 62304 class admits, where the vendor attests none.

A  no injury is possible: 1, negligible
B  injury, but no serious one: 3 still asks for a doctor; 4 is permanent, and so serious
C  serious injury or death: 5
"""

_BY_HARM: Final[Mapping[int, str]] = {
    1: "LLLLM",
    2: "LLLMM",
    3: "LLMMH",
    4: "LMMHC",
    5: "MMHCC",
}
"""Band by harm severity, and in each row by exploitability 1 to 5."""
_CAPPED: Final = "LMHCC"
"""The most that CVSS alone can ask for, by exploitability 1 to 5."""
_LETTERS: Final[Mapping[str, Band]] = {band[0].upper(): band for band in BANDS}


@dataclass(frozen=True)
class Judged:
    """A value from 1 to 5, or a word, and the facts that led to it, one sentence each."""

    value: int
    because: tuple[str, ...]


def exploitability(fact: Exposed, site: Surroundings) -> Judged:
    """How easily it is exploited here, 1 to 5."""
    level, because = _before_controls(fact, site)
    lines = [because]
    if fact.controls:
        lines.append(f"measured controls ({fact.controls}) each take 1 off")
    floor = ATTACKED_FLOOR if fact.attacked else 1
    value = max(level - fact.controls, floor)
    if fact.attacked and level - fact.controls < floor:
        lines.append(f"exploited elsewhere: not below {floor}")
    return Judged(value, tuple(f"exploitability {value}: {line}" for line in lines))


def harm(fact: Exposed, site: Surroundings) -> Judged:
    """How badly it can harm a patient, 1 negligible to 5 catastrophic."""
    if fact.harm_severity is not None:
        said = f"harm {fact.harm_severity}: attested by the vendor"
        return Judged(fact.harm_severity, (said,))
    judged = class_of(fact, site)
    value = WORST_HARM[judged]
    known = classified(fact, site)
    named = f"safety class {judged}" if known else "safety class unknown, judged as C"
    return Judged(value, (f"harm {value}: none attested; the worst that {named} admits",))


def region(exploit: int, severity: int, parameters: Parameters) -> Region:
    """Acceptable, conditional or unacceptable, by the policy's matrix."""
    return parameters.harm_matrix[str(severity)][exploit - 1]


def band(
    exploit: int, severity: int, fact: Exposed, site: Surroundings
) -> tuple[Band, tuple[str, ...]]:
    """How grave it is in one word: what periods of repair and the life of an exception hang on.

    The graver of two: where exploitability meets harm to a patient, and the CVSS severity in the
    device's context, capped by exploitability.  Harm alone would call a theft of every patient's
    records low, and CVSS alone would call grave what nobody can reach.
    """
    by_harm = _LETTERS[_BY_HARM[severity][exploit - 1]]
    technical, source = _severity(fact, site)
    capped = min(technical, _LETTERS[_CAPPED[exploit - 1]], key=BANDS.index)
    worst = max(by_harm, capped, key=BANDS.index)
    return worst, (
        f"band {worst}: {by_harm} by harm {severity} and exploitability {exploit}; "
        f"{capped} by {source}, no graver than exploitability {exploit} allows",
    )


def _before_controls(fact: Exposed, site: Surroundings) -> tuple[int, str]:
    if fact.attacked:
        return 5, _attacked_as(fact)
    if fact.poc is not False:
        return 4, "a public exploit" if fact.poc else "unknown whether an exploit is public"
    likely = 1.0 if fact.epss is None else fact.epss
    epss = "EPSS unknown, judged as 1" if fact.epss is None else f"EPSS {fact.epss:g}"
    if likely >= LIKELY and fact.reachable is not False:
        reached = "reachable" if fact.reachable else "not known to be out of reach"
        return 4, f"{epss}, at least {LIKELY:g}, and {reached}"
    if likely >= NOTICED:
        return 3, f"{epss}, at least {NOTICED:g}"
    return _by_way_in(fact, site)


def _by_way_in(fact: Exposed, site: Surroundings) -> tuple[int, str]:
    """Where nobody is known to try: what it would take."""
    zone = site.zone
    attack = read(fact.cvss_vector, class_of(fact, site))
    where = _where(site, zone)
    wide = zone in ("flat", "internet")
    if attack is None:
        if wide:
            return 3, f"no CVSS vector, judged as easy and over the network, {where}"
        hidden = fact.reachable is False
        return (1, "not reachable") if hidden else (2, "no CVSS vector, nothing that hinders")
    if wide and attack.from_afar(zone) and not attack.hard:
        return 3, f"easy and over the network, {where}"
    if attack.way == "physical":
        return 1, "takes the device in hand"
    if fact.reachable is False:
        return 1, "not reachable"
    if attack.hard:
        return 1, "takes circumstances that an attacker does not control"
    return 2, f"nobody is known to try, and nothing hinders; way in: {attack.way}"


def _where(site: Surroundings, zone: Exposure) -> str:
    return f"zone {zone}" if site.exposure == zone else f"zone unknown, judged as {zone}"


def _attacked_as(fact: Exposed) -> str:
    if fact.kev:
        return "in a catalogue of exploited vulnerabilities"
    if fact.active:
        return "reported as exploited"
    return "unknown whether it is exploited, judged as if it were"


def _severity(fact: Exposed, site: Surroundings) -> tuple[Band, str]:
    """The graver of the vector's severity and the bare score's; critical where there is neither."""
    attack = read(fact.cvss_vector, class_of(fact, site))
    found: list[tuple[Band, str]] = []
    if attack is not None:
        kind = "MITRE's medical rubric" if fact.medical else "CVSS"
        found.append((_four(attack.score), f"{kind} {attack.score:g} in the device's context"))
    if fact.cvss is not None:
        found.append((_four(fact.cvss), f"CVSS {fact.cvss:g} as published"))
    if not found:
        return "critical", "an unknown CVSS"
    return max(found, key=lambda each: BANDS.index(each[0]))


def _four(score: float) -> Band:
    """The rating of a CVSS score, in which "none" is no less than low."""
    return next(
        name
        for limit, name in ((9.0, BANDS[3]), (7.0, BANDS[2]), (4.0, BANDS[1]), (0.0, BANDS[0]))
        if score >= limit
    )

"""The score that sets the deadline: CERT/CC's SSVC tree for those who deploy.

Source: SSVC "Deployer Patch Application Priority" 1.0.0, over Exploitation 1.1.0, System Exposure
1.0.1, Automatable 2.0.0 and Human Impact 2.0.2; "Human Impact" 1.0.0, over Safety Impact 2.0.1
and Mission Impact 2.0.0.  How our facts become its values is ours, and said at each mapping.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from firmward.hospital.gate.risk.facts import (
    Exposed,
    Exposure,
    Parameters,
    Surroundings,
    Urgency,
    class_of,
)
from firmward.hospital.gate.risk.vectors import read

Exploitation = Literal["none", "poc", "active"]
SystemExposure = Literal["small", "controlled", "open"]
Impact = Literal["low", "medium", "high", "very high"]
Safety = Literal["negligible", "marginal", "critical", "catastrophic"]
Mission = Literal["degraded", "MEF crippled", "MEF failure", "mission failure"]

EXPLOITATIONS: Final[tuple[Exploitation, ...]] = ("none", "poc", "active")
SYSTEM_EXPOSURES: Final[tuple[SystemExposure, ...]] = ("small", "controlled", "open")
IMPACTS: Final[tuple[Impact, ...]] = ("low", "medium", "high", "very high")
SAFETIES: Final[tuple[Safety, ...]] = ("negligible", "marginal", "critical", "catastrophic")
MISSIONS: Final[tuple[Mission, ...]] = (
    "degraded",
    "MEF crippled",
    "MEF failure",
    "mission failure",
)

_TREE: Final[Mapping[Exploitation, Mapping[SystemExposure, tuple[str, str]]]] = {
    "none": {"small": ("DDSS", "DSSS"), "controlled": ("DSSS", "SSSS"), "open": ("DSSS", "SSSO")},
    "poc": {"small": ("DSSS", "SSSS"), "controlled": ("DSSS", "SSSO"), "open": ("SSSO", "SSOO")},
    "active": {"small": ("SSOO", "SOOO"), "controlled": ("SSOO", "OOOO"), "open": ("SOOI", "OOII")},
}
"""Not automatable and automatable, each by human impact from low to very high."""
_OUTCOMES: Final[Mapping[str, Urgency]] = {
    "D": "defer",
    "S": "scheduled",
    "O": "out-of-cycle",
    "I": "immediate",
}
_HUMAN: Final[Mapping[Safety, tuple[Impact, Impact, Impact, Impact]]] = {
    "negligible": ("low", "low", "medium", "very high"),
    "marginal": ("low", "low", "medium", "very high"),
    "critical": ("medium", "high", "high", "very high"),
    "catastrophic": ("very high", "very high", "very high", "very high"),
}
"""Human impact by safety impact, and in each row by mission impact."""

OF_ZONE: Final[Mapping[Exposure, SystemExposure]] = {
    "isolated": "small",
    "segmented": "controlled",
    # A flat hospital network has guests and visitors' phones in it, and restricts nobody.
    "flat": "open",
    "internet": "open",
}
OF_HARM: Final[Mapping[int, Safety]] = {
    1: "negligible",
    2: "marginal",
    3: "marginal",
    4: "critical",
    # One death would be "critical"; but all devices of a class have the same hole.
    5: "catastrophic",
}
OF_TIER: Final[Mapping[int, Mission]] = {
    # One kind of device is one mission-essential function (MEF); the mission fails with several.
    1: "MEF failure",
    2: "MEF failure",
    3: "MEF crippled",
    4: "degraded",
}


@dataclass(frozen=True)
class Urgent:
    """When to act, and the decision points that led there.

    days  within which to act
    """

    outcome: Urgency
    days: int
    exploitation: Exploitation
    exposure: SystemExposure
    automatable: bool
    impact: Impact
    because: tuple[str, ...]


def outcome(
    exploitation: Exploitation, exposure: SystemExposure, automatable: bool, impact: Impact
) -> Urgency:
    """The published tree's answer."""
    return _OUTCOMES[_TREE[exploitation][exposure][automatable][IMPACTS.index(impact)]]


def human_impact(safety: Safety, mission: Mission) -> Impact:
    """The published table's answer."""
    return _HUMAN[safety][MISSIONS.index(mission)]


def urgency(fact: Exposed, site: Surroundings, severity: int, parameters: Parameters) -> Urgent:
    """When to act on a vulnerability whose harm severity is known."""
    exploitation, tried = _exploitation(fact)
    exposure = OF_ZONE[site.zone]
    automatable, how = _automatable(fact, site)
    tier = site.tier or 1
    safety, mission = OF_HARM[severity], OF_TIER[tier]
    impact = human_impact(safety, mission)
    found = outcome(exploitation, exposure, automatable, impact)
    zone = site.exposure if site.exposure == site.zone else f"unknown, judged as {site.zone}"
    tiered = f"tier {tier}" if site.tier else "tier unknown, judged as 1"
    points = (
        f"exploitation {exploitation}: {tried}",
        f"exposure {exposure}: zone {zone}",
        f"automatable {'yes' if automatable else 'no'}: {how}",
        f"human impact {impact}: safety {safety} by harm {severity}, mission {mission} by {tiered}",
    )
    because = tuple(f"urgency {found}: {point}" for point in points)
    return Urgent(
        found, parameters.ssvc_days[found], exploitation, exposure, automatable, impact, because
    )


def _exploitation(fact: Exposed) -> tuple[Exploitation, str]:
    if fact.attacked:
        sure = fact.kev or fact.active
        return "active", "exploited" if sure else "unknown, judged as exploited"
    if fact.poc is not False:
        return "poc", "an exploit is public" if fact.poc else "unknown, judged as public"
    return "none", "looked for, none found"


def _automatable(fact: Exposed, site: Surroundings) -> tuple[bool, str]:
    """Whether an attacker can have a program find, reach and exploit many devices.

    CISA's analyst is believed.  Else the vector decides: over the network, without an account,
    without a person's help, and without circumstances that differ from target to target.  CVSS 4
    has the same question as a supplemental metric (AU), which the vendor fills in for itself; it
    is not read.
    """
    if fact.automatable is not None:
        return fact.automatable, "as CISA says"
    attack = read(fact.cvss_vector, class_of(fact, site))
    if attack is None:
        return True, "no CVSS vector, judged as such"
    if not attack.from_afar(site.zone):
        return False, f"way in: {attack.way}"
    if not attack.alone:
        return False, "takes an account or a person's help"
    if attack.hard:
        return False, "takes circumstances that differ from target to target"
    return True, "over the network, by nobody in particular, without help"

"""What a CVSS vector says of the way in and of how bad it is, in words that all its versions share.

Only base metrics are read.  A vector's temporal and environmental metrics are somebody else's
opinion of somebody else's device; the hospital's own context is added by `advisories.scores`.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from cvss import CVSS2, CVSS3, CVSS4, CVSSError

from firmward.advisories.scores import Band, Context, SafetyClass, rate
from firmward.hospital.gate.risk.facts import Exposure

Way = Literal["network", "adjacent", "local", "physical"]
_WAYS: Final[dict[str, Way]] = {
    "N": "network",
    "A": "adjacent",
    "L": "local",
    "P": "physical",
}
# The longest there can be, CVSS 4 with every metric set, has some 200 characters.
_LONGEST: Final = 512


@dataclass(frozen=True)
class Attack:
    """How an attacker gets in.

    hard     whether it takes circumstances that the attacker does not control
    alone    whether it works without an account and without a person's help
    severity the band of the score for a device of the given safety class
    """

    way: Way
    hard: bool
    alone: bool
    score: float
    severity: Band

    def from_afar(self, zone: Exposure) -> bool:
        """Whether an attacker anywhere in the network reaches it.

        In a flat network everybody is a neighbour of everybody.
        """
        return self.way == "network" or (self.way == "adjacent" and zone in ("flat", "internet"))


@lru_cache(maxsize=8192)
def read(vector: str, safety_class: SafetyClass) -> Attack | None:
    """What a vector says; None for one that is none."""
    method = _method(vector)
    rated = rate(method, vector, Context(safety_class)) if len(vector) <= _LONGEST else None
    if rated is None:
        return None
    try:
        metrics = _base(method, vector)
    except CVSSError:
        return None
    return Attack(
        way=_WAYS[metrics["AV"]],
        hard=metrics["AC"] == "H" or metrics.get("AT") == "P",
        alone=metrics.get("PR", metrics.get("Au")) == "N" and metrics.get("UI", "N") == "N",
        score=rated.environmental,
        severity=rated.band,
    )


def _method(vector: str) -> str:
    if vector.startswith("CVSS:4"):
        return "CVSS_V4"
    return "CVSS_V3" if vector.startswith("CVSS:3") else "CVSS_V2"


def _base(method: str, vector: str) -> dict[str, str]:
    """Base metrics by their short names.  Raises CVSSError."""
    kind = {"CVSS_V4": CVSS4, "CVSS_V3": CVSS3, "CVSS_V2": CVSS2}[method]
    return dict(kind(vector).metrics)

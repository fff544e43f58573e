"""The decision engine: four domains as equals, and the clinical priority of the device.  Pure.

Not one trigger but the combined weight decides, except for hard rules; each decision carries the
signals that led to it.  Every outcome is reversible after review.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from firmward.hospital.watch.cohort import Comparison
from firmward.hospital.watch.signals import DOMAINS, Domain, Signal

Outcome = Literal["observe", "audit", "delayed-remediation", "rollback", "quarantine"]

# Deviations of this many units that matter use a domain's whole say.
_FULL = 4.0
# An alarm in which the untouched devices worsen as well points at the ward, not at the firmware.
_SHARED = 1.0
_AUDIT = 1.0
# Below this an alarm says that something differs, and not that it matters.
_MATTERS = 0.1
_ROLLBACK_TOTAL = {"critical": _MATTERS, "essential": 0.25, "routine": 1.0}


@dataclass(frozen=True)
class Decision:
    """What to do, about whom, and why.

    weights  per domain, 0 to 1; their sum is what was decided on
    """

    outcome: Outcome
    weights: dict[Domain, float]
    because: tuple[str, ...]

    @property
    def total(self) -> float:
        """The combined weight, 0 to 4."""
        return sum(self.weights.values())


def weigh(signals: Sequence[Signal]) -> dict[Domain, float]:
    """Per domain, the strongest signal's weight: many small ones of one kind count once."""
    return {
        domain: max((s.weight for s in signals if s.domain == domain), default=0.0)
        for domain in DOMAINS
    }


def about_device(signals: Sequence[Signal]) -> Decision:
    """The decision about one device from its own signals."""
    weights = weigh(signals)
    because = tuple(f"{s.domain}: {s.name}, {s.says}" for s in signals)
    if any(s.hard and s.domain == "integrity" for s in signals):
        return Decision("quarantine", weights, because)
    if any(s.hard for s in signals):
        return Decision("rollback", weights, because)
    if sum(weights.values()) >= _AUDIT:
        return Decision("audit", weights, because)
    return Decision("observe", weights, because)


def from_comparison(comparison: Comparison) -> list[Signal]:
    """A cohort comparison as one soft signal per domain."""
    return [
        Signal(
            name="worse-than-cohort",
            domain=domain,
            device="",
            weight=max(0.0, min(1.0, value / _FULL)),
            hard=False,
            says=f"{value:+.1f} units that matter against the devices not drawn",
        )
        for domain, value in comparison.domains.items()
    ]


def about_release(comparison: Comparison, priority: str) -> Decision:
    """The decision about a release from one look at its wave.

    priority  the highest clinical priority among the wave's devices
    """
    signals = from_comparison(comparison)
    weights = weigh(signals)
    because = tuple(f"{s.domain}: {s.says}" for s in signals if s.weight > 0.1)
    share = f"{comparison.rank:.4f} of the possible draws look this bad"
    if not comparison.alarm:
        outcome: Outcome = "audit" if sum(weights.values()) >= _AUDIT else "observe"
        return Decision(outcome, weights, (*because, share))
    if sum(weights.values()) < _MATTERS:
        return Decision("audit", weights, (*because, share, "it differs, by less than matters"))
    if comparison.controls > _SHARED:
        shared = "the devices not drawn worsen too: the cause is shared, not the release"
        return Decision("delayed-remediation", weights, (*because, share, shared))
    enough = sum(weights.values()) >= _ROLLBACK_TOTAL[priority]
    outcome = "rollback" if enough else "delayed-remediation"
    return Decision(outcome, weights, (*because, share))

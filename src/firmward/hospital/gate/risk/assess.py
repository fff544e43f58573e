"""One vulnerability on one class of devices, judged three times: one blocks, one dates, one sorts.

matrix    exploitability x harm -> region: U blocks
urgency   SSVC -> the deadline
ranking   a number without a unit -> the order of work
"""

from collections.abc import Iterable
from dataclasses import dataclass

from firmward.hospital.gate.risk import matrix
from firmward.hospital.gate.risk.facts import Exposed, Parameters, Region, Surroundings, Urgency
from firmward.hospital.gate.risk.matrix import Band
from firmward.hospital.gate.risk.ranking import lev, probability, rank, spared
from firmward.hospital.gate.risk.urgency import urgency


@dataclass(frozen=True)
class Assessment:
    """What a rule, a deadline and a list need to know of a vulnerability.

    exploitability, harm_severity   1 to 5, where the matrix is read
    deadline_days                   within which to act, from the day on which this became known
    because                         each result with the fact that led to it, for people
    """

    id: str
    exploitability: int
    harm_severity: int
    band: Band
    region: Region
    urgency: Urgency
    deadline_days: int
    rank: float
    because: tuple[str, ...]


def assessed(fact: Exposed, site: Surroundings, parameters: Parameters) -> Assessment:
    """All that follows from the facts, whichever of them are known."""
    exploit, severity = matrix.exploitability(fact, site), matrix.harm(fact, site)
    region = matrix.region(exploit.value, severity.value, parameters)
    band, banded = matrix.band(exploit.value, severity.value, fact, site)
    urgent = urgency(fact, site, severity.value, parameters)
    score = rank(fact, site, parameters)
    where = f"harm {severity.value} x exploitability {exploit.value} in the policy's matrix"
    return Assessment(
        id=fact.id,
        exploitability=exploit.value,
        harm_severity=severity.value,
        band=band,
        region=region,
        urgency=urgent.outcome,
        deadline_days=urgent.days,
        rank=score,
        because=(
            *exploit.because,
            *severity.because,
            f"region {region}: {where}",
            *banded,
            *urgent.because,
            _ranked(fact, site, parameters, severity.value, score),
        ),
    )


def in_order(assessments: Iterable[Assessment]) -> tuple[Assessment, ...]:
    """The order of work: the highest rank first, equals by name."""
    return tuple(sorted(assessments, key=lambda each: (-each.rank, each.id)))


def _ranked(
    fact: Exposed, site: Surroundings, parameters: Parameters, severity: int, score: float
) -> str:
    epss = "EPSS unknown, judged as 1" if fact.epss is None else f"EPSS {fact.epss:g}"
    if fact.epss_percentile is not None:
        epss += f" (percentile {fact.epss_percentile:g})"
    past = lev(fact.epss_history)
    attacked = "exploited" if fact.kev or fact.active else "unknown whether exploited"
    sources = [epss, *([f"{attacked}: 1"] if fact.attacked else [])]
    sources += [] if past is None else [f"LEV {past:.3g}"]
    return (
        f"rank {score:.4g}: weight {parameters.rank_weights.severity[str(severity)]:g}"
        f" x probability {probability(fact):.3g} ({', '.join(sources)})"
        f" x exposure {parameters.exposure[site.zone]:g} ({site.zone})"
        f" x {1 - spared(fact.controls, parameters):g} left by measured controls ({fact.controls})"
    )

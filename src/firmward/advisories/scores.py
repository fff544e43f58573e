"""How urgent a match is: CVSS, EPSS, KEV and SSVC side by side, never multiplied into one number.

CVSS says how bad it would be, EPSS how likely anybody tries, KEV that somebody did.  A product of
the three has no unit, and hides which of them it was.  So each stays what it is, and matches are
put in order by one after the other.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from cvss import CVSS2, CVSS3, CVSS4, CVSSError

from firmward.advisories.match import Match
from firmward.advisories.records import Exploited, Likelihood

Band = Literal["none", "low", "medium", "high", "critical"]
BANDS: Final[tuple[Band, ...]] = ("none", "low", "medium", "high", "critical")
SafetyClass = Literal["A", "B", "C"]

REQUIREMENTS: Final[Mapping[SafetyClass, Mapping[str, str]]] = {
    "A": {"CR": "M", "IR": "M", "AR": "M"},
    "B": {"CR": "M", "IR": "H", "AR": "M"},
    "C": {"CR": "M", "IR": "H", "AR": "H"},
}
"""CVSS security requirements by IEC 62304 safety class.

What can injure must do the right thing (IR), and what sustains life must do it now (AR).  No class
lowers a requirement: no injury is not the same as no breach.
"""

_LIMITS: Final[tuple[tuple[float, Band], ...]] = (
    (9.0, "critical"),
    (7.0, "high"),
    (4.0, "medium"),
    (0.1, "low"),
    (0.0, "none"),
)
_ORDER: Final = ("CVSS_V4", "CVSS_V3", "CVSS_V2")


@dataclass(frozen=True)
class Context:
    """What the device is, for the environmental metrics.

    modified  further ones that an analyst answers for, such as {"MAV": "A"} for a device without IP
    """

    safety_class: SafetyClass
    modified: tuple[tuple[str, str], ...] = ()

    @property
    def metrics(self) -> str:
        """The environmental part of a vector."""
        named = {**REQUIREMENTS[self.safety_class], **dict(self.modified)}
        return "/".join(f"{metric}:{value}" for metric, value in named.items())


@dataclass(frozen=True)
class Rated:
    """One CVSS vector with its scores, 0 to 10.

    environmental  in the context that was given; the base score where none was
    vector         as published; `environment` with the context's metrics
    """

    method: str
    vector: str
    base: float
    environment: str
    environmental: float

    @property
    def band(self) -> Band:
        """The severity of the environmental score, by the table of ratings of CVSS 3.1 and 4.0."""
        return next(name for limit, name in _LIMITS if self.environmental >= limit)


@dataclass(frozen=True)
class Score:
    """All that is known of how urgent a match is.

    rated      every vector that could be read, the newest version of CVSS first
    unread     vectors that could not
    rubric     the medical vector of an analyst's answers, None without any
    epss       None where FIRST gives none
    ssvc       CISA's decision points
    """

    match: Match
    rated: tuple[Rated, ...]
    unread: tuple[str, ...]
    rubric: Rated | None
    exploited: Exploited | None
    epss: Likelihood | None
    ssvc: tuple[tuple[str, str], ...] = ()

    @property
    def leading(self) -> Rated | None:
        """What severity rests on: the medical vector, or else the gravest of the newest kind."""
        return self.rubric or (self.rated[0] if self.rated else None)

    @property
    def urgency(self) -> tuple[int, int, int, float]:
        """Sorts matches, the most urgent highest: exploited, status, severity band, EPSS.

        What is not known counts as the worst of its step, lest silence put a match last.
        """
        status = ("not_affected", "unknown", "affected").index(self.match.status)
        band = BANDS.index(self.leading.band) if self.leading else len(BANDS)
        likely = self.epss.epss if self.epss else 1.0
        return int(self.match.exploited), status, band, likely


def rate(method: str, vector: str, context: Context | None = None) -> Rated | None:
    """A vector with its scores; None where it is none of its method."""
    try:
        base = _scored(method, vector)[0]
        environment = vector
        if context is not None and method != "CVSS_V2":
            # The analyst's own environment, if the vector brings one, is of somebody else's device.
            environment = f"{_bare(vector)}/{context.metrics}"
        return Rated(method, vector, base, environment, _scored(method, environment)[1])
    except CVSSError:
        return None


def _bare(vector: str) -> str:
    parts = vector.split("/")
    return "/".join(part for part in parts if not _ENVIRONMENTAL.match(part))


_ENVIRONMENTAL: Final = re.compile(r"(?:[CIA]R|M[A-Z]{1,3}):")


def _scored(method: str, vector: str) -> tuple[float, float]:
    """Base and environmental score.  Raises CVSSError."""
    if method == "CVSS_V4":
        # CVSS 4 has one score, which takes the environment in where the vector has one.
        return float(CVSS4(_bare(vector)).base_score), float(CVSS4(vector).base_score)
    if method == "CVSS_V2":
        base, _, environmental = CVSS2(vector).scores()
        return float(base), float(base if environmental is None else environmental)
    base, _, environmental = CVSS3(vector).scores()
    return float(base), float(environmental)


def score(
    match: Match,
    context: Context | None = None,
    *,
    exploited: Exploited | None = None,
    epss: Likelihood | None = None,
    ssvc: tuple[tuple[str, str], ...] = (),
    rubric: str = "",
) -> Score:
    """What is known of a match's urgency.

    rubric  a medical vector (advisories.rubric), "" without one
    """
    found = [(vector, rate(method, vector, context)) for method, vector in match.vectors]
    rated = [each for _, each in found if each is not None]
    rated.sort(key=lambda each: (_ORDER.index(each.method), -each.environmental))
    return Score(
        match=match,
        rated=tuple(rated),
        unread=tuple(vector for vector, each in found if each is None),
        rubric=rate("CVSS_V3", rubric, context) if rubric else None,
        exploited=exploited,
        epss=epss,
        ssvc=ssvc,
    )


def ranked(scores: Iterable[Score]) -> tuple[Score, ...]:
    """The scores, the most urgent first; equals by the vulnerability's name."""
    named = sorted(scores, key=lambda each: (each.match.cve, each.match.advisory))
    return tuple(sorted(named, key=lambda each: each.urgency, reverse=True))

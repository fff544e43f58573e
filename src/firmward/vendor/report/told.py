"""A release as its reports tell it: what was asked, what was made, what was found, how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from firmward.advisories.match import Known, Match
from firmward.advisories.scores import Context, SafetyClass, Score, ranked, score
from firmward.vendor.build.artifact import Artifact
from firmward.vendor.examine import Examined
from firmward.vendor.project import Project
from firmward.vendor.source.commit import Source

Verdict = Literal["released", "released despite findings", "not released"]


@dataclass(frozen=True)
class Step:
    """A stage that has ended: how long it took, and what it gave in words."""

    stage: str
    seconds: float
    says: str


@dataclass(frozen=True)
class Told:
    """Everything a report tells of one release.

    release   release id
    at        when it was judged
    signing   what kinds of keys sign it and where they are held (VendorKeys.described)
    image     SHA-256 of the packed image; "" where it did not come to that
    reasons   why it must not be released; with `published` they were overruled on purpose
    scores    how urgent each match is; empty leaves KEV dates and EPSS out (see `scored`)
    """

    release: str
    at: datetime
    source: Source
    artifact: Artifact
    examined: Examined
    stages: tuple[Step, ...]
    published: bool
    reasons: tuple[str, ...] = ()
    signing: Mapping[str, Any] = field(default_factory=dict)
    image: str = ""
    scores: tuple[Score, ...] = ()

    @property
    def project(self) -> Project:
        """The project file of the commit."""
        return self.source.project

    @property
    def verdict(self) -> Verdict:
        """How it ended."""
        if not self.published:
            return "not released"
        return "released despite findings" if self.reasons else "released"

    @property
    def development(self) -> bool:
        """Whether the keys or the project say that this is nothing for patients."""
        return bool(self.signing.get("development")) or self.project.development

    @property
    def seconds(self) -> float:
        """The stages' time together."""
        return sum(step.seconds for step in self.stages)

    @property
    def urgent(self) -> tuple[Score, ...]:
        """Every answer about a component, most urgent first."""
        if self.scores:
            return ranked(self.scores)
        context = Context(self.project.safety_class)
        return ranked(score(found, context) for found in self.examined.matches)


def scored(matches: Sequence[Match], index: Known, safety_class: SafetyClass) -> tuple[Score, ...]:
    """The matches with what the index knows of their urgency."""
    context, catalogue = Context(safety_class), index.catalogue()
    return tuple(
        score(
            found,
            context,
            exploited=next((catalogue[name] for name in _names(found) if name in catalogue), None),
            epss=index.likelihood(found.cve) if found.cve else None,
        )
        for found in matches
    )


def _names(found: Match) -> tuple[str, ...]:
    return (found.cve, found.advisory, *found.aliases)

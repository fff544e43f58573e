"""A release made now: the stages run, their account is kept, its reports are written."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmward.terms.errors import FirmwardError
from firmward.terms.stage import Stage
from firmward.vendor import judge, pipeline
from firmward.vendor.bundle import Bundle
from firmward.vendor.draft import Draft
from firmward.vendor.report.page import page
from firmward.vendor.report.spoken import summary, text
from firmward.vendor.report.told import Step, Told, scored
from firmward.vendor.request import Progress, ReleaseRefused, Request, Workshop
from firmward.vendor.speech import SAYS


@dataclass
class _Account:
    """What a run gave so far: the stages with their seconds, and the draft."""

    told: Progress
    started: float = field(default_factory=time.monotonic)
    stages: list[Step] = field(default_factory=list)
    draft: Draft | None = None

    def ended(self, stage: Stage, says: str) -> None:
        """Note a stage, and let the terminal show it."""
        at = time.monotonic()
        self.stages.append(Step(stage.value, at - self.started, says))
        self.started = at
        self.told(stage, says)

    def drafted(self, draft: Draft) -> None:
        """Note what is about to be judged."""
        self.draft = draft

    def report(self, shop: Workshop, error: FirmwardError | None) -> Told | None:
        """Everything as the report wants it; None if nothing was built."""
        if self.draft is None:
            return None
        made = self.draft
        # Also when a part gave no answer, the reader wants to see what the others found.
        refused = isinstance(error, ReleaseRefused)
        reasons = (*([] if refused else [str(error)]), *judge.reasons(made.examined))
        matches, safety = made.examined.matches, made.project.safety_class
        return Told(
            release=made.name,
            at=shop.clock(),
            source=made.source,
            artifact=made.artifact,
            examined=made.examined,
            stages=tuple(self.stages),
            published=error is None,
            reasons=reasons if error else (),
            signing=shop.keys.described(),
            scores=scored(matches, shop.advisories, safety),
        )


@dataclass(frozen=True)
class Wanted:
    """Where the reports go, if anywhere, and whether the terminal stays silent."""

    report: Path | None
    sarif: Path | None
    quiet: bool


def make(
    folder: Path, request: Request, shop: Workshop, wanted: Wanted, progress: Progress
) -> tuple[Bundle, dict[str, Any]]:
    """The bundle, and what `--json` tells besides; a refused release has its reports too."""
    account = _Account(progress)
    try:
        made = pipeline.release(folder, request, shop, account.ended, account.drafted)
    except FirmwardError as error:
        _write(account.report(shop, error), wanted)
        raise
    return made, _write(account.report(shop, None), wanted)


def _write(told: Told | None, wanted: Wanted) -> dict[str, Any]:
    """Write what was asked for and show the summary; its members for `--json`."""
    if told is None:
        return {}
    if wanted.report:
        wanted.report.write_text(page(told))
    if wanted.sarif:
        wanted.sarif.write_text(json.dumps(told.examined.log))
    if not wanted.quiet:
        SAYS.print(text(told))
    return {"summary": summary(told)}

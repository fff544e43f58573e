"""The threat model for readers: its predicate for the gate, and a page with the picture."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from firmward.vendor.scan.sarif import Finding
from firmward.vendor.threats import library as libraries
from firmward.vendor.threats.assess import MATRIX, Assessment, Judged, band
from firmward.vendor.threats.diagram import svg
from firmward.vendor.threats.model import Model

METHOD: Final = "exploitability"


def predicate(
    model: Model, digest: str, assessment: Assessment, drifted: Iterable[Finding]
) -> dict[str, Any]:
    """What a gate reads: how it was judged, what covers what, and everything that is open.

    digest  SHA-256 of the model's file
    """
    shelf = libraries.library()
    return {
        "method": METHOD,
        "model": {
            "system": model.system,
            "covers": list(model.covers),
            "reviewed": model.reviewed.isoformat(),
            "reviewer": model.reviewer,
            "digest": {"sha256": digest},
        },
        "library": {
            "name": shelf.name,
            "version": shelf.version,
            "digest": {"sha256": libraries.digest()},
        },
        "matrix": list(MATRIX),
        "counts": dict(sorted(Counter(each.status for each in assessment.judged).items())),
        "open": [_said(each) for each in assessment.open],
        "threats": [_said(each) for each in assessment.judged if not each.open],
        "drift": [{"rule": each.rule, "says": each.message} for each in drifted],
    }


def _said(each: Judged) -> dict[str, Any]:
    told = {
        "threat": each.threat.id,
        "stride": each.threat.stride,
        "element": each.element,
        "vector": each.vector,
        "sources": list(each.threat.sources),
        "likelihood": each.likelihood,
        "impact": each.impact,
        "band": each.band,
        "status": each.status,
        "mitigations": list(each.held),
        "unproven": [f"{control}: {evidence}" for control, evidence in each.failed],
        "why": each.why,
        "owner": each.owner,
        "until": each.until.isoformat() if each.until else "",
    }
    return {name: value for name, value in told.items() if value not in ("", [])}


def page(model: Model, assessment: Assessment, drifted: Sequence[Finding]) -> str:
    """One HTML file: the diagram, the matrix, every threat with its answer, and the drift."""
    loader = PackageLoader("firmward.vendor.threats", ".")
    shown = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return shown.get_template("page.html").render(
        model=model,
        diagram=svg(model, assessment),
        rows=_matrix(assessment),
        open=assessment.open,
        settled=[each for each in assessment.judged if not each.open],
        drifted=drifted,
        stale=assessment.stale,
        library=libraries.library(),
    )


def _matrix(assessment: Assessment) -> list[tuple[int, list[tuple[str, int, int]]]]:
    """Likelihood from high to low, with (band, open, all) for each grade of harm."""
    real = [each for each in assessment.judged if each.status != "not-applicable"]
    every = Counter((each.likelihood, each.impact) for each in real)
    left = Counter((each.likelihood, each.impact) for each in assessment.open)
    grades = range(1, 6)
    return [(p, [(band(p, i), left[p, i], every[p, i]) for i in grades]) for p in reversed(grades)]

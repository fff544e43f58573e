"""A release in few words: as JSON for programs, and for the person who waited for it."""

from collections import Counter
from typing import Any, Final

from rich.text import Text

from firmward.terms.legible import legible
from firmward.vendor.report import figures
from firmward.vendor.report.page import took
from firmward.vendor.report.told import Told
from firmward.vendor.scan.correlate import Issue

_TOP: Final = 5
_REASONS: Final = 5
_WIDE: Final = 160
_WORDS: Final = 70
_STYLES: Final = {"error": "bold red", "warning": "yellow", "note": "dim", "none": "dim"}
_VERDICTS: Final = {
    "released": "bold green",
    "released despite findings": "bold yellow",
    "not released": "bold red",
}


def summary(told: Told) -> dict[str, Any]:
    """The release in plain values, for `--json`."""
    found = told.examined
    again, tested, reviewed = told.artifact.verified, found.tested, found.reviewed
    return {
        "release": told.release,
        "verdict": told.verdict,
        "reasons": list(told.reasons),
        "commit": told.source.commit,
        "signer": told.source.signer.principal if told.source.signer else None,
        "development": told.development,
        "sandbox": told.artifact.sandbox,
        "reproducible": again.reproducible if again else None,
        "digests": told.artifact.digests() | ({"image": told.image} if told.image else {}),
        "missing": dict(found.missing),
        "issues": {
            "open": figures.levels(found.open),
            "bands": dict(Counter(issue.band for issue in found.open)),
            "answered": len(found.issues) - len(found.open),
            "top": [_issue(issue) for issue in found.open[:_TOP]],
            "expiredSuppressions": len(found.expired),
        },
        "components": {
            "all": len(found.inventory.parts),
            "unknown": len(found.inventory.unknown),
            "unpinned": len(found.inventory.unpinned),
        },
        "vulnerabilities": figures.vulnerabilities(told),
        "advisoriesAgeSeconds": round(found.advisories_age.total_seconds()),
        "outdatedCryptography": [a.name for a in found.assets if a.algorithm.outdated],
        "blackbox": tested.predicate["result"] if tested else None,
        "openThreats": len(reviewed.assessment.open) if reviewed else None,
        "openIncidents": sorted(found.answered.open),
        "stages": {step.stage: round(step.seconds, 3) for step in told.stages},
        "seconds": round(told.seconds, 3),
    }


def _issue(issue: Issue) -> dict[str, Any]:
    return {
        "level": issue.level,
        "band": issue.band,
        "rank": issue.rank,
        "class": issue.kind,
        "cwe": issue.cwe,
        "path": issue.path,
        "line": issue.line,
        "message": issue.message,
        "tools": list(issue.tools),
        "fingerprint": issue.fingerprint,
    }


def text(told: Told) -> Text:
    """What a person reads when the release ends; without markup it is `.plain`."""
    said = Text()
    said.append(f"{told.verdict.upper()} ", _VERDICTS[told.verdict])
    said.append(f"{_line(told.release)}{'  (development)' if told.development else ''}\n")
    for reason in told.reasons[:_REASONS]:
        said.append(f"  - {_line(reason)}\n", "red")
    _more(said, len(told.reasons) - _REASONS, "reasons in the report")
    _fact(said, "made", _made(told))
    for part, why in told.examined.missing.items():
        _fact(said, "missing", f"{part}: {why}", "bold red")
    _fact(said, "issues", _counts(told))
    for issue in told.examined.open[:_TOP]:
        said.append(f"  {issue.level:8}", _STYLES[issue.level])
        said.append(f"{_line(_shown(issue))}\n")
    _more(said, len(told.examined.open) - _TOP, "in the SARIF log")
    for name, says in _facts(told).items():
        _fact(said, name, says)
    slowest = sorted(told.stages, key=lambda step: -step.seconds)[:3]
    of = ", ".join(f"{step.stage} {took(step.seconds)}" for step in slowest)
    _fact(said, "time", f"{took(told.seconds)}{f': {of}' if of else ''}")
    said.rstrip()
    return said


def _shown(issue: Issue) -> str:
    """Where, what and by whom; a long message must not push the tools off the line."""
    where = f"{issue.path}:{issue.line}" if issue.line else issue.path
    said = issue.message if len(issue.message) <= _WORDS else f"{issue.message[: _WORDS - 1]}…"
    return f"{where}: {said} ({issue.kind}, by {', '.join(issue.tools)})"


def _made(told: Told) -> str:
    again = told.artifact.verified
    twice = "built once" if not again else "the same twice" if again.reproducible else "differs"
    signer = told.source.signer.principal if told.source.signer else "nobody verified"
    return f"{told.source.commit[:12]} signed by {signer}, sandbox {told.artifact.sandbox}, {twice}"


def _counts(told: Told) -> str:
    found = told.examined
    counts = ", ".join(
        f"{n} {level}{'s' if n != 1 else ''}" for level, n in figures.levels(found.open).items()
    )
    return f"{counts} open; {len(found.issues) - len(found.open)} answered for" + (
        f"; {len(found.expired)} suppressions past their day" if found.expired else ""
    )


def _facts(told: Told) -> dict[str, str]:
    """Name -> what is said of it, after the issues."""
    found, seen = told.examined, figures.vulnerabilities(told)
    inventory, reviewed = found.inventory, found.reviewed
    days = found.advisories_age.total_seconds() / 86400
    outdated = [asset.name for asset in found.assets if asset.algorithm.outdated]
    facts = {
        "advisories": f"{seen['affected']} affect it ({seen['exploited']} exploited),"
        f" {seen['unknown']} undecided; snapshot {days:.1f} days old",
        "components": f"{len(inventory.parts)}, {len(inventory.unknown)} unknown,"
        f" {len(inventory.unpinned)} not pinned",
    }
    if outdated:
        facts["outdated"] = ", ".join(outdated)
    facts["black box"] = _tested(told)
    facts["threats"] = f"{len(reviewed.assessment.open)} open" if reviewed else "no model"
    if found.answered.incidents:
        count = len(found.answered.incidents)
        facts["incidents"] = f"{len(found.answered.open)} open of {count}"
    return facts


def _tested(told: Told) -> str:
    tested = told.examined.tested
    if tested is None:
        return "not tested"
    inputs = tested.predicate.get("annotations", {}).get("inputs", "?")
    return f"{tested.predicate['result'].lower()}, {inputs} inputs"


def _fact(said: Text, name: str, says: str, style: str = "") -> None:
    said.append(f"{name:11}", "bold")
    said.append(f"{_line(says)}\n", style)


def _more(said: Text, count: int, where: str) -> None:
    if count > 0:
        said.append(f"  and {count} more {where}\n", "dim")


def _line(words: str) -> str:
    """One line of a terminal: a name from a tree must not break it or take hold of the screen."""
    line = legible(words.replace("\n", " ").replace("\t", " "))
    return line if len(line) <= _WIDE else line[: _WIDE - 1] + "…"

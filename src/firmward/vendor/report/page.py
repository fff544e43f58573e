"""A release's report: one HTML file with its own style; nothing is fetched and no script runs.

Names in it come from source trees, binaries and advisories, so from anybody: all are escaped, and
what would act on a reader instead of being read is shown as a sign in its place.

`page` is pure: the same release told gives the same bytes.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from firmward.terms.legible import legible
from firmward.terms.times import minute
from firmward.vendor.report import figures
from firmward.vendor.report.told import Told
from firmward.vendor.threats.diagram import svg

# A page with more rows is slower to load than the log it is made from is to search.
ROWS: Final = 300
COMPONENTS: Final = 500
_CLASSES: Final = 12
_FILES: Final = 100
_OPEN_THREATS: Final = 100
_WORDS: Final = 600


def page(told: Told) -> str:
    """The HTML file of a release."""
    template = _pages().get_template("page.html")
    return template.render(
        told=told,
        found=told.examined,
        project=told.project,
        **_issues(told),
        **_components(told),
        ciphers=figures.ciphers(told.examined.assets),
        tested=_tested(told),
        **_threats(told),
        incidents=_incidents(told),
    )


@cache
def _pages() -> Environment:
    """The templates, compiled once."""
    pages = Environment(
        loader=PackageLoader("firmward.vendor.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_readable,
    )
    pages.filters |= {"utc": minute, "days": _days, "short": _short, "took": took}
    return pages


def _readable(value: Any) -> Any:
    """Text that only can be read; what a template put together itself is left as it is."""
    return legible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _issues(told: Told) -> dict[str, Any]:
    issues = told.examined.issues
    left = told.examined.open
    done = [issue for issue in issues if issue.answered]
    return {
        "open": left[:ROWS],
        "open_total": len(left),
        "open_rest": figures.by_file(left[ROWS:])[:_FILES],
        "answered": done[:ROWS],
        "answered_total": len(done),
        "levels": figures.levels(left),
        "heat": figures.heat(issues),
        "classes": figures.classes(left, _CLASSES),
    }


def _components(told: Told) -> dict[str, Any]:
    inventory = told.examined.inventory
    shipped = figures.parts(told, inventory.shipped)
    ours = {id(part) for part in inventory.shipped}
    urgent = told.urgent
    apart = [
        s
        for s in urgent
        if s.match.advisory and s.match.status == "not_affected" and not s.match.vex
    ]
    return {
        "parts": shipped[:COMPONENTS],
        "parts_total": len(shipped),
        "tools": [part for part in inventory.parts if id(part) not in ours][:COMPONENTS],
        "concerned": _cut(figures.concerned(urgent)),
        "apart": apart[:ROWS],
        "apart_total": len(apart),
        "vulnerabilities": figures.vulnerabilities(told),
    }


def _cut(groups: list[figures.Concerned]) -> dict[str, Any]:
    """As many components as come to about ROWS vulnerabilities, and how many are left out."""
    shown: list[figures.Concerned] = []
    rows = 0
    for group in groups:
        room = ROWS - rows
        if room > 0:
            shown.append(figures.Concerned(group.name, group.scores[:room]))
            rows += min(room, len(group.scores))
    total = sum(len(group.scores) for group in groups)
    return {"groups": shown, "left": total - rows}


def _tested(told: Told) -> dict[str, Any] | None:
    """The black-box test's predicate with its settings gathered; None where there was none."""
    tested = told.examined.tested
    if tested is None:
        return None
    settings: dict[str, Any] = {}
    digest = ""
    for each in tested.predicate.get("configuration", []):
        settings |= each.get("annotations", {})
        digest = each.get("digest", {}).get("sha256", digest)
    return {
        "result": tested.predicate["result"],
        "checks": [
            (name, word)
            for member, word in (("failedTests", "failed"), ("warnedTests", "warned"),
                                 ("passedTests", "passed"))
            for name in tested.predicate.get(member, [])
        ],
        "says": dict(tested.predicate.get("annotations", {})),
        "settings": settings,
        "corpus": digest,
        "cached": tested.cached,
    }  # fmt: skip


def _threats(told: Told) -> dict[str, Any]:
    reviewed = told.examined.reviewed
    if reviewed is None:
        return {"reviewed": None}
    judged = reviewed.assessment.judged
    statuses: dict[str, int] = {}
    for each in judged:
        statuses[each.status] = statuses.get(each.status, 0) + 1
    return {
        "reviewed": reviewed,
        # The template takes it as markup: it escapes every name itself (threats/diagram.py).
        "diagram": legible(svg(reviewed.model, reviewed.assessment)),
        "statuses": sorted(statuses.items()),
        "open_threats": reviewed.assessment.open[:_OPEN_THREATS],
        "open_threats_total": len(reviewed.assessment.open),
    }


def _incidents(told: Told) -> list[Mapping[str, Any]]:
    """Each incident with its answer, the unanswered first."""
    given = told.examined.answered
    rows = [
        {"incident": each, "answer": given.answers.get(each.name), "why": given.open.get(each.name)}
        for each in given.incidents
    ]
    return sorted(rows, key=lambda row: row["why"] is None)


def _days(age: timedelta) -> str:
    hours = age / timedelta(hours=1)
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.1f} days"


def _short(text: str, most: int = _WORDS) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def took(seconds: float) -> str:
    """A time in the unit that people would say it in."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"

"""Issues: every tool's findings made one list, ranked by how easily they harm a patient.

Two findings are one issue when they are of one class of weakness on the same normalised line of
the same file, whichever tools said so.  An issue keeps its fingerprint while its line is edited
around, moved or re-indented; what several tools agree on is surer, never worse.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

from firmward.vendor.project import Suppression
from firmward.vendor.scan import classes
from firmward.vendor.scan.sarif import Finding, Level, Run, read_result
from firmward.vendor.threats.assess import Band, band

Line = Callable[[str, int], str]
"""line(path, number): that line of the tree, "" where there is none."""

FINGERPRINT: Final = "firmwardIssue/v1"
_SPACE: Final = re.compile(r"\s+")
_COMMENT: Final = re.compile(r"/\*.*?\*/|//.*$|\s#\s.*$")
_ORDER: Final[tuple[Level, ...]] = ("error", "warning", "note", "none")
_HARM: Final = {"A": 2, "B": 4, "C": 5}
_LARGEST: Final = 8 * 1024 * 1024
_TESTS: Final = re.compile(r"(?:^|/)(?:tests?|examples?|doc|docs|fuzz|bench)/")


def lines_of(root: Path) -> Line:
    """Lines of the tree, each file read once; what is no readable text has none."""

    @cache
    def read(path: str) -> list[str]:
        file = root / path
        inside = file.resolve().is_relative_to(root.resolve())
        if not inside or not file.is_file() or file.stat().st_size > _LARGEST:
            return []
        return file.read_text("utf-8", errors="replace").splitlines()

    def line(path: str, number: int) -> str:
        lines = read(path)
        return lines[number - 1] if 0 < number <= len(lines) else ""

    return line


@dataclass(frozen=True)
class Issue:
    """One weakness in one place.

    level           the worst that a tool gave it
    exploitability, harm   1 to 5; `band` is where they meet in the risk matrix
    tools           who found it
    answered        why it stands, by whom, until when; "" while nobody answers for it
    """

    path: str
    line: int
    kind: str
    cwe: int
    level: Level
    message: str
    rules: tuple[str, ...]
    tools: tuple[str, ...]
    exploitability: int
    harm: int
    fingerprint: str
    answered: str = ""

    @property
    def band(self) -> Band:
        """What the risk matrix says of it."""
        return band(self.exploitability, self.harm)

    @property
    def rank(self) -> float:
        """SARIF's rank, 0 to 100: exploitability first, then harm; sorts, and measures nothing."""
        return round((self.exploitability * 5 + self.harm - 5) / 25 * 100, 1)

    def __str__(self) -> str:
        """path:line: what (class, rules, by whom)."""
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where}: {self.message} ({self.kind}: {', '.join(self.rules)})"


@dataclass(frozen=True)
class Correlated:
    """The log with every result's fingerprint, rank and answer in it, and the issues, worst first.

    expired  suppressions past their day: what they covered counts again
    """

    log: dict[str, Any]
    issues: tuple[Issue, ...]
    expired: tuple[Suppression, ...]


@dataclass(frozen=True)
class _Seen:
    """One result of one run, with what it is recognised by."""

    run: int
    at: int
    tool: str
    found: Finding
    cwe: int
    text: str


def correlate(
    log: Mapping[str, Any],
    line: Line,
    rules: Sequence[Suppression],
    safety_class: str,
    today: date,
) -> Correlated:
    """Every finding of the log as issues, each marked with the answer that covers all of it.

    rules  who answers for which findings: nothing else takes a finding out of the count
    """
    groups: dict[tuple[str, str, str], list[_Seen]] = defaultdict(list)
    for seen in _results(log["runs"], line):
        name = classes.kind(seen.cwe).name
        # What no class holds is told apart by its rule, or everything unknown would be one issue.
        label = name if name != classes.OTHER.name else f"{seen.tool}/{seen.found.rule}"
        groups[(seen.found.path, label, seen.text)].append(seen)
    valid = [rule for rule in rules if today <= rule.until]
    runs = [{**run, "results": [dict(r) for r in run.get("results", [])]} for run in log["runs"]]
    issues = []
    for (_, label, text), group in groups.items():
        issue = _issue(group, label, text, valid, safety_class)
        issues.append(issue)
        _mark(runs, group, issue)
    issues.sort(key=_worst_first)
    expired = tuple(rule for rule in rules if today > rule.until)
    return Correlated({**log, "runs": runs}, tuple(issues), expired)


def _worst_first(issue: Issue) -> tuple[Any, ...]:
    level = _ORDER.index(issue.level)
    return bool(issue.answered), level, -issue.rank, -len(issue.tools), issue.path, issue.line


def _results(runs: Sequence[Run], line: Line) -> list[_Seen]:
    seen: list[_Seen] = []
    for number, run in enumerate(runs):
        tool = str(run.get("tool", {}).get("driver", {}).get("name", "?"))
        told = classes.weaknesses(run)
        for at, result in enumerate(run.get("results", [])):
            found = read_result(result)
            text = normalised(line(found.path, found.line)) if found.line else ""
            cwe = classes.weakness(found.rule, told)
            # Without a line of source, as in a binary, only the message tells two findings apart.
            seen.append(_Seen(number, at, tool, found, cwe, text or _plain(found.message)))
    return seen


def normalised(text: str) -> str:
    """A line of source without comments and with single spaces."""
    return _plain(_COMMENT.sub(" ", text))


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


def _issue(
    group: Sequence[_Seen],
    label: str,
    text: str,
    rules: Sequence[Suppression],
    safety_class: str,
) -> Issue:
    worst = min(group, key=lambda seen: (_ORDER.index(seen.found.level), seen.found.line))
    kind = classes.kind(worst.cwe)
    # Test and example code is not in the image; the harm it can do is second-hand.
    aside = bool(_TESTS.search(worst.found.path))
    ceiling = _HARM.get(safety_class, 5)
    key = "\0".join((worst.found.path, label, text))
    return Issue(
        path=worst.found.path,
        line=worst.found.line,
        kind=label,
        cwe=worst.cwe,
        level=worst.found.level,
        message=worst.found.message,
        rules=tuple(sorted({seen.found.rule for seen in group})),
        tools=tuple(sorted({seen.tool for seen in group})),
        exploitability=max(1, kind.exploitability - (2 if aside else 0)),
        harm=max(1, min(kind.reach, ceiling) - (2 if aside else 0)),
        fingerprint=hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        answered=_answer(group, label, rules),
    )


def _answer(group: Sequence[_Seen], label: str, rules: Sequence[Suppression]) -> str:
    """Every finding of an issue must be answered for, or the issue is not."""
    reasons = []
    for seen in group:
        fitting = [rule for rule in rules if _fits(rule, seen.found, label)]
        if not fitting:
            return ""
        reasons.append(f"{fitting[0].reason} ({fitting[0].owner}, until {fitting[0].until})")
    return reasons[0]


def _fits(rule: Suppression, found: Finding, label: str) -> bool:
    return rule.rule in (found.rule, label) and fnmatchcase(found.path, rule.path)


def _mark(runs: Sequence[dict[str, Any]], group: Sequence[_Seen], issue: Issue) -> None:
    for seen in group:
        result = runs[seen.run]["results"][seen.at]
        prints = result.get("partialFingerprints", {})
        result["partialFingerprints"] = {**prints, FINGERPRINT: issue.fingerprint}
        result["rank"] = issue.rank
        if issue.answered and not result.get("suppressions"):
            result["suppressions"] = [{"kind": "external", "justification": issue.answered}]

"""Findings as SARIF 2.1.0: written for our own scanners, read back from any."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast, get_args

from firmward.binaries.hits import Level as Level
from firmward.terms.errors import Unavailable

SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

Run = dict[str, Any]


@dataclass(frozen=True, order=True)
class Finding:
    """One thing found.  `line` is 0 where there is none, as in a binary."""

    path: str
    line: int
    rule: str
    level: Level
    message: str

    def __str__(self) -> str:
        """path:line: what (rule)."""
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where}: {self.message} ({self.rule})"


@dataclass(frozen=True)
class Rule:
    """What a scanner of ours looks for, and how bad it is.

    cwe  number in the Common Weakness Enumeration, 0 for none: findings of several tools are
         recognised as one by it
    """

    id: str
    level: Level
    says: str
    cwe: int = 0


def run(
    tool: str,
    version: str,
    rules: Sequence[Rule],
    findings: Iterable[Finding],
    notes: Sequence[str] = (),
) -> Run:
    """A SARIF run of one tool.

    notes  what a reader must know to weigh it, such as that there was nothing to scan
    """
    told = [{"level": "note", "message": {"text": note}} for note in notes]
    ended = {"executionSuccessful": True, "toolExecutionNotifications": told}
    return {
        "tool": {
            "driver": {
                "name": tool,
                "semanticVersion": version,
                "rules": [
                    {
                        "id": rule.id,
                        "shortDescription": {"text": rule.says},
                        "defaultConfiguration": {"level": rule.level},
                        **_tagged(rule),
                    }
                    for rule in rules
                ],
            }
        },
        "results": [_result(finding) for finding in sorted(findings)],
        **({"invocations": [ended]} if notes else {}),
    }


def _tagged(rule: Rule) -> dict[str, Any]:
    """The tag by which code hosts know a CWE."""
    return {"properties": {"tags": [f"external/cwe/cwe-{rule.cwe}"]}} if rule.cwe else {}


def _result(finding: Finding) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": finding.path}}
    if finding.line:
        place["region"] = {"startLine": finding.line}
    return {
        "ruleId": finding.rule,
        "level": finding.level,
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": place}],
    }


def merge(runs: Sequence[Run]) -> dict[str, Any]:
    """One log of several runs."""
    return {"version": "2.1.0", "$schema": SCHEMA, "runs": list(runs)}


def findings(log: dict[str, Any]) -> tuple[Finding, ...]:
    """What a log reports and nobody answers for.  Raises Unavailable for what is no SARIF."""
    try:
        return tuple(
            read_result(result)
            for each in log["runs"]
            for result in each.get("results", [])
            if not result.get("suppressions")
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise Unavailable(f"scan: expected SARIF 2.1.0, got something without {error}") from error


def read_result(result: dict[str, Any]) -> Finding:
    """One result of any tool as a finding.  Raises KeyError or TypeError for what is none."""
    locations = result.get("locations") or [{}]
    place = locations[0].get("physicalLocation", {})
    level = result.get("level", "warning")
    # A level this version does not know is taken for the worst.
    known = cast(Level, level) if level in get_args(Level) else "error"
    return Finding(
        path=place.get("artifactLocation", {}).get("uri", ""),
        line=place.get("region", {}).get("startLine", 0),
        rule=result.get("ruleId", ""),
        level=known,
        message=result["message"]["text"],
    )

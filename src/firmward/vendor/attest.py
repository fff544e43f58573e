"""What the vendor states about an image, as in-toto predicates: how it was made and what is in it.

A predicate says nothing of which image it is about; the statement's subject does (terms.statement).
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from importlib.metadata import version
from typing import Any, Final

from firmward.terms.advisories import Advisories, Match
from firmward.vendor.build import Artifact
from firmward.vendor.project import Project
from firmward.vendor.scan.together import Findings
from firmward.vendor.source import Source

BUILD_TYPE: Final = "https://firmward.dev/build/command/v1"
_STATUS: Final = {
    "affected": "affected",
    "unknown": "under_investigation",
}


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def provenance(source: Source, artifact: Artifact, number: str, counter: int) -> dict[str, Any]:
    """SLSA provenance v1 (slsa.dev/spec/v1.0/provenance)."""
    origin = source.remote or f"file:///{source.repository.name}"
    commit = {
        "uri": f"git+{origin}@{source.commit}",
        "digest": {"gitCommit": source.commit, "gitTree": source.tree},
    }
    tools = [
        {"uri": f"pkg:pypi/{name}@{at}", "name": name}
        for name, at in sorted(artifact.toolchain.items())
    ]
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "source": commit["uri"],
                "project": source.folder,
                "version": number,
                "counter": counter,
            },
            "internalParameters": {"command": list(artifact.command), "sandbox": "none"},
            "resolvedDependencies": [commit, *tools],
        },
        "runDetails": {
            "builder": {
                "id": f"urn:firmward:builder:{source.project.vendor}",
                "version": {"firmward": version("firmward")},
            },
            "metadata": {
                "startedOn": stamp(artifact.started),
                "finishedOn": stamp(artifact.finished),
            },
            "byproducts": [
                {"name": name, "digest": {"sha256": digest}}
                for name, digest in artifact.digests().items()
            ],
        },
    }


def scan(findings: Findings) -> dict[str, Any]:
    """The SARIF log.  Raises Unavailable while a scanner's answer is missing."""
    return {"sarif": findings.whole().log}


def vulnerabilities(matches: Sequence[Match], advisories: Advisories) -> dict[str, Any]:
    """Every record that may concern a component, with a VEX status; and what no record knows.

    A record whose ranges leave the version out is listed apart, without a VEX word: a comparison of
    numbers is no assessment, and must not outlive the advisory it was made with.

    Source: in-toto attestation framework, predicate vulns v0.2, with the status words of OpenVEX.
    """
    known = [match for match in matches if match.advisory]
    return {
        "scanner": {
            "name": "firmward-match",
            "version": version("firmward"),
            "db": {"name": "osv+kev", "last_update": stamp(advisories.snapshot)},
        },
        "result": [_assessed(match) for match in known if match.status != "not_affected"],
        "outOfRange": [_named(match) for match in known if match.status == "not_affected"],
        "unmatched": [match.component.purl for match in matches if not match.advisory],
    }


def _assessed(match: Match) -> dict[str, Any]:
    said = _named(match) | {
        "status": _STATUS[match.status],
        "justification": "",
        "kev": match.exploited,
    }
    return said | ({"cvss_vector": match.vector} if match.vector else {})


def _named(match: Match) -> dict[str, Any]:
    return {
        "id": match.cve or match.advisory,
        "component": match.component.purl,
        "reason": match.reason,
    }


def declaration(project: Project, number: str, counter: int) -> dict[str, Any]:
    """The vendor's form answers; {version} and {counter} stand for this release's own."""
    words = {"{version}": number, "{counter}": str(counter)}
    return {
        section: {name: _filled(value, words) for name, value in answers.items()}
        for section, answers in project.declaration.items()
    }


def _filled(value: Any, words: dict[str, str]) -> Any:
    if isinstance(value, str):
        for word, meant in words.items():
            value = value.replace(word, meant)
        return value
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date):
        return stamp(datetime.combine(value, time(), UTC))
    if isinstance(value, list):
        return [_filled(item, words) for item in value]
    if isinstance(value, dict):
        return {name: _filled(item, words) for name, item in value.items()}
    return value

"""What the vendor states about an image, as in-toto predicates: how it was made and what is in it.

A predicate says nothing of which image it is about; the statement's subject does (terms.statement).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from importlib.metadata import version
from typing import Any, Final

from firmward.advisories.index import Index
from firmward.advisories.match import Match
from firmward.terms.times import moment
from firmward.terms.wire import plain
from firmward.vendor.build.artifact import Artifact
from firmward.vendor.project import Project
from firmward.vendor.source.commit import Source
from firmward.vendor.source.manifests.pin import Pin
from firmward.vendor.source.stated import resolved

BUILD_TYPE: Final = "https://firmward.dev/build/command/v1"
_STATUS: Final = {
    "affected": "affected",
    "unknown": "under_investigation",
}


def provenance(
    source: Source,
    artifact: Artifact,
    number: str,
    counter: int,
    *,
    signing: Mapping[str, Any] | None = None,
    pins: Sequence[Pin] = (),
) -> dict[str, Any]:
    """SLSA provenance v1 (slsa.dev/spec/v1.0/provenance).

    signing  what kinds of keys sign the release, and where they are held
    pins     the dependencies that a digest fixes
    raises   Misuse for a source whose signature nobody verified
    """
    inputs = resolved(source, pins)
    tools = [
        {"uri": f"pkg:pypi/{name}@{at}", "name": name}
        for name, at in sorted(artifact.toolchain.items())
    ]
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "source": inputs[0]["uri"],
                "project": source.folder,
                "version": number,
                "counter": counter,
            },
            "internalParameters": {
                "command": list(artifact.command),
                "sandbox": artifact.sandbox,
                **({"signing": dict(signing)} if signing else {}),
            },
            "resolvedDependencies": [*inputs, *tools],
        },
        "runDetails": {
            "builder": {
                "id": f"urn:firmward:builder:{source.project.vendor}",
                "version": {"firmward": version("firmward")},
            },
            "metadata": {
                "startedOn": moment(artifact.started),
                "finishedOn": moment(artifact.finished),
            },
            "byproducts": [
                {"name": name, "digest": {"sha256": digest}, **_said_again(artifact)}
                for name, digest in artifact.digests().items()
            ],
        },
    }


def _said_again(artifact: Artifact) -> dict[str, Any]:
    """What a second build gave, beside the digests of the first; nothing if there was none."""
    return {"annotations": artifact.annotations()} if artifact.verified else {}


def vulnerabilities(matches: Sequence[Match], advisories: Index) -> dict[str, Any]:
    """Every record that may concern a component, with a VEX status; and what no record knows.

    A record whose ranges leave the version out is listed apart, without a VEX word: a comparison of
    numbers is no assessment, and must not outlive the advisory it was made with.  Where somebody
    did assess, the statement is given with its author, and holds as signed by the vendor.

    Source: in-toto attestation framework, predicate vulns v0.2, with the status words of OpenVEX.
    """
    known = [match for match in matches if match.advisory]
    assessed = [match for match in known if match.status != "not_affected" or match.vex]
    apart = [match for match in known if match.status == "not_affected" and not match.vex]
    return {
        "scanner": {
            "name": "firmward-match",
            "version": version("firmward"),
            "db": {
                "name": "+".join(feed.name for feed in advisories.feeds()),
                "last_update": moment(advisories.snapshot),
            },
        },
        "result": [_assessed(match) for match in assessed],
        "outOfRange": [_named(match) for match in apart],
        "unmatched": [_component(match) for match in matches if not match.advisory],
    }


def _assessed(match: Match) -> dict[str, Any]:
    said = match.vex
    stands = said is not None and not said.void and not said.outdated
    told = _named(match) | {
        "status": said.status if said and stands else _STATUS.get(match.status, match.status),
        "justification": (said.justification or said.impact) if said and stands else "",
        "kev": match.exploited,
        "records": [f"{source}:{record}" for source, record in match.records],
    }
    optional = {"cvss_vector": match.vector, "fixed_in": match.fixed}
    told |= {name: value for name, value in optional.items() if value}
    return told | ({"vex": plain(said)} if said else {})


def _named(match: Match) -> dict[str, Any]:
    return {
        "id": match.cve or match.advisory,
        "component": _component(match),
        "reason": match.reason,
    }


def _component(match: Match) -> str:
    return match.component.purl or match.component.name


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
        return moment(value)
    if isinstance(value, date):
        return moment(datetime.combine(value, time(), UTC))
    if isinstance(value, list):
        return [_filled(item, words) for item in value]
    if isinstance(value, dict):
        return {name: _filled(item, words) for name, item in value.items()}
    return value

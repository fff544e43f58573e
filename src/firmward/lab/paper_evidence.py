"""The evidence a paper vendor hands over: one predicate for each statement of a good release."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from firmward.lab import paper_forms
from firmward.terms.statement import (
    CYCLONEDX,
    DECLARATION,
    PROVENANCE,
    SARIF,
    TEST_RESULT,
    THREAT_MODEL,
    VULNERABILITIES,
)
from firmward.terms.times import moment


@dataclass(frozen=True)
class Predicate:
    """A statement's predicate type and predicate."""

    kind: str
    body: dict[str, Any]


def good(vendor: str, model: str, version: str, now: datetime) -> Mapping[str, Predicate]:
    """Evidence name -> predicate, such that a hospital's baseline finds nothing to refuse."""
    earlier = moment(now - timedelta(days=1))
    return {
        "provenance": Predicate(PROVENANCE, _provenance(vendor, earlier)),
        "sbom": Predicate(CYCLONEDX, _sbom(vendor, model, version, earlier)),
        "scan": Predicate(SARIF, _scan()),
        "vulnerabilities": Predicate(VULNERABILITIES, _vulnerabilities(earlier)),
        "threats": Predicate(THREAT_MODEL, _threats(model, version)),
        "blackbox": Predicate(TEST_RESULT, _blackbox()),
        "declaration": Predicate(DECLARATION, paper_forms.vendors(version)),
    }


def installed(vendor: str, model: str, version: str, now: datetime) -> Predicate:
    """The SBOM of what devices run already, for the release's way back."""
    return Predicate(CYCLONEDX, _sbom(vendor, model, version, moment(now - timedelta(days=1))))


def _provenance(vendor: str, earlier: str) -> dict[str, Any]:
    """SLSA provenance v1 (slsa.dev/spec/v1.0/provenance)."""
    source = {"uri": f"git+https://{vendor}.example/firmware", "digest": {"gitCommit": "0" * 40}}
    return {
        "buildDefinition": {
            "buildType": "https://firmward.dev/build/v1",
            "externalParameters": {"version": "as tagged"},
            "internalParameters": {
                "signing": {
                    "development": False,
                    "targets": ["pkcs11:ecdsa-p256", "pkcs11:ml-dsa-87"],
                    "evidence": ["pkcs11:ecdsa-p256"],
                    "firmware": ["pkcs11:ecdsa-p256"],
                }
            },
            "resolvedDependencies": [source],
        },
        "runDetails": {
            "builder": {"id": f"https://{vendor}.example/builder"},
            "metadata": {"startedOn": earlier, "finishedOn": earlier},
        },
    }


def _sbom(vendor: str, model: str, version: str, earlier: str) -> dict[str, Any]:
    """CycloneDX 1.6 with the NTIA minimum elements and the support of each component."""
    part = {
        "type": "library",
        "bom-ref": "tinyframe",
        "name": "tinyframe",
        "version": "1.4.2",
        "supplier": {"name": "Tinyframe project"},
        "purl": "pkg:generic/tinyframe@1.4.2",
        "properties": [
            {"name": "firmward:support_level", "value": "maintained"},
            {"name": "firmward:end_of_support", "value": "2031-01-01T00:00:00Z"},
            {"name": "firmward:soup", "value": "true"},
            {"name": "firmward:soup_requirements", "value": "true"},
            {"name": "firmward:anomaly_list_evaluated", "value": "true"},
        ],
    }
    main = {"type": "firmware", "bom-ref": "main", "name": model, "version": version}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": earlier,
            "authors": [{"name": vendor}],
            "component": main,
        },
        "components": [part],
        "dependencies": [
            {"ref": "main", "dependsOn": ["tinyframe"]},
            {"ref": "tinyframe", "dependsOn": []},
        ],
        "compositions": [{"aggregate": "complete", "assemblies": ["main"]}],
    }


def _scan() -> dict[str, Any]:
    """SARIF 2.1.0: one run per tool, nothing found."""
    tools = ("cppcheck", "firmward-secrets", "firmward-binary")
    runs = [{"tool": {"driver": {"name": tool, "version": "1"}}, "results": []} for tool in tools]
    return {"sarif": {"version": "2.1.0", "runs": runs}}


def _vulnerabilities(earlier: str) -> dict[str, Any]:
    scanner = {
        "name": "firmward-match",
        "version": "1",
        "db": {"name": "osv+kev", "last_update": earlier},
    }
    return {"scanner": scanner, "result": []}


def _threats(model: str, version: str) -> dict[str, Any]:
    """A threat model that covers the version, with nothing open and nothing unknown to it."""
    return {
        "method": "exploitability",
        "model": {"system": model, "covers": [version], "digest": {"sha256": "7" * 64}},
        "open": [],
        "threats": [],
        "drift": [],
    }


def _blackbox() -> dict[str, Any]:
    """An in-toto test result v0.1: fuzzed for a minute, and nothing happened."""
    return {
        "result": "PASSED",
        "configuration": [{"name": "corpus", "digest": {"sha256": "8" * 64}}],
        "passedTests": ["blackbox-crash", "blackbox-hang", "blackbox-reset"],
        "warnedTests": [],
        "failedTests": [],
        "annotations": {"inputs": 60_000, "seconds": 60.0, "findings": []},
    }
